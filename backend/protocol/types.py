"""Addresses, accounts, assets, leaves and deposit records (docs/PROTOCOL.md, sections 1 and 7)."""

import re
from dataclasses import dataclass
from typing import Final, NewType

from backend.protocol.errors import MalformedRequest
from backend.protocol.hashing import ZERO_DIGEST, Digest, keccak
from backend.protocol.money import AmountMinor, BalanceMinor

Address = NewType("Address", bytes)
"""20 bytes: a key's address or a contract's."""
AccountId = NewType("AccountId", int)
"""u32, the partition in its top byte."""

ZERO_ADDRESS: Final = Address(bytes(20))
BRIDGE: Final = AccountId(0)
BRIDGE_OWNER: Final = Address(bytes(19) + b"\x01")
REGISTRY: Final = AccountId(1)
FEE_PARTITION: Final = 255
NONCE_MAX: Final = 2**64 - 1

_ADDRESS_TEXT = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_DIGEST_TEXT = re.compile(r"0x[0-9a-fA-F]{64}", re.ASCII)


def address_text(address: bytes) -> str:
    """Return the address with its checksum (EIP-55)."""
    digits = address.hex()
    marks = keccak(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if mark >= "8" else digit for digit, mark in zip(digits, marks, strict=False)
    )


def address_from_text(text: str, field: str = "address") -> Address:
    """Return the address that `text` names: 0x and 40 digits, of one case or with a checksum.

    Raises MalformedRequest, naming `field`.
    """
    if not _ADDRESS_TEXT.fullmatch(text):
        raise MalformedRequest(field, "an address is 0x and 40 hexadecimal digits")
    address = Address(bytes.fromhex(text[2:]))
    digits = text[2:]
    if digits not in (digits.lower(), digits.upper()) and text != address_text(address):
        raise MalformedRequest(field, "the address has a wrong checksum")
    return address


def addresses_from_text(text: str, field: str) -> tuple[Address, ...]:
    """Return the addresses that stand in a text with commas between; none of an empty text.

    Raises MalformedRequest, naming `field`.
    """
    parts = text.split(",") if text.strip() else []
    return tuple(address_from_text(part.strip(), field) for part in parts)


def digest_text(digest: bytes) -> str:
    """Return 0x and 64 digits."""
    return "0x" + digest.hex()


def digest_from_text(text: str, field: str = "id") -> Digest:
    """Return the digest that `text` names. Raises MalformedRequest, naming `field`."""
    if not _DIGEST_TEXT.fullmatch(text):
        raise MalformedRequest(field, "a digest is 0x and 64 hexadecimal digits")
    return Digest(bytes.fromhex(text[2:]))


def fee_account_id(asset_id: int) -> AccountId:
    """Return the id that the asset's fee account has."""
    return AccountId(FEE_PARTITION << 24 | asset_id)


def partition_of(owner: Address) -> int:
    """Return the partition (0 to 254) of an owner's ordinary accounts."""
    return keccak(owner)[-1] % FEE_PARTITION


@dataclass(frozen=True, slots=True)
class Asset:
    """A listing. `unit` is base units in one minor unit; fee owner 0 takes no fee."""

    asset_id: int
    token: Address
    unit: int
    fee_owner: Address

    @property
    def takes_fee(self) -> bool:
        """Whether the asset has a fee account."""
        return self.fee_owner != ZERO_ADDRESS

    def encode(self) -> bytes:
        """Return the 50 bytes of a block body's listing."""
        return self.asset_id.to_bytes(2) + self.token + self.unit.to_bytes(8) + self.fee_owner


@dataclass(frozen=True, slots=True)
class Leaf:
    """An account as the state tree holds it. No account has owner 0: that is the empty leaf."""

    owner: Address
    asset_id: int
    nonce: int
    balance_minor: BalanceMinor

    def encode(self) -> bytes:
        """Return the 38 bytes that are hashed."""
        return (
            self.owner
            + self.asset_id.to_bytes(2)
            + self.nonce.to_bytes(8)
            + self.balance_minor.to_bytes(8)
        )


@dataclass(frozen=True, slots=True)
class DepositRecord:
    """A deposit as L1 queued it. `l1_ts_s` is the time of its L1 block."""

    token: Address
    asset_id: int
    owner: Address
    amount_minor: AmountMinor
    l1_ts_s: int

    def encode(self) -> bytes:
        """Return the record's 56 bytes."""
        return (
            self.token
            + self.asset_id.to_bytes(2)
            + self.owner
            + self.amount_minor.to_bytes(6)
            + self.l1_ts_s.to_bytes(8)
        )

    def chain_hash(self, previous: Digest) -> Digest:
        """Return the hash of the queue up to and with this record; before the first it is 0."""
        return keccak(previous + self.encode())


@dataclass(frozen=True, slots=True)
class AuthorisedRoot:
    """A Merkle root of orders that their payer authorised on L1, for ever."""

    owner: Address
    root: Digest

    def encode(self) -> bytes:
        """Return the 52 bytes of a block body's root."""
        return self.owner + self.root


@dataclass(frozen=True, slots=True)
class ExitRequest:
    """An owner asked L1 for all money of his account."""

    account_id: AccountId
    owner: Address

    def encode(self) -> bytes:
        """Return the 24 bytes of a block body's exit."""
        return self.account_id.to_bytes(4) + self.owner


@dataclass(frozen=True, slots=True)
class Epoch:
    """A committee's term as L1 began it. `members` are ascending, 3f + 1 of them."""

    number: int
    members: tuple[Address, ...]

    def encode(self) -> bytes:
        """Return the bytes of a block body's epoch."""
        head = self.number.to_bytes(4) + len(self.members).to_bytes(4)
        return head + b"".join(self.members)


def deposits_hash(records: list[DepositRecord], previous: Digest = ZERO_DIGEST) -> Digest:
    """Return the chain hash after `records`."""
    for record in records:
        previous = record.chain_hash(previous)
    return previous
