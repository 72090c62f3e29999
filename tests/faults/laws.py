"""What must hold after each crash, and once all is settled."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from backend.engine.ledger import Ledger
from backend.engine.replica import FinalBlock
from backend.protocol.batches import GENESIS_HASH
from backend.protocol.types import BRIDGE
from backend.settlement.client import ChainClient
from backend.settlement.decoding import EventReader
from backend.settlement.events import BatchPosted, DepositSeen, WithdrawalClaimed
from backend.settlement.rollup import Rollup
from causeway import AsyncClient
from causeway.transport import Request
from tests.faults.customers import Rooted
from tests.faults.world import World, wait_for
from tests.property.invariants import accounts_are_well_formed, money_is_conserved


@dataclass(frozen=True)
class Journal:
    """What the final blocks in the log say."""

    blocks: list[FinalBlock]
    executed: list[bytes]
    rejected: list[bytes]
    ledger: Ledger


def journal_of(world: World) -> Journal:
    """Read the final blocks, and execute them upon an empty ledger."""
    blocks = world.blocks()
    ledger = Ledger()
    for final in blocks:
        ledger.advance(final.execution.changes)
    return Journal(
        blocks,
        [bytes(id_) for final in blocks for id_ in final.payment_ids],
        [bytes(ended_id) for final in blocks for ended_id, _ in final.rejected_ids],
        ledger,
    )


def orders_end_once(world: World, journal: Journal) -> None:
    """Each order that was answered is in the journal once; each that is there was sent by us."""
    ended = Counter(journal.executed) + Counter(journal.rejected)
    numbers = [final.block.number for final in journal.blocks]
    assert numbers == list(range(1, len(numbers) + 1))
    lost = [id_.hex() for id_ in world.book.answered if id_ not in ended]
    assert not lost, f"answered, and neither final nor rejected: {lost}"
    assert set(ended.values()) <= {1}, [id_.hex() for id_, n in ended.items() if n > 1]
    assert ended.keys() <= world.book.sent.keys() | world.book.groups.keys()
    final = set(journal.executed)
    for link, legs in world.book.groups.items():
        assert len(final.intersection(legs)) in (0, len(legs)), f"group {link.hex()} is torn"
        assert link not in ended or not final.intersection(legs), f"group {link.hex()}"
        assert link not in ended or ended.keys() >= set(legs), f"group {link.hex()}"
    for id_, one in world.book.sent.items():
        if one.status != "unknown":
            assert (one.status == "rejected") <= (id_ not in final), one
            assert (one.status in ("final", "posted", "settled")) <= (id_ in final), one


def all_kinds_were_paid(world: World, journal: Journal) -> None:
    """A drill without groups, or without orders under a root, would show nothing about them."""
    final = set(journal.executed)
    assert any(final.issuperset(legs) for legs in world.book.groups.values())
    assert any(isinstance(world.book.sent[id_].signed, Rooted) for id_ in final)
    assert any(block.body.roots for block in journal.blocks)


def ledger_is_the_model(world: World, journal: Journal) -> None:
    """The ledger says what follows from the book, by arithmetic that shares no code with it."""
    fee_owner = world.deployment.roles.fee_owner
    deposits = [record for final in journal.blocks for record in final.body.deposits]
    expected = world.book.balances(len(deposits), journal.executed, fee_owner)
    ledger = {
        key: journal.ledger.leaves[account_id].balance_minor
        for key, account_id in journal.ledger.account_ids.items()
    }
    assert {key: n for key, n in ledger.items() if n} == {
        (owner, asset_id): n for (owner, asset_id), n in expected.items() if n
    }
    accounts_are_well_formed(journal.ledger)
    withdrawn = [
        (one.asset.asset_id, one.amount_minor) for one in world.book.withdrawn(journal.executed)
    ]
    claimed = [world.book.sent[id_] for id_ in world.book.claimed]
    withdrawn += [(one.asset.asset_id, one.amount_minor) for one in claimed]
    money_is_conserved(journal.ledger, deposits, withdrawn)


async def records_are_the_ledger(world: World, journal: Journal, client: AsyncClient) -> None:
    """The records show the ledger's accounts, once they have caught up with the journal."""
    last = len(journal.blocks)

    async def have_caught_up() -> bool:
        newest = await client.send(Request("GET", "/v1/blocks", {"limit": 1}))
        return int(newest["data"][0]["number"]) >= last

    await wait_for("the records", have_caught_up)
    shown = {
        one.account_id: (one.owner.lower(), one.balance, one.nonce)
        async for one in client.accounts.list()
    }
    leaves = journal.ledger.leaves.items()
    assert shown == {
        id_: ("0x" + leaf.owner.hex(), leaf.balance_minor, leaf.nonce)
        for id_, leaf in leaves
        if id_ != BRIDGE
    }


