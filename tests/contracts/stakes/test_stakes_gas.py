"""What the ether of validators and provers costs to move: as in tests/gas_snapshot.json."""

from tests.contracts.core import CHALLENGE_WINDOW_S


def test_roll_back__gas__holds(gas_snapshot, room, committee, prover):
    gas = room.roll_back(room.post(), prover).gas_used
    gas_snapshot("Rollup.rollBack: four members", gas)

    receipt = committee.creditReward(0, sender=prover)
    gas_snapshot("Committee.creditReward: first", receipt.gas_used)
    receipt = committee.withdrawReward(sender=prover)
    gas_snapshot("Committee.withdrawReward: all", receipt.gas_used)


def test_punish_equivocation__gas__holds(gas_snapshot, committee, members, judge, prover):
    receipt = committee.punishEquivocation(members[0], prover, sender=judge)

    gas_snapshot("Committee.punishEquivocation: first of a prover", receipt.gas_used)


def test_stake__gas__holds(gas_snapshot, room, committee, validators, payer, end_epoch):
    receipt = committee.stake(payer, sender=payer, value=1)
    gas_snapshot("Committee.stake: first of a validator", receipt.gas_used)

    room.at(end_epoch().timestamp + CHALLENGE_WINDOW_S)
    receipt = committee.withdrawStake(sender=validators[0])
    gas_snapshot("Committee.withdrawStake: after an epoch", receipt.gas_used)
