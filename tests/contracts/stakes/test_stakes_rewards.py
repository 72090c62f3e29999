"""Rewards of provers.

- credit_reward: the batch before is settled → once | not settled, unknown, twice → reverts
- credit_reward: an earlier fraud takes over all that waits for later ones, or burns it; one of the
  same batch takes nothing
- withdraw_reward: once, re-entered → once | nothing owed, receiver refuses → reverts
"""

import pytest

from backend.protocol.hashing import keccak
from tests.contracts.core import STAKE_WEI
from tests.contracts.exits.conftest import ZERO_ADDRESS
from tests.contracts.stakes.conftest import stakes_of, waiting


def test_credit_reward__fraud_in_first_batch__succeeds(room, committee, prover, attacker):
    room.roll_back(room.post(), prover)
    amount_wei = waiting(committee, 0)

    receipt = committee.creditReward(0, sender=attacker)

    [event] = receipt.decode_logs(committee.RewardCredited)
    assert (event.prover, event.amountWei) == (prover, amount_wei)
    assert (committee.owedWei(prover), waiting(committee, 0)) == (amount_wei, 0)


def test_credit_reward__batch_before_open__reverts(room, committee, prover, reverts):
    room.post()
    room.roll_back(room.post(), prover)

    with reverts(committee, "RewardLocked", frontier=0, neededBatch=1):
        committee.creditReward(0, sender=prover)
    room.settle()
    committee.creditReward(0, sender=prover)

    assert committee.owedWei(prover) == 3 * STAKE_WEI // 2


@pytest.mark.parametrize("index", [1, 2**256 - 1])
def test_credit_reward__unknown__reverts(room, committee, prover, reverts, index):
    room.roll_back(room.post(), prover)

    with reverts(committee, "RewardUnknown", index=index):
        committee.creditReward(index, sender=prover)


def test_credit_reward__twice__reverts(room, committee, prover, reverts):
    room.roll_back(room.post(), prover)
    committee.creditReward(0, sender=prover)

    with reverts(committee, "RewardUnknown", index=0):
        committee.creditReward(0, sender=prover)


@pytest.fixture
def two_wait(room, prover):
    """Rewards for frauds in batches 2 and 3 wait, and batches 1 and 2 stand."""
    first = room.post()
    room.roll_back(room.post(), prover)
    room.post()
    room.roll_back(room.post(), prover)
    return first


def test_credit_reward__taken_over_by_earlier_fraud__reverts(
    room, committee, two_wait, prover, attacker, reverts
):
    half_wei = 3 * STAKE_WEI // 2
    assert (waiting(committee, 0), waiting(committee, 1)) == (half_wei, half_wei)

    room.roll_back(two_wait, attacker)

    for index in (0, 1):
        with reverts(committee, "RewardUnknown", index=index):
            committee.creditReward(index, sender=prover)
    assert waiting(committee, 2) == 3 * half_wei
    committee.creditReward(2, sender=attacker)
    assert committee.owedWei(attacker) == 3 * half_wei


def test_roll_back__earlier_fraud_not_committed__burns_what_waits_holds(
    room, committee, two_wait, members
):
    room.roll_back(two_wait, ZERO_ADDRESS)

    assert committee.rewardCount() == 2
    assert (waiting(committee, 0), waiting(committee, 1)) == (0, 0)
    assert committee.balance == sum(stakes_of(committee, members))


def test_roll_back__same_batch_again__takes_nothing_over_holds(room, committee, prover, attacker):
    room.roll_back(room.post(), prover)
    room.roll_back(room.post(), attacker)

    assert waiting(committee, 0) == waiting(committee, 1) == 3 * STAKE_WEI // 2


def test_roll_back__earlier_fraud_after_credit__takes_nothing_over_holds(
    room, committee, prover, attacker
):
    """What is credited is for a batch next to the frontier: no earlier one can fall any more."""
    room.post()
    room.roll_back(room.post(), prover)
    room.settle()
    committee.creditReward(0, sender=prover)
    room.roll_back(room.post(), attacker)

    assert waiting(committee, 1) == committee.owedWei(prover) == 3 * STAKE_WEI // 2


def test_withdraw_reward__credited__succeeds(room, committee, prover):
    room.roll_back(room.post(), prover)
    committee.creditReward(0, sender=prover)
    before, amount_wei = prover.balance, committee.owedWei(prover)

    receipt = committee.withdrawReward(sender=prover)

    [event] = receipt.decode_logs(committee.RewardWithdrawn)
    assert (event.prover, event.amountWei) == (prover, amount_wei)
    assert prover.balance == before + amount_wei - receipt.total_fees_paid
    assert committee.owedWei(prover) == 0


def test_withdraw_reward__nothing_owed__reverts(room, committee, prover, reverts):
    room.roll_back(room.post(), prover)

    with reverts(committee, "NothingOwed", prover=prover):
        committee.withdrawReward(sender=prover)


def test_withdraw_reward__receiver_refuses__reverts(
    project, room, committee, prover, judge, members, reverts
):
    relay = prover.deploy(project.Relay)
    committee.punishEquivocation(members[0], relay, sender=judge)

    with reverts(committee, "PaymentFailed", receiver=relay):
        relay.call(committee, committee.withdrawReward.encode_input(), sender=prover)

    assert committee.owedWei(relay) == STAKE_WEI // 2


def test_withdraw_reward__receiver_calls_again__pays_once_holds(
    project, committee, prover, judge, members
):
    receiver = prover.deploy(project.ReentrantReceiver)
    committee.punishEquivocation(members[0], receiver, sender=judge)
    again = committee.withdrawReward.encode_input()
    receiver.arm(committee, again, sender=prover)

    receiver.call(committee, again, sender=prover)

    assert receiver.balance == STAKE_WEI // 2
    assert not receiver.lastSucceeded()
    assert bytes(receiver.lastResult())[:4] == keccak(b"NothingOwed(address)")[:4]
