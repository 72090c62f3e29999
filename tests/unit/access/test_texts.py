"""Values in JSON: amounts, numbers, times, memos, signatures; the bodies made of them."""

import pytest
from pydantic import ValidationError

from backend.access.responses import json_response, json_text
from backend.access.schemas import ApiKeyIn, SignedPayment
from backend.access.texts import (
    amount_of,
    memo_of,
    signature_of,
    text_of,
    time_text,
    ts_s_of,
    u64_of,
)
from backend.protocol.errors import (
    AmountNotInteger,
    AmountTooLarge,
    MalformedRequest,
    SignatureInvalid,
)
from backend.protocol.hashing import keccak
from tests.unit.access.scenes import paid


@pytest.mark.parametrize("value", [1, 1.0, True, None, "", "1.0", "-1", "01", "1e3", "٣", " 1", []])
def test_amount_of__no_digits__rejects(value):
    with pytest.raises(AmountNotInteger):
        amount_of(value)


@pytest.mark.parametrize("value", [str(2**256), "9" * 79, "9" * 10_000])
def test_amount_of__beyond_256_bits__rejects(value):
    with pytest.raises(AmountTooLarge):
        amount_of(value)


def test_amount_of__bounds__succeeds():
    assert (amount_of("0"), amount_of(str(2**256 - 1))) == (0, 2**256 - 1)


@pytest.mark.parametrize("value", [-1, 2**64, str(2**64), True, 1.0, None, "0x1", "9" * 30])
def test_u64_of__not_in_range__rejects(value):
    with pytest.raises(MalformedRequest, match="nonce"):
        u64_of(value, "nonce")


def test_u64_of__digits_or_number__succeeds():
    assert u64_of("5", "nonce") == u64_of(5, "nonce") == 5
    with pytest.raises(MalformedRequest):
        text_of(5, "payer")


def test_ts_s_of__both_forms__succeeds():
    assert ts_s_of("1800000000") == ts_s_of("2027-01-15T08:00:00Z") == 1_800_000_000
    assert ts_s_of("2027-01-15T09:00:00+01:00") == 1_800_000_000


def test_time_text__any_moment__is_rfc_3339_holds():
    assert time_text(1_800_000_000_005) == "2027-01-15T08:00:00.005Z"
    assert time_text(2**64 * 1000) == "9999-12-31T23:59:59.999Z"
    assert time_text(None) is None


def test_memo_of__each_form__succeeds():
    assert memo_of(None) == bytes(32)
    assert memo_of("invoice") == keccak(b"invoice")
    assert memo_of("0x" + "12" * 32) == b"\x12" * 32


@pytest.mark.parametrize("value", [None, "0x", "0x" + "zz" * 65, "11" * 65])
def test_signature_of__malformed__rejects(value):
    with pytest.raises(SignatureInvalid):
        signature_of(value)


def test_signed_payment__as_signed__gives_the_order_succeeds():
    body = paid()

    signed = SignedPayment.model_validate(body).signed()

    assert signed.order.message() == body["order"]


def test_api_key_in__misspelt_scope__rejects():
    with pytest.raises(ValidationError):
        ApiKeyIn(name="x", scopes=["payments"])


def test_json_response__value__is_written_once_holds():
    response = json_response({"a": "ü"}, 201, {"X": "y"})

    assert response.body.decode() == json_text({"a": "ü"}) == '{"a":"ü"}'
    assert (response.status_code, response.headers["x"]) == (201, "y")
