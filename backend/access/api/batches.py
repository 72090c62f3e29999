"""Batches: what the chain holds of the ledger."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.api import examples
from backend.access.api.common import PageIn, example, listed, number_of
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.responses import json_response
from backend.access.services import ServicesIn
from backend.access.views import batch_view, list_of
from backend.protocol.errors import BatchNotFound
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/batches", tags=["batches"])
Caller = Annotated[ApiKey, Depends(needs("batches:read"))]


@router.get("", responses={**listed(examples.BATCH), **documented()})
async def list_batches(
    services: ServicesIn,
    _caller: Caller,
    page: PageIn,
    status: Annotated[Literal["posted", "settled"] | None, Query()] = None,
) -> Response:
    """List batches, the newest first."""
    part = await run_in_threadpool(services.reader.batches, status, page)
    shown = [batch_view(row, services.settings) for row in part.rows]
    return json_response(list_of(shown, part.has_more, lambda item: str(item["number"])))


@router.get("/{number}", responses={**example(examples.BATCH), **documented(BatchNotFound)})
async def get_batch(number: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get a batch: its header, and the three things that the chain keeps of it."""
    batch_number = number_of("number", number)
    row = await run_in_threadpool(services.reader.batch, batch_number)
    if row is None:
        raise BatchNotFound(batch_number)
    return json_response(batch_view(row, services.settings))
