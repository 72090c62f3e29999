"""Grants are released or forfeited.

- release: all conditions hold → paid into the ledger, by anyone, once
- holding: over → paid | one second before → skipped
- expiry: last second → paid | one later → skipped
- KYC: revoked, below, expired since the grant → skipped, and paid once it is back
- payment refused: gate closed, above its cap, token paused → earned: not forfeited, paid later,
  after expiry too, but not without KYC
- campaign ended → still paid | forfeited → to the sponsor
- forfeit: after expiry → into the budget, granted anew | in the last second, earned, closed,
  unknown → skipped
- batch: twice the same, unknown, closed, bad ones among good ones → the good ones are paid |
  101 → reverts | none → nothing
- status: each condition, needed and actual
"""

import pytest

from tests.contracts.bonus.terms import DAY_S, DOLLAR, UNIT, Skip, State

BONUS_MINOR = 10 * DOLLAR


@pytest.fixture
def granted(bonus, campaign_id, deposit):
    """A grant of 10 dollars that nothing but its holding period keeps from being paid."""
    deposit(campaign_id, 20 * DOLLAR)
    return bonus.grantOf(1)


@pytest.fixture
def send_at(chain, anyone):
    """Send a batch in the block of that time."""

    def _send(ts_s, function, *grant_ids):
        chain.pending_timestamp = ts_s
        return function(list(grant_ids), sender=anyone, gas_limit=10_000_000)

    return _send


@pytest.fixture
def skips(events):
    def _skips(receipt, name="ReleaseSkipped"):
        return [(event.grantId, event.reason) for event in events(receipt, name)]

    return _skips


def test_release__conditions_hold__succeeds(
    bonus, rollup, token, granted, send_at, events, person, escrow_minor
):
    receipt = send_at(granted.depositTsS + DAY_S, bonus.release, 1)

    queued = receipt.decode_logs(rollup.DepositQueued)[0]
    assert (queued.owner, queued.amountMinor) == (person, BONUS_MINOR)
    released = events(receipt, "GrantReleased")[0]
    assert (released.grantId, released.person) == (1, person)
    assert (released.bonusMinor, released.depositIndex) == (BONUS_MINOR, queued.index)
    assert bonus.grantOf(1).state == State.RELEASED
    assert token.balanceOf(rollup) == (20 * DOLLAR + BONUS_MINOR) * UNIT
    assert escrow_minor() == 0


def test_release__again__changes_nothing(bonus, token, granted, send_at, skips):
    send_at(granted.depositTsS + DAY_S, bonus.release, 1)
    balance = token.balanceOf(bonus)

    receipt = send_at(granted.depositTsS + DAY_S + 1, bonus.release, 1)

    assert skips(receipt) == [(1, Skip.GRANT_CLOSED)]
    assert token.balanceOf(bonus) == balance


def test_release__holding_less_one_second__changes_nothing(bonus, granted, send_at, skips):
    receipt = send_at(granted.depositTsS + DAY_S - 1, bonus.release, 1)

    assert skips(receipt) == [(1, Skip.HOLDING_NOT_OVER)]
    assert bonus.grantOf(1).state == State.OPEN


@pytest.mark.parametrize(("offset_s", "state"), [(0, State.RELEASED), (1, State.OPEN)])
def test_release__expiry__holds(bonus, granted, send_at, skips, offset_s, state):
    receipt = send_at(granted.grantedTsS + 10 * DAY_S + offset_s, bonus.release, 1)

    assert skips(receipt) == ([(1, Skip.EXPIRED)] if offset_s else [])
    assert bonus.grantOf(1).state == state


@pytest.mark.parametrize("case", ["revoked", "below"])
def test_release__kyc_lost_since__changes_nothing(
    bonus, registry, granted, send_at, skips, set_level, person, kyc_attestor, case
):
    if case == "revoked":
        registry.revoke(person, sender=kyc_attestor)
    else:
        set_level(1, person)

    receipt = send_at(granted.depositTsS + DAY_S, bonus.release, 1)
    assert skips(receipt) == [(1, Skip.KYC_LEVEL_TOO_LOW)]
    set_level(2, person)
    send_at(granted.depositTsS + 2 * DAY_S, bonus.release, 1)

    assert bonus.grantOf(1).state == State.RELEASED


@pytest.fixture
def refuse(registry, admin, asset_id):
    """Make the gate refuse the bonus, or let it in again."""

    def _refuse(case, on):
        if case == "cap":
            registry.setDepositCap(asset_id, BONUS_MINOR - 1 if on else 0, sender=admin)
        elif on:
            registry.closeDeposits(sender=admin)
        else:
            registry.reopenDeposits(sender=admin)

    return _refuse


@pytest.mark.parametrize("case", ["closed", "cap"])
def test_release__payment_refused__earned_and_paid_later_holds(
    bonus, granted, refuse, send_at, skips, events, escrow_minor, case
):
    refuse(case, True)
    last = granted.grantedTsS + 10 * DAY_S

    receipt = send_at(last, bonus.release, 1)
    assert skips(receipt) == [(1, Skip.PAYMENT_REFUSED)]
    assert events(receipt, "GrantEarned")[0].grantId == 1
    again = send_at(last + 1, bonus.release, 1)
    assert skips(again) == [(1, Skip.PAYMENT_REFUSED)]
    assert events(again, "GrantEarned") == []
    forfeiting = send_at(last + 2, bonus.forfeit, 1)
    assert skips(forfeiting, "ForfeitSkipped") == [(1, Skip.GRANT_EARNED)]
    assert bonus.grantOf(1).state == State.EARNED
    assert escrow_minor() == 0
    refuse(case, False)
    send_at(last + 100 * DAY_S, bonus.release, 1)

    assert bonus.grantOf(1).state == State.RELEASED
    assert escrow_minor() == 0


