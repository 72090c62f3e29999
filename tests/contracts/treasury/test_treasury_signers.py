"""Treasury: who signs, what governance needs, and what happens when signers are lost.

- deploy: signers, weights, governance, events | any of them invalid → reverts
- change_signers, set_governance: by governance → at once | by another, out of reach → reverts
- signers for whom anybody could sign: zero, the treasury, precompiles as verifiers → reverts
- recovery: too early, lighter, with another call, after a life sign, vetoed → reverts | scheduled
  before a life sign → its timelock runs anew | signers lost → the rest changes signers, and
  spends nothing
"""

import pytest

from tests.contracts.treasury.conftest import DOLLAR, GOVERNANCE, GOVERNANCE_TIMELOCK_S
from tests.contracts.treasury.desk import (
    Desk,
    call,
    member_key,
    pay,
    signer_of,
)

ZERO_SIGNER = bytes(20)
IDENTITY = bytes(19) + b"\4"
LOST_S = 90 * 86_400
RECOVERY_TIMELOCK_S = 7 * 86_400
RECOVERABLE = (2, 0, 2, False, LOST_S, 1, RECOVERY_TIMELOCK_S)


def test_deploy__three_signers__succeeds(treasury, policy, alice, bob, carol):
    members = [signer_of(member) for member in (alice, bob, carol)]

    assert [bytes(each) for each in treasury.getSigners(0, 9)] == members
    assert [treasury.signerWeight(each) for each in members] == [1, 1, 1]
    assert tuple(treasury.governance()) == GOVERNANCE
    assert treasury.threshold() == GOVERNANCE[0]
    assert policy.treasury() == treasury
    receipt = treasury.creation_metadata.receipt
    [event] = receipt.decode_logs(treasury.SignersChanged)
    assert [bytes(each) for each in event.signers] == members
    assert ([*event.dismissed], [*event.weights]) == ([], [1, 1, 1])
    [event] = receipt.decode_logs(treasury.GovernanceSet)
    assert tuple(event.governance) == GOVERNANCE
    assert treasury.executedAtTsS() == receipt.timestamp


@pytest.mark.parametrize(
    ("governance", "error", "values"),
    [
        ((0, 0, 1, False, 0, 0, 0), "MultiSignerERC7913ZeroThreshold", {}),
        (
            (4, 0, 1, False, 0, 0, 0),
            "MultiSignerERC7913UnreachableThreshold",
            {"signers": 3, "threshold": 4},
        ),
        ((2, 0, 0, False, 0, 0, 0), "WeightOutOfRange", {"maximum": 2, "actual": 0}),
        ((2, 0, 3, False, 0, 0, 0), "WeightOutOfRange", {"maximum": 2, "actual": 3}),
        ((2, 0, 2, False, 1, 0, 0), "WeightOutOfRange", {"maximum": 2, "actual": 0}),
        ((2, 0, 2, False, 1, 3, 0), "WeightOutOfRange", {"maximum": 2, "actual": 3}),
        ((2, 9, 2, False, 1, 1, 8), "RecoveryTimelockTooShort", {"minimumS": 9, "actualS": 8}),
        ((3, 0, 2, True, 0, 0, 0), "GovernanceUnreachable", {"needed": 3, "reachable": 2}),
    ],
)
def test_deploy__governance_invalid__reverts(
    project, deploy_treasury, reverts, governance, error, values
):
    with reverts(project.Treasury, error, **values):
        deploy_treasury(governance=governance)


@pytest.mark.parametrize("signer", [ZERO_SIGNER, IDENTITY + bytes(64), bytes(20) + b"\1"])
def test_deploy__anybody_could_sign__reverts(project, deploy_treasury, reverts, signer):
    with reverts(project.Treasury, "SignerInvalid", signer=signer):
        deploy_treasury(signers=[signer], governance=(1, 0, 1, False, 0, 0, 0))


