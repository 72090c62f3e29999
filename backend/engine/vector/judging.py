"""Judges orders in columns. Law: what ledger/judge.py's `check_record` says of each, one after the
other, those that can be executed counted as pending.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.engine.vector.accounts import Accounts
from backend.engine.vector.index import NO_ROW, Numbers, Table, find, key_of, keys_of
from backend.engine.vector.loops import Bytes, Number, Rows, Words, compiled, spread
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
    FeeTooLow,
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
_FEE_TOO_LOW: Final = FeeTooLow.number
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
        tokens = b"".join(key_of(asset.token, 0) for asset in listed)
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
    nonces: Words
    """uint64[2^k]: the highest one counted, if there is any"""

    @classmethod
    def with_room(cls, orders: int) -> "Pending":
        """Return nothing, with room for so many orders of different payers."""
        size = max(_PLACES_MIN, 1 << (2 * orders).bit_length())
        return cls(np.zeros(size, np.uint32), *np.zeros((3, size), np.uint64))


class Verdicts(NamedTuple):
    """Of each order of n."""

    codes: NDArray[np.uint16]
    asset_ids: NDArray[np.uint16]
    payer_rows: Numbers
    payee_rows: Numbers
    amounts: Words
    """minor units"""
    fees: Words
    """minor units"""
    fee_bytes: Bytes
    details: Words
    """What a refusal names: the nonce that is due, the funds there are, the least fee"""

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
            np.zeros(orders, np.uint64),
        )


LeastFees = Callable[[Verdicts], Words]
"""Returns the least fee of each order, in minor units; the terms of those with code 0 are known."""


def judge(
    accounts: Accounts,
    listings: Listings,
    orders: Orders,
    ts_s: int,
    pending: Pending,
    eligible: Flags | None = None,
    least_fees: LeastFees | None = None,
) -> Verdicts:
    """Judge records one after the other, and count what can be executed in `pending`, which has
    room for them. All legs of a group have one code: that of the first one which is refused.

    `eligible` says of each payment whether payer and payee may hold its asset; None: all may.
    `least_fees` is a condition of the operator's own, asked last.
    """
    verdicts = Verdicts.room(orders.order_count)
    if eligible is None:
        eligible = np.ones(orders.order_count, np.bool_)
    _check_terms(listings, orders, np.uint64(ts_s), verdicts)
    _find_rows(accounts.table, orders, verdicts)
    fees_due = np.zeros(orders.order_count, np.uint64)
    if least_fees is not None:
        fees_due = least_fees(verdicts)
    nonces, balances = accounts.nonces, accounts.balances
    _check_state(nonces, balances, orders, pending, eligible, fees_due, verdicts)
    return verdicts


def can_come(accounts: Accounts, listings: Listings, orders: Orders, ts_s: int) -> Flags:
    """Return which orders are neither used up nor over, by the last block, of this time."""
    flags = orders.valid_untils >= np.uint64(ts_s)
    _drop_used(accounts.table, accounts.nonces, listings, orders, flags)
    return flags


# Columns are taken out of their tuples before each loop: whoever takes one out counts it, which
# costs more than what is done with it.


@compiled
def _check_terms(listings: Listings, orders: Orders, ts_s: Number, verdicts: Verdicts) -> None:
    """Check what no account can change; note codes, assets, amounts and fees."""
    tokens, asset_ids, units, takes_fee = listings
    codes, assets_of, _, _, amounts, fees, fee_bytes, _ = verdicts
    starts, kinds, order_tokens = orders.starts, orders.kinds, orders.tokens
    amounts_base, fees_base = orders.amounts, orders.fees
    payers, payees = orders.payers, orders.payees
    valid_untils, is_linked = orders.valid_untils, orders.is_linked
    for record in range(starts.size - 1):
        first, past = np.int64(starts[record]), np.int64(starts[record + 1])
        for k in range(first, past):
            listed = _listed(tokens, order_tokens[k, 0], order_tokens[k, 1], order_tokens[k, 2])
            if listed < 0:
                codes[k] = _ASSET_UNKNOWN
                continue
            unit = units[listed]
            assets_of[k] = asset_ids[listed]
            codes[k], amounts[k] = _to_minor(amounts_base, k, unit)
            if codes[k] == FINE and amounts[k] == 0:
                codes[k] = _ZERO
            if codes[k] == FINE:
                codes[k], fees[k] = _to_minor(fees_base, k, unit)
            if codes[k] != FINE:
                continue
            fee_byte = _fee_byte(fees[k])
            if fee_byte < 0:
                codes[k] = _FEE_NOT_REPRESENTABLE
                continue
            fee_bytes[k] = fee_byte
            if fees[k] != 0 and not takes_fee[listed]:
                codes[k] = _FEE_NOT_ALLOWED
            elif kinds[k] == PAYMENT or kinds[k] == PAYMENT_BY_ROOT:
                if payees[k, 0] == 0 and payees[k, 1] == 0 and payees[k, 2] == 0:
                    codes[k] = _PAYEE_INVALID
                elif (
                    payees[k, 0] == payers[k, 0]
                    and payees[k, 1] == payers[k, 1]
                    and payees[k, 2] == payers[k, 2]
                ):
                    codes[k] = _SAME_ACCOUNT
                elif is_linked[k] and past - first == 1:
                    codes[k] = _IN_GROUP
            if codes[k] == FINE and (valid_untils[k] < ts_s or valid_untils[k] == 0):
                codes[k] = _EXPIRED


@compiled
def _find_rows(accounts: Table, orders: Orders, verdicts: Verdicts) -> None:
    """Note the rows of payers and payees, of orders whose terms are fine."""
    keys, places, secret = accounts
    codes, asset_ids, payer_rows, payee_rows = verdicts[:4]
    payers, payees, kinds = orders.payers, orders.payees, orders.kinds
    for k in range(codes.size):
        if codes[k] != FINE:
            continue
        asset_id = np.uint64(asset_ids[k])
        payer_rows[k] = find(
            keys, places, secret, payers[k, 0], payers[k, 1], payers[k, 2] | asset_id
        )
        if payer_rows[k] == NO_ROW:
            codes[k] = _ACCOUNT_UNKNOWN
        elif kinds[k] == PAYMENT or kinds[k] == PAYMENT_BY_ROOT:
            payee_rows[k] = find(
                keys, places, secret, payees[k, 0], payees[k, 1], payees[k, 2] | asset_id
            )
        else:
            payee_rows[k] = TO_BRIDGE


@compiled
def _check_state(
    account_nonces: Words,
    balances: Words,
    orders: Orders,
    pending: Pending,
    eligible: Flags,
    fees_due: Words,
    verdicts: Verdicts,
) -> None:
    """Check the payers' accounts, what is pending counted, record by record."""
    starts, nonces = orders.starts, orders.nonces
    codes, _, payer_rows, payee_rows, amounts, fees, _, details = verdicts
    places, counts, debits, highest = pending
    for record in range(starts.size - 1):
        first, past = np.int64(starts[record]), np.int64(starts[record + 1])
        code, k = np.uint16(FINE), first
        while k < past:
            code = codes[k]
            if code != FINE:
                break
            row = payer_rows[k]
            place = place_of(places, row)
            nonce = account_nonces[row] + counts[place]
            debit = amounts[k] + fees[k]
            # A sweep may have taken what is pending.
            available = balances[row] - min(balances[row], debits[place])
            if nonces[k] != nonce:
                code = np.uint16(_NONCE_TOO_LOW if nonces[k] < nonce else _NONCE_GAP)
                details[k] = nonce
            elif available < debit:
                code, details[k] = np.uint16(_FUNDS), available
            elif not eligible[k] and payee_rows[k] != TO_BRIDGE:
                code = np.uint16(_NOT_ELIGIBLE)
            elif counts[place] != 0 and nonces[k] <= highest[place]:
                # A block on its way may reject that one, since nothing comes before it. With this
                # order before it after all, the block would be invalid.
                code, details[k] = np.uint16(_NONCE_TOO_LOW), highest[place] + np.uint64(1)
            elif fees[k] < fees_due[k]:
                code, details[k] = np.uint16(_FEE_TOO_LOW), fees_due[k]
            if code != FINE:
                break
            places[place] = row + 1
            counts[place] += np.uint64(1)
            debits[place] += debit
            highest[place] = nonces[k]
            k += 1
        if code != FINE:
            codes[first:past] = code
            for counted in range(first, k):
                place = place_of(places, payer_rows[counted])
                counts[place] -= np.uint64(1)
                debits[place] -= amounts[counted] + fees[counted]


