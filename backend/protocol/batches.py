"""Chunks, batches and their carriers (docs/PROTOCOL.md, section 3)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from backend.protocol.codec import need
from backend.protocol.eip712 import Domain, type_hash
from backend.protocol.errors import MalformedBytes, check_invariant
from backend.protocol.hashing import ZERO_DIGEST, Digest, keccak
from backend.protocol.operations import SLOT_BYTES, Operation, iter_slots
from backend.protocol.types import Address

CHUNK_SLOTS: Final = 64
CHUNK_SLOTS_BYTES: Final = CHUNK_SLOTS * SLOT_BYTES
CHUNK_BYTES: Final = CHUNK_SLOTS_BYTES + 32
BATCH_CHUNKS_MAX: Final = 768
CALLDATA_CHUNKS_MAX: Final = 120
BLOB_CHUNKS: Final = 128
BLOBS_MAX: Final = 6
BLOB_ELEMENTS: Final = 4096
ELEMENT_BYTES: Final = 32
ELEMENT_DATA_BYTES: Final = 31
CHUNK_ELEMENTS: Final = CHUNK_BYTES // ELEMENT_DATA_BYTES
BLOB_BYTES: Final = BLOB_ELEMENTS * ELEMENT_BYTES
FEE_ACCOUNTS_MAX: Final = 4  # in one chunk

_HEADER_FIELDS: Final = (
    ("uint64", "number"),
    ("uint32", "epoch"),
    ("bytes32", "parentHash"),
    ("bytes32", "preRoot"),
    ("bytes32", "postRoot"),
    ("bytes32", "chunksRoot"),
    ("uint16", "chunkCount"),
    ("bytes32", "dataHash"),
    ("uint64", "depositCursor"),
    ("uint64", "l1BlockNumber"),
    ("bytes32", "l1BlockHash"),
    ("uint64", "lastBlockNumber"),
    ("bytes32", "lastBlockHash"),
    ("uint64", "timestamp"),
)
_HEADER_TYPE_HASH: Final = type_hash("BatchHeader", _HEADER_FIELDS)
HEADER_ABI: Final = f"({','.join(kind for kind, _ in _HEADER_FIELDS)})"
"""The header's type in signatures of functions."""


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """What the committee signs about a batch. `timestamp` is in seconds."""

    number: int
    epoch: int
    parent_hash: Digest
    pre_root: Digest
    post_root: Digest
    chunks_root: Digest
    chunk_count: int
    data_hash: Digest
    deposit_cursor: int
    l1_block_number: int
    l1_block_hash: Digest
    last_block_number: int
    last_block_hash: Digest
    timestamp: int

    def encode(self) -> bytes:
        """Return the 14 words of the header as L1 takes and hashes it."""
        return (
            self.number.to_bytes(32)
            + self.epoch.to_bytes(32)
            + self.parent_hash
            + self.pre_root
            + self.post_root
            + self.chunks_root
            + self.chunk_count.to_bytes(32)
            + self.data_hash
            + self.deposit_cursor.to_bytes(32)
            + self.l1_block_number.to_bytes(32)
            + self.l1_block_hash
            + self.last_block_number.to_bytes(32)
            + self.last_block_hash
            + self.timestamp.to_bytes(32)
        )

    def digest(self, domain: Domain) -> Digest:
        """Return the header's hash: what the committee signs."""
        return domain.digest(keccak(_HEADER_TYPE_HASH + self.encode()))


GENESIS_HASH: Final = ZERO_DIGEST
"""The hash of batch 0 and of block 0, which nobody shows."""


def genesis_header(genesis_root: Digest) -> BatchHeader:
    """Return batch 0: all zero but the root it leaves."""
    zero = ZERO_DIGEST
    return BatchHeader(0, 0, zero, zero, genesis_root, zero, 0, zero, 0, 0, zero, 0, zero, 0)


def accepted_slot(header_hash: Digest, accepted_ts_s: int, signers: int) -> Digest:
    """Return the stored word of a batch; `signers` is the bitmap of the members who signed."""
    return keccak(header_hash + accepted_ts_s.to_bytes(8) + signers.to_bytes(32))


def withdrawal_key(owner: Address, nonce: int, asset: Address, amount: int) -> Digest:
    """Return the key under which L1 marks a withdrawal as paid; `amount` in base units."""
    return keccak(owner + nonce.to_bytes(8) + asset + amount.to_bytes(32))


@dataclass(frozen=True, slots=True)
class Chunk:
    """64 slots (960 bytes) and the state root after them."""

    slots: bytes
    root: Digest

    def operations(self) -> list[tuple[int, Operation]]:
        """Return each operation with the position of its first slot. Raises MalformedOperation."""
        return list(iter_slots(self.slots))

    def encode(self) -> bytes:
        """Return the chunk's 992 bytes."""
        return self.slots + self.root

    def hash(self) -> Digest:
        """Return the chunk's leaf in the chunks tree."""
        return keccak(self.encode())

    @staticmethod
    def decode(data: bytes) -> "Chunk":
        """Return the chunk of 992 bytes; its slots may be no operations. Raises MalformedBytes."""
        need(CHUNK_BYTES, data, "a chunk")
        return Chunk(data[:CHUNK_SLOTS_BYTES], Digest(data[CHUNK_SLOTS_BYTES:]))


