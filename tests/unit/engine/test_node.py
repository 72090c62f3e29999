"""The node: what access talks to.

- submit: final, repeat, refusals, ahead of its nonce, back pressure, many at once, out of order
- wait_final: in time, too late, unknown; rejected
- order: undecided, decided, unknown; the clock set back while one waits
- account, assets, status (validators who are still reading, too), observers, replay
- no quorum and back, silent proposer, failed log, stopped, a bug
- a verifier that more validators would rely on than may be wrong
"""

import asyncio
from dataclasses import replace

import pytest

from backend.engine import log as log_module
from backend.engine.log import LogFailed
from backend.engine.node_types import Accepted, AccountView, NodeStopped, TooManyRely
from backend.engine.outcomes import Outcome
from backend.protocol.errors import (
    BackPressure,
    DiskFull,
    InsufficientFunds,
    InvariantViolated,
    NonceGap,
    NonceTooLow,
    NoQuorum,
    NotAuthorised,
)
from backend.protocol.log_entries import (
    OrderEntry,
)
from tests.unit.engine.committee import (
    ASSET,
    SEQUENCERS,
    VALIDATORS,
    forged,
    id_of,
    key,
)
from tests.unit.engine.nodes import CONFIG, PAYEE, PAYER, clock_ms, funded, pay, pay_final, until

# Submitting


async def test_submit__payment__succeeds(run):
    async with funded(run()) as node:
        accepted = await node.submit(pay(10, 0))
        view = node.account(PAYER.address, 1)
        outcome = await node.wait_final(accepted.payment_id, 30_000)

        assert accepted == Accepted(id_of(pay(10, 0)))
        assert (view.nonce_next, view.available_minor) == (1, 990)
        assert outcome == Outcome.final(2)
        assert node.account(PAYEE.address, 1).balance_minor == 10
        assert node.assets() == {1: ASSET}


async def test_submit__repeated__changes_nothing(run):
    async with funded(run()) as node:
        first, second = await asyncio.gather(node.submit(pay(10, 0)), node.submit(pay(10, 0)))
        await node.wait_final(first.payment_id, 30_000)
        third = await node.submit(pay(10, 0))

        assert first == second == third
        assert node.account(PAYER.address, 1).balance_minor == 990


@pytest.mark.parametrize(
    ("signed", "error"),
    [
        (forged(pay(10, 0)), NotAuthorised),
        (pay(1_001, 0), InsufficientFunds),
        (pay(10, 17), NonceGap),
    ],
)
async def test_submit__refused__rejects(run, signed, error):
    async with funded(run()) as node:
        with pytest.raises(error):
            await node.submit(signed)
        assert node.account(PAYER.address, 1).nonce_next == 0


async def test_submit__funds_of_pending_orders__rejects(run):
    async with funded(run()) as node:
        results = await asyncio.gather(
            *(node.submit(pay(400, nonce)) for nonce in range(3)), return_exceptions=True
        )

        assert [type(result) for result in results] == [Accepted, Accepted, InsufficientFunds]


async def test_submit__used_nonce__rejects(run):
    async with funded(run()) as node:
        await pay_final(node, pay(10, 0))

        with pytest.raises(NonceTooLow):
            await node.submit(pay(11, 0))


async def test_submit__ahead_of_its_nonce__succeeds(run):
    async with funded(run()) as node:
        ahead = [asyncio.create_task(node.submit(pay(1, nonce))) for nonce in (3, 1, 2)]
        await asyncio.sleep(0.02)
        assert not any(task.done() for task in ahead)

        await node.submit(pay(1, 0))

        assert len(await asyncio.gather(*ahead)) == 3


async def test_submit__ahead_for_too_long__rejects(run):
    async with funded(run(order_wait_ms_max=30)) as node:
        with pytest.raises(NonceGap):
            await node.submit(pay(1, 1))
        await node.submit(pay(1, 0))
        await node.submit(pay(1, 1))


async def test_submit__seventeenth_that_waits__rejects(run):
    async with funded(run()) as node:
        ahead = [asyncio.create_task(node.submit(pay(1, nonce))) for nonce in range(1, 17)]
        await asyncio.sleep(0.02)

        with pytest.raises(NonceGap):
            await node.submit(pay(2, 1))

        await node.submit(pay(1, 0))
        await asyncio.gather(*ahead)


