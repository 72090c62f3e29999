"""Trees that share one flat tree are as many `StateTree`s.

- any changes of any of them, and their roots, leaves, paths, multiproofs afterwards
- chunks upon any of them, however often
- leaves of trees nearby and far away
- a draft that is given up takes its changes with it
- threads
"""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engine.vector.versions import FlatStateTree
from backend.protocol.errors import MalformedBytes
from backend.protocol.state_tree import StateTree
from backend.protocol.types import AccountId
from tests.unit.engine.vector import chunks
from tests.unit.engine.vector import leaves as some

_PLACES = [AccountId(place) for place in (0, 1, 5, 2**24, 3 << 24 | 4, 2**32 - 1)]


@settings(max_examples=100, deadline=None)
@given(
    some.changes,
    st.lists(st.tuples(st.integers(0, 9), st.lists(some.changes, max_size=4)), max_size=8),
    st.lists(st.integers(0, 9), max_size=8),
)
def test_set_in_turn__any_tree_of_a_family__as_the_readable_ones_holds(first, family, asked):
    trees = [(StateTree(first), FlatStateTree(first))]
    for parent, steps in family:
        readable, flat = trees[parent % len(trees)]
        roots, next_readable = readable.set_in_turn(steps)
        flat_roots, next_flat = flat.set_in_turn(steps)
        assert flat_roots == roots
        trees.append((next_readable, next_flat))

    for place in asked:
        readable, flat = trees[place % len(trees)]
        assert flat.multiproof(_PLACES) == readable.multiproof(_PLACES)
    for readable, flat in trees:
        assert flat.root == readable.root
        ids = [*_PLACES, *first]
        assert [flat.leaf(i) for i in ids] == [readable.leaf(i) for i in ids]
    for readable, flat in trees:
        assert [flat.path(i) for i in _PLACES] == [readable.path(i) for i in _PLACES]


@pytest.mark.parametrize("seed", range(20))
def test_apply_chunks__on_any_tree_of_a_family__as_the_readable_ones_holds(seed):
    scene = chunks.scene(seed)
    trees = [(StateTree(scene.leaves), FlatStateTree(scene.leaves))]
    for slots in scene.chunk_slots:
        trees.append(tuple(tree.apply_chunks([slots], scene.facts).tree for tree in trees[-1]))

    for readable, flat in [*trees, *reversed(trees)]:
        one, other = (
            tree.apply_chunks(scene.chunk_slots, scene.facts) for tree in (readable, flat)
        )
        assert other.roots == one.roots
        assert other.tree.root == one.tree.root
    assert [flat.root for _, flat in trees] == [readable.root for readable, _ in trees]


def test_set_many__on_a_tree__changes_nothing(width):
    before = FlatStateTree({AccountId(3): some.leaf(1)})
    root = before.root

    after = before.set_many({AccountId(3): some.leaf(2), AccountId(4): some.leaf(3)})

    assert before.root == root == StateTree({AccountId(3): some.leaf(1)}).root != after.root
    assert [before.leaf(AccountId(i)) for i in (3, 4)] == [some.leaf(1), None]
    assert [after.leaf(AccountId(i)) for i in (3, 4)] == [some.leaf(2), some.leaf(3)]


def test_set_many__empty_trees__succeeds():
    assert FlatStateTree().root == FlatStateTree().set_many({}).root == StateTree().root
    assert FlatStateTree().path(AccountId(9)) == StateTree().path(AccountId(9))


def test_leaf__of_far_older_trees__as_they_were_holds():
    trees = [FlatStateTree({AccountId(3): some.leaf(0)})]
    for word in range(1, 12):
        trees.append(
            trees[-1].set_many({AccountId(3): some.leaf(word), AccountId(9): some.leaf(word)})
        )

    for place in (0, 11, 5, 6, 1):
        assert trees[place].leaf(AccountId(3)) == some.leaf(place)
        assert trees[place].leaf(AccountId(9)) == (some.leaf(place) if place else None)
    assert all(tree.leaf(AccountId(3)) == some.leaf(place) for place, tree in enumerate(trees))


def test_multiproof__descending_ids__rejects():
    tree = FlatStateTree({AccountId(3): some.leaf(1)})

    with pytest.raises(MalformedBytes):
        tree.multiproof([AccountId(3), AccountId(2)])


def test_set_many__given_up_trees__are_forgotten_holds():
    tip = FlatStateTree({AccountId(3): some.leaf(1)})
    drafts = [tip.set_many({AccountId(3): some.leaf(word)}) for word in range(2, 6)]
    changes = [weakref.ref(draft._otherwise.leaves) for draft in drafts[:-1]]

    last = drafts[-1]
    del drafts
    gc.collect()

    assert [change() for change in changes] == [None] * 3
    assert last.leaf(AccountId(3)) == some.leaf(5)


def test_set_many__several_threads__as_the_readable_ones_holds():
    first = {AccountId(i): some.leaf(i) for i in range(200)}
    flat, readable = FlatStateTree(first), StateTree(first)

    def path(word):
        changed = {AccountId(word): some.leaf(word + 1)}
        tree, twin = flat.set_many(changed), readable.set_many(changed)
        return tree.path(AccountId(7)) == twin.path(AccountId(7)) and tree.root == twin.root

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(path, range(200)))
