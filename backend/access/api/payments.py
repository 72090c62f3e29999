"""Payments: signed orders come in here."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access import bulk
from backend.access.api import examples
from backend.access.api.common import PageIn, address_or_none, example, listed
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.responses import json_response
from backend.access.schemas import SignedPayment
from backend.access.services import ServicesIn
from backend.access.submitting import find, submit
from backend.access.views import OrderViews
from backend.protocol import errors
from backend.protocol.types import digest_from_text
from backend.records.reader import OrderFilter
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/payments", tags=["payments"])
Caller = Annotated[ApiKey, Depends(needs("payments:read"))]
Sender = Annotated[ApiKey, Depends(needs("payments:write"))]
Status = Literal["final", "posted", "settled"]

SUBMIT_ERRORS = (
    errors.AmountNotInteger,
    errors.AmountZero,
    errors.AmountTooLarge,
    errors.AmountNotMultipleOfUnit,
    errors.FeeNotRepresentable,
    errors.FeeTooLow,
    errors.FeeNotAllowed,
    errors.AssetUnknown,
    errors.AccountUnknown,
    errors.SignatureInvalid,
    errors.SignatureHighS,
    errors.NotAuthorised,
    errors.RootUnknown,
    errors.NotEligible,
    errors.WrongDomain,
    errors.OrderExpired,
    errors.NonceTooLow,
    errors.NonceGap,
    errors.InsufficientFunds,
    errors.BodyTooLarge,
    errors.BackPressure,
    errors.NoQuorum,
    errors.DiskFull,
)
PAYMENT_ERRORS = (
    *SUBMIT_ERRORS,
    errors.SameAccount,
    errors.PayeeInvalid,
    errors.OrderInGroup,
    errors.RefundMismatch,
)

Prefer = Annotated[
    str | None, Header(description="`wait=final`: answer when it is final, after 10 s at most")
]


@router.post(
    "",
    status_code=202,
    responses={
        **example(examples.ACCEPTED, 202, "Accepted durably; the money has not moved yet"),
        **example(examples.PAYMENT, 200, "It has ended: final, or rejected with a code"),
        **documented(*PAYMENT_ERRORS),
    },
)
async def create_payment(
    services: ServicesIn,
    _caller: Sender,
    payment: Annotated[SignedPayment, Body(openapi_examples={"one": {"value": examples.SIGNED}})],
    prefer: Prefer = None,
) -> Response:
    """Have a signed order accepted. The order's digest is the payment's id and its idempotency
    key: sending it twice is sending it once.
    """
    status_code, shown = await submit(services, payment.signed(), payment.domain, prefer)
    return json_response(shown, status_code)


@router.post(
    "/bulk",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                bulk.LINES: {"schema": {"type": "string"}},
                bulk.BINARY: {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
    responses={
        200: {
            "description": "One line for each order, in order: an id, or an error",
            "content": {bulk.LINES: {"example": '{"line":1,"id":"0x8f…","status":"accepted"}\n'}},
        },
        **documented(errors.BodyTooLarge),
    },
)
async def create_payments(request: Request, services: ServicesIn, _caller: Sender) -> Response:
    """Have up to 10,000 signed orders (16 MiB) accepted with one sync to disk: NDJSON, each line
    as the body of a single one, or the binary records of docs/PROTOCOL.md. Withdrawals may be
    among them. A line that is refused stops no other; orders of a payer go in by nonce.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    body = await request.body()
    if content_type == bulk.BINARY:
        records = await run_in_threadpool(bulk.parse_records, body, services)
        results = await bulk.submit_records(services, records)
    elif content_type == bulk.LINES:
        lines = await run_in_threadpool(bulk.parse_lines, body, services)
        results = await bulk.submit_all(services, lines)
    else:
        raise errors.MalformedRequest("Content-Type", f"use {bulk.LINES} or {bulk.BINARY}")
    # A megabyte at most: streaming it line by line would cost a thread's turn for each.
    answer = "".join(bulk.answer_lines(results, request.state.request_id))
    return Response(answer, media_type=bulk.LINES)


@router.get("", responses={**listed(examples.PAYMENT), **documented(errors.AssetUnknown)})
async def list_payments(
    services: ServicesIn,
    _caller: Caller,
    page: PageIn,
    payer: Annotated[str | None, Query()] = None,
    payee: Annotated[str | None, Query()] = None,
    party: Annotated[str | None, Query(description="Payer or payee")] = None,
    asset: Annotated[str | None, Query(max_length=64)] = None,
    status: Annotated[Status | None, Query()] = None,
) -> Response:
    """List executed payments, the newest first. Accepted and rejected ones are found by id."""
    await services.assets.refresh()
    wanted = OrderFilter(
        address_or_none("payer", payer),
        address_or_none("payee", payee),
        address_or_none("party", party),
        None if asset is None else (await services.assets.find(asset)).asset_id,
        status,
    )
    part = await run_in_threadpool(services.reader.payments, wanted, page)
    return json_response(OrderViews(services.settings, services.assets).page(part))


@router.get(
    "/{payment_id}",
    responses={**example(examples.PAYMENT), **documented(errors.PaymentNotFound)},
)
async def get_payment(payment_id: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get a payment: its status, where it stands, its next step and the earliest time of it."""
    order_id = digest_from_text(payment_id, "payment_id")
    return json_response(await find(services, order_id, is_withdrawal=False))
