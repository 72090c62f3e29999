"""Bonuses are granted for deposits, by a campaign or shown to it.

- deposit: KYC known, by evidence → in the ledger and granted | gate closed, level below, ended,
  unknown, token not approved → reverts, and no token moves
- amount: match rounded down, fixed, tiers at their edges, cap at cap - 1, cap, cap + 1 → granted |
  minimum - 1, a match of nothing → reverts
- window: first and last second → granted | one before, one after → reverts
- budget: to the last minor unit → granted | one short → reverts
- grant: by anyone, long after, of another's money, by a contract's deposit, the same deposit in
  another campaign → granted | same deposit, second deposit → reverts
- record: each field altered, another asset's, not yet there → reverts
"""

import pytest
from eth_abi import encode

from tests.contracts.bonus.terms import DAY_S, DOLLAR, UNIT, State, Tier

TWO_TIERS = (Tier(10, bonus_minor=3), Tier(100, match_bps=1_000))


def test_deposit__person_known__succeeds(
    bonus, rollup, token, asset_id, campaign_id, deposit, events, person, escrow_minor
):
    receipt = deposit(campaign_id, 20 * DOLLAR)

    queued = receipt.decode_logs(rollup.DepositQueued)[0]
    assert (queued.owner, queued.amountMinor) == (person, 20 * DOLLAR)
    grant = bonus.grantOf(1)
    assert (grant.person, grant.campaignId) == (person, campaign_id)
    assert (grant.depositMinor, grant.bonusMinor) == (20 * DOLLAR, 10 * DOLLAR)
    assert (grant.depositIndex, grant.depositTsS) == (queued.index, queued.tsS)
    assert (grant.state, grant.grantedTsS) == (State.OPEN, queued.tsS)
    assert bonus.grantIdOf(campaign_id, person) == 1
    assert bonus.campaignOf(campaign_id).budgetMinor == 90 * DOLLAR
    assert token.balanceOf(rollup) == 20 * DOLLAR * UNIT
    assert escrow_minor() == 0
    granted = events(receipt, "BonusGranted")[0]
    assert (granted.grantId, granted.campaignId, granted.person) == (1, campaign_id, person)
    assert granted.bonusMinor == 10 * DOLLAR
    assert list(granted.record) == [queued.index, person, 20 * DOLLAR, queued.tsS]


def test_deposit__evidence__succeeds(
    bonus, registry, chain, admin, campaign_id, deposit, project, accounts
):
    newcomer = accounts[6]
    contract = admin.deploy(project.ContractAttestor, b"password")
    registry.appointAttestor(contract, sender=admin)
    issued = chain.blocks.head.timestamp
    attestation = (newcomer.address, 2, issued + DAY_S, issued)
    contract.approve(registry.attestationDigest(attestation), sender=admin)
    signature = bytes.fromhex(contract.address[2:]) + b"password"
    evidence = encode(["(address,uint8,uint64,uint64)", "bytes"], [attestation, signature])

    deposit(campaign_id, by=newcomer, evidence=evidence)

    assert bonus.grantIdOf(campaign_id, newcomer) == 1


def test_deposit__gate_closed__reverts(
    rollup, registry, token, admin, campaign_id, deposit, person, reverts
):
    registry.closeDeposits(sender=admin)

    with reverts(registry, "DepositsClosed"):
        deposit(campaign_id, 20 * DOLLAR)

    assert token.balanceOf(person) == 20 * DOLLAR * UNIT


def test_deposit__level_below__reverts(
    bonus, rollup, token, campaign_id, deposit, set_level, person, reverts
):
    set_level(1, person)

    with reverts(bonus, "KycLevelBelow", person=person, needed=2, actual=1):
        deposit(campaign_id, 20 * DOLLAR)

    assert token.balanceOf(person) == 20 * DOLLAR * UNIT
    assert rollup.depositCount() == 0


def test_deposit__ended_or_unknown__reverts(bonus, campaign_id, deposit, sponsor, reverts):
    bonus.endCampaign(campaign_id, sender=sponsor)

    with reverts(bonus, "CampaignIsEnded", campaignId=campaign_id):
        deposit(campaign_id)
    with reverts(bonus, "CampaignUnknown", campaignId=7):
        deposit(7)


def test_deposit__not_approved__reverts(bonus, token, campaign_id, person, reverts):
    token.mint(person, 20 * DOLLAR * UNIT, sender=person)

    with reverts(
        token, "ERC20InsufficientAllowance", spender=bonus, allowance=0, needed=20 * DOLLAR * UNIT
    ):
        bonus.deposit(campaign_id, 20 * DOLLAR, b"", sender=person)


