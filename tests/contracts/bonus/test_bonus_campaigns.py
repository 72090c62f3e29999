"""A campaign's life apart from its grants.

- create: funded, not funded → stored as given, told in full | asset not listed, window backwards,
  expiry before holding, tiers none, 17, from 0, not ascending, with both or neither amount, cap 0,
  attestors without turnover, too few, too many, none needed, not ascending, zero → reverts
- fund: sponsor → added | another, ended, unknown, nothing, a token that takes a fee → reverts
- end: sponsor → ended, terms unchanged | another, twice, unknown → reverts
- withdraw: ended → all of the budget, once | running, another, unknown, sponsor frozen → reverts
"""

import pytest

from tests.contracts.bonus.terms import DOLLAR, UNIT, Tier

ZERO = "0x" + "00" * 20
ONE, TWO = ("0x" + f"{i:040x}" for i in (1, 2))


def test_create_campaign__funded__succeeds(bonus, token, terms, create, sponsor):
    campaign_id = create(terms, 100 * DOLLAR)

    campaign = bonus.campaignOf(campaign_id)
    assert (campaign.sponsor, campaign.isEnded) == (sponsor, False)
    assert campaign.budgetMinor == 100 * DOLLAR
    assert token.balanceOf(bonus) == 100 * DOLLAR * UNIT


def test_create_campaign__terms__stored_and_told_holds(bonus, terms, sponsor):
    given = terms._replace(
        turnover_base=1,
        turnover_bps=30_000,
        attestations_needed=1,
        attestors=(ONE, TWO),
        tiers=(Tier(1, bonus_minor=5), Tier(7, match_bps=1), Tier(8, bonus_minor=9)),
    ).encoded()

    receipt = bonus.createCampaign(given, 0, sender=sponsor)

    event = receipt.decode_logs(bonus.CampaignCreated)[0]
    assert (event.campaignId, event.sponsor) == (1, sponsor)
    for stored in (tuple(bonus.campaignOf(1).terms), tuple(event.terms)):
        assert stored[:10] == given[:10]
        assert bytes(stored[10]) == given[10]
        assert [tuple(tier) for tier in stored[11]] == given[11]
        assert [address.lower() for address in stored[12]] == given[12]


@pytest.mark.parametrize(
    ("changes", "error", "values"),
    [
        ({"start_ts_s": 8, "end_ts_s": 7}, "WindowInvalid", {"startTsS": 8, "endTsS": 7}),
        ({"holding_s": 9, "expiry_s": 8}, "ExpiryTooShort", {"minimum": 9, "actual": 8}),
        ({"person_minor_max": 0}, "PersonCapZero", {}),
        ({"tiers": ()}, "TierCountOutOfRange", {"minimum": 1, "maximum": 16, "actual": 0}),
        (
            {"tiers": [Tier(i, 1) for i in range(1, 18)]},
            "TierCountOutOfRange",
            {"minimum": 1, "maximum": 16, "actual": 17},
        ),
        ({"tiers": [Tier(0, 1)]}, "TierInvalid", {"index": 0}),
        ({"tiers": [Tier(1, 1), Tier(1, 1)]}, "TierInvalid", {"index": 1}),
        ({"tiers": [Tier(1, 1, 1)]}, "TierInvalid", {"index": 0}),
        ({"tiers": [Tier(1)]}, "TierInvalid", {"index": 0}),
        ({"attestors": [ONE]}, "AttestationsInvalid", {"needed": 0, "count": 1}),
        ({"attestations_needed": 1}, "AttestationsInvalid", {"needed": 1, "count": 0}),
        (
            {"turnover_bps": 1, "attestors": [ONE]},
            "AttestationsInvalid",
            {"needed": 0, "count": 1},
        ),
        (
            {"turnover_bps": 1, "attestors": [ONE], "attestations_needed": 2},
            "AttestationsInvalid",
            {"needed": 2, "count": 1},
        ),
        (
            {"turnover_bps": 1, "attestors": [ONE] * 33, "attestations_needed": 1},
            "AttestationsInvalid",
            {"needed": 1, "count": 33},
        ),
        (
            {"turnover_bps": 1, "attestors": [ZERO], "attestations_needed": 1},
            "AttestorsNotAscending",
            {"previous": ZERO, "actual": ZERO},
        ),
        (
            {"turnover_bps": 1, "attestors": [TWO, ONE], "attestations_needed": 1},
            "AttestorsNotAscending",
            {"previous": TWO, "actual": ONE},
        ),
    ],
)
def test_create_campaign__terms_that_cannot_be__reverts(
    bonus, terms, sponsor, reverts, changes, error, values
):
    with reverts(bonus, error, **values):
        bonus.createCampaign(terms._replace(**changes).encoded(), 0, sender=sponsor)


def test_create_campaign__asset_not_listed__reverts(bonus, rollup, terms, sponsor, reverts):
    with reverts(rollup, "AssetUnknown", assetId=9):
        bonus.createCampaign(terms._replace(asset_id=9).encoded(), 0, sender=sponsor)


