"""The entries of the ordering log (docs/PROTOCOL.md, section 6).

An entry is kind u8, the log's stamp u64 in milliseconds, and the payload. A block's body stays
bytes: a malformed one makes the block invalid, not the log.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from backend.protocol.blocks import Block, read_block
from backend.protocol.codec import Reader
from backend.protocol.errors import MalformedBytes
from backend.protocol.hashing import Digest
from backend.protocol.order_records import OrderRecord, read_record
from backend.protocol.signing import SIGNATURE_BYTES
from backend.protocol.types import Address
from backend.protocol.votes import NextRound, Seen, Timeout

LOG_VERSION: Final = 3


@dataclass(frozen=True, slots=True)
class IdentityEntry:
    """Whose log it is: position 0, once."""

    KIND: ClassVar[int] = 0
    chain_id: int
    rollup: Address
    code_hash: Digest
    version: int = LOG_VERSION

    def encode(self) -> bytes:
        """Return the payload."""
        head = self.version.to_bytes(2) + self.chain_id.to_bytes(8)
        return head + self.rollup + self.code_hash


@dataclass(frozen=True, slots=True)
class OrderEntry:
    """An order, or a group of them, that was taken in."""

    KIND: ClassVar[int] = 1
    record: OrderRecord

    def encode(self) -> bytes:
        """Return the payload."""
        return self.record.encode()


@dataclass(frozen=True, slots=True)
class SeenEntry:
    """A validator attests an L1 block."""

    KIND: ClassVar[int] = 2
    seen: Seen
    signature: bytes

    def encode(self) -> bytes:
        """Return the payload."""
        return self.seen.l1_block_number.to_bytes(8) + self.seen.l1_block_hash + self.signature


@dataclass(frozen=True, slots=True)
class BlockEntry:
    """A proposed block with its proposer's Proposal signature, and its body's bytes."""

    KIND: ClassVar[int] = 3
    block: Block
    signature: bytes
    body: bytes

    def encode(self) -> bytes:
        """Return the payload."""
        return self.block.encode() + self.signature + self.body


@dataclass(frozen=True, slots=True)
class TimeoutEntry:
    """A validator has waited long enough."""

    KIND: ClassVar[int] = 4
    timeout: Timeout
    signature: bytes

    def encode(self) -> bytes:
        """Return the payload."""
        return _encode_round(self.timeout) + self.signature


@dataclass(frozen=True, slots=True)
class VoteEntry:
    """A validator's vote for a block."""

    KIND: ClassVar[int] = 5
    block_hash: Digest
    signature: bytes

    def encode(self) -> bytes:
        """Return the payload."""
        return self.block_hash + self.signature


@dataclass(frozen=True, slots=True)
class NextRoundEntry:
    """A validator's signature that ends a round."""

    KIND: ClassVar[int] = 6
    next_round: NextRound
    signature: bytes

    def encode(self) -> bytes:
        """Return the payload."""
        return _encode_round(self.next_round) + self.signature


Payload = (
    IdentityEntry | OrderEntry | SeenEntry | BlockEntry | TimeoutEntry | VoteEntry | NextRoundEntry
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A payload as the log stamped it."""

    stamp_ms: int
    payload: Payload

    def encode(self) -> bytes:
        """Return the entry."""
        head = self.payload.KIND.to_bytes(1) + self.stamp_ms.to_bytes(8)
        return head + self.payload.encode()

    @staticmethod
    def decode(data: bytes) -> "Entry":
        """Return the entry of these bytes. Raises MalformedBytes."""
        reader = Reader(data)
        kind, stamp_ms = reader.uint(1), reader.uint(8)
        payload = _read_payload(kind, reader)
        reader.finish()
        return Entry(stamp_ms, payload)


def _read_payload(kind: int, reader: Reader) -> Payload:
    match kind:
        case IdentityEntry.KIND:
            return _read_identity(reader)
        case OrderEntry.KIND:
            return OrderEntry(read_record(reader))
        case SeenEntry.KIND:
            seen = Seen(reader.uint(8), Digest(reader.take(32)))
            return SeenEntry(seen, reader.take(SIGNATURE_BYTES))
        case BlockEntry.KIND:
            return BlockEntry(read_block(reader), reader.take(SIGNATURE_BYTES), reader.rest())
        case TimeoutEntry.KIND:
            timeout = Timeout(reader.uint(8), reader.uint(4), reader.uint(4))
            return TimeoutEntry(timeout, reader.take(SIGNATURE_BYTES))
        case VoteEntry.KIND:
            return VoteEntry(Digest(reader.take(32)), reader.take(SIGNATURE_BYTES))
        case NextRoundEntry.KIND:
            next_round = NextRound(reader.uint(8), reader.uint(4), reader.uint(4))
            return NextRoundEntry(next_round, reader.take(SIGNATURE_BYTES))
    raise MalformedBytes(f"{kind} is no kind of entry")


def _read_identity(reader: Reader) -> IdentityEntry:
    version = reader.uint(2)
    if version != LOG_VERSION:
        raise MalformedBytes(f"the log has version {version}, this program reads {LOG_VERSION}")
    return IdentityEntry(reader.uint(8), Address(reader.take(20)), Digest(reader.take(32)))


def _encode_round(message: NextRound | Timeout) -> bytes:
    return message.number.to_bytes(8) + message.epoch.to_bytes(4) + message.round.to_bytes(4)
