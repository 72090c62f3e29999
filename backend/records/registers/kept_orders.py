"""Orders signed with keys that we keep. Law: an order is here before anybody else has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select

from backend.records.tables.custody import kept_orders


@dataclass(frozen=True, slots=True)
class KeptOrder:
    """A signed record and what it is for. The newest of a task counts.

    `paid_minor` goes to the payee, `returned_minor` back to who held the money before.
    """

    task: str
    owner_id: str
    record: bytes
    record_id: bytes
    order_id: bytes
    paid_minor: int
    returned_minor: int
    created_ts_ms: int


class KeptOrders:
    """The register of signed orders."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, kept: KeptOrder) -> None:
        """Keep an order. Returns when it is durable."""
        with self._engine.begin() as connection:
            insert_kept(connection, kept)

    def newest(self, task: str) -> KeptOrder | None:
        """Return the order that was signed last for a task."""
        query = (
            select(kept_orders)
            .where(kept_orders.c.task == task)
            .order_by(kept_orders.c.number.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else _kept(row)

    def of_owner(self, owner_id: str) -> Sequence[KeptOrder]:
        """Return all orders that an owner's key signed, the oldest first."""
        query = (
            select(kept_orders)
            .where(kept_orders.c.owner_id == owner_id)
            .order_by(kept_orders.c.number)
        )
        with self._engine.connect() as connection:
            return [_kept(row) for row in connection.execute(query)]


def insert_kept(connection: Connection, kept: KeptOrder) -> None:
    """Write an order within a transaction of the caller's."""
    values = {name: getattr(kept, name) for name in KeptOrder.__slots__}
    connection.execute(insert(kept_orders).values(values))


def _kept(row: Row[Any]) -> KeptOrder:
    return KeptOrder(**{name: getattr(row, name) for name in KeptOrder.__slots__})
