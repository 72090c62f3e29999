"""Prizes, and payouts that return what they skip."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

U63 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("prizes", "prize_entries")


def upgrade() -> None:
    op.add_column("payouts", sa.Column("return_until", sa.BigInteger(), nullable=True))
    op.create_table(
        "prizes",
        sa.Column("sequence", U63, autoincrement=True, nullable=False),
        sa.Column("id", sa.LargeBinary(32), nullable=False),
        sa.Column("sponsor", sa.LargeBinary(20), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("payout", sa.String(length=8), nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("salt", sa.LargeBinary(32), nullable=False),
        sa.Column("terms_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("entry_count", sa.Integer(), nullable=False),
        sa.Column("total_minor", U63, nullable=False),
        sa.Column("fees_minor", U63, nullable=False),
        sa.Column("deadline_ts_s", sa.BigInteger(), nullable=False),
        sa.Column("payout_id", sa.LargeBinary(32), nullable=True),
        sa.Column("creator_key", sa.String(length=32), nullable=False),
        sa.Column("created_ts_ms", U63, nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
    )
    op.create_index("prizes_by_id", "prizes", ["id"], unique=True)
    op.create_table(
        "prize_entries",
        sa.Column("prize_id", sa.LargeBinary(32), nullable=False),
        sa.Column("entry_index", sa.Integer(), nullable=False),
        sa.Column("person", sa.LargeBinary(20), nullable=False),
        sa.Column("amount_minor", U63, nullable=False),
        sa.PrimaryKeyConstraint("prize_id", "entry_index"),
    )
    op.create_index(
        "prize_entries_by_person",
        "prize_entries",
        ["prize_id", "person", "entry_index"],
        unique=False,
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_column("payouts", "return_until")
