"""An outsider audits a platform from the file of its log and from L1 alone.

- every block is executed again, every certificate checked; every order was decided
- listings, deposits and roots are L1's, in order, and none was kept waiting
- a contract's orders stand under the root that it authorised on L1
- people's levels by the registry's events are those that the registry says
- every batch on L1, by calldata and by blobs, holds exactly the blocks' operations
- the claims are of withdrawals in batches, and the vault holds what is owed
- a log with a changed byte, order, vote or identity makes nothing final from there on
"""

import asyncio
import zlib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from backend import local
from backend.api_key import read_api_key
from backend.settlement.client import ChainClient
from scripts.demo.__main__ import PAYMENTS, demo_settings
from scripts.demo.people import People, read_lines
from scripts.demo.programmable import tell_prizes
from scripts.demo.screen import Screen
from scripts.demo.story import Story
from tests.independent import audit, log, typed
from tests.independent.answers import Known
from tests.independent.batch_audit import BatchAudit
from tests.independent.blocks import operations_of
from tests.independent.codec import ZERO_HASH, Invalid, keccak, u
from tests.independent.deposits import withdrawal_key
from tests.independent.l1 import Node, key_of_claim
from tests.independent.l1_batches import read_history
from tests.independent.records import RootedOrder
from tests.independent.state import State

LINES = 30


@dataclass(frozen=True)
class Platform:
    """All that an outsider is given: a file, a node's address, and which contract it is."""

    log_bytes: bytes
    node: Node
    domain: typed.Domain


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    settings = demo_settings(tmp_path_factory.mktemp("audit"))
    people = People("audit")
    lines = read_lines(PAYMENTS, people, LINES)

    async def run() -> bytes:
        started = await local.start(settings)
        chain = ChainClient(settings.rpc_url)
        deployment = started.deployed.deployment
        api = (started.api_url, read_api_key(settings))
        try:
            await Story(api, chain, deployment, people, lines, Screen()).tell()
            await asyncio.to_thread(tell_prizes, settings, Screen())
        finally:
            await chain.close()
        return deployment.address("Rollup")

    try:
        rollup = asyncio.run(run())
        node = Node(settings.rpc_url, rollup)
        domain = typed.Domain(int(node.ask("eth_chainId"), 16), rollup)
        yield Platform(_read_at_rest(settings.data_dir / "ledger.log"), node, domain)
    finally:
        asyncio.run(local.stop(settings))


def _read_at_rest(path: Path) -> bytes:
    """The file up to its last whole frame: a running platform may be writing the next one."""
    data = path.read_bytes()
    end = 0
    while any(data[end : end + log.HEAD]):
        frame_end = end + log.frame_size(int.from_bytes(data[end + 12 : end + 16]))
        if frame_end > len(data) or not any(data[frame_end - 8 : frame_end]):
            break
        end = frame_end
    return data[:end]


def new_audit(platform: Platform, entries: list[log.Entry]) -> audit.Audit:
    """The sequencer isn't on L1: it is whoever signed the first proposal."""
    first = next(e.payload for e in entries if isinstance(e.payload, log.ProposedBlock))
    digest = platform.domain.digest(typed.PROPOSAL, first.block.digest(platform.domain))
    sequencers = (typed.signer_of(digest, first.signature),)
    (_, first_epoch), *_ = platform.node.epochs()
    committee = audit.Committee(1, first_epoch.members, sequencers)
    code = bytes.fromhex(
        platform.node.ask("eth_getCode", "0x" + platform.domain.contract.hex(), "latest")[2:]
    )
    return audit.Audit(platform.domain, committee, keccak(code))


def replay(platform: Platform, entries: list[log.Entry]) -> audit.Audit:
    return feed_all(new_audit(platform, entries), entries)


def feed_all(run: audit.Audit, entries: list[log.Entry]) -> audit.Audit:
    for entry in entries:
        run.feed(entry)
    return run


@pytest.fixture(scope="module")
def entries(platform):
    return [log.read_entry(entry) for entry in log.read_log(platform.log_bytes)]


