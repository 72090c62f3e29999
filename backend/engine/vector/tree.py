"""The state tree in flat arrays, changed in place. Law: its roots and paths are those of
protocol/state_tree.py, whose twin it is.

A leaf takes 40 bytes and a node 36, of which an account has some two. All versions of a node that a
change makes, one for each step, are hashed together: a step's root costs what its own paths cost,
and no array is read twice. FlatTree is for one thread at a time; it may use several itself.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from backend.engine.vector import keccak, lanes, rehash
from backend.engine.vector.loops import Rows, Words
from backend.engine.vector.rehash import LEAF_WORDS, PAIR_ROWS, ROOT, Nodes, Versions
from backend.protocol.errors import check_invariant
from backend.protocol.hashing import Digest
from backend.protocol.money import BalanceMinor
from backend.protocol.state_tree import STATE_DEPTH
from backend.protocol.types import AccountId, Address, Leaf

LEAF: Final = np.dtype(
    [
        ("owner", np.uint8, 20),
        ("asset_id", ">u2"),
        ("nonce", ">u8"),
        ("balance_minor", ">u8"),
        ("ending", ">u2"),
    ]
)
"""A leaf as it is hashed, with what keccak wants after it; an empty one is all zeros."""
ENDING: Final = 0x0100

_ENDING_BYTES: Final = ENDING.to_bytes(2)
_FIELDS: Final = struct.Struct(">20sHQQ")
_NO_LEAF: Final = bytes(LEAF.itemsize)
_DIGEST_WORDS: Final = keccak.DIGEST_BYTES // 8
# Leaves that a thread hashes at once: their versions stay in the nearer caches.
_SLICE: Final = 4_096
# Partitions are the upper 8 bits of an id; below that height, threads have no node in common.
_PARTITION_HEIGHT: Final = 24
_ROWS_MAX: Final = 2**32
_FIRST_ROWS: Final = 1 << 10

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Changes:
    """Leaves to be put in, LEAF[n], at ids, uint32[n]."""

    ids: Rows
    leaves: NDArray[Any]

    @classmethod
    def of(cls, leaves: Iterable[tuple[AccountId, Leaf | None]]) -> "Changes":
        """Return these leaves; None is an empty one."""
        items = list(leaves)
        encoded = (_NO_LEAF if leaf is None else leaf.encode() + _ENDING_BYTES for _, leaf in items)
        ids = np.fromiter((account_id for account_id, _ in items), np.uint32, len(items))
        return cls(ids, np.frombuffer(bytearray().join(encoded), LEAF))

    def find(self, account_id: AccountId) -> int | None:
        """Return the place of an id; the ids ascend."""
        place = int(np.searchsorted(self.ids, np.uint32(account_id)))
        is_there = place < len(self.ids) and self.ids[place] == account_id
        return place if is_there else None

    def leaf(self, place: int) -> Leaf | None:
        return _decoded(self.leaves[place].tobytes())


def _decoded(data: bytes) -> Leaf | None:
    if data == _NO_LEAF:
        return None
    owner, asset_id, nonce, balance_minor = _FIELDS.unpack_from(data)
    return Leaf(Address(owner), asset_id, nonce, BalanceMinor(balance_minor))


class FlatTree:
    """All accounts at present. A change gives back what was before it, which undoes it."""

    def __init__(self, threads: int = 1) -> None:
        """Be the tree of root zero. `threads` share a change's partitions among them."""
        self._below: Rows = lanes.aligned(_FIRST_ROWS, np.uint32)
        self._hashes: Words = lanes.aligned((_FIRST_ROWS, _DIGEST_WORDS), np.uint64)
        self._leaves: Words = lanes.aligned((_FIRST_ROWS, LEAF_WORDS), np.uint64)
        # Rows and leaves: the pair of the empty, the pair that the root is in; no leaf.
        self._used = np.array([ROOT + PAIR_ROWS, 1], np.int64)
        self._count = 0
        hashing = keccak.library()
        self._rooms = [_Room(hashing) for _ in range(threads)]
        self._top = self._rooms[0] if threads == 1 else _Room(hashing)
        self._threads = ThreadPoolExecutor(threads) if threads > 1 else None

    def __len__(self) -> int:
        """How many accounts there are."""
        return self._count

    @property
    def root(self) -> Digest:
        """The state root."""
        return self.digest(ROOT)

    @property
    def size_bytes(self) -> int:
        """The memory of all arrays, what is free in them included."""
        arrays = self._below, self._hashes, self._leaves
        return sum(array.nbytes for array in arrays)

    def put(self, changes: Changes, steps: Rows, step_count: int) -> tuple[list[Digest], Changes]:
        """Put leaves in, step by step; return the root after each step, and what was before.

        `steps` is uint32[n] and ascends, each below `step_count`; in a step an id stands once.
        What was before has each id once, ascending: putting it in undoes all steps.
        """
        count = len(changes.ids)
        words = np.ascontiguousarray(changes.leaves).view(np.uint64).reshape(count, LEAF_WORDS)
        check_invariant(
            steps.shape == (count,) and bool((steps[:-1] <= steps[1:]).all()),
            "steps that don't ascend",
        )
        check_invariant(count == 0 or int(steps[-1]) < step_count, "a step too many")
        ids = np.ascontiguousarray(changes.ids, np.uint32)
        steps = np.ascontiguousarray(steps, np.uint32)
        places = np.sort(steps.astype(np.uint64) << np.uint64(32) | ids)
        is_once = bool((places[1:] != places[:-1]).all())
        check_invariant(is_once, "an id stands twice in a step")
        roots = np.zeros((step_count, _DIGEST_WORDS), np.uint64)
        first_root = self._hashes[ROOT].copy()
        before: list[tuple[Rows, Words]] = []
        for start in range(0, count, _SLICE * len(self._rooms)):
            part = slice(start, start + _SLICE * len(self._rooms))
            before += self._put_slice(ids[part], steps[part], words[part], roots)
        is_changed = np.zeros(step_count, np.bool_)
        is_changed[steps] = True
        last = np.maximum.accumulate(np.where(is_changed, np.arange(step_count), -1))
        roots = np.where((last >= 0)[:, None], roots[last], first_root)
        return [Digest(root.tobytes()) for root in roots], _first_of_each(before)

    def leaf(self, account_id: AccountId) -> Leaf | None:
        """Return a leaf, or None if it is empty."""
        return _decoded(self._leaves[rehash.leaf_row(self._below, account_id)].tobytes())

    def leaves(self, ids: Rows) -> NDArray[Any]:
        """Return the leaves at ids, LEAF[n], an empty one all zeros; fastest if they ascend."""
        return self._leaves[rehash.leaf_places(self._below, ids)].view(LEAF).reshape(-1)

    def digest(self, row: int) -> Digest:
        """Return the hash of the node in a row."""
        return Digest(self._hashes[row].tobytes())

    def halves(self, row: int) -> tuple[int, int]:
        """Return the rows of a node's halves, those of the empty node if it is empty."""
        pair = int(self._below[row])
        return pair, pair + 1

    def accounts(self) -> Iterator[Changes]:
        """Yield all accounts, ids ascending, in parts of a partition each."""
        above = np.array([ROOT], np.uint32), np.zeros(1, np.uint32)
        for _ in range(STATE_DEPTH - _PARTITION_HEIGHT):
            above = self._halves_of(*above)
        for row, prefix in zip(*above, strict=True):
            nodes = np.array([row], np.uint32), np.array([prefix], np.uint32)
            for _ in range(_PARTITION_HEIGHT):
                nodes = self._halves_of(*nodes)
            rows, ids = nodes
            yield Changes(ids, self._leaves[self._below[rows]].view(LEAF).reshape(-1))

    def _halves_of(self, rows: Rows, prefixes: Rows) -> tuple[Rows, Rows]:
        """Return rows and prefixes of the nodes' halves, but of the empty ones."""
        rows, prefixes = np.repeat(self._below[rows], 2), np.repeat(prefixes << np.uint32(1), 2)
        rows[1::2] += 1
        prefixes[1::2] += 1
        is_there = self._hashes[rows].any(axis=1)
        return rows[is_there], prefixes[is_there]

    def _put_slice(
        self, ids: Rows, steps: Rows, words: Words, roots: Words
    ) -> list[tuple[Rows, Words]]:
        keys = sorted_keys(ids)
        parts = list(zip(self._rooms, _shares(keys, len(self._rooms)), strict=True))
        self._each(lambda part: part[0].begin(part[1], steps, words, self._below), parts)
        if not all(room.is_located for room, _ in parts):
            for room, _ in parts:
                self._make_room(room.ids)
                room.locate(self._below, 0)
        takes_out = not words[:, -1].all()
        high = STATE_DEPTH if len(parts) == 1 else _PARTITION_HEIGHT

        def rise(part: tuple[_Room, Words]) -> int:
            room, part_keys = part
            more = room.exchange(self._below, self._leaves, part_keys, words)
            room.rise(self._hashes, 0, high, takes_out)
            return more

        self._count += sum(self._each(rise, parts))
        if high < STATE_DEPTH:
            self._top.take(self._rooms, high)
            self._top.locate(self._below, high)
            self._top.rise(self._hashes, high, STATE_DEPTH, takes_out)
        self._hashes[ROOT] = self._top.write_roots(roots)
        return [(room.ids.copy(), room.before.copy()) for room, _ in parts]

    def _each(self, do: Callable[[Any], T], parts: Sequence[Any]) -> list[T]:
        run = map if self._threads is None else self._threads.map
        return list(run(do, parts))

    def _make_room(self, ids: Rows) -> None:
        """See that there is a row for each node over leaves of these ids."""
        done = 0
        while done < len(ids):
            done = rehash.allocate(self._below, self._used, len(self._leaves), ids, done)
            if self._used[0] + PAIR_ROWS > len(self._below):
                rows = len(self._below) + len(self._below) // 4
                check_invariant(rows <= _ROWS_MAX, "more nodes than rows can be numbered")
                self._below = _grown(self._below, lanes.aligned(rows, np.uint32))
                hashes = lanes.aligned((rows, _DIGEST_WORDS), np.uint64)
                self._hashes = _grown(self._hashes, hashes)
            if self._used[1] >= len(self._leaves):
                count = len(self._leaves) + len(self._leaves) // 4
                leaves = lanes.aligned((count, LEAF_WORDS), np.uint64)
                self._leaves = _grown(self._leaves, leaves)


