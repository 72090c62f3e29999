"""An operator who wants a watcher not to challenge the one withdrawal that nobody signed.

- orders of true operations are withheld and then shown to L1: the watcher goes on to the others
- the operator challenges true operations himself: the watcher challenges all the same
- whoever should show orders gives no answer: half of the window is waited, and no longer
- a later batch's blobs can't be had: all before it is judged, and after a while that is told; an
  exit that waits too long is frozen for all the same
"""

import pytest

from backend.protocol.batches import pack_blobs
from backend.protocol.errors import ChainUnavailable
from backend.protocol.evidence import Evidence
from backend.protocol.operations import Withdrawal
from backend.protocol.order_records import SignedOrder
from backend.protocol.orders import WithdrawalOrder
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Contract, Done
from backend.settlement.data_sources import DataSources
from backend.settlement.proving.answers import answers, challenge
from tests.e2e.settlement.chain import OWNER, SUBMITTER
from tests.e2e.settlement.test_challenge_watching import (
    ACCOUNT,
    NEVER_S,
    first_batch,
    frozen,
    request_exit,
    thief,  # noqa: F401
    watcher,  # noqa: F401
)

TRUE = 16
FALSE_SLOT = TRUE


class Silent:
    """A platform that is asked for evidence and gives no answer."""

    async def evidence(self, batch):
        raise ChainUnavailable()


@pytest.fixture
async def challenges(l1):
    names = ("Challenges", "Rollup", "Disputes")
    first, *others = (artifact(name).abi for name in names)
    return Contract(l1.deployment.address("Challenges"), first.joined(*others))


@pytest.fixture
async def orders(l1):
    """Evidence of one withdrawal after the other; the last one has none."""
    token = l1.deployment.token("USDX").address
    signed = (WithdrawalOrder(OWNER.address, token, 1, 0, nonce, NEVER_S) for nonce in range(TRUE))
    domain = l1.rollup.domain
    return {
        slot: Evidence(SignedOrder(order, OWNER.sign_digest(order.digest(domain))), 0)
        for slot, order in enumerate(signed)
    }


@pytest.fixture
async def batch(thief, watcher):  # noqa: F811
    """A batch of true withdrawals and, behind them, a false one, as the watcher has executed it."""
    await thief.post(*await first_batch(thief))
    withdrawals = [Withdrawal(ACCOUNT, 1, 0)] * (TRUE + 1)
    await thief.post(*await thief.batch(withdrawals, cursor=1))
    await watcher._follower.follow()
    return watcher._follower.disputable()[-1]


async def opened(l1, challenges, batch, slots=range(TRUE + 1)):
    """The slots of these that were challenged, and those that still wait for an answer."""
    states = {
        slot: await l1.client.read(challenges, "challengeOf", batch.posted.header_hash, slot)
        for slot in slots
    }
    ever = {slot for slot, state in states.items() if state["openedTsS"]}
    return ever, {slot for slot in ever if not states[slot]["isClosed"]}


async def test_step__true_operations_withheld_and_then_answered__comes_to_the_false_one_succeeds(
    watcher,  # noqa: F811
    l1,
    challenges,
    batch,
    orders,
):
    for _ in range(2):
        await watcher.step()
        _, waiting = await opened(l1, challenges, batch)
        for arguments in answers(batch, {slot: orders[slot] for slot in waiting if slot in orders}):
            await l1.call(SUBMITTER, challenges, "answer", *arguments)

    assert await opened(l1, challenges, batch) == (set(range(TRUE + 1)), {FALSE_SLOT})


async def test_step__operator_challenges_true_operations_himself__comes_to_the_false_one_succeeds(
    watcher,  # noqa: F811
    l1,
    challenges,
    batch,
):
    bond_wei = await l1.client.read(challenges, "bond")
    for slot in range(TRUE):
        done = await l1.sender(SUBMITTER).call(
            challenges, "challenge", *challenge(batch, slot), value_wei=2 * bond_wei
        )
        assert isinstance(done, Done), done

    await watcher.step()

    _, waiting = await opened(l1, challenges, batch, [FALSE_SLOT])
    assert waiting == {FALSE_SLOT}


async def test_step__nobody_answers_for_evidence__challenges_after_half_of_the_window_succeeds(
    watcher,  # noqa: F811
    l1,
    challenges,
    batch,
):
    watcher._evidence = Silent()
    assert (await watcher.step()).alarms == []

    await l1.pass_time(l1.deployment.parameters.challenge_window_s // 2)
    await l1.mine()
    for _ in range(2):
        standing = await watcher.step()

    assert len(standing.alarms) == TRUE + 1
    ever, _ = await opened(l1, challenges, batch)
    assert ever == set(range(TRUE + 1))


async def test_step__blobs_of_a_later_batch_missing__challenges_and_tells_succeeds(
    thief,  # noqa: F811
    watcher,  # noqa: F811
    l1,
    challenges,
    batch,
    kzg,
):
    header, chunks = await thief.batch([Withdrawal(ACCOUNT, 1, 0)], cursor=1)
    await thief.post(header, chunks, blobs=pack_blobs(chunks))
    watcher._follower._sources = DataSources([], [], kzg)

    standing = await watcher.step()

    ever, _ = await opened(l1, challenges, batch)
    assert (standing.batch, standing.tip, len(ever)) == (2, 3, 16)
    assert not any("nowhere" in alarm for alarm in standing.alarms)

    await l1.pass_time(600)
    await l1.mine()
    assert "The chunks of batch 3 are nowhere" in (await watcher.step()).alarms[0]


@pytest.mark.parametrize("is_new", [True, False])
async def test_step__exit_waits_and_the_newest_blobs_are_missing__is_frozen_for_holds(
    thief,  # noqa: F811
    watcher,  # noqa: F811
    l1,
    kzg,
    is_new,
):
    """What L1 takes is a batch from after the deadline: the newest is not needed."""
    watcher._follower._sources = DataSources([], [], kzg)
    await thief.post(*await first_batch(thief))
    await request_exit(thief, l1)
    await l1.pass_time(l1.deployment.parameters.exit_deadline_s)
    if is_new:
        await thief.post(*await thief.batch([], cursor=1))
    header, chunks = await thief.batch([], cursor=1)
    await thief.post(header, chunks, blobs=pack_blobs(chunks))

    await watcher.step()

    assert await frozen(l1) == is_new
