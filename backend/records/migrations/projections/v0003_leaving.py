"""Batches that were rolled back, challenges, exits, instant exits, refunds of deposits."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

U63 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("removed_batches", "challenges", "exits", "advances")


def upgrade() -> None:
    _removed_batches()
    _challenges()
    _exits()
    op.create_table(
        "advances",
        sa.Column("claim_key", sa.LargeBinary(32), nullable=False),
        sa.Column("provider", sa.LargeBinary(20), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("claim_key"),
    )
    op.add_column("deposits", sa.Column("refunded_tx_hash", sa.LargeBinary(32), nullable=True))
    is_of_chain = sa.text("source = 'chain'")
    op.create_index(
        "events_of_chain",
        "events",
        ["type", "subject"],
        unique=False,
        sqlite_where=is_of_chain,
        postgresql_where=is_of_chain,
    )


def downgrade() -> None:
    op.drop_index("events_of_chain", "events")
    op.drop_column("deposits", "refunded_tx_hash")
    for table in TABLES:
        op.drop_table(table)


def _removed_batches() -> None:
    op.create_table(
        "removed_batches",
        sa.Column("removal", U63, autoincrement=False, nullable=False),
        sa.Column("number", U63, nullable=False),
        sa.Column("status", sa.String(length=11), nullable=False),
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
        sa.Column("removed_l1_block_number", U63, nullable=False),
        sa.PrimaryKeyConstraint("removal"),
    )
    table = "removed_batches"
    op.create_index("removed_batches_by_hash", table, ["header_hash"], unique=True)
    op.create_index("removed_batches_by_number", table, ["number"], unique=False)


def _challenges() -> None:
    op.create_table(
        "challenges",
        sa.Column("header_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("slot", U63, autoincrement=False, nullable=False),
        sa.Column("positions", sa.BigInteger(), nullable=False),
        sa.Column("batch_number", U63, nullable=False),
        sa.Column("challenger", sa.LargeBinary(20), nullable=False),
        sa.Column("deadline_ts_s", U63, nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("header_hash", "slot"),
    )
    op.create_index("challenges_by_status", "challenges", ["status"], unique=False)


def _exits() -> None:
    op.create_table(
        "exits",
        sa.Column("exit_index", U63, autoincrement=False, nullable=False),
        sa.Column("account_id", U63, nullable=False),
        sa.Column("owner", sa.LargeBinary(20), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("l1_block_number", U63, nullable=False),
        sa.Column("served_batch_number", U63, nullable=True),
        sa.Column("served_l1_block_number", U63, nullable=True),
        sa.PrimaryKeyConstraint("exit_index"),
    )
    op.create_index("exits_by_owner", "exits", ["owner", "exit_index"], unique=False)
    op.create_index("exits_by_account", "exits", ["account_id", "exit_index"], unique=False)