async def test_submit__too_much_waits__rejects(run):
    async with funded(run(waiting_max=2)) as node:
        results = await node.submit_many([pay(1, nonce) for nonce in range(3)])

        assert isinstance(results[2], BackPressure)
        await node.submit(pay(1, 2))


async def test_submit__too_much_is_undecided__rejects(run):
    async with funded(run(undecided_max=1)) as node:
        node._sequencer._keys.clear()
        for validator in node.validators:
            validator._timeout_ms_min = 10**9
        await node.submit(pay(1, 0))

        with pytest.raises(BackPressure):
            await node.submit(pay(1, 1))

        node._sequencer._keys.update({k.address: k for k in SEQUENCERS})
        await node.wait_final(id_of(pay(1, 0)), 30_000)
        assert (await pay_final(node, pay(1, 1))).is_final


async def test_submit__clock_set_back_while_waiting__in_time_rejects(run):
    async with funded(run(order_wait_ms_max=200)) as node:
        intake, now_ms = node._intake, node._clock_ms
        waiting = asyncio.create_task(node.submit(pay(1, 2)))
        await asyncio.sleep(0.05)
        intake._clock_ms = lambda: now_ms() - 3_600_000
        intake._ahead.wake((PAYER.address, pay(1, 2).order.asset), 2)  # it looks again

        with pytest.raises(NonceGap):
            await asyncio.wait_for(waiting, 2)


async def test_order__accepted_until_decided__succeeds(run):
    signed = pay(1, 0)
    async with funded(run()) as node:
        node._sequencer._keys.clear()
        for validator in node.validators:
            validator._timeout_ms_min = 10**9
        before = clock_ms()
        assert node.order(id_of(signed)) is None
        await node.submit(signed)
        pending = node.order(id_of(signed))
        node._sequencer._keys.update({k.address: k for k in SEQUENCERS})
        await node.wait_final(id_of(signed), 30_000)

        assert (pending.authorised, pending.group) == (signed, None)
        assert before <= pending.accepted_ts_ms <= clock_ms()
        assert node.order(id_of(signed)) is None


async def test_submit_many__in_any_order__succeeds(run):
    async with funded(run()) as node:
        orders = [pay(1, nonce) for nonce in (2, 0, 1)]
        results = await node.submit_many([*orders, forged(pay(1, 3)), pay(5_000, 3)])

        assert results[:3] == [Accepted(id_of(order)) for order in orders]
        assert [type(result) for result in results[3:]] == [NotAuthorised, InsufficientFunds]


async def test_wait_final__too_late_or_unknown__changes_nothing(run):
    async with funded(run()) as node:
        assert await node.wait_final(id_of(pay(1, 0)), 10) is None
        assert await node.wait_final(id_of(pay(1, 0)), 0) is None


