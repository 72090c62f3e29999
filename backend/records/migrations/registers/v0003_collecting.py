"""Groups being signed, refunds and payment requests."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

U63 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES: tuple[str, ...] = ("payment_requests", "refunds", "groups", "group_legs")


def upgrade() -> None:
    _payment_requests()
    _refunds()
    _groups()
    _group_legs()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def _payment_requests() -> None:
    op.create_table(
        "payment_requests",
        sa.Column("sequence", U63, nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.String(length=300), nullable=False),
        sa.Column("payee", sa.LargeBinary(20), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("amount_minor", U63, nullable=True),
        sa.Column("memo", sa.LargeBinary(32), nullable=False),
        sa.Column("expiry_ts_s", sa.BigInteger(), nullable=True),
        sa.Column("created_ts_ms", U63, nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
    )
    op.create_index("payment_requests_by_id", "payment_requests", ["id"], unique=True)
    op.create_index("payment_requests_by_scope", "payment_requests", ["scope"], unique=True)
    op.create_index(
        "payment_requests_by_memo", "payment_requests", ["payee", "asset_id", "memo"], unique=True
    )


def _refunds() -> None:
    op.create_table(
        "refunds",
        sa.Column("order_id", sa.LargeBinary(32), nullable=False),
        sa.Column("payment_id", sa.LargeBinary(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=300), nullable=False),
        sa.Column("amount_minor", U63, nullable=False),
        sa.Column("memo", sa.LargeBinary(32), nullable=False),
        sa.Column("order_fields", sa.LargeBinary(204), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("created_ts_ms", U63, nullable=False),
        sa.PrimaryKeyConstraint("order_id"),
    )
    op.create_index("refunds_by_payment", "refunds", ["payment_id", "number"], unique=True)
    op.create_index("refunds_by_scope", "refunds", ["scope"], unique=True)
    op.create_index("refunds_by_memo", "refunds", ["memo"], unique=True)


def _groups() -> None:
    op.create_table(
        "groups",
        sa.Column("sequence", U63, nullable=False),
        sa.Column("id", sa.LargeBinary(32), nullable=False),
        sa.Column("scope", sa.String(length=300), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("created_ts_ms", U63, nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
    )
    op.create_index("groups_by_id", "groups", ["id"], unique=True)
    op.create_index("groups_by_scope", "groups", ["scope"], unique=True)
    op.create_index("groups_by_state", "groups", ["state"], unique=False)


def _group_legs() -> None:
    op.create_table(
        "group_legs",
        sa.Column("group_id", sa.LargeBinary(32), nullable=False),
        sa.Column("leg", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.LargeBinary(32), nullable=False),
        sa.Column("payer", sa.LargeBinary(20), nullable=False),
        sa.Column("order_fields", sa.LargeBinary(204), nullable=False),
        sa.Column("signature", sa.LargeBinary(65), nullable=True),
        sa.PrimaryKeyConstraint("group_id", "leg"),
    )
    op.create_index("group_legs_by_order", "group_legs", ["order_id"], unique=True)
    op.create_index("group_legs_by_payer", "group_legs", ["payer"], unique=False)
