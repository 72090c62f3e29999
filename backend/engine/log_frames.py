"""The frames of the local log's file: their bytes, and what a bad one says.

Law: docs/PROTOCOL.md, section 6, "File of the local log". A disk writes whole sectors, in any
order. Frames are made of whole sectors too, so that one which was never written can be told from
one which has changed.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple, Self

from backend.protocol.hashing import Digest, sha256

SECTOR_BYTES = 512
HASH_BYTES = 32
HEAD_BYTES = 24
BODY_BYTES_MAX = 1 << 30

_HEAD = struct.Struct(">QIIII")
_HEAD_CHECKED_BYTES = 20
_SIZE = struct.Struct(">I")
_ZERO_SECTOR = bytes(SECTOR_BYTES)
# A sector of zeros has at least as many of them in the body: fewer than 32 can be padding.
_ZEROS_OF_BODY = bytes(SECTOR_BYTES - HASH_BYTES)
# A hash hardly ends in as many zeros.
_ZEROS_MIN = bytes(8)
_READ_BYTES = 1 << 20


class Head(NamedTuple):
    """A frame's head. `zero_sectors` of the frame's sectors hold nothing but zeros."""

    first_position: int
    entry_count: int
    body_bytes: int
    zero_sectors: int
    checksum: int

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the head of these bytes."""
        return cls._make(_HEAD.unpack_from(data))

    @property
    def frame_bytes(self) -> int:
        """The size of the whole frame."""
        return _frame_bytes(self.body_bytes)


def body_of(entries: Sequence[bytes]) -> bytes:
    """Return the body of a frame with these entries."""
    return b"".join(_SIZE.pack(len(entry)) + entry for entry in entries)


def entries_of(body: bytes) -> Iterator[bytes]:
    """Yield the entries of a body."""
    offset = 0
    while offset < len(body):
        start = offset + _SIZE.size
        offset = start + _SIZE.unpack_from(body, offset)[0]
        yield body[start:offset]


def frame_of(
    parent_hash: bytes, first_position: int, entry_count: int, body: bytes
) -> tuple[tuple[bytes, ...], Digest]:
    """Return the parts of the frame, in a row, and its chain hash."""
    if len(body) > BODY_BYTES_MAX:
        raise ValueError(f"{len(body)} bytes don't fit a frame; append fewer entries at once")
    padding = bytes(_frame_bytes(len(body)) - HEAD_BYTES - len(body) - HASH_BYTES)
    zero_sectors = 0
    if _ZEROS_OF_BODY in body:
        # Ones for the head and the hash, which are never zeros.
        ones = b"\1" * HEAD_BYTES, b"\1" * HASH_BYTES
        zero_sectors = _count_zero_sectors(b"".join((ones[0], body, padding, ones[1])))
    head = _HEAD.pack(first_position, entry_count, len(body), zero_sectors, 0)
    head = head[:_HEAD_CHECKED_BYTES] + _SIZE.pack(zlib.crc32(head[:_HEAD_CHECKED_BYTES]))
    chain_hash = sha256(parent_hash, head, body, padding)
    return (head, body, padding, chain_hash), chain_hash


def head_problem(head: bytes, position: int) -> str | None:
    """Say what is wrong with a head at `position`."""
    if len(head) < HEAD_BYTES:
        return "its head is cut short"
    if not is_head(head):
        return "the checksum of its head"
    if Head.decode(head).first_position != position:
        return f"it should begin at position {position}"
    return None


def hash_problem(parent_hash: bytes, frame: bytes) -> str | None:
    """Say what is wrong with a frame whose head is good."""
    if sha256(parent_hash, memoryview(frame)[:-HASH_BYTES]) != frame[-HASH_BYTES:]:
        return "its chain hash"
    return None


def is_zero_from(stream: BinaryIO, offset: int) -> bool:
    """Return whether nothing but zeros stands from `offset` to the file's end."""
    stream.seek(offset)
    return not any(any(part) for part in iter(lambda: stream.read(_READ_BYTES), b""))


def is_torn(stream: BinaryIO, offset: int, frame: bytes, position: int) -> bool:
    """Say whether the bad frame at `offset` is the last one and was never written as a whole.

    `frame` is the part of it whose size is known: its head, if that is what is bad.
    """
    is_short = len(frame) <= HEAD_BYTES
    if is_zero_from(stream, offset + len(frame)):
        if is_short or frame.endswith(_ZEROS_MIN):
            return True
        return _count_zero_sectors(frame) > Head.decode(frame).zero_sectors
    if not is_short:
        return False
    stream.seek(offset)
    return stream.read(SECTOR_BYTES) == _ZERO_SECTOR and not _has_later_head(stream, position)


def _has_later_head(stream: BinaryIO, position: int) -> bool:
    """Return whether a sector from here on begins with the head of an entry after `position`.

    The frame before that head was durable: it is not the one that was being written.
    """
    for part in iter(lambda: stream.read(_READ_BYTES), b""):
        for at in range(0, len(part), SECTOR_BYTES):
            head = part[at : at + HEAD_BYTES]
            if is_head(head) and Head.decode(head).first_position > position:
                return True
    return False


def is_head(data: bytes) -> bool:
    """Return whether these bytes are a head, by its checksum."""
    checksum = data[_HEAD_CHECKED_BYTES:]
    return checksum == _SIZE.pack(zlib.crc32(data[:_HEAD_CHECKED_BYTES]))


def _count_zero_sectors(frame: bytes) -> int:
    starts = range(0, len(frame), SECTOR_BYTES)
    return sum(frame.startswith(_ZERO_SECTOR, start) for start in starts)


def _frame_bytes(body_bytes: int) -> int:
    used_bytes = HEAD_BYTES + body_bytes + HASH_BYTES
    return -(-used_bytes // SECTOR_BYTES) * SECTOR_BYTES
