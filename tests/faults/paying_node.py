"""A node that pays until it kills itself: `python -m tests.faults.paying_node FOLDER SEED`.

It prints the id of each order or group once it is accepted, and dies (SIGKILL) at a point that the
seed chooses: before, in the middle of or after a write, an fsync, a snapshot or its renaming.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from random import Random

from backend.engine import log as log_module
from backend.engine import log_room
from backend.engine import snapshots as snapshots_module
from backend.engine.log import LocalLog
from backend.engine.log_frames import SECTOR_BYTES
from backend.engine.node import Node
from backend.engine.node_types import NodeConfig
from backend.protocol.errors import PaymentError
from backend.protocol.order_records import OrderRecord
from tests.unit.engine.committee import (
    COMMITTEE,
    IDENTITY,
    SEQUENCERS,
    VALIDATORS,
    FakeL1,
    funded_l1,
    group,
    id_of,
    key,
    payment,
    withdrawal,
)

PAYERS = [key(f"payer {index}") for index in range(6)]
DEPOSIT_MINOR = 1_000


def chain() -> FakeL1:
    return funded_l1(*(payer.address for payer in PAYERS), amount_minor=DEPOSIT_MINOR)


def clock_ms() -> int:
    return time.time_ns() // 1_000_000


def node_upon(log: LocalLog, folder: Path) -> Node:
    config = NodeConfig(
        IDENTITY,
        COMMITTEE,
        tuple(VALIDATORS),
        tuple(SEQUENCERS),
        snapshot_folder=folder / "snapshots",
        block_orders_max=5,
        timeout_ms_min=200,
        tick_ms=5,
    )
    return Node(config, log, chain(), clock_ms)


class Doom:
    """Counts the points where a crash leaves something different behind, and dies at one."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._left = random.randrange(1, 150)
        log_room.STEP_BYTES = 4096  # or so short a log had no zeros ahead
        log_module._write_all = self._around_write(log_module._write_all)
        log_module._sync = self._around(log_module._sync)
        snapshots_module.os = _Os(self)

    def pass_point(self) -> bool:
        """Return True at the chosen point."""
        self._left -= 1
        return self._left == 0

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def _around(self, function):
        def wrapped(*arguments):
            if self.pass_point():
                self.die()
            result = function(*arguments)
            if self.pass_point():
                self.die()
            return result

        return wrapped

    def _around_write(self, write_all):
        def wrapped(file, parts, offset):
            if self.pass_point():
                data = b"".join(parts)
                sectors = self._random.randrange(len(data) // SECTOR_BYTES + 1)
                write_all(file, (data[: sectors * SECTOR_BYTES],), offset)
                self.die()
            write_all(file, parts, offset)

        return wrapped


class _Os:
    """The module os, with points of doom around what makes a snapshot durable."""

    def __init__(self, doom: Doom) -> None:
        self.fsync = doom._around(os.fsync)
        self.replace = doom._around(os.replace)

    def __getattr__(self, name):
        return getattr(os, name)


async def pay(node: Node, payer_index: int, random: Random) -> None:
    """Pay without end, in groups too; some orders expire soon, so that some are rejected."""
    payer = PAYERS[payer_index]
    while True:
        payee = random.choice([p for p in PAYERS if p is not payer])
        view, payees = node.account(payer.address, 1), node.account(payee.address, 1)
        if view is None or payees is None:
            await asyncio.sleep(0.002)
            continue
        until_s = clock_ms() // 1000 + random.choice([0, 0, 10**6])
        record: OrderRecord
        match random.randrange(5):
            case 0:
                record = withdrawal(payer, 1, view.nonce_next)
            case 1:
                one = (payer, payee.address, 1, view.nonce_next)
                other = (payee, payer.address, 2, payees.nonce_next)
                record = group(one, other, valid_until=until_s)
            case _:
                record = payment(payer, payee.address, 1, view.nonce_next, valid_until=until_s)
        try:
            accepted = await node.submit(record)
        except PaymentError:
            await asyncio.sleep(0.002)
            continue
        assert accepted.payment_id == id_of(record)
        os.write(1, f"accepted {accepted.payment_id.hex()}\n".encode())


async def snapshot(node: Node, random: Random) -> None:
    while True:
        await asyncio.sleep(0.01)
        number = node.status().block_number
        if number > 2:
            try:
                await node.snapshot(number - random.randrange(2))
            except ValueError:
                continue  # an earlier one than the last


async def live(folder: Path, seed: int) -> None:
    random = Random(seed)
    with LocalLog(folder / "orders.log") as log:
        node = node_upon(log, folder)
        Doom(random)
        await node.start()
        payers = (pay(node, index, random) for index in range(len(PAYERS)))
        await asyncio.wait_for(asyncio.gather(*payers, snapshot(node, random)), 90)


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), int(sys.argv[2])))
