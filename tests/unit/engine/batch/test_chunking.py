"""How operations fall into chunks.

- cursor: the 64th slot, openings, fee accounts
- lay_out: whole blocks, limits, padding; where each payment went
- with_roots: nothing; an invalid chunk, a tree that doesn't hang together, one that refuses a valid
  chunk → rejects
"""

import pytest

from backend.engine.batch.chunking import (
    batch_operations,
    lay_out,
    payment_slots,
    with_roots,
)
from backend.engine.batch.errors import ChunkInvalid
from backend.engine.packing import ChunkCursor, operation_spans
from backend.engine.vector.versions import FlatStateTree
from backend.protocol.batches import CHUNK_SLOTS, Chunk, padded, slot_number
from backend.protocol.errors import InvariantViolated
from backend.protocol.hashing import ZERO_DIGEST
from backend.protocol.money import AmountMinor, BalanceMinor
from backend.protocol.operations import (
    NO_OP_SLOT,
    SLOT_BYTES,
    OpenAccount,
    Payment,
    encode,
    slot,
)
from backend.protocol.state_tree import Applied, StateTree, genesis_tree
from backend.protocol.transition import L1Facts
from backend.protocol.types import AccountId, Leaf, fee_account_id
from tests.property.world import DOMAIN, World, address, asset, deposit, pay, unsigned, world

# (slots, asset that the fee goes to) of operations → where each starts
PLACES = {
    "one after the other": ([(1, None), (2, None), (1, 1)], [0, 1, 3]),
    "a full chunk": ([(1, None)] * 65, [*range(64), 64]),
    "an opening that fits": ([(1, None)] * 62 + [(2, None), (1, None)], [*range(62), 62, 64]),
    "an opening in the last slot": (
        [(1, None)] * 63 + [(2, None), (1, None)],
        [*range(63), 64, 66],
    ),
    "four fee accounts": ([(1, n) for n in (1, 2, 3, 4, 1, 4)], list(range(6))),
    "a fifth": (
        [(1, n) for n in (1, 2, 3, 4, 5, 1, 2, 3, 4)],
        [0, 1, 2, 3, 64, 65, 66, 67, 128],
    ),
    "no fee": ([(1, n) for n in (1, 2, 3, 4, None, 5)], [0, 1, 2, 3, 4, 64]),
    "a fifth in a new chunk": (
        [(1, n) for n in (1, 2, 3, 4)] + [(1, None)] * 60 + [(1, 5)],
        [*range(64), 64],
    ),
}


@pytest.mark.parametrize(("operations", "places"), PLACES.values(), ids=PLACES)
def test_place__operations__succeeds(operations, places):
    cursor = ChunkCursor()

    placed = [
        cursor.place(count, () if fee is None else (fee_account_id(fee),))
        for count, fee in operations
    ]

    assert placed == places
    assert cursor.chunk_count == places[-1] // CHUNK_SLOTS + 1


def test_chunk_count__nothing_placed__is_zero_holds():
    assert ChunkCursor().chunk_count == 0


def test_operation_spans__second_half_like_an_opening__is_passed_over_holds():
    owner = address("x")[:5] + (1).to_bytes(4) + bytes(11)
    slots = encode(OpenAccount(AccountId(9), 1, owner)) + NO_OP_SLOT

    assert list(operation_spans(slots)) == [(0, 2), (2, 1)]


def pairs(made: World, count: int, nonce: int = 0):
    """A block of payments from alice, all to bob."""
    return made.block(*(pay("alice", "bob", 1, 1, nonce=nonce + n) for n in range(count)))


@pytest.fixture
def made():
    """Block 1 takes 10 slots (listings and deposits), the others 60, none, 70 and 10."""
    made = world(alice=1_000, bob=1)
    assert made.executions[0].operation_count == 10
    pairs(made, 60)
    made.block()
    pairs(made, 70, nonce=60)
    pairs(made, 10, nonce=130)
    return made


@pytest.mark.parametrize(
    ("chunks_max", "block_count", "chunk_count"),
    [(1, 1, 1), (2, 3, 2), (3, 5, 3), (120, 5, 3)],
)
def test_lay_out__limit__takes_whole_blocks_holds(made, chunks_max, block_count, chunk_count):
    layout = lay_out(made.blocks, chunks_max)

    assert (layout.block_count, len(layout.chunk_slots)) == (block_count, chunk_count)
    slots = b"".join(block.slots for block in made.blocks[:block_count])
    assert b"".join(layout.chunk_slots) == slots.ljust(chunk_count * 960, b"\0")
    assert lay_out(made.blocks[:block_count], 768) == layout


