"""Customers, uses of keys, holds and schedules as the API shows them."""

from typing import Any

from backend.access.custody.calendar import due_ts_s
from backend.access.custody.hold_states import HoldState
from backend.access.services import Services
from backend.access.texts import time_text
from backend.access.views import Json
from backend.protocol.orders import PaymentOrder
from backend.protocol.types import address_text, digest_text
from backend.records.registers.holds import Hold
from backend.records.registers.schedules import Schedule


def customer_view(customer: Any) -> Json:
    """Show a customer, from his row or his object."""
    return {
        "object": "customer",
        "id": customer.id,
        "external_id": customer.external_id,
        "address": address_text(customer.address),
        "created_at": time_text(customer.created_ts_ms),
    }


def key_use_view(row: Any) -> Json:
    """Show who had what signed, and when."""
    return {
        "object": "key_use",
        "id": str(row.number),
        "key_id": row.key_id,
        "purpose": row.purpose,
        "digest": digest_text(row.digest),
        "actor": row.actor,
        "created_at": time_text(row.ts_ms),
    }


def hold_view(services: Services, hold: Hold, state: HoldState) -> Json:
    """Show a hold; while it is created, with the order that its payer signs."""
    order = PaymentOrder.decode(hold.funding)
    domain = services.settings.domain
    captures = [one for one in state.done if one.paid_minor]
    is_open = state.status == "created" and not state.is_over
    asset = services.node.assets().get(hold.asset_id)
    unit = 1 if asset is None else asset.unit
    return {
        "object": "hold",
        "id": hold.id,
        "status": state.status,
        "payer": address_text(hold.payer),
        "payee": address_text(hold.payee),
        "account": address_text(hold.account),
        "customer_id": hold.customer_id,
        "asset": services.assets.code_of(hold.asset_id),
        "amount": str(hold.amount_minor),
        "fee_reserve": str(hold.reserve_minor),
        "fee": str(order.fee // unit),
        "held": str(state.held_minor),
        "captured": str(state.captured_minor),
        "returned": str(state.returned_minor),
        "capture_payment_id": digest_text(captures[0].order_id) if captures else None,
        "memo": digest_text(hold.memo),
        "is_moving": state.is_pending,
        "expires_at": time_text(hold.expires_ts_s * 1000),
        "created_at": time_text(hold.created_ts_ms),
        "order": {
            "object": "order",
            "id": digest_text(order.digest(domain)),
            "kind": "payment",
            "typed_data": order.typed_data(domain),
        }
        if is_open
        else None,
    }


def schedule_view(services: Services, schedule: Schedule) -> Json:
    """Show a schedule and when it pays next."""
    status = "active"
    if schedule.cancelled_ts_ms is not None:
        status = "cancelled"
    elif schedule.ended_ts_ms is not None:
        status = "done"
    next_ts_s = None
    if status == "active" and schedule.begun < schedule.count:
        next_ts_s = due_ts_s(schedule.first_ts_s, schedule.every, schedule.begun)
    return {
        "object": "schedule",
        "id": schedule.id,
        "status": status,
        "customer_id": schedule.customer_id,
        "payee": address_text(schedule.payee),
        "asset": services.assets.code_of(schedule.asset_id),
        "amount": str(schedule.amount_minor),
        "memo": digest_text(schedule.memo),
        "first_at": time_text(schedule.first_ts_s * 1000),
        "every": schedule.every,
        "count": schedule.count,
        "begun": schedule.begun,
        "next_at": None if next_ts_s is None else time_text(next_ts_s * 1000),
        "created_at": time_text(schedule.created_ts_ms),
    }


def occurrence_view(row: Any) -> Json:
    """Show a payment of a schedule: due, paid, skipped or cancelled, and why it failed last."""
    return {
        "object": "occurrence",
        "id": str(row.ordinal),
        "schedule_id": row.schedule_id,
        "status": row.status,
        "due_at": time_text(row.due_ts_s * 1000),
        "code": row.code,
        "payment_id": None if row.payment_id is None else digest_text(row.payment_id),
    }
