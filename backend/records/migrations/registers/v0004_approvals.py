"""Proposals, approvals and payouts."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

U63 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("proposals", "approvals", "payouts", "payout_lines")


def upgrade() -> None:
    _proposals()
    _approvals()
    _payouts()
    _payout_lines()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def _proposals() -> None:
    op.create_table(
        "proposals",
        sa.Column("sequence", U63, autoincrement=True, nullable=False),
        sa.Column("id", sa.LargeBinary(32), nullable=False),
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("proposer_key", sa.String(length=32), nullable=False),
        sa.Column("deadline_ts_s", sa.BigInteger(), nullable=False),
        sa.Column("l1_block_number", U63, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(32), nullable=True),
        sa.Column("created_ts_ms", U63, nullable=False),
        sa.Column("updated_ts_ms", U63, nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
    )
    op.create_index("proposals_by_id", "proposals", ["id"], unique=True)
    op.create_index("proposals_by_status", "proposals", ["status"], unique=False)


def _approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("proposal_id", sa.LargeBinary(32), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("approver_key", sa.String(length=32), nullable=False),
        sa.Column("created_ts_ms", U63, nullable=False),
        sa.PrimaryKeyConstraint("proposal_id", "signer"),
    )


def _payouts() -> None:
    op.create_table(
        "payouts",
        sa.Column("sequence", U63, autoincrement=True, nullable=False),
        sa.Column("id", sa.LargeBinary(32), nullable=False),
        sa.Column("owner", sa.LargeBinary(20), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.LargeBinary(20), nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=False),
        sa.Column("returns", sa.LargeBinary(20), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("nonce_first", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("deadline_ts_s", sa.BigInteger(), nullable=False),
        sa.Column("skip_fee_minor", U63, nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("total_minor", U63, nullable=False),
        sa.Column("fees_minor", U63, nullable=False),
        sa.Column("proposer", sa.LargeBinary(), nullable=True),
        sa.Column("proposal_id", sa.LargeBinary(32), nullable=True),
        sa.Column("creator_key", sa.String(length=32), nullable=False),
        sa.Column("created_ts_ms", U63, nullable=False),
        sa.Column("updated_ts_ms", U63, nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
    )
    op.create_index("payouts_by_id", "payouts", ["id"], unique=True)
    op.create_index("payouts_by_status", "payouts", ["status"], unique=False)
    op.create_index("payouts_by_purse", "payouts", ["owner", "asset_id"], unique=False)


def _payout_lines() -> None:
    op.create_table(
        "payout_lines",
        sa.Column("payout_id", sa.LargeBinary(32), nullable=False),
        sa.Column("line_index", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("payee", sa.LargeBinary(20), nullable=False),
        sa.Column("amount_minor", U63, nullable=False),
        sa.Column("fee_minor", U63, nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("follows", sa.LargeBinary(32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("order_id", sa.LargeBinary(32), nullable=True),
        sa.PrimaryKeyConstraint("payout_id", "line_index"),
    )
    op.create_index(
        "payout_lines_by_status",
        "payout_lines",
        ["payout_id", "status", "line_index"],
        unique=False,
    )
