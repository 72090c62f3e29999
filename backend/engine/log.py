"""The ordering log: entries in one total order, durable before anybody is told of them.

Law: docs/PROTOCOL.md, section 6, "File of the local log". One frame is one fsync; each frame's
chain hash covers all frames before it, so no byte of the past changes unseen.
"""

import contextlib
import errno
import fcntl
import os
import struct
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

import structlog

from backend.protocol.errors import DiskFull
from backend.protocol.hashing import ZERO_DIGEST, Digest, sha256

_HEAD = struct.Struct(">QIII")  # first position, entry count, body size, crc32 of these 16 bytes
_HEAD_CHECKED_BYTES = 16
_SIZE = struct.Struct(">I")
_HASH_BYTES = 32
FRAME_BODY_BYTES_MAX = 1 << 30

# A disk writes sectors. Fewer zeros than these may be the honest end of a hash, so a frame that
# merely ends in a zero byte is not taken for torn when another of its bytes has changed.
_SECTOR_BYTES = 512
_ZEROS_MIN = 8

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# The file's length is all the metadata we need, and fdatasync keeps that too.
_sync = getattr(os, "fdatasync", os.fsync)

log = structlog.get_logger(__name__)


class OrderingLog(Protocol):
    """What the engine needs of a log, be it a file or a cluster."""

    def append(self, entries: Sequence[bytes]) -> int:
        """Return the position of the first of `entries` when all are durable."""

    def read(self, position: int = 0) -> Iterator[bytes]:
        """Yield the durable entries from `position` on."""

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
            self._file = self._open()
        except BaseException:
            os.close(self._lock)
            raise

    def append(self, entries: Sequence[bytes]) -> int:
        """Return the position of the first of `entries`, when all of them are durable.

        Raises DiskFull or LogFailed; then the entries may or may not be there (unknown, not
        failed), and every further append is refused: after a failed fsync the kernel forgets
        what it could not write, so only reading the file again tells the truth.
        """
        if self._failure is not None:
            raise LogFailed(self.path, self._failure)
        first_position = self.next_position
        if not entries:
            return first_position
        frame, chain_hash = _frame(self._chain_hash, first_position, entries)
        try:
            _write_all(self._file, frame)
            _sync(self._file)
        except OSError as error:
            self._failure = f"{error.strerror} while appending position {first_position}"
            if error.errno in _NO_ROOM:
                raise DiskFull() from error
            raise LogFailed(self.path, self._failure) from error
        self._index(first_position, len(entries), len(frame), chain_hash)
        return first_position

    def read(self, position: int = 0) -> Iterator[bytes]:
        """Yield the entries from `position` on that were durable at the time of the call."""
        frame = max(bisect_right(self._first_positions, position) - 1, 0)
        return self._read(frame, position, len(self._offsets))

    def close(self) -> None:
        """Let another process open the log. A repeat does nothing."""
        if self._file >= 0:
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

    def _index(self, first_position: int, count: int, size_bytes: int, chain_hash: Digest) -> None:
        self._first_positions.append(first_position)
        self._offsets.append(self._size_bytes)
        self._size_bytes += size_bytes
        self._chain_hash = chain_hash
        self.next_position = first_position + count

    def _read(self, frame: int, position: int, frame_count: int) -> Iterator[bytes]:
        while frame < frame_count:
            offset = self._offsets[frame]
            first, _, body_bytes, _ = _HEAD.unpack(os.pread(self._file, _HEAD.size, offset))
            body = os.pread(self._file, body_bytes, offset + _HEAD.size)
            for index, entry in enumerate(_entries(body)):
                if first + index >= position:
                    yield entry
            frame += 1

    def _open(self) -> int:
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
            os.lseek(file, self._size_bytes - len(last_frame), os.SEEK_SET)
            _write_all(file, last_frame)
            os.fsync(file)
        except BaseException:
            os.close(file)
            raise
        return file

    def _verify(self, stream: BinaryIO, file_bytes: int) -> tuple[bytes, bool]:
        """Index all whole frames. Return the last one, and whether a torn one follows it."""
        last_frame = b""
        while (offset := self._size_bytes) < file_bytes:
            frame = stream.read(_HEAD.size)
            size_bytes, problem = _HEAD.size, _head_problem(frame, self.next_position)
            if problem is None:
                size_bytes += _HEAD.unpack(frame)[2] + _HASH_BYTES
                if offset + size_bytes > file_bytes:
                    return last_frame, True
                frame += stream.read(size_bytes - _HEAD.size)
                problem = _body_problem(self._chain_hash, frame)
            if problem is not None:
                if _is_torn(stream, offset + size_bytes, file_bytes):
                    return last_frame, True
                raise LogCorrupted(self.path, len(self._offsets), offset, problem)
            entry_count = _HEAD.unpack_from(frame)[1]
            chain_hash = Digest(frame[-_HASH_BYTES:])
            self._index(self.next_position, entry_count, size_bytes, chain_hash)
            last_frame = frame
        return last_frame, False


def _frame(
    parent_hash: bytes, first_position: int, entries: Sequence[bytes]
) -> tuple[bytes, Digest]:
    """Return the frame's bytes and its chain hash."""
    body = b"".join(_SIZE.pack(len(entry)) + entry for entry in entries)
    if len(body) > FRAME_BODY_BYTES_MAX:
        raise ValueError(f"{len(body)} bytes don't fit a frame; append fewer entries at once")
    checked = _HEAD.pack(first_position, len(entries), len(body), 0)[:_HEAD_CHECKED_BYTES]
    content = checked + _SIZE.pack(zlib.crc32(checked)) + body
    chain_hash = sha256(parent_hash, content)
    return content + chain_hash, chain_hash


def _entries(body: bytes) -> Iterator[bytes]:
    offset = 0
    while offset < len(body):
        start = offset + _SIZE.size
        offset = start + _SIZE.unpack_from(body, offset)[0]
        yield body[start:offset]


def _head_problem(head: bytes, position: int) -> str | None:
    if len(head) < _HEAD.size:
        return "its head is cut short"
    first_position, _, _, checksum = _HEAD.unpack(head)
    if checksum != zlib.crc32(head[:_HEAD_CHECKED_BYTES]):
        return "the checksum of its head"
    if first_position != position:
        return f"it should begin at position {position}"
    return None


def _body_problem(parent_hash: bytes, frame: bytes) -> str | None:
    if sha256(parent_hash, frame[:-_HASH_BYTES]) != frame[-_HASH_BYTES:]:
        return "its chain hash"
    return None


def _is_torn(stream: BinaryIO, frame_end: int, file_bytes: int) -> bool:
    """Say whether a frame with a problem is the last one and was never written to its end.

    `frame_end` is where the part of it ends whose size is known: the head's, if the head is bad.
    """
    if frame_end > file_bytes:
        return True
    zeros_min = min(_ZEROS_MIN, (file_bytes - 1) % _SECTOR_BYTES + 1)
    stream.seek(min(frame_end - 1, file_bytes - zeros_min))
    return not any(any(part) for part in iter(lambda: stream.read(1 << 20), b""))


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


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
