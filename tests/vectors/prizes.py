"""Prizes: ids, leaves, roots and proofs of 1 to 7 entries."""

from typing import Any

from backend.protocol.hashing import keccak
from backend.protocol.prizes import PrizeEntry, entry_leaf, prize_id, prize_tree
from tests.vectors.common import CHAIN_ID, address, named

_PRIZES = address("prizes")
_SPONSOR = address("sponsor")


def prizes() -> dict[str, Any]:
    """Return prizes of several sizes, each with its own salt."""
    return {
        "chain_id": CHAIN_ID,
        "prizes": _PRIZES,
        "sponsor": _SPONSOR,
        "trees": [_tree(count) for count in (1, 2, 3, 7)],
    }


def _tree(count: int) -> dict[str, Any]:
    salt = keccak(b"salt %d" % count)
    of_prize = prize_id(CHAIN_ID, _PRIZES, _SPONSOR, salt)
    entries = [
        PrizeEntry(index, address(f"winner {index}"), 2**48 - 1 if index == 5 else 1_000 + index)
        for index in range(count)
    ]
    tree = prize_tree(of_prize, entries)
    return {
        "salt": salt,
        "id": of_prize,
        "root": tree.root,
        "entries": [
            {
                **named(entry),
                "leaf": entry_leaf(of_prize, entry),
                "proof": list(tree.proof(entry.index)),
            }
            for entry in entries
        ],
    }