@dataclass(frozen=True, slots=True)
class Batch:
    """A header and its chunks."""

    header: BatchHeader
    chunks: tuple[Chunk, ...]


def padded(slots: bytes) -> bytes:
    """Return the slots of a chunk, filled up with no-ops."""
    check_invariant(len(slots) <= CHUNK_SLOTS_BYTES, "too many slots", size_bytes=len(slots))
    return slots.ljust(CHUNK_SLOTS_BYTES, b"\0")


def encode_chunks(chunks: Iterable[Chunk]) -> bytes:
    """Return the chunks one after the other, as calldata carries them."""
    return b"".join(chunk.encode() for chunk in chunks)


def decode_chunks(data: bytes) -> tuple[Chunk, ...]:
    """Return the chunks of bytes one after the other. Raises MalformedBytes."""
    if not data or len(data) % CHUNK_BYTES:
        raise MalformedBytes(f"{len(data)} bytes are no whole number of chunks")
    return tuple(
        Chunk.decode(data[start : start + CHUNK_BYTES])
        for start in range(0, len(data), CHUNK_BYTES)
    )


def chunk_hashes(chunks: Iterable[Chunk]) -> list[Digest]:
    """Return the chunks' hashes: the leaves of the chunks tree."""
    return [chunk.hash() for chunk in chunks]


def slot_number(chunk_index: int, position: int) -> int:
    """Return a slot's number in its batch."""
    return chunk_index * CHUNK_SLOTS + position


def positions_of(slots: Iterable[int]) -> int:
    """Return the mask of slots of one chunk: bit p is position p."""
    return sum(1 << slot % CHUNK_SLOTS for slot in slots)


def slots_of(slot: int, positions: int) -> list[int]:
    """Return the slots that a mask means, in the chunk of this slot: ascending numbers."""
    first = slot - slot % CHUNK_SLOTS
    return [first + place for place in range(CHUNK_SLOTS) if positions >> place & 1]


def calldata_hash(chunks: Iterable[Chunk]) -> Digest:
    """Return the data hash of a batch whose chunks are calldata."""
    return keccak(encode_chunks(chunks))


def blobs_hash(versioned_hashes: Iterable[bytes]) -> Digest:
    """Return the data hash of a batch whose chunks are in blobs of these versioned hashes."""
    return keccak(b"".join(versioned_hashes))


def blob_count(chunk_count: int) -> int:
    """Return how many blobs hold `chunk_count` chunks."""
    return -(-chunk_count // BLOB_CHUNKS)


def pack_blobs(chunks: Sequence[Chunk]) -> list[bytes]:
    """Return the blobs (131,072 bytes each) that hold the chunks, zeros after the last one."""
    return [
        _pack_blob(encode_chunks(chunks[start : start + BLOB_CHUNKS]))
        for start in range(0, len(chunks), BLOB_CHUNKS)
    ]


def unpack_blobs(blobs: Sequence[bytes], chunk_count: int) -> tuple[Chunk, ...]:
    """Return the chunks in the blobs; what follows the last one is not read.

    Raises MalformedBytes for a wrong number or size of blobs, or an element over 31 bytes.
    """
    if len(blobs) < blob_count(chunk_count):
        raise MalformedBytes(f"{chunk_count} chunks don't fit into {len(blobs)} blobs")
    blobs = blobs[: blob_count(chunk_count)]
    data = b"".join(map(_unpack_blob, blobs))
    if any(b"".join(blobs)[: chunk_count * CHUNK_ELEMENTS * ELEMENT_BYTES : ELEMENT_BYTES]):
        raise MalformedBytes("an element of a blob has more than 31 bytes")
    return decode_chunks(data[: chunk_count * CHUNK_BYTES])


def _pack_blob(data: bytes) -> bytes:
    data = data.ljust(BLOB_ELEMENTS * ELEMENT_DATA_BYTES, b"\0")
    blob = bytearray(BLOB_BYTES)
    for place in range(ELEMENT_DATA_BYTES):
        blob[place + 1 :: ELEMENT_BYTES] = data[place::ELEMENT_DATA_BYTES]
    return bytes(blob)


def _unpack_blob(blob: bytes) -> bytes:
    need(BLOB_BYTES, blob, "a blob")
    data = bytearray(BLOB_ELEMENTS * ELEMENT_DATA_BYTES)
    for place in range(ELEMENT_DATA_BYTES):
        data[place::ELEMENT_DATA_BYTES] = blob[place + 1 :: ELEMENT_BYTES]
    return bytes(data)
