"""What shows that an operation of a batch was authorised (docs/PROTOCOL.md, section 9)."""

from dataclasses import dataclass

from backend.protocol.order_records import OrderRecord
from backend.protocol.orders import Order


@dataclass(frozen=True, slots=True)
class Evidence:
    """The record that an operation comes from, and which of its orders it is.

    No record: the operation is a sweep, which an exit request on L1 authorises.
    """

    record: OrderRecord | None
    leg: int

    @property
    def order(self) -> Order | None:
        """The order itself; None for a sweep."""
        return None if self.record is None else self.record.orders[self.leg]
