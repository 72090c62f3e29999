"""The flat tree is the readable one, in place.

- put: any steps, none, empty ones, over parts and threads; an id twice in a step, steps that
  descend or are too many → rejects
- undo: any steps; to the empty tree
- room: the arrays grow; bytes of an account
- leaf, leaves, halves: there, never there, taken out
- accounts: all, ascending
- long: thousands of chunks upon many accounts, in wide and in narrow lanes
"""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engine.vector import tree
from backend.engine.vector.rehash import ROOT
from backend.engine.vector.tree import Changes, FlatTree
from backend.protocol.errors import InvariantViolated
from backend.protocol.hashing import ZERO_DIGEST
from backend.protocol.state_tree import StateTree, node_hash
from tests.unit.engine.vector import leaves as some


def _put(flat, steps):
    items = [item for step in steps for item in step.items()]
    numbers = np.repeat(np.arange(len(steps), dtype=np.uint32), [len(step) for step in steps])
    return flat.put(Changes.of(items), numbers, len(steps))


def _undo(flat, before):
    return flat.put(before, np.zeros(len(before.ids), np.uint32), 1)


def _accounts(flat):
    return {
        int(account_id): part.leaf(place)
        for part in flat.accounts()
        for place, account_id in enumerate(part.ids)
    }


@pytest.fixture
def twin():
    readable = StateTree({some.AccountId(i * 7919): some.leaf(i) for i in range(1, 400)})
    flat = FlatTree()
    _put(flat, [{some.AccountId(i * 7919): some.leaf(i) for i in range(1, 400)}])
    return readable, flat


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(some.changes, max_size=5), max_size=4),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([1, 3, 4_096]),
)
def test_put__any_steps__as_the_readable_tree_and_back_holds(batches, threads, slice_size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "_SLICE", slice_size)
        readable, flat = StateTree(), FlatTree(threads)
        history, accounts = [], {}
        for steps in batches:
            root_before = flat.root
            expected, readable = readable.set_in_turn(steps)
            accounts |= {key: leaf for step in steps for key, leaf in step.items()}

            roots, before = _put(flat, steps)

            assert roots == expected
            assert flat.root == readable.root
            assert _accounts(flat) == accounts
            assert len(flat) == len(accounts)
            history.append((root_before, before))
        for root_before, before in reversed(history):
            _undo(flat, before)
            assert flat.root == root_before
        assert (flat.root, len(flat), _accounts(flat)) == (ZERO_DIGEST, 0, {})


@pytest.mark.parametrize("threads", [1, 2])
def test_put__many_leaves__as_the_readable_tree_holds(width, threads):
    steps = [
        {some.AccountId(i % 251 << 24 | i * step % 97): some.leaf(i * step) for i in range(1, 900)}
        for step in (1, 2, 3)
    ]
    flat = FlatTree(threads)

    roots, _ = _put(flat, steps)

    assert roots == StateTree().set_in_turn(steps)[0]


def test_put__nothing__changes_nothing(twin):
    readable, flat = twin

    roots, before = _put(flat, [{}, {}])

    assert roots == [readable.root] * 2
    assert len(before.ids) == 0
    assert _put(flat, [])[0] == []


@pytest.mark.parametrize("slice_size", [1, 2, 4_096])
def test_put__id_twice_in_a_step__changes_nothing_and_rejects(twin, monkeypatch, slice_size):
    monkeypatch.setattr(tree, "_SLICE", slice_size)
    readable, flat = twin
    ids = [1, 7919, 3, 7919]
    items = [(some.AccountId(account_id), some.leaf(5)) for account_id in ids]

    with pytest.raises(InvariantViolated, match="twice"):
        flat.put(Changes.of(items), np.zeros(4, np.uint32), 1)

    assert flat.root == readable.root
    assert _accounts(flat) == {i * 7919: some.leaf(i) for i in range(1, 400)}


@pytest.mark.parametrize(
    ("steps", "message"), [([1, 0], "ascend"), ([0], "ascend"), ([0, 2], "too many")]
)
def test_put__improper_steps__rejects(twin, steps, message):
    _, flat = twin
    changes = Changes.of([(some.AccountId(1), some.leaf(1)), (some.AccountId(2), some.leaf(2))])

    with pytest.raises(InvariantViolated, match=message):
        flat.put(changes, np.array(steps, np.uint32), 2)


def test_put__more_than_there_is_room_for__grows__holds():
    flat = FlatTree()
    step = {some.AccountId(i): some.leaf(i) for i in range(20_000)}

    roots, _ = _put(flat, [step])

    assert roots == [StateTree(step).root]
    # Arrays grow by a quarter: 40 bytes a leaf, twice 36 its nodes, and what is free.
    assert 112 <= flat.size_bytes / len(flat) <= 142


def test_leaf__each_kind_of_place__succeeds(twin):
    readable, flat = twin
    _undo(flat, Changes.of([(some.AccountId(7919), None)]))

    assert flat.leaf(some.AccountId(2 * 7919)) == readable.leaf(some.AccountId(2 * 7919))
    assert flat.leaf(some.AccountId(7919)) is None
    assert flat.leaf(some.AccountId(7920)) is None
    assert flat.leaf(some.AccountId(2**32 - 1)) is None
    assert len(flat) == 398


def test_leaves__each_kind_of_place__as_leaf_holds(twin):
    _, flat = twin
    _undo(flat, Changes.of([(some.AccountId(7919), None)]))
    ids = np.array([2**32 - 1, 2 * 7919, 7919, 7920, 3 * 7919], np.uint32)

    found = Changes(ids, flat.leaves(ids))

    assert [found.leaf(k) for k in range(5)] == [flat.leaf(some.AccountId(int(i))) for i in ids]
    assert [found.leaf(k) is None for k in range(5)] == [True, False, True, True, False]


def test_halves__of_the_root__make_it_holds(twin):
    readable, flat = twin

    left, right = map(flat.digest, flat.halves(ROOT))

    assert node_hash(left, right) == flat.root == readable.root


def test_find__ids_of_changes__succeeds():
    changes = Changes.of([(some.AccountId(3), some.leaf(9)), (some.AccountId(2**31), None)])

    assert [changes.find(i) for i in (3, 2**31, 0, 4, 2**32 - 1)] == [0, 1, None, None, None]
    assert [changes.leaf(place) for place in (0, 1)] == [some.leaf(9), None]


@pytest.mark.long
@pytest.mark.parametrize("threads", [1, 2])
def test_put__thousands_of_chunks__as_the_readable_tree_holds(width, threads):
    chance = Random(threads)
    ids = [some.AccountId(i % 255 << 24 | i // 255) for i in range(60_000)]
    readable, flat = StateTree(), FlatTree(threads)
    for batch in range(12):
        steps = [
            {
                account_id: some.leaf(chance.getrandbits(160))
                for account_id in chance.sample(ids, 128)
            }
            for _ in range(150)
        ]
        steps[batch] |= {
            some.AccountId(chance.getrandbits(32)): some.leaf(batch) for _ in range(500)
        }
        root = flat.root

        expected, readable = readable.set_in_turn(steps)
        roots, before = _put(flat, steps)

        assert roots == expected
        if batch % 3 == 0:
            _undo(flat, before)
            assert flat.root == root
            assert _put(flat, steps)[0] == expected
