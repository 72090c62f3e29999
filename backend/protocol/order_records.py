"""Orders with what authorises them, alone or in groups (docs/PROTOCOL.md, section 4).

A *record* is what stands in the log, in block bodies and in bulk requests: one order, or a group
that is executed whole or not at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Protocol, runtime_checkable

from backend.protocol.authorised import PROOF_NODES_MAX, leads_to
from backend.protocol.codec import Reader
from backend.protocol.eip712 import Domain
from backend.protocol.errors import GroupInvalid, MalformedBytes
from backend.protocol.hashing import ZERO_DIGEST, Digest
from backend.protocol.orders import (
    PAYMENT_BYTES,
    WITHDRAWAL_BYTES,
    Order,
    PaymentOrder,
    WithdrawalOrder,
    group_link,
)
from backend.protocol.signing import SIGNATURE_BYTES, recover
from backend.protocol.types import Address

LEGS_MIN: Final = 2
LEGS_MAX: Final = 8
GROUP_FEE_ASSETS_MAX: Final = 4
RECORD_BYTES_MIN: Final = 1 + WITHDRAWAL_BYTES + 33
"""The shortest record: a withdrawal by a root that has no other leaf."""


class RecordKind(IntEnum):
    """The first byte of a record."""

    PAYMENT = 1
    WITHDRAWAL = 2
    PAYMENT_BY_ROOT = 3
    WITHDRAWAL_BY_ROOT = 4
    GROUP = 5


_SIGNED: Final = (RecordKind.PAYMENT, RecordKind.WITHDRAWAL)
_PAYMENTS: Final = (RecordKind.PAYMENT, RecordKind.PAYMENT_BY_ROOT)


@dataclass(frozen=True, slots=True)
class _OneOrder:
    """An order; what authorises it is no part of its ids. The digest is computed once."""

    order: Order
    _hashed: tuple[Digest, Digest] | None = field(
        init=False, default=None, repr=False, compare=False
    )
    """The separator of a domain, and the order's digest there."""

    @property
    def orders(self) -> tuple[Order, ...]:
        """The one order."""
        return (self.order,)

    def digest(self, domain: Domain) -> Digest:
        """Return the payment's id."""
        hashed = self._hashed
        if hashed is None or hashed[0] != domain.separator:
            hashed = domain.separator, self.order.digest(domain)
            object.__setattr__(self, "_hashed", hashed)
        return hashed[1]

    def record_id(self, domain: Domain) -> Digest:
        """Return the order's digest."""
        return self.digest(domain)


@dataclass(frozen=True, slots=True)
class SignedOrder(_OneOrder):
    """An order and its payer's 65-byte signature."""

    signature: bytes

    def signer(self, domain: Domain) -> Address:
        """Return who signed. Raises SignatureInvalid or SignatureHighS."""
        return recover(self.digest(domain), self.signature)

    def encode(self) -> bytes:
        """Return the record: 270 bytes of a payment, 186 of a withdrawal."""
        kind = RecordKind.PAYMENT if isinstance(self.order, PaymentOrder) else RecordKind.WITHDRAWAL
        return kind.to_bytes(1) + self.order.encode() + self.signature


@dataclass(frozen=True, slots=True)
class RootedOrder(_OneOrder):
    """An order under a root that its payer authorised on L1; `proof` are the siblings, leaf up."""

    root: Digest
    proof: tuple[Digest, ...]

    def is_proven(self, digest: Digest) -> bool:
        """Return whether the proof leads from the order's digest to the root."""
        return leads_to(self.root, digest, self.proof)

    def encode(self) -> bytes:
        """Return the record. Raises MalformedBytes for a proof that is too long."""
        if len(self.proof) > PROOF_NODES_MAX:
            raise MalformedBytes(f"a proof has {len(self.proof)} nodes, {PROOF_NODES_MAX} at most")
        is_payment = isinstance(self.order, PaymentOrder)
        kind = RecordKind.PAYMENT_BY_ROOT if is_payment else RecordKind.WITHDRAWAL_BY_ROOT
        head = kind.to_bytes(1) + self.order.encode() + self.root
        return head + len(self.proof).to_bytes(1) + b"".join(self.proof)


AuthorisedOrder = SignedOrder | RootedOrder


