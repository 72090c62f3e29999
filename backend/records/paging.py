"""Pages of long lists. Law: a cursor names a row, so a page is the same however much was added."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select

LIMIT_MAX = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: what follows the row `after`, or stands before the row `before`."""

    limit: int = 20
    after: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Rows, or what is made of them, in the list's order; `has_more` in the direction asked for."""

    rows: Sequence[Any]
    has_more: bool


def read_page(
    connection: Connection,
    query: Select[Any],
    column: ColumnElement[int],
    page: Page,
    *,
    newest_first: bool = True,
) -> Part:
    """Return a page of `query` in the order of `column`, whose values are the cursors."""
    is_back = page.before is not None
    is_descending = newest_first != is_back
    cursor = page.before if is_back else page.after
    if cursor is not None:
        query = query.where(column < cursor if is_descending else column > cursor)
    query = query.order_by(column.desc() if is_descending else column).limit(page.limit + 1)
    rows = connection.execute(query).all()
    shown = list(rows[: page.limit])
    return Part(shown[::-1] if is_back else shown, len(rows) > page.limit)
