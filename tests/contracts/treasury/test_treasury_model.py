"""The treasury against a plain model, both driven by the same random steps.

Law: a step succeeds, and every window, nonce and balance after it is the same, in both.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import product
from unittest.mock import patch

import pytest
from ape.exceptions import ContractLogicError
from ape_ethereum.trace import Trace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.treasury.desk import Desk, call, signer_of, token_rules

WINDOW_S = 100
TIERS = [(10, 2, 0), (30, 3, 0), (60, 3, 20)]  # amountMax, weightNeeded, timelockS
GOVERNED = (4, 50)
VETO_WEIGHT = 3
GAS_LIMIT = 1_000_000
KEYS = (1, 2)
LIFE_S = 150  # of a proposal


@dataclass
class Plan:
    """A proposal in the model; `members` approve it, the first of them proposes."""

    amount: int
    members: tuple[int, ...]
    key: int
    nonce: int
    deadline: int
    scheduled_at: int | None = None
    is_cancelled: bool = False


@dataclass
class Model:
    """What the treasury should say. Times are seconds."""

    weights: list[int]
    nonces: Counter = field(default_factory=Counter)  # by proposer and key
    spent: list[tuple[int, int, int]] = field(default_factory=list)  # (time, tier, amount)
    paid: int = 0
    refuses_own: bool = False

    def spent_at(self, tier, now):
        return sum(amount for at, i, amount in self.spent if i == tier and at > now - WINDOW_S)

    def needs(self, amount, now):
        """Return (weight, timelock, tier or None)."""
        for i, (amount_max, weight, timelock_s) in enumerate(TIERS):
            if amount <= amount_max - self.spent_at(i, now):
                return weight, timelock_s, i
        return *GOVERNED, None

    def is_weighty(self, plan, weight_needed):
        # A stranger among the approvals spoils them all.
        if any(self.weights[i] == 0 for i in plan.members):
            return False
        counted = plan.members[1:] if self.refuses_own else plan.members
        return sum(self.weights[i] for i in counted) >= weight_needed

    def schedule(self, plan, now):
        weight, _, _ = self.needs(plan.amount, now)
        is_open = now <= plan.deadline and not plan.is_cancelled
        if not is_open or plan.scheduled_at is not None or not self.is_weighty(plan, weight):
            return False
        plan.scheduled_at = now
        return True

    def execute(self, plan, now):
        weight, timelock_s, tier = self.needs(plan.amount, now)
        if now > plan.deadline or plan.is_cancelled or not self.is_weighty(plan, weight):
            return False
        if timelock_s and (plan.scheduled_at is None or now < plan.scheduled_at + timelock_s):
            return False
        if plan.nonce != self.nonces[plan.members[0], plan.key]:
            return False
        self.nonces[plan.members[0], plan.key] += 1
        self.paid += plan.amount
        if tier is not None:
            self.spent.append((now, tier, plan.amount))
        return True

    def cancel(self, plan, members):
        if any(self.weights[i] == 0 for i in members):
            return False
        weight = sum(self.weights[i] for i in members)
        if plan.members[0] not in members and weight < VETO_WEIGHT:
            return False
        plan.is_cancelled = True
        return True


_MEMBERS = st.permutations(range(3)).flatmap(
    lambda order: st.integers(1, 3).map(lambda count: tuple(order[:count]))
)
_PLAN = st.tuples(st.just("plan"), st.integers(0, 70), _MEMBERS, st.sampled_from(KEYS))
_INDEX = st.integers(0, 9)
_STEP = st.one_of(
    _PLAN,
    _PLAN,
    st.tuples(st.just("schedule"), _INDEX),
    st.tuples(st.just("execute"), _INDEX),
    st.tuples(st.just("execute"), _INDEX),
    st.tuples(st.just("cancel"), _INDEX, _MEMBERS),
    st.tuples(st.just("reweigh"), st.integers(0, 3)),  # 0: Carol is dismissed
)
_STEPS = st.lists(st.tuples(st.integers(1, 60), _STEP), max_size=10)  # (seconds waited, step)


@pytest.fixture(params=[False, True], ids=["own counts", "own refused"])
def desk(request, chain, deploy_treasury, operator, members):
    """A treasury whose governance needs two of three, or two beside the proposer."""
    governance = (GOVERNED[0], GOVERNED[1], VETO_WEIGHT, request.param, 0, 0, 0)
    signers = [signer_of(member) for member in members]
    return Desk(chain, deploy_treasury(signers, [2, 2, 2], governance), operator)


@pytest.fixture
def members(alice, bob, carol):
    return [alice, bob, carol]


@pytest.fixture
def itself(desk, accounts):
    """The treasury as a sender: how a policy changes is tested elsewhere."""
    desk.operator.transfer(desk.treasury, 10**18)
    return accounts.impersonate_account(desk.treasury.address)


@pytest.fixture
def token(desk, project, operator, itself):
    token = operator.deploy(project.ReturnBoolToken, "Test Dollar", "TUSD", 6)
    token.mint(desk.treasury, 10_000, sender=operator)
    policy = project.SpendingPolicy.at(desk.treasury.policy())
    for target, _, data in [
        call(policy.setAsset, token, WINDOW_S, False, TIERS),
        *token_rules(policy, token),
    ]:
        itself.transfer(target, 0, data=data)
    return token


def _send(function, *arguments, sender):
    """Send a transaction and say whether it succeeded."""
    try:
        with patch.object(Trace, "show"):  # ape would print each revert
            function(*arguments, sender=sender, gas_limit=GAS_LIMIT)
    except ContractLogicError:
        return False
    return True


class World:
    """The contract and the model, side by side."""

    def __init__(self, desk, token, members, itself, payee):
        self.desk, self.token, self.members = desk, token, members
        self.itself, self.payee = itself, payee
        weights = [desk.treasury.signerWeight(signer_of(member)) for member in members]
        refuses_own = desk.treasury.governance().isOwnApprovalRefused
        self.model = Model(weights=weights, refuses_own=refuses_own)
        self.plans = []  # (plan, proposal)

    def plan(self, amount, members, key, now):
        """Execute a new proposal at once, and keep it."""
        plan = Plan(amount, members, key, self.model.nonces[members[0], key], now + LIFE_S)
        proposal = self.desk.proposal(
            [call(self.token.transfer, self.payee, amount)],
            self.members[members[0]],
            key=key,
            nonce=plan.nonce,
            deadline=plan.deadline,
        )
        self.plans.append((plan, proposal))
        return self.advance("execute", plan, proposal, now)

    def advance(self, name, plan, proposal, now):
        """Schedule or execute a proposal in both."""
        approvals = self.desk.sign(proposal, [self.members[i] for i in plan.members])
        function = getattr(self.desk.treasury, name)
        sent = _send(function, proposal, approvals, sender=self.desk.operator)
        return sent, getattr(self.model, name)(plan, now)

    def cancel(self, plan, proposal, members):
        """Cancel a proposal in both."""
        approvals = self.desk.sign_cancellation(proposal, [self.members[i] for i in members])
        sent = _send(self.desk.treasury.cancel, proposal, approvals, sender=self.desk.operator)
        return sent, self.model.cancel(plan, members)

    def reweigh(self, weight):
        """Give Carol another weight in both, or dismiss her."""
        carol = signer_of(self.members[2])
        arguments = ([], [carol], [weight]) if weight else ([carol], [], [])
        sent = _send(self.desk.treasury.changeSigners, *arguments, sender=self.itself)
        weights = [*self.model.weights[:2], weight]
        lightest = min(filter(None, weights)) if self.model.refuses_own else 0
        was_nobody = weight == self.model.weights[2] == 0
        if was_nobody or sum(weights) - lightest < GOVERNED[0]:
            return sent, False
        self.model.weights = weights
        return sent, True

    def play(self, step, now):
        """Take one step in both; return both outcomes."""
        match step:
            case ("plan", amount, members, key):
                return self.plan(amount, members, key, now)
            case ("reweigh", weight):
                return self.reweigh(weight)
        if not self.plans:
            return True, True
        plan, proposal = self.plans[step[1] % len(self.plans)]
        if step[0] == "cancel":
            return self.cancel(plan, proposal, step[2])
        return self.advance(step[0], plan, proposal, now)


def _play_all(world, steps):
    """Play the steps in the contract and in a new model, and compare after each."""
    chain, treasury, model = world.desk.chain, world.desk.treasury, world.model
    policy = chain.contracts.instance_at(treasury.policy())
    now = world.desk.now() + 10

    for wait_s, step in steps:
        now += wait_s
        chain.pending_timestamp = now

        sent, expected = world.play(step, now)

        assert sent == expected, step
        assert world.token.balanceOf(world.payee) == model.paid, step
        for i, key in product(range(3), KEYS):
            assert world.desk.nonce(world.members[i], key) == model.nonces[i, key], step
        if world.desk.now() == now:
            spent = [policy.spentAt(world.token, tier) for tier in range(3)]
            assert spent == [model.spent_at(tier, now) for tier in range(3)], step


# The fixtures are the same for all examples; each example undoes its blocks.
_SETTINGS = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@settings(max_examples=15, **_SETTINGS)
@given(steps=_STEPS)
def test_treasury__random_steps__holds(chain, desk, token, members, itself, payee, steps):
    with chain.isolate():
        _play_all(World(desk, token, members, itself, payee), steps)


@pytest.mark.long
@pytest.mark.timeout(3600)
@settings(max_examples=1_000, **_SETTINGS)
@given(steps=_STEPS)
def test_treasury__many_random_steps__holds(chain, desk, token, members, itself, payee, steps):
    with chain.isolate():
        _play_all(World(desk, token, members, itself, payee), steps)
