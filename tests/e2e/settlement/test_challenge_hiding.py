"""An operator who wants a watcher not to challenge the one withdrawal that nobody signed.

- orders of true operations are withheld and then shown to L1: the watcher goes on to the others,
  loses what the answers earn and no more, and gains by the reward
- the watcher has little ether: it says so, and comes to the false one with what comes back
- the operator challenges true operations himself: the watcher challenges all the same
- whoever should show orders gives no answer: half of the window is waited, and no longer
- a later batch's blobs can't be had: all before it is judged, and after a while that is told; an
  exit that waits too long is frozen for all the same
"""

import pytest

from backend.protocol.batches import CHUNK_SLOTS, pack_blobs
from backend.protocol.errors import ChainUnavailable
from backend.protocol.evidence import Evidence
from backend.protocol.operations import Withdrawal
from backend.protocol.order_records import SignedOrder
from backend.protocol.orders import WithdrawalOrder
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Contract, Done
from backend.settlement.data_sources import DataSources
from backend.settlement.proving.answers import answers, challenge
from backend.settlement.transactions import fees_of
from backend.settlement.watching.challenges import opened_challenges
from tests.e2e.settlement.chain import OTHER_OWNER, OWNER, SUBMITTER
from tests.e2e.settlement.test_challenge_watching import (
    ACCOUNT,
    NEVER_S,
    first_batch,
    frozen,
    request_exit,
    steps,
    thief,  # noqa: F401
    watcher,  # noqa: F401
)
from tests.e2e.settlement.thief import naming

CHUNKS, IN_CHUNK = 18, 3  # more chunks than the watcher challenges in one step
COUNT = CHUNKS * IN_CHUNK
SLOTS = [CHUNK_SLOTS * index + place for index in range(CHUNKS) for place in range(IN_CHUNK)]
FALSE = COUNT // 2 + 1
FALSE_SLOT = SLOTS[FALSE]
PAY_GAS = 110_000 * CHUNKS + 97_000 * (COUNT - 1)  # of all answers there can be
GAS_MAX = 250_000 * CHUNKS + 500_000  # of challenges, the end of one, and drawing the bonds
GWEI = 10**9


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
    """Evidence of one withdrawal after the other; the false one has none."""
    token = l1.deployment.token("USDX").address
    signed = (WithdrawalOrder(OWNER.address, token, 1, 0, nonce, NEVER_S) for nonce in range(COUNT))
    domain = l1.rollup.domain
    return {
        slot: Evidence(SignedOrder(order, OWNER.sign_digest(order.digest(domain))), 0)
        for slot, order in zip(SLOTS, signed, strict=True)
        if slot != FALSE_SLOT
    }


@pytest.fixture
async def batch(thief, watcher):  # noqa: F811
    """A batch of true withdrawals and, among them, a false one, as the watcher has executed it."""
    await thief.post(*await first_batch(thief))
    chunks = []
    for _ in range(CHUNKS):
        header, [chunk] = await thief.batch([Withdrawal(ACCOUNT, 1, 0)] * IN_CHUNK, cursor=1)
        chunks.append(chunk)
    await thief.post(naming(header, chunks), chunks)
    await watcher._follower.follow()
    return watcher._follower.disputable()[-1]


async def opened(watcher, batch):  # noqa: F811
    """The slots of the batch that were challenged, and those that still wait for an answer."""
    found = await opened_challenges(watcher._reader, [batch])
    challenges = found.get(batch.posted.header_hash, [])
    ever, waiting = (
        {slot for one in challenges for slot in slots(one)}
        for slots in (lambda one: one.slots, lambda one: one.open_slots)
    )
    return ever, waiting


async def show(watcher, l1, challenges, batch, orders):  # noqa: F811
    """Let the operator answer all that he can; return what he has been paid, in wei."""
    found = await opened_challenges(watcher._reader, [batch])
    for one in found[batch.posted.header_hash]:
        known = {slot: orders[slot] for slot in one.open_slots if slot in orders}
        for arguments in answers(batch, one.slot, known):
            await l1.call(SUBMITTER, challenges, "answer", *arguments)
    return await l1.client.read(challenges, "owedWei", SUBMITTER.address)


