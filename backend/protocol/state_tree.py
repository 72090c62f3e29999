"""The state tree and the chunks tree (docs/PROTOCOL.md, sections 1 and 3).

Both are binary Merkle trees in which the node of two zeros is zero, so empty places cost nothing.
A `StateTree` is a value: a change makes a new one that shares all else with the old, so keeping
every chunk's tree is cheap and a fork is no copy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from backend.protocol.batches import CHUNK_SLOTS
from backend.protocol.errors import MalformedBytes
from backend.protocol.hashing import ZERO_DIGEST, Digest, keccak
from backend.protocol.money import BalanceMinor
from backend.protocol.operations import OpenAccount, iter_slots
from backend.protocol.transition import InvalidOperation, L1Facts, apply_in_sequence
from backend.protocol.types import BRIDGE, BRIDGE_OWNER, AccountId, Leaf

STATE_DEPTH: Final = 32
CHUNKS_DEPTH: Final = 10
_ZERO_HALF: Final = bytes(32)


def leaf_hash(leaf: Leaf | None) -> Digest:
    """Return a leaf's hash; None is the empty leaf."""
    return ZERO_DIGEST if leaf is None else keccak(leaf.encode())


def node_hash(left: Digest, right: Digest) -> Digest:
    """Return the hash of a node of two children."""
    if left == _ZERO_HALF and right == _ZERO_HALF:
        return ZERO_DIGEST
    return keccak(left + right)


def root_from_path(place: int, digest: Digest, path: Sequence[Digest]) -> Digest:
    """Return the root over `digest` at `place`; `path` holds the siblings, lowest first."""
    for sibling in path:
        digest = node_hash(sibling, digest) if place & 1 else node_hash(digest, sibling)
        place >>= 1
    return digest


# (hash, left child, right child) above the leaves; (hash, Leaf, None) at them. None is empty.
_Node = tuple[Digest, Any, Any]


class StateTree:
    """A binary tree of depth 32 over leaves. Never changes: `set_many` returns another one."""

    __slots__ = ("_top",)
    _top: Any

    def __init__(self, leaves: Mapping[AccountId, Leaf] | None = None) -> None:
        """Hold `leaves`; none at all is the tree of root zero."""
        self._top = _changed(None, sorted((leaves or {}).items()), STATE_DEPTH)

    def set_many(self, leaves: Mapping[AccountId, Leaf]) -> Self:
        """Return the tree with these leaves put in; paths that they share are hashed once."""
        tree = type(self)()
        tree._top = _changed(self._top, sorted(leaves.items()), STATE_DEPTH)
        return tree

    def set_in_turn(self, changes: Sequence[Mapping[AccountId, Leaf]]) -> tuple[list[Digest], Self]:
        """Return the root after each of the changes, and the tree after all of them."""
        roots, tree = [], self
        for leaves in changes:
            tree = tree.set_many(leaves)
            roots.append(tree.root)
        return roots, tree

    def apply_chunks(self, chunk_slots: Sequence[bytes], facts: L1Facts) -> "Applied":
        """Execute chunks' slots one after the other, up to the first chunk that is invalid."""
        applied = Applied([], self, [])
        for slots in chunk_slots:
            try:
                leaves = apply_in_sequence(applied.tree.leaf, slots, facts)
            except InvalidOperation:
                break
            first = len(applied.roots) * CHUNK_SLOTS
            applied.openings.extend(
                (first + position, operation)
                for position, operation in iter_slots(slots)
                if isinstance(operation, OpenAccount)
            )
            applied.tree = applied.tree.set_many(leaves)
            applied.roots.append(applied.tree.root)
        return applied

    # How nodes are kept: a twin has these of its own, and what changes or reads leaves.

    def _digest(self, node: Any) -> Digest:
        return node[0] if node else ZERO_DIGEST

    def _halves(self, node: Any) -> tuple[Any, Any]:
        return (node[1], node[2]) if node else (None, None)

    def _leaf(self, node: Any) -> Leaf | None:
        return node[1] if node else None

    @property
    def root(self) -> Digest:
        """The state root."""
        return self._digest(self._top)

    def leaf(self, account_id: AccountId) -> Leaf | None:
        """Return a leaf, or None if it is empty."""
        node = self._top
        for level in range(STATE_DEPTH - 1, -1, -1):
            left, right = self._halves(node)
            node = right if account_id >> level & 1 else left
        return self._leaf(node)

    def path(self, account_id: AccountId) -> list[Digest]:
        """Return the 32 siblings of a leaf, empty or not, lowest first."""
        siblings = []
        node = self._top
        for level in range(STATE_DEPTH - 1, -1, -1):
            left, right = self._halves(node)
            node, sibling = (right, left) if account_id >> level & 1 else (left, right)
            siblings.append(self._digest(sibling))
        return siblings[::-1]

    def multiproof(self, account_ids: Sequence[AccountId]) -> list[Digest]:
        """Return the siblings that prove all of `account_ids`, which ascend strictly.

        They stand in the order in which `root_from_multiproof` takes them.
        """
        _require_ascending(account_ids)
        siblings: list[Digest] = []
        self._collect(self._top, account_ids, STATE_DEPTH, siblings)
        return siblings

    def _collect(
        self, node: Any, ids: Sequence[AccountId], level: int, siblings: list[Digest]
    ) -> None:
        if not ids:
            siblings.append(self._digest(node))
        elif level:
            left, right = self._halves(node)
            middle = _split([(account_id, None) for account_id in ids], level - 1)
            self._collect(left, ids[:middle], level - 1, siblings)
            self._collect(right, ids[middle:], level - 1, siblings)


