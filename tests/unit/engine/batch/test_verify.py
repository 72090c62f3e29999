"""What a validator refuses to sign.

- an honest header, and one packed in another way
- each field of the header, wrong in each way, in the order of the checks
- chunks: fraud, a wrong root, other operations than the blocks'
"""

from dataclasses import replace

import pytest

from backend.engine.batch.chunking import facts_of, with_roots
from backend.engine.batch.errors import (
    ChunkInvalid,
    ChunkRootMismatch,
    HeaderMismatch,
    HeaderOutOfRange,
    OperationsMismatch,
    PinUnknown,
)
from backend.engine.batch.verify import HeaderChecks
from backend.protocol.batches import CHUNK_SLOTS_BYTES, Chunk, calldata_hash, chunk_hashes
from backend.protocol.hashing import keccak
from backend.protocol.operations import SLOT_BYTES, Payment, encode
from backend.protocol.state_tree import StateTree, chunks_root
from tests.property.world import EPOCH, TS_S, deposit, pay, world

WRONG = keccak(b"wrong")
CHECKS = HeaderChecks(
    epoch=EPOCH,
    data_hash=calldata_hash,
    is_pin=lambda number, block_hash: block_hash == keccak(b"pin"),
    chunks_max=2,
)


@pytest.fixture
def made():
    """Batch 1 is posted; batch 2 would hold blocks 2 and 3: 71 slots, one deposit."""
    made = world(alice=1_000, bob=5)
    made.post()
    made.block(deposits=[deposit("carol", 3)], ts_s=TS_S + 1)
    made.block(*(pay("alice", "bob", 1, nonce=n) for n in range(68)), ts_s=TS_S + 2)
    return made


def test_verify__honest_batch__succeeds(made):
    header = made.header()
    chunks = made.builder.draft(120).chunks

    made.builder.verify(header, chunks, CHECKS)

    assert len(chunks) == 2


# In the order of the checks; the pin's number has a test of its own.
FIELDS = {
    "number": (3, HeaderMismatch),
    "epoch": (2, HeaderMismatch),
    "parent_hash": (WRONG, HeaderMismatch),
    "pre_root": (WRONG, HeaderMismatch),
    "last_block_number": (4, HeaderOutOfRange),
    "last_block_hash": (WRONG, HeaderMismatch),
    "timestamp": (TS_S + 2, HeaderOutOfRange),
    "l1_block_hash": (WRONG, PinUnknown),
    "chunk_count": (3, HeaderMismatch),
    "chunks_root": (WRONG, HeaderMismatch),
    "data_hash": (WRONG, HeaderMismatch),
    "post_root": (WRONG, HeaderMismatch),
    "deposit_cursor": (4, HeaderMismatch),
}


@pytest.mark.parametrize("field", FIELDS)
def test_verify__wrong_field__rejects(made, field):
    value, error = FIELDS[field]
    chunks = made.builder.draft(120).chunks

    with pytest.raises(error) as caught:
        made.builder.verify(replace(made.header(), **{field: value}), chunks, CHECKS)

    if error is not PinUnknown:
        assert (caught.value.field, caught.value.actual) == (field, value)
    else:
        assert caught.value.l1_block_hash == value


@pytest.mark.parametrize("first", range(len(FIELDS)))
def test_verify__later_fields_wrong_too__is_for_the_first_rejects(made, first):
    field, (_, error) = list(FIELDS.items())[first]
    wrong = {name: value for name, (value, _) in list(FIELDS.items())[first:]}
    chunks = made.builder.draft(120).chunks

    with pytest.raises(error) as caught:
        made.builder.verify(replace(made.header(), **wrong), chunks, CHECKS)

    assert getattr(caught.value, "field", "l1_block_hash") == field


@pytest.mark.parametrize(
    ("field", "value", "minimum", "maximum"),
    [
        ("last_block_number", 0, 1, 3),
        ("last_block_number", 4, 1, 3),
        ("timestamp", TS_S - 1, TS_S, TS_S + 1),
        ("timestamp", TS_S + 2, TS_S, TS_S + 1),
    ],
)
def test_verify__out_of_range__rejects(made, field, value, minimum, maximum):
    chunks = made.builder.draft(120).chunks

    with pytest.raises(HeaderOutOfRange) as caught:
        made.builder.verify(replace(made.header(), **{field: value}), chunks, CHECKS)

    range_ = (caught.value.minimum, caught.value.maximum, caught.value.actual)
    assert range_ == (minimum, maximum, value)


def test_verify__pin_before_the_blocks_facts__rejects():
    made = world(alice=1)
    made.ledger.l1_block_number = 9
    made.block(deposits=[deposit("alice", 1)])
    chunks = made.builder.draft(120).chunks

    with pytest.raises(HeaderOutOfRange) as caught:
        made.builder.verify(replace(made.header(), l1_block_number=8), chunks, CHECKS)

    assert (caught.value.field, caught.value.minimum) == ("l1_block_number", 9)


def test_verify__too_many_chunks__rejects(made):
    chunks = made.builder.draft(120).chunks

    with pytest.raises(HeaderOutOfRange) as caught:
        made.builder.verify(made.header(), chunks, replace(CHECKS, chunks_max=1))

    assert (caught.value.field, caught.value.maximum) == ("chunk_count", 1)


