"""Groups in chunks: the legs side by side in one chunk, or nobody signs.

- cursor: a group at a chunk's end; its fee accounts with those that are there: four, five
- spans: a group is one, between openings and others
- lay_out: a group goes to the next chunk as a whole; fees of five assets with a group
- verify: torn by a chunk's end, by a no-op; packed in another way, but whole
- execute and lay_out agree on how many chunks a block takes
"""

import pytest

from backend.engine.batch.chunking import batch_operations, lay_out
from backend.engine.batch.errors import GroupTorn
from backend.engine.batch.verify import HeaderChecks
from backend.engine.ledger import BlockTooLarge
from backend.engine.packing import BLOCK_CHUNKS_MAX, ChunkCursor, indivisible_spans
from backend.protocol.batches import CHUNK_SLOTS, calldata_hash
from backend.protocol.operations import SLOT_BYTES
from backend.protocol.types import fee_account_id
from tests.property.world import DOMAIN, EPOCH, World, asset, deposit, group, pay, world
from tests.unit.engine.batch.test_verify import repacked

ASSETS = [asset(n) for n in range(1, 6)]

# (slots, assets that the fees go to) of operations and groups → where each starts
PLACES = {
    "the last slots": ([(56, ()), (8, ()), (1, ())], [0, 56, 64]),
    "over the end": ([(57, ()), (8, ()), (1, ())], [0, 64, 72]),
    "into the last slot": ([(63, ()), (2, ())], [0, 64]),
    "four fee accounts": ([(1, (1,)), (4, (2, 3, 4)), (2, (1, 4))], [0, 1, 5]),
    "a fifth with a group": ([(1, (1,)), (5, (1, 2, 3, 4, 1)), (2, (4, 5))], [0, 1, 64]),
    "four more": ([(1, (1,)), (4, (2, 3, 4, 5))], [0, 64]),
    "four and four": ([(4, (1, 2, 3, 4)), (4, (1, 2, 3, 4)), (4, (2, 3, 4, 5))], [0, 4, 64]),
    "a group in a new chunk": ([(64, (1,)), (4, (2, 3, 4, 5)), (1, (1,))], [0, 64, 128]),
}


@pytest.mark.parametrize(("operations", "places"), PLACES.values(), ids=PLACES)
def test_place__groups__succeeds(operations, places):
    cursor = ChunkCursor()

    placed = [cursor.place(count, list(map(fee_account_id, fees))) for count, fees in operations]

    assert placed == places


def fill(made, count, nonce=0):
    """Payments of alice's to bob, and the nonce after them."""
    return [pay("alice", "bob", 1, nonce=nonce + n) for n in range(count)]


@pytest.fixture
def made():
    """Batch 1 is posted; alice and bob have accounts, carol and dora none."""
    made = world(alice=1_000, bob=1_000)
    made.post()
    return made


def swap(nonce=0, bobs=0, payees=("bob", "alice")):
    """A group of three legs."""
    return group(
        pay("alice", payees[0], 1, nonce=nonce),
        pay("alice", payees[0], 2, nonce=nonce + 1),
        pay("bob", payees[1], 3, nonce=bobs),
    )


def test_indivisible_spans__group_after_openings__is_one_holds(made):
    execution = made.block(*fill(made, 1), swap(1, payees=("carol", "dora")), *fill(made, 1, 3))

    spans = list(indivisible_spans(execution.slots, execution.groups))

    assert execution.groups == {5: 3}
    assert spans == [(0, 1), (1, 2), (3, 2), (5, 3), (8, 1)]


@pytest.mark.parametrize(("before", "start"), [(61, 61), (62, 64), (63, 64), (64, 64)])
def test_lay_out__group_at_a_chunks_end__goes_as_a_whole_holds(made, before, start):
    made.block(*fill(made, before), swap(before), *fill(made, 1, before + 2))

    layout = lay_out(made.blocks[1:], 120)
    places = [place for place, _ in batch_operations(layout.chunk_slots)]

    assert places == [*range(before), *range(start, start + 4)]
    made.builder.verify(made.header(), made.builder.draft(120).chunks, CHECKS)


