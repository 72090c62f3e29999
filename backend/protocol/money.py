"""Amounts. Law: nothing is rounded in silence, and nothing here is ever a fraction.

Base units are what wallets and tokens count in; minor units are what the ledger counts in; one
minor unit is `unit` base units (docs/PROTOCOL.md, section 1).
"""

import re
from bisect import bisect_left
from typing import Final, NewType

from backend.protocol.errors import (
    AmountNotInteger,
    AmountNotMultipleOfUnit,
    AmountTooLarge,
    FeeNotRepresentable,
)

AmountMinor = NewType("AmountMinor", int)
"""What an operation moves: 0 to 2^48 - 1 minor units."""
BalanceMinor = NewType("BalanceMinor", int)
"""What an account holds: 0 to 2^64 - 1 minor units."""

AMOUNT_MINOR_MAX: Final = AmountMinor(2**48 - 1)
BALANCE_MINOR_MAX: Final = BalanceMinor(2**64 - 1)
AMOUNT_BASE_MAX: Final = 2**256 - 1

_DECIMAL = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)
# 2^256 has 78 digits, and no token has more than 255 decimals.
_DECIMAL_TEXT_MAX = 78 + 1 + 255


def to_minor(amount_base: int, unit: int) -> AmountMinor:
    """Return base units as minor units; 0 is allowed.

    Raises AmountNotInteger below 0, AmountNotMultipleOfUnit, and AmountTooLarge past 2^48 - 1.
    """
    if amount_base < 0:
        raise AmountNotInteger(str(amount_base))
    amount_minor, rest = divmod(amount_base, unit)
    if rest:
        raise AmountNotMultipleOfUnit(unit, amount_base)
    if amount_minor > AMOUNT_MINOR_MAX:
        raise AmountTooLarge(AMOUNT_MINOR_MAX * unit, amount_base)
    return AmountMinor(amount_minor)


def to_base(amount_minor: int, unit: int) -> int:
    """Return minor units as base units."""
    return amount_minor * unit


def _decoded(fee_byte: int) -> AmountMinor:
    return AmountMinor((fee_byte >> 3) * 10 ** (fee_byte & 7))


_FEES_BY_BYTE: Final = tuple(_decoded(byte) for byte in range(256))
# Of two bytes of one value the one with the smaller exponent stands later in this order, and wins.
_BYTES_BY_FEE: Final = {
    _decoded(byte): byte for byte in sorted(range(256), key=lambda byte: -(byte & 7))
}
_FEES: Final = tuple(sorted(_BYTES_BY_FEE))
FEE_MINOR_MAX: Final = _FEES[-1]


def fee_minor(fee_byte: int) -> AmountMinor:
    """Return the value of a fee byte (0 to 255): (b >> 3) * 10^(b & 7)."""
    return _FEES_BY_BYTE[fee_byte]


def fee_byte(fee_minor: int) -> int:
    """Return the fee's byte of the smallest exponent.

    Raises FeeNotRepresentable with the neighbours that have a byte (above the largest fee, both
    are the largest).
    """
    byte = _BYTES_BY_FEE.get(AmountMinor(fee_minor))
    if byte is None:
        raise _not_representable(fee_minor)
    return byte


def fee_minor_up(minimum_minor: int) -> AmountMinor:
    """Return the smallest fee that has a byte and is at least `minimum_minor`.

    Raises FeeNotRepresentable past the largest fee.
    """
    if minimum_minor > FEE_MINOR_MAX:
        raise _not_representable(minimum_minor)
    return _FEES[bisect_left(_FEES, minimum_minor)]


def _not_representable(fee_minor: int) -> FeeNotRepresentable:
    above = bisect_left(_FEES, fee_minor)
    below = max(above - 1, 0)
    return FeeNotRepresentable(fee_minor, _FEES[below], _FEES[min(above, len(_FEES) - 1)])


def parse_decimal(text: str, decimals: int) -> int:
    """Return the base units of a decimal like `12.5`.

    Raises AmountNotInteger if it is not one, or has more decimals than the token, and
    AmountTooLarge past 2^256 - 1.
    """
    match = _DECIMAL.fullmatch(text) if len(text) <= _DECIMAL_TEXT_MAX else None
    if match is None:
        raise AmountNotInteger(text[:40])
    whole, fraction = match[1], match[2] or ""
    if len(fraction) > decimals:
        raise AmountNotInteger(text)
    amount_base = int(whole + fraction.ljust(decimals, "0"))
    if amount_base > AMOUNT_BASE_MAX:
        raise AmountTooLarge(AMOUNT_BASE_MAX, amount_base)
    return amount_base


def format_decimal(amount_base: int, decimals: int) -> str:
    """Return base units (not negative) as the shortest decimal: 12500000 of 6 is `12.5`."""
    digits = str(amount_base).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole
