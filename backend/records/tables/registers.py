"""The registers: API keys, applicants, idempotency keys. Law: no secret and no name of a person."""

from typing import Final

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text

from backend.records.tables.types import ADDRESS, HASH, SIGNATURE, U63, optional, required

metadata: Final = MetaData()

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    required("name", String(100)),
    required("secret_sha256", HASH),
    required("scopes", Text()),  # separated by spaces
    required("created_ts_ms", U63),
    optional("last_used_ts_ms", U63),
    optional("revoked_ts_ms", U63),
)

applicants: Final = Table(
    "applicants",
    metadata,
    Column("id", String(40), primary_key=True),
    required("provider", String(32)),
    required("provider_reference", String(64)),
    required("external_id", String(100)),
    required("person", ADDRESS),
    required("level", Integer()),
    required("status", String(16)),  # pending, approved, rejected, revoked; expired is computed
    required("reasons", Text()),  # separated by spaces
    required("created_ts_ms", U63),
    required("updated_ts_ms", U63),
    optional("expiry_ts_s", U63),
    optional("issued_ts_s", U63),
    optional("signature", SIGNATURE),
    optional("revoked_ts_s", U63),
    optional("revocation_tx_hash", HASH),
    Index("applicants_by_person", "person", "created_ts_ms"),
    Index("applicants_by_reference", "provider", "provider_reference", unique=True),
)

kyc_events: Final = Table(
    "kyc_events",
    metadata,
    Column("provider", String(32), primary_key=True),
    Column("raw_sha256", HASH, primary_key=True),
    required("provider_reference", String(64)),
    required("received_ts_ms", U63),
)

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("api_key_id", String(32), primary_key=True),
    Column("key", String(255), primary_key=True),
    required("operation", String(200)),  # method and path
    required("field_hashes", Text()),  # JSON: field → SHA-256 of its value
    required("started_ts_ms", U63),
    optional("status_code", Integer()),  # empty while the first request is in flight
    optional("answer", Text()),
    Index("idempotency_keys_by_age", "started_ts_ms"),
)
