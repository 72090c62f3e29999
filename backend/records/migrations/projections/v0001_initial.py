"""The first tables of the projections."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

U63 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = (
    "cursors",
    "assets",
    "accounts",
    "entries",
    "payments",
    "withdrawals",
    "rejections",
    "credits",
    "blocks",
    "deposits",
    "batches",
    "claims",
    "events",
)


def upgrade() -> None:
    _cursors()
    _assets()
    _accounts()
    _entries()
    _payments()
    _withdrawals()
    _rejections()
    _credits()
    _blocks()
    _deposits()
    _batches()
    _claims()
    _events()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def _cursors() -> None:
    op.create_table(
        "cursors",
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("position", U63, nullable=False),
        sa.PrimaryKeyConstraint("source"),
    )


def _assets() -> None:
    op.create_table(
        "assets",
        sa.Column("asset_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token", sa.LargeBinary(20), nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=False),
        sa.Column("fee_owner", sa.LargeBinary(20), nullable=False),
        sa.Column("block_number", U63, nullable=False),
        sa.PrimaryKeyConstraint("asset_id"),
    )
    op.create_index("assets_by_token", "assets", ["token"], unique=True)


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("account_id", U63, autoincrement=False, nullable=False),
        sa.Column("owner", sa.LargeBinary(20), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("nonce", U63, nullable=False),
        sa.Column("balance_minor", U63, nullable=False),
        sa.Column("opened_block_number", U63, nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_index("accounts_by_owner", "accounts", ["owner", "asset_id"], unique=True)


def _entries() -> None:
    op.create_table(
        "entries",
        sa.Column("account_id", U63, autoincrement=False, nullable=False),
        sa.Column("sequence", U63, autoincrement=False, nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("amount_minor", U63, nullable=False),
        sa.Column("balance_after_minor", U63, nullable=False),
        sa.Column("subject", sa.LargeBinary(32), nullable=False),
        sa.Column("counterparty", sa.LargeBinary(20), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "sequence"),
        sqlite_with_rowid=False,
    )


def _payments() -> None:
    op.create_table(
        "payments",
        sa.Column("sequence", U63, autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(32), nullable=False),
        sa.Column("payer", sa.LargeBinary(20), nullable=False),
        sa.Column("payee", sa.LargeBinary(20), nullable=False),
        sa.Column("payer_account_id", U63, nullable=False),
        sa.Column("payee_account_id", U63, nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("amount_minor", U63, nullable=False),
        sa.Column("fee_minor", U63, nullable=False),
        sa.Column("nonce", U63, nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("memo", sa.LargeBinary(32), nullable=False),
        sa.Column("link", sa.LargeBinary(32), nullable=False),
        sa.Column("signature", sa.LargeBinary(65), nullable=False),
        sa.Column("block_number", U63, nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
    )
    op.create_index("payments_by_id", "payments", ["id"], unique=True)
    op.create_index("payments_by_payee", "payments", ["payee", "sequence"], unique=False)
    op.create_index("payments_by_payer", "payments", ["payer", "sequence"], unique=False)


def _withdrawals() -> None:
    op.create_table(
        "withdrawals",
        sa.Column("sequence", U63, autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(32), nullable=False),
        sa.Column("payer", sa.LargeBinary(20), nullable=False),
        sa.Column("payer_account_id", U63, nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("amount_minor", U63, nullable=False),
        sa.Column("fee_minor", U63, nullable=False),
        sa.Column("nonce", U63, nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(65), nullable=False),
        sa.Column("claim_key", sa.LargeBinary(32), nullable=False),
        sa.Column("block_number", U63, nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
    )
    op.create_index("withdrawals_by_id", "withdrawals", ["id"], unique=True)
    op.create_index("withdrawals_by_payer", "withdrawals", ["payer", "sequence"], unique=False)


def _rejections() -> None:
    op.create_table(
        "rejections",
        sa.Column("sequence", U63, autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(32), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("block_number", U63, nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
    )
    op.create_index("rejections_by_id", "rejections", ["id"], unique=False)


def _credits() -> None:
    op.create_table(
        "credits",
        sa.Column("deposit_index", U63, autoincrement=False, nullable=False),
        sa.Column("token", sa.LargeBinary(20), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.LargeBinary(20), nullable=False),
        sa.Column("amount_minor", U63, nullable=False),
        sa.Column("l1_ts_s", U63, nullable=False),
        sa.Column("account_id", U63, nullable=False),
        sa.Column("block_number", U63, nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("deposit_index"),
    )
    op.create_index("credits_by_owner", "credits", ["owner", "deposit_index"], unique=False)


def _blocks() -> None:
    op.create_table(
        "blocks",
        sa.Column("number", U63, autoincrement=False, nullable=False),
        sa.Column("block_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("parent_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("epoch", U63, nullable=False),
        sa.Column("round", U63, nullable=False),
        sa.Column("ts_ms", U63, nullable=False),
        sa.Column("operation_count", sa.Integer(), nullable=False),
        sa.Column("order_count", sa.Integer(), nullable=False),
        sa.Column("deposit_count", sa.Integer(), nullable=False),
        sa.Column("rejection_count", sa.Integer(), nullable=False),
        sa.Column("first_slot", U63, nullable=False),
        sa.Column("l1_block_number", U63, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("blocks_by_hash", "blocks", ["block_hash"], unique=True)


def _deposits() -> None:
    op.create_table(
        "deposits",
        sa.Column("deposit_index", U63, autoincrement=False, nullable=False),
        sa.Column("token", sa.LargeBinary(20), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.LargeBinary(20), nullable=False),
        sa.Column("amount_minor", U63, nullable=False),
        sa.Column("l1_ts_s", U63, nullable=False),
        sa.Column("l1_block_number", U63, nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("confirmed_l1_block_number", U63, nullable=True),
        sa.PrimaryKeyConstraint("deposit_index"),
    )
    op.create_index("deposits_by_owner", "deposits", ["owner", "deposit_index"], unique=False)


def _batches() -> None:
    op.create_table(
        "batches",
        sa.Column("number", U63, autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("header_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("epoch", U63, nullable=False),
        sa.Column("parent_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("pre_root", sa.LargeBinary(32), nullable=False),
        sa.Column("post_root", sa.LargeBinary(32), nullable=False),
        sa.Column("chunks_root", sa.LargeBinary(32), nullable=False),
        sa.Column("chunk_count", sa.Integer(), nullable=False),
        sa.Column("data_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("deposit_cursor", U63, nullable=False),
        sa.Column("pin_number", U63, nullable=False),
        sa.Column("pin_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("last_block_number", U63, nullable=False),
        sa.Column("last_block_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("timestamp", U63, nullable=False),
        sa.Column("accepted_ts_s", U63, nullable=False),
        sa.Column("signers", sa.LargeBinary(32), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("l1_block_number", U63, nullable=False),
        sa.Column("noop_slots", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("batches_by_last_block", "batches", ["last_block_number"], unique=False)


def _claims() -> None:
    op.create_table(
        "claims",
        sa.Column("claim_key", sa.LargeBinary(32), nullable=False),
        sa.Column("owner", sa.LargeBinary(20), nullable=False),
        sa.Column("batch_number", U63, nullable=False),
        sa.Column("slot", U63, nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("l1_block_number", U63, nullable=False),
        sa.PrimaryKeyConstraint("claim_key"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("sequence", U63, autoincrement=False, nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=66), nullable=False),
        sa.Column("owner", sa.LargeBinary(20), nullable=True),
        sa.Column("counterparty", sa.LargeBinary(20), nullable=True),
        sa.Column("ts_ms", U63, nullable=False),
        sa.Column("position", U63, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("source", "sequence"),
        sqlite_with_rowid=False,
    )
