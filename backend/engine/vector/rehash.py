"""The loops of the flat state tree (tree.py), compiled by numba.

A tree's node is a row: its hash, and where the pair of rows of its halves begins, 0 for none. Both
rows of a pair lie side by side, as their hash wants them. A change has many versions of a node, one
for each step that touches it: all steps' versions are hashed together, height by height.
"""

from typing import Any, Final, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from backend.engine.vector.loops import Number, Rows, Words, compiled
from backend.protocol.state_tree import STATE_DEPTH

Counts = NDArray[np.int64]

LEAF_WORDS: Final = 5  # 38 bytes, the 1 after them that keccak wants, a zero; all zero if empty
PAIR_ROWS: Final = 2
EMPTY: Final = 0  # the pair of halves of every empty place: two rows of zeros
ROOT: Final = 2
_LANES: Final = 8
_DIGEST_BYTES: Final = 32
# Nodes lie anywhere in memory: their rows are asked for this many nodes before they are needed.
_AHEAD: Final = 32
# Few enough that what they look at stays in the nearest cache.
_SIDE_BY_SIDE: Final = 1_024


class Nodes(NamedTuple):
    """The nodes over a change, by height; at each height they are groups of versions."""

    prefixes: Rows
    """uint32[33, n]: their ids' upper bits, ascending"""
    counts: Counts
    """int64[33]"""
    rows: Rows
    """uint32[33, n]: where they lie"""


class Versions(NamedTuple):
    """The versions of all nodes of one height, node by node, each node's by steps."""

    starts: Rows
    """uint32[n + 1]: where each node's begin, and where all end"""
    steps: Rows
    """uint32[2, n]: their steps, in the two rows by turns: at height 0 in the first"""
    pairs: Words
    """uint64[2n, 4]: the digests of their halves, or their leaves"""
    digests: Words
    """uint64[n, 4], at a place of 64 bytes; n is a multiple of 8"""


def _typed_call(_: Any, address: Any, rows: Any, is_whole: Any, digests: Any, groups: Any) -> Any:
    word = ir.IntType(64)

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [word] * 4)
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return numba.void(*[numba.int64] * 5), generate


def _typed_prefetch(_: Any, address: Any) -> Any:
    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        number, pointer = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        insert: Any = cgutils.get_or_insert_function
        function = insert(builder.module, kind, "llvm.prefetch.p0")
        place = builder.inttoptr(arguments[0], pointer)
        # To be written (1), to be kept near (3), data and no code (1).
        builder.call(function, [place, number(1), number(3), number(1)])
        return context.get_dummy_value()

    return numba.void(numba.int64), generate


# Calls keccak.py's `hash_rows`, which is at the address that comes first.
_call: Any = intrinsic(_typed_call)
# Has the cache line at an address loaded.
_prefetch: Any = intrinsic(_typed_prefetch)


@compiled
def allocate(below: Rows, used: Counts, leaf_room: Number, ids: Rows, first: Number) -> int:
    """Make room for the leaves at ids[first:], in `used` rows and leaves more.

    Return how many of all ids have room: fewer than there are if the arrays must grow before.
    """
    for k in range(first, ids.size):
        row: Number = ROOT
        for height in range(STATE_DEPTH - 1, -1, -1):
            pair = np.int64(below[row])
            if pair == EMPTY:
                if used[0] + PAIR_ROWS > below.size:
                    return k
                pair = used[0]
                below[row] = pair
                used[0] += PAIR_ROWS
            row = pair + (np.int64(ids[k]) >> height & 1)
        if below[row] == EMPTY:
            if used[1] >= leaf_room:
                return k
            below[row] = used[1]
            used[1] += 1
    return int(ids.size)


@compiled
def leaf_row(below: Rows, account_id: Number) -> int:
    """Return where a leaf lies, 0 if there never was one."""
    row: Number = ROOT
    for height in range(STATE_DEPTH - 1, -1, -1):
        pair = np.int64(below[row])
        if pair == EMPTY:
            return EMPTY
        row = pair + (account_id >> height & 1)
    return int(below[row])


