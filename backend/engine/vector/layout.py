"""How operations fall into chunks, on arrays. Law: engine/packing.py's, whose twin this is."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from backend.engine.packing import ChunkCursor
from backend.engine.vector.index import Numbers
from backend.engine.vector.loops import Bytes, Number, Rows, compiled
from backend.protocol.batches import CHUNK_SLOTS, FEE_ACCOUNTS_MAX
from backend.protocol.order_records import LEGS_MAX
from backend.protocol.types import REGISTRY

_REGISTRY: Final = int(REGISTRY)
_OPEN_SLOTS: Final = 2


class Cursor(NamedTuple):
    """A ChunkCursor for loops."""

    slot: Numbers
    """int64[1]: where the next operation goes"""
    fees: Numbers
    """int64[9]: how many fee accounts the chunk has, and which. Only a group that is none, laid out
    before it is judged, brings more than a chunk may have"""
    swept: Numbers
    """int64[65]: how many accounts the chunk sweeps, and which"""

    @property
    def chunk_count(self) -> int:
        """How many chunks have been begun."""
        return -(-int(self.slot[0]) // CHUNK_SLOTS)


def cursor_of(cursor: ChunkCursor) -> Cursor:
    """Return another one at the same place."""
    fees, swept = sorted(cursor.fee_accounts), sorted(cursor.swept)
    return Cursor(
        np.array([cursor.slot], np.int64),
        _listed(fees, LEGS_MAX),
        _listed(swept, CHUNK_SLOTS),
    )


def end_chunk(cursor: Cursor) -> None:
    """Have what comes next begin a chunk, not the first."""
    slot = int(cursor.slot[0])
    cursor.slot[0] += CHUNK_SLOTS if slot == 0 else -slot % CHUNK_SLOTS


def _listed(numbers: Sequence[int], room: int) -> Numbers:
    return np.array([len(numbers), *numbers, *[0] * (room - len(numbers))], np.int64)


@compiled
def place(
    cursor: Cursor, sweeps: Number, slot_count: Number, fees: Numbers, fee_count: Number
) -> int:
    """Return the slot where what takes so many slots starts, and move past it.

    `fees` begins with the accounts that its fees go to; `sweeps` is the account that it sweeps, 0
    if it is no sweep.
    """
    slot, known, swept = cursor
    position = slot[0] % CHUNK_SLOTS
    more = 0
    for k in range(fee_count):
        if not _has(known, fees[k]):
            more += 1
    fits = position + slot_count <= CHUNK_SLOTS
    fits = fits and (fee_count == 0 or known[0] + more <= FEE_ACCOUNTS_MAX)
    if sweeps == 0:
        fits = fits and swept[0] == 0
    else:
        fits = fits and swept[0] > 0 and not _has(swept, sweeps)
    if position == 0 or not fits:
        slot[0] += -position % CHUNK_SLOTS
        known[0] = swept[0] = 0
    for k in range(fee_count):
        if not _has(known, fees[k]):
            known[0] += 1
            known[known[0]] = fees[k]
    if sweeps != 0:
        swept[0] += 1
        swept[swept[0]] = sweeps
    start = slot[0]
    slot[0] += slot_count
    return int(start)


@compiled
def _has(known: Numbers, number: Number) -> bool:
    for k in range(1, known[0] + 1):
        if known[k] == number:
            return True
    return False


@compiled
def noted(numbers: Numbers, count: Number, number: Number) -> Number:
    """Put a number after the first `count`, if it isn't among them; return how many there are."""
    for k in range(count):
        if numbers[k] == number:
            return count
    numbers[count] = number
    return count + 1


@compiled
def places_of(
    cursor: Cursor, slots: Bytes, fee_accounts: Rows, legs: Rows, sweep_count: Number
) -> Numbers:
    """Return where each slot of a block goes, int64[n], from the cursor on, which moves past them.

    `slots` is uint8[n, 15]. `fee_accounts` says, by slot, where its fee goes, 0 for nowhere;
    `legs`, by the slot of its first leg, how many legs a group has; the first `sweep_count` slots
    are sweeps.
    """
    count = len(slots)
    places = np.zeros(count, np.int64)
    fees = np.zeros(LEGS_MAX, np.int64)
    at = 0
    while at < count:
        payer = _payer(slots, at)
        size: Number = _OPEN_SLOTS if payer == _REGISTRY else 1
        if legs[at] != 0:
            size = np.int64(legs[at])
        fee_count = 0
        for k in range(at, at + size):
            if fee_accounts[k] != 0:
                fee_count = noted(fees, fee_count, np.int64(fee_accounts[k]))
        start = place(cursor, payer if at < sweep_count else 0, size, fees, fee_count)
        for k in range(size):
            places[at + k] = start + k
        at += size
    return places


@compiled
def _payer(slots: Bytes, at: Number) -> Number:
    payer = np.int64(0)
    for k in range(4):
        payer = payer << 8 | np.int64(slots[at, k])
    return payer
