"""Accepted orders that the projections don't show yet, so that a client can ask for what he sent.

A convenience: the log is what keeps them. Bounded; after a restart it is empty, and the node tells
of those that wait.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from backend.access.ports import Records
from backend.protocol.order_records import AuthorisedOrder, authorised_orders, decode_record

KEPT_MAX: Final = 50_000


@dataclass(frozen=True, slots=True)
class AcceptedOrder:
    """An order and when it was accepted."""

    authorised: AuthorisedOrder
    accepted_ts_ms: int


_Undecoded = tuple[bytes, int]
"""The record of one order, and when it was accepted."""


class AcceptedOrders:
    """The newest accepted orders by id."""

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self._kept_max = kept_max
        self._orders: OrderedDict[bytes, AcceptedOrder | _Undecoded] = OrderedDict()

    def add(self, order_id: bytes, authorised: AuthorisedOrder, ts_ms: int) -> AcceptedOrder:
        """Keep an order; a repeat returns the first."""
        order = self._orders.setdefault(order_id, AcceptedOrder(authorised, ts_ms))
        self._bound()
        return _decoded(order)

    def add_all(self, records: Records, places: Iterable[tuple[bytes, int]], ts_ms: int) -> None:
        """Keep single orders, given by their ids and places among the records. Of the records
        nothing else is kept: most of them may have been refused."""
        for order_id, place in places:
            self._orders.setdefault(order_id, (records.bytes_of(place), ts_ms))
        self._bound()

    def get(self, order_id: bytes) -> AcceptedOrder | None:
        """Return an order."""
        order = self._orders.get(order_id)
        return None if order is None else _decoded(order)

    def _bound(self) -> None:
        while len(self._orders) > self._kept_max:
            self._orders.popitem(last=False)


def _decoded(order: AcceptedOrder | _Undecoded) -> AcceptedOrder:
    if isinstance(order, AcceptedOrder):
        return order
    record, ts_ms = order
    (authorised,) = authorised_orders(decode_record(record))
    return AcceptedOrder(authorised, ts_ms)
