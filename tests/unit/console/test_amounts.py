"""Amounts as people write them.

- there and back, for 6 and 18 decimals; below zero in a statement
- refused: no decimal, finer than the ledger counts, zero, too large
- a fee's limit may be 0
- refusals of the platform: in decimals; others as they are
"""

import pytest

from backend.console.amounts import amount_minor, amount_text, fee_max_minor, readable
from backend.console.errors import AmountMalformed, AmountTooLarge, InsufficientFunds
from backend.protocol.errors import AmountZero
from causeway import ApiStatusError, Asset
from causeway.errors import status_error

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


def refusal(code, **values):
    error = {"code": code, "message": "As sent.", "values": values}
    return status_error(409, {"error": error})


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (
            refusal("REFUND_EXCEEDED", available_minor=7_340_000, asked_minor="20000000"),
            "7.34 EURX of this payment can be refunded, 20 EURX are asked. What is refunded or "
            "prepared already is counted. Refund less.",
        ),
        (
            refusal("CAPTURE_TOO_LARGE", actual_minor=1, held_minor=0),
            "0.000001 EURX are above the hold's 0 EURX. Capture less.",
        ),
        (refusal("SAME_ACCOUNT"), "As sent."),
        (refusal("OF_A_LATER_RELEASE", left_minor=1), "As sent."),
    ],
)
def test_readable__refusal__is_in_decimals_rejects(error, shown):
    with pytest.raises(ApiStatusError) as raised, readable("alice", EURX):
        raise error

    assert (raised.value.code, raised.value.message) == (error.code, shown)


def test_readable__insufficient_funds__names_the_payer_rejects():
    wanted = "alice has 1.5 USDX available, 2 USDX are needed"
    with pytest.raises(InsufficientFunds, match=wanted), readable("alice", USDX):
        raise refusal("INSUFFICIENT_FUNDS", available_minor=1_500_000, needed_minor=2_000_000)
