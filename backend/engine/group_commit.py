"""Lets many writers share one fsync. Law: nobody is told of an entry before it is durable.

This is the asynchronous edge of the log: while one frame is on its way to the disk, in a thread,
what comes in the meantime gathers for the next.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from backend.engine.log import LogError, OrderingLog
from backend.engine.runs import OrderRun, StampedRun
from backend.protocol.errors import BackPressure, DiskFull
from backend.protocol.log_entries import Entry, Payload

WAITING_MAX = 10_000
FRAME_ENTRIES_MAX = 500  # some 50 ms of reading, while nobody else gets a turn
RETRY_AFTER_MS = 100

log = structlog.get_logger(__name__)

Stamped = Entry | StampedRun
OnDurable = Callable[[int, list[Stamped]], None]
"""Takes the first position of a frame, and its entries."""


_Frame = list[tuple[Payload | OrderRun, asyncio.Future[int] | None]]


class GroupCommit:
    """Stamps payloads and appends them, one frame after the other."""

    def __init__(
        self,
        ordering_log: OrderingLog,
        clock_ms: Callable[[], int],
        on_durable: OnDurable,
        *,
        last_stamp_ms: int = 0,
        waiting_max: int = WAITING_MAX,
    ) -> None:
        """`last_stamp_ms` is the newest stamp in the log: stamps never run backwards."""
        self._log = ordering_log
        self._clock_ms = clock_ms
        self._on_durable = on_durable
        self._last_stamp_ms = last_stamp_ms
        self._waiting_max = waiting_max
        self._waiting: deque[tuple[Payload | OrderRun, asyncio.Future[int] | None]] = deque()
        self._waiting_count = 0
        self._wake = asyncio.Event()
        self._is_stopping = False
        self.failure: LogError | DiskFull | None = None

    @property
    def room(self) -> int:
        """How many entries of others may wait beside those that do."""
        return max(0, self._waiting_max - self._waiting_count)

    def put(self, payload: Payload) -> None:
        """Append `payload` soon. For the engine's own entries, which are few and never refused."""
        self._waiting.append((payload, None))
        self._waiting_count += 1
        self._wake.set()

    def put_run(self, run: OrderRun) -> asyncio.Future[int]:
        """Append orders soon. Return the first one's position, as `put_all` does."""
        self._check_room(len(run))
        position = asyncio.get_running_loop().create_future()
        self._waiting.append((run, position))
        self._waiting_count += len(run)
        self._wake.set()
        return position

    def put_all(self, payloads: Sequence[Payload]) -> list[asyncio.Future[int]]:
        """Append `payloads` soon. Return their positions, each to be known when it is durable.

        Raises BackPressure when too many are waiting, and the log's error once it has failed. A
        future that fails says *unknown*: the entry may be there.
        """
        self._check_room(len(payloads))
        loop = asyncio.get_running_loop()
        positions = [loop.create_future() for _ in payloads]
        self._waiting.extend(zip(payloads, positions, strict=True))
        self._waiting_count += len(payloads)
        self._wake.set()
        return positions

    async def run(self) -> None:
        """Append until `stop`. Ends early, with `failure` set, if the log fails."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "log") as thread:
            while self.failure is None:
                if not self._waiting:
                    if self._is_stopping:
                        return
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                frame, count = self._next_frame()
                stamp_ms = self._last_stamp_ms = max(self._clock_ms(), self._last_stamp_ms)
                entries = [_stamped(stamp_ms, item) for item, _ in frame]
                body = b"".join(map(_encoded, entries))
                try:
                    append = self._log.append_body
                    first = await loop.run_in_executor(thread, append, body, count)
                except (LogError, DiskFull) as error:
                    self._fail(error, frame)
                    return
                self._on_durable(first, entries)
                position = first
                for item, future in frame:
                    if future is not None and not future.done():
                        future.set_result(position)
                    position += _count(item)

    def stop(self) -> None:
        """Let `run` end when all that waits is durable."""
        self._is_stopping = True
        self._wake.set()

    def _check_room(self, count: int) -> None:
        if self.failure is not None:
            raise self.failure
        if count > self.room:
            raise BackPressure(RETRY_AFTER_MS)

    def _next_frame(self) -> tuple[_Frame, int]:
        """Take from what waits as many entries as a frame may have, or a run that has more."""
        frame: _Frame = []
        count = 0
        while self._waiting:
            size = _count(self._waiting[0][0])
            if frame and count + size > FRAME_ENTRIES_MAX:
                break
            frame.append(self._waiting.popleft())
            count += size
        self._waiting_count -= count
        return frame, count

    def _fail(self, error: LogError | DiskFull, frame: _Frame) -> None:
        self.failure = error
        log.error("log_failed", reason=str(error))
        for _, future in [*frame, *self._waiting]:
            if future is not None and not future.done():
                future.set_exception(error)
        self._waiting.clear()


def _count(item: Payload | OrderRun) -> int:
    return len(item) if isinstance(item, OrderRun) else 1


def _stamped(stamp_ms: int, item: Payload | OrderRun) -> Stamped:
    return StampedRun(stamp_ms, item) if isinstance(item, OrderRun) else Entry(stamp_ms, item)


def _encoded(stamped: Stamped) -> bytes:
    """Return entries as they stand in a frame."""
    if isinstance(stamped, StampedRun):
        return stamped.encode()
    entry = stamped.encode()
    return len(entry).to_bytes(4) + entry
