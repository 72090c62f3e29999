"""An operator steals with the keys of his whole committee, and one honest watcher stops him.

Two people have money in a settled batch. Then the quorum signs and posts what is false, in each of
the ways there are, or does nothing at all. The watcher reads L1 alone; the operator tells it
nothing. In the end the rollup is frozen, a stranger sends everybody's exit kit, and each has his
last unit: the vault is empty, and who helped the operator has what was paid to him and no more.
"""

from dataclasses import dataclass, replace

import pytest

from backend.protocol.batches import Chunk
from backend.protocol.evidence import Evidence
from backend.protocol.operations import Deposit, OpenAccount, Payment, Withdrawal
from backend.protocol.order_records import SignedOrder
from backend.protocol.orders import PaymentOrder, WithdrawalOrder
from backend.protocol.types import AccountId
from backend.settlement.anvil import dev_key, dev_secret
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Contract, Refused
from backend.settlement.data_sources import DataSources, DevelopmentBlobs
from backend.settlement.l1_history import L1Reader
from backend.settlement.proving.answers import answers
from backend.settlement.proving.proofs import leaf_proof
from backend.settlement.watching.challenger import Challenger
from backend.settlement.watching.challenges import opened_challenges
from backend.settlement.watching.follower import Follower
from tests.e2e.settlement.chain import OTHER_OWNER as BOB
from tests.e2e.settlement.chain import OWNER as ALICE
from tests.e2e.settlement.chain import SUBMITTER, Chain
from tests.e2e.settlement.posting import first_deposit
from tests.e2e.settlement.test_challenge_watching import NEVER_S, asset_of, epoch, frozen
from tests.e2e.settlement.test_exit_kit import Leaver
from tests.e2e.settlement.thief import Thief, naming, other_blobs

ACCOMPLICE, WATCHER = dev_key(8), dev_key(7)
STRANGER_SECRET = dev_secret(9)
ALICES, BOBS, ACCOMPLICES = map(AccountId, (7, 8, 9))
DEPOSITED = {ALICE.address: 5_000_000, BOB.address: 3_000_000}
WITHDRAWN = 1_000_000  # by bob, in the settled batch
PRICE = 400_000
OPEN_ACCOMPLICE = OpenAccount(ACCOMPLICES, 1, ACCOMPLICE.address)
PAY = Payment(ALICES, ACCOMPLICES, PRICE, 0)


class NothingShown:
    """An operator who is asked for evidence, and shows none."""

    async def evidence(self, batch):
        return {}


@dataclass
class Town:
    """A ledger with people's money in it, its operator, and a watcher."""

    l1: Chain
    thief: Thief
    watcher: Challenger
    challenges: Contract
    deposits: list
    assets: dict

    @property
    def windows(self):
        return self.l1.deployment.parameters

    async def post(self, *operations, **changes):
        """Post a batch that consumes no deposit."""
        await self.thief.post(*await self.batch(*operations, **changes))

    async def batch(self, *operations, **changes):
        return await self.thief.batch(
            operations, deposits=self.deposits, assets=self.assets, **changes
        )

    async def settle(self):
        """Settle all that was posted, after its window."""
        await self.pass_time(self.windows.challenge_window_s)
        await self.l1.call(SUBMITTER, self.l1.rollup.contract, "settle", await self.unsettled())

    async def unsettled(self):
        rollup = self.l1.rollup
        numbers = range(await rollup.frontier() + 1, await rollup.tip() + 1)
        return [(await rollup.posted(number)).accepted.arguments() for number in numbers]

    async def pass_time(self, seconds):
        await self.l1.pass_time(seconds)
        await self.l1.mine()

    async def watch(self, count=4):
        """Let the watcher look several times, a block apart."""
        for _ in range(count):
            standing = await self.watcher.step()
            await self.l1.mine()
        return standing

    def signed(self, key, order):
        return Evidence(SignedOrder(order, key.sign_digest(order.digest(self.l1.rollup.domain))), 0)

    def payment(self, amount=PRICE, *, key=ALICE, valid_until=NEVER_S):
        """Return alice's first order, to the accomplice. She signs it, or `key` does."""
        token = self.assets[1].token
        payees = ALICE.address, ACCOMPLICE.address
        return self.signed(key, PaymentOrder(*payees, token, amount, 0, 0, valid_until))

    def withdrawal(self, amount):
        """Return the accomplice's first order: he takes out what he was paid."""
        order = WithdrawalOrder(ACCOMPLICE.address, self.assets[1].token, amount, 0, 0, NEVER_S)
        return self.signed(ACCOMPLICE, order)

    async def refusal(self, number, slot, evidence):
        """Let the operator answer for a slot of a batch; return what L1 finds wrong with it."""
        [batch] = [
            one for one in self.watcher._follower.disputable() if one.posted.header.number == number
        ]
        opened = await opened_challenges(self.watcher._reader, [batch])
        [one] = [one for one in opened[batch.posted.header_hash] if slot in one.open_slots]
        [arguments] = answers(batch, one.slot, {slot: evidence})
        outcome = await self.l1.sender(SUBMITTER).call(self.challenges, "answer", *arguments)
        if not isinstance(outcome, Refused):
            return None
        error = outcome.reason.error
        return error.values["field"].rstrip(b"\0") if "field" in error.values else error.name


