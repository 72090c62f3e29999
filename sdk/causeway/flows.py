"""What each call of the client does, without doing it: both clients run these flows.

Law: what is signed is made here, from what the caller asked for; what the platform wrote is only
compared with it.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from causeway.errors import OrderMismatch
from causeway.models import Asset, BulkLine, ModelT, Page
from causeway.signing import (
    ZERO_HASH,
    Domain,
    Key,
    Order,
    PaymentOrder,
    SignedOrder,
    WithdrawalOrder,
    memo_hash,
    sign,
    to_bytes,
    to_text,
)
from causeway.transport import Flow, Request, post

ORDER_LIFE_S_MAX: Final = 24 * 3600
FEE_SHARE: Final = 100  # without a limit of the caller's, a fee of 1 % is accepted
BULK_CONTENT_TYPE: Final = "application/x-causeway-orders"


@dataclass
class Trust:
    """What the client relies on when it signs: given by its owner, or first seen and then kept."""

    domain: Domain | None = None
    assets: dict[str, Asset] = field(default_factory=dict)

    def accept_domain(self, domain: Domain) -> Domain:
        """Return the domain to sign in. Raises OrderMismatch if it is another one than before."""
        if self.domain is None:
            self.domain = domain
        if domain != self.domain:
            raise OrderMismatch("domain", self.domain, domain)
        return self.domain

    def accept_asset(self, asset: Asset) -> Asset:
        """Return the asset. Raises OrderMismatch if its token or unit has changed."""
        known = self.assets.setdefault(asset.code, asset)
        if (known.token.lower(), known.unit) != (asset.token.lower(), asset.unit):
            raise OrderMismatch(f"asset {asset.code}", known.token, asset.token)
        return known


@dataclass(frozen=True)
class Asked:
    """What the caller wants signed; amounts are minor units."""

    payee: bytes | None  # None: a withdrawal
    asset: str
    amount: int
    fee: int | None
    fee_max: int | None
    memo: bytes
    valid_until: int | None  # seconds


def asked(
    *,
    payee: str | bytes | None,
    asset: str,
    amount: int,
    fee: int | None = None,
    fee_max: int | None = None,
    memo: str | bytes | None = None,
    valid_until: int | None = None,
) -> Asked:
    """Return the caller's wish with its shape checked. Raises ValueError or TypeError."""
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise TypeError("an amount is a whole number of minor units, an int")
    if amount <= 0:
        raise ValueError("an amount is above 0")
    return Asked(
        None if payee is None else to_bytes(payee, 20),
        asset,
        amount,
        fee,
        fee_max,
        memo_hash(memo),
        valid_until,
    )


def page(parse: Callable[[Mapping[str, Any]], ModelT], request: Request) -> Flow[Page[ModelT]]:
    """Return the flow of one page of a list."""
    answer = yield request
    return Page([parse(item) for item in answer["data"]], answer["has_more"], answer["next_cursor"])


def asset_of(trust: Trust, name: str) -> Flow[Asset]:
    """Return the flow that finds an asset by its code, asked for once."""
    if name not in trust.assets:
        trust.accept_asset(Asset.parse((yield Request("GET", f"/v1/assets/{name}"))))
    found = trust.assets.get(name)
    if found is None:
        raise OrderMismatch("asset", name, "an asset of another code")
    return found


def sign_order(
    trust: Trust, key: Key, wish: Asked, idempotency_key: str | None
) -> Flow[SignedOrder]:
    """Return the flow that has an order built, compares it with the wish, and signs it here."""
    asset = yield from asset_of(trust, wish.asset)
    body: dict[str, Any] = {
        "kind": "withdrawal" if wish.payee is None else "payment",
        "payer": to_text(key.address),
        "asset": wish.asset,
        "amount": str(wish.amount),
    }
    if wish.payee is not None:
        body |= {"payee": to_text(wish.payee), "memo": to_text(wish.memo)}
    if wish.fee is not None:
        body["fee"] = str(wish.fee)
    if wish.valid_until is not None:
        body["valid_until"] = str(wish.valid_until)
    built = yield post("/v1/orders", body, key=idempotency_key)
    domain = trust.accept_domain(Domain.from_json(built["typed_data"]["domain"]))
    message = built["typed_data"]["message"]
    if wish.payee is None:
        order: Order = WithdrawalOrder.from_message(message)
    else:
        order = PaymentOrder.from_message(message)
    compare(wish, asset, key.address, order)
    signed = sign(order, key, domain)
    same("id", to_text(signed.id), built["id"])
    return signed


def same(field_name: str, expected: object, actual: object) -> None:
    """Check that two are equal. Raises OrderMismatch."""
    if expected != actual:
        raise OrderMismatch(field_name, expected, actual)


def compare(wish: Asked, asset: Asset, payer: bytes, order: Order, link: bytes = ZERO_HASH) -> None:
    """Check that the order says what was asked for, and nothing more. Raises OrderMismatch."""
    same("payer", to_text(payer), to_text(order.payer))
    same("asset", asset.token.lower(), "0x" + order.asset.hex())
    same("amount", wish.amount * asset.unit, order.amount)
    if wish.fee is not None:
        same("fee", wish.fee * asset.unit, order.fee)
    else:
        fee_max = wish.amount // FEE_SHARE if wish.fee_max is None else wish.fee_max
        if order.fee > fee_max * asset.unit:
            raise OrderMismatch("fee", f"at most {fee_max * asset.unit}", order.fee)
    if wish.valid_until is not None:
        same("validUntil", wish.valid_until, order.valid_until)
    elif order.valid_until > time.time() + ORDER_LIFE_S_MAX:
        raise OrderMismatch("validUntil", "within a day", order.valid_until)
    if isinstance(order, PaymentOrder):
        same("payee", to_text(wish.payee or b""), to_text(order.payee))
        same("memo", to_text(wish.memo), to_text(order.memo))
        same("link", to_text(link), to_text(order.link))


def submit(
    parse: Callable[[Mapping[str, Any]], ModelT], signed: SignedOrder, wait_final: bool
) -> Flow[ModelT]:
    """Return the flow that sends a signed order. The digest is its key: a repeat is safe."""
    path = "/v1/withdrawals" if signed.is_withdrawal else "/v1/payments"
    headers = {"Prefer": "wait=final"} if wait_final else {}
    answer = yield Request("POST", path, body=signed.to_json(), headers=headers)
    same("id", to_text(signed.id), answer["id"])
    return parse(answer)


def create(
    parse: Callable[[Mapping[str, Any]], ModelT],
    trust: Trust,
    signed: SignedOrder | None,
    key: Key | None,
    wish: Asked | None,
    wait_final: bool,
) -> Flow[ModelT]:
    """Return the flow that signs if need be, and sends."""
    if signed is None:
        if key is None or wish is None:
            raise TypeError("pass a signed order, or a key and what to pay")
        signed = yield from sign_order(trust, key, wish, None)
    return (yield from submit(parse, signed, wait_final))


def bulk(orders: Iterable[SignedOrder]) -> Flow[list[BulkLine]]:
    """Return the flow that sends many signed orders at once, and reads what became of each."""
    body = b"".join(signed.record() for signed in orders)
    text = yield Request("POST", "/v1/payments/bulk", body=body, content_type=BULK_CONTENT_TYPE)
    lines = [json.loads(line) for line in text.splitlines() if line]
    return [
        BulkLine(line["line"], line.get("id"), line.get("status"), line.get("error"))
        for line in lines
    ]
