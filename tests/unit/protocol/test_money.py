"""Amounts.

- to minor units: whole, zero, largest | negative, no multiple, too large
- fee byte: every byte, zero, largest | between two fees, past the largest
- fee rounded up: exact, between, largest | past the largest
- decimal text: whole, fraction, full precision | no number, too precise, too large
- decimal from base units: shortest form, no decimals
"""

import pytest

from backend.protocol.errors import (
    AmountNotInteger,
    AmountNotMultipleOfUnit,
    AmountTooLarge,
    FeeNotRepresentable,
)
from backend.protocol.money import (
    AMOUNT_MINOR_MAX,
    FEE_MINOR_MAX,
    fee_byte,
    fee_minor,
    fee_minor_up,
    format_decimal,
    parse_decimal,
    to_base,
    to_minor,
)

WEI = 10**12


@pytest.mark.parametrize(
    ("amount_base", "unit", "amount_minor"),
    [(0, WEI, 0), (7, 1, 7), (3 * WEI, WEI, 3), (AMOUNT_MINOR_MAX * WEI, WEI, AMOUNT_MINOR_MAX)],
)
def test_to_minor__whole_units__succeeds(amount_base, unit, amount_minor):
    assert to_minor(amount_base, unit) == amount_minor
    assert to_base(amount_minor, unit) == amount_base


def test_to_minor__negative__rejects():
    with pytest.raises(AmountNotInteger):
        to_minor(-1, 1)


def test_to_minor__no_multiple__rejects():
    with pytest.raises(AmountNotMultipleOfUnit) as caught:
        to_minor(WEI + 1, WEI)
    assert caught.value.values == {"unit": WEI, "actual": WEI + 1}


def test_to_minor__too_large__rejects():
    with pytest.raises(AmountTooLarge) as caught:
        to_minor((AMOUNT_MINOR_MAX + 1) * WEI, WEI)
    assert caught.value.maximum == AMOUNT_MINOR_MAX * WEI


def test_fee_byte__every_byte__succeeds():
    for byte in range(256):
        value = (byte >> 3) * 10 ** (byte & 7)
        smallest = min((b & 7, b) for b in range(256) if (b >> 3) * 10 ** (b & 7) == value)[1]

        assert fee_minor(byte) == value
        assert fee_byte(value) == smallest


@pytest.mark.parametrize(
    ("fee", "below", "above"),
    [(32, 31, 40), (311, 310, 400), (FEE_MINOR_MAX + 1, FEE_MINOR_MAX, FEE_MINOR_MAX)],
)
def test_fee_byte__not_representable__rejects(fee, below, above):
    with pytest.raises(FeeNotRepresentable) as caught:
        fee_byte(fee)
    assert caught.value.values == {"fee_minor": fee, "below_minor": below, "above_minor": above}


@pytest.mark.parametrize(
    ("minimum", "fee"), [(0, 0), (31, 31), (32, 40), (3_200_001, 4_000_000), (310_000_000,) * 2]
)
def test_fee_minor_up__to_the_next__succeeds(minimum, fee):
    assert fee_minor_up(minimum) == fee


def test_fee_minor_up__past_the_largest__rejects():
    with pytest.raises(FeeNotRepresentable):
        fee_minor_up(FEE_MINOR_MAX + 1)


@pytest.mark.parametrize(
    ("text", "decimals", "amount_base"),
    [("0", 6, 0), ("12.5", 6, 12_500_000), ("0.000001", 6, 1), ("7", 0, 7), ("1.50", 2, 150)],
)
def test_parse_decimal__decimal__succeeds(text, decimals, amount_base):
    assert parse_decimal(text, decimals) == amount_base


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "+1",
        "1e6",
        "1,5",
        ".5",
        "5.",
        "01",
        "1_0",
        " 1",
        "1\n",
        "١",
        "1.0000001",
        "1" * 999,
    ],
)
def test_parse_decimal__no_such_amount__rejects(text):
    with pytest.raises(AmountNotInteger):
        parse_decimal(text, 6)


def test_parse_decimal__too_large__rejects():
    assert parse_decimal(str(2**256 - 1), 0) == 2**256 - 1
    with pytest.raises(AmountTooLarge):
        parse_decimal(str(2**256), 0)


@pytest.mark.parametrize(
    ("amount_base", "decimals", "text"),
    [(12_500_000, 6, "12.5"), (1, 6, "0.000001"), (0, 6, "0"), (7, 0, "7"), (100, 2, "1")],
)
def test_format_decimal__shortest__succeeds(amount_base, decimals, text):
    assert format_decimal(amount_base, decimals) == text
