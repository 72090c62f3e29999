"""Judges orders in columns. Law: what ledger/judge.py's `check_record` says of each, one after the
other, those that can be executed counted as pending.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.engine.vector.accounts import NO_ROW, Columns, find, key_bytes, keys_of
from backend.engine.vector.loops import Bytes, Number, Rows, Words, compiled
from backend.engine.vector.orders import (
    PAYMENT,
    PAYMENT_BY_ROOT,
    Flags,
    Orders,
)
from backend.protocol.errors import (
    AccountUnknown,
    AmountNotMultipleOfUnit,
    AmountTooLarge,
    AmountZero,
    AssetUnknown,
    FeeNotAllowed,
    FeeNotRepresentable,
    InsufficientFunds,
    NonceGap,
    NonceTooLow,
    NotEligible,
    OrderExpired,
    OrderInGroup,
    PayeeInvalid,
    SameAccount,
)
from backend.protocol.money import AMOUNT_MINOR_MAX
from backend.protocol.types import Asset

FINE: Final = 0
"""The code of an order that can be executed; each other one is the number of a PaymentError."""

TO_BRIDGE: Final = -2
"""The payee's row of a withdrawal. A payee without an account has NO_ROW."""

_ASSET_UNKNOWN: Final = AssetUnknown.number
_NOT_MULTIPLE: Final = AmountNotMultipleOfUnit.number
_TOO_LARGE: Final = AmountTooLarge.number
_ZERO: Final = AmountZero.number
_FEE_NOT_REPRESENTABLE: Final = FeeNotRepresentable.number
_FEE_NOT_ALLOWED: Final = FeeNotAllowed.number
_PAYEE_INVALID: Final = PayeeInvalid.number
_SAME_ACCOUNT: Final = SameAccount.number
_IN_GROUP: Final = OrderInGroup.number
_EXPIRED: Final = OrderExpired.number
_ACCOUNT_UNKNOWN: Final = AccountUnknown.number
_NONCE_TOO_LOW: Final = NonceTooLow.number
_NONCE_GAP: Final = NonceGap.number
_FUNDS: Final = InsufficientFunds.number
_NOT_ELIGIBLE: Final = NotEligible.number

_AMOUNT_MAX: Final = int(AMOUNT_MINOR_MAX)
_FEE_DIGITS_MAX: Final = 31
_FEE_EXPONENTS: Final = 8
_PLACES_MIN: Final = 1 << 6


class Listings(NamedTuple):
    """All listed assets, ordered by their tokens."""

    tokens: Words
    """uint64[n, 3], ascending"""
    asset_ids: Words
    units: Words
    takes_fee: Bytes

    @classmethod
    def of(cls, assets: Mapping[int, Asset]) -> "Listings":
        """Return these assets."""
        listed = sorted(assets.values(), key=lambda asset: asset.token)
        tokens = b"".join(key_bytes(asset.token, 0) for asset in listed)
        return cls(
            keys_of(np.frombuffer(tokens, np.uint8)),
            np.array([asset.asset_id for asset in listed], np.uint64),
            np.array([asset.unit for asset in listed], np.uint64),
            np.array([asset.takes_fee for asset in listed], np.uint8),
        )


class Pending(NamedTuple):
    """What is counted with, by account: a table of rows that few accounts are in."""

    places: Rows
    """uint32[2^k]: row + 1, 0 where there is none"""
    counts: Words
    """uint64[2^k]: orders"""
    debits: Words
    """uint64[2^k]: minor units"""
    secret: Words

    @classmethod
    def with_room(cls, orders: int, secret: Words) -> "Pending":
        """Return nothing, with room for so many orders of different payers."""
        size = max(_PLACES_MIN, 1 << (2 * orders).bit_length())
        return cls(
            np.zeros(size, np.uint32), np.zeros(size, np.uint64), np.zeros(size, np.uint64), secret
        )


