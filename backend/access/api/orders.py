"""Orders: what a payer signs, built from friendly words."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request
from starlette.responses import Response

from backend.access.api import examples
from backend.access.api.common import example
from backend.access.api.fees import AMOUNT_ERRORS, amount_minor_of
from backend.access.assets import NamedAsset
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.responses import json_response
from backend.access.schemas import OrderIn
from backend.access.services import Services, ServicesIn
from backend.access.texts import memo_of, ts_s_of
from backend.access.views import Json
from backend.protocol import errors
from backend.protocol.money import fee_byte, fee_minor_up, to_base
from backend.protocol.orders import Order, PaymentOrder, WithdrawalOrder
from backend.protocol.types import Address, address_text, digest_text
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
    named = await services.assets.find(wish.asset)
    amount_minor = amount_minor_of(wish.amount)
    fee_minor = _fee_minor(services, named, wish, amount_minor)
    now_ts_s = services.needs.clock_ms() // 1000
    valid_until = now_ts_s + services.settings.order_life_s
    if wish.valid_until is not None:
        valid_until = ts_s_of(wish.valid_until)
        if valid_until < now_ts_s:
            raise errors.OrderExpired(valid_until, now_ts_s)
    nonce = wish.nonce
    if nonce is None:
        account = services.node.account(Address(wish.payer), named.asset_id)
        if account is None:
            raise errors.AccountUnknown(address_text(wish.payer))
        nonce = account.nonce_next
    order = _order(wish, named, amount_minor, fee_minor, nonce, valid_until)
    domain = services.settings.domain
    return {
        "object": "order",
        "id": digest_text(order.digest(domain)),
        "kind": wish.kind,
        "typed_data": order.typed_data(domain),
    }


def _fee_minor(services: Services, named: NamedAsset, wish: OrderIn, amount_minor: int) -> int:
    policy = services.settings.fee_policy(named.asset_id, named.asset.takes_fee)
    needed_minor = policy.needed_minor_up(amount_minor)
    if wish.fee is None:
        return fee_minor_up(needed_minor)
    fee_byte(wish.fee)
    if wish.fee and not named.asset.takes_fee:
        raise errors.FeeNotAllowed()
    if wish.fee < needed_minor:
        raise errors.FeeTooLow(needed_minor, wish.fee)
    return wish.fee


def _order(
    wish: OrderIn,
    named: NamedAsset,
    amount_minor: int,
    fee_minor: int,
    nonce: int,
    valid_until: int,
) -> Order:
    asset = named.asset
    amount, fee = to_base(amount_minor, asset.unit), to_base(fee_minor, asset.unit)
    payer = Address(wish.payer)
    if wish.kind == "withdrawal":
        if wish.payee is not None or wish.memo is not None:
            raise errors.MalformedRequest("payee", "a withdrawal has neither payee nor memo")
        return WithdrawalOrder(payer, asset.token, amount, fee, nonce, valid_until)
    if wish.payee is None:
        raise errors.MalformedRequest("payee", "a payment has a payee")
    payee = Address(wish.payee)
    if payee == payer:
        raise errors.SameAccount()
    memo = memo_of(wish.memo)
    return PaymentOrder(payer, payee, asset.token, amount, fee, nonce, valid_until, memo)
