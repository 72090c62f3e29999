"""What a node brings back from its log.

- everything final; from a snapshot, a broken one; unfinished heights of each kind
- lost signatures; the log of another chain; nobody signs twice
"""

from dataclasses import replace

import pytest

from backend.engine.log import LocalLog
from backend.engine.outcomes import Outcome
from backend.engine.recovery import WrongLog
from backend.protocol.errors import (
    NonceTooLow,
    NoQuorum,
)
from backend.protocol.log_entries import (
    BlockEntry,
    Entry,
    NextRoundEntry,
    OrderEntry,
    VoteEntry,
)
from tests.unit.engine.committee import (
    IDENTITY,
    id_of,
)
from tests.unit.engine.nodes import PAYEE, PAYER, funded, pay, pay_final, until


async def test_restart__everything_final__holds(run):
    async with funded(run()) as node:
        for nonce in range(3):
            await pay_final(node, pay(1, nonce))
        before = node.status()
    async with run() as node:
        after = node.status()

        assert (after.block_number, after.block_hash) == (before.block_number, before.block_hash)
        assert node.account(PAYER.address, 1).balance_minor == 997
        assert await node.wait_final(id_of(pay(1, 0)), 0) == Outcome.final(2)
        assert (await pay_final(node, pay(1, 3))).is_final


async def test_restart__from_a_snapshot__holds(run, tmp_path):
    folder = tmp_path / "snapshots"
    async with funded(run(snapshot_folder=folder)) as node:
        for nonce in range(4):
            await pay_final(node, pay(1, nonce))
        await node.snapshot(3)
        blocks = list(node.replay())
        with pytest.raises(ValueError, match="block 99"):
            await node.snapshot(99)
    async with run(snapshot_folder=folder) as node:
        assert await node.wait_final(id_of(pay(1, 0)), 0) is None  # before the snapshot
        assert node.account(PAYER.address, 1).balance_minor == 996
        with pytest.raises(NonceTooLow):
            await node.submit(pay(1, 0))
        assert list(node.replay()) == blocks
        assert (await pay_final(node, pay(1, 4))).is_final
        await node.snapshot(5)
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    async with run(snapshot_folder=folder) as node:
        assert node.account(PAYER.address, 1).balance_minor == 995


async def test_snapshot__no_folder__rejects(run):
    async with funded(run()) as node:
        with pytest.raises(ValueError, match="folder"):
            await node.snapshot(1)


@pytest.mark.parametrize("left", ["order", "block", "vote", "votes but one"])
async def test_restart__unfinished_height__succeeds(run, tmp_path, left):
    """Cut the log where a crash may have, and find the order final exactly once."""
    order = pay(1, 0)
    async with funded(run()) as node:
        await pay_final(node, order)
    path = tmp_path / "log"
    with LocalLog(path) as log:
        entries = list(log.read())
    payloads = [Entry.decode(entry).payload for entry in entries]
    at = payloads.index(OrderEntry(order))
    block_at = next(i for i in range(at, len(payloads)) if isinstance(payloads[i], BlockEntry))
    votes_at = [i for i in range(block_at, len(payloads)) if isinstance(payloads[i], VoteEntry)]
    end = {"order": at, "block": block_at, "vote": votes_at[0], "votes but one": votes_at[1]}[left]
    path.unlink()
    with LocalLog(path) as log:
        log.append(entries[: end + 1])

    async with run() as node:
        assert (await node.wait_final(id_of(order), 30_000)).is_final
        finals = [s for final in node.replay() for s in final.body.records]

        assert finals == [order]
        assert node.account(PAYEE.address, 1).balance_minor == 1


async def test_restart__signatures_lost__holds(run):
    async with funded(run()) as node:
        await pay_final(node, pay(1, 0))
    async with run(signatures_lost=True, quorum_wait_ms_max=50) as node:
        assert all(validator.is_silent for validator in node.validators)
        await node.submit(pay(1, 1))
        await until(lambda: not node.status().has_quorum)
        with pytest.raises(NoQuorum):
            await node.submit(pay(1, 2))


async def test_restart__log_of_another_chain__rejects(run):
    async with run():
        pass
    with pytest.raises(WrongLog):
        async with run(identity=replace(IDENTITY, chain_id=1)):
            pass


async def test_log__two_lives__holds(run, tmp_path):
    async with funded(run()) as node:
        await pay_final(node, pay(1, 0))
    async with run() as node:
        await pay_final(node, pay(1, 1))
    with LocalLog(tmp_path / "log") as log:
        votes = [
            payload
            for payload in (Entry.decode(entry).payload for entry in log.read())
            if isinstance(payload, VoteEntry | NextRoundEntry)
        ]
    assert len(votes) == len(set(votes))
