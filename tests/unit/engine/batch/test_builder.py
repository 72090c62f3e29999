"""The chain of batches.

- add_block, draft, posted: what moves on, what a repeat does, what must not be
- a restart: from a snapshot at a batch, with the blocks since
- proofs: of withdrawals and accounts, in any batch, at any time later
"""

from dataclasses import replace

import pytest

from backend.engine.batch import BatchBuilder, ChunksUnknown
from backend.engine.batch.posted import TREE_INTERVAL, TREES_RECENT
from backend.engine.ledger import decode_snapshot, encode_snapshot
from backend.protocol.batches import Chunk, calldata_hash, chunk_hashes
from backend.protocol.errors import BatchNotFound, InvariantViolated, ProofNotAvailable
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.operations import SLOT_BYTES
from backend.protocol.state_tree import chunks_root, genesis_tree, leaf_hash, root_from_path
from backend.protocol.types import BRIDGE, AccountId
from tests.property import invariants
from tests.property.world import DOMAIN, EPOCH, TS_S, deposit, pay, withdraw, world


@pytest.fixture
def made():
    return world(alice=1_000, bob=50)


def test_draft__first_batch__has_all_fields_holds(made):
    made.block(pay("alice", "bob", 1), ts_s=TS_S + 5)

    draft = made.builder.draft(120)

    assert (draft.number, draft.parent_hash) == (1, ZERO_DIGEST)
    assert draft.pre_root == genesis_tree().root
    assert draft.post_root == draft.chunks[-1].root
    assert draft.chunks_root == chunks_root(chunk_hashes(draft.chunks))
    assert draft.deposit_cursor == 2
    assert (draft.last_block_number, draft.last_block_hash) == (2, made.blocks[1].block_hash)
    assert draft.timestamp_max == TS_S
    assert draft.l1_block_number_min == 0


def test_draft__asked_again__changes_nothing(made):
    assert made.builder.draft(120) == made.builder.draft(120)
    assert made.builder.tip.number == 0


def test_draft__no_operations__is_none_holds(made):
    made.post()
    assert made.builder.draft(120) is None

    made.block()
    assert made.builder.draft(120) is None

    made.block(pay("alice", "bob", 1))
    assert made.builder.draft(120).last_block_number == 3


