"""Blocks: the engine's units of finality."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.api import examples
from backend.access.api.common import PageIn, example, listed, number_of
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.responses import json_response
from backend.access.services import ServicesIn
from backend.access.views import block_view, list_of
from backend.protocol.errors import BlockNotFound
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/blocks", tags=["blocks"])
Caller = Annotated[ApiKey, Depends(needs("blocks:read"))]


@router.get("", responses={**listed(examples.BLOCK), **documented()})
async def list_blocks(services: ServicesIn, _caller: Caller, page: PageIn) -> Response:
    """List blocks, the newest first."""
    part = await run_in_threadpool(services.reader.blocks, page)
    shown = map(block_view, part.rows)
    return json_response(list_of(shown, part.has_more, lambda item: str(item["number"])))


@router.get("/{number}", responses={**example(examples.BLOCK), **documented(BlockNotFound)})
async def get_block(number: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get a block."""
    block_number = number_of("number", number)
    row = await run_in_threadpool(services.reader.block, block_number)
    if row is None:
        raise BlockNotFound(block_number)
    return json_response(block_view(row))
