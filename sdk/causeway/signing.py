"""Orders and their signatures. Law: docs/PROTOCOL.md, section 4; nothing is signed unread.

Amounts in orders are token base units, as wallets show them.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import coincurve
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

Address = str | bytes
"""20 bytes, or their 0x text."""

ZERO_HASH: Final = bytes(32)
_DOMAIN_TYPE: Final = (
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_PAYMENT_TYPE: Final = (
    b"PaymentOrder(address payer,address payee,address asset,uint256 amount,uint256 fee,"
    b"uint64 nonce,uint64 validUntil,bytes32 memo,bytes32 link)"
)
_WITHDRAWAL_TYPE: Final = (
    b"WithdrawalOrder(address payer,address asset,uint256 amount,uint256 fee,"
    b"uint64 nonce,uint64 validUntil)"
)


def to_bytes(value: str | bytes, size_bytes: int) -> bytes:
    """Return `value`, bytes or 0x text, as exactly so many bytes. Raises ValueError."""
    data = bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else bytes(value)
    if len(data) != size_bytes:
        raise ValueError(f"{size_bytes} bytes are needed, not {len(data)}")
    return data


def to_text(data: bytes) -> str:
    """Return bytes as 0x text; 20 bytes with an address's checksum."""
    return to_checksum_address(data) if len(data) == 20 else "0x" + data.hex()


def address_text(address: Address) -> str:
    """Return an address as 0x text with its checksum. Raises ValueError."""
    return to_text(to_bytes(address, 20))


def memo_hash(memo: str | bytes | None) -> bytes:
    """Return what binds a memo: 32 bytes (or their 0x text) as they are, a text by its hash."""
    if memo is None:
        return ZERO_HASH
    if isinstance(memo, bytes):
        return to_bytes(memo, 32)
    is_hash = memo.startswith("0x") and len(memo) == 66
    return to_bytes(memo, 32) if is_hash else keccak(text=memo)


@dataclass(frozen=True, slots=True)
class Domain:
    """For which contract on which chain a signature counts."""

    chain_id: int
    rollup: bytes
    separator: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        separator = keccak(
            keccak(_DOMAIN_TYPE)
            + keccak(b"Causeway")
            + keccak(b"1")
            + self.chain_id.to_bytes(32)
            + self.rollup.rjust(32, b"\0")
        )
        object.__setattr__(self, "separator", separator)

    def digest(self, struct_hash: bytes) -> bytes:
        """Return what is signed."""
        return keccak(b"\x19\x01" + self.separator + struct_hash)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Domain":
        """Return the domain in typed data."""
        if (data.get("name"), data.get("version")) != ("Causeway", "1"):
            raise ValueError("it is no domain of Causeway, version 1")
        return cls(int(data["chainId"]), to_bytes(data["verifyingContract"], 20))


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """What a payer signs to pay."""

    payer: bytes
    payee: bytes
    asset: bytes  # the token
    amount: int
    fee: int
    nonce: int
    valid_until: int  # seconds
    memo: bytes = ZERO_HASH
    link: bytes = ZERO_HASH

    def struct_hash(self) -> bytes:
        """Return the hash of the structure."""
        addresses = (self.payer, self.payee, self.asset)
        numbers = (self.amount, self.fee, self.nonce, self.valid_until)
        return keccak(
            keccak(_PAYMENT_TYPE)
            + b"".join(address.rjust(32, b"\0") for address in addresses)
            + b"".join(number.to_bytes(32) for number in numbers)
            + self.memo
            + self.link
        )

    def message(self) -> dict[str, str]:
        """Return the order as JSON, as a wallet shows it."""
        return {
            "payer": to_text(self.payer),
            "payee": to_text(self.payee),
            "asset": to_text(self.asset),
            "amount": str(self.amount),
            "fee": str(self.fee),
            "nonce": str(self.nonce),
            "validUntil": str(self.valid_until),
            "memo": to_text(self.memo),
            "link": to_text(self.link),
        }

    def record(self) -> bytes:
        """Return the bytes of a bulk request that stand before the signature."""
        return (
            b"\x01"
            + self.payer
            + self.payee
            + self.asset
            + self.amount.to_bytes(32)
            + self.fee.to_bytes(32)
            + self.nonce.to_bytes(8)
            + self.valid_until.to_bytes(8)
            + self.memo
            + self.link
        )

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> "PaymentOrder":
        """Return the order that typed data holds."""
        return cls(
            to_bytes(message["payer"], 20),
            to_bytes(message["payee"], 20),
            to_bytes(message["asset"], 20),
            int(message["amount"]),
            int(message["fee"]),
            int(message["nonce"]),
            int(message["validUntil"]),
            to_bytes(message["memo"], 32),
            to_bytes(message["link"], 32),
        )