@compiled
def leaf_places(below: Rows, ids: Rows) -> Rows:
    """Return where the leaves of ids lie, 0 for those that never were.

    They go down side by side: so none waits for another's node.
    """
    places = np.empty(ids.size, np.uint32)
    for start in range(0, ids.size, _SIDE_BY_SIDE):
        end = min(start + _SIDE_BY_SIDE, ids.size)
        places[start:end] = ROOT
        for height in range(STATE_DEPTH - 1, -1, -1):
            for k in range(start, end):
                places[k] = below[places[k]] + (ids[k] >> height & 1)
        for k in range(start, end):
            places[k] = below[places[k]]
    return places


@compiled
def begin(
    address: int, keys: Words, steps_of: Rows, changes: Words, nodes: Nodes, versions: Versions
) -> None:
    """Hash changed leaves. `keys` are id << 32 | place in `changes`, ascending."""
    prefixes, steps, pairs = nodes.prefixes[0], versions.steps[0], versions.pairs
    groups = 0
    for k in range(keys.size):
        account_id = np.uint32(keys[k] >> np.uint64(32))
        place = np.uint32(keys[k])
        steps[k] = steps_of[place]
        if groups == 0 or prefixes[groups - 1] != account_id:
            prefixes[groups] = account_id
            versions.starts[groups] = k
            groups += 1
        _copy(pairs, 2 * k, changes, place)
        pairs[2 * k + 1, 0] = changes[place, LEAF_WORDS - 1]
        pairs[2 * k + 1, 1] = pairs[2 * k + 1, 2] = pairs[2 * k + 1, 3] = 0
    versions.starts[groups] = keys.size
    nodes.counts[0] = groups
    _hash(address, versions, keys.size, 0)
    for k in range(keys.size):
        if pairs[2 * k + 1, 0] == 0:
            versions.digests[k] = 0


@compiled
def _hash(address: int, versions: Versions, count: Number, is_whole: Number) -> None:
    groups = (count + _LANES - 1) // _LANES
    _call(address, versions.pairs.ctypes.data, is_whole, versions.digests.ctypes.data, groups)


@compiled
def locate(below: Rows, low: Number, nodes: Nodes) -> bool:
    """Find the rows of all nodes over those at height `low`, level by level from the root down.

    Return whether all are there, their leaves included if `low` is 0.
    """
    prefixes, counts, rows = nodes
    for height in range(low, STATE_DEPTH):
        above = 0
        for k in range(counts[height]):
            prefix = prefixes[height, k] >> np.uint32(1)
            if above == 0 or prefixes[height + 1, above - 1] != prefix:
                prefixes[height + 1, above] = prefix
                above += 1
        counts[height + 1] = above
    rows[STATE_DEPTH, 0] = ROOT
    for height in range(STATE_DEPTH - 1, low - 1, -1):
        above = 0
        for k in range(counts[height]):
            prefix = prefixes[height, k]
            if prefixes[height + 1, above] != prefix >> np.uint32(1):
                above += 1
            rows[height, k] = below[rows[height + 1, above]] + (prefix & np.uint32(1))
    for k in range(counts[low]):
        if rows[low, k] < ROOT or (low == 0 and below[rows[low, k]] == EMPTY):
            return False
    return True


@compiled
def exchange(
    below: Rows,
    leaves: Words,
    keys: Words,
    changes: Words,
    nodes: Nodes,
    versions: Versions,
    before: Words,
) -> int:
    """Store the last version of each leaf, and what it was in `before`.

    Return how many more leaves there are now.
    """
    more = 0
    for k in range(nodes.counts[0]):
        place = np.uint32(keys[versions.starts[k + 1] - 1])
        leaf = below[nodes.rows[0, k]]
        for word in range(LEAF_WORDS):
            before[k, word] = leaves[leaf, word]
            leaves[leaf, word] = changes[place, word]
        more += int(leaves[leaf, LEAF_WORDS - 1] != 0) - int(before[k, LEAF_WORDS - 1] != 0)
    return more


