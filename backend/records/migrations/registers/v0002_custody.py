"""Custodial customers, uses of their keys, holds and schedules."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

U63 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("customers", "key_uses", "kept_orders", "holds", "schedules", "occurrences")


def upgrade() -> None:
    _customers()
    _key_uses()
    _kept_orders()
    _holds()
    _schedules()
    _occurrences()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def _customers() -> None:
    op.create_table(
        "customers",
        sa.Column("number", U63, nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("external_id", sa.String(length=100), nullable=False),
        sa.Column("address", sa.LargeBinary(20), nullable=False),
        sa.Column("created_ts_ms", U63, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("customers_by_id", "customers", ["id"], unique=True)
    op.create_index("customers_by_external_id", "customers", ["external_id"], unique=True)
    op.create_index("customers_by_address", "customers", ["address"], unique=True)


def _key_uses() -> None:
    op.create_table(
        "key_uses",
        sa.Column("number", U63, nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("ts_ms", U63, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("key_uses_by_key", "key_uses", ["key_id", "number"], unique=False)


def _kept_orders() -> None:
    op.create_table(
        "kept_orders",
        sa.Column("number", U63, nullable=False),
        sa.Column("task", sa.String(length=120), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("record_id", sa.LargeBinary(32), nullable=False),
        sa.Column("order_id", sa.LargeBinary(32), nullable=False),
        sa.Column("paid_minor", U63, nullable=False),
        sa.Column("returned_minor", U63, nullable=False),
        sa.Column("created_ts_ms", U63, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("kept_orders_by_task", "kept_orders", ["task", "number"], unique=False)
    op.create_index("kept_orders_by_owner", "kept_orders", ["owner_id", "number"], unique=False)


def _holds() -> None:
    op.create_table(
        "holds",
        sa.Column("number", U63, nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("account", sa.LargeBinary(20), nullable=False),
        sa.Column("payer", sa.LargeBinary(20), nullable=False),
        sa.Column("payee", sa.LargeBinary(20), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("amount_minor", U63, nullable=False),
        sa.Column("reserve_minor", U63, nullable=False),
        sa.Column("memo", sa.LargeBinary(32), nullable=False),
        sa.Column("expires_ts_s", U63, nullable=False),
        sa.Column("funding", sa.LargeBinary(), nullable=False),
        sa.Column("created_ts_ms", U63, nullable=False),
        sa.Column("customer_id", sa.String(length=40), nullable=True),
        sa.Column("released_ts_ms", U63, nullable=True),
        sa.Column("closed_ts_ms", U63, nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("holds_by_id", "holds", ["id"], unique=True)
    op.create_index("holds_by_payer", "holds", ["payer", "number"], unique=False)
    op.create_index("holds_by_closing", "holds", ["closed_ts_ms", "number"], unique=False)


def _schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("number", U63, nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=40), nullable=False),
        sa.Column("payee", sa.LargeBinary(20), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("amount_minor", U63, nullable=False),
        sa.Column("memo", sa.LargeBinary(32), nullable=False),
        sa.Column("first_ts_s", U63, nullable=False),
        sa.Column("every", sa.String(length=8), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("begun", sa.Integer(), nullable=False),
        sa.Column("look_ts_ms", U63, nullable=False),
        sa.Column("created_ts_ms", U63, nullable=False),
        sa.Column("cancelled_ts_ms", U63, nullable=True),
        sa.Column("ended_ts_ms", U63, nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("schedules_by_id", "schedules", ["id"], unique=True)
    op.create_index("schedules_by_customer", "schedules", ["customer_id", "number"], unique=False)
    op.create_index(
        "schedules_by_look", "schedules", ["ended_ts_ms", "look_ts_ms", "number"], unique=False
    )


def _occurrences() -> None:
    op.create_table(
        "occurrences",
        sa.Column("schedule_id", sa.String(length=40), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("due_ts_s", U63, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("tried_ts_ms", U63, nullable=True),
        sa.Column("next_try_ts_ms", U63, nullable=True),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("payment_id", sa.LargeBinary(32), nullable=True),
        sa.PrimaryKeyConstraint("schedule_id", "ordinal"),
    )
