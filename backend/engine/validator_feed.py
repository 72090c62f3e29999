"""Hands the log to the validators of this process, a little behind the node's own replica.

One process is one domain of trust: its validators share a replica, which executes each block once.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from backend.engine.group_commit import Stamped
from backend.engine.replica import Replica
from backend.engine.runs import StampedRun
from backend.engine.validator import Validator
from backend.protocol.log_entries import Entry, Payload

SLICE = 64
"""Signatures that are checked before others have a turn."""


def consume(
    replica: Replica, validators: Sequence[Validator], position: int, entry: Entry
) -> list[Payload]:
    """Have validators who share a replica take an entry in. Return what it makes them sign."""
    for validator in validators:
        validator.read(entry)
    event = replica.consume(position, entry)
    return [payload for validator in validators for payload in validator.react(event)]


class ValidatorFeed:
    """What is durable and not read yet, in order."""

    def __init__(
        self,
        replica: Replica,
        validators: Sequence[Validator],
        put: Callable[[Payload], None],
    ) -> None:
        """`replica` is the validators' own; `put` takes what a validator signs."""
        self._replica = replica
        self._validators = validators
        self._put = put
        self._frames: deque[tuple[int, list[Stamped]]] = deque()
        self._wake = asyncio.Event()
        self._unread_count = 0

    @property
    def has_read_all(self) -> bool:
        """Whether the validators know all that is durable."""
        return self._unread_count == 0

    def add(self, first_position: int, entries: list[Stamped]) -> None:
        """Take a frame in, to be read soon."""
        self._frames.append((first_position, entries))
        self._unread_count += 1
        self._wake.set()

    async def run(self) -> None:
        """Read for ever."""
        while True:
            while self._frames:
                position, entries = self._frames.popleft()
                for index, entry in enumerate(entries):
                    if isinstance(entry, StampedRun):
                        # None of its orders makes a validator sign anything.
                        self._replica.consume_run(position, entry)
                        position += len(entry.run)
                        await asyncio.sleep(0)
                        continue
                    for payload in consume(self._replica, self._validators, position, entry):
                        self._put(payload)
                    position += 1
                    if index % SLICE == 0:
                        await asyncio.sleep(0)
                self._unread_count -= 1
            self._wake.clear()
            await self._wake.wait()
