"""Payment requests. Law: a payee, an asset and a memo name one request, so no payment pays two."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, insert, select
from sqlalchemy.exc import IntegrityError

from backend.protocol.errors import IdempotencyKeyReused, MemoTaken
from backend.records.paging import Page, Part, read_page
from backend.records.tables.collecting import payment_requests


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What a payee asks for. `amount_minor` None: any amount; `scope` is who asked, and his key."""

    id: str
    scope: str
    payee: bytes
    asset_id: int
    amount_minor: int | None
    memo: bytes
    expiry_ts_s: int | None
    created_ts_ms: int
    sequence: int | None = None


_WISH = ("payee", "asset_id", "amount_minor", "expiry_ts_s")


def _values(request: PaymentRequest) -> dict[str, Any]:
    names = (name for name in PaymentRequest.__slots__ if name != "sequence")
    return {name: getattr(request, name) for name in names}


def _request(row: Row[Any]) -> PaymentRequest:
    return PaymentRequest(**row._mapping)


class PaymentRequests:
    """The register of payment requests."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, request: PaymentRequest) -> PaymentRequest:
        """Add a request; a repeat of the scope returns the one that is there.

        Raises IdempotencyKeyReused if that one asks for something else, MemoTaken if another
        request of this payee and asset has the memo.
        """
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(payment_requests).values(_values(request)))
        except IntegrityError:
            same = self._first(payment_requests.c.scope == request.scope)
            if same is not None:
                return _if_equal(same, request)
            other = self._first(
                (payment_requests.c.payee == request.payee)
                & (payment_requests.c.asset_id == request.asset_id)
                & (payment_requests.c.memo == request.memo)
            )
            if other is None:
                raise
            raise MemoTaken(other.id) from None
        return request

    def get(self, request_id: str) -> PaymentRequest | None:
        """Return a request by id."""
        return self._first(payment_requests.c.id == request_id)

    def list(self, payee: bytes | None, page: Page) -> Part:
        """Return requests, the newest first."""
        query = select(payment_requests)
        if payee is not None:
            query = query.where(payment_requests.c.payee == payee)
        with self._engine.connect() as connection:
            part = read_page(connection, query, payment_requests.c.sequence, page)
        return Part([_request(row) for row in part.rows], part.has_more)

    def _first(self, condition: Any) -> PaymentRequest | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(payment_requests).where(condition)).first()
        return None if row is None else _request(row)


def _if_equal(same: PaymentRequest, wanted: PaymentRequest) -> PaymentRequest:
    """Return what an earlier request of the scope made. A memo made of the id differs always."""
    for name in _WISH:
        if getattr(same, name) != getattr(wanted, name):
            raise IdempotencyKeyReused(name)
    return same
