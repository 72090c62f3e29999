"""Entries of the ordering log, and the frames of its file (section 6)."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from tests.independent.blocks import BLOCK_BYTES, Block, read_block
from tests.independent.codec import ZERO_HASH, Reader, require, sha256, u
from tests.independent.records import Group, Record, RootedOrder, SignedOrder, read_record

VERSION = 3
HEAD = 24
SECTOR = 512
SIGNATURE = 65


@dataclass(frozen=True)
class Identity:
    chain_id: int
    rollup: bytes
    code_hash: bytes


@dataclass(frozen=True)
class Seen:
    l1_block_number: int
    l1_block_hash: bytes
    signature: bytes


@dataclass(frozen=True)
class ProposedBlock:
    block: Block
    signature: bytes
    body: bytes


@dataclass(frozen=True)
class Vote:
    block_hash: bytes
    signature: bytes


@dataclass(frozen=True)
class RoundEntry:
    """A timeout (kind 4) or a next round (kind 6)."""

    kind: int
    number: int
    epoch: int
    round: int
    signature: bytes


Payload = Identity | Record | Seen | ProposedBlock | RoundEntry | Vote


@dataclass(frozen=True)
class Entry:
    stamp_ms: int
    payload: Payload


def read_entry(data: bytes) -> Entry:
    reader = Reader(data)
    kind, stamp_ms = reader.number(1), reader.number(8)
    entry = Entry(stamp_ms, _read_payload(kind, reader))
    reader.finish()
    return entry


def _read_payload(kind: int, reader: Reader) -> Payload:
    require(kind <= 6, "an unknown kind of entry")
    if kind == 0:
        require(reader.number(2) == VERSION, "another version of the log")
        return Identity(reader.number(8), reader.take(20), reader.take(32))
    if kind == 1:
        return read_record(reader)
    if kind == 2:
        return Seen(reader.number(8), reader.take(32), reader.take(SIGNATURE))
    if kind == 3:
        block = read_block(Reader(reader.take(BLOCK_BYTES)))
        return ProposedBlock(block, reader.take(SIGNATURE), reader.rest())
    if kind == 5:
        return Vote(reader.take(32), reader.take(SIGNATURE))
    number, epoch, round_number = reader.number(8), reader.number(4), reader.number(4)
    return RoundEntry(kind, number, epoch, round_number, reader.take(SIGNATURE))


def write_entry(entry: Entry) -> bytes:
    kind, payload = _write_payload(entry.payload)
    return u(kind, 1) + u(entry.stamp_ms, 8) + payload


def _write_payload(payload: Payload) -> tuple[int, bytes]:
    match payload:
        case Identity(chain_id, rollup, code_hash):
            return 0, u(VERSION, 2) + u(chain_id, 8) + rollup + code_hash
        case SignedOrder() | RootedOrder() | Group():
            return 1, payload.encoded()
        case Seen(number, block_hash, signature):
            return 2, u(number, 8) + block_hash + signature
        case ProposedBlock(block, signature, body):
            return 3, block.encoded() + signature + body
        case Vote(block_hash, signature):
            return 5, block_hash + signature
        case RoundEntry(kind, number, epoch, round_number, signature):
            return kind, u(number, 8) + u(epoch, 4) + u(round_number, 4) + signature


def write_frame(previous: bytes, position: int, entries: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The frame, and its chain hash for the next one."""
    body = b"".join(u(len(entry), 4) + entry for entry in entries)
    padded = body + bytes(frame_size(len(body)) - HEAD - len(body) - 32)
    inner = padded[SECTOR - HEAD : len(padded) - (SECTOR - 32)]  # neither the first nor the last
    sectors = [inner[at : at + SECTOR] for at in range(0, len(inner), SECTOR)]
    counts = u(position, 8) + u(len(entries), 4) + u(len(body), 4)
    counts += u(sectors.count(bytes(SECTOR)), 4)
    head = counts + u(zlib.crc32(counts), 4)
    chain_hash = sha256(previous, head, padded)
    return head + padded + chain_hash, chain_hash


def frame_size(body_size: int) -> int:
    used = HEAD + body_size + 32
    return used + -used % SECTOR


def read_log(data: bytes) -> list[bytes]:
    """The entries of a whole file; Invalid if a byte was changed or the last frame is torn."""
    reader, chain_hash = Reader(data), ZERO_HASH
    entries: list[bytes] = []
    while any(data[reader.position : reader.position + HEAD]):
        start = reader.position
        head = reader.take(HEAD)
        require(zlib.crc32(head[:20]) == int.from_bytes(head[20:]), "the head has another crc32")
        counts = Reader(head)
        position, count, size_bytes = counts.number(8), counts.number(4), counts.number(4)
        zero_sectors = counts.number(4)
        require(position == len(entries), "an entry is missing or repeated")
        body = reader.take(size_bytes)
        padding = reader.take(frame_size(size_bytes) - HEAD - size_bytes - 32)
        require(not any(padding), "the padding is not zeros")
        chain_hash = sha256(chain_hash, head, body, padding)
        require(reader.take(32) == chain_hash, "the chain hash is another")
        sectors = [data[at : at + SECTOR] for at in range(start, reader.position, SECTOR)]
        require(sectors.count(bytes(SECTOR)) == zero_sectors, "it has other sectors of zeros")
        frame = Reader(body)
        entries += [frame.take(frame.number(4)) for _ in range(count)]
        frame.finish()
    require(not any(reader.rest()), "something stands behind the end")
    return entries