def test_deploy__signer_too_short__reverts(project, deploy_treasury, reverts):
    signer = b"\1" * 19

    with reverts(project.Treasury, "MultiSignerERC7913InvalidSigner", signer=signer):
        deploy_treasury(signers=[signer], governance=(1, 0, 1, False, 0, 0, 0))


def test_deploy__signer_twice__reverts(project, deploy_treasury, alice, reverts):
    signer = signer_of(alice)

    with reverts(project.Treasury, "MultiSignerERC7913AlreadyExists", signer=signer):
        deploy_treasury(signers=[signer, signer])


# changes


def test_change_signers__by_governance__succeeds(treasury, desk, alice, bob, carol):
    dave = member_key("dave")
    dismissed, signers, weights = [signer_of(carol)], [signer_of(dave), signer_of(bob)], [3, 2]

    receipt = desk.run([call(treasury.changeSigners, dismissed, signers, weights)], [alice, bob])

    [event] = receipt.decode_logs(treasury.SignersChanged)
    assert [bytes(each) for each in event.dismissed] == dismissed
    assert [bytes(each) for each in event.signers] == signers
    assert [*event.weights] == weights
    members = (alice, bob, carol, dave)
    assert [treasury.signerWeight(signer_of(each)) for each in members] == [1, 2, 0, 3]
    assert treasury.totalWeight() == 6


def test_change_signers__all_at_once__succeeds(treasury, desk, alice, bob, carol):
    others = [signer_of(member_key(name)) for name in ("dave", "erin")]
    members = [signer_of(member) for member in (alice, bob, carol)]

    desk.run([call(treasury.changeSigners, members, others, [1, 1])], [alice, bob])

    assert {bytes(each) for each in treasury.getSigners(0, 9)} == set(others)


def test_change_signers__treasury_itself__reverts(treasury, refused):
    refused(
        treasury.changeSigners,
        [],
        [signer_of(treasury)],
        [1],
        error="SignerInvalid",
        signer=signer_of(treasury),
    )


def test_change_signers__governance_out_of_reach__reverts(treasury, refused, alice, bob):
    refused(
        treasury.changeSigners,
        [signer_of(alice), signer_of(bob)],
        [],
        [],
        error="MultiSignerERC7913UnreachableThreshold",
        signers=1,
        threshold=2,
    )


def test_change_signers__unknown_removed__reverts(treasury, refused, attacker):
    refused(
        treasury.changeSigners,
        [signer_of(attacker)],
        [],
        [],
        error="MultiSignerERC7913NonexistentSigner",
        signer=signer_of(attacker),
    )


def test_change_signers__weight_zero__reverts(treasury, refused, alice):
    refused(
        treasury.changeSigners,
        [],
        [signer_of(alice)],
        [0],
        error="MultiSignerERC7913WeightedInvalidWeight",
        signer=signer_of(alice),
        weight=0,
    )


def test_change_signers__weights_missing__reverts(treasury, refused, alice):
    refused(
        treasury.changeSigners,
        [],
        [signer_of(alice)],
        [],
        error="MultiSignerERC7913WeightedMismatchedLength",
    )


def test_set_governance__by_governance__succeeds(treasury, desk, alice, bob):
    governance = (3, 60, 1, False, 0, 0, 0)

    receipt = desk.run([call(treasury.setGovernance, governance)], [alice, bob])

    [event] = receipt.decode_logs(treasury.GovernanceSet)
    assert tuple(event.governance) == governance
    assert tuple(treasury.governance()) == governance
    assert treasury.tierOf([]) == (3, 60)


def test_set_governance__own_approval_refused_out_of_reach__reverts(treasury, refused):
    refused(
        treasury.setGovernance,
        (3, 0, 1, True, 0, 0, 0),
        error="GovernanceUnreachable",
        needed=3,
        reachable=2,
    )