@pytest.fixture(scope="module")
def audited(platform, entries):
    return replay(platform, entries)


def test_log__whole__makes_every_block_final_succeeds(platform, entries, audited):
    proposed = [e.payload for e in entries if isinstance(e.payload, log.ProposedBlock)]

    assert [final.block.number for final in audited.finals] == list(range(1, len(proposed) + 1))
    for final in audited.finals:
        assert len(final.signatures) == audited.committee.quorum == 3
        for signer, signature in final.signatures.items():
            assert typed.signer_of(final.hash, signature) == signer
    assert len(audited.executed) >= LINES
    assert (audited.accepted, audited.rejected) == ({}, {})


def test_l1_facts__of_all_blocks__are_those_of_l1_in_order_holds(platform, audited):
    facts = platform.node.facts()

    facts.check(audited.finals)

    assert audited.queue == [one for _, one in facts.deposits]
    assert list(audited.state.assets.values()) == [one for _, one in facts.listings]
    assert audited.state.roots == {one for _, one in facts.roots}


def test_payout__of_a_contract__is_under_its_root_holds(audited):
    """The treasury has no key: one root, approved by its own rules, pays all winners."""
    (root,) = audited.state.roots

    paid = [
        record
        for final in audited.finals
        for record in final.body.records
        if isinstance(record, RootedOrder)
    ]

    assert len(paid) == 1_000
    assert {(record.order.payer, record.root) for record in paid} == {(root.owner, root.root)}


def test_levels__of_all_who_deposited__are_those_of_the_registry_holds(platform, audited):
    node, head = platform.node, platform.node.ask("eth_getBlockByNumber", "latest", False)
    registry = node.call(node.rollup, "gate")[-20:]
    place = (int(head["number"], 16), int(head["timestamp"], 16))

    levels = node.levels({})

    for owner in {one.owner for one in audited.queue}:
        known = node.call(registry, "levelOf", ["address"], "0x" + owner.hex())
        assert levels.level(owner, *place) == int.from_bytes(known) == 1


@pytest.fixture(scope="module")
def batches(platform, audited):
    node, domain = platform.node, platform.domain
    records = [record for final in audited.finals for record in final.body.records]
    known = Known(domain, records, audited.state.roots, node.requests())
    start = State(assets=dict(audited.state.assets))
    run = BatchAudit(domain, node.epochs(), start, audited.queue, node, known)
    for event in read_history(node):
        run.feed(event)
    run.check(audited.finals)
    return run


def test_batches__on_l1__hold_the_blocks_succeeds(platform, audited, batches):
    run = batches

    assert platform.node.number("tip") == run.header.number == len(run.standing) == 2
    assert platform.node.number("frontier") == run.frontier == 2
    assert platform.node.number("depositCount") == len(audited.queue)
    last = audited.finals[run.header.last_block_number - 1]
    assert last.root == run.state.root() == run.header.post_root


def test_claims__and_vault__are_what_the_batches_say_succeeds(platform, audited, batches):
    run = batches
    event = "WithdrawalClaimed(address,uint16,bytes32,uint64,address,uint256,uint64,uint256)"
    claims = platform.node.logs(event)

    claimed = [withdrawal_key(*key_of_claim(claim)) for claim in claims]

    assert claimed == [claim.topics[3] for claim in claims]
    assert len(set(claimed)) == len(claimed) == len(run.keys) - 1
    assert {key for key in run.keys if platform.node.claimant_of(key) == 1} == set(claimed)
    owed = Counter[int]()
    for leaf in audited.state.leaves.values():
        owed[leaf.asset_id] += leaf.balance_minor
    withdrawn = Counter[int]()
    for final in audited.finals:
        for operation in operations_of(final.steps):
            if operation.kind == "withdrawal":
                asset_id = audited.state.leaves[operation.payer].asset_id
                withdrawn[asset_id] += operation.amount_minor
    for asset_id, asset in audited.state.assets.items():
        paid = sum(key_of_claim(c)[3] for c in claims if key_of_claim(c)[2] == asset.token)
        held = (owed[asset_id] + withdrawn[asset_id]) * asset.unit - paid
        assert platform.node.vault(asset.token) == held


