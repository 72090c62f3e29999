"""Custodial customers, uses of keys, orders that we sign, holds, schedules. Law: no secret."""

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table

from backend.records.tables.registers import metadata
from backend.records.tables.types import ADDRESS, HASH, U63, optional, required

customers: Final = Table(
    "customers",
    metadata,
    Column("number", U63, primary_key=True),
    required("id", String(40)),
    required("external_id", String(100)),
    required("address", ADDRESS),
    required("created_ts_ms", U63),
    Index("customers_by_id", "id", unique=True),
    Index("customers_by_external_id", "external_id", unique=True),
    Index("customers_by_address", "address", unique=True),
)

key_uses: Final = Table(
    "key_uses",
    metadata,
    Column("number", U63, primary_key=True),
    required("key_id", String(40)),  # a customer's id, or a hold's
    required("purpose", String(16)),
    required("digest", HASH),
    required("actor", String(64)),  # the id of an API key, or what acts by itself
    required("ts_ms", U63),
    Index("key_uses_by_key", "key_id", "number"),
)

kept_orders: Final = Table(
    "kept_orders",
    metadata,
    Column("number", U63, primary_key=True),
    required("task", String(120)),  # what it is signed for; the newest one counts
    required("owner_id", String(40)),  # a customer's id, or a hold's
    required("record", LargeBinary()),
    required("record_id", HASH),
    required("order_id", HASH),  # the digest of its first order
    required("paid_minor", U63),
    required("returned_minor", U63),
    required("created_ts_ms", U63),
    Index("kept_orders_by_task", "task", "number"),
    Index("kept_orders_by_owner", "owner_id", "number"),
)

holds: Final = Table(
    "holds",
    metadata,
    Column("number", U63, primary_key=True),
    required("id", String(40)),
    required("account", ADDRESS),
    required("payer", ADDRESS),
    required("payee", ADDRESS),
    required("asset_id", Integer()),
    required("amount_minor", U63),
    required("reserve_minor", U63),
    required("memo", HASH),
    required("expires_ts_s", U63),
    required("funding", LargeBinary()),  # the payer's order, 204 bytes
    required("created_ts_ms", U63),
    optional("customer_id", String(40)),
    optional("released_ts_ms", U63),  # when its end was asked for, not when it came
    optional("closed_ts_ms", U63),  # since when nobody has to look at it
    Index("holds_by_id", "id", unique=True),
    Index("holds_by_payer", "payer", "number"),
    Index("holds_by_closing", "closed_ts_ms", "number"),
)

schedules: Final = Table(
    "schedules",
    metadata,
    Column("number", U63, primary_key=True),
    required("id", String(40)),
    required("customer_id", String(40)),
    required("payee", ADDRESS),
    required("asset_id", Integer()),
    required("amount_minor", U63),
    required("memo", HASH),
    required("first_ts_s", U63),
    required("every", String(8)),  # once, day, week, month
    required("count", Integer()),
    required("begun", Integer()),  # how many occurrences are in their table
    required("look_ts_ms", U63),  # nothing has to be done before
    required("created_ts_ms", U63),
    optional("cancelled_ts_ms", U63),
    optional("ended_ts_ms", U63),
    Index("schedules_by_id", "id", unique=True),
    Index("schedules_by_customer", "customer_id", "number"),
    Index("schedules_by_look", "ended_ts_ms", "look_ts_ms", "number"),
)

occurrences: Final = Table(
    "occurrences",
    metadata,
    Column("schedule_id", String(40), primary_key=True),
    Column("ordinal", Integer(), primary_key=True, autoincrement=False),  # from 0
    required("due_ts_s", U63),
    required("status", String(16)),  # due, paid, skipped, cancelled
    optional("tried_ts_ms", U63),  # the first try, from which the window is counted
    optional("next_try_ts_ms", U63),
    optional("code", String(64)),  # why the last try failed
    optional("payment_id", HASH),
)