@compiled
def _drop_used(
    accounts: Table, account_nonces: Words, listings: Listings, orders: Orders, flags: Flags
) -> None:
    keys, places, secret = accounts
    tokens, asset_ids, _, _ = listings
    payers, order_tokens, nonces = orders.payers, orders.tokens, orders.nonces
    for k in range(flags.size):
        listed = _listed(tokens, order_tokens[k, 0], order_tokens[k, 1], order_tokens[k, 2])
        if listed >= 0:
            key = payers[k, 0], payers[k, 1], payers[k, 2] | asset_ids[listed]
            row = find(keys, places, secret, key[0], key[1], key[2])
            if row != NO_ROW and nonces[k] < account_nonces[row]:
                flags[k] = False


@compiled
def place_of(places: Rows, row: Number) -> Number:
    """Return where an account is counted among the pending, or would be."""
    place = spread(row) & (places.size - 1)
    while places[place] != 0 and np.int64(places[place]) != row + 1:
        place = (place + 1) & (places.size - 1)
    return place


@compiled
def _listed(tokens: Words, token0: Number, token1: Number, token2: Number) -> int:
    """Return the place of a token among the listings, -1 if it isn't listed."""
    low, high = 0, len(tokens)
    while low < high:
        middle = (low + high) // 2
        if tokens[middle, 0] != token0:
            is_below = tokens[middle, 0] < token0
        elif tokens[middle, 1] != token1:
            is_below = tokens[middle, 1] < token1
        elif tokens[middle, 2] != token2:
            is_below = tokens[middle, 2] < token2
        else:
            return middle
        if is_below:
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