class Verdicts(NamedTuple):
    """Of each order of n."""

    codes: NDArray[np.uint16]
    asset_ids: NDArray[np.uint16]
    payer_rows: NDArray[np.int64]
    payee_rows: NDArray[np.int64]
    amounts: Words
    """minor units"""
    fees: Words
    """minor units"""
    fee_bytes: Bytes

    @classmethod
    def room(cls, orders: int) -> "Verdicts":
        """Return room for so many."""
        return cls(
            np.zeros(orders, np.uint16),
            np.zeros(orders, np.uint16),
            np.full(orders, NO_ROW, np.int64),
            np.full(orders, NO_ROW, np.int64),
            np.zeros(orders, np.uint64),
            np.zeros(orders, np.uint64),
            np.zeros(orders, np.uint8),
        )


def judge(
    accounts: Columns,
    listings: Listings,
    orders: Orders,
    ts_s: int,
    pending: Pending,
    eligible: Flags | None = None,
) -> Verdicts:
    """Judge records one after the other, and count what can be executed in `pending`, which has
    room for them. All legs of a group have one code: that of the first one which is refused.

    `eligible` says of each payment whether payer and payee may hold its asset; None: all may.
    """
    verdicts = Verdicts.room(orders.order_count)
    if eligible is None:
        eligible = np.ones(orders.order_count, np.bool_)
    _judge(accounts, listings, orders, np.uint64(ts_s), pending, eligible, verdicts)
    return verdicts


@compiled
def place_of(pending: Pending, row: Number) -> Number:
    """Return where an account is counted, or would be."""
    mixed = np.uint64(row + 1) * pending.secret[0]
    size = pending.places.size
    place = np.int64((mixed ^ mixed >> np.uint64(32)) & np.uint64(size - 1))
    while pending.places[place] != 0 and np.int64(pending.places[place]) != row + 1:
        place = (place + 1) & (size - 1)
    return place


@compiled
def _judge(
    accounts: Columns,
    listings: Listings,
    orders: Orders,
    ts_s: Number,
    pending: Pending,
    eligible: Flags,
    verdicts: Verdicts,
) -> None:
    for record in range(orders.ends.size):
        first, past = np.int64(orders.starts[record]), np.int64(orders.starts[record + 1])
        is_leg = past - first > 1
        code, k = FINE, first
        while k < past:
            code = _check_terms(listings, orders, k, is_leg, ts_s, verdicts)
            if code == FINE:
                code = _check_state(accounts, orders, k, pending, verdicts)
            if code == FINE and not eligible[k] and verdicts.payee_rows[k] != TO_BRIDGE:
                code = _NOT_ELIGIBLE
            if code != FINE:
                break
            place = place_of(pending, verdicts.payer_rows[k])
            pending.places[place] = verdicts.payer_rows[k] + 1
            pending.counts[place] += np.uint64(1)
            pending.debits[place] += verdicts.amounts[k] + verdicts.fees[k]
            k += 1
        if code != FINE:
            verdicts.codes[first:past] = code
            for counted in range(first, k):
                place = place_of(pending, verdicts.payer_rows[counted])
                pending.counts[place] -= np.uint64(1)
                pending.debits[place] -= verdicts.amounts[counted] + verdicts.fees[counted]


@compiled
def _check_terms(
    listings: Listings, orders: Orders, k: Number, is_leg: Number, ts_s: Number, verdicts: Verdicts
) -> int:
    """Check what no account can change; note asset, amount and fee."""
    listed = _listed(listings, orders.tokens, k)
    if listed < 0:
        return _ASSET_UNKNOWN
    unit = listings.units[listed]
    verdicts.asset_ids[k] = listings.asset_ids[listed]
    code, verdicts.amounts[k] = _to_minor(orders.amounts, k, unit)
    if code != FINE:
        return code
    if verdicts.amounts[k] == 0:
        return _ZERO
    code, verdicts.fees[k] = _to_minor(orders.fees, k, unit)
    if code != FINE:
        return code
    fee_byte = _fee_byte(verdicts.fees[k])
    if fee_byte < 0:
        return _FEE_NOT_REPRESENTABLE
    verdicts.fee_bytes[k] = fee_byte
    if verdicts.fees[k] != 0 and not listings.takes_fee[listed]:
        return _FEE_NOT_ALLOWED
    kind = orders.kinds[k]
    if kind == PAYMENT or kind == PAYMENT_BY_ROOT:
        payee, payer = orders.payees[k], orders.payers[k]
        if payee[0] == 0 and payee[1] == 0 and payee[2] == 0:
            return _PAYEE_INVALID
        if payee[0] == payer[0] and payee[1] == payer[1] and payee[2] == payer[2]:
            return _SAME_ACCOUNT
        if orders.is_linked[k] and not is_leg:
            return _IN_GROUP
    else:
        verdicts.payee_rows[k] = TO_BRIDGE
    valid_until = orders.valid_untils[k]
    return FINE if valid_until >= ts_s and valid_until > 0 else _EXPIRED


