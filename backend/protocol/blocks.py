"""Blocks and their bodies (docs/PROTOCOL.md, section 5)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from backend.protocol.codec import Reader
from backend.protocol.eip712 import Domain, type_hash
from backend.protocol.errors import MalformedBytes
from backend.protocol.hashing import Digest, keccak, sha256
from backend.protocol.money import AmountMinor
from backend.protocol.order_records import (
    OrderRecord,
    encode_records,
    read_counted_records,
)
from backend.protocol.orders import Order
from backend.protocol.types import (
    AccountId,
    Address,
    Asset,
    AuthorisedRoot,
    DepositRecord,
    Epoch,
    ExitRequest,
)

BODY_VERSION: Final = 3
# More than any block that fits a batch needs; a larger one would only take memory and time.
BODY_BYTES_MAX: Final = 4 * 1024 * 1024
BLOCK_BYTES: Final = 124
LISTING_BYTES: Final = 50
DEPOSIT_BYTES: Final = 56
ROOT_BYTES: Final = 52
EXIT_BYTES: Final = 24
EPOCH_BYTES_MIN: Final = 8
REJECTION_BYTES: Final = 34

ReadRecords = Callable[[Reader], Sequence[OrderRecord]]

_BLOCK_TYPE_HASH: Final = type_hash(
    "Block",
    (
        ("uint64", "number"),
        ("uint32", "epoch"),
        ("uint32", "round"),
        ("bytes32", "parentHash"),
        ("bytes32", "operationsHash"),
        ("bytes32", "bodyHash"),
        ("uint32", "operationCount"),
        ("uint64", "timestampMs"),
    ),
)


@dataclass(frozen=True, slots=True)
class Block:
    """What a validator votes for. `operation_count` counts slots, second halves too."""

    number: int
    epoch: int
    round: int
    parent_hash: Digest
    operations_hash: Digest
    body_hash: Digest
    operation_count: int
    timestamp_ms: int

    def digest(self, domain: Domain) -> Digest:
        """Return the block's hash: what a vote signs."""
        return domain.digest(
            keccak(
                _BLOCK_TYPE_HASH
                + self.number.to_bytes(32)
                + self.epoch.to_bytes(32)
                + self.round.to_bytes(32)
                + self.parent_hash
                + self.operations_hash
                + self.body_hash
                + self.operation_count.to_bytes(32)
                + self.timestamp_ms.to_bytes(32)
            )
        )

    @property
    def ts_s(self) -> int:
        """The block's time in seconds, which orders are judged by; rounded down."""
        return self.timestamp_ms // 1000

    def encode(self) -> bytes:
        """Return the 124 bytes that stand in the log."""
        return (
            self.number.to_bytes(8)
            + self.epoch.to_bytes(4)
            + self.round.to_bytes(4)
            + self.parent_hash
            + self.operations_hash
            + self.body_hash
            + self.operation_count.to_bytes(4)
            + self.timestamp_ms.to_bytes(8)
        )

    @staticmethod
    def decode(data: bytes) -> "Block":
        """Return the block of 124 bytes. Raises MalformedBytes."""
        reader = Reader(data)
        block = read_block(reader)
        reader.finish()
        return block


def read_block(reader: Reader) -> Block:
    """Take a block off the front. Raises MalformedBytes."""
    return Block(
        number=reader.uint(8),
        epoch=reader.uint(4),
        round=reader.uint(4),
        parent_hash=Digest(reader.take(32)),
        operations_hash=Digest(reader.take(32)),
        body_hash=Digest(reader.take(32)),
        operation_count=reader.uint(4),
        timestamp_ms=reader.uint(8),
    )


@dataclass(frozen=True, slots=True)
class Rejection:
    """An accepted record that can no longer be executed, and the `number` of the error why."""

    record_id: Digest
    number: int