async def test_step__true_operations_withheld_and_then_shown__gains_by_the_reward_succeeds(
    watcher,  # noqa: F811
    l1,
    challenges,
    batch,
    orders,
):
    before_wei = await l1.client.balance_wei(OTHER_OWNER.address)
    for _ in range(2):
        await watcher.step()
        paid_wei = await show(watcher, l1, challenges, batch, orders)
    assert await opened(watcher, batch) == ({*SLOTS}, {FALSE_SLOT})
    assert paid_wei == PAY_GAS * GWEI

    await l1.pass_time(l1.deployment.parameters.answer_window_s)
    await l1.mine()
    await steps(watcher, l1, 2)

    assert await l1.rollup.tip() == 1
    spent_wei = before_wei - await l1.client.balance_wei(OTHER_OWNER.address)
    assert paid_wei < spent_wei < paid_wei + GAS_MAX * 3 * GWEI
    assert await l1.client.read(challenges, "owedWei", OTHER_OWNER.address) == 0
    accepted = (await l1.rollup.posted(1)).accepted.arguments()
    await l1.call(OTHER_OWNER, l1.rollup.contract, "settle", [accepted])
    committee = l1.deployment.committee
    await l1.call(OTHER_OWNER, committee, "creditReward", 0)
    await l1.call(OTHER_OWNER, committee, "withdrawReward")
    assert await l1.client.balance_wei(OTHER_OWNER.address) > before_wei


async def test_step__ether_for_few_bonds__comes_to_the_false_one_with_what_comes_back_succeeds(
    watcher,  # noqa: F811
    l1,
    challenges,
    batch,
    orders,
):
    bond_wei = await l1.client.read(challenges, "bond", IN_CHUNK)
    price_wei = fees_of(await l1.client.prices()).max_fee_wei
    have_wei = 9 * bond_wei + 10_000_000 * price_wei
    await l1.client.rpc("anvil_setBalance", "0x" + OTHER_OWNER.address.hex(), hex(have_wei))

    standing = await watcher.step()

    ever, _ = await opened(watcher, batch)
    left = COUNT - len(ever)
    assert 0 < len(ever) < COUNT
    assert standing.alarms[-1] == f"batch 2: no ether for the bonds of {left} operations more"
    assert len(standing.alarms) == COUNT + 1
    for _ in range(CHUNKS):
        await show(watcher, l1, challenges, batch, orders)
        standing = await watcher.step()
        if not any("no ether" in alarm for alarm in standing.alarms):
            break
    await show(watcher, l1, challenges, batch, orders)
    assert await opened(watcher, batch) == ({*SLOTS}, {FALSE_SLOT})


async def test_step__operator_challenges_true_operations_himself__comes_to_the_false_one_succeeds(
    watcher,  # noqa: F811
    l1,
    challenges,
    batch,
):
    """Even those beside the false one."""
    bond_wei = await l1.client.read(challenges, "bond", IN_CHUNK)
    for index in range(CHUNKS):
        slots = [slot for slot in SLOTS if slot // CHUNK_SLOTS == index and slot != FALSE_SLOT]
        done = await l1.sender(SUBMITTER).call(
            challenges, "challenge", *challenge(batch, slots), value_wei=2 * bond_wei
        )
        assert isinstance(done, Done), done

    await watcher.step()

    assert await opened(watcher, batch) == ({*SLOTS}, {*SLOTS})


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

    assert len(standing.alarms) == COUNT
    ever, _ = await opened(watcher, batch)
    assert ever == {*SLOTS}


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

    ever, _ = await opened(watcher, batch)
    assert (standing.batch, standing.tip, len(ever)) == (2, 3, 16 * IN_CHUNK)
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
