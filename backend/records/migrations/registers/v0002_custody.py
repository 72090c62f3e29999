"""Custodial customers, uses of their keys, holds and schedules."""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES: tuple[str, ...] = ()


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
