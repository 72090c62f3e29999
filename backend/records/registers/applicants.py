"""Applicants of the customer check. Law: what was decided about whom, never who he is."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from backend.records.tables.registers import applicants, kyc_events


@dataclass(frozen=True, slots=True)
class Applicant:
    """One check of one person. Times of the attestation are L1 seconds."""

    id: str
    provider: str
    provider_reference: str
    external_id: str
    person: bytes
    level: int
    status: str  # pending, approved, rejected, revoked
    reasons: tuple[str, ...]
    created_ts_ms: int
    updated_ts_ms: int
    expiry_ts_s: int | None = None
    issued_ts_s: int | None = None
    signature: bytes | None = None
    revoked_ts_s: int | None = None
    revocation_tx_hash: bytes | None = None


def _values(applicant: Applicant) -> dict[str, Any]:
    values = {name: getattr(applicant, name) for name in Applicant.__slots__}
    return values | {"reasons": " ".join(applicant.reasons)}


def _applicant(row: Row[Any]) -> Applicant:
    found = Applicant(**row._mapping)
    return replace(found, reasons=tuple(row.reasons.split()))


class Applicants:
    """The register of applicants."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, applicant: Applicant) -> Applicant:
        """Add an applicant; a repeat of the id returns the one that is there."""
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(applicants).values(_values(applicant)))
        except IntegrityError:
            existing = self.get(applicant.id)
            if existing is None:
                raise
            return existing
        return applicant

    def save(self, applicant: Applicant) -> None:
        """Write an applicant's new state."""
        with self._engine.begin() as connection:
            connection.execute(
                update(applicants).where(applicants.c.id == applicant.id).values(_values(applicant))
            )

    def get(self, applicant_id: str) -> Applicant | None:
        """Return an applicant by id."""
        return self._first(applicants.c.id == applicant_id)

    def of_reference(self, provider: str, reference: str) -> Applicant | None:
        """Return an applicant by the provider's own id."""
        is_provider = applicants.c.provider == provider
        return self._first(is_provider & (applicants.c.provider_reference == reference))

    def of_person(self, person: bytes) -> list[Applicant]:
        """Return all applicants of an address, the newest first."""
        query = (
            select(applicants)
            .where(applicants.c.person == person)
            .order_by(applicants.c.created_ts_ms.desc(), applicants.c.id.desc())
        )
        with self._engine.connect() as connection:
            return [_applicant(row) for row in connection.execute(query)]

    def list(self, after: str | None, limit: int) -> list[Applicant]:
        """Return up to `limit` applicants by id, those after `after`."""
        query = select(applicants).order_by(applicants.c.id).limit(limit)
        if after is not None:
            query = query.where(applicants.c.id > after)
        with self._engine.connect() as connection:
            return [_applicant(row) for row in connection.execute(query)]

    def _first(self, condition: Any) -> Applicant | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(applicants).where(condition)).first()
        return None if row is None else _applicant(row)

    def knows_event(self, provider: str, raw_sha256: bytes) -> bool:
        """Return whether a provider's message was noted."""
        query = select(kyc_events.c.received_ts_ms).where(
            (kyc_events.c.provider == provider) & (kyc_events.c.raw_sha256 == raw_sha256)
        )
        with self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def note_event(self, provider: str, raw_sha256: bytes, reference: str, ts_ms: int) -> bool:
        """Note a provider's message; return whether it is new."""
        try:
            with self._engine.begin() as connection:
                connection.execute(
                    insert(kyc_events).values(
                        provider=provider,
                        raw_sha256=raw_sha256,
                        provider_reference=reference,
                        received_ts_ms=ts_ms,
                    )
                )
        except IntegrityError:
            return False
        return True
