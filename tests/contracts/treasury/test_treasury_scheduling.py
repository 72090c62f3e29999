"""Treasury: timelocks, cancellation, and policies that change meanwhile.

- schedule: approved enough → runs | twice, too light, expired, cancelled → reverts
- execute: not scheduled, a second early → reverts | at its second → succeeds
- execute: the policy became stricter, or looser, meanwhile → judged as now
- execute: another of the proposer's took the nonce → reverts | somebody else's has it → succeeds
- cancel: by the proposer, by the veto weight, by an approval on the chain → can't be executed or
  scheduled | by fewer, by a removed proposer, with approvals of the proposal itself → reverts
"""

import pytest

from tests.contracts.treasury.conftest import DAY_S, DOLLAR, GOVERNANCE_TIMELOCK_S, TIERS
from tests.contracts.treasury.desk import call, in_order, signer_of


@pytest.fixture
def proposal(desk, asset, payee, alice):
    """A payment of 5,000: two signers, an hour."""
    return desk.proposal([call(asset.transfer, payee, 5_000 * DOLLAR)], alice, key=1)


def test_schedule__approved_enough__succeeds(treasury, desk, proposal, alice, bob):
    receipt = desk.schedule(proposal, desk.sign(proposal, [alice, bob]))

    identifier = treasury.proposalId(proposal)
    [event] = receipt.decode_logs(treasury.ProposalScheduled)
    assert event.id == identifier
    assert treasury.proposalId(event.proposal) == identifier  # so all of it is there
    assert event.eligibleAtTsS == receipt.timestamp + 3_600
    assert treasury.scheduledAtTsS(identifier) == receipt.timestamp


def test_schedule__again__reverts(treasury, desk, proposal, alice, bob, reverts):
    approvals = desk.sign(proposal, [alice, bob])
    receipt = desk.schedule(proposal, approvals)

    with reverts(
        treasury,
        "ProposalScheduledBefore",
        id=treasury.proposalId(proposal),
        scheduledAtTsS=receipt.timestamp,
    ):
        desk.schedule(proposal, approvals)


def test_schedule__too_light__reverts(treasury, desk, proposal, alice, reverts):
    with reverts(treasury, "WeightNotReached", needed=2, actual=1):
        desk.schedule(proposal, desk.sign(proposal, [alice]))


def test_schedule__expired__reverts(treasury, desk, chain, proposal, alice, bob, reverts):
    chain.pending_timestamp = proposal[4] + 1

    with reverts(treasury, "ProposalExpired", deadline=proposal[4], actualTsS=proposal[4] + 1):
        desk.schedule(proposal, desk.sign(proposal, [alice, bob]))


def test_execute__not_scheduled__reverts(treasury, desk, proposal, alice, bob, reverts):
    with reverts(treasury, "ProposalNotScheduled", id=treasury.proposalId(proposal)):
        desk.execute(proposal, desk.sign(proposal, [alice, bob]))


@pytest.mark.parametrize("early_s", [3_600, 1])
def test_execute__timelock_open__reverts(
    treasury, desk, chain, proposal, alice, bob, reverts, early_s
):
    approvals = desk.sign(proposal, [alice, bob])
    eligible = desk.schedule(proposal, approvals).timestamp + 3_600
    actual = max(eligible - early_s, desk.now() + 1)
    chain.pending_timestamp = actual

    with reverts(treasury, "TimelockOpen", eligibleAtTsS=eligible, actualTsS=actual):
        desk.execute(proposal, approvals)


@pytest.mark.parametrize("late_s", [0, 1])
def test_execute__timelock_over__succeeds(desk, chain, proposal, alice, bob, asset, payee, late_s):
    approvals = desk.sign(proposal, [alice, bob])
    chain.pending_timestamp = desk.schedule(proposal, approvals).timestamp + 3_600 + late_s

    desk.execute(proposal, approvals)

    assert asset.balanceOf(payee) == 5_000 * DOLLAR


# the policy changes


def test_execute__policy_stricter_meanwhile__reverts(
    treasury, policy, desk, proposal, alice, bob, asset, reverts
):
    approvals = desk.sign(proposal, [alice, bob])
    scheduled = desk.schedule(proposal, approvals).timestamp
    stricter = [*TIERS[:2], (10_000 * DOLLAR, 2, GOVERNANCE_TIMELOCK_S)]

    desk.run([call(policy.setAsset, asset, DAY_S, False, stricter)], [alice, bob])
    desk.chain.pending_timestamp = scheduled + GOVERNANCE_TIMELOCK_S + 1
    desk.execute(proposal, approvals)

    other = desk.proposal(proposal[1], alice, key=2)
    desk.schedule(other, desk.sign(other, [alice, bob]))
    with reverts(treasury, "TimelockOpen", eligibleAtTsS=..., actualTsS=...):
        desk.execute(other, desk.sign(other, [alice, bob]))


def test_execute__no_tier_left_meanwhile__reverts(
    treasury, policy, desk, alice, bob, asset, payee, reverts
):
    proposal = desk.proposal([call(asset.transfer, payee, 50 * DOLLAR)], alice, key=1)
    approvals = desk.sign(proposal, [alice])

    desk.run([call(policy.setAsset, asset, DAY_S, False, [])], [alice, bob])

    with reverts(treasury, "WeightNotReached", needed=2, actual=1):
        desk.execute(proposal, approvals)


