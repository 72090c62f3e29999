"""L1 takes back what a watcher has done: its challenge, the batch with it, its proof, a roll-back.

- a challenge, a proof, a roll-back: gone with its block, and done again, once
- the root that authorised an order: gone, and the order is challenged until the root is there again
- an answer, and the settling after it: gone, and the honest batch is answered for again
- the showing of an exit that a settled batch has served: the operator's guard shows it again
- another batch comes in the place of a challenged one: the challenge is of the batch's hash, not
  of its number, so it binds neither a true batch nor spares a false one
"""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from backend.guard import Guard
from backend.protocol.evidence import Evidence
from backend.protocol.operations import Withdrawal
from backend.protocol.order_records import RootedOrder, SignedOrder
from backend.protocol.orders import WithdrawalOrder
from backend.settlement.data_sources import DataSources, DevelopmentBlobs
from backend.settlement.proving.answers import challenge
from backend.settlement.watcher import Watcher
from tests.e2e.settlement.chain import OTHER_OWNER, OWNER, SUBMITTER
from tests.e2e.settlement.test_challenge_hiding import challenges  # noqa: F401
from tests.e2e.settlement.test_challenge_watching import (
    ACCOUNT,
    MONEY,
    NEVER_S,
    epoch,
    first_batch,
    request_exit,
    steps,
    thief,  # noqa: F401
    watcher,  # noqa: F401
)

# ruff: noqa: F811 - fixtures are named as they are imported


@pytest.fixture
async def false_batch(thief):
    """The hash of batch 2, in which nobody has signed the only operation."""
    await thief.post(*await first_batch(thief))
    return await withdraw(thief, MONEY)


async def withdraw(thief, amount):
    """Post a withdrawal; return the header's hash."""
    header = await thief.post(*await thief.batch([Withdrawal(ACCOUNT, amount, 0)], cursor=1))
    return header.digest(thief.l1.rollup.domain)


def signed(l1):
    """Return the owner's order to withdraw all."""
    order = WithdrawalOrder(
        OWNER.address, l1.deployment.token("USDX").address, MONEY, 0, 0, NEVER_S
    )
    return Evidence(SignedOrder(order, OWNER.sign_digest(order.digest(l1.rollup.domain))), 0)


async def settle(l1):
    batches = [(await l1.rollup.posted(number)).accepted.arguments() for number in (1, 2)]
    await l1.call(OWNER, l1.rollup.contract, "settle", batches)


async def logs_of(l1, contract, event):
    """Return the logs of an event on the chain as it is now."""
    head = await l1.client.latest()
    return await l1.client.logs([contract.address], 0, head.number, [contract.abi.topic(event)])


async def take_back(l1, from_block):
    """Replace the newest blocks, `from_block` too, by empty ones."""
    await l1.reorganise((await l1.client.latest()).number - from_block + 1)


async def is_owed(l1, contract, owner):
    """Return what a contract owes the watcher, and what it holds, in wei."""
    held = await l1.client.rpc("eth_getBalance", "0x" + contract.address.hex(), "latest")
    return await l1.client.read(contract, "owedWei", owner.address), int(held, 16)


async def drawn(l1, challenges):
    """Return what the watcher has drawn each time, in wei. Nothing of it is left."""
    assert await is_owed(l1, challenges, OTHER_OWNER) == (0, 0)
    logs = await logs_of(l1, challenges, "BondWithdrawn")
    return [challenges.abi.decode_log(log.topics, log.data).values["amountWei"] for log in logs]


async def test_step__challenge_reorganised__challenges_again_once_succeeds(
    watcher, l1, challenges, false_batch
):
    await watcher.step()
    [opened] = await logs_of(l1, challenges, "ChallengeOpened")
    _, bond_wei = await is_owed(l1, challenges, OTHER_OWNER)

    await take_back(l1, opened.block.number)
    assert await logs_of(l1, challenges, "ChallengeOpened") == []
    assert await is_owed(l1, challenges, OTHER_OWNER) == (0, 0)
    await steps(watcher, l1, 3)

    [again] = await logs_of(l1, challenges, "ChallengeOpened")
    assert again.topics == opened.topics
    assert await l1.client.read(challenges, "openCount", false_batch) == 1
    await l1.pass_time(l1.deployment.parameters.answer_window_s)
    await l1.mine()
    await steps(watcher, l1, 2)
    assert (await l1.rollup.tip(), await epoch(l1)) == (1, 2)
    assert await drawn(l1, challenges) == [bond_wei]


