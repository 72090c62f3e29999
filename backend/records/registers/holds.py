"""Holds: money that is set aside for a payee. What became of it, the ledger says."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, func, insert, select, update

from backend.records.paging import Page, Part, read_page
from backend.records.registers.kept_orders import KeptOrder, insert_kept
from backend.records.tables.custody import holds


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as it was made. The account's key is kept under the hold's id.

    `funding` are the 204 bytes of the order that the payer signs.
    """

    number: int
    id: str
    account: bytes
    payer: bytes
    payee: bytes
    asset_id: int
    amount_minor: int
    reserve_minor: int
    memo: bytes
    expires_ts_s: int
    funding: bytes
    created_ts_ms: int
    customer_id: str | None = None
    released_ts_ms: int | None = None
    closed_ts_ms: int | None = None

    @property
    def total_minor(self) -> int:
        """What the payer pays in: the amount, and what its capture may cost."""
        return self.amount_minor + self.reserve_minor


class Holds:
    """The register of holds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, hold: Hold, kept: Sequence[KeptOrder]) -> Hold:
        """Add a hold with the orders that are signed for it, all or nothing."""
        values = {name: getattr(hold, name) for name in Hold.__slots__ if name != "number"}
        with self._engine.begin() as connection:
            made = connection.execute(insert(holds).values(values)).inserted_primary_key
            for one in kept:
                insert_kept(connection, one)
        return replace(hold, number=0 if made is None else made[0])

    def get(self, hold_id: str) -> Hold | None:
        """Return a hold by id."""
        with self._engine.connect() as connection:
            row = connection.execute(select(holds).where(holds.c.id == hold_id)).first()
        return None if row is None else hold_of(row)

    def set_funding(self, hold_id: str, funding: bytes) -> None:
        """Write the order that the payer has to sign now."""
        self._set(hold_id, funding=funding)

    def release(self, hold_id: str, ts_ms: int) -> None:
        """Note that a hold is to end. A repeat keeps the first moment."""
        self._set(hold_id, released_ts_ms=func.coalesce(holds.c.released_ts_ms, ts_ms))

    def close(self, hold_id: str, ts_ms: int | None) -> None:
        """Note that a hold has ended and is empty; with None, that money came all the same."""
        self._set(hold_id, closed_ts_ms=ts_ms)

    def open(self, after: int, limit: int) -> Sequence[Hold]:
        """Return holds that somebody has to look at, by number, those after `after`."""
        return self._some(holds.c.closed_ts_ms.is_(None), after, limit)

    def closed(self, after: int, limit: int) -> Sequence[Hold]:
        """Return the others, by number, those after `after`."""
        return self._some(holds.c.closed_ts_ms.is_not(None), after, limit)

    def list(self, payer: bytes | None, payee: bytes | None, page: Page) -> Part:
        """Return holds, the newest first; rows as in the table."""
        query = select(holds)
        if payer is not None:
            query = query.where(holds.c.payer == payer)
        if payee is not None:
            query = query.where(holds.c.payee == payee)
        with self._engine.connect() as connection:
            return read_page(connection, query, holds.c.number, page)

    def _some(self, condition: ColumnElement[bool], after: int, limit: int) -> Sequence[Hold]:
        query = (
            select(holds)
            .where(condition, holds.c.number > after)
            .order_by(holds.c.number)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [hold_of(row) for row in connection.execute(query)]

    def _set(self, hold_id: str, **values: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(holds).where(holds.c.id == hold_id).values(values))


def hold_of(row: Row[Any]) -> Hold:
    """Return the hold in a row of the table."""
    return Hold(**row._mapping)
