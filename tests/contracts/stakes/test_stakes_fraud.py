"""Stakes, and what fraud takes of them.

- stake: by anyone, adds up; from a whole stake on a signature counts, a wei below → reverts
- roll_back: takes the stakes of those who signed, all of them, of nobody else; half waits for the
  prover, half is burnt | nobody had committed → all is burnt | signers have none → no reward;
  the next epoch has the same members
- punish, punish_equivocation: by anybody else → reverts
- punish_equivocation: half is credited, half burnt | not committed → all burnt | no stake → reverts
"""

import pytest

from backend.protocol.hashing import keccak
from tests.contracts.core import STAKE_WEI, stake_for
from tests.contracts.exits.conftest import NO_BATCH, ZERO_ADDRESS
from tests.contracts.rollup.operator import addresses_of, signatures_of
from tests.contracts.stakes.conftest import OTHERS, stakes_of, waiting

DIGEST = keccak(b"a header")


# Stakes


def test_stake__by_anyone__succeeds(committee, payer, attacker):
    committee.stake(payer, sender=payer, value=3)

    [event] = committee.stake(payer, sender=attacker, value=4).decode_logs(committee.Staked)

    assert (event.validator, event.amountWei, event.stakeWei) == (payer, 4, 7)
    assert committee.stakeOf(payer) == 7


@pytest.mark.parametrize("offset", [0, 1])
def test_require_quorum__whole_stake__succeeds(committee, judge, keys, payer, offset):
    member = addresses_of(keys)[1]
    committee.punishEquivocation(member, ZERO_ADDRESS, sender=judge)
    committee.stake(member, sender=payer, value=STAKE_WEI + offset)

    assert committee.requireQuorum(1, DIGEST, signatures_of(keys[:3], DIGEST)) == 0b111


def test_require_quorum__stake_not_whole__reverts(committee, judge, keys, payer, reverts):
    member = addresses_of(keys)[1]
    committee.punishEquivocation(member, ZERO_ADDRESS, sender=judge)
    committee.stake(member, sender=payer, value=STAKE_WEI - 1)

    values = {"validator": member, "neededWei": STAKE_WEI, "actualWei": STAKE_WEI - 1}
    with reverts(committee, "StakeNotWhole", **values):
        committee.requireQuorum(1, DIGEST, signatures_of(keys[:3], DIGEST))

    others = [keys[i] for i in (0, 2, 3)]
    assert committee.requireQuorum(1, DIGEST, signatures_of(others, DIGEST)) == 0b1101


def test_submit_batch__after_roll_back__until_staked_again__reverts(
    room, committee, rollup, judge, members, lister, reverts
):
    posted = room.post()
    rollup.rollBack(posted.batch, ZERO_ADDRESS, sender=judge)
    room.operator.parent, room.operator.epoch = NO_BATCH, 2

    with reverts(committee, "StakeNotWhole", validator=members[0], neededWei=..., actualWei=0):
        room.post()
    stake_for(members[:3], committee, lister)
    room.post()

    assert rollup.tip() == 1


# What fraud takes


def test_roll_back__prover_committed__succeeds(
    room, committee, rollup, judge, members, prover, burnt
):
    posted = room.post()

    receipt = rollup.rollBack(posted.batch, prover, sender=judge)

    assert stakes_of(committee, members) == [0, 0, 0, STAKE_WEI]
    slashed = receipt.decode_logs(committee.Slashed)
    assert [(each.validator, each.amountWei) for each in slashed] == [
        (member, STAKE_WEI) for member in members[:3]
    ]
    [event] = receipt.decode_logs(committee.RewardSet)
    half_wei = 3 * STAKE_WEI // 2
    assert (event.index, event.prover, event.batchNumber) == (0, prover, 1)
    assert event.amountWei == half_wei == waiting(committee, 0) == burnt()
    assert committee.rewardCount() == 1
    assert committee.balance == STAKE_WEI + half_wei
    [event] = receipt.decode_logs(committee.EpochBegun)
    assert (event.epoch, event.members) == (2, members)
    assert (committee.epoch(), committee.membersOf(2)) == (2, members)


