"""A watcher against an operator who holds all keys, on a real chain.

- an honest batch: nothing to do
- minted money, a lie about the cursor, hidden data: proven, rolled back, half the stakes earned
- a withdrawal that nobody authorised: challenged, expired, rolled back
- a challenge of an honest operation: answered with the evidence
- an exit: shown once it was served, for its bounty, however late
- an exit unserved, a deposit unconsumed, silence: frozen, each at its deadline and not before
"""

from dataclasses import replace

import pytest

from backend.protocol.batches import Chunk, padded
from backend.protocol.evidence import Evidence
from backend.protocol.operations import Deposit, OpenAccount, Withdrawal
from backend.protocol.order_records import SignedOrder
from backend.protocol.orders import WithdrawalOrder
from backend.protocol.types import AccountId, Asset
from backend.settlement.chain import Done
from backend.settlement.data_sources import DataSources, DevelopmentBlobs
from backend.settlement.l1_history import L1Reader
from backend.settlement.proving.proofs import leaf_proof
from backend.settlement.watching.challenger import Challenger
from backend.settlement.watching.challenges import opened_challenges
from backend.settlement.watching.deadlines import overdue, showing
from backend.settlement.watching.follower import Follower
from tests.e2e.settlement.chain import OTHER_OWNER, OWNER
from tests.e2e.settlement.posting import first_deposit
from tests.e2e.settlement.thief import Thief, naming, other_blobs

MONEY = 5_000_000
ACCOUNT = AccountId(7)
NEVER_S = 2**63


class Known:
    """Evidence that the test holds."""

    def __init__(self):
        self.by_slot = {}

    async def evidence(self, batch):
        return self.by_slot


@pytest.fixture
async def thief(l1, kzg):
    """The operator; OWNER has deposited."""
    await l1.fund(OWNER, 2 * MONEY)
    await l1.deposit(OWNER, MONEY)
    await l1.mine()
    return Thief(l1, kzg)


@pytest.fixture
async def watcher(l1, kzg):
    reader = await L1Reader.at(l1.client, l1.rollup.contract.address)
    sources = DataSources([], [DevelopmentBlobs(l1.client)], kzg)
    follower = Follower(reader, sources, None, 0)
    return Challenger(follower, l1.sender(OTHER_OWNER), Known(), may_freeze=True)


async def first_batch(thief, **changes):
    record = await first_deposit(thief.l1)
    operations = [OpenAccount(ACCOUNT, 1, OWNER.address), Deposit(ACCOUNT, MONEY)]
    assets = {1: await asset_of(thief.l1)}
    return await thief.batch(operations, deposits=[record], assets=assets, **changes)


async def asset_of(l1):
    token, unit, fee_owner, _ = await l1.client.read(l1.rollup.contract, "assets", 1)
    return Asset(1, bytes(token), unit, bytes(fee_owner))


async def epoch(l1):
    return await l1.client.read(l1.deployment.committee, "epoch")


async def steps(watcher, l1, count=4):
    """Let the watcher look several times, a block apart."""
    standing = None
    for _ in range(count):
        standing = await watcher.step()
        await l1.mine()
    return standing


async def test_step__honest_batch__has_nothing_to_do_holds(thief, watcher, l1):
    await thief.post(*await first_batch(thief))

    standing = await steps(watcher, l1, 2)

    assert (standing.batch, standing.tip, standing.alarms) == (1, 1, [])
    assert await epoch(l1) == 1


