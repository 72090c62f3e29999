"""Bonuses on a real platform and chain, through the API and the console.

- story: deposit in a campaign, turnover, release, withdrawal by the person alone
- a plain deposit is granted by the platform itself; a round trip is no turnover
- refused, nothing moved: unknown ids, terms nobody can have, a campaign that has ended, a second
  grant, a deposit below the minimum, a budget that is short, a level that is too low
- a campaign that ends leaves its grants alone, and its sponsor takes the rest
"""

import time

import pytest

from backend.console.actions import open_actions
from backend.console.bonuses import BonusActions, CampaignWish
from causeway import ApiStatusError

WISH = CampaignWish("USDX", "100", deposit_min="10", person_max="50", match_bps=1_000)


@pytest.fixture(scope="module")
def actions(running_platform):
    with open_actions(running_platform.settings) as opened:
        for name in ("bonus-sponsor", "bonus-shop"):
            opened.people.new(name)
        yield opened


@pytest.fixture(scope="module")
def bonuses(actions):
    return BonusActions(actions)


@pytest.fixture
def person(actions, request):
    """A checked person, named after the test."""
    name = f"bonus-{abs(hash(request.node.name)) % 10**8}"
    actions.people.new(name)
    actions.apply_for_kyc(name)
    return name


def create(bonuses, **terms):
    return bonuses.create("bonus-sponsor", CampaignWish(**{**_fields(), **terms}))


def _fields():
    return {name: getattr(WISH, name) for name in CampaignWish.__slots__}


def refused(call) -> str:
    with pytest.raises(ApiStatusError) as caught:
        call()
    return caught.value.code


def balance(actions, person) -> int:
    account = actions.balances(person)[0].account
    return 0 if account is None else account.balance


def wait_until(holds, seconds=60):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_bonus__deposit_turnover_release__is_paid_succeeds(actions, bonuses, person):
    campaign = create(bonuses, turnover_bps=5_000)

    grant = bonuses.deposit(campaign.id, person, "100")
    before = grant.conditions["turnover"]
    actions.pay(person, "bonus-shop", "50", "USDX")
    ended = bonuses.grant_ended(grant.id)

    assert (grant.status, grant.bonus, before["is_met"]) == ("open", 10_000_000, False)
    assert before["needed"] == "50000000"
    assert ended.status == "released"
    assert all(condition["is_met"] for condition in ended.conditions.values())
    wait_until(lambda: balance(actions, person) == 60_000_000 - 10_000)  # a cent was the fee


def test_bonus__plain_deposit__is_granted_by_the_platform_succeeds(actions, bonuses, person):
    campaign = create(bonuses, holding_s=3_600)
    address = actions.people[person].address

    actions.deposit(person, "20", "USDX")

    grants = actions.client.grants
    wait_until(lambda: list(grants.list(campaign_id=campaign.id, person=address)))
    (grant,) = grants.list(campaign_id=campaign.id, person=address)
    assert (grant.bonus, grant.obstacle) == (2_000_000, "HOLDING_NOT_OVER")
    assert actions.client.campaigns.get(campaign.id).budget == 98_000_000


def test_bonus__round_trip__is_no_turnover_holds(actions, bonuses, person):
    campaign = create(bonuses, turnover_bps=5_000)
    actions.people.new("bonus-friend")
    grant = bonuses.deposit(campaign.id, person, "100")

    actions.pay(person, "bonus-friend", "60", "USDX")
    paid = actions.pay("bonus-friend", person, "59", "USDX").payment.id

    wait_until(lambda: actions.client.payments.get(paid).status == "final")
    turnover = actions.client.grants.get(grant.id).conditions["turnover"]
    assert (turnover["in_ledger"], turnover["is_met"]) == ("1000000", False)


def test_get__unknown_campaign_or_grant__rejects(actions):
    assert refused(lambda: actions.client.campaigns.get("99999")) == "CAMPAIGN_NOT_FOUND"
    assert refused(lambda: actions.client.campaigns.get("0")) == "CAMPAIGN_NOT_FOUND"
    assert refused(lambda: actions.client.grants.get("99999")) == "GRANT_NOT_FOUND"


@pytest.mark.parametrize(
    "terms", [{"days": -4_000}, {"expires_after_s": 5, "holding_s": 6}, {"match_bps": 0}]
)
def test_create__terms_nobody_can_have__rejects(actions, bonuses, terms):
    count = len(list(actions.client.campaigns.list()))

    assert refused(lambda: create(bonuses, **terms)) == "TERMS_INVALID"

    assert len(list(actions.client.campaigns.list())) == count


def test_deposit__campaign_says_no__rejects(actions, bonuses, person):
    campaign = create(bonuses, budget="3")
    high = create(bonuses, kyc_level=3)
    address = actions.people[person].address
    prepare = actions.client.campaigns.prepare_deposit

    assert refused(lambda: prepare(campaign.id, owner=address, amount=9_999_999)) == "BONUS_REFUSED"
    assert (
        refused(lambda: prepare(campaign.id, owner=address, amount=30_000_010))
        == "CAMPAIGN_SHORT_OF_BUDGET"
    )
    assert (
        refused(lambda: prepare(high.id, owner=address, amount=10_000_000)) == "KYC_LEVEL_TOO_LOW"
    )
    stranger = actions.people.new("bonus-stranger").address
    assert refused(lambda: prepare(campaign.id, owner=stranger, amount=10**7)) == "KYC_REQUIRED"
    assert actions.client.campaigns.get(campaign.id).budget == 3_000_000


def test_deposit__granted_before__rejects(actions, bonuses, person):
    campaign = create(bonuses, holding_s=3_600)
    bonuses.deposit(campaign.id, person, "10")

    again = refused(lambda: bonuses.deposit(campaign.id, person, "10"))

    assert again == "GRANTED_BEFORE"
    assert balance(actions, person) == 10_000_000


def test_end__open_grant__stays_and_the_rest_returns_succeeds(actions, bonuses, person):
    campaign = create(bonuses, holding_s=3_600)
    grant = bonuses.deposit(campaign.id, person, "10")

    ended = bonuses.end(campaign.id)
    emptied = bonuses.withdraw_budget(campaign.id)

    # Deposits of other tests may have earned grants of this campaign, too.
    granted = sum(one.bonus for one in actions.client.grants.list(campaign_id=campaign.id))
    assert (ended.status, ended.budget, emptied.budget) == ("ended", 100_000_000 - granted, 0)
    assert actions.client.grants.get(grant.id).status == "open"
    late = actions.people.new("bonus-late").address
    actions.apply_for_kyc("bonus-late")
    prepare = actions.client.campaigns.prepare_deposit
    assert refused(lambda: prepare(campaign.id, owner=late, amount=10**7)) == "CAMPAIGN_NOT_RUNNING"