@compiled
def _check_state(
    accounts: Columns, orders: Orders, k: Number, pending: Pending, verdicts: Verdicts
) -> int:
    """Check the payer's account, what is pending counted; note the rows of payer and payee."""
    asset_id = np.uint64(verdicts.asset_ids[k])
    payer = orders.payers[k]
    row = find(accounts, payer[0], payer[1], payer[2] | asset_id)
    if row == NO_ROW:
        return _ACCOUNT_UNKNOWN
    verdicts.payer_rows[k] = row
    place = place_of(pending, row)
    nonce = accounts.nonces[row] + pending.counts[place]
    if orders.nonces[k] != nonce:
        return _NONCE_TOO_LOW if orders.nonces[k] < nonce else _NONCE_GAP
    available = accounts.balances[row] - pending.debits[place]
    if available < verdicts.amounts[k] + verdicts.fees[k]:
        return _FUNDS
    if verdicts.payee_rows[k] != TO_BRIDGE:
        payee = orders.payees[k]
        verdicts.payee_rows[k] = find(accounts, payee[0], payee[1], payee[2] | asset_id)
    return FINE


@compiled
def _listed(listings: Listings, tokens: Words, k: Number) -> int:
    """Return the place of an order's asset among the listings, -1 if it isn't listed."""
    low, high = 0, listings.units.size
    while low < high:
        middle = (low + high) // 2
        word = 0
        while word < 3 and listings.tokens[middle, word] == tokens[k, word]:
            word += 1
        if word == 3:
            return middle
        if listings.tokens[middle, word] < tokens[k, word]:
            low = middle + 1
        else:
            high = middle
    return -1


@compiled
def _to_minor(base: Words, k: Number, unit: Number) -> tuple[int, Number]:
    """Return a code, and base units as minor units."""
    if base[k, 0] == 0 and base[k, 1] == 0 and base[k, 2] == 0:
        quotient, rest = base[k, 3] // unit, base[k, 3] % unit
        is_large = quotient > np.uint64(_AMOUNT_MAX)
    else:
        quotient, rest, is_large = _divided(base, k, unit)
    if rest != 0:
        return _NOT_MULTIPLE, np.uint64(0)
    return (_TOO_LARGE, np.uint64(0)) if is_large else (FINE, quotient)


@compiled
def _divided(base: Words, k: Number, unit: Number) -> tuple[Number, Number, bool]:
    """Divide 256 bits by 64, bit after bit: amounts of 18-decimal coins are rarely longer than two
    words. Return quotient, rest, and whether the quotient is above what an operation holds."""
    quotient, rest = np.uint64(0), np.uint64(0)
    is_large: Number = False
    first = 0
    while base[k, first] == 0:
        first += 1
    for word in range(first, 4):
        for bit in range(63, -1, -1):
            carry = rest >> np.uint64(63)
            rest = rest << np.uint64(1) | (base[k, word] >> np.uint64(bit) & np.uint64(1))
            quotient <<= np.uint64(1)
            if carry != 0 or rest >= unit:
                rest -= unit
                quotient |= np.uint64(1)
            is_large |= quotient > np.uint64(_AMOUNT_MAX)
    return quotient, rest, is_large


@compiled
def _fee_byte(fee: Number) -> int:
    """Return the fee's byte of the smallest exponent, -1 if it has none."""
    for exponent in range(_FEE_EXPONENTS):
        if fee <= np.uint64(_FEE_DIGITS_MAX):
            return int(fee) << 3 | exponent if fee != 0 else 0
        if fee % np.uint64(10) != 0:
            return -1
        fee //= np.uint64(10)
    return -1
