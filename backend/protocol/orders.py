"""What a payer signs (docs/PROTOCOL.md, section 4). An order's digest is its payment's id.

Amounts here are token base units, as wallets show them; times are seconds, as on L1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from backend.protocol.codec import need
from backend.protocol.eip712 import Domain, type_hash
from backend.protocol.hashing import ZERO_DIGEST, Digest, keccak
from backend.protocol.types import Address, address_text, digest_text

PAYMENT_FIELDS: Final = (
    ("address", "payer"),
    ("address", "payee"),
    ("address", "asset"),
    ("uint256", "amount"),
    ("uint256", "fee"),
    ("uint64", "nonce"),
    ("uint64", "validUntil"),
    ("bytes32", "memo"),
    ("bytes32", "link"),
)
WITHDRAWAL_FIELDS: Final = (
    ("address", "payer"),
    ("address", "asset"),
    ("uint256", "amount"),
    ("uint256", "fee"),
    ("uint64", "nonce"),
    ("uint64", "validUntil"),
)
PAYMENT_BYTES: Final = 204
WITHDRAWAL_BYTES: Final = 120

# The heads of a word that holds an address or a u64, joined to what stands before them.
_PAD_ADDRESS: Final = bytes(12)
_PAD_U64: Final = bytes(24)
_PAYMENT_HEAD: Final = type_hash("PaymentOrder", PAYMENT_FIELDS) + _PAD_ADDRESS
_WITHDRAWAL_HEAD: Final = type_hash("WithdrawalOrder", WITHDRAWAL_FIELDS) + _PAD_ADDRESS


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """Pay `amount` to the payee. `asset` is the token; `memo` the hash of a text, or zero."""

    payer: Address
    payee: Address
    asset: Address
    amount: int
    fee: int
    nonce: int
    valid_until: int
    memo: Digest = ZERO_DIGEST
    link: Digest = ZERO_DIGEST

    def struct_hash(self) -> Digest:
        """Return the EIP-712 hash of the structure alone."""
        return keccak(
            b"".join(
                (
                    _PAYMENT_HEAD,
                    self.payer,
                    _PAD_ADDRESS,
                    self.payee,
                    _PAD_ADDRESS,
                    self.asset,
                    self.amount.to_bytes(32),
                    self.fee.to_bytes(32),
                    _PAD_U64,
                    self.nonce.to_bytes(8),
                    _PAD_U64,
                    self.valid_until.to_bytes(8),
                    self.memo,
                    self.link,
                )
            )
        )

    def digest(self, domain: Domain) -> Digest:
        """Return what the payer signs: the payment's id."""
        return domain.digest(self.struct_hash())

    def is_alive(self, ts_s: int) -> bool:
        """Return whether the order may be executed at `ts_s` (0 is always expired)."""
        return self.valid_until >= ts_s and self.valid_until > 0

    def encode(self) -> bytes:
        """Return the fields, as they stand in a record: 204 bytes."""
        return b"".join(
            (
                self.payer,
                self.payee,
                self.asset,
                self.amount.to_bytes(32),
                self.fee.to_bytes(32),
                self.nonce.to_bytes(8),
                self.valid_until.to_bytes(8),
                self.memo,
                self.link,
            )
        )

    @staticmethod
    def decode(data: bytes) -> "PaymentOrder":
        """Return the order of its 204 bytes. Raises MalformedBytes."""
        need(PAYMENT_BYTES, data, "a payment order")
        integer = int.from_bytes
        return PaymentOrder(
            payer=Address(data[:20]),
            payee=Address(data[20:40]),
            asset=Address(data[40:60]),
            amount=integer(data[60:92]),
            fee=integer(data[92:124]),
            nonce=integer(data[124:132]),
            valid_until=integer(data[132:140]),
            memo=Digest(data[140:172]),
            link=Digest(data[172:204]),
        )

    def message(self) -> dict[str, Any]:
        """Return the fields as JSON; integers are decimal texts, safe in any wallet."""
        return {
            "payer": address_text(self.payer),
            "payee": address_text(self.payee),
            "asset": address_text(self.asset),
            "amount": str(self.amount),
            "fee": str(self.fee),
            "nonce": str(self.nonce),
            "validUntil": str(self.valid_until),
            "memo": digest_text(self.memo),
            "link": digest_text(self.link),
        }

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        """Return the JSON that a wallet signs (eth_signTypedData_v4)."""
        return domain.typed_data("PaymentOrder", PAYMENT_FIELDS, self.message())


@dataclass(frozen=True, slots=True)
class WithdrawalOrder:
    """Take `amount` off the ledger, to be claimed on L1 by the payer."""

    payer: Address
    asset: Address
    amount: int
    fee: int
    nonce: int
    valid_until: int

    def struct_hash(self) -> Digest:
        """Return the EIP-712 hash of the structure alone."""
        return keccak(
            b"".join(
                (
                    _WITHDRAWAL_HEAD,
                    self.payer,
                    _PAD_ADDRESS,
                    self.asset,
                    self.amount.to_bytes(32),
                    self.fee.to_bytes(32),
                    _PAD_U64,
                    self.nonce.to_bytes(8),
                    _PAD_U64,
                    self.valid_until.to_bytes(8),
                )
            )
        )

    def digest(self, domain: Domain) -> Digest:
        """Return what the payer signs: the withdrawal's id."""
        return domain.digest(self.struct_hash())

    def is_alive(self, ts_s: int) -> bool:
        """Return whether the order may be executed at `ts_s` (0 is always expired)."""
        return self.valid_until >= ts_s and self.valid_until > 0

    def encode(self) -> bytes:
        """Return the fields, as they stand in a record: 120 bytes."""
        return b"".join(
            (
                self.payer,
                self.asset,
                self.amount.to_bytes(32),
                self.fee.to_bytes(32),
                self.nonce.to_bytes(8),
                self.valid_until.to_bytes(8),
            )
        )

    @staticmethod
    def decode(data: bytes) -> "WithdrawalOrder":
        """Return the order of its 120 bytes. Raises MalformedBytes."""
        need(WITHDRAWAL_BYTES, data, "a withdrawal order")
        integer = int.from_bytes
        return WithdrawalOrder(
            payer=Address(data[:20]),
            asset=Address(data[20:40]),
            amount=integer(data[40:72]),
            fee=integer(data[72:104]),
            nonce=integer(data[104:112]),
            valid_until=integer(data[112:120]),
        )

    def message(self) -> dict[str, Any]:
        """Return the fields as JSON; integers are decimal texts, safe in any wallet."""
        return {
            "payer": address_text(self.payer),
            "asset": address_text(self.asset),
            "amount": str(self.amount),
            "fee": str(self.fee),
            "nonce": str(self.nonce),
            "validUntil": str(self.valid_until),
        }

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        """Return the JSON that a wallet signs (eth_signTypedData_v4)."""
        return domain.typed_data("WithdrawalOrder", WITHDRAWAL_FIELDS, self.message())


Order = PaymentOrder | WithdrawalOrder


def leg_hash(order: PaymentOrder) -> Digest:
    """Return what stands for the order in its group: its struct hash with link = 0."""
    return replace(order, link=ZERO_DIGEST).struct_hash()


def group_link(orders: Sequence[PaymentOrder]) -> Digest:
    """Return the link that binds the legs of an atomic group, in this order, to one another."""
    return keccak(b"".join(map(leg_hash, orders)))


def linked(orders: Sequence[PaymentOrder]) -> list[PaymentOrder]:
    """Return the legs with their link, ready to be signed."""
    link = group_link(orders)
    return [replace(order, link=link) for order in orders]
