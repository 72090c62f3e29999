"""Holds: models, and the resources of both clients.

Law: who sets money aside has compared the hold's order with what he asked for before he signs it.
The hold's account alone is the platform's word: it keeps the key.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Final

from causeway.errors import OrderMismatch
from causeway.flows import FEE_SHARE, Asked, Trust, asked, asset_of, compare, same
from causeway.models import Model
from causeway.resource import AsyncResource, Resource
from causeway.signing import (
    Address,
    Domain,
    Key,
    PaymentOrder,
    address_text,
    sign,
    to_bytes,
    to_text,
)
from causeway.transport import Flow, Request, parsed, post

_ORDERS_OF_A_HOLD: Final = 3  # paid in, captured, and the rest returned: each may bear a fee


@dataclass(frozen=True)
class Hold(Model):
    """Money set aside: created, authorised, then captured, released or expired.

    `order` is there as long as the payer has to sign it.
    """

    id: str
    status: str
    payer: str
    payee: str
    account: str
    asset: str
    amount: "int"
    fee_reserve: "int"
    held: "int"
    captured: "int"
    returned: "int"
    capture_payment_id: str | None
    expires_at: str
    order: dict[str, Any] | None


def _payer_text(payer: Address) -> str:
    is_customer = isinstance(payer, str) and not payer.startswith("0x")
    return str(payer) if is_customer else address_text(payer)


def create_hold(
    trust: Trust,
    payer: Address | Key,
    wish: Asked,
    fee_max: int | None,
    idempotency_key: str | None,
) -> Flow[Hold]:
    """Return the flow that makes a hold, and signs its order if the payer is a key."""
    is_key = isinstance(payer, Key)
    body = {
        "payer": to_text(payer.address) if isinstance(payer, Key) else _payer_text(payer),
        "payee": to_text(wish.payee or b""),
        "asset": wish.asset,
        "amount": str(wish.amount),
        "expires_at": str(wish.valid_until),
        "memo": to_text(wish.memo),
    }
    made = Hold.parse((yield post("/v1/holds", body, key=idempotency_key)))
    if not is_key or made.order is None:
        return made
    assert isinstance(payer, Key)
    return (yield from authorize_hold(trust, payer, made, wish, fee_max))


def authorize_hold(
    trust: Trust, key: Key, hold: Hold, wish: Asked, fee_max: int | None
) -> Flow[Hold]:
    """Return the flow that compares a hold's order with the wish, signs it here and sends it."""
    if hold.order is None:
        raise ValueError(f"the hold is {hold.status}: there is nothing to sign")
    asset = yield from asset_of(trust, wish.asset)
    domain = trust.accept_domain(Domain.from_json(hold.order["typed_data"]["domain"]))
    order = PaymentOrder.from_message(hold.order["typed_data"]["message"])
    same("hold's payee", to_text(wish.payee or b""), hold.payee)
    reserve, rest = divmod(order.amount - wish.amount * asset.unit, asset.unit)
    same("amount", 0, rest)
    costs_max = wish.amount // FEE_SHARE * _ORDERS_OF_A_HOLD if fee_max is None else fee_max
    if reserve < 0 or reserve + order.fee // asset.unit > costs_max:
        raise OrderMismatch("fees", f"0 to {costs_max}", reserve + order.fee // asset.unit)
    paid_in = Asked(
        to_bytes(hold.account, 20),
        wish.asset,
        wish.amount + reserve,
        None,
        costs_max,
        wish.memo,
        wish.valid_until,
    )
    compare(paid_in, asset, key.address, order)
    signed = sign(order, key, domain)
    same("id", to_text(signed.id), hold.order["id"])
    path = f"/v1/holds/{hold.id}/authorization"
    body = {"signature": to_text(signed.signature)}
    return Hold.parse((yield Request("POST", path, body=body)))


def _hold_wish(
    payee: Address, asset: str, amount: int, expires_at: int, memo: str | bytes | None
) -> Asked:
    return asked(payee=payee, asset=asset, amount=amount, memo=memo, valid_until=expires_at)


def _capture_request(hold_id: str, amount: int | None, key: str | None) -> Request:
    body = {} if amount is None else {"amount": str(amount)}
    return post(f"/v1/holds/{hold_id}/capture", body, key=key)


def _parties(payer: Address | None, payee: Address | None) -> dict[str, Any]:
    people = {"payer": payer, "payee": payee}
    return {name: address_text(who) for name, who in people.items() if who}


class Holds(Resource):
    """Holds of the blocking client."""

    def create(
        self,
        *,
        payer: Address | Key,
        payee: Address,
        asset: str,
        amount: int,
        expires_at: int,
        memo: str | bytes | None = None,
        fee_max: int | None = None,
        idempotency_key: str | None = None,
    ) -> Hold:
        """Make a hold until `expires_at` (seconds). A payer's key signs it here and now; a customer
        of the platform's (his id) has paid in when this returns; anybody else authorises later.

        All fees together may be `fee_max` at most, by default 3 % of the amount. Raises
        OrderMismatch; nothing is signed then.
        """
        wish = _hold_wish(payee, asset, amount, expires_at, memo)
        flow = create_hold(self._client.trust, payer, wish, fee_max, idempotency_key)
        return self._client.run(flow)

    def authorize(
        self,
        hold: Hold,
        key: Key,
        *,
        payee: Address,
        asset: str,
        amount: int,
        expires_at: int,
        memo: str | bytes | None = None,
        fee_max: int | None = None,
    ) -> Hold:
        """Set the money aside: compare the hold's order with what is meant, sign and send it."""
        wish = _hold_wish(payee, asset, amount, expires_at, memo)
        return self._client.run(authorize_hold(self._client.trust, key, hold, wish, fee_max))

    def capture(
        self, hold_id: str, amount: int | None = None, *, idempotency_key: str | None = None
    ) -> Hold:
        """Pay the payee all, or `amount`; the rest goes back at once."""
        request = _capture_request(hold_id, amount, idempotency_key)
        return self._client.run(parsed(Hold.parse, request))

    def release(self, hold_id: str, *, idempotency_key: str | None = None) -> Hold:
        """Give the money back to the payer. A repeat changes nothing."""
        request = post(f"/v1/holds/{hold_id}/release", None, key=idempotency_key)
        return self._client.run(parsed(Hold.parse, request))

    def get(self, hold_id: str) -> Hold:
        """Get a hold as it stands in the ledger. Raises NotFound."""
        return self._client.get(Hold, f"/v1/holds/{hold_id}")

    def list(self, *, payer: Address | None = None, payee: Address | None = None) -> Iterator[Hold]:
        """Iterate over holds, the newest first."""
        return self._client.pages(Hold, "/v1/holds", _parties(payer, payee))


class AsyncHolds(AsyncResource):
    """Holds of the asynchronous client."""

    async def create(
        self,
        *,
        payer: Address | Key,
        payee: Address,
        asset: str,
        amount: int,
        expires_at: int,
        memo: str | bytes | None = None,
        fee_max: int | None = None,
        idempotency_key: str | None = None,
    ) -> Hold:
        """Make a hold until `expires_at` (seconds). A payer's key signs it here and now; a customer
        of the platform's (his id) has paid in when this returns; anybody else authorises later.

        All fees together may be `fee_max` at most, by default 3 % of the amount. Raises
        OrderMismatch; nothing is signed then.
        """
        wish = _hold_wish(payee, asset, amount, expires_at, memo)
        flow = create_hold(self._client.trust, payer, wish, fee_max, idempotency_key)
        return await self._client.run(flow)

    async def authorize(
        self,
        hold: Hold,
        key: Key,
        *,
        payee: Address,
        asset: str,
        amount: int,
        expires_at: int,
        memo: str | bytes | None = None,
        fee_max: int | None = None,
    ) -> Hold:
        """Set the money aside: compare the hold's order with what is meant, sign and send it."""
        wish = _hold_wish(payee, asset, amount, expires_at, memo)
        return await self._client.run(authorize_hold(self._client.trust, key, hold, wish, fee_max))

    async def capture(
        self, hold_id: str, amount: int | None = None, *, idempotency_key: str | None = None
    ) -> Hold:
        """Pay the payee all, or `amount`; the rest goes back at once."""
        request = _capture_request(hold_id, amount, idempotency_key)
        return await self._client.run(parsed(Hold.parse, request))

    async def release(self, hold_id: str, *, idempotency_key: str | None = None) -> Hold:
        """Give the money back to the payer. A repeat changes nothing."""
        request = post(f"/v1/holds/{hold_id}/release", None, key=idempotency_key)
        return await self._client.run(parsed(Hold.parse, request))

    async def get(self, hold_id: str) -> Hold:
        """Get a hold as it stands in the ledger. Raises NotFound."""
        return await self._client.get(Hold, f"/v1/holds/{hold_id}")

    def list(
        self, *, payer: Address | None = None, payee: Address | None = None
    ) -> AsyncIterator[Hold]:
        """Iterate over holds, the newest first."""
        return self._client.pages(Hold, "/v1/holds", _parties(payer, payee))