async def vault_covers_all(world: World, journal: Journal, chain: ChainClient) -> None:
    """The contract holds what the ledger and open withdrawals owe; wallets hold the rest."""
    rollup = world.deployment.address("Rollup")
    queued = await queued_minor(world, journal, chain)
    for asset in world.assets.values():
        token = world.deployment.token(asset.code)
        owed_minor = journal.ledger.supply_minor[asset.asset_id] + queued[asset.asset_id]
        owed_minor += sum(
            one.amount_minor
            for one in world.book.withdrawn(journal.executed)
            if one.asset.asset_id == asset.asset_id
        )
        vault = await chain.read(token, "balanceOf", rollup)
        assert vault == owed_minor * asset.unit, asset.code
        wallets = [
            await chain.read(token, "balanceOf", person.key.address) for person in world.people
        ]
        assert vault + sum(wallets) == await chain.read(token, "totalSupply"), asset.code


async def vault_minor(world: World, chain: ChainClient) -> dict[str, int]:
    """Return what the contract holds, by asset code, in minor units."""
    rollup = world.deployment.address("Rollup")
    held = {}
    for asset in world.assets.values():
        token = world.deployment.token(asset.code)
        held[asset.code] = await chain.read(token, "balanceOf", rollup) // asset.unit
    return held


async def queued_minor(world: World, journal: Journal, chain: ChainClient) -> Counter[int]:
    """Return what the chain's queue holds beyond the ledger, by asset id."""
    events = await events_of(world, chain)
    credited = sum(len(final.body.deposits) for final in journal.blocks)
    queued = Counter[int]()
    for event in events:
        if isinstance(event, DepositSeen) and event.index >= credited:
            queued[event.record.asset_id] += event.record.amount_minor
    return queued


async def batches_are_a_chain(world: World, chain: ChainClient) -> list[int]:
    """On L1 each batch number is once, and each header continues the one before."""
    rollup = Rollup(chain, world.deployment)
    tip_before = await rollup.tip()  # one may be mined while we look
    posted = [e.batch for e in await events_of(world, chain) if isinstance(e, BatchPosted)]
    numbers = [one.header.number for one in posted]
    assert numbers == list(range(1, len(numbers) + 1))
    parent_hash = GENESIS_HASH
    last_block_number = 0
    for before, one in zip([None, *posted], posted, strict=False):
        header = one.header
        assert header.parent_hash == parent_hash
        assert header.last_block_number >= last_block_number
        if before is not None:
            assert header.pre_root == before.header.post_root
        parent_hash, last_block_number = one.header_hash, header.last_block_number
    assert tip_before <= len(numbers) <= await rollup.tip()
    return numbers


def submissions_are(world: World, numbers: Sequence[int]) -> None:
    """The submissions journal confirms each batch of L1 once, in order, and sends nothing twice."""
    with world.copied_log("submissions.log") as log:
        entries = [json.loads(entry) for entry in log.read()]
    confirmed = [entry["number"] for entry in entries if entry["step"] == "confirmed"]
    assert confirmed == list(numbers)
    built = {entry["number"] for entry in entries if entry["step"] == "built"}
    assert built == set(numbers)


async def events_of(world: World, chain: ChainClient) -> list[object]:
    """Return all that the deployment's contracts have reported."""
    reader = EventReader(chain, world.deployment)
    head = await chain.latest()
    return list(await reader.in_range(world.deployment.block_number, head.number))


async def claims_are_paid(world: World, chain: ChainClient) -> None:
    """Each claim of the book is on the chain once."""
    events = await events_of(world, chain)
    claims = Counter((e.owner, e.nonce) for e in events if isinstance(e, WithdrawalClaimed))
    expected = Counter(
        (world.book.sent[id_].signed.order.payer, world.book.sent[id_].signed.order.nonce)
        for id_ in world.book.claimed
    )
    assert claims == expected
