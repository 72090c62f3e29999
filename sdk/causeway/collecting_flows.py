"""What refunds and groups of payments take, without doing it: both clients run these flows.

Law: who signs a leg has compared all legs with what he expects; who pays back has compared the
payment with its id, which is its order's digest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from eth_utils.crypto import keccak

from causeway.collecting_models import Group
from causeway.errors import OrderMismatch
from causeway.flows import Asked, Trust, asked, asset_of, compare, same, submit
from causeway.models import Payment
from causeway.signing import (
    ZERO_HASH,
    Domain,
    Key,
    PaymentOrder,
    address_text,
    sign,
    to_bytes,
    to_text,
)
from causeway.transport import Flow, Request, post

_WAIT: Final = {"Prefer": "wait=final"}


@dataclass(frozen=True)
class Leg:
    """One payment of a group; `amount`, `fee` and `fee_max` are minor units."""

    payer: str | bytes
    payee: str | bytes
    asset: str
    amount: int
    fee: int | None = None
    fee_max: int | None = None
    memo: str | bytes | None = None

    def wish(self, valid_until: int | None) -> Asked:
        """Return the leg as a wish with its shape checked. Raises ValueError or TypeError."""
        return asked(
            payee=self.payee,
            asset=self.asset,
            amount=self.amount,
            fee=self.fee,
            fee_max=self.fee_max,
            memo=self.memo,
            valid_until=valid_until,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the leg as a request has it."""
        wish = self.wish(None)
        body = {
            "payer": address_text(self.payer),
            "payee": to_text(wish.payee or b""),
            "asset": self.asset,
            "amount": str(self.amount),
            "memo": to_text(wish.memo),
        }
        return body if self.fee is None else body | {"fee": str(self.fee)}


def group_link(orders: Sequence[PaymentOrder]) -> bytes:
    """Return the link that binds the legs of a group, which is its id."""
    return keccak(b"".join(replace(order, link=ZERO_HASH).struct_hash() for order in orders))


def refund_memo(payment_id: bytes, number: int) -> bytes:
    """Return the memo of a payment's refund, counted from 1."""
    return keccak(b"Causeway refund" + payment_id + number.to_bytes(4))


def sign_group(
    trust: Trust,
    key: Key,
    group_id: str,
    expected: Sequence[Leg],
    valid_until: int | None,
    wait_final: bool,
) -> Flow[Group]:
    """Return the flow that compares all legs of a group, and signs those of the key."""
    shown = yield Request("GET", f"/v1/groups/{group_id}")
    legs = shown["legs"]
    same("legs", len(expected), len(legs))
    orders: list[PaymentOrder] = []
    for leg, wanted in zip(legs, expected, strict=True):
        order = PaymentOrder.from_message(leg["typed_data"]["message"])
        asset = yield from asset_of(trust, wanted.asset)
        payer, is_mine = to_bytes(wanted.payer, 20), order.payer == key.address
        # What others pay as fees is theirs to check.
        wish = wanted.wish(valid_until)
        wish = wish if is_mine else replace(wish, fee=None, fee_max=order.fee // asset.unit)
        compare(wish, asset, payer, order, order.link)
        orders.append(order)
    link = group_link(orders)
    same("id", to_text(link), group_id.lower())
    for order in orders:
        same("link", to_text(link), to_text(order.link))
    mine = [place for place, order in enumerate(orders) if order.payer == key.address]
    if not mine:
        raise ValueError("no leg of the group is this key's to sign")
    for place in mine:
        domain = trust.accept_domain(Domain.from_json(legs[place]["typed_data"]["domain"]))
        signed = sign(orders[place], key, domain)
        same("id", to_text(signed.id), legs[place]["id"])
        body = {"leg": place, "signature": to_text(signed.signature)}
        headers = _WAIT if wait_final else {}
        path = f"/v1/groups/{group_id}/signatures"
        shown = yield Request("POST", path, body=body, headers=headers)
    return Group.parse(shown)


def refund(
    trust: Trust,
    key: Key,
    payment_id: str,
    amount: int,
    fee_max: int | None,
    wait_final: bool,
    idempotency_key: str | None,
) -> Flow[Payment]:
    """Return the flow that has a refund prepared, compares it with its payment, and pays it."""
    original_id = to_bytes(payment_id, 32)
    payment = yield Request("GET", f"/v1/payments/{payment_id}")
    path = f"/v1/payments/{payment_id}/refunds"
    prepared = yield post(path, {"amount": str(amount)}, key=idempotency_key)
    if prepared["typed_data"] is None:  # sent already: by an earlier call, or by the platform
        return Payment.parse((yield Request("GET", f"/v1/payments/{prepared['id']}")))
    domain = trust.accept_domain(Domain.from_json(prepared["typed_data"]["domain"]))
    original = yield from _original(trust, payment)
    same("payment", payment_id.lower(), to_text(domain.digest(original.struct_hash())))
    same("payee", to_text(key.address), to_text(original.payee))
    wish = asked(
        payee=original.payer,
        asset=str(payment["asset"]),
        amount=amount,
        fee_max=fee_max,
        memo=refund_memo(original_id, int(prepared["number"])),
    )
    asset = yield from asset_of(trust, wish.asset)
    order = PaymentOrder.from_message(prepared["typed_data"]["message"])
    compare(wish, asset, key.address, order)
    signed = sign(order, key, domain)
    same("id", to_text(signed.id), prepared["id"])
    return (yield from submit(Payment.parse, signed, wait_final))


def _original(trust: Trust, payment: dict[str, Any]) -> Flow[PaymentOrder]:
    """Return the flow of the order that a payment shows."""
    if payment.get("payer") is None:
        raise OrderMismatch("payment", "one that is known in full", payment["status"])
    asset = yield from asset_of(trust, payment["asset"])
    return PaymentOrder(
        to_bytes(payment["payer"], 20),
        to_bytes(payment["payee"], 20),
        to_bytes(asset.token, 20),
        int(payment["amount"]) * asset.unit,
        int(payment["fee"]) * asset.unit,
        int(payment["nonce"]),
        int(datetime.fromisoformat(payment["valid_until"]).timestamp()),
        to_bytes(payment["memo"], 32),
        ZERO_HASH if payment["group_id"] is None else to_bytes(payment["group_id"], 32),
    )
