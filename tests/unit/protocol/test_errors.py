"""Errors.

- each class: its code and number are the published ones, its message shows its values, and times
  in UTC
- class of a number: known, unknown
- pickle: the error comes back
- two of one number: refused
- check of an invariant: holds, fails with and without values
"""

import pickle

import pytest

from backend.protocol.errors import (
    InsufficientFunds,
    InvariantViolated,
    MalformedBytes,
    NonceTooLow,
    OrderExpired,
    PaymentError,
    check_invariant,
    error_class,
    error_classes,
)

# Published for ever: clients know the codes, block bodies hold the numbers.
PUBLISHED = {
    1: "MALFORMED_REQUEST",
    2: "API_KEY_INVALID",
    3: "PERMISSION_DENIED",
    4: "RATE_LIMITED",
    5: "REQUEST_IN_PROGRESS",
    6: "IDEMPOTENCY_KEY_REUSED",
    7: "BODY_TOO_LARGE",
    20: "KYC_REQUIRED",
    21: "KYC_EXPIRED",
    22: "KYC_REVOKED",
    40: "ACCOUNT_NOT_FOUND",
    41: "PAYMENT_NOT_FOUND",
    42: "BATCH_NOT_FOUND",
    43: "BLOCK_NOT_FOUND",
    44: "DEPOSIT_NOT_FOUND",
    45: "PROOF_NOT_AVAILABLE",
    46: "APPLICANT_NOT_FOUND",
    47: "WITHDRAWAL_NOT_FOUND",
    48: "API_KEY_NOT_FOUND",
    60: "BACK_PRESSURE",
    61: "NO_QUORUM",
    62: "CHAIN_UNAVAILABLE",
    63: "DISK_FULL",
    64: "CERTIFICATE_INVALID",
    100: "AMOUNT_NOT_INTEGER",
    101: "AMOUNT_ZERO",
    102: "AMOUNT_TOO_LARGE",
    103: "AMOUNT_NOT_MULTIPLE_OF_UNIT",
    104: "FEE_NOT_REPRESENTABLE",
    105: "FEE_TOO_LOW",
    106: "FEE_NOT_ALLOWED",
    107: "BALANCE_TOO_LARGE",
    120: "ASSET_UNKNOWN",
    121: "ACCOUNT_UNKNOWN",
    122: "SAME_ACCOUNT",
    123: "NONCE_TOO_LOW",
    124: "NONCE_GAP",
    125: "INSUFFICIENT_FUNDS",
    126: "ORDER_EXPIRED",
    127: "ORDER_IN_GROUP",
    128: "GROUP_INVALID",
    129: "PAYEE_INVALID",
    140: "SIGNATURE_INVALID",
    141: "SIGNATURE_HIGH_S",
    142: "WRONG_DOMAIN",
    143: "NOT_AUTHORISED",
    160: "CUSTOMER_NOT_FOUND",
    161: "HOLD_NOT_FOUND",
    162: "SCHEDULE_NOT_FOUND",
    163: "HOLD_NOT_AUTHORISED",
    164: "HOLD_ENDED",
    165: "HOLD_EXPIRED",
    166: "CAPTURE_TOO_LARGE",
    167: "EXPIRY_INVALID",
    168: "HOLD_ORDER_REJECTED",
    169: "FIRST_TIME_INVALID",
    180: "PAYMENT_REQUEST_NOT_FOUND",
    181: "MEMO_TAKEN",
    182: "REFUND_EXCEEDED",
    183: "REFUND_NOT_ALLOWED",
    184: "PAYMENT_NOT_FINAL",
    185: "REFUND_MISMATCH",
    186: "GROUP_NOT_FOUND",
    187: "GROUP_OVERTAKEN",
    188: "GROUP_OPEN",
    200: "PROPOSAL_NOT_FOUND",
    201: "PROPOSAL_CLOSED",
    202: "PROPOSAL_EXPIRED",
    203: "PROPOSAL_NOT_APPROVED",
    204: "PROPOSAL_REFUSED",
    205: "PROPOSAL_TIMELOCKED",
    206: "SIGNER_UNKNOWN",
    207: "APPROVAL_GIVEN",
    208: "APPROVAL_INVALID",
    209: "OWN_PROPOSAL",
    210: "NO_TREASURY",
    215: "PAYOUT_NOT_FOUND",
    216: "PAYOUT_TOO_LARGE",
    217: "PAYOUT_LINES_INVALID",
    218: "PAYOUT_IN_PROGRESS",
    219: "PAYOUT_SHORT_OF_FUNDS",
    220: "PAYEE_BLOCKED",
    240: "PRIZE_NOT_FOUND",
    241: "PRIZE_DEADLINE_INVALID",
    242: "PRIZE_PAID_BY_ORDERS",
    243: "PRIZE_NOT_OVER",
}


def _example(error: type[PaymentError]) -> PaymentError:
    # 2_000_000_000 is the second 2033-05-18 03:33:20 UTC, and the next ones follow.
    return error(
        *[
            2_000_000_000 + index if name.endswith("ts_s") else f"value {index}"
            for index, name in enumerate(error._names)
        ]
    )


def test_error_classes__all__succeeds():
    # Other planes may add errors of their own; the published ones stay.
    codes = {error.number: error.code for error in error_classes()}

    assert codes.items() >= PUBLISHED.items()
    assert all(number < 2**16 for number in codes)


@pytest.mark.parametrize("error", error_classes(), ids=lambda error: error.code)
def test_error__message__succeeds(error):
    example = _example(error)

    assert "{" not in str(example)
    shown = {
        f"2033-05-18 03:33:{value % 60:02} UTC" if name.endswith("ts_s") else value
        for name, value in example.values.items()
    }
    assert all(value in str(example) for value in shown)
    assert error_class(error.number) is error


@pytest.mark.parametrize("error", error_classes(), ids=lambda error: error.code)
def test_error__pickled__succeeds(error):
    example = _example(error)

    again = pickle.loads(pickle.dumps(example))

    assert type(again) is error
    assert again.values == example.values


def test_error__values_by_name__succeeds():
    error = InsufficientFunds(available_minor=5, needed_minor=7)

    assert error.values == {"available_minor": 5, "needed_minor": 7}
    assert str(error) == "5 minor units are available, 7 are needed with the fee."


@pytest.mark.parametrize(
    ("ts_s", "shown"),
    [
        (0, "1970-01-01 00:00:00 UTC"),
        (253_402_300_799, "9999-12-31 23:59:59 UTC"),
        (253_402_300_800, "253402300800"),
        (2**64 - 1, "18446744073709551615"),
    ],
)
def test_error__times__are_shown_as_far_as_calendars_go_succeeds(ts_s, shown):
    assert str(OrderExpired(ts_s, 0)).startswith(f"The order was valid until {shown}, now")


def test_error_class__unknown_number__rejects():
    with pytest.raises(MalformedBytes, match="65535"):
        error_class(65535)


def test_error__number_taken__rejects():
    with pytest.raises(InvariantViolated, match="number=123"):
        type("Second", (PaymentError,), {}, number=NonceTooLow.number)


def test_check_invariant__holds__succeeds():
    check_invariant(True, "never shown")


def test_check_invariant__fails__rejects():
    with pytest.raises(InvariantViolated, match=r"^sums differ \(left=1, right=2\)$"):
        check_invariant(False, "sums differ", left=1, right=2)
    with pytest.raises(InvariantViolated, match="^plain$"):
        check_invariant(False, "plain")
