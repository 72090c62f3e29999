"""`StateTree`s that share one FlatTree. Law: each is all that a `StateTree` of its leaves is.

The flat tree is the newest of them, as a rule; each other one knows which leaves it has otherwise
than its neighbour, on the way there. To change an old one, or to prove something of it, brings the
flat tree back to it: that costs as much as all changes in between.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import numpy as np

from backend.engine.vector.loops import Rows
from backend.engine.vector.rehash import ROOT
from backend.engine.vector.sequence import effects_of
from backend.engine.vector.tree import Changes, FlatTree
from backend.protocol.hashing import Digest
from backend.protocol.state_tree import Applied, StateTree
from backend.protocol.transition import L1Facts
from backend.protocol.types import AccountId, Leaf

# How far away the flat tree may be when a leaf is read without bringing it back.
_LINKS_MAX: Final = 4


class FlatStateTree(StateTree):
    """A `StateTree` in flat arrays. Threads may share it."""

    __slots__ = ("_flat", "_lock", "_neighbour", "_otherwise", "_root")
    _flat: FlatTree
    _root: Digest
    # None: the flat tree is this one. Else this one is the neighbour with other leaves.
    _neighbour: "FlatStateTree | None"
    _otherwise: Changes

    def __init__(self, leaves: Mapping[AccountId, Leaf] | None = None) -> None:
        """Hold `leaves`; none at all is the tree of root zero."""
        self._flat = FlatTree()
        self._lock = threading.Lock()
        self._neighbour = None
        self._top = ROOT
        changes = Changes.of((leaves or {}).items())
        self._flat.put(changes, np.zeros(len(changes.ids), np.uint32), 1)
        self._root = self._flat.root

    def set_many(self, leaves: Mapping[AccountId, Leaf]) -> Self:
        """Return the tree with these leaves put in; paths that they share are hashed once."""
        return self.set_in_turn([leaves])[1]

    def set_in_turn(self, changes: Sequence[Mapping[AccountId, Leaf]]) -> tuple[list[Digest], Self]:
        """Return the root after each of the changes, and the tree after all of them."""
        put = Changes.of(item for leaves in changes for item in leaves.items())
        counts = [len(leaves) for leaves in changes]
        steps = np.repeat(np.arange(len(changes), dtype=np.uint32), counts)
        with self._lock:
            self._bring_back()
            return self._put(put, steps, len(changes))

    def apply_chunks(self, chunk_slots: Sequence[bytes], facts: L1Facts) -> Applied:
        """Execute chunks' slots one after the other, up to the first chunk that is invalid."""
        with self._lock:
            self._bring_back()
            effects = effects_of(self._flat, chunk_slots, facts)
            roots, tree = self._put(effects.changes, effects.steps, effects.chunk_count)
        return Applied(roots, tree, effects.openings)

    def _put(self, changes: Changes, steps: Rows, step_count: int) -> tuple[list[Digest], Self]:
        roots, before = self._flat.put(changes, steps, step_count)
        tree = object.__new__(type(self))
        tree._flat, tree._lock, tree._top = self._flat, self._lock, ROOT
        tree._root, tree._neighbour = self._flat.root, None
        self._neighbour, self._otherwise = tree, before
        return roots, tree

    @property
    def root(self) -> Digest:
        """The state root."""
        return self._root

    def leaf(self, account_id: AccountId) -> Leaf | None:
        """Return a leaf, or None if it is empty."""
        with self._lock:
            tree: FlatStateTree = self
            for _ in range(_LINKS_MAX):
                if tree._neighbour is None:
                    break
                if (place := tree._otherwise.find(account_id)) is not None:
                    return tree._otherwise.leaf(place)
                tree = tree._neighbour
            else:
                self._bring_back()
            return self._flat.leaf(account_id)

    def path(self, account_id: AccountId) -> list[Digest]:
        """Return the 32 siblings of a leaf, empty or not, lowest first."""
        with self._lock:
            self._bring_back()
            return super().path(account_id)

    def multiproof(self, account_ids: Sequence[AccountId]) -> list[Digest]:
        """Return the siblings that prove all of `account_ids`, which ascend strictly."""
        with self._lock:
            self._bring_back()
            return super().multiproof(account_ids)

    def _digest(self, node: Any) -> Digest:
        return self._flat.digest(node)

    def _halves(self, node: Any) -> tuple[Any, Any]:
        return self._flat.halves(node)

    def _bring_back(self) -> None:
        """Make the flat tree this one, and turn round what its neighbours know of it."""
        way = [self]
        while (neighbour := way[-1]._neighbour) is not None:
            way.append(neighbour)
        for tree, neighbour in zip(reversed(way[:-1]), reversed(way[1:]), strict=True):
            changes = tree._otherwise
            _, before = self._flat.put(changes, np.zeros(len(changes.ids), np.uint32), 1)
            neighbour._neighbour, neighbour._otherwise = tree, before
            tree._neighbour = None
