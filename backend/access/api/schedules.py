"""Schedules: payments that customers whose keys we keep make by themselves."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.api import custody_examples, examples
from backend.access.api.common import REPEAT_ERRORS, PageIn, example, listed
from backend.access.api.fees import AMOUNT_ERRORS
from backend.access.auth import needs
from backend.access.custody.schedules import ScheduleDesk
from backend.access.custody.schemas import ScheduleIn
from backend.access.custody.views import occurrence_view, schedule_view
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.responses import json_response
from backend.access.services import ServicesIn
from backend.access.views import Json, page_view
from backend.protocol import errors
from backend.records.registers.api_keys import ApiKey
from backend.records.registers.schedules import schedule_of

router = APIRouter(prefix="/v1/schedules", tags=["schedules"])
Caller = Annotated[ApiKey, Depends(needs("schedules:read"))]
Planner = Annotated[ApiKey, Depends(needs("schedules:write"))]

_EXAMPLE = {
    "customer_id": custody_examples.CUSTOMER_ID,
    "payee": examples.PAYEE,
    "asset": "USDX",
    "amount": "1000000",
    "first_at": examples.TIME,
    "every": "month",
    "count": 12,
    "memo": "rent",
}


@router.post(
    "",
    status_code=201,
    responses={
        **example(custody_examples.SCHEDULE, 201, "It will pay when its times come"),
        **documented(
            *REPEAT_ERRORS,
            *AMOUNT_ERRORS,
            errors.CustomerNotFound,
            errors.AssetUnknown,
            errors.ChainUnavailable,
            errors.SameAccount,
            errors.PayeeInvalid,
            errors.FirstTimeInvalid,
        ),
    },
)
async def create_schedule(
    request: Request,
    services: ServicesIn,
    caller: Planner,
    key: KeyIn,
    wish: Annotated[ScheduleIn, Body(openapi_examples={"one": {"value": _EXAMPLE}})],
) -> Response:
    """Have a customer pay at `first_at` and then `every` day, week or month, `count` times in all.
    The caller needs `customers:write`, too. Months are counted from the first date: 31 January is
    followed by the last of February and by 31 March.
    """

    async def work(scope: str) -> tuple[int, Json]:
        schedule = await ScheduleDesk(services).create(wish, scope, caller)
        return 201, schedule_view(services, schedule)

    return await once(request, services, caller, key, await request.json(), work)


@router.get("", responses={**listed(custody_examples.SCHEDULE), **documented()})
async def list_schedules(
    services: ServicesIn,
    _caller: Caller,
    page: PageIn,
    customer_id: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """List schedules, the newest first."""
    await services.assets.refresh()
    register = services.needs.registers.custody.schedules
    part = await run_in_threadpool(register.list, customer_id, page)
    shown = [schedule_view(services, schedule_of(row)) for row in part.rows]
    return json_response(page_view(part, shown))


@router.get(
    "/{schedule_id}",
    responses={**example(custody_examples.SCHEDULE), **documented(errors.ScheduleNotFound)},
)
async def get_schedule(schedule_id: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get a schedule, and when it pays next."""
    await services.assets.refresh()
    return json_response(schedule_view(services, await ScheduleDesk(services).get(schedule_id)))


@router.get(
    "/{schedule_id}/occurrences",
    responses={**listed(custody_examples.OCCURRENCE), **documented(errors.ScheduleNotFound)},
)
async def list_occurrences(
    schedule_id: str, services: ServicesIn, _caller: Caller, page: PageIn
) -> Response:
    """List what has become due of a schedule, the newest first: paid, skipped, or why not yet."""
    schedule = await ScheduleDesk(services).get(schedule_id)
    register = services.needs.registers.custody.schedules
    part = await run_in_threadpool(register.occurrences, schedule.id, page)
    return json_response(page_view(part, map(occurrence_view, part.rows), "ordinal"))


@router.post(
    "/{schedule_id}/cancel",
    responses={
        **example(custody_examples.SCHEDULE | {"status": "cancelled", "next_at": None}),
        **documented(*REPEAT_ERRORS, errors.ScheduleNotFound),
    },
)
async def cancel_schedule(
    schedule_id: str, request: Request, services: ServicesIn, caller: Planner, key: KeyIn
) -> Response:
    """Pay nothing more by a schedule. What the ledger has accepted goes on."""

    async def work(_scope: str) -> tuple[int, Json]:
        await services.assets.refresh()
        return 200, schedule_view(services, await ScheduleDesk(services).cancel(schedule_id))

    return await once(request, services, caller, key, {}, work)
