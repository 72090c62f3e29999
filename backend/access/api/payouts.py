"""Payouts: thousands of payments by one approval."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.api import approval_examples as examples
from backend.access.api.common import REPEAT_ERRORS, PageIn, example, listed
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.payouts.desk import PayoutWish
from backend.access.payouts.schemas import PayoutIn
from backend.access.payouts.views import line_view, payout_view, report_view
from backend.access.responses import json_response
from backend.access.services import Services, ServicesIn
from backend.access.views import Json, list_of, page_view
from backend.protocol import errors
from backend.protocol.types import Address, digest_from_text
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/payouts", tags=["payouts"])
Reader = Annotated[ApiKey, Depends(needs("payouts:read"))]
Writer = Annotated[ApiKey, Depends(needs("payouts:write"))]
LineStatus = Literal["waiting", "skipping", "paid", "skipped"]

_EXAMPLES: Final = {
    "lines": {"value": examples.PAYOUT_IN},
    "csv": {"value": examples.CSV_IN},
}


@router.post(
    "",
    status_code=201,
    responses={
        **example(examples.PAYOUT, 201, "The payout, new or the one that was there"),
        **documented(
            errors.NoTreasury,
            errors.AssetUnknown,
            errors.SignerUnknown,
            errors.PayoutTooLarge,
            errors.PayoutLinesInvalid,
            errors.PayoutInProgress,
            errors.PayoutShortOfFunds,
            errors.FeeNotRepresentable,
            errors.BodyTooLarge,
            errors.ChainUnavailable,
            *REPEAT_ERRORS,
        ),
    },
)
async def create_payout(
    request: Request,
    services: ServicesIn,
    caller: Writer,
    key: KeyIn,
    wish: Annotated[PayoutIn, Body(openapi_examples=_EXAMPLES)],
) -> Response:
    """Take up to 100,000 lines in, check every one, and propose to the treasury to authorise them
    all. The same lines of the same owner are the same payout: a repeat pays nobody twice. Wrong
    lines are all named, and then nothing is taken.
    """
    asked = _wish(services, wish)

    async def work(_scope: str) -> tuple[int, Json]:
        row = await services.approvals.payouts.create(asked, caller.id)
        return 201, await _shown(services, row)

    return await once(request, services, caller, key, await request.json(), work)


@router.get("", responses={**listed(examples.PAYOUT), **documented()})
async def list_payouts(services: ServicesIn, _caller: Reader, page: PageIn) -> Response:
    """List payouts, the newest first."""
    await services.assets.refresh()
    part = await run_in_threadpool(services.approvals.payouts.register.list, page)
    shown = [await _shown(services, row) for row in part.rows]
    return json_response(page_view(part, shown, "sequence"))


@router.get(
    "/{payout_id}",
    responses={**example(examples.PAYOUT), **documented(errors.PayoutNotFound)},
)
async def get_payout(payout_id: str, services: ServicesIn, _caller: Reader) -> Response:
    """Get a payout: proposed, paying, done, or failed, and how many of its lines are paid."""
    return json_response(await _shown(services, await _row(services, payout_id)))


@router.get(
    "/{payout_id}/lines",
    responses={**listed(examples.PAYOUT_LINE), **documented(errors.PayoutNotFound)},
)
async def list_payout_lines(
    payout_id: str,
    services: ServicesIn,
    _caller: Reader,
    page: PageIn,
    status: Annotated[LineStatus | None, Query()] = None,
) -> Response:
    """List the lines of a payout in the order of its file; a skipped one tells why."""
    row = await _row(services, payout_id)
    register = services.approvals.payouts.register
    part = await run_in_threadpool(register.lines_page, row.id, status, page)
    shown = [line_view(row, line) for line in part.rows]
    return json_response(list_of(shown, part.has_more, lambda item: str(item["index"])))


@router.get(
    "/{payout_id}/report",
    responses={**example(examples.PAYOUT_REPORT), **documented(errors.PayoutNotFound)},
)
async def get_payout_report(payout_id: str, services: ServicesIn, _caller: Reader) -> Response:
    """Get the sums of a payout: paid, skipped by reason, and still waiting."""
    row = await _row(services, payout_id)
    register = services.approvals.payouts.register
    sums = await run_in_threadpool(register.sums, row.id)
    return json_response(report_view(row, sums))


@router.post(
    "/{payout_id}/cancel",
    responses={
        **example(examples.PAYOUT | {"status": "failed"}),
        **documented(errors.PayoutNotFound, errors.ProposalClosed, *REPEAT_ERRORS),
    },
)
async def cancel_payout(
    request: Request, payout_id: str, services: ServicesIn, caller: Writer, key: KeyIn
) -> Response:
    """Give a payout of another owner up that he has not authorised; for one of the treasury's,
    cancel its proposal.
    """

    async def work(_scope: str) -> tuple[int, Json]:
        found_id = digest_from_text(payout_id, "payout_id")
        return 200, await _shown(services, await services.approvals.payouts.cancel(found_id))

    return await once(request, services, caller, key, {}, work)


def _wish(services: Services, wish: PayoutIn) -> PayoutWish:
    if (wish.csv is None) == (wish.lines is None):
        raise errors.MalformedRequest("lines", "send either csv or lines")
    needs_proposer = services.approvals.payouts.is_treasury(wish.owner)
    if needs_proposer and wish.proposer is None:
        raise errors.MalformedRequest("proposer", "the treasury pays what a signer of it proposes")
    return PayoutWish(
        wish.asset,
        wish.csv,
        [line.model_dump() for line in wish.lines or ()],
        None if wish.owner is None else Address(wish.owner),
        wish.proposer,
    )


async def _row(services: Services, payout_id: str) -> Any:
    await services.assets.refresh()
    return await services.approvals.payouts.get(digest_from_text(payout_id, "payout_id"))


async def _shown(services: Services, row: Any) -> Json:
    payouts = services.approvals.payouts
    counts = await run_in_threadpool(payouts.register.counts, row.id)
    code = services.assets.code_of(row.asset_id)
    return payout_view(row, counts, code, payouts.call(row))
