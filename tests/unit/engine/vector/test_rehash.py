"""What the loops say to tree.py; what they make of a tree is tested by test_tree.py.

- allocate: stops where rows or leaves are used up, goes on in larger arrays
- leaf_row, leaf_places: of places that were allocated, of none; of very many
"""

import numpy as np

from backend.engine.vector import rehash
from backend.engine.vector.rehash import PAIR_ROWS, ROOT
from backend.protocol.state_tree import STATE_DEPTH

IDS = np.array([5, 6, 2**32 - 1], np.uint32)


def _used():
    return np.array([ROOT + PAIR_ROWS, 1], np.int64)


def test_allocate__rows_are_used_up__goes_on_in_larger_arrays_holds():
    used = _used()
    small, large = np.zeros(50, np.uint32), np.zeros(200, np.uint32)

    done = rehash.allocate(small, used, 10, IDS, 0)
    large[:50] = small

    assert done == 0
    assert rehash.allocate(large, used, 10, IDS, done) == 3
    # 6 needs one pair beside those of 5, 2^32 − 1 all but the root's.
    pairs = STATE_DEPTH + 1 + STATE_DEPTH - 1
    assert used.tolist() == [ROOT + PAIR_ROWS + PAIR_ROWS * pairs, 4]


def test_allocate__leaves_are_used_up__says_how_many_fit_holds():
    used = _used()

    assert rehash.allocate(np.zeros(200, np.uint32), used, 3, IDS, 0) == 2
    assert used[1] == 3


def test_leaf_row__each_kind_of_place__succeeds():
    below = np.zeros(200, np.uint32)
    rehash.allocate(below, _used(), 10, IDS, 0)

    assert [rehash.leaf_row(below, account_id) for account_id in (5, 6, 2**32 - 1)] == [1, 2, 3]
    assert [rehash.leaf_row(below, account_id) for account_id in (4, 7, 2**31)] == [0, 0, 0]


def test_leaf_places__each_kind_of_place__as_leaf_row_holds():
    below = np.zeros(200, np.uint32)
    rehash.allocate(below, _used(), 10, IDS, 0)
    asked = np.array([2**31, 5, 2**32 - 1, 4, 6, 0, 7, 5], np.uint32)

    assert rehash.leaf_places(below, asked).tolist() == [0, 1, 3, 0, 2, 0, 0, 1]
    assert rehash.leaf_places(below, asked[:0]).tolist() == []


def test_leaf_places__more_than_go_side_by_side__succeeds():
    ids = np.arange(0, 70_000, 7, np.uint32)
    below = np.zeros(100_000, np.uint32)
    assert rehash.allocate(below, _used(), len(ids) + 1, ids, 0) == len(ids)

    assert rehash.leaf_places(below, ids).tolist() == list(range(1, len(ids) + 1))
