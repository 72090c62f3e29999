"""BonusCampaigns against a model of a page, both driven by the same random steps.

Laws, after each step: it succeeds in both or in neither; states, bonuses and budgets are the same;
the contract holds exactly what campaigns and their grants are owed; terms are as they were written.
"""

from dataclasses import dataclass, field
from unittest.mock import patch

import pytest
from ape.exceptions import ContractLogicError
from ape_ethereum.trace import Trace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.bonus.terms import UNIT, State, Terms, Tier

PEOPLE_COUNT = 3
LEVEL_MIN = 2
START_S, END_S = 10, 60  # of the first campaign's window, after the start of an example
HOLDING_S, EXPIRY_S = 10, 25
CAP_MINOR = 40
BUDGET_MINOR = 70


@dataclass
class Grant:
    """What the contract should say of a grant. Times are seconds since the example's start."""

    person: int
    campaign: int
    bonus_minor: int
    deposit_ts_s: int
    granted_ts_s: int
    state: State = State.OPEN


@dataclass
class Model:
    """Two campaigns: 0 matches half of 20 or more, 1 pays 7 fixed, 15 from 50 on, for ever."""

    budgets: list[int] = field(default_factory=lambda: [BUDGET_MINOR, BUDGET_MINOR])
    ended: set[int] = field(default_factory=set)
    grants: list[Grant] = field(default_factory=list)
    deposits: list[tuple[int, int, int]] = field(default_factory=list)  # person, amount, time
    levels: list[int] = field(default_factory=lambda: [2] * PEOPLE_COUNT)
    is_gate_closed: bool = False

    def bonus(self, campaign, amount_minor):
        if campaign == 0:
            return min(amount_minor // 2, CAP_MINOR) if amount_minor >= 20 else 0
        return 0 if amount_minor < 1 else 7 if amount_minor < 50 else 15

    def deposit_plainly(self, person, amount_minor, now):
        if self.is_gate_closed or self.levels[person] < 1 or amount_minor == 0:
            return False
        self.deposits.append((person, amount_minor, now))
        return True

    def deposit(self, campaign, person, amount_minor, now):
        if not self.deposit_plainly(person, amount_minor, now):
            return False
        if self.grant(campaign, len(self.deposits) - 1, now):
            return True
        self.deposits.pop()
        return False

    def grant(self, campaign, index, now):
        if index >= len(self.deposits) or campaign in self.ended:
            return False
        person, amount_minor, ts_s = self.deposits[index]
        bonus_minor = self.bonus(campaign, amount_minor)
        is_due = campaign == 1 or START_S <= ts_s <= END_S
        has_one = any((g.person, g.campaign) == (person, campaign) for g in self.grants)
        is_known = self.levels[person] >= LEVEL_MIN
        if not is_due or has_one or not is_known or not 0 < bonus_minor <= self.budgets[campaign]:
            return False
        self.budgets[campaign] -= bonus_minor
        self.grants.append(Grant(person, campaign, bonus_minor, ts_s, now))
        return True

    def release(self, now):
        for grant in self.grants:
            is_alive = now <= grant.granted_ts_s + EXPIRY_S
            is_ripe = is_alive and now >= grant.deposit_ts_s + HOLDING_S
            is_due = grant.state == State.EARNED or (grant.state == State.OPEN and is_ripe)
            if not is_due or self.levels[grant.person] < LEVEL_MIN:
                continue
            if self.is_gate_closed:
                grant.state = State.EARNED
            else:
                grant.state = State.RELEASED
                self.deposits.append((grant.person, grant.bonus_minor, now))
        return True

    def forfeit(self, now):
        for grant in self.grants:
            if grant.state == State.OPEN and now > grant.granted_ts_s + EXPIRY_S:
                grant.state = State.FORFEITED
                self.budgets[grant.campaign] += grant.bonus_minor
        return True

    def end(self, campaign):
        if campaign in self.ended:
            return False
        self.ended.add(campaign)
        return True

    def withdraw(self, campaign):
        if campaign not in self.ended or self.budgets[campaign] == 0:
            return False
        self.budgets[campaign] = 0
        return True


_PERSON = st.integers(0, PEOPLE_COUNT - 1)
_CAMPAIGN = st.integers(0, 1)
_AMOUNT = st.sampled_from([0, 1, 19, 20, 49, 50, 79, 80, 81])
_DEPOSIT = st.tuples(st.just("deposit"), _CAMPAIGN, _PERSON, _AMOUNT)
_STEP = st.one_of(
    _DEPOSIT,
    _DEPOSIT,
    st.tuples(st.just("deposit_plainly"), _PERSON, _AMOUNT),
    st.tuples(st.just("grant"), _CAMPAIGN, st.integers(0, 5)),
    st.tuples(st.just("release")),
    st.tuples(st.just("release")),
    st.tuples(st.just("forfeit")),
    st.tuples(st.just("level"), _PERSON, st.integers(1, 3)),
    st.tuples(st.just("gate"), st.booleans()),
    st.tuples(st.sampled_from(["end", "end", "withdraw"]), _CAMPAIGN),
)
_WAIT_S = st.sampled_from([1, 1, 1, 5, 9, 10, 11, 25, 26])
_STEPS = st.lists(st.tuples(_WAIT_S, _STEP), min_size=4, max_size=14)


def _send(function, *arguments, sender):
    """Send a transaction and say whether it succeeded."""
    try:
        with patch.object(Trace, "show"):  # ape would print each revert
            function(*arguments, sender=sender, gas_limit=5_000_000)
    except ContractLogicError:
        return False
    return True


class World:
    """The contracts, and the people of one example."""

    def __init__(self, bonus, rollup, registry, sponsor, admin, attestor, people, start_s):
        self.bonus, self.rollup, self.registry = bonus, rollup, registry
        self.sponsor, self.admin, self.attestor, self.people = sponsor, admin, attestor, people
        self.start_s = start_s

    def record(self, model, index):
        person, amount_minor, ts_s = (
            model.deposits[index] if index < len(model.deposits) else (0, 1, 0)
        )
        return index, self.people[person].address, amount_minor, self.start_s + ts_s

    def play(self, model, step, now):
        """Take one step in the contract and in the model; return the outcomes of both."""
        bonus, sponsor, admin = self.bonus, self.sponsor, self.admin
        match step:
            case ("deposit", campaign, who, amount_minor):
                arguments = (campaign + 1, amount_minor, b"")
                sent = _send(bonus.deposit, *arguments, sender=self.people[who])
                return sent, model.deposit(campaign, who, amount_minor, now)
            case ("deposit_plainly", who, amount_minor):
                person = self.people[who]
                arguments = (1, person, amount_minor * UNIT, b"")
                sent = _send(self.rollup.deposit, *arguments, sender=person)
                return sent, model.deposit_plainly(who, amount_minor, now)
            case ("grant", campaign, index):
                record = self.record(model, index)
                sent = _send(bonus.grant, campaign + 1, record, sender=admin)
                return sent, model.grant(campaign, index, now)
            case ("release",):
                sent = _send(bonus.release, list(range(1, 8)), sender=admin)
                return sent, model.release(now)
            case ("forfeit",):
                sent = _send(bonus.forfeit, list(range(1, 8)), sender=admin)
                return sent, model.forfeit(now)
            case ("level", who, level):
                attestation = (self.people[who], level, 2**63, self.start_s + now)
                sent = _send(self.registry.attest, attestation, b"", sender=self.attestor)
                model.levels[who] = level
                return sent, True
            case ("gate", closed):
                switch = self.registry.closeDeposits if closed else self.registry.reopenDeposits
                model.is_gate_closed = closed
                return _send(switch, sender=admin), True
            case ("end", campaign):
                return _send(bonus.endCampaign, campaign + 1, sender=sponsor), model.end(campaign)
            case ("withdraw", campaign):
                sent = _send(bonus.withdrawBudget, campaign + 1, sender=sponsor)
                return sent, model.withdraw(campaign)

    def require_equal(self, model, token, written, step):
        bonus = self.bonus
        assert bonus.grantCount() == len(model.grants), step
        for grant_id, expected in enumerate(model.grants, start=1):
            actual = bonus.grantOf(grant_id)
            assert (actual.person, actual.campaignId) == (
                self.people[expected.person],
                expected.campaign + 1,
            ), step
            assert (actual.state, actual.bonusMinor) == (expected.state, expected.bonus_minor), step
        owed_minor = sum(model.budgets)
        owed_minor += sum(g.bonus_minor for g in model.grants if g.state in (1, 2))
        assert token.balanceOf(bonus) == owed_minor * UNIT, step
        assert self.rollup.depositCount() == len(model.deposits), step
        for i in (0, 1):
            campaign = bonus.campaignOf(i + 1)
            assert campaign.budgetMinor == model.budgets[i], step
            assert campaign.isEnded == (i in model.ended), step
            assert campaign.terms == written[i], step


@pytest.fixture
def world(bonus, rollup, registry, token, sponsor, admin, kyc_attestor, accounts, set_level, give):
    people = accounts[6 : 6 + PEOPLE_COUNT]
    set_level(2, *people)
    for person in people:
        give(token, person, rollup, 10**6)
        give(token, person, bonus, 10**6)
    give(token, sponsor, bonus, 2 * BUDGET_MINOR)
    return World(bonus, rollup, registry, sponsor, admin, kyc_attestor, people, 0)


def _play_all(chain, world, token, steps):
    """Play the steps in the contract and in a new model, and compare after each."""
    world.start_s = start_s = chain.blocks.head.timestamp + 10
    tiers = [(Tier(20, match_bps=5_000),), (Tier(1, bonus_minor=7), Tier(50, bonus_minor=15))]
    for window, tier in zip([(START_S, END_S), (0, 2**32)], tiers, strict=True):
        terms = Terms(
            1,
            *(start_s + edge for edge in window),
            kyc_level_min=LEVEL_MIN,
            holding_s=HOLDING_S,
            expiry_s=EXPIRY_S,
            person_minor_max=CAP_MINOR,
            tiers=tier,
        )
        world.bonus.createCampaign(terms.encoded(), BUDGET_MINOR, sender=world.sponsor)
    written = [world.bonus.campaignOf(i).terms for i in (1, 2)]
    model, now = Model(), 0

    for wait_s, step in steps:
        now += wait_s
        chain.pending_timestamp = start_s + now

        sent, expected = world.play(model, step, now)

        assert sent == expected, step
        world.require_equal(model, token, written, step)


# The fixtures are the same for all examples; each example undoes its blocks.
_SETTINGS = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@settings(max_examples=30, **_SETTINGS)
@given(steps=_STEPS)
def test_bonus__random_steps__holds(chain, world, token, asset_id, steps):
    with chain.isolate():
        _play_all(chain, world, token, steps)


@pytest.mark.long
@pytest.mark.timeout(3600)
@settings(max_examples=1_000, **_SETTINGS)
@given(steps=_STEPS)
def test_bonus__many_random_steps__holds(chain, world, token, asset_id, steps):
    with chain.isolate():
        _play_all(chain, world, token, steps)
