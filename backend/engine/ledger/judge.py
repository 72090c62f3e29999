"""Judges orders. Law: one order of checks for admission, sequencer and validators alike."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from backend.engine.ledger.state import Ledger
from backend.protocol.errors import (
    AccountUnknown,
    AmountZero,
    AssetUnknown,
    FeeNotAllowed,
    InsufficientFunds,
    NonceGap,
    NonceTooLow,
    NotEligible,
    OrderExpired,
    OrderInGroup,
    PayeeInvalid,
    SameAccount,
)
from backend.protocol.hashing import ZERO_DIGEST
from backend.protocol.money import AmountMinor, fee_byte, to_minor
from backend.protocol.order_records import OrderGroup, OrderRecord
from backend.protocol.orders import Order, PaymentOrder, WithdrawalOrder
from backend.protocol.types import ZERO_ADDRESS, AccountId, Address, Asset, address_text

MayHold = Callable[[Address, Address], bool]
"""Whether a token may be held by an owner. Most tokens may by everybody."""

_NOTHING: Final = (0, 0)


def everybody(_token: Address, _owner: Address) -> bool:
    """Let anybody hold anything: eligibility was judged before, or is judged elsewhere."""
    return True


@dataclass(frozen=True, slots=True)
class Judged:
    """An order that can be executed, in the ledger's terms. `payee` is None for a withdrawal."""

    payer_id: AccountId
    asset: Asset
    payee: Address | None
    amount_minor: AmountMinor
    fee_minor: AmountMinor
    fee_byte: int

    @property
    def debit_minor(self) -> int:
        """What the payer's balance must cover."""
        return self.amount_minor + self.fee_minor


@dataclass(slots=True)
class Pending:
    """Orders that the ledger has not executed yet but counts with: nonces and funds they take."""

    _taken: dict[AccountId, tuple[int, int]] = field(default_factory=dict)

    def of(self, account_id: AccountId) -> tuple[int, int]:
        """Return how many orders of the payer are pending, and their debit in minor units."""
        return self._taken.get(account_id, _NOTHING)

    def add(self, judged: Judged) -> None:
        """Count with an order."""
        count, debit_minor = self.of(judged.payer_id)
        self._taken[judged.payer_id] = (count + 1, debit_minor + judged.debit_minor)

    def remove(self, judged: Judged) -> None:
        """Count with an order no more: it was executed or rejected."""
        count, debit_minor = self.of(judged.payer_id)
        if count > 1:
            self._taken[judged.payer_id] = (count - 1, debit_minor - judged.debit_minor)
        else:
            self._taken.pop(judged.payer_id, None)

    def items(self) -> Iterable[tuple[AccountId, tuple[int, int]]]:
        """Return each payer with the number of his orders and their debit in minor units."""
        return self._taken.items()


def check_record(
    ledger: Ledger,
    record: OrderRecord,
    ts_s: int,
    pending: Pending,
    may_hold: MayHold = everybody,
) -> tuple[Judged, ...]:
    """Return the record's orders in the ledger's terms if they can be executed after those
    `pending`, which stay as they are.

    The legs of a group are checked one after the other, those before counted as pending. Raises
    the first of these that holds: AssetUnknown, AmountZero, AmountNotMultipleOfUnit,
    AmountTooLarge, FeeNotRepresentable (a fee in base units may be no multiple or too large, too),
    FeeNotAllowed, PayeeInvalid, SameAccount, OrderInGroup, OrderExpired, AccountUnknown,
    NonceTooLow, NonceGap, InsufficientFunds, NotEligible.

    An order that only credits of its own block would fund has insufficient funds: debits are
    judged against the balances at the block's start (section 5). What authorises the orders is not
    judged here.
    """
    if not isinstance(record, OrderGroup):
        return (_check_order(ledger, record.order, ts_s, pending, may_hold, False),)
    judged: list[Judged] = []
    try:
        for order in record.orders:
            judged.append(_check_order(ledger, order, ts_s, pending, may_hold, True))
            pending.add(judged[-1])
    finally:
        for one in judged:
            pending.remove(one)
    return tuple(judged)


def _check_order(
    ledger: Ledger,
    order: Order,
    ts_s: int,
    pending: Pending,
    may_hold: MayHold,
    is_leg: bool,
) -> Judged:
    asset = ledger.asset_of(order.asset)
    if asset is None:
        raise AssetUnknown(address_text(order.asset))
    payee, amount_minor, fee_minor, fee = _check_terms(order, asset)
    if isinstance(order, PaymentOrder) and order.link != ZERO_DIGEST and not is_leg:
        raise OrderInGroup()
    if not order.is_alive(ts_s):
        raise OrderExpired(order.valid_until, ts_s)
    account_id = ledger.account_ids.get((order.payer, asset.asset_id))
    if account_id is None:
        raise AccountUnknown(address_text(order.payer))
    leaf = ledger.leaves[account_id]
    count, debit_minor = pending.of(account_id)
    nonce = leaf.nonce + count
    if order.nonce != nonce:
        raise (NonceTooLow if order.nonce < nonce else NonceGap)(nonce, order.nonce)
    available_minor = max(0, leaf.balance_minor - debit_minor)  # a sweep may have taken it
    if available_minor < amount_minor + fee_minor:
        raise InsufficientFunds(available_minor, amount_minor + fee_minor)
    if payee is not None and may_hold is not everybody:
        for owner in (order.payer, payee):
            if not may_hold(order.asset, owner):
                raise NotEligible(address_text(owner))
    return Judged(account_id, asset, payee, amount_minor, fee_minor, fee)


def _check_terms(
    order: Order, asset: Asset
) -> tuple[Address | None, AmountMinor, AmountMinor, int]:
    """Return payee, amount and fee in minor units, and fee byte: what no state can change."""
    amount_minor = to_minor(order.amount, asset.unit)
    if amount_minor == 0:
        raise AmountZero()
    fee_minor = to_minor(order.fee, asset.unit)
    fee = fee_byte(fee_minor)
    if fee_minor and not asset.takes_fee:
        raise FeeNotAllowed()
    if isinstance(order, WithdrawalOrder):
        return None, amount_minor, fee_minor, fee
    if order.payee == ZERO_ADDRESS:
        raise PayeeInvalid(address_text(order.payee))
    if order.payee == order.payer:
        raise SameAccount()
    return order.payee, amount_minor, fee_minor, fee
