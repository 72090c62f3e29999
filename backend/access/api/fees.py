"""Fees: what an order of an amount has to carry."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from backend.access.api import examples
from backend.access.api.common import example
from backend.access.auth import needs
from backend.access.building import amount_minor_of
from backend.access.errors import documented
from backend.access.responses import json_response
from backend.access.services import ServicesIn
from backend.access.texts import amount_of
from backend.protocol import errors
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/fees", tags=["fees"])
Caller = Annotated[ApiKey, Depends(needs("assets:read"))]

AMOUNT_ERRORS = (errors.AmountNotInteger, errors.AmountZero, errors.AmountTooLarge)


@router.get(
    "/quote",
    responses={
        **example(examples.FEE_QUOTE),
        **documented(errors.AssetUnknown, *AMOUNT_ERRORS),
    },
)
async def quote_fee(
    services: ServicesIn,
    _caller: Caller,
    asset: Annotated[str, Query(max_length=64)],
    amount: Annotated[str, Query(description="Minor units")],
) -> Response:
    """Quote the least fee that an order of `amount` can carry; it is representable already."""
    amount_minor = amount_minor_of(amount_of(amount))
    named = await services.assets.find(asset)
    policy = services.settings.fee_policy(named.asset_id, named.asset.takes_fee)
    fee_minor = policy.fee_minor_up(amount_minor)
    return json_response(
        {
            "object": "fee_quote",
            "asset": named.code,
            "amount": str(amount_minor),
            "fee": str(fee_minor),
            "total": str(amount_minor + fee_minor),
        }
    )
