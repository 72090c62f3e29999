"""Payouts and their lines. Law: a line's end is written once, and never taken back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Engine, Row, bindparam, delete, func, insert, select, update

from backend.records.paging import Page, Part, read_page
from backend.records.tables.approvals import payout_lines, payouts

OPEN: Final = ("proposed", "paying")
WAITING: Final = "waiting"
SKIPPING: Final = "skipping"
PAID: Final = "paid"
SKIPPED: Final = "skipped"


@dataclass(frozen=True, slots=True)
class LineEnd:
    """How a line ended: with the order that was executed, if one was."""

    line_index: int
    status: str
    code: str | None
    order_id: bytes | None


class Payouts:
    """The register of payouts. Rows have the names of backend/records/tables/approvals.py."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, values: dict[str, Any], lines: Iterable[dict[str, Any]]) -> None:
        """Write a payout and all its lines, or neither. One of this id that failed gives way."""
        with self._engine.begin() as connection:
            payout_id = values["id"]
            connection.execute(
                delete(payouts).where(payouts.c.id == payout_id, payouts.c.status == "failed")
            )
            connection.execute(delete(payout_lines).where(payout_lines.c.payout_id == payout_id))
            connection.execute(insert(payouts).values(values))
            connection.execute(insert(payout_lines), [*lines])

    def get(self, payout_id: bytes) -> Row[Any] | None:
        """Return a payout."""
        return self._first(payouts.c.id == payout_id)

    def open_of(self, owner: bytes, asset_id: int) -> Row[Any] | None:
        """Return the payout of an owner and asset that is in progress."""
        purse = (payouts.c.owner == owner) & (payouts.c.asset_id == asset_id)
        return self._first(purse & payouts.c.status.in_(OPEN))

    def all_open(self) -> Sequence[Row[Any]]:
        """Return all that are in progress, the oldest first."""
        query = select(payouts).where(payouts.c.status.in_(OPEN)).order_by(payouts.c.sequence)
        with self._engine.connect() as connection:
            return connection.execute(query).all()

    def list(self, page: Page) -> Part:
        """Return payouts, the newest first."""
        with self._engine.connect() as connection:
            return read_page(connection, select(payouts), payouts.c.sequence, page)

    def name_proposal(self, payout_id: bytes, proposal_id: bytes, ts_ms: int) -> None:
        """Write which proposal is to authorise the payout."""
        self._update(payout_id, proposal_id=proposal_id, updated_ts_ms=ts_ms)

    def set_status(self, payout_id: bytes, status: str, ts_ms: int) -> None:
        """Write how far a payout has come."""
        self._update(payout_id, status=status, updated_ts_ms=ts_ms)

    # Lines

    def lines(self, payout_id: bytes) -> Sequence[Row[Any]]:
        """Return all lines in the order of their nonces."""
        query = (
            select(payout_lines)
            .where(payout_lines.c.payout_id == payout_id)
            .order_by(payout_lines.c.line_index)
        )
        with self._engine.connect() as connection:
            return connection.execute(query).all()

    def lines_at(self, payout_id: bytes, indexes: Sequence[int]) -> dict[int, Row[Any]]:
        """Return some lines by their indexes."""
        query = (
            select(payout_lines)
            .where(payout_lines.c.payout_id == payout_id)
            .where(payout_lines.c.line_index.in_(indexes))
        )
        with self._engine.connect() as connection:
            return {row.line_index: row for row in connection.execute(query)}

    def undecided(self, payout_id: bytes, limit: int) -> Sequence[Row[Any]]:
        """Return the first lines that have not ended."""
        query = (
            select(payout_lines)
            .where(payout_lines.c.payout_id == payout_id)
            .where(payout_lines.c.status.in_((WAITING, SKIPPING)))
            .order_by(payout_lines.c.line_index)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return connection.execute(query).all()

    def lines_page(self, payout_id: bytes, status: str | None, page: Page) -> Part:
        """Return lines in the order of the file."""
        query = select(payout_lines).where(payout_lines.c.payout_id == payout_id)
        if status is not None:
            query = query.where(payout_lines.c.status == status)
        with self._engine.connect() as connection:
            column = payout_lines.c.line_index
            return read_page(connection, query, column, page, newest_first=False)

    def counts(self, payout_id: bytes) -> dict[str, tuple[int, int]]:
        """Return how many lines of each status there are, and their minor units."""
        column = payout_lines.c.status
        query = (
            select(column, func.count(), func.sum(payout_lines.c.amount_minor))
            .where(payout_lines.c.payout_id == payout_id)
            .group_by(column)
        )
        with self._engine.connect() as connection:
            return {row[0]: (row[1], int(row[2])) for row in connection.execute(query)}

    def sums(self, payout_id: bytes) -> Sequence[tuple[str, str | None, int, int]]:
        """Return (status, code, lines, minor units) of each kind of line."""
        columns = (payout_lines.c.status, payout_lines.c.code)
        query = (
            select(*columns, func.count(), func.sum(payout_lines.c.amount_minor))
            .where(payout_lines.c.payout_id == payout_id)
            .group_by(*columns)
        )
        with self._engine.connect() as connection:
            return [(row[0], row[1], row[2], int(row[3])) for row in connection.execute(query)]

    def mark_skipping(self, payout_id: bytes, codes: Iterable[tuple[int, str]]) -> None:
        """Write, before it is done, which lines (index, code) are to be skipped."""
        rows = [{"the_index": index, "the_code": code} for index, code in codes]
        self._update_lines(payout_id, rows, status=SKIPPING, code=bindparam("the_code"))

    def end_lines(self, payout_id: bytes, ends: Iterable[LineEnd]) -> None:
        """Write how lines ended."""
        rows = [
            {
                "the_index": end.line_index,
                "the_status": end.status,
                "the_code": end.code,
                "the_order": end.order_id,
            }
            for end in ends
        ]
        self._update_lines(
            payout_id,
            rows,
            status=bindparam("the_status"),
            code=bindparam("the_code"),
            order_id=bindparam("the_order"),
        )

    def _update_lines(self, payout_id: bytes, rows: Sequence[dict[str, Any]], **set_: Any) -> None:
        if not rows:
            return
        statement = (
            update(payout_lines)
            .where(payout_lines.c.payout_id == payout_id)
            .where(payout_lines.c.line_index == bindparam("the_index"))
            .where(payout_lines.c.order_id.is_(None) & (payout_lines.c.status != SKIPPED))
            .values(**set_)
        )
        with self._engine.begin() as connection:
            connection.execute(statement, [*rows])

    def _update(self, payout_id: bytes, **values: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(payouts).where(payouts.c.id == payout_id).values(**values))

    def _first(self, condition: Any) -> Row[Any] | None:
        with self._engine.connect() as connection:
            return connection.execute(select(payouts).where(condition)).first()