def test_lay_out__fees_of_five_assets_with_a_group__holds():
    made = World()
    made.block(
        listings=ASSETS,
        deposits=[deposit(name, 9, of) for name in ("alice", "bob") for of in ASSETS],
    )
    made.post()
    in_four = [pay("alice", "bob", 1, 1, of=of) for of in ASSETS[1:]]
    made.block(
        pay("alice", "bob", 1, 1, of=ASSETS[0]),
        group(*in_four),
        pay("bob", "alice", 1, of=ASSETS[0]),
    )

    layout = lay_out(made.blocks[1:], 120)
    places = [place for place, _ in batch_operations(layout.chunk_slots)]

    assert places == [0, 64, 65, 66, 67, 68]
    made.builder.verify(made.header(), made.builder.draft(120).chunks, CHECKS)


def test_execute__groups_that_fit_no_batch__rejects():
    made = World()
    made.block(listings=ASSETS, deposits=[deposit("alice", 900, of) for of in ASSETS])
    made.block(*(pay("alice", "bob", 1, of=of) for of in ASSETS))

    def groups(count):
        # Fees of four assets, then of another four: no chunk holds two of them.
        return [
            group(*(pay("alice", "bob", 1, 1, nonce(n, of), of) for of in fours(n)))
            for n in range(count)
        ]

    def fours(n):
        return [ASSETS[(n + index) % 5] for index in range(4)]

    def nonce(n, of):
        return 1 + sum(of in fours(before) for before in range(n))

    with pytest.raises(BlockTooLarge) as caught:
        made.block(*groups(BLOCK_CHUNKS_MAX + 1))
    execution = made.block(*groups(BLOCK_CHUNKS_MAX))

    assert caught.value.chunks == BLOCK_CHUNKS_MAX + 1
    assert len(execution.groups) == BLOCK_CHUNKS_MAX
    assert len(lay_out(made.blocks[2:], 1).chunk_slots) == BLOCK_CHUNKS_MAX


# What a validator signs

CHECKS = HeaderChecks(EPOCH, calldata_hash, lambda *pin: True)


@pytest.fixture
def grouped(made):
    """Batch 2 would hold 62 payments, and a group of three in the next chunk."""
    made.block(*fill(made, 62), swap(62))
    return made


def test_verify__group_packed_elsewhere_but_whole__succeeds(grouped):
    slots = grouped.blocks[1].slots
    legs = 62 * SLOT_BYTES
    header, chunks = repacked(
        grouped,
        slots[: 10 * SLOT_BYTES],
        slots[10 * SLOT_BYTES : legs],
        bytes(SLOT_BYTES * 61) + slots[legs:],
    )

    grouped.builder.verify(header, chunks, CHECKS)


TEARS = {
    "a chunk's end after the first leg": (1, b"", 62),
    "a chunk's end after the second": (2, b"", 62),
    "a no-op after the first leg": (1, bytes(SLOT_BYTES), 62),
}


@pytest.mark.parametrize(("legs", "no_ops", "slot_number"), TEARS.values(), ids=TEARS)
def test_verify__group_torn_by_a_chunks_end__rejects(grouped, legs, no_ops, slot_number):
    slots = grouped.blocks[1].slots
    cut = (62 + legs) * SLOT_BYTES
    header, chunks = repacked(grouped, slots[:cut] + no_ops, slots[cut:])

    with pytest.raises(GroupTorn) as caught:
        grouped.builder.verify(header, chunks, CHECKS)

    assert caught.value.slot_number == slot_number


def test_verify__no_op_between_legs__rejects(made):
    """All in one chunk, yet not side by side; a block without groups before it."""
    made.block(*fill(made, 5))
    made.block(*fill(made, 5, 5), swap(10), *fill(made, 1, 12))
    slots = b"".join(block.slots for block in made.blocks[1:])
    cut = 12 * SLOT_BYTES
    header, chunks = repacked(made, slots[:cut] + bytes(SLOT_BYTES) + slots[cut:])

    with pytest.raises(GroupTorn) as caught:
        made.builder.verify(header, chunks, CHECKS)

    assert caught.value.slot_number == 10


def test_post__group__places_each_leg_holds(grouped):
    header = grouped.header()
    placed = dict(grouped.builder.posted(header))

    legs = [leg.digest(DOMAIN) for leg in swap(62).legs]
    assert [placed[leg] for leg in legs] == [CHUNK_SLOTS, CHUNK_SLOTS + 1, CHUNK_SLOTS + 2]
