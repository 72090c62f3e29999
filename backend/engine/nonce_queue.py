"""Lets orders that are ahead of their nonce wait for the one before them, a short while."""

import asyncio
from collections import defaultdict

from backend.protocol.orders import Order
from backend.protocol.types import Address

PAYER_ORDERS_MAX = 16

Purse = tuple[Address, Address]
"""Payer and token: one account's orders."""


class NonceQueue:
    """Waiting orders, by purse and nonce. At most `PAYER_ORDERS_MAX` a payer."""

    def __init__(self) -> None:
        self._waiting: defaultdict[Purse, dict[int, list[asyncio.Future[None]]]]
        self._waiting = defaultdict(dict)
        self._counts: defaultdict[Address, int] = defaultdict(int)

    async def wait(self, order: Order, timeout_ms: int) -> bool:
        """Return True when the order may be next, False if it waited in vain or may not wait."""
        if timeout_ms <= 0 or self._counts[order.payer] >= PAYER_ORDERS_MAX:
            return False
        turn = asyncio.get_running_loop().create_future()
        purse = (order.payer, order.asset)
        self._waiting[purse].setdefault(order.nonce, []).append(turn)
        self._counts[order.payer] += 1
        try:
            await asyncio.wait_for(turn, timeout_ms / 1000)
        except TimeoutError:
            return False
        finally:
            self._leave(order, turn)
        return True

    def wake(self, purse: Purse, nonce: int) -> None:
        """Let those go on whose turn has come."""
        for turn in self._waiting.get(purse, {}).get(nonce, ()):
            if not turn.done():
                turn.set_result(None)

    def purses(self) -> list[Purse]:
        """Return whose orders are waiting."""
        return list(self._waiting)

    def _leave(self, order: Order, turn: asyncio.Future[None]) -> None:
        purse = (order.payer, order.asset)
        turns = self._waiting[purse][order.nonce]
        turns.remove(turn)
        if not turns:
            del self._waiting[purse][order.nonce]
        if not self._waiting[purse]:
            del self._waiting[purse]
        self._counts[order.payer] -= 1
        if self._counts[order.payer] == 0:
            del self._counts[order.payer]
