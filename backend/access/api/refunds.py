"""Refunds: a payee pays back, at most what he was paid."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request
from starlette.responses import Response

from backend.access.api import collecting_examples as examples
from backend.access.api.common import REPEAT_ERRORS, example, listed
from backend.access.api.payments import SUBMIT_ERRORS
from backend.access.auth import needs
from backend.access.collecting.custodial import refund_for
from backend.access.collecting.refunds import refund_view, refunds_of
from backend.access.collecting.schemas import RefundIn
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.responses import json_response
from backend.access.services import ServicesIn
from backend.access.views import Json, list_of
from backend.protocol import errors
from backend.protocol.types import digest_from_text
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/payments", tags=["refunds"])
Caller = Annotated[ApiKey, Depends(needs("refunds:read"))]
Preparer = Annotated[ApiKey, Depends(needs("refunds:write"))]


@router.post(
    "/{payment_id}/refunds",
    status_code=201,
    responses={
        **example(examples.REFUND, 201, "What the payee signs; nothing was sent"),
        **documented(
            errors.PaymentNotFound,
            errors.PaymentNotFinal,
            errors.RefundExceeded,
            errors.RefundNotAllowed,
            errors.AccountUnknown,
            errors.FeeNotRepresentable,
            errors.FeeNotAllowed,
            errors.FeeTooLow,
            errors.OrderExpired,
            errors.ChainUnavailable,
            *REPEAT_ERRORS,
            *SUBMIT_ERRORS,
        ),
    },
)
async def create_refund(
    payment_id: str,
    request: Request,
    services: ServicesIn,
    caller: Preparer,
    key: KeyIn,
    wish: Annotated[RefundIn, Body(openapi_examples={"one": {"value": {"amount": "250000"}}})],
) -> Response:
    """Prepare a refund: the order that the payment's payee signs and sends to `/v1/payments`. Its
    amount is reserved until it is final, rejected, or past `valid_until` (a day at most), so that
    refunds never exceed the payment. If the platform keeps the payee's key, and the API key has
    the scope customers:write, it signs and sends the order at once.
    """
    refunded_id = digest_from_text(payment_id, "payment_id")

    async def work(scope: str) -> tuple[int, Json]:
        refund = await refund_for(services, refunded_id, wish, scope, caller)
        return 201, await refund_view(services, refund)

    return await once(request, services, caller, key, await request.json(), work)


@router.get(
    "/{payment_id}/refunds",
    responses={
        **listed(examples.REFUND),
        **documented(errors.PaymentNotFound, errors.BackPressure),
    },
)
async def list_refunds(payment_id: str, services: ServicesIn, _caller: Caller) -> Response:
    """List all refunds of a payment by number, prepared and executed."""
    await services.assets.refresh()
    found = await refunds_of(services, digest_from_text(payment_id, "payment_id"))
    shown = [await refund_view(services, refund) for refund in found]
    return json_response(list_of(shown, False, lambda item: str(item["number"])))