@dataclass(frozen=True, slots=True)
class Body:
    """What happened in a block; its slots are a function of the state and of this.

    `epoch` is the one that begins after the block, if it closes its own.
    """

    l1_block_number: int
    listings: tuple[Asset, ...] = ()
    deposits: tuple[DepositRecord, ...] = ()
    roots: tuple[AuthorisedRoot, ...] = ()
    records: Sequence[OrderRecord] = ()
    rejections: tuple[Rejection, ...] = ()
    exits: tuple[ExitRequest, ...] = ()
    epoch: Epoch | None = None

    @property
    def orders(self) -> tuple[Order, ...]:
        """The orders of all records, in the order of execution."""
        return tuple(order for record in self.records for order in record.orders)

    def encode(self) -> bytes:
        """Return the body's only encoding."""
        parts = [BODY_VERSION.to_bytes(1), self.l1_block_number.to_bytes(8)]
        parts.append(len(self.listings).to_bytes(4))
        parts.extend(listing.encode() for listing in self.listings)
        parts.append(len(self.deposits).to_bytes(4))
        parts.extend(deposit.encode() for deposit in self.deposits)
        parts.append(len(self.roots).to_bytes(4))
        parts.extend(root.encode() for root in self.roots)
        parts.append(len(self.exits).to_bytes(4))
        parts.extend(request.encode() for request in self.exits)
        parts.append(encode_epoch(self.epoch))
        parts.append(len(self.records).to_bytes(4))
        parts.append(encode_records(self.records))
        parts.append(len(self.rejections).to_bytes(4))
        parts.extend(r.record_id + r.number.to_bytes(2) for r in self.rejections)
        return b"".join(parts)

    @staticmethod
    def decode(data: bytes, read_records: ReadRecords = read_counted_records) -> "Body":
        """Return the body of these bytes; `read_records` takes their number and the records off a
        reader. Raises MalformedBytes."""
        if len(data) > BODY_BYTES_MAX:
            raise MalformedBytes(f"the body has {len(data)} bytes, at most {BODY_BYTES_MAX} do")
        reader = Reader(data)
        version = reader.uint(1)
        if version != BODY_VERSION:
            raise MalformedBytes(
                f"the body has version {version}, this program reads {BODY_VERSION}"
            )
        return _read_body(reader, read_records)


def _read_body(reader: Reader, read_records: ReadRecords) -> Body:
    l1_block_number = reader.uint(8)
    listings = tuple(read_listing(reader) for _ in range(reader.count(LISTING_BYTES)))
    deposits = tuple(_deposit(reader) for _ in range(reader.count(DEPOSIT_BYTES)))
    roots = tuple(read_root(reader) for _ in range(reader.count(ROOT_BYTES)))
    exits = tuple(read_exit(reader) for _ in range(reader.count(EXIT_BYTES)))
    epoch = read_epoch(reader)
    records = read_records(reader)
    rejections = tuple(_rejection(reader) for _ in range(reader.count(REJECTION_BYTES)))
    reader.finish()
    return Body(l1_block_number, listings, deposits, roots, records, rejections, exits, epoch)


def body_hash(body: bytes) -> Digest:
    """Return the hash of an encoded body."""
    return sha256(body)


def operations_hash(slots: bytes) -> Digest:
    """Return the hash of a block's slots."""
    return keccak(slots)


def read_listing(reader: Reader) -> Asset:
    """Take a listing off the front. Raises MalformedBytes."""
    return Asset(
        asset_id=reader.uint(2),
        token=Address(reader.take(20)),
        unit=reader.uint(8),
        fee_owner=Address(reader.take(20)),
    )


def read_root(reader: Reader) -> AuthorisedRoot:
    """Take a root off the front. Raises MalformedBytes."""
    return AuthorisedRoot(Address(reader.take(20)), Digest(reader.take(32)))


def read_exit(reader: Reader) -> ExitRequest:
    """Take an exit request off the front. Raises MalformedBytes."""
    return ExitRequest(AccountId(reader.uint(4)), Address(reader.take(20)))


def encode_epoch(epoch: Epoch | None) -> bytes:
    """Return an epoch, or none, as it stands in a body."""
    return (0).to_bytes(4) if epoch is None else (1).to_bytes(4) + epoch.encode()


def read_epoch(reader: Reader) -> Epoch | None:
    """Take an epoch, or none, off the front. Raises MalformedBytes."""
    count = reader.count(EPOCH_BYTES_MIN)
    if count > 1:
        raise MalformedBytes(f"{count} epochs begin at once")
    if count == 0:
        return None
    number = reader.uint(4)
    members = tuple(Address(reader.take(20)) for _ in range(reader.count(20)))
    return Epoch(number, members)


def _deposit(reader: Reader) -> DepositRecord:
    return DepositRecord(
        token=Address(reader.take(20)),
        asset_id=reader.uint(2),
        owner=Address(reader.take(20)),
        amount_minor=AmountMinor(reader.uint(6)),
        l1_ts_s=reader.uint(8),
    )


def _rejection(reader: Reader) -> Rejection:
    return Rejection(Digest(reader.take(32)), reader.uint(2))
