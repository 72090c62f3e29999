"""The feed: everybody reads all in order, what is signed is put, others have a turn meanwhile."""

import asyncio
from contextlib import suppress

from backend.engine.validator_feed import SLICE, ValidatorFeed


class Reader:
    """Stands for a validator: keeps what it reads, signs at every hundredth entry."""

    def __init__(self):
        self.read = []

    def consume(self, position, entry):
        self.read.append((position, entry))
        return [f"signed {position}"] if position % 100 == 0 else []


async def test_validator_feed__two_frames__all_read_in_order_holds():
    readers, said, turns = [Reader(), Reader()], [], 0
    feed = ValidatorFeed(readers, said.append)
    running = asyncio.create_task(feed.run())
    entries = [f"entry {index}" for index in range(10 * SLICE)]

    feed.add(5, entries[: 9 * SLICE])
    feed.add(5 + 9 * SLICE, entries[9 * SLICE :])
    assert not feed.has_read_all
    while not feed.has_read_all:
        turns += 1
        await asyncio.sleep(0)

    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    expected = list(enumerate(entries, 5))
    assert [reader.read for reader in readers] == [expected, expected]
    assert said.count("signed 100") == 2
    assert turns >= 20