async def test_step__minted_money__is_proven_succeeds(thief, watcher, l1):
    await thief.post(*await first_batch(thief, root=b"\x01" * 32))

    standing = await watcher.step()
    assert "batch 1 is false" in standing.alarms[0]
    await steps(watcher, l1, 3)

    assert await l1.rollup.tip() == 0
    assert await epoch(l1) == 2
    committee = l1.deployment.committee
    reward = await l1.client.read(committee, "rewards", 0)
    stake_wei = l1.deployment.parameters.stake_wei
    assert reward[1:] == (1, 3 * stake_wei // 2)


async def test_step__lie_about_the_cursor__is_proven_succeeds(thief, watcher, l1):
    header, chunks = await first_batch(thief)
    await l1.deposit(OWNER, MONEY)
    await thief.post(replace(header, deposit_cursor=2), chunks)
    await steps(watcher, l1, 3)

    assert await l1.rollup.tip() == 0


async def test_step__hidden_data__is_proven_succeeds(thief, watcher, l1):
    header, chunks = await first_batch(thief)
    await thief.post(header, chunks, blobs=other_blobs(chunks))

    await steps(watcher, l1, 3)

    assert await l1.rollup.tip() == 0


async def test_step__withdrawal_that_nobody_signed__is_challenged_until_it_falls_succeeds(
    thief, watcher, l1
):
    await thief.post(*await first_batch(thief))
    await thief.post(*await thief.batch([Withdrawal(ACCOUNT, MONEY, 0)], cursor=1))

    standing = await watcher.step()
    assert standing.alarms == [
        "batch 2, slot 0: nobody shows who authorised it (nothing is known of it)"
    ]
    await l1.pass_time(l1.deployment.parameters.answer_window_s)
    await l1.mine()
    await steps(watcher, l1, 2)

    assert await l1.rollup.tip() == 1
    challenges = l1.deployment.core("Challenges")
    assert await l1.client.balance_wei(challenges.address) == 0  # its bond has come back


async def test_step__honest_withdrawal_challenged__is_answered_succeeds(thief, watcher, l1):
    await thief.post(*await first_batch(thief))
    token = l1.deployment.token("USDX").address
    order = WithdrawalOrder(OWNER.address, token, MONEY, 0, 0, NEVER_S)
    signature = OWNER.sign_digest(order.digest(l1.rollup.domain))
    await thief.post(*await thief.batch([Withdrawal(ACCOUNT, MONEY, 0)], cursor=1))
    await watcher.step()  # without the evidence it challenges

    watcher._evidence.by_slot[0] = Evidence(SignedOrder(order, signature), 0)
    standing = await steps(watcher, l1, 2)

    assert standing.alarms == []
    await l1.pass_time(l1.deployment.parameters.challenge_window_s)
    await l1.mine()
    batches = [(await l1.rollup.posted(number)).accepted for number in (1, 2)]
    await l1.call(OWNER, l1.rollup.contract, "settle", [b.arguments() for b in batches])
    assert await l1.rollup.frontier() == 2


async def request_exit(thief, l1):
    exits = l1.deployment.core("Exits")
    accepted = (await l1.rollup.posted(1)).accepted.arguments()
    bounty_wei = 2 * await l1.client.read(exits, "bounty")
    account = leaf_proof(thief.tree, ACCOUNT)
    outcome = await l1.sender(OWNER).call(
        exits, "requestExit", accepted, account, value_wei=bounty_wei
    )
    assert isinstance(outcome, Done), outcome
    await l1.mine()
    return bounty_wei


async def test_step__exit_that_was_served__is_shown_for_its_bounty_succeeds(thief, watcher, l1):
    await thief.post(*await first_batch(thief))
    bounty_wei = await request_exit(thief, l1)
    await l1.pass_time(2)  # a batch of the same second shows nothing
    await thief.post(*await thief.batch([Withdrawal(ACCOUNT, MONEY, 0)], cursor=1))
    watcher._evidence.by_slot[0] = Evidence(None, 0)

    standing = await steps(watcher, l1, 2)
    assert standing.alarms == []
    await l1.pass_time(l1.deployment.parameters.challenge_window_s)
    await l1.mine()
    batches = [(await l1.rollup.posted(number)).accepted.arguments() for number in (1, 2)]
    await l1.call(OWNER, l1.rollup.contract, "settle", batches)
    exits = l1.deployment.core("Exits")
    await l1.call(OWNER, exits, "creditBounty", ACCOUNT, OWNER.address)

    assert await l1.client.read(exits, "owedWei", OTHER_OWNER.address) == bounty_wei


@pytest.mark.parametrize("has_new_money", [False, True])
async def test_step__exit_served_in_a_settled_batch__is_shown_all_the_same_succeeds(
    thief, watcher, l1, has_new_money
):
    """Nobody watched while the batch could be disputed, and money may have come since."""
    await thief.post(*await first_batch(thief))
    await request_exit(thief, l1)
    await l1.pass_time(2)
    await thief.post(*await thief.batch([Withdrawal(ACCOUNT, MONEY, 0)], cursor=1))
    if has_new_money:
        await l1.deposit(OWNER, MONEY)
        await l1.mine()
        records = [await first_deposit(l1, index) for index in range(2)]
        assets = {1: await asset_of(l1)}
        again = await thief.batch([Deposit(ACCOUNT, MONEY)], deposits=records, assets=assets)
        await thief.post(*again)
    await l1.pass_time(l1.deployment.parameters.challenge_window_s)
    await l1.mine()
    tip = await l1.rollup.tip()
    batches = [(await l1.rollup.posted(each)).accepted.arguments() for each in range(1, tip + 1)]
    await l1.call(OWNER, l1.rollup.contract, "settle", batches)

    assert (await steps(watcher, l1, 1)).alarms == []

    exits = l1.deployment.core("Exits")
    assert await l1.client.read(exits, "waitingSince", ACCOUNT, OWNER.address) == 0


async def test_step__exit_of_an_account_empty_before__is_shown_by_the_first_chunk_succeeds(
    thief, watcher, l1
):
    """There was nothing to sweep, and the batch after the request pays the owner anew."""
    await thief.post(*await first_batch(thief))
    funded = replace(thief)
    await thief.post(*await thief.batch([Withdrawal(ACCOUNT, MONEY, 0)], cursor=1))
    await request_exit(funded, l1)
    await l1.pass_time(2)
    await l1.deposit(OWNER, MONEY)
    await l1.mine()
    records = [await first_deposit(l1, index) for index in range(2)]
    nothing = Chunk(padded(b""), thief.tree.root)
    assets = {1: await asset_of(l1)}
    header, paying = await thief.batch([Deposit(ACCOUNT, MONEY)], deposits=records, assets=assets)
    chunks = [nothing, *paying]
    await thief.post(naming(header, chunks), chunks)
    watcher._evidence.by_slot[0] = Evidence(None, 0)

    assert (await steps(watcher, l1, 1)).alarms == []

    exits = l1.deployment.core("Exits")
    assert await l1.client.read(exits, "waitingSince", ACCOUNT, OWNER.address) == 0


async def test_step__settled_batches__states_are_dropped_and_made_again_holds(thief, watcher, l1):
    """A watcher that kept them would be out of memory after a million payments."""
    await thief.post(*await first_batch(thief))
    for _ in range(2):
        await thief.post(*await thief.batch([Withdrawal(ACCOUNT, 1, 0)], cursor=1))
    follower = watcher._follower
    await follower.follow()
    await l1.pass_time(l1.deployment.parameters.challenge_window_s)
    await l1.mine()
    batches = [(await l1.rollup.posted(number)).accepted.arguments() for number in (1, 2, 3)]
    await l1.call(OWNER, l1.rollup.contract, "settle", batches)
    await follower.follow()

    assert [one.after is None for one in follower._followed] == [True, True, False]
    balances = [(await follower.leaf_after(each, ACCOUNT)).balance_minor for each in (2, 1, 3)]
    assert balances == [MONEY - 1, MONEY, MONEY - 2]


async def frozen(l1):
    return bool(await l1.client.read(l1.rollup.contract, "frozenTsS"))


async def test_step__exit_that_nobody_serves__is_frozen_for_succeeds(thief, watcher, l1):
    await thief.post(*await first_batch(thief))
    await request_exit(thief, l1)
    deadline_s = l1.deployment.parameters.exit_deadline_s
    await l1.pass_time(deadline_s - 30)
    await l1.mine()
    assert (await watcher.step()).alarms == []

    await l1.pass_time(30)
    await l1.mine()
    standing = await watcher.step()

    assert "waits for over 600 s" in standing.alarms[0]
    assert await frozen(l1)


async def test_step__deposit_that_nobody_consumes__is_frozen_for_succeeds(thief, watcher, l1):
    await l1.pass_time(l1.deployment.parameters.deposit_timeout_s - 30)
    await l1.mine()
    assert (await watcher.step()).alarms == []

    await l1.pass_time(30)
    await l1.mine()
    standing = await watcher.step()

    assert "deposit 0 waits for over 600 s" in standing.alarms[0]
    assert await frozen(l1)


async def test_watching__nothing_open_or_late__is_none_holds(thief, watcher, l1):
    await thief.post(*await first_batch(thief))
    await watcher.step()
    follower, reader = watcher._follower, watcher._reader

    assert await opened_challenges(reader, follower.disputable()) == {}
    assert await opened_challenges(reader, []) == {}
    assert await overdue(reader, follower, follower.history) is None
    assert await showing(reader, follower, ACCOUNT, OWNER.address) is None


async def test_step__silence__is_frozen_for_succeeds(thief, watcher, l1):
    await thief.post(*await first_batch(thief))
    await l1.pass_time(l1.deployment.parameters.silence_deadline_s - 30)
    await l1.mine()
    assert (await watcher.step()).alarms == []

    await l1.pass_time(30)
    await l1.mine()
    standing = await watcher.step()

    assert "no batch for" in standing.alarms[0]
    assert await frozen(l1)


async def test_step__nobody_to_pay_for_it__only_looks_changes_nothing(thief, l1, kzg):
    await thief.post(*await first_batch(thief, root=b"\x01" * 32))
    reader = await L1Reader.at(l1.client, l1.rollup.contract.address)
    sources = DataSources([], [DevelopmentBlobs(l1.client)], kzg)
    poor = Challenger(Follower(reader, sources, None, 0), None, None)

    standing = await steps(poor, l1, 3)

    assert "batch 1 is false" in standing.alarms[0]
    assert await l1.rollup.tip() == 1