# LOGS THAT LIE


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.999])
def test_read_log__changed_byte__rejects(platform, share):
    data = bytearray(platform.log_bytes)
    data[int(share * len(data))] ^= 1

    with pytest.raises(Invalid):
        log.read_log(bytes(data))


def _first(entries: list[log.Entry], has: type, condition=lambda payload: True) -> int:
    return next(
        index
        for index, entry in enumerate(entries)
        if isinstance(entry.payload, has) and condition(entry.payload)
    )


def _with(entries: list[log.Entry], index: int, payload: log.Payload) -> list[log.Entry]:
    return [*entries[:index], replace(entries[index], payload=payload), *entries[index + 1 :]]


def test_audit__changed_body__nothing_is_final_from_there_on_holds(platform, entries):
    index = _first(entries, log.ProposedBlock, lambda found: found.block.number == 5)
    found = entries[index].payload
    forged = replace(found, body=found.body[:-1] + bytes([found.body[-1] ^ 1]))

    run = replay(platform, _with(entries, index, forged))

    assert len(run.finals) == 4


def test_audit__too_few_votes__nothing_is_final_from_there_on_holds(platform, entries, audited):
    hashed = audited.finals[6].hash
    quorum = audited.committee.quorum
    votes = [
        index
        for index, entry in enumerate(entries)
        if isinstance(entry.payload, log.Vote) and entry.payload.block_hash == hashed
    ]
    dropped = set(votes[quorum - 1 :])
    repeated = [entries[votes[0]]] * quorum
    left = [entry for index, entry in enumerate(entries) if index not in dropped]

    run = replay(platform, left + repeated)

    assert len(run.finals) == 6


def test_audit__another_ledger__rejects(platform, entries):
    identity = replace(entries[0].payload, chain_id=1)

    with pytest.raises(Invalid):
        replay(platform, _with(entries, 0, identity))


def test_audit__certified_theft__rejects(platform, entries, audited):
    """A committee that lies as a whole is found out by whoever executes its blocks."""
    secrets = [keccak(b"member", u(index, 1)) for index in range(5)]
    members = tuple(sorted(map(typed.address_of, secrets[:4])))
    run = new_audit(platform, entries)
    run.committee = audit.Committee(1, members, (typed.address_of(secrets[4]),))
    index = _first(entries, log.ProposedBlock)
    found = entries[index].payload
    block = replace(found.block, operations_hash=keccak(b"theft"))
    digest = block.digest(platform.domain)
    seen_at = _first(entries, log.Seen)
    seen = entries[seen_at].payload
    attested = platform.domain.digest(typed.SEEN, seen.l1_block_number + 1_000, seen.l1_block_hash)
    payloads = [entries[0].payload]
    for secret in secrets[:4]:
        signature = typed.sign(secret, attested)
        payloads.append(log.Seen(seen.l1_block_number + 1_000, seen.l1_block_hash, signature))
    proposal = typed.sign(secrets[4], platform.domain.digest(typed.PROPOSAL, digest))
    payloads.append(log.ProposedBlock(block, proposal, found.body))
    payloads += [log.Vote(digest, typed.sign(secret, digest)) for secret in secrets[:4]]

    lies = [log.Entry(entries[index].stamp_ms, payload) for payload in payloads]

    with pytest.raises(Invalid, match="the operations are others"):
        feed_all(run, lies)


def test_read_log__entries_written_anew__are_the_same_succeeds(platform, entries):
    """Our writer's bytes in our frames: nothing of the file is lost on the way."""
    written = [log.write_entry(entry) for entry in entries]
    frame, _ = log.write_frame(ZERO_HASH, 0, written)

    assert log.read_log(frame) == written == log.read_log(platform.log_bytes)
    assert zlib.crc32(frame[:20]) == int.from_bytes(frame[20:24])
