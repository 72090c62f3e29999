"""The ordering log: entries in one total order, durable before anybody is told of them.

Law: docs/PROTOCOL.md, section 6, "File of the local log". One frame is one fsync; each frame's
chain hash covers all frames before it, so no byte of the past changes unseen. `log_frames.py` has
a frame's bytes, `log_room.py` writes zeros ahead of the frames.
"""

import contextlib
import errno
import fcntl
import os
import shutil
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

import structlog

from backend.engine import log_frames as frames
from backend.engine.log_room import Room
from backend.protocol.errors import DiskFull
from backend.protocol.hashing import ZERO_DIGEST, Digest

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# The file's length is all the metadata we need, and fdatasync keeps that too.
_sync = getattr(os, "fdatasync", os.fsync)

log = structlog.get_logger(__name__)


class OrderingLog(Protocol):
    """What the engine needs of a log, be it a file or a cluster."""

    def append(self, entries: Sequence[bytes]) -> int:
        """Return the position of the first of `entries` when all are durable."""

    def append_body(self, body: bytes, entry_count: int) -> int:
        """Do what `append` does for entries that lie in a row: size u32 and entry, each."""

    def read(self, position: int = 0) -> Iterator[bytes]:
        """Yield the durable entries from `position` on."""

    def read_frames(self, position: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield them as they were appended: the position of the first, and all in a row.

        The first of these has `position` in it; entries of before may stand there, too.
        """

    @property
    def next_position(self) -> int:
        """The position that the next entry will have."""


class LogError(Exception):
    """The log can't be used. The operator must act; no retry of ours helps."""


class LogCorrupted(LogError):
    """A byte of the past has changed: nothing after it can be trusted."""

    def __init__(self, path: Path, frame: int, offset: int, reason: str) -> None:
        super().__init__(
            f"{path}: frame {frame} at byte {offset} has changed ({reason}). "
            "Restore the file from a backup, or recover this node from another one."
        )
        self.path, self.frame, self.offset = path, frame, offset


class LogLocked(LogError):
    """Another process (or this one) has the log open."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is open in process {holder}. Stop that one first.")
        self.path, self.holder = path, holder


class LogFailed(LogError):
    """A write or fsync failed. What is on the disk is known only after opening the log again."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}. Nothing is appended until the log is opened again.")
        self.path = path


