"""What resources share: cursors and filters; small parts of views, bulk requests and the frame."""

import pytest
from pydantic import ValidationError

from backend.access import bulk, middleware, ports, submitting, views
from backend.access.api import (
    accounts,
    api_keys,
    assets,
    batches,
    blocks,
    deposits,
    exit_kits,
    exits,
    fees,
    groups,
    health,
    kyc,
    orders,
    payment_pages,
    payment_requests,
    payments,
    proofs,
    refunds,
    withdrawals,
)
from backend.access.api.common import cursor_of, number_of, page_of
from backend.access.applicants import KycDesk
from backend.access.schemas import ApiKeyIn
from backend.access.settings import BODY_BYTES_MAX, BULK_BYTES_MAX, FeePolicy
from backend.protocol.errors import MalformedRequest, OrderExpired
from backend.protocol.money import FEE_MINOR_MAX
from backend.records.paging import Page


async def test_page_of__cursors__exclude_each_other_rejects():
    assert await page_of(5, "7", None) == Page(5, 7, None)
    with pytest.raises(MalformedRequest):
        await page_of(5, "7", "8")


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "٣", "9" * 19])
def test_cursor_of__no_number__rejects(text):
    with pytest.raises(MalformedRequest, match="after"):
        cursor_of("after", text)
    with pytest.raises(MalformedRequest, match="number"):
        number_of("number", text)


@pytest.mark.parametrize(
    ("policy", "amount_minor", "needed"),
    [
        (FeePolicy(), 5, 0),
        (FeePolicy(10, 0), 5, 10),
        (FeePolicy(10, 5), 100_000, 50),
        (FeePolicy(0, 5), 1, 1),
        (FeePolicy(0, 5), 2_001, 2),
        (FeePolicy(0, 10_000), 2**48, FEE_MINOR_MAX),
    ],
)
def test_fee_policy__amount__rounds_up_holds(policy, amount_minor, needed):
    assert policy.needed_minor_up(amount_minor) == needed


def test_fee_policy__fee__can_be_carried_holds():
    assert FeePolicy(33, 0).fee_minor_up(1) == 40
    assert FeePolicy().fee_minor_up(10**6) == 0


@pytest.mark.parametrize(
    ("prefer", "waits"),
    [
        (None, False),
        ("wait=final", True),
        ('respond-async, wait="final"', True),
        ("wait=10", False),
    ],
)
def test_waits_for_final__header__is_read_holds(prefer, waits):
    assert submitting.waits_for_final(prefer) is waits


def test_body_bytes_max__bulk_alone__is_larger_holds():
    assert middleware.body_bytes_max("/v1/payments") == BODY_BYTES_MAX
    assert middleware.body_bytes_max("/v1/payments/bulk") == BULK_BYTES_MAX


def test_malformed__validation__names_the_field_without_the_value_holds():
    with pytest.raises(ValidationError) as caught:
        ApiKeyIn.model_validate({"name": "x", "scopes": ["secret"]})

    assert "secret" not in str(bulk.malformed(caught.value))


def test_rejection_code__number__is_the_errors_holds():
    assert views.rejection_code(OrderExpired.number) == "ORDER_EXPIRED"
    assert views.list_of([], True, str)["next_cursor"] is None


FOR_EVERYBODY = {"/v1/kyc/messages", "/v1/batches/{number}/evidence"}


def test_routers__all__need_a_key_but_health_holds():
    for module in (
        accounts,
        api_keys,
        assets,
        batches,
        blocks,
        deposits,
        exit_kits,
        exits,
        fees,
        groups,
        kyc,
        orders,
        payment_requests,
        payments,
        proofs,
        refunds,
        withdrawals,
    ):
        for route in module.router.routes:
            names = {dependency.call.__name__ for dependency in route.dependant.dependencies}
            assert "caller" in names or route.path in FOR_EVERYBODY, route.path
    assert {route.path for route in payment_pages.router.routes} == {"/pay/{request_id}"}
    assert {route.path for route in health.router.routes} == {"/healthz", "/readyz", "/metrics"}


def test_ports__desk__names_no_other_plane_holds():
    assert KycDesk.__module__ == "backend.access.applicants"
    assert ports.Node.__module__ == "backend.access.ports"
