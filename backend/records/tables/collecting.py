"""The registers of collecting: payment requests, refunds, and groups that people sign.

A `scope` is the API key and the idempotency key that made a row: a repeat after a crash finds it.
"""

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table

from backend.records.tables.registers import metadata
from backend.records.tables.types import ADDRESS, HASH, SIGNATURE, U63, U64, optional, required

SCOPE: Final = String(300)
ORDER: Final = LargeBinary(204)  # a PaymentOrder's fields

payment_requests: Final = Table(
    "payment_requests",
    metadata,
    Column("sequence", U63, primary_key=True),
    required("id", String(40)),
    required("scope", SCOPE),
    required("payee", ADDRESS),
    required("asset_id", Integer()),
    optional("amount_minor", U63),  # empty: any amount
    required("memo", HASH),
    optional("expiry_ts_s", U64),
    required("created_ts_ms", U63),
    Index("payment_requests_by_id", "id", unique=True),
    Index("payment_requests_by_scope", "scope", unique=True),
    Index("payment_requests_by_memo", "payee", "asset_id", "memo", unique=True),
)

refunds: Final = Table(
    "refunds",
    metadata,
    Column("order_id", HASH, primary_key=True),
    required("payment_id", HASH),
    required("number", Integer()),  # from 1, of this payment
    required("scope", SCOPE),
    required("amount_minor", U63),
    required("memo", HASH),
    required("order_fields", ORDER),
    required("state", String(8)),  # prepared, executed, released
    required("created_ts_ms", U63),
    Index("refunds_by_payment", "payment_id", "number", unique=True),
    Index("refunds_by_scope", "scope", unique=True),
    Index("refunds_by_memo", "memo", unique=True),
)

groups: Final = Table(
    "groups",
    metadata,
    Column("sequence", U63, primary_key=True),
    required("id", HASH),  # the link
    required("scope", SCOPE),
    required("valid_until", U64),
    required("state", String(8)),  # signing, complete, accepted, dead
    optional("code", String(40)),  # why it is dead
    required("created_ts_ms", U63),
    Index("groups_by_id", "id", unique=True),
    Index("groups_by_scope", "scope", unique=True),
    Index("groups_by_state", "state"),
)

group_legs: Final = Table(
    "group_legs",
    metadata,
    Column("group_id", HASH, primary_key=True),
    Column("leg", Integer(), primary_key=True, autoincrement=False),  # from 0
    required("order_id", HASH),
    required("payer", ADDRESS),
    required("order_fields", ORDER),
    optional("signature", SIGNATURE),
    Index("group_legs_by_order", "order_id", unique=True),
    Index("group_legs_by_payer", "payer"),
)
