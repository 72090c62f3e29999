"""Batches of one process, certified by all its validators.

- waiting: what is final and not posted; blocks without operations don't count
- observe: a repeat changes nothing
- roll_back: what was posted waits again
- draft: an empty batch, if it may be one
- certify: 2f+1 signatures in order; a wrong header, data hash or pin is not signed; too few keys
- posted: moves on; a repeat, an older batch or one without its parent changes nothing
- proofs, chunks and accounts of posted batches
"""

from dataclasses import dataclass, field, replace

import pytest

from backend.engine.batch import InvalidBatch
from backend.engine.batch.desk import BatchDesk, Waiting
from backend.engine.ledger import Ledger, execute
from backend.engine.replica import FinalBlock
from backend.engine.rounds import Committee
from backend.protocol.batches import CHUNK_SLOTS, Chunk, calldata_hash, chunk_hashes
from backend.protocol.blocks import Block, Body, body_hash, operations_hash
from backend.protocol.errors import BatchNotFound, NoQuorum
from backend.protocol.evidence import Evidence
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.operations import NO_OP_SLOT
from backend.protocol.signing import PrivateKey
from backend.protocol.state_tree import StateTree, chunks_root
from backend.protocol.votes import split_signatures, verify_quorum
from tests.property.world import ASSETS, DOMAIN, EPOCH, TS_S, deposit, pay, unsigned, withdraw

KEYS = sorted(
    (PrivateKey(keccak(f"validator {index}".encode())) for index in range(4)),
    key=lambda key: key.address,
)
COMMITTEE = Committee(DOMAIN, EPOCH, tuple(key.address for key in KEYS), (KEYS[0].address,))
PIN = keccak(b"pin")