@pytest.mark.parametrize(
    ("tiers", "cap_minor", "deposit_minor", "bonus_minor"),
    [
        ((Tier(1, match_bps=3_333),), 10**9, 10_001, 3_333),
        ((Tier(10, match_bps=20_000),), 10**9, 10, 20),
        ((Tier(10, bonus_minor=7),), 10**9, 10**12, 7),
        (TWO_TIERS, 10**9, 10, 3),
        (TWO_TIERS, 10**9, 99, 3),
        (TWO_TIERS, 10**9, 100, 10),
        ((Tier(1, match_bps=10_000),), 100, 99, 99),
        ((Tier(1, match_bps=10_000),), 100, 100, 100),
        ((Tier(1, match_bps=10_000),), 100, 101, 100),
        ((Tier(1, match_bps=2**32 - 1),), 2**48 - 1, 2**31, 2**48 - 1),
    ],
)
def test_deposit__amount__earns_holds(
    bonus, terms, create, deposit, tiers, cap_minor, deposit_minor, bonus_minor
):
    terms = terms._replace(tiers=tiers, person_minor_max=cap_minor)
    campaign_id = create(terms, 2**48)

    deposit(campaign_id, deposit_minor)

    assert bonus.grantOf(1).bonusMinor == bonus_minor
    assert bonus.bonusFor(campaign_id, deposit_minor) == bonus_minor


def test_deposit__minimum_less_one__reverts(bonus, campaign_id, deposit, reverts):
    with reverts(bonus, "DepositTooSmall", minimum=10 * DOLLAR, actual=10 * DOLLAR - 1):
        deposit(campaign_id, 10 * DOLLAR - 1)


def test_deposit__match_of_nothing__reverts(bonus, terms, create, deposit, reverts):
    campaign_id = create(terms._replace(tiers=(Tier(1, match_bps=5_000),)))

    with reverts(bonus, "BonusZero"):
        deposit(campaign_id, 1)


@pytest.mark.parametrize("offset_s", [-1, 0, 10 * DAY_S, 10 * DAY_S + 1])
def test_deposit__window__holds(
    chain, bonus, terms, create, give, token, person, reverts, offset_s
):
    start = terms.start_ts_s + 1_000
    end = start + 10 * DAY_S
    campaign_id = create(terms._replace(start_ts_s=start, end_ts_s=end))
    give(token, person, bonus, 20 * DOLLAR)

    def deposit_at(ts_s):
        chain.pending_timestamp = ts_s
        bonus.deposit(campaign_id, 20 * DOLLAR, b"", sender=person, gas_limit=1_000_000)

    if 0 <= offset_s <= 10 * DAY_S:
        deposit_at(start + offset_s)
        assert bonus.grantOf(1).depositTsS == start + offset_s
    else:
        values = {"startTsS": start, "endTsS": end, "actualTsS": start + offset_s}
        with reverts(bonus, "DepositOutsideWindow", **values):
            deposit_at(start + offset_s)


def test_deposit__budget_exact__succeeds(bonus, terms, create, deposit):
    campaign_id = create(terms, 10 * DOLLAR)

    deposit(campaign_id, 20 * DOLLAR)

    assert bonus.campaignOf(campaign_id).budgetMinor == 0


def test_deposit__budget_short__reverts(bonus, terms, create, deposit, reverts):
    campaign_id = create(terms, 10 * DOLLAR - 1)

    values = {"availableMinor": 10 * DOLLAR - 1, "neededMinor": 10 * DOLLAR}
    with reverts(bonus, "BudgetShort", **values):
        deposit(campaign_id, 20 * DOLLAR)


def test_deposit__second_of_a_person__reverts(bonus, campaign_id, deposit, person, reverts):
    deposit(campaign_id)

    with reverts(bonus, "GrantedBefore", campaignId=campaign_id, person=person, grantId=1):
        deposit(campaign_id)


def test_grant__by_anyone_long_after__succeeds(
    chain, bonus, campaign_id, deposit_plainly, anyone, person, escrow_minor
):
    record = deposit_plainly(20 * DOLLAR)
    chain.mine(timestamp=record[3] + 30 * DAY_S)

    bonus.grant(campaign_id, record, sender=anyone)

    grant = bonus.grantOf(1)
    assert (grant.person, grant.bonusMinor, grant.depositTsS) == (person, 10 * DOLLAR, record[3])
    assert grant.grantedTsS >= record[3] + 30 * DAY_S
    assert escrow_minor() == 0


