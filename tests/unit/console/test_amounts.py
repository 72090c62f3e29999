"""Amounts as people write them.

- there and back, for 6 and 18 decimals; below zero in a statement
- refused: no decimal, finer than the ledger counts, zero, too large
- a fee's limit may be 0
"""

import pytest

from backend.console.amounts import amount_minor, amount_text, fee_max_minor
from backend.console.errors import AmountMalformed, AmountTooLarge
from backend.protocol.errors import AmountZero
from causeway import Asset

USDX = Asset({}, 1, "USDX", "0x" + "11" * 20, 6, 1, True)
EURX = Asset({}, 2, "EURX", "0x" + "22" * 20, 18, 10**12, True)


@pytest.mark.parametrize("asset", [USDX, EURX])
@pytest.mark.parametrize(
    ("text", "minor"),
    [("12.34", 12_340_000), ("1", 1_000_000), ("0.000001", 1), ("281474976.710655", 2**48 - 1)],
)
def test_amount__there_and_back__holds(asset, text, minor):
    assert amount_minor(asset, text) == minor
    assert amount_text(asset, minor) == text


@pytest.mark.parametrize("asset", [USDX, EURX])
@pytest.mark.parametrize("text", ["", "1,5", "-1", "+1", "1e3", ".5", "5.", "٣", "0.0000001", "01"])
def test_amount__malformed__rejects(asset, text):
    with pytest.raises(AmountMalformed, match=f"{asset.code}.*at most 6 decimals"):
        amount_minor(asset, text)


@pytest.mark.parametrize(
    ("text", "error"),
    [("0", AmountZero), ("0.00", AmountZero), ("281474976.710656", AmountTooLarge)],
)
def test_amount__out_of_range__rejects(text, error):
    with pytest.raises(error):
        amount_minor(USDX, text)


@pytest.mark.parametrize("asset", [USDX, EURX])
def test_amount__too_large__names_the_limit_as_people_write_it_rejects(asset):
    with pytest.raises(AmountTooLarge, match=f"300000000 {asset.code}.* 281474976.710655 is"):
        amount_minor(asset, "300000000")


def test_amount_text__below_zero__succeeds():
    assert amount_text(EURX, -12_340_000) == "-12.34"


def test_fee_max__none_or_zero__succeeds():
    assert fee_max_minor(USDX, None) is None
    assert fee_max_minor(USDX, "0") == 0
    assert fee_max_minor(USDX, "0.01") == 10_000
