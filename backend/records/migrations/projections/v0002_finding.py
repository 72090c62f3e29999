"""Payments are found by memo and by group; those that have neither cost nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES: tuple[str, ...] = ()


def upgrade() -> None:
    for name in ("memo", "link"):
        op.create_index(
            f"payments_by_{name}",
            "payments",
            [name],
            unique=False,
            sqlite_where=sa.text(f"{name} <> x'{'00' * 32}'"),
            postgresql_where=sa.text(f"{name} <> '\\x{'00' * 32}'"),
        )


def downgrade() -> None:
    for name in ("memo", "link"):
        op.drop_index(f"payments_by_{name}", "payments")