class LocalLog:
    """One file of hash-chained frames. Entries are any bytes; appends are for one thread."""

    def __init__(self, path: Path) -> None:
        """Open or create `path`, verify every frame, cut a torn one off.

        Raises LogLocked if it is open elsewhere, LogCorrupted if a byte of it has changed.
        """
        self.path = path
        self.next_position = 0
        self._failure: str | None = None
        self._chain_hash = ZERO_DIGEST
        self._size_bytes = 0
        # Two machine words a frame, not two objects: a long log has millions of frames.
        self._first_positions = array("Q")
        self._offsets = array("Q")
        self._lock = _lock(path)
        try:
            self._file, self._room = self._open()
        except BaseException:
            os.close(self._lock)
            raise

    def append(self, entries: Sequence[bytes]) -> int:
        """Return the position of the first of `entries`, when all of them are durable.

        Raises DiskFull or LogFailed; then the entries may or may not be there (unknown, not
        failed), and every further append is refused: after a failed fsync the kernel forgets
        what it could not write, so only reading the file again tells the truth.
        """
        return self.append_body(frames.body_of(entries), len(entries))

    def append_body(self, body: bytes, entry_count: int) -> int:
        """Append `entry_count` entries that lie in a row, each as size u32 and entry.

        Whoever calls vouches for it that the body is made of as many entries.
        """
        if self._failure is not None:
            raise LogFailed(self.path, self._failure)
        first_position = self.next_position
        if entry_count == 0:
            return first_position
        frame, chain_hash = frames.frame_of(self._chain_hash, first_position, entry_count, body)
        end_bytes = self._size_bytes + sum(map(len, frame))
        try:
            with self._room.taken(end_bytes):
                _write_all(self._file, frame, self._size_bytes)
            _sync(self._file)
        except OSError as error:
            self._failure = f"{error.strerror} while appending position {first_position}"
            if error.errno in _NO_ROOM:
                raise DiskFull() from error
            raise LogFailed(self.path, self._failure) from error
        self._index(first_position, entry_count, end_bytes, chain_hash)
        self._room.keep(end_bytes)
        return first_position

    def read(self, position: int = 0) -> Iterator[bytes]:
        """Yield the entries from `position` on that were durable at the time of the call."""
        return _entries_from(self.read_frames(position), position)

    def read_frames(self, position: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield first position and body of each frame, from the one that has `position` in it.

        As `read`, only those that were durable at the time of the call.
        """
        frame = max(bisect_right(self._first_positions, position) - 1, 0)
        last = len(self._offsets) if position < self.next_position else 0
        return self._read(frame, last)

    @property
    def size_bytes(self) -> int:
        """How long the log is, without the zeros ahead."""
        return self._size_bytes

    def close(self) -> None:
        """Let another process open the log. A repeat does nothing."""
        if self._file >= 0:
            self._room.close()
            if self._failure is None:
                os.ftruncate(self._file, self._size_bytes)
            os.close(self._file)
            os.close(self._lock)
            self._file = -1
            self._failure = "it is closed"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _index(self, first_position: int, count: int, end_bytes: int, chain_hash: Digest) -> None:
        self._first_positions.append(first_position)
        self._offsets.append(self._size_bytes)
        self._size_bytes = end_bytes
        self._chain_hash = chain_hash
        self.next_position = first_position + count

    def _read(self, frame: int, frame_count: int) -> Iterator[tuple[int, bytes]]:
        for offset in self._offsets[frame:frame_count]:
            head = frames.Head.decode(os.pread(self._file, frames.HEAD_BYTES, offset))
            body = os.pread(self._file, head.body_bytes, offset + frames.HEAD_BYTES)
            yield head.first_position, body

    def _open(self) -> tuple[int, Room]:
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _sync_directory(self.path.parent)
            with open(file, "rb", closefd=False) as stream:
                last_frame, is_torn = self._verify(stream, os.fstat(file).st_size)
            if is_torn:
                log.warning("log_torn_tail_removed", path=str(self.path), offset=self._size_bytes)
            os.ftruncate(file, self._size_bytes)
            # The last frame may be in memory alone: its fsync failed, or the process was killed
            # before it. Written anew it is dirty again, so that this fsync covers it.
            _write_all(file, (last_frame,), self._size_bytes - len(last_frame))
            os.fsync(file)
            return file, Room(self.path, self._size_bytes)
        except BaseException:
            os.close(file)
            raise

    def _verify(self, stream: BinaryIO, file_bytes: int) -> tuple[bytes, bool]:
        """Index all whole frames. Return the last one, and whether a torn one follows it."""
        last_frame = b""
        while (offset := self._size_bytes) < file_bytes:
            frame = stream.read(frames.HEAD_BYTES)
            problem = frames.head_problem(frame, self.next_position)
            if problem is None:
                end_bytes = offset + frames.Head.decode(frame).frame_bytes
                if end_bytes > file_bytes:
                    return last_frame, True
                frame += stream.read(end_bytes - offset - len(frame))
                problem = frames.hash_problem(self._chain_hash, frame)
            if problem is not None:
                if frames.is_zero_from(stream, offset):
                    return last_frame, False
                if frames.is_torn(stream, offset, frame, self.next_position):
                    return last_frame, True
                raise LogCorrupted(self.path, len(self._offsets), offset, problem)
            chain_hash = Digest(frame[-frames.HASH_BYTES :])
            entry_count = frames.Head.decode(frame).entry_count
            self._index(self.next_position, entry_count, end_bytes, chain_hash)
            last_frame = frame
        return last_frame, False


def copy_log(original: Path, copy: Path) -> None:
    """Copy a log that another process may be appending to, without the zeros behind it.

    The last frame may be half written in the copy, where it is torn: as after a crash.
    """
    with original.open("rb") as source, copy.open("wb") as target:
        while head := source.read(frames.HEAD_BYTES):
            if not any(head):
                return
            target.write(head)
            if not frames.is_head(head):
                shutil.copyfileobj(source, target)
                return
            target.write(source.read(frames.Head.decode(head).frame_bytes - len(head)))


def _entries_from(read: Iterator[tuple[int, bytes]], position: int) -> Iterator[bytes]:
    for first_position, body in read:
        for at, entry in enumerate(frames.entries_of(body), first_position):
            if at >= position:
                yield entry


def _write_all(file: int, parts: Sequence[bytes], offset: int) -> None:
    written = os.pwritev(file, parts, offset)
    if written < sum(map(len, parts)):
        rest = memoryview(b"".join(parts))
        while written < len(rest):
            written += os.pwrite(file, rest[written:], offset + written)


def _sync_directory(path: Path) -> None:
    """A new file's name is durable only when its directory is."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _lock(path: Path) -> int:
    """Return a file that holds the lock; the kernel lets go of it when the process ends."""
    lock_path = path.with_name(path.name + ".lock")
    lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        raise LogLocked(path, holder) from None
    # For people; the lock itself is the kernel's.
    with contextlib.suppress(OSError):
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock
