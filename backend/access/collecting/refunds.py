"""Refunds. Law: what a payment's refunds pay back, with all prepared ones, is at most its amount.

A refund is an order of the payee's that bears the hash of the payment and its own number as memo.
"""

from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool

from backend.access.building import amount_minor_of, order_of
from backend.access.collecting.fates import Fate, executed_status, fate_of
from backend.access.collecting.schemas import RefundIn
from backend.access.schemas import OrderIn
from backend.access.services import Services
from backend.access.submitting import find
from backend.access.texts import time_text, ts_s_of
from backend.access.views import Json
from backend.protocol.errors import (
    IdempotencyKeyReused,
    MalformedRequest,
    NonceTooLow,
    PaymentNotFinal,
    RefundNotAllowed,
)
from backend.protocol.hashing import ZERO_DIGEST, Digest, keccak
from backend.protocol.orders import PaymentOrder
from backend.protocol.types import address_text, digest_text
from backend.records.registers.refunds import Refund

# A prepared refund keeps others out, so nobody may prepare one for ever.
LIFE_S_MAX: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class _Original:
    """The payment that is paid back, whoever tells of it."""

    payer: bytes
    payee: bytes
    asset_id: int
    amount_minor: int
    memo: bytes


def refund_memo(payment_id: bytes, number: int) -> Digest:
    """Return what binds refund `number` (from 1) to its payment."""
    return keccak(b"Causeway refund" + payment_id + number.to_bytes(4))


async def prepare_refund(
    services: Services, payment_id: Digest, wish: RefundIn, scope: str
) -> Refund:
    """Reserve an amount and return the order that pays it back; a repeat returns the first.

    Raises RefundExceeded, RefundNotAllowed, PaymentNotFinal, PaymentNotFound, or what building an
    order raises.
    """
    register = services.needs.registers.collecting.refunds
    amount_minor = amount_minor_of(wish.amount)
    _check_life(services, wish)
    while True:
        known = await run_in_threadpool(register.of_scope, scope)
        if known is not None:
            if (known.payment_id, known.amount_minor) != (payment_id, amount_minor):
                raise IdempotencyKeyReused("amount")
            return known
        original = await _original(services, payment_id)
        earlier = await run_in_threadpool(register.of_payment, payment_id)
        for refund in earlier:
            if refund.state == "prepared":
                await refund_fate(services, refund)
        number = earlier[-1].number + 1 if earlier else 1
        memo = refund_memo(payment_id, number)
        order = await _order(services, original, wish, memo)
        prepared = Refund(
            order.digest(services.settings.domain),
            payment_id,
            number,
            scope,
            amount_minor,
            memo,
            order.encode(),
            "prepared",
            services.needs.clock_ms(),
        )
        if await run_in_threadpool(register.add, prepared, original.amount_minor):
            return prepared


def _check_life(services: Services, wish: RefundIn) -> None:
    if wish.valid_until is None:
        return
    if ts_s_of(wish.valid_until) > services.needs.clock_ms() // 1000 + LIFE_S_MAX:
        raise MalformedRequest("valid_until", "a refund is prepared for a day at most")


async def _order(
    services: Services, original: _Original, wish: RefundIn, memo: Digest
) -> PaymentOrder:
    order = await order_of(
        services,
        OrderIn.model_validate(
            {
                "payer": address_text(original.payee),
                "payee": address_text(original.payer),
                "asset": str(original.asset_id),
                "amount": str(wish.amount),
                "fee": None if wish.fee is None else str(wish.fee),
                "memo": digest_text(memo),
                "valid_until": wish.valid_until,
            }
        ),
    )
    assert isinstance(order, PaymentOrder)
    return order


async def _original(services: Services, payment_id: Digest) -> _Original:
    """Return a final payment that may be paid back."""
    found = await _final_payment(services, payment_id)
    if found.memo != ZERO_DIGEST:
        register = services.needs.registers.collecting.refunds
        refund = await run_in_threadpool(register.of_memo, found.memo)
        if refund is not None and refund.order_id == payment_id:
            raise RefundNotAllowed("it is a refund itself")
    return found


async def _final_payment(services: Services, payment_id: Digest) -> _Original:
    reader = services.reader
    placed = await run_in_threadpool(reader.payment, payment_id)
    if placed is not None:
        row = placed.order
        return _Original(row.payer, row.payee, row.asset_id, row.amount_minor, row.memo)
    if await run_in_threadpool(reader.withdrawal, payment_id) is not None:
        raise RefundNotAllowed("it is a withdrawal")
    shown = await find(services, payment_id, is_withdrawal=False)
    kept = services.accepted.get(payment_id)
    order = None if kept is None else kept.authorised.order
    named = None if order is None else services.assets.of_token(order.asset)
    if shown["status"] != "final" or named is None or not isinstance(order, PaymentOrder):
        raise PaymentNotFinal(shown["status"])
    # Final this instant: the projections don't show it yet.
    amount_minor = order.amount // named.asset.unit
    return _Original(order.payer, order.payee, named.asset_id, amount_minor, order.memo)


async def refund_fate(services: Services, refund: Refund) -> Fate:
    """Return what became of a refund; one that is over frees what it reserved."""
    order = PaymentOrder.decode(refund.order_fields)
    fate = await fate_of(services, Digest(refund.order_id), [order])
    register = services.needs.registers.collecting.refunds
    if refund.state == "prepared" and fate.kind == "executed":
        await run_in_threadpool(register.mark, refund.order_id, "executed")
    elif refund.state == "prepared" and fate.is_over:
        await run_in_threadpool(register.mark, refund.order_id, "released")
    return fate


async def refunds_of(services: Services, payment_id: Digest) -> list[Refund]:
    """Return a payment's refunds by number. Raises PaymentNotFound."""
    register = services.needs.registers.collecting.refunds
    found = await run_in_threadpool(register.of_payment, payment_id)
    if not found:
        await find(services, payment_id, is_withdrawal=False)
    return found


async def refund_view(services: Services, refund: Refund) -> Json:
    """Show a refund and how it stands; while it is prepared, what the payee signs."""
    fate = await refund_fate(services, refund)
    is_open = fate.kind == "open" and refund.state == "prepared"
    order = PaymentOrder.decode(refund.order_fields)
    named = services.assets.of_token(order.asset)
    unit = 1 if named is None else named.asset.unit
    return {
        "object": "refund",
        "id": digest_text(refund.order_id),
        "payment_id": digest_text(refund.payment_id),
        "number": refund.number,
        "status": await _status(services, refund, fate),
        "code": NonceTooLow.code if fate.kind == "overtaken" else fate.code,
        "payer": address_text(order.payer),
        "payee": address_text(order.payee),
        "asset": address_text(order.asset) if named is None else named.code,
        "amount": str(refund.amount_minor),
        "fee": str(order.fee // unit),
        "memo": digest_text(refund.memo),
        "valid_until": time_text(order.valid_until * 1000),
        "created_at": time_text(refund.created_ts_ms),
        "typed_data": order.typed_data(services.settings.domain) if is_open else None,
    }


async def _status(services: Services, refund: Refund, fate: Fate) -> str:
    match fate.kind:
        case "open":
            return "rejected" if refund.state == "released" else "prepared"
        case "executed":
            return await executed_status(services, refund.order_id)
        case "overtaken":
            return "rejected"
    return fate.kind