async def test_step__roll_back_reorganised__rolls_back_again_once_succeeds(
    watcher, l1, challenges, false_batch
):
    await watcher.step()
    await l1.pass_time(l1.deployment.parameters.answer_window_s)
    await l1.mine()
    await watcher.step()
    [gone] = await logs_of(l1, l1.rollup.contract, "RolledBack")
    await watcher.step()

    await take_back(l1, gone.block.number)
    assert (await l1.rollup.tip(), await epoch(l1)) == (2, 1)
    await l1.pass_time(l1.deployment.parameters.answer_window_s)
    await l1.mine()
    await steps(watcher, l1, 3)

    assert (await l1.rollup.tip(), await epoch(l1)) == (1, 2)
    assert len(await logs_of(l1, l1.rollup.contract, "RolledBack")) == 1
    assert len(await logs_of(l1, challenges, "ChallengeOpened")) == 1
    [drawn_wei] = await drawn(l1, challenges)
    assert 0 < drawn_wei


@pytest.mark.parametrize("event", ["ProofCommitted", "RolledBack"])
async def test_step__proof_reorganised__proves_again_once_succeeds(thief, watcher, l1, event):
    """What the watcher committed to, or the proof itself, or both of them."""
    await thief.post(*await first_batch(thief, root=b"\x01" * 32))
    await steps(watcher, l1, 2)
    assert (await l1.rollup.tip(), await epoch(l1)) == (0, 2)
    contract = l1.rollup.contract if event == "RolledBack" else l1.deployment.core("Disputes")
    [gone] = await logs_of(l1, contract, event)

    await take_back(l1, gone.block.number)
    assert (await l1.rollup.tip(), await epoch(l1)) == (1, 1)
    await steps(watcher, l1, 4)

    assert (await l1.rollup.tip(), await epoch(l1)) == (0, 2)
    assert len(await logs_of(l1, l1.rollup.contract, "RolledBack")) == 1
    reward = await l1.client.read(l1.deployment.committee, "rewards", 0)
    assert reward[1:] == (1, 3 * l1.deployment.parameters.stake_wei // 2)


async def test_step__root_reorganised__challenges_what_it_authorised_succeeds(
    watcher, l1, challenges, false_batch
):
    """The batch stands, since it came before the root; without the root nobody could answer."""
    await watcher.step()
    token = l1.deployment.token("USDX").address
    order = WithdrawalOrder(OWNER.address, token, MONEY, 0, 0, NEVER_S)
    root = order.digest(l1.rollup.domain)
    watcher._evidence.by_slot[0] = Evidence(RootedOrder(order, root, ()), 0)
    [opened] = await logs_of(l1, challenges, "ChallengeOpened")
    await take_back(l1, opened.block.number)
    authorised = await l1.call(OWNER, l1.rollup.contract, "authorizeOrders", root)
    assert (await steps(watcher, l1, 2)).alarms == []
    assert await l1.client.read(challenges, "openCount", false_batch) == 0

    await take_back(l1, authorised.block.number)
    standing = await steps(watcher, l1, 2)

    assert "slot 0: nobody shows who authorised it (authorisation)" in standing.alarms[0]
    assert await l1.client.read(challenges, "openCount", false_batch) == 1
    await l1.call(OWNER, l1.rollup.contract, "authorizeOrders", root)
    assert (await steps(watcher, l1, 2)).alarms == []
    assert await l1.client.read(challenges, "openCount", false_batch) == 0


async def test_step__answer_and_settling_reorganised__answers_again_succeeds(
    thief, watcher, l1, challenges
):
    """A stranger challenges at the window's end. Nobody loses by it what he has signed."""
    await thief.post(*await first_batch(thief))
    true_batch = await withdraw(thief, MONEY)
    watcher._evidence.by_slot[0] = signed(l1)
    await watcher.step()
    await l1.pass_time(l1.deployment.parameters.challenge_window_s - 10)
    await l1.mine()
    bond_wei = await l1.client.read(challenges, "bond", 1)
    arguments = challenge(watcher._follower.disputable()[-1], [0])
    stranger = l1.sender(SUBMITTER)
    await stranger.call(challenges, "challenge", *arguments, value_wei=2 * bond_wei)
    await watcher.step()
    [answered] = await logs_of(l1, challenges, "ChallengeAnswered")
    await l1.pass_time(10)
    await settle(l1)
    await steps(watcher, l1, 2)

    await take_back(l1, answered.block.number)
    assert await l1.rollup.frontier() == 0
    assert await l1.client.read(challenges, "openCount", true_batch) == 1
    assert (await steps(watcher, l1, 2)).alarms == []

    assert await l1.client.read(challenges, "openCount", true_batch) == 0
    await l1.pass_time(10)
    await settle(l1)
    assert await l1.rollup.frontier() == 2


async def test_look__showing_reorganised__shows_again_succeeds(thief, l1, kzg):
    await thief.post(*await first_batch(thief))
    await request_exit(thief, l1)
    await l1.pass_time(2)  # a batch of the same second shows nothing
    await withdraw(thief, MONEY)
    await l1.pass_time(l1.deployment.parameters.challenge_window_s)
    await settle(l1)
    watcher = Watcher(l1.client, l1.deployment, confirmations=20)
    desk, sources = (
        SimpleNamespace(alien=None, batch_count=0),
        DataSources([], [DevelopmentBlobs(l1.client)], kzg),
    )
    guard = Guard(l1.client, l1.deployment, l1.sender(OTHER_OWNER), watcher, desk, sources)
    exits = l1.deployment.core("Exits")
    await l1.mine(20)
    await watcher.poll()
    for _ in range(2):
        await guard.look()
    [shown] = await logs_of(l1, exits, "ExitServed")

    await take_back(l1, shown.block.number)
    assert await logs_of(l1, exits, "ExitServed") == []
    await guard.look()

    assert len(await logs_of(l1, exits, "ExitServed")) == 1
    await l1.mine(20)
    await watcher.poll()
    await guard.look()
    assert guard._exits_over == 1


async def other_batch_comes(thief, l1, before, amount):
    """Take back batch 2 with all that came after it; have a withdrawal posted as batch 2."""
    await take_back(l1, (await l1.rollup.posted(2)).block.number)
    assert await l1.rollup.tip() == 1
    thief.tree, thief.header, thief.blocks = before.tree, before.header, before.blocks
    return await withdraw(thief, amount)


async def test_step__challenged_batch_replaced_by_a_true_one__is_not_challenged_holds(
    thief, watcher, l1, challenges
):
    await thief.post(*await first_batch(thief))
    before = replace(thief)
    await withdraw(thief, MONEY - 1)
    await watcher.step()
    [opened] = await logs_of(l1, challenges, "ChallengeOpened")
    raw = await l1.client.rpc("eth_getRawTransactionByHash", "0x" + opened.tx_hash.hex())

    true_batch = await other_batch_comes(thief, l1, before, MONEY)
    watcher._evidence.by_slot[0] = signed(l1)
    await l1.client.send_raw(bytes.fromhex(raw[2:]))  # the mempool has it still
    receipt = await l1.client.receipt(opened.tx_hash)
    assert not receipt.is_success
    standing = await steps(watcher, l1, 2)

    assert standing.alarms == []
    assert await l1.client.read(challenges, "openCount", true_batch) == 0
    assert await is_owed(l1, challenges, OTHER_OWNER) == (0, 0)
    await l1.pass_time(l1.deployment.parameters.challenge_window_s)
    await l1.mine()
    await settle(l1)


async def test_step__challenged_batch_replaced_by_a_false_one__is_challenged_succeeds(
    thief, watcher, l1, challenges
):
    await thief.post(*await first_batch(thief))
    before = replace(thief)
    first = await withdraw(thief, MONEY)
    await watcher.step()
    assert await l1.client.read(challenges, "openCount", first) == 1

    second = await other_batch_comes(thief, l1, before, MONEY - 1)
    await steps(watcher, l1, 2)

    assert first != second
    assert await l1.client.read(challenges, "openCount", first) == 0
    assert await l1.client.read(challenges, "openCount", second) == 1
    await l1.pass_time(l1.deployment.parameters.answer_window_s)
    await l1.mine()
    await steps(watcher, l1, 2)
    assert (await l1.rollup.tip(), await epoch(l1)) == (1, 2)