@pytest.fixture
async def town(l1, kzg):
    reader = await L1Reader.at(l1.client, l1.rollup.contract.address)
    follower = Follower(reader, DataSources([], [DevelopmentBlobs(l1.client)], kzg), None, 0)
    watcher = Challenger(follower, l1.sender(WATCHER), NothingShown(), may_freeze=True)
    for owner in (ALICE, BOB):
        amount = DEPOSITED[owner.address]
        await l1.fund(owner, amount)
        await l1.deposit(owner, amount)
    await l1.mine()
    names = ("Challenges", "Rollup", "Disputes")
    first, *others = (artifact(name).abi for name in names)
    return Town(
        l1,
        Thief(l1, kzg),
        watcher,
        Contract(l1.deployment.address("Challenges"), first.joined(*others)),
        [await first_deposit(l1, index) for index in range(2)],
        {1: await asset_of(l1)},
    )


@pytest.fixture
async def settled(town):
    """The town once its first batch, an honest one, is settled."""
    await town.post(*first_operations())
    await town.settle()
    return town


def first_operations():
    alice, bob = DEPOSITED.values()
    return (
        OpenAccount(ALICES, 1, ALICE.address),
        Deposit(ALICES, alice),
        OpenAccount(BOBS, 1, BOB.address),
        Deposit(BOBS, bob),
        Withdrawal(BOBS, WITHDRAWN, 0),
    )


async def the_watcher_wins(town, tip=1):
    """Let time pass, and the watcher act: what is false falls, and the rollup is frozen, since
    nobody's stake is whole any more."""
    await town.watch()
    await town.pass_time(town.windows.answer_window_s)
    await town.watch()
    assert (await town.l1.rollup.tip(), await epoch(town.l1)) == (tip, 2)

    await town.pass_time(town.windows.silence_deadline_s)
    await town.watch(1)


async def everyone_is_paid(town, *whats, to_accomplice=0):
    """Let a stranger send everybody's exit kit, and nothing be left of the vault."""
    l1 = town.l1
    assert await frozen(l1)
    stranger = Leaver(l1, town.thief.kzg, STRANGER_SECRET, owner=None)
    await stranger.kit()
    for what in whats:
        stranger.send(what)
    expected = DEPOSITED | {ACCOMPLICE.address: to_accomplice}
    expected[ALICE.address] -= to_accomplice
    held = {owner: stranger.balance("0x" + owner.hex()) for owner in expected}
    assert held == expected
    assert stranger.balance(stranger.json["rollup"]) == 0


async def test_operator_steals__forged_payment__watcher_wins_everyone_is_paid_succeeds(settled):
    """All of alice's money is paid to the accomplice, who then takes it out with a true order."""
    town, amount = settled, DEPOSITED[ALICE.address]
    await town.post(OPEN_ACCOMPLICE, Payment(ALICES, ACCOMPLICES, amount, 0))
    await town.post(Withdrawal(ACCOMPLICES, amount, 0))
    await town.watch(1)

    assert await town.refusal(3, 0, town.withdrawal(amount)) is None
    assert await town.refusal(2, 2, town.payment(amount, key=ACCOMPLICE)) == "NotAuthorised"
    await the_watcher_wins(town)

    await everyone_is_paid(town, "claim", "escape")


async def test_operator_steals__minted_balance__watcher_wins_everyone_is_paid_succeeds(settled):
    """A chunk's root gives the accomplice all that is in the vault; the next batch takes it out."""
    town, amount = settled, sum(DEPOSITED.values())
    header, [true] = await town.batch(OPEN_ACCOMPLICE)
    tree = town.thief.tree
    rich = replace(tree.leaf(ACCOMPLICES), balance_minor=amount)
    town.thief.tree = tree.set_many({ACCOMPLICES: rich})
    false = [Chunk(true.slots, town.thief.tree.root)]
    await town.thief.post(naming(header, false), false)
    await town.post(Withdrawal(ACCOMPLICES, amount, 0))

    await the_watcher_wins(town)

    await everyone_is_paid(town, "claim", "escape")


async def test_operator_steals__hidden_data__watcher_wins_everyone_is_paid_succeeds(settled):
    """The blobs hold other operations than those that the header names."""
    town = settled
    stolen = Payment(ALICES, ACCOMPLICES, DEPOSITED[ALICE.address], 0)
    header, chunks = await town.batch(OPEN_ACCOMPLICE, stolen)
    await town.thief.post(header, chunks, blobs=other_blobs(chunks))

    await the_watcher_wins(town)

    await everyone_is_paid(town, "claim", "escape")


