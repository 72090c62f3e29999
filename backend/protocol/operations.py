"""The five operations and their 15-byte slots (docs/PROTOCOL.md, section 2).

Only the shape is judged here; accounts and balances are the ledger's matter.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from backend.protocol.errors import MalformedBytes
from backend.protocol.money import AmountMinor, fee_byte, fee_minor
from backend.protocol.types import BRIDGE, REGISTRY, AccountId, Address

SLOT_BYTES: Final = 15
_FIRST_ACCOUNT: Final = 2


@dataclass(frozen=True, slots=True)
class Payment:
    """Moves an amount from payer to payee, and a fee from the payer to the asset's fee account."""

    payer: AccountId
    payee: AccountId
    amount_minor: AmountMinor
    fee_minor: AmountMinor = AmountMinor(0)


@dataclass(frozen=True, slots=True)
class Deposit:
    """Credits the next record of the deposit queue."""

    payee: AccountId
    amount_minor: AmountMinor


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Takes an amount off the ledger; the payer's owner claims it on L1."""

    payer: AccountId
    amount_minor: AmountMinor
    fee_minor: AmountMinor = AmountMinor(0)


@dataclass(frozen=True, slots=True)
class OpenAccount:
    """Opens an account. It takes two slots."""

    account_id: AccountId
    asset_id: int
    owner: Address


@dataclass(frozen=True, slots=True)
class NoOp:
    """Fills a slot."""


Operation = Payment | Deposit | Withdrawal | OpenAccount | NoOp

NO_OP_SLOT: Final = bytes(SLOT_BYTES)


class MalformedOperation(MalformedBytes):
    """A slot that is no operation by its shape alone."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"slot {position}: {reason}")
        self.position = position
        self.reason = reason

    def __reduce__(self) -> tuple[type["MalformedOperation"], tuple[int, str]]:
        return type(self), (self.position, self.reason)


def slot(payer: int, payee: int, amount_minor: int, fee: int) -> bytes:
    """Return the 15 bytes of these fields; `fee` is the byte itself."""
    return (payer << 88 | payee << 56 | amount_minor << 8 | fee).to_bytes(SLOT_BYTES)


def encode(operation: Operation) -> bytes:
    """Return the operation's slot, or its two. Raises FeeNotRepresentable."""
    match operation:
        case Payment(payer, payee, amount_minor, fee):
            return slot(payer, payee, amount_minor, fee_byte(fee))
        case Withdrawal(payer, amount_minor, fee):
            return slot(payer, BRIDGE, amount_minor, fee_byte(fee))
        case Deposit(payee, amount_minor):
            return slot(BRIDGE, payee, amount_minor, 0)
        case OpenAccount(account_id, asset_id, owner):
            head = REGISTRY.to_bytes(4) + account_id.to_bytes(4)
            return head + asset_id.to_bytes(2) + owner
        case NoOp():
            return NO_OP_SLOT


def encode_all(operations: Iterable[Operation]) -> bytes:
    """Return the slots of operations one after the other."""
    return b"".join(map(encode, operations))


def slot_count(operation: Operation) -> int:
    """Return how many slots the operation takes."""
    return 2 if isinstance(operation, OpenAccount) else 1


def iter_slots(data: bytes) -> Iterator[tuple[int, Operation]]:
    """Yield each operation with the position of its first slot, reading from the start.

    Raises MalformedOperation on reaching the first slot that is none; MalformedBytes at once if
    `data` is no whole number of slots. The end of `data` is the end of a chunk or a block: an
    account can't be opened in the last slot.
    """
    count, rest = divmod(len(data), SLOT_BYTES)
    if rest:
        raise MalformedBytes(f"{len(data)} bytes are no whole number of slots")
    position = 0
    while position < count:
        start = position * SLOT_BYTES
        operation = _read(data, start, position, position + 1 == count)
        yield position, operation
        position += 2 if isinstance(operation, OpenAccount) else 1


def read_slots(data: bytes) -> list[tuple[int, Operation]]:
    """Return each operation with the position of its first slot. Raises as `iter_slots`."""
    return list(iter_slots(data))


def _read(data: bytes, start: int, position: int, is_last: bool) -> Operation:
    word = int.from_bytes(data[start : start + SLOT_BYTES])
    payer, payee = word >> 88, word >> 56 & 0xFFFFFFFF
    if payer == REGISTRY:
        if is_last:
            raise MalformedOperation(position, "an account is opened in the last slot")
        return _read_open_account(data, start, position, payee)
    amount_minor, fee = AmountMinor(word >> 8 & 0xFFFFFFFFFFFF), word & 0xFF
    if word == 0:
        return NoOp()
    if payee == REGISTRY:
        raise MalformedOperation(position, "account 1 can't be paid")
    if payer == payee:
        raise MalformedOperation(position, "payer and payee are the same")
    if amount_minor == 0:
        raise MalformedOperation(position, "the amount is zero")
    if payer == BRIDGE:
        if fee:
            raise MalformedOperation(position, "a deposit has a fee byte")
        return Deposit(AccountId(payee), amount_minor)
    if payee == BRIDGE:
        return Withdrawal(AccountId(payer), amount_minor, fee_minor(fee))
    return Payment(AccountId(payer), AccountId(payee), amount_minor, fee_minor(fee))


def _read_open_account(data: bytes, start: int, position: int, account_id: int) -> OpenAccount:
    asset_id = int.from_bytes(data[start + 8 : start + 10])
    owner = Address(data[start + 10 : start + 30])
    if account_id < _FIRST_ACCOUNT:
        raise MalformedOperation(position, f"account {account_id} is reserved")
    if asset_id == 0:
        raise MalformedOperation(position, "asset 0 doesn't exist")
    if not any(owner):
        raise MalformedOperation(position, "the owner is zero")
    return OpenAccount(AccountId(account_id), asset_id, owner)
