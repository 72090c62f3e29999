"""The first tables of the registers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

U63 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("api_keys", "applicants", "kyc_events", "idempotency_keys")


def upgrade() -> None:
    _api_keys()
    _applicants()
    _kyc_events()
    _idempotency_keys()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_ts_ms", U63, nullable=False),
        sa.Column("last_used_ts_ms", U63, nullable=True),
        sa.Column("revoked_ts_ms", U63, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )


def _applicants() -> None:
    op.create_table(
        "applicants",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("provider_reference", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=100), nullable=False),
        sa.Column("person", sa.LargeBinary(20), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("created_ts_ms", U63, nullable=False),
        sa.Column("updated_ts_ms", U63, nullable=False),
        sa.Column("expiry_ts_s", U63, nullable=True),
        sa.Column("issued_ts_s", U63, nullable=True),
        sa.Column("signature", sa.LargeBinary(65), nullable=True),
        sa.Column("revoked_ts_s", U63, nullable=True),
        sa.Column("revocation_tx_hash", sa.LargeBinary(32), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("applicants_by_person", "applicants", ["person", "created_ts_ms"], unique=False)
    op.create_index(
        "applicants_by_reference", "applicants", ["provider", "provider_reference"], unique=True
    )


def _kyc_events() -> None:
    op.create_table(
        "kyc_events",
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("raw_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("provider_reference", sa.String(length=64), nullable=False),
        sa.Column("received_ts_ms", U63, nullable=False),
        sa.PrimaryKeyConstraint("provider", "raw_sha256"),
    )


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("api_key_id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("operation", sa.String(length=200), nullable=False),
        sa.Column("field_hashes", sa.Text(), nullable=False),
        sa.Column("started_ts_ms", U63, nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("api_key_id", "key"),
    )
    op.create_index("idempotency_keys_by_age", "idempotency_keys", ["started_ts_ms"], unique=False)
