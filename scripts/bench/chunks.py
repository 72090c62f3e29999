"""How fast chunks are executed: `python -m scripts.bench.chunks`.

A full batch of payments among many accounts, payers and payees drawn evenly, each with a fee: from
its bytes to the accounts that each chunk changes; then the same with each chunk's root. The
baseline is the readable function, without roots. Both take turns in one run, the best of several
rounds counts, and time is that of the processor.
"""

import argparse
import sys
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.engine.vector.sequence import Effects, effects_of
from backend.engine.vector.tree import Changes, FlatTree
from backend.protocol.batches import BATCH_CHUNKS_MAX, CHUNK_SLOTS, CHUNK_SLOTS_BYTES
from backend.protocol.money import AmountMinor, BalanceMinor, fee_byte
from backend.protocol.transition import L1Facts, apply_in_sequence
from backend.protocol.types import AccountId, Address, Leaf, fee_account_id
from scripts.bench.trees import Figure, as_text, beside, filled, timed
from scripts.demo.screen import Screen

_ACCOUNTS: Final = 1_000_000
_READABLE_CHUNKS: Final = 32  # of these, in a round
_ROUNDS: Final = 7
_FEE_BYTE: Final = fee_byte(AmountMinor(1))
_SLOT: Final = np.dtype(
    [("payer", ">u4"), ("payee", ">u4"), ("no", ">u2"), ("amount_minor", ">u4"), ("fee", np.uint8)]
)
_FACTS: Final = L1Facts({}, {}, 0)


def measure(accounts: int = _ACCOUNTS) -> dict[str, Figure]:
    """Return the figures."""
    chance = np.random.default_rng(1)
    flat, ids = filled(chance, accounts)
    fee_account = fee_account_id(1), Leaf(Address(bytes([1]) * 20), 1, 0, BalanceMinor(0))
    flat.put(Changes.of([fee_account]), np.zeros(1, np.uint32), 1)
    flat_s, rooted_s, readable_s = [], [], []
    for _ in range(_ROUNDS):
        chunk_slots = _payments(chance, ids)
        expected, took_s = timed(_executed, flat, chunk_slots[:_READABLE_CHUNKS])
        readable_s.append(took_s)
        effects, took_s = timed(effects_of, flat, chunk_slots, _FACTS)
        flat_s.append(took_s)
        if effects.chunk_count < BATCH_CHUNKS_MAX or not _are_same(effects, expected):
            raise RuntimeError("the two executions differ")
        before, took_s = timed(_rooted, flat, chunk_slots)
        rooted_s.append(took_s)
        flat.put(before, np.zeros(len(before.ids), np.uint32), 1)
    operations = BATCH_CHUNKS_MAX * CHUNK_SLOTS
    return {
        "executed_operations_per_s_per_core": beside(
            operations / min(flat_s),
            _READABLE_CHUNKS * CHUNK_SLOTS / min(readable_s),
            "the readable function",
        ),
        "rooted_operations_per_s_per_core": {
            "value": round(operations / min(rooted_s)),
            "accounts": accounts,
        },
    }


def _payments(chance: np.random.Generator, ids: NDArray[np.uint32]) -> list[bytes]:
    """Return the slots of a full batch's chunks."""
    slots = np.zeros(BATCH_CHUNKS_MAX * CHUNK_SLOTS, _SLOT)
    payers = chance.integers(0, len(ids), len(slots))
    slots["payer"] = ids[payers]
    slots["payee"] = ids[(payers + chance.integers(1, len(ids), len(slots))) % len(ids)]
    slots["amount_minor"] = chance.integers(1, 1_000, len(slots))
    slots["fee"] = _FEE_BYTE
    data = slots.tobytes()
    return [data[at : at + CHUNK_SLOTS_BYTES] for at in range(0, len(data), CHUNK_SLOTS_BYTES)]


def _executed(flat: FlatTree, chunk_slots: list[bytes]) -> list[dict[AccountId, Leaf]]:
    """Return what the readable function makes of chunks."""
    changed = dict[AccountId, Leaf]()

    def leaf_of(account_id: AccountId) -> Leaf | None:
        return changed.get(account_id) or flat.leaf(account_id)

    changes = []
    for slots in chunk_slots:
        changes.append(apply_in_sequence(leaf_of, slots, _FACTS))
        changed |= changes[-1]
    return changes


def _rooted(flat: FlatTree, chunk_slots: list[bytes]) -> Changes:
    """Execute chunks upon the tree, root by root; return what was before."""
    effects = effects_of(flat, chunk_slots, _FACTS)
    return flat.put(effects.changes, effects.steps, effects.chunk_count)[1]


def _are_same(effects: Effects, expected: list[dict[AccountId, Leaf]]) -> bool:
    """Compare the first chunks."""
    count = int(np.searchsorted(effects.steps, len(expected)))
    return count == sum(map(len, expected)) and all(
        effects.changes.leaf(place) == expected[effects.steps[place]][effects.changes.ids[place]]
        for place in range(count)
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="chunks", description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=_ACCOUNTS)
    figures = measure(parser.parse_args().accounts)
    Screen().table({name: as_text(figure) for name, figure in figures.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