@dataclass
class Office:
    """A desk, and the ledger whose blocks it gets."""

    desk: BatchDesk
    ledger: Ledger = field(default_factory=Ledger)
    last_hash: bytes = ZERO_DIGEST
    finals: list[FinalBlock] = field(default_factory=list)

    def block(self, *orders, deposits=(), listings=()) -> FinalBlock:
        body = Body(0, tuple(listings), tuple(deposits), (), unsigned(orders))
        execution = execute(self.ledger, body, TS_S)
        self.ledger.advance(execution.changes)
        block = Block(
            number=self.ledger.block_number,
            epoch=EPOCH,
            round=0,
            parent_hash=self.last_hash,
            operations_hash=operations_hash(execution.slots),
            body_hash=body_hash(body.encode()),
            operation_count=execution.operation_count,
            timestamp_ms=TS_S * 1000,
        )
        self.last_hash = block.digest(DOMAIN)
        payment_ids = tuple(order.digest(DOMAIN) for order in body.orders)
        final = FinalBlock(
            block,
            self.last_hash,
            body,
            record_ids=payment_ids,
            payment_ids=payment_ids,
            rejected_ids=(),
            execution=execution,
            signatures=(),
            stamp_ms=0,
            position=10 * len(self.finals),
        )
        self.finals.append(final)
        self.desk.observe(final)
        return final

    def block_at(self, position):
        final = self.finals[position // 10]
        return final.block, final.body

    def replay(self, from_block):
        return iter(self.finals[from_block - 1 :])

    async def header(self):
        draft = await self.desk.draft(120)
        return draft, draft.header(EPOCH, calldata_hash(draft.chunks), 1, PIN, draft.timestamp_max)

    async def post(self):
        draft, header = await self.header()
        await self.desk.posted(header, draft.chunks)
        return header


async def data_hash(chunks, carrier):
    return calldata_hash(chunks)


def nothing_again(from_block):
    pytest.fail("nothing is to be replayed")


async def is_pin(number, block_hash):
    return (number, block_hash) == (1, PIN)


@pytest.fixture
def office():
    desk = BatchDesk(
        COMMITTEE, KEYS, data_hash, is_pin, lambda n: office.replay(n), lambda n: office.block_at(n)
    )
    office = Office(desk)
    office.block(deposits=[deposit("alice", 1_000), deposit("bob", 50)], listings=ASSETS)
    return office


async def test_waiting__some_blocks__counts_their_operations_succeeds(office):
    before = office.desk.waiting()
    office.block(pay("alice", "bob", 1))
    office.block()

    after = office.desk.waiting()

    assert after == Waiting(before.operation_count + 1, TS_S * 1000)


async def test_observe__repeated__changes_nothing(office):
    final = office.block(pay("alice", "bob", 1))
    before = office.desk.waiting()

    office.desk.observe(final)

    assert office.desk.waiting() == before


async def test_certify__honest_draft__quorum_signs_succeeds(office):
    draft, header = await office.header()

    signatures = await office.desk.certify(header, draft.chunks, "calldata")

    votes = split_signatures(signatures)
    assert verify_quorum(header.digest(DOMAIN), votes, COMMITTEE.validators) == 0b0111


@pytest.mark.parametrize(
    "change",
    [
        {"post_root": keccak(b"other")},
        {"data_hash": keccak(b"other")},
        {"deposit_cursor": 1},
        {"l1_block_hash": keccak(b"other")},
        {"timestamp": TS_S + 1},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_certify__wrong_header__rejects(office, change):
    draft, header = await office.header()

    with pytest.raises(InvalidBatch):
        await office.desk.certify(replace(header, **change), draft.chunks, "calldata")


async def test_certify__epoch_that_no_block_has_brought__rejects(office):
    draft, header = await office.header()

    with pytest.raises(NoQuorum):
        await office.desk.certify(replace(header, epoch=EPOCH + 1), draft.chunks, "calldata")


async def test_certify__two_keys__rejects():
    office = Office(BatchDesk(COMMITTEE, KEYS[:2], data_hash, is_pin, nothing_again, nothing_again))
    office.block(deposits=[deposit("alice", 1_000)], listings=ASSETS)
    draft, header = await office.header()

    with pytest.raises(NoQuorum):
        await office.desk.certify(header, draft.chunks, "calldata")


async def test_posted__again_or_older__changes_nothing(office):
    first = await office.post()
    office.block(pay("alice", "bob", 1))
    second = await office.post()

    await office.desk.posted(first, None)
    await office.desk.posted(second, None)

    assert office.desk.waiting() is None
    assert await office.desk.draft(120) is None


async def test_posted__before_its_parent__waits_for_it_holds(office):
    """After a restart the submitter may tell of a batch before the watcher has told of those
    before it."""
    first = await office.post()
    office.block(pay("alice", "bob", 1))
    second = await office.post()
    restarted = BatchDesk(COMMITTEE, KEYS, data_hash, is_pin, nothing_again, nothing_again)
    for final in office.finals:
        restarted.observe(final)
    waiting = restarted.waiting()

    await restarted.posted(second, office.desk.chunks(2))

    assert restarted.waiting() == waiting
    await restarted.posted(first, None)
    await restarted.posted(second, None)
    assert restarted.waiting() is None
    assert restarted.chunks(2) == office.desk.chunks(2)


async def test_posted__batch_of_somebody_elses__is_not_ours_rejects(office):
    draft, header = await office.header()
    chunks = [*draft.chunks[:-1], replace(draft.chunks[-1], root=keccak(b"stolen"))]
    stolen = replace(
        header, chunks_root=chunks_root(chunk_hashes(chunks)), post_root=chunks[-1].root
    )

    assert not await office.desk.posted(stolen, chunks)

    assert office.desk.alien == stolen
    assert office.desk.waiting() is not None
    office.replay = nothing_again
    await office.desk.roll_back(0)
    assert office.desk.alien is None
    assert await office.desk.posted(header, draft.chunks)


async def test_evidence__posted_batch__names_its_records_succeeds(office):
    await office.post()
    office.block(pay("alice", "bob", 1))
    final = office.block(withdraw("bob", 2))
    await office.post()
    office.replay = nothing_again

    evidence = await office.desk.evidence(2)

    assert list(evidence.values())[-1] == Evidence(final.body.records[0], 0)
    assert len(evidence) == 2


async def test_roll_back__posted_batches__wait_again_holds(office):
    """Their blocks are final all the same, and so are those made meanwhile."""
    first = await office.post()
    office.block(pay("alice", "bob", 1))
    before = await office.header()
    await office.post()
    office.block(pay("alice", "bob", 2, nonce=1))
    waiting = Waiting(2, TS_S * 1000)

    def replay(from_block):
        yield from office.finals[from_block - 1 :]
        office.block(pay("alice", "bob", 3, nonce=2))

    office.replay = replay

    await office.desk.roll_back(1)

    assert office.desk.waiting() == replace(waiting, operation_count=3)
    assert office.desk.chunks(1)[-1].root == first.post_root
    with pytest.raises(BatchNotFound):
        office.desk.chunks(2)
    assert (await office.desk.draft(120)).parent_hash == before[0].parent_hash
    again = await office.post()
    assert (again.number, again.last_block_number) == (2, 4)
    assert office.desk.waiting() is None


async def test_roll_back__batches_that_were_not_told_of__changes_nothing(office):
    await office.post()

    office.replay = nothing_again

    await office.desk.roll_back(1)

    assert office.desk.chunks(1)


async def test_draft__blocks_without_operations__only_if_it_may_be_empty_holds(office):
    await office.post()
    office.block()
    assert await office.desk.draft(120) is None

    draft = await office.desk.draft(120, may_be_empty=True)

    assert draft.chunks == (Chunk(NO_OP_SLOT * CHUNK_SLOTS, draft.pre_root),)
    header = draft.header(EPOCH, calldata_hash(draft.chunks), 1, PIN, draft.timestamp_max)
    assert await office.desk.certify(header, draft.chunks, "calldata")
    await office.desk.posted(header, None)
    assert await office.desk.draft(120, may_be_empty=True) is None


async def test_proofs__posted_batch__succeeds(office):
    final = office.block(withdraw("alice", 7))
    before = office.desk.waiting()
    header = await office.post()

    slot = before.operation_count - final.block.operation_count
    proof = office.desk.withdrawal_proof(1, slot)

    assert proof.leaf.balance_minor == 993
    assert office.desk.chunks(1)[-1].root == header.post_root
    assert office.desk.account_proof(1, office.ledger.account(*_alice())[0]).leaf == proof.leaf


async def test_leaves__last_posted_batch__are_a_copy_succeeds(office):
    header = await office.post()

    leaves = office.desk.leaves(1)

    assert StateTree(leaves).root == header.post_root
    leaves.clear()
    assert office.desk.leaves(1)
    assert office.desk.leaves(0) is office.desk.leaves(2) is None


async def test_chunks__batch_unknown__rejects(office):
    with pytest.raises(BatchNotFound):
        office.desk.chunks(1)


def _alice():
    order = withdraw("alice", 1)
    return order.payer, 1