def repacked(made, *chunk_slots: bytes):
    """A header over these slots, right in all but what the slots make wrong."""
    draft = made.builder.draft(120)
    tree = StateTree(made.builder.ledger.leaves)
    records = [record for block in made.blocks[1:] for record in block.deposits]
    facts = facts_of(made.ledger.assets, made.builder.ledger.deposit_count, records)
    slots = [slots.ljust(CHUNK_SLOTS_BYTES, b"\0") for slots in chunk_slots]
    chunks, _ = with_roots(tree, slots, facts)
    return header_over(made, draft, chunks), chunks


def header_over(made, draft, chunks: list[Chunk]):
    return replace(
        made.header(),
        post_root=chunks[-1].root,
        chunk_count=len(chunks),
        chunks_root=chunks_root(chunk_hashes(chunks)),
        data_hash=calldata_hash(chunks),
    )


def test_verify__other_packing__succeeds(made):
    slots = b"".join(block.slots for block in made.blocks[1:])
    half = 30 * SLOT_BYTES
    header, chunks = repacked(made, bytes(SLOT_BYTES) + slots[:half], slots[half:])

    made.builder.verify(header, chunks, CHECKS)
    placed = made.builder.posted(header)

    assert header.chunks_root != made.builder.tip.parent_hash
    assert made.builder.tip == header
    assert dict(placed).keys() == {payment_id for payment_id, _ in made.blocks[2].payments}


def test_verify__operations_in_another_order__rejects(made):
    slots = b"".join(block.slots for block in made.blocks[1:])
    swapped = slots[45:60] + slots[:45] + slots[60:]
    header, chunks = repacked(made, swapped[: 64 * SLOT_BYTES], swapped[64 * SLOT_BYTES :])

    with pytest.raises(OperationsMismatch) as caught:
        made.builder.verify(header, chunks, CHECKS)

    assert caught.value.index == 0


def test_verify__an_operation_left_out__rejects(made):
    slots = b"".join(block.slots for block in made.blocks[1:])[:-SLOT_BYTES]
    header, chunks = repacked(made, slots[: 64 * SLOT_BYTES], slots[64 * SLOT_BYTES :])

    with pytest.raises(OperationsMismatch) as caught:
        made.builder.verify(header, chunks, CHECKS)

    # An opening and a deposit come first, then 67 payments.
    assert caught.value.index == 69


def test_verify__an_operation_too_many__rejects(made):
    draft = made.builder.draft(120)
    alice, bob = (made.executions[2].orders[0].payer_id, made.executions[2].orders[0].payee_id)
    slots = b"".join(block.slots for block in made.blocks[1:]) + encode(Payment(alice, bob, 1))
    header, chunks = repacked(made, slots[: 64 * SLOT_BYTES], slots[64 * SLOT_BYTES :])

    with pytest.raises(OperationsMismatch) as caught:
        made.builder.verify(header, chunks, CHECKS)

    assert caught.value.index == 70
    assert draft.last_block_number == 3


def test_verify__fraud__rejects(made):
    draft = made.builder.draft(120)
    order = made.executions[2].orders[0]
    fraud = encode(Payment(order.payee_id, order.payer_id, 2**40))
    chunk = Chunk(draft.chunks[1].slots[:-SLOT_BYTES] + fraud, draft.chunks[1].root)
    chunks = [draft.chunks[0], chunk]

    with pytest.raises(ChunkInvalid) as caught:
        made.builder.verify(header_over(made, draft, chunks), chunks, CHECKS)

    assert (caught.value.chunk_index, caught.value.error.position) == (1, 63)
    assert caught.value.error.check == "payer"


def test_verify__wrong_root_inside__rejects(made):
    draft = made.builder.draft(120)
    chunks = [replace(draft.chunks[0], root=WRONG), draft.chunks[1]]

    with pytest.raises(ChunkRootMismatch) as caught:
        made.builder.verify(header_over(made, draft, chunks), chunks, CHECKS)

    assert (caught.value.chunk_index, caught.value.expected) == (0, draft.chunks[0].root)
    assert caught.value.actual == WRONG


def without_blocks(made, timestamp):
    """Return a header and chunks of no-ops upon the tip."""
    tip = made.builder.tip
    header, chunks = repacked(made, b"")
    header = replace(
        header,
        last_block_number=tip.last_block_number,
        last_block_hash=tip.last_block_hash,
        deposit_cursor=tip.deposit_cursor,
        timestamp=timestamp,
    )
    return header, chunks


def test_verify__no_blocks_but_no_ops__succeeds(made):
    header, chunks = without_blocks(made, made.builder.tip.timestamp)

    made.builder.verify(header, chunks, CHECKS)

    assert header.post_root == made.builder.tip.post_root


def test_verify__no_blocks_later_than_parent__rejects(made):
    """Otherwise blocks that are final already, and older, could never be posted."""
    parent_ts_s = made.builder.tip.timestamp
    header, chunks = without_blocks(made, parent_ts_s + 1)

    with pytest.raises(HeaderOutOfRange) as caught:
        made.builder.verify(header, chunks, CHECKS)

    assert (caught.value.field, caught.value.maximum) == ("timestamp", parent_ts_s)
