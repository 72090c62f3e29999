"""Campaigns and grants as the platform watches them."""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES: tuple[str, ...] = ()


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
