"""What custody needs of the others; `backend/assembly.py` passes in what fits."""

from typing import Protocol

from backend.protocol.order_records import SignedOrder
from backend.protocol.orders import Order
from backend.protocol.types import Address


class Custody(Protocol):
    """The keys that we keep, by the id of a customer or a hold (backend/custody.py)."""

    async def create(self, key_id: str) -> Address:
        """Return the address of a key, made the first time."""

    async def sign(self, key_id: str, order: Order, purpose: str, actor: str) -> SignedOrder:
        """Return the order, signed; the use is in the audit trail by then."""
