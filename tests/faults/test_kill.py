"""A node is killed (SIGKILL) at seeded points, and comes back.

Every acknowledged order or group is final or rejected exactly once, with its legs; the log is
whole, money is conserved.
"""

import asyncio
import subprocess
import sys
from collections import Counter

import pytest

from backend.engine.log import LocalLog
from backend.toolchain import PROJECT_ROOT
from tests.faults.paying_node import DEPOSIT_MINOR, PAYERS, node_upon

LIVES = 2


def live(folder, seed: int) -> list[str]:
    """Return what the node acknowledged before it died."""
    command = [sys.executable, "-m", "tests.faults.paying_node", str(folder), str(seed)]
    ended = subprocess.run(
        command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert ended.returncode == -9, f"seed {seed}: {ended.stderr}"
    lines = map(str.split, ended.stdout.splitlines())
    return [line[1] for line in lines if line[0] == "accepted"]


async def check(folder, acknowledged: list[str]) -> Counter:
    """Let the node finish what was left, and check the laws. Return what became of the orders."""
    with LocalLog(folder / "orders.log") as log:
        node = node_upon(log, folder)
        await node.start()
        try:
            for _ in range(2_000):
                if node.status().undecided_count == 0 and node.status().block_number > 0:
                    break
                await asyncio.sleep(0.005)
            blocks = list(node.replay())
            ledger = node._replica.ledger
        finally:
            await node.stop()
    ended = Counter[str]()
    for final in blocks:
        ended.update(id_.hex() for id_ in {*final.record_ids, *final.payment_ids})
        ended.update(id_.hex() for id_, _ in final.rejected_ids)
    assert [final.block.number for final in blocks] == list(range(1, len(blocks) + 1))
    assert {ended[payment_id] for payment_id in acknowledged} <= {1}
    assert set(ended.values()) <= {1}
    ledger.check_conservation()
    out = sum(
        executed.amount_minor
        for final in blocks
        for executed in final.execution.orders
        if executed.payee_id == 0
    )
    assert ledger.supply_minor[1] == len(PAYERS) * DEPOSIT_MINOR - out
    return ended


def kill_and_check(folder, seed: int) -> None:
    print(f"seed {seed}")  # noqa: T201 - shown when it fails
    acknowledged = []
    for life in range(LIVES):
        acknowledged += live(folder, seed * 1_000 + life)
    asyncio.run(check(folder, acknowledged))


@pytest.mark.parametrize("seed", range(20))
def test_kill__seeded_point__holds(tmp_path, seed):
    kill_and_check(tmp_path, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20, 220))
def test_kill__many_seeded_points__holds(tmp_path, seed):
    kill_and_check(tmp_path, seed)
