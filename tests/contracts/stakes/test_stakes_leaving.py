"""When a stake may leave.

- withdraw_stake: never a member → at once | a window after his last epoch, its batches settled or
  removed → succeeds, re-entered → once
- withdraw_stake: rollup frozen, its batches settled or none left → succeeds | one open → reverts
- withdraw_stake: no stake, a member, a second early, batch open, receiver refuses → reverts
"""

import pytest

from tests.contracts.core import CHALLENGE_WINDOW_S
from tests.contracts.exits.conftest import ZERO_ADDRESS
from tests.contracts.stakes.conftest import OTHERS


def test_withdraw_stake__never_a_member__succeeds(committee, attacker):
    committee.stake(attacker, sender=attacker, value=7)
    before = attacker.balance

    receipt = committee.withdrawStake(sender=attacker)

    [event] = receipt.decode_logs(committee.StakeWithdrawn)
    assert (event.validator, event.amountWei) == (attacker, 7)
    assert attacker.balance == before + 7 - receipt.total_fees_paid
    assert (committee.stakeOf(attacker), committee.lastEpochOf(attacker)) == (0, 0)


def test_withdraw_stake__none__reverts(committee, attacker, reverts):
    with reverts(committee, "StakeZero", validator=attacker):
        committee.withdrawStake(sender=attacker)


def test_withdraw_stake__member__reverts(committee, validators, reverts):
    with reverts(committee, "StakeInUse", validator=validators[0], epoch=1):
        committee.withdrawStake(sender=validators[0])


def test_withdraw_stake__member_after_roll_back__reverts(room, committee, validators, reverts):
    room.roll_back(room.post())

    with reverts(committee, "StakeInUse", validator=validators[3], epoch=2):
        committee.withdrawStake(sender=validators[3])
    assert committee.lastEpochOf(validators[3]) == 2


@pytest.mark.parametrize("late_s", [0, 1])
def test_withdraw_stake__window_after_last_epoch__succeeds(
    room, committee, validators, end_epoch, late_s
):
    ended_ts_s = end_epoch().timestamp
    room.at(ended_ts_s + CHALLENGE_WINDOW_S + late_s)

    committee.withdrawStake(sender=validators[0])

    assert committee.stakeOf(validators[0]) == 0
    assert committee.lastEpochOf(validators[0]) == 1


def test_withdraw_stake__window_open__reverts(room, committee, validators, end_epoch, reverts):
    free_ts_s = end_epoch().timestamp + CHALLENGE_WINDOW_S
    room.at(free_ts_s - 1)

    with reverts(committee, "StakeLocked", freeTsS=free_ts_s, actualTsS=free_ts_s - 1):
        committee.withdrawStake(sender=validators[0])


def test_withdraw_stake__member_again__counts_from_the_last_epoch_holds(
    room, committee, validators, members, lister, end_epoch, reverts
):
    end_epoch()
    committee.beginEpoch(members, sender=lister)
    free_ts_s = end_epoch().timestamp + CHALLENGE_WINDOW_S
    assert committee.lastEpochOf(validators[0]) == 3
    room.at(free_ts_s - 1)

    with reverts(committee, "StakeLocked", freeTsS=free_ts_s, actualTsS=...):
        committee.withdrawStake(sender=validators[0])
    room.at(free_ts_s)
    committee.withdrawStake(sender=validators[0])


def test_withdraw_stake__batch_of_his_epoch_open__reverts(
    room, committee, validators, end_epoch, reverts
):
    first = room.post()
    room.post()
    ended_ts_s = end_epoch().timestamp
    room.operator.keys, room.operator.epoch = OTHERS, 2
    room.post()
    room.at(ended_ts_s + CHALLENGE_WINDOW_S)

    with reverts(committee, "StakeAnswersForBatch", frontier=0, batchNumber=2):
        committee.withdrawStake(sender=validators[0])
    settle = room.core.rollup.settle
    settle([first.batch], sender=validators[0])
    with reverts(committee, "StakeAnswersForBatch", frontier=1, batchNumber=2):
        committee.withdrawStake(sender=validators[0])
    settle([room.standing[1].batch], sender=validators[0])
    committee.withdrawStake(sender=validators[0])  # batch 3 is the others' affair

    assert room.core.rollup.frontier() == 2


def test_withdraw_stake__batch_of_his_epoch_removed__succeeds(
    room, committee, rollup, judge, validators, end_epoch
):
    posted = room.post()
    ended_ts_s = end_epoch().timestamp
    rollup.rollBack(posted.batch, ZERO_ADDRESS, sender=judge)
    room.at(ended_ts_s + CHALLENGE_WINDOW_S)

    committee.withdrawStake(sender=validators[3])  # who had not signed it

    assert committee.stakeOf(validators[3]) == 0


def test_withdraw_stake__member_after_freeze__succeeds(
    room, committee, validators, lister, reverts
):
    committee.renounceOwnership(sender=lister)  # so nobody can end the epoch
    room.post()
    room.freeze()

    with reverts(committee, "StakeInUse", validator=validators[0], epoch=1):
        committee.withdrawStake(sender=validators[0])
    room.settle()
    committee.withdrawStake(sender=validators[0])

    assert committee.stakeOf(validators[0]) == 0


def test_withdraw_stake__freeze_before_any_batch__succeeds(room, committee, validators):
    room.freeze()

    committee.withdrawStake(sender=validators[3])

    assert committee.stakeOf(validators[3]) == 0


def test_withdraw_stake__receiver_refuses__reverts(project, committee, payer, reverts):
    relay = payer.deploy(project.Relay)
    committee.stake(relay, sender=payer, value=7)

    with reverts(committee, "PaymentFailed", receiver=relay):
        relay.call(committee, committee.withdrawStake.encode_input(), sender=payer)

    assert committee.stakeOf(relay) == 7


def test_withdraw_stake__receiver_calls_again__pays_once_holds(project, committee, payer):
    receiver = payer.deploy(project.ReentrantReceiver)
    committee.stake(receiver, sender=payer, value=7)
    again = committee.withdrawStake.encode_input()
    receiver.arm(committee, again, sender=payer)

    receiver.call(committee, again, sender=payer)

    assert receiver.balance == 7
    assert not receiver.lastSucceeded()
