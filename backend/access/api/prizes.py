"""Prizes: many winners under one Merkle root, who claim them or are paid in the ledger."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.api import examples
from backend.access.api.common import REPEAT_ERRORS, PageIn, address_or_none, example, listed
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.prizes.desk import PrizeDesk
from backend.access.prizes.schemas import PrizeCallIn, PrizeIn
from backend.access.responses import json_response
from backend.access.services import ServicesIn
from backend.access.views import Json, list_of, page_view
from backend.protocol import errors
from backend.protocol.types import digest_from_text
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/prizes", tags=["prizes"])
Reader = Annotated[ApiKey, Depends(needs("prizes:read"))]
Writer = Annotated[ApiKey, Depends(needs("prizes:write"))]

PRIZE: Final[dict[str, Any]] = {
    "object": "prize",
    "id": examples.HASH,
    "status": "open",
    "sponsor": examples.PAYEE,
    "asset": "USDX",
    "payout": "wallet",
    "total": "75000000",
    "fees": "0",
    "remaining": "50000000",
    "entry_count": "2",
    "paid_count": "1",
    "root": examples.HASH,
    "salt": examples.HASH,
    "terms_hash": examples.HASH,
    "ends_at": examples.TIME,
    "purse": None,
    "payout_id": None,
    "created_by": "key_1",
    "created_at": examples.TIME,
}
PREPARED: Final = {
    "object": "prepared_prize",
    "prize": PRIZE | {"status": "prepared"},
    "transactions": [examples.TRANSACTION],
}
PREPARED_CALL: Final = {
    "object": "prepared_call",
    "prize_id": examples.HASH,
    "transactions": [examples.TRANSACTION],
}
ENTRY: Final[dict[str, Any]] = {
    "object": "prize_entry",
    "prize_id": examples.HASH,
    "index": "0",
    "person": examples.PAYER,
    "amount": "25000000",
    "fee": "0",
    "status": "waiting",
    "obstacle": None,
    "order_id": None,
    "proof": [examples.HASH],
    "claim": examples.TRANSACTION,
}
_WISH: Final = {
    "sponsor": examples.PAYEE,
    "asset": "USDX",
    "payout": "wallet",
    "ends_at": "2026-02-01T00:00:00Z",
}
_EXAMPLES: Final = {
    "csv": {"value": _WISH | {"csv": f"payee,amount\n{examples.PAYER},25\n"}},
    "lines": {"value": _WISH | {"lines": [{"payee": examples.PAYER, "amount": "25000000"}]}},
}


@router.post(
    "",
    responses={
        **example(PREPARED, description="The prize, and what its sponsor signs and sends"),
        **documented(
            errors.PrizeNotFound,
            errors.AssetUnknown,
            errors.PayoutTooLarge,
            errors.PayoutLinesInvalid,
            errors.AmountTooLarge,
            errors.PrizeDeadlineInvalid,
            errors.FeeNotRepresentable,
            errors.KycRequired,
            errors.KycExpired,
            errors.KycRevoked,
            errors.KycLevelTooLow,
            errors.BodyTooLarge,
            errors.ChainUnavailable,
            *REPEAT_ERRORS,
        ),
    },
)
async def prepare_prize(
    request: Request,
    services: ServicesIn,
    caller: Writer,
    key: KeyIn,
    wish: Annotated[PrizeIn, Body(openapi_examples=_EXAMPLES)],
) -> Response:
    """Take up to 100,000 winners in, check every one, and prepare the L1 transactions that pay the
    prize in and fix the list by its root. The same list of the same sponsor is the same prize, with
    the end it was given first: the contract creates it once.
    """
    if (wish.csv is None) == (wish.lines is None):
        raise errors.MalformedRequest("lines", "send either csv or lines")

    async def work(_scope: str) -> tuple[int, Json]:
        desk = PrizeDesk(services)
        row = await desk.create(wish, caller.id)
        calls = await desk.prepare(row)
        shown = await desk.show(row)
        return 200, {"object": "prepared_prize", "prize": shown, "transactions": calls}

    return await once(request, services, caller, key, await request.json(), work)


@router.get(
    "",
    responses={**listed(PRIZE), **documented(errors.PrizeNotFound, errors.ChainUnavailable)},
)
async def list_prizes(services: ServicesIn, _caller: Reader, page: PageIn) -> Response:
    """List prizes, the newest first."""
    desk = PrizeDesk(services)
    part = await run_in_threadpool(desk.needs.register.list, page)
    shown = [await desk.show(row) for row in part.rows]
    return json_response(page_view(part, shown, "sequence"))


@router.get(
    "/{prize_id}",
    responses={**example(PRIZE), **documented(errors.PrizeNotFound, errors.ChainUnavailable)},
)
async def get_prize(prize_id: str, services: ServicesIn, _caller: Reader) -> Response:
    """Get a prize: prepared, open, over or ended, what is left of it, and how many are paid. It is
    lapsed if nobody created it in time, and differs if the chain has another than people were told.
    """
    desk = PrizeDesk(services)
    row = await desk.get(digest_from_text(prize_id, "prize_id"))
    return json_response(await desk.show(row))


@router.get(
    "/{prize_id}/entries",
    responses={**listed(ENTRY), **documented(errors.PrizeNotFound, errors.ChainUnavailable)},
)
async def list_prize_entries(
    prize_id: str,
    services: ServicesIn,
    _caller: Reader,
    page: PageIn,
    person: Annotated[str | None, Query()] = None,
) -> Response:
    """List who gets what, everybody or one person, with the proof and the transaction by which
    anybody claims it for him; `obstacle` is what the contract would say to that now.
    """
    desk = PrizeDesk(services)
    row = await desk.get(digest_from_text(prize_id, "prize_id"))
    shown, has_more = await desk.entries(row, address_or_none("person", person), page)
    return json_response(list_of(shown, has_more, lambda item: str(item["index"])))


@router.post(
    "/{prize_id}/calls",
    responses={
        **example(PREPARED_CALL, description="What the sponsor signs and sends"),
        **documented(
            errors.PrizeNotFound,
            errors.PrizePaidByOrders,
            errors.PrizeNotOver,
            errors.ChainUnavailable,
            *REPEAT_ERRORS,
        ),
    },
)
async def prepare_prize_call(
    prize_id: str,
    request: Request,
    services: ServicesIn,
    caller: Writer,
    key: KeyIn,
    wish: Annotated[
        PrizeCallIn, Body(openapi_examples={"one": {"value": {"action": "withdraw_rest"}}})
    ],
) -> Response:
    """Prepare what the sponsor may do to a prize that is over: take back what nobody claimed."""

    async def work(_scope: str) -> tuple[int, Json]:
        desk = PrizeDesk(services)
        row = await desk.get(digest_from_text(prize_id, "prize_id"))
        return 200, await desk.prepare_rest(row)

    return await once(request, services, caller, key, wish.model_dump(), work)
