"""Custodial customers, and each use of a key that we keep for somebody."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, insert, select
from sqlalchemy.exc import IntegrityError

from backend.records.paging import Page, Part, read_page
from backend.records.tables.custody import customers, key_uses


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody whose key we keep, under his id. `external_id` is the client's name for him."""

    number: int
    id: str
    external_id: str
    address: bytes
    created_ts_ms: int


class Customers:
    """The register of custodial customers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, customer_id: str, external_id: str, address: bytes, ts_ms: int) -> Customer:
        """Add a customer; a repeat of the external id returns the one that is there."""
        row = {
            "id": customer_id,
            "external_id": external_id,
            "address": address,
            "created_ts_ms": ts_ms,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(customers).values(row))
        except IntegrityError:
            pass
        found = self._first(customers.c.external_id == external_id)
        if found is None:
            raise LookupError(f"{customer_id} could not be added")
        return found

    def get(self, customer_id: str) -> Customer | None:
        """Return a customer by id."""
        return self._first(customers.c.id == customer_id)

    def of_address(self, address: bytes) -> Customer | None:
        """Return the customer who has an address."""
        return self._first(customers.c.address == address)

    def list(self, page: Page) -> Part:
        """Return customers, the newest first; rows as in the table."""
        with self._engine.connect() as connection:
            return read_page(connection, select(customers), customers.c.number, page)

    def _first(self, condition: ColumnElement[bool]) -> Customer | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(customers).where(condition)).first()
        return None if row is None else Customer(**row._mapping)


class KeyUses:
    """The audit trail of kept keys. Law: a use is here before its signature leaves."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def note(self, key_id: str, purpose: str, digest: bytes, actor: str, ts_ms: int) -> None:
        """Note that a key is about to sign `digest` for `actor`. Returns when it is durable."""
        with self._engine.begin() as connection:
            connection.execute(
                insert(key_uses).values(
                    key_id=key_id, purpose=purpose, digest=digest, actor=actor, ts_ms=ts_ms
                )
            )

    def list(self, key_id: str, page: Page) -> Part:
        """Return the uses of a key, the newest first; rows as in the table."""
        query = select(key_uses).where(key_uses.c.key_id == key_id)
        with self._engine.connect() as connection:
            return read_page(connection, query, key_uses.c.number, page)