@dataclass(slots=True)
class Applied:
    """What chunks did to a tree: the root after each, the tree after all of them.

    Fewer roots than chunks: the next chunk is invalid. `openings` have the slot numbers at which
    they begin, counted from the first chunk.
    """

    roots: list[Digest]
    tree: StateTree
    openings: list[tuple[int, OpenAccount]]


GENESIS_LEAVES: Final = {BRIDGE: Leaf(BRIDGE_OWNER, 0, 0, BalanceMinor(0))}


def genesis_tree() -> StateTree:
    """Return the tree of batch 0: BRIDGE alone."""
    return StateTree(GENESIS_LEAVES)


def root_from_multiproof(
    account_ids: Sequence[AccountId], digests: Sequence[Digest], siblings: Sequence[Digest]
) -> Digest:
    """Return the root over leaf hashes at strictly ascending ids. Raises MalformedBytes.

    Siblings are taken left to right, depth first: for each node over some of the ids, what both
    halves take, the left one first; a half with none of the ids is the next sibling.
    """
    _require_ascending(account_ids)
    if len(digests) != len(account_ids):
        raise MalformedBytes(f"{len(account_ids)} ids but {len(digests)} leaves")
    remaining = list(siblings[::-1])
    root = _rebuilt(list(zip(account_ids, digests, strict=True)), STATE_DEPTH, remaining)
    if remaining:
        raise MalformedBytes(f"the proof has {len(remaining)} nodes too many")
    return root


def _changed(node: _Node | None, items: list[tuple[AccountId, Leaf]], level: int) -> _Node | None:
    """Return `node` with `items` (ascending) put in; `level` counts the levels below it."""
    if not items:
        return node
    if level == 0:
        leaf = items[0][1]
        return keccak(leaf.encode()), leaf, None
    _, left, right = node or (ZERO_DIGEST, None, None)
    middle = _split(items, level - 1)
    left = _changed(left, items[:middle], level - 1)
    right = _changed(right, items[middle:], level - 1)
    # Leaves are never taken out, so one of the two is there and the node is no zero.
    joined = (left[0] if left else _ZERO_HALF) + (right[0] if right else _ZERO_HALF)
    return keccak(joined), left, right


def _split(items: Sequence[tuple[AccountId, Any]], bit: int) -> int:
    """Return how many of `items`, ascending and alike above `bit`, have that bit clear."""
    low, high = 0, len(items)
    while low < high:
        middle = (low + high) // 2
        if items[middle][0] >> bit & 1:
            high = middle
        else:
            low = middle + 1
    return low


def _rebuilt(items: list[tuple[AccountId, Digest]], level: int, remaining: list[Digest]) -> Digest:
    if not items:
        if not remaining:
            raise MalformedBytes("the proof has too few nodes")
        return remaining.pop()
    if level == 0:
        return items[0][1]
    middle = _split(items, level - 1)
    left = _rebuilt(items[:middle], level - 1, remaining)
    right = _rebuilt(items[middle:], level - 1, remaining)
    return node_hash(left, right)


def _require_ascending(account_ids: Sequence[AccountId]) -> None:
    if not account_ids:
        raise MalformedBytes("a proof of no accounts")
    for before, after in zip(account_ids, account_ids[1:], strict=False):
        if before >= after:
            raise MalformedBytes(f"the ids are not ascending: {before}, {after}")
    if account_ids[0] < 0 or account_ids[-1] >= 1 << STATE_DEPTH:
        raise MalformedBytes("an id is no u32")


def chunks_root(chunk_hashes: Sequence[Digest]) -> Digest:
    """Return the root of the depth-10 tree; positions past the last chunk are zero."""
    return _chunk_levels(chunk_hashes)[-1][0]


def chunk_path(chunk_hashes: Sequence[Digest], index: int) -> list[Digest]:
    """Return the 10 siblings of a chunk, lowest first; `root_from_path` verifies it."""
    path = []
    for level in _chunk_levels(chunk_hashes)[:-1]:
        sibling = index ^ 1
        path.append(level[sibling] if sibling < len(level) else ZERO_DIGEST)
        index >>= 1
    return path


def _chunk_levels(chunk_hashes: Sequence[Digest]) -> list[list[Digest]]:
    levels = [list(chunk_hashes) or [ZERO_DIGEST]]
    for _ in range(CHUNKS_DEPTH):
        below = levels[-1] + [ZERO_DIGEST] * (len(levels[-1]) & 1)
        levels.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below), 2)])
    return levels