def test_lay_out__first_block_over_the_limit__takes_it_holds(made):
    layout = lay_out(made.blocks[3:], chunks_max=1)

    assert (layout.block_count, len(layout.chunk_slots)) == (1, 2)


def test_lay_out__blocks_without_operations__gives_a_chunk_of_no_ops_holds(made):
    layout = lay_out(made.blocks[2:3], 120)

    assert (layout.block_count, layout.is_empty) == (1, True)
    assert layout.chunk_slots == (NO_OP_SLOT * CHUNK_SLOTS,)
    assert lay_out([], 120).block_count == 0


def test_lay_out__fifth_fee_account__begins_a_chunk_holds():
    made = World()
    assets = [asset(n) for n in range(1, 6)]
    made.block(listings=assets, deposits=[deposit("alice", 9, one) for one in assets])
    made.block(*(pay("alice", "fee owner 1", 1, 1, of=one) for one in assets))

    layout = lay_out(made.blocks[1:], 120)

    # The fee owner has an account of asset 1 alone: three openings come before the fifth fee.
    starts = [slot for slot, _ in batch_operations(layout.chunk_slots)]
    assert starts == [0, 1, 3, 4, 6, 7, 9, 10, 64]


def test_payment_slots__two_chunks__are_found_holds(made):
    layout = lay_out(made.blocks, 120)
    chunks = [Chunk(slots, ZERO_DIGEST) for slots in layout.chunk_slots]

    placed = payment_slots(chunks, made.blocks)

    orders = unsigned([pay("alice", "bob", 1, 1, nonce=n) for n in range(140)])
    expected = [(signed.digest(DOMAIN), slot_number(0, 10 + n)) for n, signed in enumerate(orders)]
    assert list(placed) == expected


def test_batch_operations__opening__is_one_holds(made):
    operations = dict(batch_operations([made.blocks[0].slots]))

    assert [len(operation) // SLOT_BYTES for operation in operations.values()] == [2, 2, 2, 1, 2, 1]


def test_with_roots__no_chunks__succeeds():
    tree = genesis_tree()

    assert with_roots(tree, [], L1Facts({}, {}, 0)) == ([], tree)


def test_with_roots__tree_of_a_wrong_root__rejects(monkeypatch):
    accounts = {AccountId(i): Leaf(address("x"), 1, 0, BalanceMinor(9)) for i in (5, 6)}
    slots = padded(encode(Payment(AccountId(5), AccountId(6), AmountMinor(1), AmountMinor(0))))
    facts = L1Facts({}, {}, 0)
    chunks, after = with_roots(FlatStateTree(accounts), [slots], facts)
    assert chunks[0].root == after.root == with_roots(StateTree(accounts), [slots], facts)[1].root
    monkeypatch.setattr(FlatStateTree, "root", after.root[:-1] + bytes([after.root[-1] ^ 1]))

    with pytest.raises(InvariantViolated, match="another root"):
        with_roots(FlatStateTree(accounts), [slots], facts)


def accounts_and_slots():
    accounts = {AccountId(i): Leaf(address("x"), 1, 0, BalanceMinor(9)) for i in (5, 6)}
    return accounts, [padded(slot(5, 6, amount_minor, 0)) for amount_minor in (4, 5, 1)]


@pytest.mark.parametrize("tree_of", [StateTree, FlatStateTree])
def test_with_roots__invalid_chunk__says_why_rejects(tree_of):
    accounts, slots = accounts_and_slots()

    with pytest.raises(ChunkInvalid, match="chunk 2: slot 0: payer: 0 don't cover 1") as caught:
        with_roots(tree_of(accounts), slots, L1Facts({}, {}, 0))

    assert (caught.value.chunk_index, caught.value.error.position) == (2, 0)


def test_with_roots__twin_refuses_a_valid_chunk__rejects(monkeypatch):
    accounts, slots = accounts_and_slots()
    refusal = Applied([], FlatStateTree(accounts), [])
    monkeypatch.setattr(FlatStateTree, "apply_chunks", lambda *_: refusal)

    with pytest.raises(InvariantViolated, match="refuses chunk 0, which is valid"):
        with_roots(FlatStateTree(accounts), slots, L1Facts({}, {}, 0))