def test_execute__policy_looser_meanwhile__succeeds(policy, desk, alice, bob, asset, payee):
    proposal = desk.proposal([call(asset.transfer, payee, 500 * DOLLAR)], alice, key=1)
    approvals = desk.sign(proposal, [alice])

    desk.run([call(policy.setAsset, asset, DAY_S, False, [(500 * DOLLAR, 1, 0)])], [alice, bob])
    desk.execute(proposal, approvals)

    assert asset.balanceOf(payee) == 500 * DOLLAR


def test_execute__another_took_the_nonce__reverts(
    treasury, desk, proposal, alice, bob, asset, payee, reverts
):
    rival = desk.proposal([call(asset.transfer, payee, 4_000 * DOLLAR)], alice, key=1)
    for each in (proposal, rival):
        scheduled = desk.schedule(each, desk.sign(each, [alice, bob])).timestamp
    desk.chain.pending_timestamp = scheduled + 3_600
    desk.execute(rival, desk.sign(rival, [alice, bob]))

    with reverts(treasury, "NonceMismatch", expected=1, actual=0):
        desk.execute(proposal, desk.sign(proposal, [alice, bob]))


def test_execute__others_use_the_same_nonce__succeeds(
    treasury, desk, alice, bob, carol, asset, payee
):
    dismissal = desk.proposal(
        [call(treasury.changeSigners, [signer_of(carol)], [], [])], alice, key=7
    )
    approvals = desk.sign(dismissal, [alice, bob])
    desk.chain.pending_timestamp = (
        desk.schedule(dismissal, approvals).timestamp + GOVERNANCE_TIMELOCK_S
    )
    rival = desk.proposal([call(asset.transfer, payee, 1)], carol, key=7, nonce=dismissal[3])

    desk.execute(rival, desk.sign(rival, [carol]))
    desk.execute(dismissal, approvals)

    assert not treasury.isSigner(signer_of(carol))


# cancel


def _cancelled(treasury, desk, proposal, approvals):
    receipt = treasury.cancel(proposal, approvals, sender=desk.operator)
    identifier = treasury.proposalId(proposal)
    assert receipt.events == [treasury.ProposalCancelled(identifier)]
    assert treasury.isCancelled(identifier)
    return identifier


@pytest.mark.parametrize("is_scheduled", [False, True])
def test_cancel__by_its_proposer__succeeds(
    treasury, desk, proposal, alice, bob, reverts, is_scheduled
):
    approvals = desk.sign(proposal, [alice, bob])
    if is_scheduled:
        desk.chain.pending_timestamp = desk.schedule(proposal, approvals).timestamp + 3_600

    identifier = _cancelled(treasury, desk, proposal, desk.sign_cancellation(proposal, [alice]))

    for function in (desk.execute, desk.schedule):
        with reverts(treasury, "ProposalIsCancelled", id=identifier):
            function(proposal, approvals)


def test_cancel__by_veto_weight__succeeds(treasury, desk, proposal, bob, carol):
    _cancelled(treasury, desk, proposal, desk.sign_cancellation(proposal, [bob, carol]))


def test_cancel__approved_on_chain__succeeds(treasury, desk, accounts, alice, bob, asset, payee):
    dave = accounts[5]
    desk.run([call(treasury.changeSigners, [], [signer_of(dave)], [1])], [alice, bob])
    proposal = desk.proposal([call(asset.transfer, payee, 1)], dave)
    treasury.approve(treasury.cancellationId(treasury.proposalId(proposal)), sender=dave)

    _cancelled(treasury, desk, proposal, [(signer_of(dave), b"")])


def test_cancel__nonce_stays_free__succeeds(treasury, desk, proposal, alice, asset, payee):
    _cancelled(treasury, desk, proposal, desk.sign_cancellation(proposal, [alice]))
    other = desk.proposal([call(asset.transfer, payee, DOLLAR)], alice, key=1)

    desk.execute(other, desk.sign(other, [alice]))

    assert asset.balanceOf(payee) == DOLLAR


def test_cancel__by_fewer__reverts(treasury, desk, proposal, bob, reverts):
    approvals = desk.sign_cancellation(proposal, [bob])

    with reverts(treasury, "WeightNotReached", needed=2, actual=1):
        treasury.cancel(proposal, approvals, sender=desk.operator)


def test_cancel__by_nobody__reverts(treasury, desk, proposal, attacker, reverts):
    with reverts(treasury, "WeightNotReached", needed=2, actual=0):
        treasury.cancel(proposal, [], sender=attacker)


def test_cancel__by_removed_proposer__reverts(treasury, desk, proposal, alice, bob, carol, reverts):
    approvals = desk.sign_cancellation(proposal, [alice])
    desk.run([call(treasury.changeSigners, [signer_of(alice)], [], [])], [bob, carol])

    with reverts(treasury, "SignerUnknown", signer=signer_of(alice)):
        treasury.cancel(proposal, approvals, sender=desk.operator)


def test_cancel__with_approvals_of_the_proposal__reverts(
    treasury, desk, proposal, alice, bob, reverts
):
    approvals = in_order(desk.sign(proposal, [alice, bob]))

    with reverts(treasury, "SignatureInvalid", signer=approvals[0][0]):
        treasury.cancel(proposal, approvals, sender=desk.operator)
