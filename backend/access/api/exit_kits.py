"""Exit kits: all that somebody sends to the chain to leave, with the platform or against it."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from backend.access.api import leaving_examples
from backend.access.api.common import example
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.responses import json_response
from backend.access.services import ServicesIn
from backend.protocol.errors import BatchNotFound, ChainUnavailable
from backend.protocol.types import address_from_text
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/exit-kit", tags=["exits"])
Caller = Annotated[ApiKey, Depends(needs("exits:read"))]


@router.get(
    "/{owner}",
    responses={**example(leaving_examples.EXIT_KIT), **documented(BatchNotFound, ChainUnavailable)},
)
async def get_exit_kit(owner: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get the transactions by which an owner leaves with all that is his, for any wallet: exits to
    ask for, what freezes the rollup if they are not served, claims; after a freeze escapes and
    refunds. It stands on the last batch: get a new one when another has come. Frozen, too.
    """
    kit = await services.needs.exit_kits.kit(address_from_text(owner, "owner"))
    return json_response(dict(kit))
