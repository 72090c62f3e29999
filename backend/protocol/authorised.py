"""Many orders authorised by one root (docs/PROTOCOL.md, section 4).

A leaf is an order's digest; a node hashes its two children in ascending order, so a proof is the
siblings alone. The shape of the tree is the builder's choice: here an odd node moves up as it is.
"""

from collections.abc import Sequence
from typing import Final

from backend.protocol.errors import check_invariant
from backend.protocol.hashing import Digest, keccak

PROOF_NODES_MAX: Final = 32


def authorised_root(digests: Sequence[Digest]) -> Digest:
    """Return the root over one or more digests, in this order."""
    return _levels(digests)[-1][0]


def authorised_proof(digests: Sequence[Digest], index: int) -> list[Digest]:
    """Return the siblings that lead from the digest at `index` up to the root."""
    return list(AuthorisedTree(digests).proof(index))


class AuthorisedTree:
    """A root with all its proofs at hand, for whoever needs many of them."""

    def __init__(self, digests: Sequence[Digest]) -> None:
        """Take one or more digests, in this order."""
        self._levels = _levels(digests)

    @property
    def root(self) -> Digest:
        """The root."""
        return self._levels[-1][0]

    def proof(self, index: int) -> tuple[Digest, ...]:
        """Return the siblings that lead from the digest at `index` up to the root."""
        proof = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                proof.append(level[sibling])
            index //= 2
        return tuple(proof)


def leads_to(root: Digest, digest: Digest, proof: Sequence[Digest]) -> bool:
    """Return whether the proof leads from `digest` to `root`; over 32 nodes it never does."""
    if len(proof) > PROOF_NODES_MAX:
        return False
    for sibling in proof:
        digest = _node(digest, sibling)
    return digest == root


def _levels(digests: Sequence[Digest]) -> list[list[Digest]]:
    check_invariant(len(digests) > 0, "a root of no orders")
    levels = [list(digests)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        level = [_node(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        levels.append(level + below[len(below) & ~1 :])
    return levels


def _node(one: Digest, other: Digest) -> Digest:
    return keccak(one + other if one < other else other + one)