@pytest.mark.parametrize(
    ("batches", "second", "tip", "paid"),
    [
        ([[OPEN_ACCOMPLICE, PAY, PAY]], (2, 3), 1, 0),
        ([[OPEN_ACCOMPLICE, PAY], [PAY]], (3, 0), 2, PRICE),
    ],
    ids=["in one batch", "in two batches"],
)
async def test_operator_steals__double_execution__watcher_wins_everyone_is_paid_succeeds(
    settled, batches, second, tip, paid
):
    """Alice signed once. A batch before the one with the second time is right, and stands."""
    town = settled
    for operations in batches:
        await town.post(*operations)
    await town.watch(1)

    assert await town.refusal(2, 2, town.payment()) is None
    assert await town.refusal(*second, town.payment()) == b"nonce"
    await the_watcher_wins(town, tip)

    last_batch = ("settle",) * (tip - 1)
    await everyone_is_paid(town, *last_batch, "claim", "escape", to_accomplice=paid)


async def test_operator_steals__deposit_credited_twice__watcher_wins_everyone_is_paid_succeeds(
    settled,
):
    """Alice is in it, and would take bob's money."""
    town, amount = settled, DEPOSITED[ALICE.address]
    again = await town.thief.batch(
        [Deposit(ALICES, amount)],
        deposits=[*town.deposits, town.deposits[0]],
        deposit_cursor=2,
    )
    await town.thief.post(*again)
    await town.post(Withdrawal(ALICES, amount, 0), deposit_cursor=2)

    await the_watcher_wins(town)

    await everyone_is_paid(town, "claim", "escape")


async def test_operator_steals__censorship_of_an_exit__watcher_wins_everyone_is_paid_succeeds(
    settled,
):
    """Batches go on and on, and none of them serves alice."""
    town = settled
    exits = town.l1.deployment.core("Exits")
    shown = (await town.l1.rollup.posted(1)).accepted.arguments()
    bounty_wei = 2 * await town.l1.client.read(exits, "bounty")
    account = leaf_proof(town.thief.tree, ALICES)
    await town.l1.sender(ALICE).call(exits, "requestExit", shown, account, value_wei=bounty_wei)
    await go_on_until_frozen(town, town.windows.exit_deadline_s)

    await everyone_is_paid(town, "settle", "claim", "escape")


async def test_operator_steals__censorship_of_a_deposit__watcher_wins_everyone_is_paid_succeeds(
    town,
):
    """Batches go on and on, and none of them credits bob."""
    town.deposits = town.deposits[:1]
    await town.post(*first_operations()[:2])
    await go_on_until_frozen(town, town.windows.deposit_timeout_s)

    await everyone_is_paid(town, "settle", "escape", "refund")


async def go_on_until_frozen(town, deadline_s):
    """Let batches come as if nothing were wrong, until the watcher freezes at the deadline."""
    for _ in range(3):
        await town.pass_time(deadline_s // 3 - 20)
        await town.post()
        assert (await town.watch(1)).alarms == []
    await town.pass_time(60)
    await town.watch(1)


async def test_operator_steals__silence__watcher_wins_everyone_is_paid_succeeds(settled):
    town = settled
    await town.pass_time(town.windows.silence_deadline_s - town.windows.challenge_window_s - 30)
    assert (await town.watch(1)).alarms == []
    await town.pass_time(60)
    await town.watch(1)

    await everyone_is_paid(town, "claim", "escape")


async def test_operator_steals__backdating__watcher_wins_everyone_is_paid_succeeds(town):
    """Each batch is dated as early as L1 takes it. That ends no window, and an order that has
    expired by that date is no answer."""
    await town.post(*first_operations(), timestamp=await next_date(town))
    await town.settle()
    expired = town.payment(valid_until=await next_date(town) - 1)
    await town.post(OPEN_ACCOMPLICE, PAY, timestamp=await next_date(town))
    await town.watch(1)

    settling = await town.l1.sender(SUBMITTER).call(
        town.l1.rollup.contract, "settle", await town.unsettled()
    )
    assert settling.reason.error.name == "WindowOpen"
    assert await town.refusal(2, 2, expired) == b"validUntil"
    await the_watcher_wins(town)

    await everyone_is_paid(town, "claim", "escape")


async def test_post__dated_before_the_lag__reverts(town):
    await town.post(*first_operations(), timestamp=await next_date(town))
    await town.pass_time(60)
    date = (await town.l1.client.latest()).ts_s - town.windows.timestamp_lag_s

    refused = await town.thief.refusal(*await town.batch(timestamp=date - 1))

    assert refused.name == "TimestampOutOfRange"
    assert refused.values["actual"] < date <= refused.values["minimum"]
    assert town.thief.header.timestamp < date  # it is the lag that it is too early for


async def next_date(town):
    """Fix when the next block comes; return the earliest date that a batch in it may bear."""
    ts_s = (await town.l1.client.latest()).ts_s + 1
    await town.l1.client.rpc("evm_setNextBlockTimestamp", ts_s)
    return ts_s - town.windows.timestamp_lag_s
