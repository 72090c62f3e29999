"""Chunks on arrays are executed as the readable twin does it: same first invalid chunk, leaves,
roots, openings.

- any chunks, valid and hostile; the same in one step and in several
- each case of the readable twin's own tests, behind a valid chunk
- edges: each wrong shape; nonces and balances at their ends; no bridge; openings in the last slot,
  and in an invalid chunk; second halves that look like operations
- fee accounts of five assets in a chunk, of four again in the next, of one that nobody held
- thousands of operations of one payer; all fee bytes
- chunks that change as many accounts as they can; none; one of another size → rejects
"""

import pytest

from backend.engine.vector.execution import CHANGED_MAX
from backend.engine.vector.sequence import effects_of
from backend.engine.vector.tree import Changes, FlatTree
from backend.engine.vector.versions import FlatStateTree
from backend.protocol.batches import CHUNK_SLOTS, CHUNK_SLOTS_BYTES, FEE_ACCOUNTS_MAX, padded
from backend.protocol.errors import InvariantViolated
from backend.protocol.money import BalanceMinor
from backend.protocol.operations import NO_OP_SLOT, OpenAccount, encode, encode_all, slot
from backend.protocol.state_tree import GENESIS_LEAVES, StateTree
from backend.protocol.transition import InvalidOperation, L1Facts, apply_in_sequence
from backend.protocol.types import BRIDGE, ZERO_ADDRESS, AccountId, Leaf, fee_account_id
from tests.property import world
from tests.unit.engine.vector import chunks as some
from tests.unit.protocol import test_transition as readable

NOTHING = L1Facts({}, {}, 0)


def flat_of(leaves):
    flat = FlatTree()
    changes = Changes.of(leaves.items())
    flat.put(changes, 0 * changes.ids, 1)
    return flat


def executed(leaves, chunk_slots, facts):
    """What the readable function makes of each chunk before the first invalid one."""
    leaves, changes = dict(leaves), []
    for slots in chunk_slots:
        try:
            changes.append(apply_in_sequence(leaves.get, slots, facts))
        except InvalidOperation:
            break
        leaves |= changes[-1]
    return changes


def check(leaves, chunk_slots, facts):
    """Return how many chunks are valid before the first that isn't, if the twins agree."""
    expected = executed(leaves, chunk_slots, facts)
    effects = effects_of(flat_of(leaves), chunk_slots, facts)
    changes = [{} for _ in range(effects.chunk_count)]
    for place, (account_id, step) in enumerate(
        zip(effects.changes.ids.tolist(), effects.steps.tolist(), strict=True)
    ):
        assert account_id not in changes[step]
        changes[step][account_id] = effects.changes.leaf(place)
    assert changes == expected

    one, other = (
        tree.apply_chunks(chunk_slots, facts) for tree in (StateTree(leaves), FlatStateTree(leaves))
    )
    assert other.roots == one.roots
    assert other.tree.root == one.tree.root
    assert other.openings == one.openings
    return len(expected)


def check_in_parts(scene):
    """Check the chunks at once, and what follows after the first half upon its tree."""
    valid = check(scene.leaves, scene.chunk_slots, scene.facts)
    half = len(scene.chunk_slots) // 2
    if valid >= half:
        tree = FlatStateTree(scene.leaves)
        first = tree.apply_chunks(scene.chunk_slots[:half], scene.facts)
        rest = first.tree.apply_chunks(scene.chunk_slots[half:], scene.facts)
        whole = tree.apply_chunks(scene.chunk_slots, scene.facts)
        assert [*first.roots, *rest.roots] == whole.roots
        assert len(whole.roots) == valid
    return valid


@pytest.mark.parametrize("seed", range(300))
def test_effects_of__any_chunks__as_the_readable_twin_holds(seed):
    check_in_parts(some.scene(seed))


def test_effects_of__seeds__hold_valid_and_invalid_chunks_holds():
    scenes = [some.scene(seed) for seed in range(60)]
    counts = [
        (len(executed(scene.leaves, scene.chunk_slots, scene.facts)), len(scene.chunk_slots))
        for scene in scenes
    ]

    assert sum(1 for valid, count in counts if valid == count > 0) > 10
    assert sum(1 for valid, count in counts if valid < count) > 10
    assert sum(1 for valid, count in counts if 0 < valid < count) > 5


@pytest.mark.long
@pytest.mark.parametrize("seeds", range(1_000, 21_000, 1_000))
def test_effects_of__very_many_chunks__as_the_readable_twin_holds(seeds):
    for seed in range(seeds, seeds + 1_000):
        try:
            check_in_parts(some.scene(seed))
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error