def test_change_policy__by_another__reverts(treasury, attacker, reverts):
    for method, arguments in (
        (treasury.changeSigners, ([], [signer_of(attacker)], [9])),
        (treasury.setGovernance, (GOVERNANCE,)),
    ):
        with reverts(treasury, "SenderNotTreasury", actual=attacker):
            method(*arguments, sender=attacker)


def test_change_signers__by_a_tier__reverts(treasury, desk, asset, alice, attacker, reverts):
    calls = [
        call(asset.transfer, attacker, DOLLAR),
        call(treasury.changeSigners, [], [signer_of(attacker)], [9]),
    ]
    proposal = desk.proposal(calls, alice)

    with reverts(treasury, "WeightNotReached", needed=2, actual=1):
        desk.execute(proposal, desk.sign(proposal, [alice]))


# recovery


@pytest.fixture
def orphaned(chain, deploy_treasury, operator):
    """A treasury of three whose signers count as lost after 90 days."""
    return Desk(chain, deploy_treasury(governance=RECOVERABLE), operator)


def _replacing(desk, alice, bob, carol):
    members, others = [bob, carol], [member_key("dave"), member_key("erin")]
    return call(
        desk.treasury.changeSigners,
        list(map(signer_of, members)),
        list(map(signer_of, others)),
        [1, 1],
    )


@pytest.fixture
def recovery(orphaned, alice, bob, carol):
    """What the last signer proposes: two others in place of those who are lost."""
    deadline = orphaned.now() + 3 * LOST_S
    return orphaned.proposal([_replacing(orphaned, alice, bob, carol)], alice, deadline=deadline)


@pytest.fixture
def lost_at(orphaned):
    """When the signers count as lost."""
    return orphaned.treasury.executedAtTsS() + LOST_S


def test_recovery__signers_lost__succeeds(orphaned, recovery, lost_at, alice, bob):
    approvals = orphaned.sign(recovery, [alice])
    orphaned.chain.pending_timestamp = lost_at
    scheduled = orphaned.schedule(recovery, approvals).timestamp
    assert orphaned.treasury.tierOf(recovery[1]) == (1, RECOVERY_TIMELOCK_S)
    orphaned.chain.pending_timestamp = scheduled + RECOVERY_TIMELOCK_S

    orphaned.execute(recovery, approvals)

    assert not orphaned.treasury.isSigner(signer_of(bob))
    assert orphaned.treasury.isSigner(signer_of(member_key("dave")))
    assert orphaned.treasury.tierOf(recovery[1]) == (2, 0)  # all are alive again


def test_recovery__proposer_is_the_last__own_approval_counts_succeeds(
    chain, deploy_treasury, operator, alice, bob, carol
):
    governance = (2, 0, 2, True, LOST_S, 1, RECOVERY_TIMELOCK_S)
    desk = Desk(chain, deploy_treasury(governance=governance), operator)
    chain.pending_timestamp = desk.now() + LOST_S
    chain.mine()

    desk.run([_replacing(desk, alice, bob, carol)], [alice])

    assert desk.treasury.isSigner(signer_of(member_key("erin")))


def test_recovery__second_too_early__reverts(orphaned, recovery, lost_at, alice, reverts):
    orphaned.chain.pending_timestamp = lost_at - 1

    with reverts(orphaned.treasury, "WeightNotReached", needed=2, actual=1):
        orphaned.schedule(recovery, orphaned.sign(recovery, [alice]))


def test_recovery__timelock_open__reverts(orphaned, recovery, lost_at, alice, reverts):
    approvals = orphaned.sign(recovery, [alice])
    orphaned.chain.pending_timestamp = lost_at
    orphaned.schedule(recovery, approvals)
    orphaned.chain.pending_timestamp = lost_at + RECOVERY_TIMELOCK_S - 1

    with reverts(orphaned.treasury, "TimelockOpen", eligibleAtTsS=..., actualTsS=...):
        orphaned.execute(recovery, approvals)