@pytest.mark.parametrize("changes", [{"holding_s": 9, "expiry_s": 9}, {"tiers": [Tier(1, 1)] * 1}])
def test_create_campaign__terms_at_the_edge__succeeds(bonus, terms, sponsor, changes):
    edge = terms._replace(start_ts_s=7, end_ts_s=7, **changes)

    bonus.createCampaign(edge.encoded(), 0, sender=sponsor)

    assert bonus.campaignCount() == 1


def test_fund__sponsor__succeeds(bonus, token, campaign_id, give, sponsor):
    give(token, sponsor, bonus, 5)

    bonus.fund(campaign_id, 5, sender=sponsor)

    assert bonus.campaignOf(campaign_id).budgetMinor == 100 * DOLLAR + 5
    assert token.balanceOf(bonus) == (100 * DOLLAR + 5) * UNIT


def test_fund__nothing__reverts(bonus, campaign_id, sponsor, reverts):
    with reverts(bonus, "AmountZero"):
        bonus.fund(campaign_id, 0, sender=sponsor)


def test_fund__fee_on_transfer__reverts(
    project, admin, rollup, bonus, terms, list_asset, give, sponsor, reverts
):
    taking = admin.deploy(project.FeeOnTransferToken)
    given = terms._replace(asset_id=list_asset(taking)).encoded()
    give(taking, sponsor, bonus, 100)

    with reverts(bonus, "EscrowBalanceMismatch", expected=100 * UNIT, actual=99 * UNIT):
        bonus.createCampaign(given, 100, sender=sponsor)


def test_end_campaign__sponsor__terms_unchanged_holds(bonus, campaign_id, sponsor):
    before = tuple(bonus.campaignOf(campaign_id).terms)

    bonus.endCampaign(campaign_id, sender=sponsor)

    assert bonus.campaignOf(campaign_id).isEnded
    assert tuple(bonus.campaignOf(campaign_id).terms) == before


@pytest.mark.parametrize(("name", "arguments"), [("fund", [1]), ("endCampaign", [])])
def test_campaign__not_running__reverts(bonus, campaign_id, sponsor, reverts, name, arguments):
    function = getattr(bonus, name)
    bonus.endCampaign(campaign_id, sender=sponsor)

    with reverts(bonus, "CampaignIsEnded", campaignId=campaign_id):
        function(campaign_id, *arguments, sender=sponsor)
    with reverts(bonus, "CampaignUnknown", campaignId=2):
        function(2, *arguments, sender=sponsor)


@pytest.mark.parametrize(
    ("name", "arguments"), [("fund", [1]), ("endCampaign", []), ("withdrawBudget", [])]
)
def test_campaign__another_than_the_sponsor__reverts(
    bonus, campaign_id, sponsor, anyone, reverts, name, arguments
):
    with reverts(bonus, "SenderNotSponsor", expected=sponsor, actual=anyone):
        getattr(bonus, name)(campaign_id, *arguments, sender=anyone)


def test_withdraw_budget__ended__succeeds(bonus, token, campaign_id, sponsor, reverts):
    bonus.endCampaign(campaign_id, sender=sponsor)

    receipt = bonus.withdrawBudget(campaign_id, sender=sponsor)

    assert token.balanceOf(sponsor) == 100 * DOLLAR * UNIT
    assert receipt.decode_logs(bonus.BudgetWithdrawn)[0].amountMinor == 100 * DOLLAR
    with reverts(bonus, "AmountZero"):
        bonus.withdrawBudget(campaign_id, sender=sponsor)


def test_withdraw_budget__running__reverts(bonus, campaign_id, sponsor, reverts):
    with reverts(bonus, "CampaignNotEnded", campaignId=campaign_id):
        bonus.withdrawBudget(campaign_id, sender=sponsor)


def test_withdraw_budget__unknown_campaign__reverts(bonus, sponsor, reverts):
    with reverts(bonus, "CampaignUnknown", campaignId=1):
        bonus.withdrawBudget(1, sender=sponsor)


def test_withdraw_budget__sponsor_frozen__changes_nothing(
    project, admin, bonus, terms, list_asset, create, sponsor, reverts
):
    freezing = admin.deploy(project.FreezableToken)
    campaign_id = create(terms._replace(asset_id=list_asset(freezing)), token=freezing)
    bonus.endCampaign(campaign_id, sender=sponsor)
    freezing.setFrozen(sponsor, True, sender=admin)

    with reverts(freezing, "HolderFrozen", holder=sponsor):
        bonus.withdrawBudget(campaign_id, sender=sponsor)
    assert bonus.campaignOf(campaign_id).budgetMinor == 100 * DOLLAR
    freezing.setFrozen(sponsor, False, sender=admin)
    bonus.withdrawBudget(campaign_id, sender=sponsor)

    assert freezing.balanceOf(sponsor) == 100 * DOLLAR * UNIT
