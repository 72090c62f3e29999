"""Zeros written ahead of the log's end, by a thread of its own.

An fsync of a file that has grown must write the file system's journal too. Where zeros stood
before it writes the frame alone, which takes some two thirds of the time.
"""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import structlog

# As many zeros are kept ahead as the log has bytes, so that a short log stays a short file.
ROOM_BYTES_MAX = 64 << 20
# An append's fsync may have to write one step beside its frame: 0.1 ms.
STEP_BYTES = 256 << 10

log = structlog.get_logger(__name__)


class Room:
    """What stands behind the frames of a file. Frames are written by one thread."""

    def __init__(self, path: Path, size_bytes: int) -> None:
        """`size_bytes` is the file's."""
        # An open file of its own: the kernel tells each of them once of a failed write, so the
        # filler can't take the news away from the append that it concerns.
        self._file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        self._path = path
        self._end_bytes = size_bytes
        self._lock = threading.Lock()
        self._filler = ThreadPoolExecutor(1, "log-room")
        self._filling: Future[None] | None = None
        self._is_over = False

    @contextmanager
    def taken(self, end_bytes: int) -> Iterator[None]:
        """Let a frame be written that ends at `end_bytes`, with no zeros laid over it."""
        if end_bytes <= self._end_bytes:
            yield
            return
        with self._lock:
            try:
                yield
            finally:
                self._end_bytes = max(self._end_bytes, end_bytes)

    def keep(self, size_bytes: int) -> None:
        """See to it, soon, that there is room behind a log of `size_bytes`."""
        ahead_bytes = min(size_bytes, ROOM_BYTES_MAX)
        if self._is_over or self._end_bytes - size_bytes > ahead_bytes // 2:
            return
        if ahead_bytes >= STEP_BYTES and (self._filling is None or self._filling.done()):
            self._filling = self._filler.submit(self._fill, size_bytes + ahead_bytes)

    def close(self) -> None:
        """End the thread."""
        self._is_over = True
        self._filler.shutdown()
        os.close(self._file)

    def _fill(self, until_bytes: int) -> None:
        """Write zeros. If that fails, the log goes on without: what fits still fits."""
        zeros = bytes(STEP_BYTES)
        try:
            while self._end_bytes < until_bytes and not self._is_over:
                with self._lock:
                    self._end_bytes += os.pwrite(self._file, zeros, self._end_bytes)
                os.fsync(self._file)
        except OSError as error:
            self._is_over = True
            log.warning("log_room_not_made", path=str(self._path), reason=error.strerror)
