"""Refunds. Law: what is prepared and executed of a payment never exceeds its amount."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Engine, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from backend.protocol.errors import RefundExceeded
from backend.records.tables.collecting import refunds

State = Literal["prepared", "executed", "released"]

# SQLite takes 32,766 values in a statement.
_MEMOS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Refund:
    """An order prepared to pay back. `number` counts a payment's refunds from 1."""

    order_id: bytes
    payment_id: bytes
    number: int
    scope: str
    amount_minor: int
    memo: bytes
    order_fields: bytes
    state: State
    created_ts_ms: int


def _refund(row: Row[Any]) -> Refund:
    return Refund(**row._mapping)


class Refunds:
    """The register of refunds. A released one can never be executed, and reserves nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, refund: Refund, limit_minor: int) -> bool:
        """Reserve a refund's amount; return False if its number was taken meanwhile.

        Raises RefundExceeded if all that is not released would exceed `limit_minor`.
        """
        of_payment = refunds.c.payment_id == refund.payment_id
        is_counted = of_payment & (refunds.c.state != "released")
        total = func.coalesce(func.sum(refunds.c.amount_minor), 0)
        values = {name: getattr(refund, name) for name in Refund.__slots__}
        try:
            with self._engine.begin() as connection:
                # The number goes first: who holds it sees all others that count.
                connection.execute(insert(refunds).values(values))
                taken_minor = connection.execute(select(total).where(is_counted)).scalar_one()
                if taken_minor > limit_minor:
                    before_minor = taken_minor - refund.amount_minor
                    raise RefundExceeded(limit_minor - before_minor, refund.amount_minor)
        except IntegrityError:
            return False
        return True

    def mark(self, order_id: bytes, state: State) -> None:
        """Note what became of a prepared refund. What was noted stays."""
        with self._engine.begin() as connection:
            connection.execute(
                update(refunds)
                .where(refunds.c.order_id == order_id)
                .where(refunds.c.state == "prepared")
                .values(state=state)
            )

    def of_scope(self, scope: str) -> Refund | None:
        """Return the refund that a request made."""
        return self._first(refunds.c.scope == scope)

    def of_memo(self, memo: bytes) -> Refund | None:
        """Return the refund that bears a memo."""
        return self._first(refunds.c.memo == memo)

    def of_memos(self, memos: Iterable[bytes]) -> dict[bytes, Refund]:
        """Return the refunds among many memos, by memo."""
        found: dict[bytes, Refund] = {}
        wanted = sorted(set(memos))
        with self._engine.connect() as connection:
            for start in range(0, len(wanted), _MEMOS_MAX):
                part = wanted[start : start + _MEMOS_MAX]
                rows = connection.execute(select(refunds).where(refunds.c.memo.in_(part)))
                found |= {row.memo: _refund(row) for row in rows}
        return found

    def of_payment(self, payment_id: bytes) -> list[Refund]:
        """Return a payment's refunds by number."""
        query = select(refunds).where(refunds.c.payment_id == payment_id).order_by(refunds.c.number)
        with self._engine.connect() as connection:
            return [_refund(row) for row in connection.execute(query)]

    def _first(self, condition: Any) -> Refund | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(refunds).where(condition)).first()
        return None if row is None else _refund(row)
