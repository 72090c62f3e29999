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
from backend.protocol.errors import BackPressure, DiskFull
from backend.protocol.log_entries import Entry, Payload

WAITING_MAX = 10_000
FRAME_ENTRIES_MAX = 500  # some 50 ms of reading, while nobody else gets a turn
RETRY_AFTER_MS = 100

log = structlog.get_logger(__name__)

OnDurable = Callable[[int, list[Entry]], None]
"""Takes the first position of a frame, and its entries."""


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
        self._waiting: deque[tuple[Payload, asyncio.Future[int] | None]] = deque()
        self._wake = asyncio.Event()
        self._is_stopping = False
        self.failure: LogError | DiskFull | None = None

    def put(self, payload: Payload) -> None:
        """Append `payload` soon. For the engine's own entries, which are few and never refused."""
        self._waiting.append((payload, None))
        self._wake.set()

    def put_all(self, payloads: Sequence[Payload]) -> list[asyncio.Future[int]]:
        """Append `payloads` soon. Return their positions, each to be known when it is durable.

        Raises BackPressure when too many are waiting, and the log's error once it has failed. A
        future that fails says *unknown*: the entry may be there.
        """
        if self.failure is not None:
            raise self.failure
        if len(self._waiting) + len(payloads) > self._waiting_max:
            raise BackPressure(RETRY_AFTER_MS)
        loop = asyncio.get_running_loop()
        positions = [loop.create_future() for _ in payloads]
        self._waiting.extend(zip(payloads, positions, strict=True))
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
                count = min(len(self._waiting), FRAME_ENTRIES_MAX)
                frame = [self._waiting.popleft() for _ in range(count)]
                stamp_ms = self._last_stamp_ms = max(self._clock_ms(), self._last_stamp_ms)
                entries = [Entry(stamp_ms, payload) for payload, _ in frame]
                encoded = [entry.encode() for entry in entries]
                try:
                    first = await loop.run_in_executor(thread, self._log.append, encoded)
                except (LogError, DiskFull) as error:
                    self._fail(error, frame)
                    return
                self._on_durable(first, entries)
                for position, (_, future) in enumerate(frame, first):
                    if future is not None and not future.done():
                        future.set_result(position)

    def stop(self) -> None:
        """Let `run` end when all that waits is durable."""
        self._is_stopping = True
        self._wake.set()

    def _fail(
        self,
        error: LogError | DiskFull,
        frame: list[tuple[Payload, asyncio.Future[int] | None]],
    ) -> None:
        self.failure = error
        log.error("log_failed", reason=str(error))
        for _, future in [*frame, *self._waiting]:
            if future is not None and not future.done():
                future.set_exception(error)
        self._waiting.clear()
