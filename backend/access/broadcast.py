"""Tells many listeners of events. Law: however many they are, what is new is read once.

A listener first reads what he missed, by himself, and takes what is told meanwhile afterwards; so
nothing is left out. One who is too slow to take what is told reads for himself again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from traceback import format_exc
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool

from backend.access.responses import json_text
from backend.access.views import event_view
from backend.protocol.errors import BackPressure
from backend.protocol.types import digest_text
from backend.records.event_stream import Event, EventPosition, EventStream
from backend.records.reader import Reader

LISTENERS_MAX: Final = 1_000
WAITING_MAX: Final = 2_000
TOGETHER_MAX: Final = 500
_RETRY_AFTER_MS: Final = 5_000
# What comes in this time is told together: many listeners then cost little.
_PAUSE_S: Final = 0.05


log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """An event and its text, but for the line of its id."""

    event: Event
    text: str


@dataclass(eq=False, slots=True)
class Seat:
    """What one listener has been told and not taken yet."""

    waiting: list[Told] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    is_behind: bool = True
    """Whether he has to read for himself."""
    is_over: bool = False

    def offer(self, told: list[Told]) -> None:
        """Take what is new, as long as there is room."""
        self.waiting += told
        if len(self.waiting) > WAITING_MAX:
            self.waiting = []
            self.is_behind = True
        self.changed.set()

    def take(self) -> list[Told]:
        """Return what waits."""
        told, self.waiting = self.waiting, []
        self.changed.clear()
        return told

    def end(self) -> None:
        """Send the listener away; he may come again."""
        self.is_over = True
        self.changed.set()


class Broadcast:
    """The listeners of one process, and the one who reads for all. He works while there are any."""

    def __init__(self, stream: EventStream, reader: Reader) -> None:
        self._stream = stream
        self._reader = reader
        self._seats: set[Seat] = set()
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._is_closed = False

    def check_room(self) -> None:
        """Raise BackPressure if there are too many listeners."""
        if len(self._seats) >= LISTENERS_MAX:
            raise BackPressure(_RETRY_AFTER_MS)

    async def join(self) -> Seat:
        """Return a seat. All that is written from now on is told there."""
        seat = Seat(is_over=self._is_closed)
        self._seats.add(seat)
        if self._is_closed:
            return seat
        if self._task is None or self._task.done():
            self._ready.clear()
            self._task = asyncio.create_task(self._tell())
        await self._ready.wait()
        return seat

    def leave(self, seat: Seat) -> None:
        """Give a seat back. A repeat does nothing."""
        self._seats.discard(seat)
        if not self._seats and self._task is not None:
            self._task.cancel()
            self._task = None

    def close(self) -> None:
        """Send all listeners away, for ever: the process is about to end."""
        self._is_closed = True
        for seat in self._seats:
            seat.end()

    def read(
        self, position: EventPosition, types: tuple[str, ...], party: bytes | None
    ) -> tuple[EventPosition, list[Told]]:
        """Return the end of the stream, then what stands after `position`: at most so much that
        it may have to be asked again. Blocks: ask from a thread.
        """
        end = self._stream.end()
        events = self._stream.after(position, TOGETHER_MAX, types, party)
        return end, [Told(event, self._text(event)) for event in events]

    async def _tell(self) -> None:
        changed = asyncio.Event()
        stop = self._stream.listen(_waker(changed))
        try:
            position = await run_in_threadpool(self._stream.end)
            self._ready.set()
            while True:
                changed.clear()
                _, told = await run_in_threadpool(self.read, position, (), None)
                if not told:
                    await changed.wait()
                    continue
                position = told[-1].event.position
                for seat in self._seats:
                    seat.offer(told)
                await asyncio.sleep(_PAUSE_S)
        except Exception:
            # A traceback as text: a renderer may show local variables, and with them people.
            log.error("events_unreadable", error=format_exc())
        finally:
            stop()
            self._ready.set()
            for seat in self._seats:
                seat.end()

    def _text(self, event: Event) -> str:
        names = {}
        if event.row.type == "withdrawal.claimed":
            # The chain knows a withdrawal by its claim's key, clients by its id.
            row = self._reader.withdrawal_by_claim_key(bytes.fromhex(event.row.subject[2:]))
            if row is not None:
                names[event.row.subject] = digest_text(row.id)
        return f"event: {event.row.type}\ndata: {json_text(event_view(event, names))}\n\n"


def _waker(changed: asyncio.Event) -> Callable[[], None]:
    loop = asyncio.get_running_loop()

    def wake() -> None:
        try:
            loop.call_soon_threadsafe(changed.set)
        except RuntimeError:
            pass  # the loop is closed: nobody listens any more

    return wake
