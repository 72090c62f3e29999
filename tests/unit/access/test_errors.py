"""The table of errors: every PaymentError has a status, a body and a place in OpenAPI."""

import inspect

import pytest

from backend.access.api import examples
from backend.access.errors import (
    STATUS,
    documented,
    error_body,
    error_headers,
    is_transient,
    status_of,
)
from backend.protocol.errors import PaymentError, error_classes


def made(kind: type[PaymentError]) -> PaymentError:
    parameters = inspect.signature(kind).parameters.values()
    return kind(*("x" if parameter.annotation is str else 7 for parameter in parameters))


def test_status__every_error__is_in_the_table_holds():
    assert set(STATUS) == set(error_classes())


@pytest.mark.parametrize("kind", error_classes(), ids=lambda kind: kind.code)
def test_error_body__every_error__has_the_envelope_holds(kind):
    error = made(kind)

    body = error_body(error, "req_1")["error"]

    assert body["code"] == kind.code
    assert body["message"] == str(error)
    assert body["request_id"] == "req_1"
    assert body["type"] != "api_error" or status_of(error) == 503
    assert ("Retry-After" in error_headers(error)) == is_transient(error)
    assert body["retryable"] or not is_transient(error)
    assert kind.code in documented(kind)[STATUS[kind]]["description"]


def test_error_body__large_number__is_text_holds():
    error = made(error_classes()[0])
    error.field = 2**60  # type: ignore[attr-defined]

    assert error_body(error, None)["error"]["values"]["field"] == str(2**60)


def test_examples__amounts__are_text_holds():
    for shown in (examples.PAYMENT, examples.ACCOUNT, examples.DEPOSIT, examples.FEE_QUOTE):
        for name in ("amount", "fee", "balance", "total"):
            assert isinstance(shown.get(name, ""), str)
