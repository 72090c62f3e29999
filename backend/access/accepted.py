"""Accepted orders that the projections don't show yet, so that a client can ask for what he sent.

A convenience: the log is what keeps them. Bounded; after a restart it is empty, and the node tells
of those that wait.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from backend.protocol.order_records import AuthorisedOrder

KEPT_MAX: Final = 50_000


@dataclass(frozen=True, slots=True)
class AcceptedOrder:
    """An order and when it was accepted."""

    authorised: AuthorisedOrder
    accepted_ts_ms: int


class AcceptedOrders:
    """The newest accepted orders by id."""

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self._kept_max = kept_max
        self._orders: OrderedDict[bytes, AcceptedOrder] = OrderedDict()

    def add(self, order_id: bytes, authorised: AuthorisedOrder, ts_ms: int) -> AcceptedOrder:
        """Keep an order; a repeat returns the first."""
        order = self._orders.setdefault(order_id, AcceptedOrder(authorised, ts_ms))
        while len(self._orders) > self._kept_max:
            self._orders.popitem(last=False)
        return order

    def get(self, order_id: bytes) -> AcceptedOrder | None:
        """Return an order."""
        return self._orders.get(order_id)