def test_grant__deposit_by_a_contract__succeeds(
    project, bonus, rollup, token, asset_id, campaign_id, admin, anyone, person
):
    relay = admin.deploy(project.Relay)
    amount = 20 * DOLLAR * UNIT
    token.mint(relay, amount, sender=anyone)
    relay.call(token, token.approve.encode_input(rollup, amount), sender=anyone)
    call = rollup.deposit.encode_input(asset_id, person, amount, b"")
    event = relay.call(rollup, call, sender=anyone).decode_logs(rollup.DepositQueued)[0]

    record = (event.index, event.owner, event.amountMinor, event.tsS)
    bonus.grant(campaign_id, record, sender=anyone)

    assert bonus.grantOf(1).person == person


def test_grant__same_deposit__reverts(bonus, campaign_id, deposit_plainly, anyone, person, reverts):
    record = deposit_plainly()
    bonus.grant(campaign_id, record, sender=anyone)

    with reverts(bonus, "GrantedBefore", campaignId=campaign_id, person=person, grantId=1):
        bonus.grant(campaign_id, record, sender=anyone)


def test_grant__same_deposit_in_another_campaign__succeeds(
    bonus, terms, create, deposit_plainly, anyone
):
    record = deposit_plainly()

    for campaign_id in (create(terms), create(terms)):
        bonus.grant(campaign_id, record, sender=anyone)

    assert bonus.grantCount() == 2


def test_grant__deposit_at_a_campaign_in_another__succeeds(
    bonus, rollup, terms, create, deposit, anyone
):
    first, second = create(terms), create(terms)
    queued = deposit(first).decode_logs(rollup.DepositQueued)[0]

    record = (queued.index, queued.owner, queued.amountMinor, queued.tsS)
    bonus.grant(second, record, sender=anyone)

    assert bonus.grantOf(2).campaignId == second


@pytest.mark.parametrize("name", ["index", "owner", "amount_minor", "ts_s"])
def test_grant__record_altered__reverts(
    bonus, campaign_id, deposit_plainly, anyone, other, reverts, name
):
    deposit_plainly(30 * DOLLAR)
    index, owner, amount_minor, ts_s = deposit_plainly()
    altered = {
        "index": (index - 1, owner, amount_minor, ts_s),
        "owner": (index, other, amount_minor, ts_s),
        "amount_minor": (index, owner, amount_minor + 1, ts_s),
        "ts_s": (index, owner, amount_minor, ts_s - 1),
    }[name]

    values = {"index": altered[0], "expectedHash": ..., "actualHash": ...}
    with reverts(bonus, "DepositNotRecorded", **values):
        bonus.grant(campaign_id, altered, sender=anyone)


def test_grant__deposit_not_there__reverts(bonus, campaign_id, deposit_plainly, anyone, reverts):
    index, *rest = deposit_plainly()

    values = {"index": index + 1, "expectedHash": bytes(32), "actualHash": ...}
    with reverts(bonus, "DepositNotRecorded", **values):
        bonus.grant(campaign_id, (index + 1, *rest), sender=anyone)
    with reverts(bonus, "Panic", code=0x11):
        bonus.grant(campaign_id, (2**64 - 1, *rest), sender=anyone)


def test_grant__another_assets_deposit__reverts(
    project, bonus, admin, list_asset, campaign_id, deposit_plainly, anyone, reverts
):
    coin = admin.deploy(project.ReturnBoolToken, "Coin", "COIN", 8)
    list_asset(coin)
    record = deposit_plainly(token=coin)

    values = {"index": record[0], "expectedHash": ..., "actualHash": ...}
    with reverts(bonus, "DepositNotRecorded", **values):
        bonus.grant(campaign_id, record, sender=anyone)


@pytest.mark.parametrize("case", ["level", "window", "ended", "budget"])
def test_grant__not_eligible__reverts(
    bonus, terms, create, deposit_plainly, set_level, person, sponsor, anyone, reverts, case
):
    record = deposit_plainly()
    ts_s = record[3]
    start, end = (ts_s + 1, ts_s + 1) if case == "window" else (ts_s, ts_s)
    campaign_id = create(
        terms._replace(start_ts_s=start, end_ts_s=end), 1 if case == "budget" else 100 * DOLLAR
    )
    if case == "level":
        set_level(1, person)
    if case == "ended":
        bonus.endCampaign(campaign_id, sender=sponsor)

    error, values = {
        "level": ("KycLevelBelow", {"person": person, "needed": 2, "actual": 1}),
        "window": ("DepositOutsideWindow", {"startTsS": start, "endTsS": end, "actualTsS": ts_s}),
        "ended": ("CampaignIsEnded", {"campaignId": campaign_id}),
        "budget": ("BudgetShort", {"availableMinor": 1, "neededMinor": 10 * DOLLAR}),
    }[case]
    with reverts(bonus, error, **values):
        bonus.grant(campaign_id, record, sender=anyone)