async def test_wait_final__expired_before_its_block__rejects(run):
    """With the only proposer's keys elsewhere, nothing is executed until this node is the one."""
    order = pay(1, 0, valid_until=clock_ms() // 1000 + 1)
    async with funded(run()) as node:
        node._sequencer._keys.clear()
        for validator in node.validators:
            validator._timeout_ms_min = 10**9
        accepted = await node.submit(order)
        await asyncio.sleep(2.1)
        node._sequencer._keys.update({k.address: k for k in SEQUENCERS})

        outcome = await node.wait_final(accepted.payment_id, 30_000)

        assert outcome == Outcome.rejected(2, "ORDER_EXPIRED")
        assert await node.submit(order) == accepted
        assert await pay_final(node, pay(1, 0)) == Outcome.final(3)


# Looking


async def test_account__unknown__changes_nothing(run):
    async with funded(run()) as node:
        assert node.account(PAYEE.address, 1) is None
        assert node.account(PAYER.address, 2) is None


async def test_account__known__succeeds(run):
    async with funded(run()) as node:
        view = node.account(PAYER.address, 1)
        assert view == AccountView(view.account_id, 1_000, 0, 0, 1_000)


async def test_status__running__succeeds(run):
    async with funded(run()) as node:
        status = node.status()

        assert status.has_quorum
        assert status.failure is None
        assert (status.block_number, status.epoch, status.l1_block_number) == (1, 1, 2)


async def test_status__validators_are_still_reading__has_quorum_holds(run):
    """What validators have not read yet is no silence of theirs."""
    async with funded(run(quorum_wait_ms_max=100)) as node:
        await until(lambda: node._feed.has_read_all)
        # Whom nobody wakes reads nothing.
        held, node._feed._wake = node._feed._wake, asyncio.Event()
        await node.submit(pay(1, 0))
        await until(lambda: node._replica.rounds.is_decided)

        ahead_ms = 0
        node._clock_ms = lambda: clock_ms() + ahead_ms
        for _ in range(3):
            ahead_ms += 1_000
            await until(lambda: node.status().has_quorum)
        ahead_ms = 0

        assert not node._feed.has_read_all
        held.set()
        assert await node.wait_final(id_of(pay(1, 0)), 30_000) == Outcome.final(2)


async def test_observers__every_block__holds(run):
    seen = []
    async with run() as node:
        node.observers += [lambda final: 1 // 0, seen.append]
        await until(lambda: node.account(PAYER.address, 1) is not None)
        for nonce in range(5):
            await pay_final(node, pay(1, nonce))
        replayed = list(node.replay())

        assert [final.block.number for final in seen] == list(
            range(1, node.status().block_number + 1)
        )
        assert replayed == seen
        assert list(node.replay(3)) == seen[2:]


# Faults


async def test_submit__no_quorum__rejects(run):
    two = tuple(VALIDATORS[:2])
    async with funded(run()) as node:
        await pay_final(node, pay(1, 0))
    async with run(validator_keys=two, quorum_wait_ms_max=50) as node:
        accepted = await node.submit(pay(1, 1))
        await until(lambda: not node.status().has_quorum)
        assert await node.wait_final(accepted.payment_id, 0) is None
        with pytest.raises(NoQuorum) as caught:
            await node.submit(pay(1, 2))
        assert (caught.value.needed, caught.value.actual) == (3, 2)
        assert await node.submit(pay(1, 1)) == accepted
    async with run() as node:
        assert (await node.wait_final(accepted.payment_id, 30_000)).is_final
        assert (await pay_final(node, pay(1, 2))).is_final
        assert node.status().has_quorum


async def test_submit__one_validator_away__succeeds(run):
    async with funded(run(validator_keys=tuple(VALIDATORS[1:]))) as node:
        assert (await pay_final(node, pay(1, 0))).is_final


async def test_submit__first_proposer_away__succeeds(run):
    async with funded(run(sequencer_keys=(SEQUENCERS[1],))) as node:
        assert node.status().round == 1
        assert (await pay_final(node, pay(1, 0))).is_final


async def test_submit__disk_full__rejects(run, tmp_path, monkeypatch):
    path, order, sync = tmp_path / "log", pay(1, 0).encode(), log_module._sync

    def fail(file):
        if order in path.read_bytes():  # a vote may be on its way, in a frame before
            raise OSError(28, "No space left on device")
        sync(file)

    async with funded(run()) as node:
        monkeypatch.setattr(log_module, "_sync", fail)
        with pytest.raises(DiskFull):
            await node.submit(pay(1, 0))
        await until(lambda: node.status().failure is not None)
        with pytest.raises((NodeStopped, LogFailed)):
            await node.submit(pay(1, 1))
        monkeypatch.undo()
    async with run() as node:
        # Unknown was not failed: the frame is there.
        assert await node.wait_final(id_of(pay(1, 0)), 30_000) == Outcome.final(2)


async def test_submit__stopped__rejects(run):
    async with funded(run()) as node:
        await node.stop()
        await node.stop()

        with pytest.raises(NodeStopped):
            await node.submit(pay(1, 0))


async def test_submit__program_contradicts_itself__rejects(run, monkeypatch):
    def fail(_validator, entry):
        if isinstance(entry.payload, OrderEntry):
            raise InvariantViolated("two and two are five")

    async with funded(run()) as node:
        monkeypatch.setattr(type(node.validators[0]), "read", fail)
        await node.submit(pay(1, 0))
        await until(lambda: node.status().failure is not None)

        with pytest.raises(NodeStopped, match="two and two"):
            await node.submit(pay(1, 1))


# The verifier


@pytest.mark.parametrize("count", [2, 4])
def test_config__simd_for_more_than_f_validators__rejects(count):
    with pytest.raises(TooManyRely) as refused:
        replace(CONFIG, validator_keys=tuple(VALIDATORS[:count]), verifier="simd")

    assert (refused.value.validators, refused.value.faults_max) == (count, 1)


def test_config__simd_for_one_validator_and_his_successor__succeeds():
    keys = (VALIDATORS[0], key("his next key"))

    assert replace(CONFIG, validator_keys=keys, verifier="simd").verifier == "simd"