def _grown(old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
    new[: len(old)] = old
    return new


def sorted_keys(ids: Rows) -> Words:
    """Return id << 32 | place of each id, ascending: so places of one id ascend, too."""
    keys = ids.astype(np.uint64) << np.uint64(32) | np.arange(len(ids), dtype=np.uint64)
    keys.sort()
    return keys


def _shares(keys: Words, count: int) -> list[Words]:
    """Return `count` parts of ascending keys of about one size, with no partition in two."""
    partitions = keys >> np.uint64(32 + _PARTITION_HEIGHT)
    ends = [0]
    for share in range(1, count):
        middle = share * len(keys) // count
        is_inside = 0 < middle < len(keys)
        end = int(np.searchsorted(partitions, partitions[middle])) if is_inside else middle
        ends.append(max(ends[-1], end))
    return [keys[start:end] for start, end in zip(ends, [*ends[1:], len(keys)], strict=True)]


def _first_of_each(parts: Sequence[tuple[Rows, Words]]) -> Changes:
    """Return each id once, ascending, with the leaf that it had in the first part it is in."""
    if not parts:
        return Changes(np.zeros(0, np.uint32), np.zeros(0, LEAF))
    keys = sorted_keys(np.concatenate([ids for ids, _ in parts]))
    ids = (keys >> np.uint64(32)).astype(np.uint32)
    is_first = np.append(True, ids[1:] != ids[:-1])
    places = keys.astype(np.uint32)[is_first]
    words = np.concatenate([words for _, words in parts])[places]
    return Changes(ids[is_first], words.view(LEAF).reshape(-1))


class _Room:
    """Working memory for a share of a change, of one thread."""

    def __init__(self, hashing: keccak.Keccak) -> None:
        self._hashing = hashing
        self._count = 0
        self.is_located = False
        self._reserve(lanes.LANES)

    def _reserve(self, count: int) -> None:
        """Have room for so many versions of leaves, or of nodes at one height."""
        size = count + -count % lanes.LANES
        self._nodes = Nodes(
            np.zeros((STATE_DEPTH + 1, size), np.uint32),
            np.zeros(STATE_DEPTH + 1, np.int64),
            np.zeros((STATE_DEPTH + 1, size), np.uint32),
        )
        self._versions = Versions(
            np.zeros(size + 1, np.uint32),
            np.zeros((2, size), np.uint32),
            lanes.aligned((2 * size, _DIGEST_WORDS), np.uint64),
            lanes.aligned((size, _DIGEST_WORDS), np.uint64),
        )
        self._before: Words = np.zeros((size, LEAF_WORDS), np.uint64)

    @property
    def ids(self) -> Rows:
        """The ids of the changed leaves, ascending."""
        return self._nodes.prefixes[0, : self._nodes.counts[0]]

    @property
    def before(self) -> Words:
        """These leaves as they were."""
        return self._before[: self._nodes.counts[0]]

    def begin(self, keys: Words, steps: Rows, words: Words, below: Rows) -> None:
        """Hash the changed leaves, and look for their nodes."""
        if len(keys) > len(self._before):
            self._reserve(len(keys))
        hash_rows = self._hashing.hash_rows_address
        rehash.begin(hash_rows, keys, steps, words, self._nodes, self._versions)
        self.locate(below, 0)

    def locate(self, below: Rows, low: int) -> None:
        """Find the rows of all nodes over those at height `low`."""
        self.is_located = rehash.locate(below, low, self._nodes)

    def exchange(self, below: Rows, leaves: Words, keys: Words, words: Words) -> int:
        """Store the changed leaves, keep what they were; return how many more there are."""
        versions, before = self._versions, self._before
        return rehash.exchange(below, leaves, keys, words, self._nodes, versions, before)

    def rise(self, hashes: Words, low: int, high: int, takes_out: bool) -> None:
        """Hash the nodes from above `low` up to `high` again."""
        hash_rows = self._hashing.hash_rows_address
        nodes, versions = self._nodes, self._versions
        self._count = rehash.rise(hash_rows, hashes, low, high, nodes, versions, takes_out)

    def take(self, others: Sequence["_Room"], height: int) -> None:
        """Take what others have at a height, an even one, one after the other."""
        count = sum(room._count for room in others)
        if count > len(self._before):
            self._reserve(count)
        groups = versions = 0
        nodes, mine = self._nodes, self._versions
        for room in others:
            count, more = int(room._nodes.counts[height]), room._count
            its = room._versions
            nodes.prefixes[height, groups : groups + count] = room._nodes.prefixes[height, :count]
            mine.starts[groups : groups + count] = its.starts[:count] + np.uint32(versions)
            mine.steps[0, versions : versions + more] = its.steps[0, :more]
            mine.digests[versions : versions + more] = its.digests[:more]
            groups, versions = groups + count, versions + more
        mine.starts[groups] = versions
        nodes.counts[height] = groups

    def write_roots(self, roots: Words) -> Words:
        """Write the root's versions to their steps' places; return the last one."""
        digests: Words = self._versions.digests[: self._count]
        roots[self._versions.steps[0, : self._count]] = digests
        last: Words = digests[-1]
        return last
