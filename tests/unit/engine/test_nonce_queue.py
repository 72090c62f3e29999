"""Orders ahead of their nonce: woken, too late, and nothing left behind."""

import asyncio

from backend.engine.nonce_queue import NonceQueue
from tests.unit.engine.nodes import pay


async def test_nonce_queue__woken_or_not__holds():
    queue = NonceQueue()
    order = pay(1, 5).order
    waiting = [asyncio.create_task(queue.wait(order, wait_ms)) for wait_ms in (5_000, 1, 0)]
    await asyncio.sleep(0.02)
    queue.wake((order.payer, order.asset), 4)
    queue.wake((order.payer, order.asset), 5)

    assert await asyncio.gather(*waiting) == [True, False, False]
    assert queue.purses() == []
    assert not queue._counts