def test_roll_back__other_signers_and_more_at_stake__succeeds(
    room, operator, committee, rollup, judge, keys, members, prover, payer, burnt
):
    committee.stake(members[3], sender=payer, value=5)
    chunks = [room.ledger.chunk()]
    header = operator.header(chunks)
    signatures = operator.sign(header, keys[1:])
    receipt = operator.submit_calldata(chunks, header, signatures=signatures)
    [event] = receipt.decode_logs(rollup.BatchPosted)
    assert event.signers == 0b1110

    batch = (header, event.acceptedTsS, event.signers)
    rollup.rollBack(batch, prover, sender=judge)

    assert stakes_of(committee, members) == [STAKE_WEI, 0, 0, 0]
    assert waiting(committee, 0) == (3 * STAKE_WEI + 5) // 2
    assert burnt() == (3 * STAKE_WEI + 5) // 2 + 1


def test_roll_back__nobody_committed__succeeds(room, committee, rollup, judge, burnt):
    posted = room.post()

    rollup.rollBack(posted.batch, ZERO_ADDRESS, sender=judge)

    assert (committee.rewardCount(), burnt()) == (0, 3 * STAKE_WEI)


def test_roll_back__signers_without_stake__succeeds(
    room, committee, rollup, judge, members, prover, burnt
):
    posted = room.post()
    for member in members[:3]:
        committee.punishEquivocation(member, ZERO_ADDRESS, sender=judge)

    rollup.rollBack(posted.batch, prover, sender=judge)

    assert (rollup.tip(), committee.epoch(), committee.rewardCount()) == (0, 2, 0)
    assert burnt() == 3 * STAKE_WEI


def test_roll_back__batch_of_an_earlier_epoch__succeeds(
    room, committee, rollup, judge, members, end_epoch
):
    """Its own signers pay, and the present members go on."""
    posted = room.post()
    end_epoch()

    rollup.rollBack(posted.batch, ZERO_ADDRESS, sender=judge)

    assert stakes_of(committee, members) == [0, 0, 0, STAKE_WEI]
    assert committee.epoch() == 3
    assert committee.membersOf(3) == addresses_of(OTHERS)
    assert stakes_of(committee, addresses_of(OTHERS)) == [STAKE_WEI] * 4


def test_punish__by_anybody_else__reverts(committee, rollup, lister, judge, reverts):
    for sender in (lister, judge):
        with reverts(committee, "SenderNotRollup", expected=rollup, actual=sender):
            committee.punish(1, 1, 1, sender, sender=sender)


# Equivocation


def test_punish_equivocation__prover_committed__succeeds(
    room, committee, rollup, judge, members, prover, burnt
):
    room.post()

    receipt = committee.punishEquivocation(members[0], prover, sender=judge)

    [event] = receipt.decode_logs(committee.Slashed)
    assert (event.validator, event.amountWei) == (members[0], STAKE_WEI)
    [event] = receipt.decode_logs(committee.RewardCredited)
    assert (event.prover, event.amountWei) == (prover, STAKE_WEI // 2)
    assert committee.owedWei(prover) == burnt() == STAKE_WEI // 2
    assert stakes_of(committee, members) == [0] + [STAKE_WEI] * 3
    assert (committee.epoch(), rollup.tip(), committee.rewardCount()) == (1, 1, 0)


def test_punish_equivocation__nobody_committed__succeeds(committee, judge, members, burnt):
    receipt = committee.punishEquivocation(members[0], ZERO_ADDRESS, sender=judge)

    assert burnt() == STAKE_WEI
    assert not receipt.decode_logs(committee.RewardCredited)


def test_punish_equivocation__no_stake__reverts(committee, judge, members, prover, reverts):
    committee.punishEquivocation(members[0], prover, sender=judge)

    for validator in (members[0], prover):
        with reverts(committee, "StakeZero", validator=validator):
            committee.punishEquivocation(validator, prover, sender=judge)


def test_punish_equivocation__by_anybody_else__reverts(core, committee, lister, members, reverts):
    values = {"expected": core.disputes, "actual": lister}
    with reverts(committee, "SenderNotDisputes", **values):
        committee.punishEquivocation(members[0], lister, sender=lister)
