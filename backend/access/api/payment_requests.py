"""Payment requests: what a payee asks for, as a link, a wallet's code and an order to sign."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.api import collecting_examples as examples
from backend.access.api.common import REPEAT_ERRORS, PageIn, address_or_none, example, listed
from backend.access.api.fees import AMOUNT_ERRORS
from backend.access.auth import needs
from backend.access.collecting.payment_requests import (
    create_request,
    find_request,
    request_view,
)
from backend.access.collecting.schemas import PaymentRequestIn
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.responses import json_response
from backend.access.services import ServicesIn
from backend.access.views import Json, page_view
from backend.protocol import errors
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/payment-requests", tags=["payment requests"])
Caller = Annotated[ApiKey, Depends(needs("payment-requests:read"))]
Payee = Annotated[ApiKey, Depends(needs("payment-requests:write"))]


@router.post(
    "",
    status_code=201,
    responses={
        **example(examples.PAYMENT_REQUEST, 201, "It can be paid from now on"),
        **documented(
            errors.AssetUnknown,
            errors.PayeeInvalid,
            errors.MemoTaken,
            errors.ChainUnavailable,
            *REPEAT_ERRORS,
            *AMOUNT_ERRORS,
        ),
    },
)
async def create_payment_request(
    request: Request,
    services: ServicesIn,
    caller: Payee,
    key: KeyIn,
    wish: Annotated[
        PaymentRequestIn, Body(openapi_examples={"one": {"value": examples.PAYMENT_REQUEST_IN}})
    ],
) -> Response:
    """Ask for a payment. It is paid when a payment of at least the amount to this payee, with this
    memo, is final. `memo` is a text that is hashed, or 0x and 64 digits that are taken as they are;
    by default the request has one of its own. Show the `link` to whoever is to pay.
    """

    async def work(scope: str) -> tuple[int, Json]:
        made = await create_request(services, wish, scope)
        return 201, await run_in_threadpool(request_view, services, made)

    return await once(request, services, caller, key, await request.json(), work)


@router.get("", responses={**listed(examples.PAYMENT_REQUEST), **documented()})
async def list_payment_requests(
    services: ServicesIn,
    _caller: Caller,
    page: PageIn,
    payee: Annotated[str | None, Query()] = None,
) -> Response:
    """List payment requests, the newest first."""
    await services.assets.refresh()
    register = services.needs.registers.collecting.requests
    wanted = address_or_none("payee", payee)

    def read() -> Json:
        part = register.list(wanted, page)
        return page_view(part, [request_view(services, one) for one in part.rows], "sequence")

    return json_response(await run_in_threadpool(read))


@router.get(
    "/{request_id}",
    responses={
        **example(examples.PAYMENT_REQUEST),
        **documented(errors.PaymentRequestNotFound),
    },
)
async def get_payment_request(request_id: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get a payment request: open, paid (by which payment) or expired."""
    await services.assets.refresh()
    found = await find_request(services, request_id)
    return json_response(await run_in_threadpool(request_view, services, found))