@dataclass(frozen=True, slots=True)
class OrderGroup:
    """Payments that are executed all together, in this order, or not at all."""

    legs: tuple[AuthorisedOrder, ...]

    @property
    def orders(self) -> tuple[Order, ...]:
        """The legs' orders."""
        return tuple(leg.order for leg in self.legs)

    @property
    def link(self) -> Digest:
        """What binds the legs: each bears it."""
        first = self.orders[0]
        return first.link if isinstance(first, PaymentOrder) else ZERO_DIGEST

    def record_id(self, domain: Domain) -> Digest:
        """Return the link."""
        return self.link

    def check(self) -> None:
        """Check that this is a group. Raises GroupInvalid."""
        payments = [order for order in self.orders if isinstance(order, PaymentOrder)]
        if not LEGS_MIN <= len(self.legs) <= LEGS_MAX:
            raise GroupInvalid(f"a group has {LEGS_MIN} to {LEGS_MAX} legs, not {len(self.legs)}")
        if len(payments) != len(self.legs):
            raise GroupInvalid("each leg is a payment")
        link = group_link(payments)
        for index, payment in enumerate(payments):
            if payment.link != link:
                raise GroupInvalid(f"leg {index} bears another link: a leg was altered or left out")
        fee_assets = {payment.asset for payment in payments if payment.fee}
        if len(fee_assets) > GROUP_FEE_ASSETS_MAX:
            raise GroupInvalid(f"fees in {len(fee_assets)} assets, {GROUP_FEE_ASSETS_MAX} at most")

    def encode(self) -> bytes:
        """Return the record."""
        head = RecordKind.GROUP.to_bytes(1) + len(self.legs).to_bytes(1)
        return head + b"".join(leg.encode() for leg in self.legs)


OrderRecord = SignedOrder | RootedOrder | OrderGroup


def authorised_orders(record: OrderRecord) -> tuple[AuthorisedOrder, ...]:
    """Return the orders of a record, each with what authorises it."""
    return record.legs if isinstance(record, OrderGroup) else (record,)


def decode_record(data: bytes) -> OrderRecord:
    """Return the one record of these bytes. Raises MalformedBytes."""
    reader = Reader(data)
    record = read_record(reader)
    reader.finish()
    return record


def read_record(reader: Reader) -> OrderRecord:
    """Take one record off the front. Raises MalformedBytes."""
    kind = reader.uint(1)
    if kind != RecordKind.GROUP:
        return _read_order(kind, reader)
    count = reader.uint(1)
    if not LEGS_MIN <= count <= LEGS_MAX:
        raise MalformedBytes(f"a group has {LEGS_MIN} to {LEGS_MAX} legs, not {count}")
    return OrderGroup(tuple(_read_leg(reader) for _ in range(count)))


def read_counted_records(reader: Reader) -> tuple[OrderRecord, ...]:
    """Take a u32 and as many records off the front. Raises MalformedBytes."""
    return tuple(read_record(reader) for _ in range(reader.count(RECORD_BYTES_MIN)))


@runtime_checkable
class Encoded(Protocol):
    """Records that keep their bytes."""

    def encode(self) -> bytes: ...


def encode_records(records: Iterable[OrderRecord]) -> bytes:
    """Return records one after the other, as in a bulk request."""
    if isinstance(records, Encoded):
        return records.encode()
    return b"".join(record.encode() for record in records)


def decode_records(data: bytes) -> list[OrderRecord]:
    """Return records that stand one after the other. Raises MalformedBytes."""
    reader = Reader(data)
    records = []
    while reader.remaining:
        records.append(read_record(reader))
    return records


def _read_leg(reader: Reader) -> AuthorisedOrder:
    kind = reader.uint(1)
    if kind not in _PAYMENTS:
        raise MalformedBytes(f"{kind} is no kind of leg")
    return _read_order(kind, reader)


def _read_order(kind: int, reader: Reader) -> AuthorisedOrder:
    order: Order
    if kind in _PAYMENTS:
        order = PaymentOrder.decode(reader.take(PAYMENT_BYTES))
    elif kind in (RecordKind.WITHDRAWAL, RecordKind.WITHDRAWAL_BY_ROOT):
        order = WithdrawalOrder.decode(reader.take(WITHDRAWAL_BYTES))
    else:
        raise MalformedBytes(f"{kind} is no kind of record")
    if kind in _SIGNED:
        return SignedOrder(order, reader.take(SIGNATURE_BYTES))
    root = Digest(reader.take(32))
    node_count = reader.uint(1)
    if node_count > PROOF_NODES_MAX:
        raise MalformedBytes(f"a proof has {node_count} nodes, {PROOF_NODES_MAX} at most")
    return RootedOrder(order, root, tuple(Digest(reader.take(32)) for _ in range(node_count)))
