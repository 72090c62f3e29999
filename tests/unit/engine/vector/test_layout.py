"""Where operations go, on arrays, against ChunkCursor: random blocks, one after the other."""

from random import Random

import numpy as np
import pytest

from backend.engine.packing import ChunkCursor, indivisible_spans, payer_at
from backend.engine.vector.layout import cursor_of, end_chunk, places_of
from backend.protocol.operations import SLOT_BYTES, OpenAccount, encode, slot
from backend.protocol.types import BRIDGE, AccountId, Address


def random_block(random_: Random):
    """Return slots, fee accounts by slot, legs by first slot, and how many sweeps come first."""
    sweep_count = random_.choice([0, 0, 0, 1, 70])
    slots = [slot(AccountId(random_.randint(2, 40)), BRIDGE, 5, 0) for _ in range(sweep_count)]
    fees, legs = {}, {}
    for _ in range(random_.randint(0, 150)):
        place = len(slots)
        kind = random_.random()
        if kind < 0.2:
            opening = encode(OpenAccount(AccountId(9), 1, Address(random_.randbytes(20))))
            slots += [opening[:SLOT_BYTES], opening[SLOT_BYTES:]]
            continue
        count = random_.randint(2, 8) if kind < 0.35 else 1
        if count > 1:
            legs[place] = count
        # A group pays fees in four assets at most, but a lying proposer's may in eight.
        of_fees = random_.sample(range(1, 9), random_.choice([4, 4, 8]))
        for leg in range(place, place + count):
            slots.append(slot(AccountId(2), AccountId(3), 5, 8))
            if random_.random() < 0.5:
                fees[leg] = AccountId(0xFF000000 | random_.choice(of_fees))
    return b"".join(slots), fees, legs, sweep_count


def places_one_by_one(cursor: ChunkCursor, data: bytes, fees, legs, sweep_count) -> list[int]:
    places = []
    for start, count in indivisible_spans(data, legs):
        of_span = {fees[k] for k in range(start, start + count) if k in fees}
        swept = payer_at(data, start) if start < sweep_count else None
        first = cursor.place(count, of_span, swept)
        places += range(first, first + count)
    return places


@pytest.mark.parametrize(
    "case_count", [30, pytest.param(3000, marks=[pytest.mark.long, pytest.mark.timeout(3600)])]
)
def test_places_of__random_blocks__as_the_chunk_cursor_holds(case_count):
    for seed in range(case_count):
        random_ = Random(seed)
        readable, cursor = ChunkCursor(), cursor_of(ChunkCursor())
        for _ in range(4):
            data, fees, legs, sweep_count = random_block(random_)
            if random_.random() < 0.3:
                readable.end_chunk()
                end_chunk(cursor)
            slots = np.frombuffer(data, np.uint8).reshape(-1, SLOT_BYTES)
            fee_accounts, leg_counts = np.zeros((2, len(slots)), np.uint32)
            fee_accounts[list(fees)] = list(fees.values())
            leg_counts[list(legs)] = list(legs.values())

            places = places_of(cursor, slots, fee_accounts, leg_counts, sweep_count)

            assert places.tolist() == places_one_by_one(readable, data, fees, legs, sweep_count), (
                seed
            )
            assert cursor.chunk_count == readable.chunk_count
            assert sorted(cursor.fees[1:][: cursor.fees[0]]) == sorted(readable.fee_accounts)
            cursor = cursor_of(readable)