def test_posted__batch__moves_on_succeeds(made):
    made.block(pay("alice", "bob", 1), withdraw("bob", 50))

    placed = made.builder.posted(made.header())

    tip = made.builder.tip
    assert (tip.number, tip.last_block_number) == (1, 2)
    assert placed == tuple(
        (payment_id, len(made.blocks[0].slots) // SLOT_BYTES + slot)
        for payment_id, slot in made.blocks[1].payments
    )
    assert made.builder.ledger == made.ledger
    assert made.builder.header(1) == tip
    assert made.builder.chunks(1)[-1].root == tip.post_root


def test_posted__again__changes_nothing(made):
    header = made.post()

    assert made.builder.posted(header) == ()
    assert made.builder.tip == header


def test_posted__an_earlier_one_again__changes_nothing(made):
    first = made.post()
    made.block(pay("alice", "bob", 1))
    second = made.post()

    assert made.builder.posted(first) == ()
    assert made.builder.tip == second
    restarted = BatchBuilder(DOMAIN, made.builder.ledger, second)
    assert restarted.posted(first) == restarted.posted(second) == ()


def test_posted__another_batch_of_a_number__rejects(made):
    header = made.post()

    with pytest.raises(InvariantViolated):
        made.builder.posted(replace(header, timestamp=1))


def test_posted__drafted_before_later_blocks__moves_on_succeeds(made):
    header = made.header()
    made.block(pay("alice", "bob", 1))
    made.builder.draft(120)

    made.builder.posted(header)

    assert made.builder.tip.last_block_number == 1
    assert made.post().last_block_number == 2


def test_posted__never_drafted_here__moves_on_succeeds(made):
    header = made.header()
    other = BatchBuilder.at_genesis(DOMAIN)
    other.add_block(made.blocks[0])

    other.posted(header)

    assert other.tip == header


def _packed_otherwise(made):
    """A batch of one chunk with a no-op first."""
    slots = (bytes(SLOT_BYTES) + made.blocks[0].slots).ljust(960, b"\0")
    chunks = [Chunk(slots, made.builder.draft(120).post_root)]
    header = replace(
        made.header(),
        chunks_root=chunks_root(chunk_hashes(chunks)),
        data_hash=calldata_hash(chunks),
    )
    return header, chunks


def test_posted__packed_otherwise__needs_the_chunks_holds(made):
    header, chunks = _packed_otherwise(made)
    with pytest.raises(ChunksUnknown) as caught:
        made.builder.posted(header)
    assert caught.value.number == 1
    assert made.builder.tip.number == 0

    made.builder.posted(header, chunks)

    assert made.builder.tip == header


@pytest.mark.parametrize(
    "change", [{"number": 2}, {"parent_hash": keccak(b"x")}, {"post_root": keccak(b"x")}]
)
def test_posted__not_the_next__rejects(made, change):
    with pytest.raises(InvariantViolated):
        made.builder.posted(replace(made.header(), **change))


def test_posted__blocks_not_added__rejects(made):
    header = replace(made.header(), last_block_number=2)

    with pytest.raises(InvariantViolated):
        made.builder.posted(header)


def test_add_block__again__changes_nothing(made):
    made.builder.add_block(made.blocks[0])

    assert made.builder.last_block_number == 1


def test_add_block__one_missing__rejects(made):
    made.block()
    other = BatchBuilder.at_genesis(DOMAIN)

    with pytest.raises(InvariantViolated):
        other.add_block(made.blocks[1])


def test_restart__snapshot_at_a_batch__goes_on_alike_holds(made):
    made.block(pay("alice", "carol", 5, 1))
    first = made.post()
    snapshot = encode_snapshot(made.builder.ledger)
    made.block(withdraw("carol", 4), deposits=[deposit("dora", 7)])
    second = made.header()

    again = BatchBuilder(DOMAIN, decode_snapshot(snapshot), first)
    again.add_block(made.blocks[0])
    again.add_block(made.blocks[2])

    assert again.draft(120) == made.builder.draft(120)
    assert again.posted(second) == made.builder.posted(second)
    slot = next(slot for slot, o in again.chunks(2)[0].operations() if hasattr(o, "payer"))
    assert again.withdrawal_proof(2, slot) == made.builder.withdrawal_proof(2, slot)
    with pytest.raises(BatchNotFound):
        again.withdrawal_proof(1, 0)


def test_start__another_ledger__rejects(made):
    header = made.post()
    made.block(pay("alice", "bob", 1))

    with pytest.raises(InvariantViolated):
        BatchBuilder(DOMAIN, made.ledger, header)
    with pytest.raises(InvariantViolated):
        BatchBuilder(DOMAIN, made.builder.ledger, replace(header, post_root=keccak(b"x")))


def test_withdrawal_proof__several_of_one_payer__gives_each_nonce_holds(made):
    made.block(
        withdraw("alice", 10), pay("alice", "bob", 1, nonce=1), withdraw("alice", 20, 1, nonce=2)
    )
    made.post()
    slots = [
        slot
        for slot, o in made.builder.chunks(1)[0].operations()
        if type(o).__name__ == "Withdrawal"
    ]

    proofs = [made.builder.withdrawal_proof(1, slot) for slot in slots]

    assert [(proof.nonce, proof.amount_minor) for proof in proofs] == [(0, 10), (2, 20)]
    assert {proof.leaf.balance_minor for proof in proofs} == {1_000 - 32}
    for proof in proofs:
        invariants.withdrawal_proof_holds(proof, made.builder.tip)


@pytest.mark.parametrize(
    ("slot", "reason"),
    [
        (0, "no withdrawal starts at slot 0"),
        (1, "no withdrawal starts at slot 1"),
        (63, "no withdrawal starts at slot 63"),
        (64, "the batch has 1 chunks"),
        (-1, "the batch has 1 chunks"),
    ],
)
def test_withdrawal_proof__no_withdrawal__rejects(made, slot, reason):
    made.post()

    with pytest.raises(ProofNotAvailable) as caught:
        made.builder.withdrawal_proof(1, slot)

    assert caught.value.reason == reason


def test_withdrawal_proof__no_such_batch__rejects(made):
    with pytest.raises(BatchNotFound):
        made.builder.withdrawal_proof(1, 0)


def test_account_proof__open_account__holds(made):
    made.post()
    account_id, leaf = made.ledger.account(deposit("alice", 1).owner, 1)
    made.block(pay("alice", "bob", 1))
    made.post()

    proof = made.builder.account_proof(1, account_id)

    assert proof.leaf == leaf
    root = root_from_path(account_id, leaf_hash(leaf), proof.leaf_path)
    assert root == made.builder.header(1).post_root


@pytest.mark.parametrize("account_id", [BRIDGE, AccountId(12345)])
def test_account_proof__not_open__rejects(made, account_id):
    made.post()

    with pytest.raises(ProofNotAvailable):
        made.builder.account_proof(1, account_id)


def test_proofs__many_batches_later__holds():
    made = world(alice=10_000)
    count = TREE_INTERVAL + TREES_RECENT + 10
    for nonce in range(count):
        made.block(withdraw("alice", 1 + nonce, nonce=nonce))
        made.post()

    for number in (1, 2, 40, TREE_INTERVAL, TREE_INTERVAL + 2, count):
        slot = next(
            slot
            for slot, operation in made.builder.chunks(number)[0].operations()
            if type(operation).__name__ == "Withdrawal"
        )
        proof = made.builder.withdrawal_proof(number, slot)
        assert (proof.nonce, proof.amount_minor) == (number - 1, number)
        invariants.withdrawal_proof_holds(proof, made.builder.header(number))


def test_header__of_a_draft__has_what_the_submitter_chose_holds(made):
    draft = made.builder.draft(120)

    header = draft.header(EPOCH, keccak(b"data"), 7, keccak(b"pin"), TS_S)

    assert (header.epoch, header.data_hash, header.l1_block_number) == (EPOCH, keccak(b"data"), 7)
    assert (header.chunk_count, header.timestamp) == (len(draft.chunks), TS_S)