def behind_a_valid_chunk(operations):
    slots = b"".join(o if isinstance(o, bytes) else encode(o) for o in operations)
    return [bytes(CHUNK_SLOTS_BYTES), padded(slots)]


@pytest.mark.parametrize("operations", [case[0] for case in readable.VALID.values()])
def test_effects_of__valid_operations__as_the_readable_twin_succeeds(operations):
    assert check(readable.LEAVES, behind_a_valid_chunk(operations), readable.FACTS) == 2


@pytest.mark.parametrize("operations", [case[0] for case in readable.INVALID.values()])
def test_effects_of__invalid_operations__says_which_chunk_rejects(operations):
    assert check(readable.LEAVES, behind_a_valid_chunk(operations), readable.FACTS) == 1


@pytest.mark.parametrize(
    "slots",
    [
        encode(OpenAccount(AccountId(0), 1, some.owner(5))),
        encode(OpenAccount(AccountId(1), 1, some.owner(5))),
        encode(OpenAccount(AccountId(9), 0, some.owner(5))),
        encode(OpenAccount(AccountId(9), 1, ZERO_ADDRESS)),
        slot(0, 0, 0, 1),
        slot(0, 0, 5, 0),
        slot(0, 1, 5, 0),
        slot(0, 1, 0, 0),
        slot(2, 1, 5, 0),
        slot(2, 0, 0, 0),
        slot(2, 0, 0, 8),
    ],
)
def test_effects_of__no_operation_by_its_shape__says_which_chunk_rejects(slots):
    leaves = readable.LEAVES | {AccountId(1): Leaf(some.owner(5), 1, 0, BalanceMinor(9))}

    assert check(readable.LEAVES, behind_a_valid_chunk([slots]), readable.FACTS) == 1
    assert check(leaves, behind_a_valid_chunk([slots]), readable.FACTS) == 1


def test_effects_of__shape_behind_a_wrong_payer__stops_at_the_earlier_chunk_rejects():
    wrong_payer, wrong_shape = (
        padded(encode_all([readable.payment(*ids, 1)])) for ids in ((99, 3), (2, 2))
    )

    for first, second in ((wrong_payer, wrong_shape), (wrong_shape, wrong_payer)):
        chunk_slots = [bytes(CHUNK_SLOTS_BYTES), first, second]
        assert check(readable.LEAVES, chunk_slots, readable.FACTS) == 1


@pytest.mark.parametrize(("nonce", "valid"), [(2**64 - 2, 1), (2**64 - 1, 0)])
def test_effects_of__last_nonce__is_never_passed_holds(nonce, valid):
    leaves = readable.LEAVES | {AccountId(2): Leaf(some.owner(1), 1, nonce, BalanceMinor(9))}
    slots = padded(encode(readable.payment(2, 3, 1)))

    assert check(leaves, [slots], readable.FACTS) == valid
    assert check(leaves, [slots] * 2, readable.FACTS) == valid


@pytest.mark.parametrize(("balance_minor", "valid"), [(2**64 - 3, 2), (2**64 - 2, 1)])
@pytest.mark.parametrize("full", [3, readable.FEE_1])
def test_effects_of__full_account__takes_no_more_holds(full, balance_minor, valid):
    leaves = readable.LEAVES | {AccountId(full): Leaf(some.owner(1), 1, 0, balance_minor)}
    slots = padded(encode(readable.payment(2, 3, 1, 1)))

    assert check(leaves, [slots] * 3, readable.FACTS) == valid


def test_effects_of__deposit_without_a_bridge__rejects():
    leaves = {place: leaf for place, leaf in readable.LEAVES.items() if place != BRIDGE}
    facts = L1Facts({}, {0: world.deposit("alice", 5)}, 1)
    slots = padded(slot(BRIDGE, 2, 5, 0))

    assert check(leaves, [slots], facts) == 0
    assert check(leaves | GENESIS_LEAVES, [slots], facts) == 1


def test_effects_of__fee_of_an_asset_that_nobody_held__finds_its_account_holds():
    record = world.deposit("dora", 5, world.asset(12))
    opened = encode(readable.opening(9, 12)) + slot(BRIDGE, 9, 5, 0)
    slots = padded(opened + encode(readable.withdrawal(9, 1, 1)))
    fee_account = fee_account_id(12)
    leaves = GENESIS_LEAVES | {fee_account: readable.LEAVES[fee_account]}

    assert check(leaves, [slots], L1Facts({}, {0: record}, 1)) == 1


def test_effects_of__fee_accounts__are_counted_in_each_chunk_holds():
    four = encode_all([readable.fee_to(n) for n in (10, 11, 12, 13, 11)])
    others = encode_all([readable.fee_to(n) for n in (12, 13, 14, 15)])
    fifth = four + encode_all([readable.fee_to(14)])

    chunk_slots = [padded(four), padded(others), padded(fifth)]

    assert check(readable.LEAVES, chunk_slots, readable.FACTS) == 2


