"""The feed: everybody reads all in order, what is signed is put, others have a turn meanwhile."""

import asyncio
from contextlib import suppress

from backend.engine.validator_feed import SLICE, ValidatorFeed


class Ledger:
    """Stands for the replica: keeps what it reads; every hundredth entry decides something."""

    def __init__(self):
        self.consumed = []

    def consume(self, position, entry):
        self.consumed.append((position, entry))
        return position if position % 100 == 0 else None


class Signer:
    """Stands for a validator: keeps what it reads, signs what is decided."""

    def __init__(self):
        self.entries = []

    def read(self, entry):
        self.entries.append(entry)

    def react(self, event):
        return [] if event is None else [f"signed {event}"]


async def test_validator_feed__two_frames__all_read_in_order_holds():
    replica, signers, said, turns = Ledger(), [Signer(), Signer()], [], 0
    feed = ValidatorFeed(replica, signers, said.append)
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
    assert replica.consumed == list(enumerate(entries, 5))
    assert [signer.entries for signer in signers] == [entries, entries]
    assert said.count("signed 100") == 2
    assert turns >= 10