def test_release__earned_and_kyc_lost__changes_nothing(
    bonus, registry, granted, refuse, send_at, skips, person, kyc_attestor
):
    refuse("closed", True)
    send_at(granted.depositTsS + DAY_S, bonus.release, 1)
    refuse("closed", False)
    registry.revoke(person, sender=kyc_attestor)

    receipt = send_at(granted.depositTsS + 30 * DAY_S, bonus.release, 1)

    assert skips(receipt) == [(1, Skip.KYC_LEVEL_TOO_LOW)]
    assert bonus.grantOf(1).state == State.EARNED


def test_release__campaign_ended__succeeds(bonus, token, granted, send_at, sponsor, escrow_minor):
    bonus.endCampaign(1, sender=sponsor)
    bonus.withdrawBudget(1, sender=sponsor)
    assert token.balanceOf(sponsor) == 90 * DOLLAR * UNIT

    send_at(granted.depositTsS + DAY_S, bonus.release, 1)

    assert bonus.grantOf(1).state == State.RELEASED
    assert token.balanceOf(bonus) == 0


def test_forfeit__expired__succeeds(bonus, granted, send_at, events, deposit, other, escrow_minor):
    receipt = send_at(granted.grantedTsS + 10 * DAY_S + 1, bonus.forfeit, 1)

    assert events(receipt, "GrantForfeited")[0].bonusMinor == BONUS_MINOR
    assert bonus.grantOf(1).state == State.FORFEITED
    assert bonus.campaignOf(1).budgetMinor == 100 * DOLLAR
    assert escrow_minor() == 0


def test_forfeit__campaign_ended__sponsor_gets_it_holds(bonus, token, granted, send_at, sponsor):
    bonus.endCampaign(1, sender=sponsor)
    bonus.withdrawBudget(1, sender=sponsor)

    send_at(granted.grantedTsS + 10 * DAY_S + 1, bonus.forfeit, 1)
    bonus.withdrawBudget(1, sender=sponsor)

    assert token.balanceOf(sponsor) == 100 * DOLLAR * UNIT


def test_forfeit__last_second__changes_nothing(bonus, granted, send_at, skips):
    receipt = send_at(granted.grantedTsS + 10 * DAY_S, bonus.forfeit, 1, 2)

    expected = [(1, Skip.NOT_EXPIRED), (2, Skip.GRANT_UNKNOWN)]
    assert skips(receipt, "ForfeitSkipped") == expected
    assert bonus.grantOf(1).state == State.OPEN


def test_forfeit__released_or_forfeited__changes_nothing(
    bonus, campaign_id, deposit, granted, send_at, skips, other
):
    deposit(campaign_id, by=other)
    send_at(granted.depositTsS + DAY_S, bonus.release, 1)
    send_at(granted.grantedTsS + 11 * DAY_S, bonus.forfeit, 2)

    receipt = send_at(granted.grantedTsS + 12 * DAY_S, bonus.forfeit, 1, 2)

    expected = [(1, Skip.GRANT_CLOSED), (2, Skip.GRANT_CLOSED)]
    assert skips(receipt, "ForfeitSkipped") == expected


def test_release__bad_ones_among_good_ones__pays_the_good_ones_holds(
    bonus, campaign_id, deposit, granted, send_at, skips, other, escrow_minor
):
    deposit(campaign_id, by=other)

    receipt = send_at(granted.depositTsS + 2 * DAY_S, bonus.release, 0, 1, 1, 9, 2)

    expected = [(0, Skip.GRANT_UNKNOWN), (1, Skip.GRANT_CLOSED), (9, Skip.GRANT_UNKNOWN)]
    assert skips(receipt) == expected
    assert [bonus.grantOf(i).state for i in (1, 2)] == [State.RELEASED] * 2
    assert escrow_minor() == 0


@pytest.mark.parametrize("name", ["release", "forfeit"])
def test_batch__size__holds(bonus, anyone, reverts, name):
    function = getattr(bonus, name)

    function([], sender=anyone)
    function(list(range(1, 101)), sender=anyone)
    with reverts(bonus, "BatchTooLong", maximum=100, actual=101):
        function(list(range(1, 102)), sender=anyone)


def test_grant_status__each_condition__holds(chain, bonus, granted, set_level, person):
    set_level(1, person)
    last = granted.grantedTsS + 10 * DAY_S
    chain.mine(timestamp=granted.depositTsS + DAY_S - 1)

    status = bonus.grantStatus(1)

    now = chain.blocks.head.timestamp
    assert (status.state, status.obstacle) == (State.OPEN, Skip.HOLDING_NOT_OVER)
    assert tuple(status.holding) == (granted.depositTsS + DAY_S, now, False)
    assert tuple(status.kycLevel) == (2, 1, False)
    assert tuple(status.turnover) == (0, 0, True)
    assert tuple(status.expiry) == (last, now, True)
    chain.mine(timestamp=last + 1)
    assert bonus.grantStatus(1).obstacle == Skip.EXPIRED
    assert bonus.grantStatus(2).obstacle == Skip.GRANT_UNKNOWN
