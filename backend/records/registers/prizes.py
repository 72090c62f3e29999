"""Prizes and their entries. Law: what the list of a prize says is never changed.

One that nobody created by its deadline gives way to the same one with another deadline: the
contract can't create the first any more.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Engine, Row, delete, insert, select

from backend.records.paging import Page, Part, read_page
from backend.records.tables.prizes import prize_entries, prizes


class Prizes:
    """The register of prizes. Rows have the names of backend/records/tables/prizes.py."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, values: dict[str, Any], entries: Iterable[dict[str, Any]]) -> None:
        """Write a prize and all its entries, or neither. One of this id gives way."""
        prize_id = values["id"]
        with self._engine.begin() as connection:
            connection.execute(delete(prizes).where(prizes.c.id == prize_id))
            connection.execute(delete(prize_entries).where(prize_entries.c.prize_id == prize_id))
            connection.execute(insert(prizes).values(values))
            connection.execute(insert(prize_entries), [*entries])

    def get(self, prize_id: bytes) -> Row[Any] | None:
        """Return a prize."""
        with self._engine.connect() as connection:
            return connection.execute(select(prizes).where(prizes.c.id == prize_id)).first()

    def list(self, page: Page) -> Part:
        """Return prizes, the newest first."""
        with self._engine.connect() as connection:
            return read_page(connection, select(prizes), prizes.c.sequence, page)

    def entries(self, prize_id: bytes) -> Sequence[Row[Any]]:
        """Return all entries in the order of their indexes."""
        query = (
            select(prize_entries)
            .where(prize_entries.c.prize_id == prize_id)
            .order_by(prize_entries.c.entry_index)
        )
        with self._engine.connect() as connection:
            return connection.execute(query).all()

    def entries_page(self, prize_id: bytes, person: bytes | None, page: Page) -> Part:
        """Return entries, a person's or everybody's, in the order of their indexes."""
        query = select(prize_entries).where(prize_entries.c.prize_id == prize_id)
        if person is not None:
            query = query.where(prize_entries.c.person == person)
        with self._engine.connect() as connection:
            column = prize_entries.c.entry_index
            return read_page(connection, query, column, page, newest_first=False)