@compiled
def rise(
    address: int,
    hashes: Words,
    low: Number,
    high: Number,
    nodes: Nodes,
    versions: Versions,
    takes_out: bool,
) -> int:
    """Hash the nodes over those at height `low` again, up to `high`; store all versions' last.

    `versions` are those at `low`, then those at `high`; their number is returned. What is at
    `high` is not stored yet. A node becomes empty only if the change `takes_out` leaves.
    """
    count = int(versions.starts[nodes.counts[low]])
    for height in range(low, high):
        count = _join(hashes, height, nodes, versions)
        _hash(address, versions, count, 1)
        for k in range(count if takes_out else 0):
            if _is_zero(versions.pairs, 2 * k) and _is_zero(versions.pairs, 2 * k + 1):
                versions.digests[k] = 0
    return count


@compiled
def _is_zero(digests: Words, row: Number) -> bool:
    digest = digests[row]
    return bool(digest[0] == 0 and digest[1] | digest[2] | digest[3] == 0)


@compiled
def _join(hashes: Words, height: Number, nodes: Nodes, versions: Versions) -> int:
    """Write the pairs of halves of all versions of the nodes above; return how many they are."""
    starts, pairs, digests = versions.starts, versions.pairs, versions.digests
    steps, steps_above = versions.steps[height & 1], versions.steps[height + 1 & 1]
    prefixes, rows, count = nodes.prefixes[height], nodes.rows[height], nodes.counts[height]
    written = 0
    groups = 0
    k = 0
    while k < count:
        start, middle = np.int64(starts[k]), np.int64(starts[k + 1])
        row = np.int64(rows[k])
        prefix = prefixes[k]
        k += 1
        if k + _AHEAD < count:
            _prefetch(hashes.ctypes.data + _DIGEST_BYTES * np.int64(rows[k + _AHEAD]))
        starts[groups] = written
        groups += 1
        if k < count and prefixes[k] == prefix | np.uint32(1):
            bounds = start, middle, np.int64(starts[k + 1])
            written = _merge(hashes, row, bounds, steps, steps_above, pairs, digests, written)
            k += 1
            continue
        # Most nodes have but one half that changes.
        side = np.int64(prefix & np.uint32(1))
        for version in range(start, middle):
            _copy(pairs, 2 * written + side, digests, version)
            _copy(pairs, 2 * written + 1 - side, hashes, row ^ 1)
            steps_above[written] = steps[version]
            written += 1
        _copy(hashes, row, digests, middle - 1)
    starts[groups] = written
    return written


@compiled
def _merge(
    hashes: Words,
    left: Number,
    bounds: tuple[Number, Number, Number],
    steps: Rows,
    steps_above: Rows,
    pairs: Words,
    digests: Words,
    written: Number,
) -> int:
    """Write the pairs of halves that both change; return how many pairs are written by then.

    The left half's versions begin and the right half's begin and end at `bounds`.
    """
    i, middle, end = bounds
    j = middle
    left_from, right_from = hashes, hashes
    left_at, right_at = left, left + 1
    while i < middle or j < end:
        takes_left = i < middle and (j == end or steps[i] <= steps[j])
        takes_right = j < end and (i == middle or steps[j] <= steps[i])
        steps_above[written] = steps[i] if takes_left else steps[j]
        if takes_left:
            left_from, left_at = digests, i
            i += 1
        if takes_right:
            right_from, right_at = digests, j
            j += 1
        _copy(pairs, 2 * written, left_from, left_at)
        _copy(pairs, 2 * written + 1, right_from, right_at)
        written += 1
    _copy(hashes, left, digests, middle - 1)
    _copy(hashes, left + 1, digests, end - 1)
    return int(written)


@compiled
def _copy(to: Words, row: Number, source: Words, source_row: Number) -> None:
    """Copy a digest."""
    at, source_at = np.uint64(row), np.uint64(source_row)
    a, b = source[source_at, 0], source[source_at, 1]
    c, d = source[source_at, 2], source[source_at, 3]
    to[at, 0], to[at, 1], to[at, 2], to[at, 3] = a, b, c, d