def test_recovery__somebody_is_alive__reverts(
    orphaned, recovery, lost_at, operator, alice, bob, carol, payee, reverts
):
    operator.transfer(orphaned.treasury, 1)
    approvals = orphaned.sign(recovery, [alice])
    orphaned.chain.pending_timestamp = lost_at
    orphaned.schedule(recovery, approvals)
    orphaned.run([pay(payee, 1)], [bob, carol], key=1)
    orphaned.chain.pending_timestamp = lost_at + RECOVERY_TIMELOCK_S

    with reverts(orphaned.treasury, "WeightNotReached", needed=2, actual=1):
        orphaned.execute(recovery, approvals)


@pytest.mark.parametrize("late_s", [-1, 0])
def test_recovery__scheduled_before_the_last_life_sign__waits_anew_holds(
    orphaned, recovery, lost_at, operator, alice, bob, carol, payee, reverts, late_s
):
    operator.transfer(orphaned.treasury, 1)
    approvals = orphaned.sign(recovery, [alice])
    orphaned.chain.pending_timestamp = lost_at
    orphaned.schedule(recovery, approvals)
    alive_at = orphaned.run([pay(payee, 1)], [bob, carol], key=1).timestamp
    eligible = alive_at + LOST_S + RECOVERY_TIMELOCK_S
    orphaned.chain.pending_timestamp = eligible + late_s

    if late_s < 0:
        with reverts(
            orphaned.treasury, "TimelockOpen", eligibleAtTsS=eligible, actualTsS=eligible - 1
        ):
            orphaned.execute(recovery, approvals)
    else:
        orphaned.execute(recovery, approvals)

    assert orphaned.treasury.isSigner(signer_of(bob)) == (late_s < 0)


def test_recovery__vetoed__reverts(orphaned, recovery, lost_at, alice, bob, carol, reverts):
    orphaned.chain.pending_timestamp = lost_at
    orphaned.schedule(recovery, orphaned.sign(recovery, [alice]))
    veto = orphaned.sign_cancellation(recovery, [bob, carol])
    orphaned.treasury.cancel(recovery, veto, sender=orphaned.operator)
    orphaned.chain.pending_timestamp = lost_at + RECOVERY_TIMELOCK_S

    with reverts(
        orphaned.treasury,
        "ProposalIsCancelled",
        id=orphaned.treasury.proposalId(recovery),
    ):
        orphaned.execute(recovery, orphaned.sign(recovery, [alice]))


def test_recovery__spending_too__reverts(
    orphaned, recovery, lost_at, operator, alice, payee, reverts
):
    operator.transfer(orphaned.treasury, 10)
    change = recovery[1][0]
    orphaned.chain.pending_timestamp = lost_at
    orphaned.chain.mine()
    for calls in (
        [pay(payee, 1)],
        [change, pay(payee, 1)],
        [pay(payee, 1), change],
        [(change[0], 1, change[2])],
        [call(orphaned.treasury.setGovernance, (1, 0, 1, False, 0, 0, 0))],
        [(payee.address, 0, change[2])],
    ):
        proposal = orphaned.proposal(calls, alice)
        assert orphaned.treasury.tierOf(calls) == (2, 0)
        with reverts(orphaned.treasury, "WeightNotReached", needed=2, actual=1):
            orphaned.execute(proposal, orphaned.sign(proposal, [alice]))


def test_recovery__policy_has_none__reverts(treasury, desk, alice, bob, carol, reverts):
    desk.chain.pending_timestamp = desk.now() + 10 * LOST_S
    desk.chain.mine()
    proposal = desk.proposal([_replacing(desk, alice, bob, carol)], alice)

    assert treasury.tierOf(proposal[1]) == (2, GOVERNANCE_TIMELOCK_S)
    with reverts(treasury, "WeightNotReached", needed=2, actual=1):
        desk.schedule(proposal, desk.sign(proposal, [alice]))
