"""Examples of customers, holds and schedules, for OpenAPI."""

from typing import Final

from backend.access.api.examples import HASH, ORDER, PAYEE, PAYER, ROLLUP, TIME, ZERO, Example

CUSTOMER_ID: Final = "cus_1f0c9f6a2b7d4e83a1d2c3b4a5968778"
CUSTOMER: Final[Example] = {
    "object": "customer",
    "id": CUSTOMER_ID,
    "external_id": "customer-17",
    "address": PAYER,
    "created_at": TIME,
}
KEY_USE: Final[Example] = {
    "object": "key_use",
    "id": "41",
    "key_id": CUSTOMER_ID,
    "purpose": "payment",
    "digest": HASH,
    "actor": "1f0c9f6a2b7d4e83",
    "created_at": TIME,
}
HOLD: Final[Example] = {
    "object": "hold",
    "id": "hold_1f0c9f6a2b7d4e83a1d2c3b4a5968778",
    "status": "created",
    "payer": PAYER,
    "payee": PAYEE,
    "account": ROLLUP,
    "customer_id": None,
    "asset": "USDX",
    "amount": "1000000",
    "fee_reserve": "600",
    "fee": "500",
    "held": "0",
    "captured": "0",
    "returned": "0",
    "capture_payment_id": None,
    "memo": ZERO,
    "is_moving": False,
    "expires_at": TIME,
    "created_at": TIME,
    "order": ORDER,
}
AUTHORISED: Final[Example] = HOLD | {"status": "authorised", "held": "1000600", "order": None}
CAPTURED: Final[Example] = HOLD | {
    "status": "captured",
    "captured": "1000000",
    "capture_payment_id": HASH,
    "order": None,
}
RELEASED: Final[Example] = HOLD | {"status": "released", "returned": "1000100", "order": None}
SCHEDULE: Final[Example] = {
    "object": "schedule",
    "id": "sch_1f0c9f6a2b7d4e83a1d2c3b4a5968778",
    "status": "active",
    "customer_id": CUSTOMER_ID,
    "payee": PAYEE,
    "asset": "USDX",
    "amount": "1000000",
    "memo": ZERO,
    "first_at": TIME,
    "every": "month",
    "count": 12,
    "begun": 1,
    "next_at": TIME,
    "created_at": TIME,
}
OCCURRENCE: Final[Example] = {
    "object": "occurrence",
    "id": "0",
    "schedule_id": SCHEDULE["id"],
    "status": "paid",
    "due_at": TIME,
    "code": None,
    "payment_id": HASH,
}
