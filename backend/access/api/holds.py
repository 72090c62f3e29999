"""Holds: money set aside for a payee, then captured, released, or returned when it expires."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.api import custody_examples, examples
from backend.access.api.common import REPEAT_ERRORS, PageIn, address_or_none, example, listed
from backend.access.api.customers import SIGNING_ERRORS
from backend.access.auth import needs
from backend.access.custody.hold_states import state_of
from backend.access.custody.holds import HoldDesk
from backend.access.custody.schemas import CaptureIn, HoldAuthorizationIn, HoldIn
from backend.access.custody.views import hold_view, key_use_view
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.responses import json_response
from backend.access.services import Services, ServicesIn
from backend.access.views import Json, page_view
from backend.protocol import errors
from backend.records.registers.api_keys import ApiKey
from backend.records.registers.holds import Hold, hold_of

router = APIRouter(prefix="/v1/holds", tags=["holds"])
Caller = Annotated[ApiKey, Depends(needs("holds:read"))]
Holder = Annotated[ApiKey, Depends(needs("holds:write"))]

_END_ERRORS = (
    *REPEAT_ERRORS,
    errors.HoldNotFound,
    errors.HoldEnded,
    errors.FeeTooLow,
    errors.BackPressure,
    errors.NoQuorum,
    errors.DiskFull,
)
_EXAMPLE = {
    "payer": examples.PAYER,
    "payee": examples.PAYEE,
    "asset": "USDX",
    "amount": "1000000",
    "expires_at": examples.TIME,
    "memo": "room 12",
}


async def shown_hold(services: Services, hold: Hold) -> Json:
    """Show a hold as it stands now."""
    await services.assets.refresh()
    return hold_view(services, hold, await state_of(services, hold))


@router.post(
    "",
    status_code=201,
    responses={
        **example(custody_examples.HOLD, 201, "The hold, with the order that its payer signs"),
        **documented(
            *SIGNING_ERRORS,
            errors.SameAccount,
            errors.PayeeInvalid,
            errors.ExpiryInvalid,
            errors.HoldEnded,
            errors.HoldOrderRejected,
        ),
    },
)
async def create_hold(
    request: Request,
    services: ServicesIn,
    caller: Holder,
    key: KeyIn,
    wish: Annotated[HoldIn, Body(openapi_examples={"one": {"value": _EXAMPLE}})],
) -> Response:
    """Make a hold. If the payer is a customer whose key we keep (by id or address; the caller
    needs `customers:write`, too), the money is set aside at once; else the payer signs `order`.
    """

    async def work(scope: str) -> tuple[int, Json]:
        hold = await HoldDesk(services).create(wish, scope, caller)
        return 201, await shown_hold(services, hold)

    return await once(request, services, caller, key, await request.json(), work)


@router.get("", responses={**listed(custody_examples.HOLD), **documented(errors.BackPressure)})
async def list_holds(
    services: ServicesIn,
    _caller: Caller,
    page: PageIn,
    payer: Annotated[str | None, Query()] = None,
    payee: Annotated[str | None, Query()] = None,
) -> Response:
    """List holds, the newest first."""
    register = services.needs.registers.custody.holds
    wanted = (address_or_none("payer", payer), address_or_none("payee", payee))
    part = await run_in_threadpool(register.list, *wanted, page)
    shown = [await shown_hold(services, hold_of(row)) for row in part.rows]
    return json_response(page_view(part, shown))


@router.get(
    "/{hold_id}",
    responses={
        **example(custody_examples.AUTHORISED),
        **documented(errors.HoldNotFound, errors.BackPressure),
    },
)
async def get_hold(hold_id: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get a hold: where it stands by what is final in the ledger."""
    return json_response(await shown_hold(services, await HoldDesk(services).get(hold_id)))


@router.get(
    "/{hold_id}/key-uses",
    responses={**listed(custody_examples.KEY_USE), **documented(errors.HoldNotFound)},
)
async def list_hold_key_uses(
    hold_id: str, services: ServicesIn, _caller: Caller, page: PageIn
) -> Response:
    """List each use of a hold's own key, the newest first."""
    hold = await HoldDesk(services).get(hold_id)
    uses = services.needs.registers.custody.key_uses
    part = await run_in_threadpool(uses.list, hold.id, page)
    return json_response(page_view(part, map(key_use_view, part.rows)))


@router.post(
    "/{hold_id}/authorization",
    responses={
        **example(custody_examples.AUTHORISED),
        **documented(*SIGNING_ERRORS, errors.HoldNotFound, errors.HoldEnded, errors.HoldExpired),
    },
)
async def authorize_hold(
    hold_id: str,
    services: ServicesIn,
    _caller: Holder,
    authorization: Annotated[
        HoldAuthorizationIn,
        Body(openapi_examples={"one": {"value": {"signature": examples.SIGNATURE}}}),
    ],
) -> Response:
    """Set the money aside by the payer's signature of the hold's `order`, whose digest is the key
    of this request: a repeat changes nothing. The payer may as well send the payment himself.
    """
    hold = await HoldDesk(services).authorize(hold_id, authorization.signature)
    return json_response(await shown_hold(services, hold))


@router.post(
    "/{hold_id}/capture",
    responses={
        **example(custody_examples.CAPTURED),
        **example(custody_examples.AUTHORISED, 202, "The order is accepted and not final yet"),
        **documented(
            *_END_ERRORS,
            errors.HoldNotAuthorised,
            errors.HoldExpired,
            errors.HoldOrderRejected,
            errors.AmountNotInteger,
            errors.AmountZero,
            errors.AmountTooLarge,
            errors.CaptureTooLarge,
        ),
    },
)
async def capture_hold(
    hold_id: str,
    request: Request,
    services: ServicesIn,
    caller: Holder,
    key: KeyIn,
    wish: Annotated[CaptureIn, Body(openapi_examples={"part": {"value": {"amount": "700000"}}})],
) -> Response:
    """Pay the payee all of the hold, or `amount` of it; the rest goes back in the same instant."""

    async def work(scope: str) -> tuple[int, Json]:
        hold, sent = await HoldDesk(services).capture(hold_id, wish.amount, scope, caller)
        status_code = 202 if sent.standing.status == "pending" else 200
        return status_code, await shown_hold(services, hold)

    return await once(request, services, caller, key, await request.json(), work)


@router.post(
    "/{hold_id}/release",
    responses={**example(custody_examples.RELEASED), **documented(*_END_ERRORS)},
)
async def release_hold(
    hold_id: str, request: Request, services: ServicesIn, caller: Holder, key: KeyIn
) -> Response:
    """Give the money back to the payer. A repeat changes nothing."""

    async def work(_scope: str) -> tuple[int, Json]:
        hold = await HoldDesk(services).release(hold_id, caller)
        return 200, await shown_hold(services, hold)

    return await once(request, services, caller, key, {}, work)