@pytest.mark.parametrize(("free", "valid"), [(62, 1), (63, 0)])
def test_effects_of__opening_at_the_end__needs_two_slots_holds(free, valid):
    opening = encode(OpenAccount(AccountId(9), 1, some.owner(5)))

    slots = (NO_OP_SLOT * free + opening)[:CHUNK_SLOTS_BYTES]

    assert check(readable.LEAVES, [padded(slots)], readable.FACTS) == valid


def test_effects_of__second_half_is_a_payment__is_read_as_an_owner_holds():
    looks = bytes(5) + slot(2, 3, 1, 0)
    slots = encode(OpenAccount(AccountId(9), 1, looks))

    assert check(readable.LEAVES, [padded(slots)], readable.FACTS) == 1
    assert check(readable.LEAVES, [padded(slots)] * 2, readable.FACTS) == 1
    effects = effects_of(flat_of(readable.LEAVES), [padded(slots)], readable.FACTS)
    assert effects.changes.ids.tolist() == [9]


def test_effects_of__opened_in_an_invalid_chunk__opens_nothing_holds():
    opening = encode(readable.opening(9))
    chunk_slots = [padded(b""), padded(opening + slot(9, 9, 1, 0)), padded(opening)]

    effects = effects_of(flat_of(readable.LEAVES), chunk_slots, readable.FACTS)

    assert (effects.chunk_count, len(effects.changes.ids), effects.openings) == (1, 0, [])


def test_effects_of__openings__are_told_where_they_begin_holds():
    fee_account = OpenAccount(fee_account_id(2), 2, world.address("wide's fee owner"))
    openings = [readable.opening(9), readable.opening(20), fee_account]
    slots = [NO_OP_SLOT * 5 + encode(openings[0]), encode_all(openings[1:])]

    effects = effects_of(flat_of(readable.LEAVES), list(map(padded, slots)), readable.FACTS)

    places = [5, CHUNK_SLOTS, CHUNK_SLOTS + 2]
    assert effects.openings == list(zip(places, openings, strict=True))


def test_effects_of__each_fee_byte__is_its_value_holds():
    rich = Leaf(some.owner(1), 1, 0, BalanceMinor(2**63))
    leaves = GENESIS_LEAVES | {AccountId(i): rich for i in (2, 3, fee_account_id(1))}
    payments = [slot(2, 3, 1, byte) for byte in range(256)]

    chunk_slots = [b"".join(payments[start : start + 64]) for start in range(0, 256, 64)]

    assert check(leaves, chunk_slots, NOTHING) == 4


def test_effects_of__one_payer_of_a_full_batch__as_the_readable_twin_holds():
    leaves = GENESIS_LEAVES | {
        AccountId(i): Leaf(some.owner(i), 1, 0, BalanceMinor(10**6)) for i in (2, 3, 4)
    }
    chunk = b"".join(slot(2, 3 + k % 2, 1 + k, 0) for k in range(CHUNK_SLOTS))

    # 64 payments take 2,080 minor units: the balance ends in chunk 480.
    assert check(leaves, [chunk] * 768, NOTHING) == 480


def test_effects_of__chunks_that_change_as_much_as_they_can__as_the_readable_twin_holds():
    assets = range(1, FEE_ACCOUNTS_MAX + 1)
    ids = [(AccountId(2 + index), 1 + index % len(assets)) for index in range(2 * CHUNK_SLOTS)]
    ids += [(fee_account_id(asset_id), asset_id) for asset_id in assets]
    leaves = {
        account_id: Leaf(some.owner(account_id), asset_id, 0, BalanceMinor(1_000))
        for account_id, asset_id in ids
    }
    chunk = b"".join(slot(2 + k, 2 + CHUNK_SLOTS + k, 1, 8) for k in range(CHUNK_SLOTS))

    assert check(leaves, [chunk] * 3, NOTHING) == 3
    changes = effects_of(flat_of(leaves), [chunk] * 3, NOTHING).changes
    assert len(changes.ids) == 3 * CHANGED_MAX


def test_effects_of__chunk_of_another_size__rejects():
    with pytest.raises(InvariantViolated, match="another size"):
        effects_of(FlatTree(), [bytes(CHUNK_SLOTS_BYTES), bytes(15)], NOTHING)


def test_effects_of__no_chunks__changes_nothing():
    effects = effects_of(flat_of(readable.LEAVES), [], readable.FACTS)

    assert (effects.chunk_count, len(effects.changes.ids)) == (0, 0)
    assert check({}, [bytes(CHUNK_SLOTS_BYTES)], NOTHING) == 1
