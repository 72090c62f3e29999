"""Batches: what the chain holds of the ledger."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.api import examples
from backend.access.api.common import PageIn, example, listed, number_of
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.leaving.views import challenge_view
from backend.access.responses import json_response
from backend.access.schemas import BatchIn
from backend.access.services import Services, ServicesIn
from backend.access.views import Json, batch_view, built_batch_view, list_of, page_view
from backend.protocol.errors import BatchNotFound, IdempotencyKeyReused, RequestInProgress
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/batches", tags=["batches"])
Caller = Annotated[ApiKey, Depends(needs("batches:read"))]
Operator = Annotated[ApiKey, Depends(needs("batches:write"))]


@router.post(
    "",
    status_code=202,
    responses={
        **example(examples.POSTING, 202, "Will be posted"),
        **documented(IdempotencyKeyReused, RequestInProgress),
    },
)
async def post_batch(
    request: Request,
    services: ServicesIn,
    caller: Operator,
    key: KeyIn,
    wish: Annotated[BatchIn, Body(openapi_examples={"one": {"value": {"carrier": "calldata"}}})],
) -> Response:
    """Post all that is final by now, without waiting for more. A 202 says that it will be done:
    `operation_count` operations, in as many batches as it takes.
    """

    async def work(_scope: str) -> tuple[int, Json]:
        waiting = services.needs.poster.post_now(wish.carrier)
        count = 0 if waiting is None else waiting.operation_count
        return 202, {"object": "posting", "operation_count": str(count), "carrier": wish.carrier}

    return await once(request, services, caller, key, await request.json(), work)


@router.get("", responses={**listed(examples.BATCH), **documented()})
async def list_batches(
    services: ServicesIn,
    _caller: Caller,
    page: PageIn,
    status: Annotated[Literal["built", "posted", "settled", "rolled_back"] | None, Query()] = None,
) -> Response:
    """List batches, the newest first. Those that a proven fraud removed are listed only by their
    status `rolled_back`, the last to fall first: their numbers may come again.
    """
    if status == "rolled_back":
        fallen = await run_in_threadpool(services.reader.removed_batches, page)
        return json_response(page_view(fallen, await _shown(services, fallen.rows), "removal"))
    part = await run_in_threadpool(services.reader.batches, status, page)
    shown = await _shown(services, part.rows)
    newest, built = int(shown[0]["number"]) if shown else 0, services.needs.poster.built
    is_first_page = page.after is None and page.before is None
    if built is not None and built.number > newest and is_first_page and status in (None, "built"):
        shown.insert(0, built_batch_view(built, services.settings))
    has_more = part.has_more or len(shown) > page.limit
    return json_response(list_of(shown[: page.limit], has_more, lambda item: str(item["number"])))


@router.get(
    "/{number}/evidence", responses={**example(examples.EVIDENCE), **documented(BatchNotFound)}
)
async def get_evidence(number: str, services: ServicesIn) -> Response:
    """Show who authorised each payment and withdrawal of a batch. Needs no key.

    So that watchers need not challenge them on the chain, where each answer costs gas. `evidence`
    is a byte, which of the record's orders it is, and the record as section 4 of PROTOCOL.md has
    it; none for a sweep, which an exit request on the chain authorises.
    """
    found = await services.needs.proofs.evidence(number_of("number", number))
    entries = [
        {"slot_number": str(slot), "evidence": "0x" + one.encode().hex()}
        for slot, one in found.items()
    ]
    return json_response({"object": "evidence", "batch": number, "data": entries})


@router.get("/{number}", responses={**example(examples.BATCH), **documented(BatchNotFound)})
async def get_batch(number: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get a batch: its header, and the three things that the chain keeps of it; the challenges of
    its operations. One that was rolled back is shown until another has its number.
    """
    batch_number = number_of("number", number)
    row = await run_in_threadpool(services.reader.batch, batch_number)
    built = services.needs.poster.built
    if row is None and built is not None and built.number == batch_number:
        return json_response(built_batch_view(built, services.settings))
    row = row or await run_in_threadpool(services.reader.removed_batch, batch_number)
    if row is None:
        raise BatchNotFound(batch_number)
    [shown] = await _shown(services, [row])
    return json_response(shown)


async def _shown(services: Services, rows: Sequence[Any]) -> list[Json]:
    """Show batches with the challenges of their operations."""
    hashes = [row.header_hash for row in rows]
    of_batch: dict[bytes, list[Json]] = {header_hash: [] for header_hash in hashes}
    for challenge in await run_in_threadpool(services.reader.challenges, hashes):
        of_batch[challenge.header_hash].append(challenge_view(challenge))
    return [
        batch_view(row, services.settings) | {"challenges": of_batch[row.header_hash]}
        for row in rows
    ]
