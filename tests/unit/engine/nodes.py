"""A node that pays: configuration, orders, and waiting, for tests of the node."""

import asyncio
import time
from contextlib import asynccontextmanager

from backend.engine.node_types import NodeConfig
from tests.unit.engine.committee import (
    COMMITTEE,
    IDENTITY,
    SEQUENCERS,
    VALIDATORS,
    key,
    payment,
)

PAYER, PAYEE = key("payer"), key("payee")
CONFIG = NodeConfig(
    IDENTITY, COMMITTEE, tuple(VALIDATORS), tuple(SEQUENCERS), timeout_ms_min=200, tick_ms=5
)


def clock_ms():
    return time.time_ns() // 1_000_000


def pay(amount, nonce, **fields):
    return payment(PAYER, PAYEE.address, amount, nonce, **fields)


async def until(condition, timeout_ms=30_000):
    for _ in range(timeout_ms // 5):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come true in time")


@asynccontextmanager
async def funded(context):
    async with context as node:
        await until(lambda: node.account(PAYER.address, 1) is not None)
        yield node


async def pay_final(node, signed):
    accepted = await node.submit(signed)
    return await node.wait_final(accepted.payment_id, 30_000)
