"""Schedules: payments that custodial customers make by themselves, once or again and again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from backend.records.paging import Page, Part, read_page
from backend.records.tables.custody import occurrences, schedules


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is paid when. `begun` occurrences have become due; nothing has to be done before
    `look_ts_ms`.
    """

    number: int
    id: str
    customer_id: str
    payee: bytes
    asset_id: int
    amount_minor: int
    memo: bytes
    first_ts_s: int
    every: str  # once, day, week, month
    count: int
    begun: int
    look_ts_ms: int
    created_ts_ms: int
    cancelled_ts_ms: int | None = None
    ended_ts_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One payment of a schedule that has become due."""

    schedule_id: str
    ordinal: int
    due_ts_s: int
    status: str  # due, paid, skipped, cancelled
    tried_ts_ms: int | None = None
    next_try_ts_ms: int | None = None
    code: str | None = None
    payment_id: bytes | None = None


class Schedules:
    """The register of schedules and their occurrences."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, schedule: Schedule) -> Schedule:
        """Add a schedule; a repeat of the id returns the one that is there."""
        values = {name: getattr(schedule, name) for name in Schedule.__slots__ if name != "number"}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(schedules).values(values))
        except IntegrityError:
            pass
        found = self.get(schedule.id)
        if found is None:
            raise LookupError(f"{schedule.id} could not be added")
        return found

    def get(self, schedule_id: str) -> Schedule | None:
        """Return a schedule by id."""
        with self._engine.connect() as connection:
            row = connection.execute(select(schedules).where(schedules.c.id == schedule_id)).first()
        return None if row is None else schedule_of(row)

    def open(self, ts_ms: int, after: int, limit: int) -> Sequence[Schedule]:
        """Return schedules that have something to do by now, by number, those after `after`."""
        query = (
            select(schedules)
            .where(schedules.c.ended_ts_ms.is_(None), schedules.c.look_ts_ms <= ts_ms)
            .where(schedules.c.number > after)
            .order_by(schedules.c.number)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [schedule_of(row) for row in connection.execute(query)]

    def list(self, customer_id: str | None, page: Page) -> Part:
        """Return schedules, the newest first; rows as in the table."""
        query = select(schedules)
        if customer_id is not None:
            query = query.where(schedules.c.customer_id == customer_id)
        with self._engine.connect() as connection:
            return read_page(connection, query, schedules.c.number, page)

    def begin(self, due: Sequence[Occurrence], begun: int) -> None:
        """Write occurrences of one schedule that have become due, all or none."""
        if not due:
            return
        with self._engine.begin() as connection:
            for one in due:
                values = {name: getattr(one, name) for name in Occurrence.__slots__}
                connection.execute(insert(occurrences).values(values))
            connection.execute(
                update(schedules).where(schedules.c.id == due[0].schedule_id).values(begun=begun)
            )

    def due(self, schedule_id: str) -> Sequence[Occurrence]:
        """Return the occurrences that are due and neither paid nor skipped, the oldest first."""
        query = (
            select(occurrences)
            .where(occurrences.c.schedule_id == schedule_id, occurrences.c.status == "due")
            .order_by(occurrences.c.ordinal)
        )
        with self._engine.connect() as connection:
            return [occurrence_of(row) for row in connection.execute(query)]

    def occurrences(self, schedule_id: str, page: Page) -> Part:
        """Return a schedule's occurrences, the newest first; rows as in the table."""
        query = select(occurrences).where(occurrences.c.schedule_id == schedule_id)
        with self._engine.connect() as connection:
            return read_page(connection, query, occurrences.c.ordinal, page)

    def save(self, occurrence: Occurrence) -> None:
        """Write an occurrence's new state."""
        values = {name: getattr(occurrence, name) for name in Occurrence.__slots__}
        with self._engine.begin() as connection:
            connection.execute(
                update(occurrences)
                .where(
                    occurrences.c.schedule_id == occurrence.schedule_id,
                    occurrences.c.ordinal == occurrence.ordinal,
                )
                .values(values)
            )

    def cancel(self, schedule_id: str, ts_ms: int) -> None:
        """Note that nothing more is to be paid. A repeat keeps the first moment."""
        self._set_moment(schedule_id, "cancelled_ts_ms", ts_ms, look_ts_ms=ts_ms)

    def end(self, schedule_id: str, ts_ms: int) -> None:
        """Note that nothing is left to be done. A repeat keeps the first moment."""
        self._set_moment(schedule_id, "ended_ts_ms", ts_ms)

    def look_at(self, schedule_id: str, ts_ms: int) -> None:
        """Note when there will be something to do."""
        with self._engine.begin() as connection:
            connection.execute(
                update(schedules).where(schedules.c.id == schedule_id).values(look_ts_ms=ts_ms)
            )

    def _set_moment(self, schedule_id: str, name: str, ts_ms: int, **more: int) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                update(schedules)
                .where(schedules.c.id == schedule_id)
                .values({name: func.coalesce(schedules.c[name], ts_ms)} | more)
            )


def schedule_of(row: Row[Any]) -> Schedule:
    """Return the schedule in a row of the table."""
    return Schedule(**row._mapping)


def occurrence_of(row: Row[Any]) -> Occurrence:
    """Return the occurrence in a row of the table."""
    return Occurrence(**row._mapping)
