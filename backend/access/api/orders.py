"""Orders: what a payer signs, built from friendly words."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request
from starlette.responses import Response

from backend.access.api import examples
from backend.access.api.common import example
from backend.access.api.fees import AMOUNT_ERRORS
from backend.access.auth import needs
from backend.access.building import order_of
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.responses import json_response
from backend.access.schemas import OrderIn
from backend.access.services import Services, ServicesIn
from backend.access.views import Json
from backend.protocol import errors
from backend.protocol.types import address_text, digest_text
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/orders", tags=["orders"])
Caller = Annotated[ApiKey, Depends(needs("orders:write"))]

_EXAMPLE = {
    "payer": examples.PAYER,
    "payee": examples.PAYEE,
    "asset": "USDX",
    "amount": "1000000",
    "memo": "invoice 17",
}


@router.get("/domain", responses={**example(examples.DOMAIN), **documented()})
async def get_domain(
    services: ServicesIn, _caller: Annotated[ApiKey, Depends(needs("orders:read"))]
) -> Response:
    """Get the EIP-712 domain that orders are signed in. It never changes."""
    domain = services.settings.domain
    return json_response(
        {
            "name": domain.name,
            "version": "1",
            "chainId": domain.chain_id,
            "verifyingContract": address_text(domain.contract),
        }
    )


@router.post(
    "",
    responses={
        **example(examples.ORDER, description="The typed data to sign; nothing was sent"),
        **documented(
            errors.AssetUnknown,
            errors.AccountUnknown,
            errors.SameAccount,
            errors.FeeNotRepresentable,
            errors.FeeNotAllowed,
            errors.FeeTooLow,
            errors.OrderExpired,
            errors.IdempotencyKeyReused,
            errors.RequestInProgress,
            *AMOUNT_ERRORS,
        ),
    },
)
async def build_order(
    request: Request,
    services: ServicesIn,
    caller: Caller,
    key: KeyIn,
    wish: Annotated[OrderIn, Body(openapi_examples={"payment": {"value": _EXAMPLE}})],
) -> Response:
    """Build the typed data of an order. Amounts are minor units here, base units in the order.

    `fee` is the least one by default, `valid_until` ten minutes from now (RFC 3339, or seconds),
    `nonce` the payer's next with his pending orders counted, `memo` a text that is hashed or
    0x and 64 digits that are taken as they are.
    """

    async def work(_scope: str) -> tuple[int, Json]:
        return 200, await _built(services, wish)

    return await once(request, services, caller, key, await _json_of(request), work)


async def _json_of(request: Request) -> Json:
    body: Json = await request.json()
    return body


async def _built(services: Services, wish: OrderIn) -> Json:
    order = await order_of(services, wish)
    domain = services.settings.domain
    return {
        "object": "order",
        "id": digest_text(order.digest(domain)),
        "kind": wish.kind,
        "typed_data": order.typed_data(domain),
    }