@dataclass(frozen=True, slots=True)
class WithdrawalOrder:
    """What a payer signs to take money back to the chain."""

    payer: bytes
    asset: bytes
    amount: int
    fee: int
    nonce: int
    valid_until: int

    def struct_hash(self) -> bytes:
        """Return the hash of the structure."""
        numbers = (self.amount, self.fee, self.nonce, self.valid_until)
        return keccak(
            keccak(_WITHDRAWAL_TYPE)
            + self.payer.rjust(32, b"\0")
            + self.asset.rjust(32, b"\0")
            + b"".join(number.to_bytes(32) for number in numbers)
        )

    def message(self) -> dict[str, str]:
        """Return the order as JSON, as a wallet shows it."""
        return {
            "payer": to_text(self.payer),
            "asset": to_text(self.asset),
            "amount": str(self.amount),
            "fee": str(self.fee),
            "nonce": str(self.nonce),
            "validUntil": str(self.valid_until),
        }

    def record(self) -> bytes:
        """Return the bytes of a bulk request that stand before the signature."""
        return (
            b"\x02"
            + self.payer
            + self.asset
            + self.amount.to_bytes(32)
            + self.fee.to_bytes(32)
            + self.nonce.to_bytes(8)
            + self.valid_until.to_bytes(8)
        )

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> "WithdrawalOrder":
        """Return the order that typed data holds."""
        return cls(
            to_bytes(message["payer"], 20),
            to_bytes(message["asset"], 20),
            int(message["amount"]),
            int(message["fee"]),
            int(message["nonce"]),
            int(message["validUntil"]),
        )


Order = PaymentOrder | WithdrawalOrder


class Key:
    """A payer's private key. It never shows itself."""

    __slots__ = ("_key", "address")

    def __init__(self, secret: str | bytes) -> None:
        """Take 32 bytes or their 0x text. Raises ValueError if they are no key."""
        data = to_bytes(secret, 32)
        self._key = coincurve.PrivateKey(data)
        self.address: bytes = keccak(self._key.public_key.format(compressed=False)[1:])[12:]

    @classmethod
    def from_keystore(cls, keystore: str | dict[str, Any], password: str) -> "Key":
        """Take a key file of a wallet (Web3 secret storage)."""
        return cls(bytes(Account.decrypt(keystore, password)))

    def sign_digest(self, digest: bytes) -> bytes:
        """Return r 32, s 32, v 1 bytes, low s."""
        signature: bytes = self._key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes([27 + signature[64]])

    def __repr__(self) -> str:
        return f"Key({to_text(self.address)})"


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """An order with its payer's signature; `id` is its digest, and the payment's id."""

    order: Order
    signature: bytes
    id: bytes

    @property
    def is_withdrawal(self) -> bool:
        """Whether it takes money back to the chain."""
        return isinstance(self.order, WithdrawalOrder)

    def to_json(self) -> dict[str, Any]:
        """Return the body of a request."""
        return {"order": self.order.message(), "signature": to_text(self.signature)}

    def record(self) -> bytes:
        """Return the record of a binary bulk request."""
        return self.order.record() + self.signature


def sign(order: Order, key: Key, domain: Domain) -> SignedOrder:
    """Return the order signed for `domain`. Raises ValueError if the key is not the payer's."""
    if order.payer != key.address:
        raise ValueError("the key is not the payer's")
    digest = domain.digest(order.struct_hash())
    return SignedOrder(order, key.sign_digest(digest), digest)
