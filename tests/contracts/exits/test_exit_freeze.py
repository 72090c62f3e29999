"""The freeze: four reasons, each at its second, and what ends with it.

- freeze_for_exit: unserved for the deadline, balance under the tip or a batch accepted after the
  deadline → frozen | earlier, served, swept, never asked, batch too old, leaf changed → reverts
- freeze_for_deposit: not consumed for the timeout, also before any batch → frozen | earlier,
  consumed, record changed or not queued → reverts
- freeze_for_silence: no batch for the deadline, since the creation too → frozen | earlier, not the
  tip → reverts
- a roll-back: each deadline counts from it; the second one freezes, unless a batch accepted after
  the first has settled
- frozen → no deposit, batch or second freeze; accepted batches settle or fall as ever
"""

from dataclasses import replace

import pytest

from backend.protocol.types import AccountId
from tests.contracts.core import WINDOWS
from tests.contracts.disputes.proofs import queued, record_tuple
from tests.contracts.exits.conftest import ALICE, MINT, NO_BATCH

EXIT_UNSERVED, DEPOSIT_UNCONSUMED, SILENCE, ROLLED_BACK_TWICE = range(4)
AROUND = pytest.mark.parametrize("late_s", [-1, 0, 1])


@pytest.fixture
def freezes(rollup, room, attacker, reverts):
    """`freezes(reason, since_ts_s, window_s, late_s, freeze)` freezes unless it is too early."""

    def _freezes(reason, since_ts_s, window_s, late_s, freeze):
        deadline = since_ts_s + window_s
        room.at(deadline + late_s)
        if late_s < 0:
            with reverts(
                rollup, "DeadlineAhead", deadlineTsS=deadline, actualTsS=deadline + late_s
            ):
                freeze()
            assert rollup.frozenTsS() == 0
            return
        [event] = freeze().decode_logs(rollup.Frozen)
        assert event.reason == reason
        assert rollup.frozenTsS() == deadline + late_s

    return _freezes


@pytest.fixture
def for_exit(rollup, attacker):
    """Freeze for Alice's exit, by what a batch shows of her account."""
    return lambda shown: rollup.freezeForExit(shown.batch, shown.leaf(ALICE), sender=attacker)


@pytest.fixture
def for_deposit(rollup, room, attacker):
    """Freeze for a deposit, shown as it stands in the queue."""

    def _for_deposit(index=0, last=None, **changes):
        record = queued(rollup)[index]
        shown = tuple({**_fields(record), **changes}.values())
        return rollup.freezeForDeposit(last or room.tip, index, shown, sender=attacker)

    return _for_deposit


def _fields(record):
    names = ("token", "assetId", "owner", "amountMinor", "tsS")
    return dict(zip(names, record_tuple(record), strict=True))


# For an exit.


@AROUND
def test_freeze_for_exit__unserved__at_deadline_succeeds(
    exits, requested, payer, freezes, for_exit, late_s
):
    since = exits.waitingSince(ALICE, payer)

    freezes(EXIT_UNSERVED, since, WINDOWS.exit_s, late_s, lambda: for_exit(requested))


def test_freeze_for_exit__batch_after_deadline_below_tip__succeeds(
    room, rollup, exits, requested, payer, for_exit
):
    room.at(exits.waitingSince(ALICE, payer) + WINDOWS.exit_s)
    late = room.post()
    room.ledger.withdraw(ALICE, MINT)
    room.post()

    for_exit(late)

    assert rollup.frozenTsS() != 0


def test_freeze_for_exit__batch_before_deadline_below_tip__reverts(
    room, rollup, exits, requested, payer, for_exit, reverts
):
    deadline = exits.waitingSince(ALICE, payer) + WINDOWS.exit_s
    room.at(deadline - 1)
    early = room.post()
    room.at(deadline)
    room.ledger.withdraw(ALICE, MINT)
    room.post()

    with reverts(rollup, "BatchTooOld", deadlineTsS=deadline, acceptedTsS=deadline - 1):
        for_exit(early)


def test_freeze_for_exit__served__reverts(
    room, rollup, exits, swept, payer, attacker, for_exit, reverts
):
    exits.showServed(payer, *swept.showing(ALICE), sender=attacker)
    room.at(exits.exitOf(ALICE, payer).requestedTsS + WINDOWS.exit_s)
    leaf = swept.chunk.tree.leaf(AccountId(ALICE))
    room.ledger.put(ALICE, replace(leaf, balance_minor=1))  # somebody pays her again

    with reverts(rollup, "ExitNotWaiting", accountId=ALICE, owner=payer):
        for_exit(room.post())


def test_freeze_for_exit__swept_and_not_shown__reverts(
    room, rollup, exits, swept, payer, for_exit, reverts
):
    room.at(exits.waitingSince(ALICE, payer) + WINDOWS.exit_s)

    with reverts(rollup, "ExitNotWaiting", accountId=ALICE, owner=payer):
        for_exit(swept)


def test_freeze_for_exit__never_asked__reverts(rollup, posted, payer, for_exit, reverts):
    with reverts(rollup, "ExitNotWaiting", accountId=ALICE, owner=payer):
        for_exit(posted)


def test_freeze_for_exit__another_leaf__reverts(
    room, rollup, exits, requested, payer, attacker, reverts
):
    room.at(exits.waitingSince(ALICE, payer) + WINDOWS.exit_s)
    shown = list(requested.leaf(ALICE))
    shown[4] += 1

    with reverts(rollup, "LeafNotInState", expectedRoot=requested.chunk.root, actualRoot=...):
        rollup.freezeForExit(requested.batch, tuple(shown), sender=attacker)


def test_freeze_for_exit__batch_never_accepted__reverts(
    room, rollup, exits, requested, payer, attacker, reverts
):
    room.at(exits.waitingSince(ALICE, payer) + WINDOWS.exit_s)
    forged = requested.batch._replace(signers=0)

    with reverts(rollup, "BatchNotAccepted", number=1, expectedSlot=..., actualSlot=...):
        rollup.freezeForExit(forged, requested.leaf(ALICE), sender=attacker)


@AROUND
def test_freeze_for_exit__after_roll_back__counts_from_it_succeeds(
    room, requested, freezes, for_exit, late_s
):
    since = room.roll_back(room.post()).timestamp

    freezes(EXIT_UNSERVED, since, WINDOWS.exit_s, late_s, lambda: for_exit(requested))


# For a deposit.


@AROUND
def test_freeze_for_deposit__nothing_ever_posted__at_timeout_succeeds(
    room, deposit, token, asset_id, freezes, for_deposit, late_s
):
    since = deposit(token, MINT).timestamp

    freezes(DEPOSIT_UNCONSUMED, since, WINDOWS.deposit_s, late_s, for_deposit)


@AROUND
def test_freeze_for_deposit__past_cursor__at_timeout_succeeds(
    room, posted, deposit, token, freezes, for_deposit, late_s
):
    since = deposit(token, 1).timestamp
    room.post()

    freezes(DEPOSIT_UNCONSUMED, since, WINDOWS.deposit_s, late_s, lambda: for_deposit(index=1))


@AROUND
def test_freeze_for_deposit__consumed_and_rolled_back__counts_from_it_succeeds(
    room, posted, freezes, for_deposit, late_s
):
    room.at(posted.batch.accepted_ts_s + WINDOWS.deposit_s)
    since = room.roll_back(posted).timestamp

    freezes(DEPOSIT_UNCONSUMED, since, WINDOWS.deposit_s, late_s, for_deposit)


def test_freeze_for_deposit__consumed__reverts(room, rollup, posted, for_deposit, reverts):
    room.at(posted.batch.accepted_ts_s + WINDOWS.deposit_s)

    with reverts(rollup, "DepositConsumed", cursor=1, index=0):
        for_deposit()


@pytest.mark.parametrize(
    "changes", [{"amountMinor": MINT - 1}, {"tsS": 0}, {"assetId": 2}, {"owner": "0x" + "11" * 20}]
)
def test_freeze_for_deposit__another_record__reverts(
    room, rollup, deposit, token, asset_id, for_deposit, reverts, changes
):
    deposit(token, MINT)

    with reverts(rollup, "DepositNotQueued", index=0):
        for_deposit(**changes)


def test_freeze_for_deposit__past_queue__reverts(
    rollup, deposit, token, asset_id, attacker, reverts
):
    deposit(token, MINT)
    record = record_tuple(queued(rollup)[0])

    for index in (1, 2**64 - 1):
        with reverts(rollup, "DepositNotQueued", index=index):
            rollup.freezeForDeposit(NO_BATCH, index, record, sender=attacker)


# For silence.


@AROUND
def test_freeze_for_silence__nothing_ever_posted__at_deadline_succeeds(
    chain, rollup, attacker, freezes, late_s
):
    since = chain.blocks[rollup.creation_metadata.receipt.block_number].timestamp

    def freeze():
        return rollup.freezeForSilence(NO_BATCH, sender=attacker)

    freezes(SILENCE, since, WINDOWS.silence_s, late_s, freeze)


@AROUND
def test_freeze_for_silence__since_tip__at_deadline_succeeds(
    room, rollup, posted, attacker, freezes, late_s
):
    since = posted.batch.accepted_ts_s

    def freeze():
        return rollup.freezeForSilence(posted.batch, sender=attacker)

    freezes(SILENCE, since, WINDOWS.silence_s, late_s, freeze)


@AROUND
def test_freeze_for_silence__after_roll_back__counts_from_it_succeeds(
    room, rollup, posted, attacker, freezes, late_s
):
    since = room.roll_back(posted).timestamp

    def freeze():
        return rollup.freezeForSilence(NO_BATCH, sender=attacker)

    freezes(SILENCE, since, WINDOWS.silence_s, late_s, freeze)


def test_freeze_for_silence__not_the_tip__reverts(room, rollup, posted, attacker, reverts):
    room.post()

    with reverts(rollup, "BatchNotAccepted", number=2, expectedSlot=..., actualSlot=...):
        rollup.freezeForSilence(posted.batch, sender=attacker)


# By a second roll-back.


def test_roll_back__first__changes_no_freeze_succeeds(room, rollup, committee, posted):
    last = room.post()

    receipt = room.roll_back(last)

    assert (rollup.tip(), rollup.frontier(), rollup.frozenTsS()) == (1, 0, 0)
    assert rollup.rolledBackTsS() == receipt.timestamp
    assert committee.epoch() == 2
    [event] = receipt.decode_logs(rollup.RolledBack)
    assert (event.number, event.headerHash) == (2, last.batch.header.digest(room.operator.domain))


def test_roll_back__several_batches__removes_all_succeeds(room, rollup, posted, reverts, attacker):
    second, third = room.post(), room.post()

    room.roll_back(second)

    assert rollup.tip() == 1
    for removed in (second, third):
        with reverts(rollup, "BatchRemoved", tip=1, actual=removed.number):
            rollup.requireStanding(removed.batch)


def test_roll_back__second_one_before_anything_new_settled__freezes_succeeds(room, rollup, posted):
    room.roll_back(room.post())
    second = room.post()

    receipt = room.roll_back(second)

    [event] = receipt.decode_logs(rollup.Frozen)
    assert event.reason == ROLLED_BACK_TWICE
    assert rollup.frozenTsS() == receipt.timestamp


def test_roll_back__second_one_after_old_batch_settled__freezes_succeeds(room, rollup, posted):
    removed = room.post()
    room.roll_back(removed)
    room.settle()
    assert rollup.frontier() == 1

    room.roll_back(room.post())

    assert rollup.frozenTsS() != 0


def test_roll_back__second_one_after_new_batch_settled__changes_no_freeze_succeeds(
    room, rollup, posted
):
    room.roll_back(room.post())
    room.post()
    room.settle()

    room.roll_back(room.post())
    assert rollup.frozenTsS() == 0
    # The third is the second since anything new has settled.
    room.roll_back(room.post())
    assert rollup.frozenTsS() != 0


def test_roll_back__frozen__removes_and_freezes_no_more_succeeds(room, rollup, posted):
    second, third = room.post(), room.post()
    room.freeze()
    frozen = rollup.frozenTsS()

    room.roll_back(third)
    receipt = room.roll_back(second)

    assert receipt.decode_logs(rollup.Frozen) == []
    assert (rollup.tip(), rollup.frozenTsS()) == (1, frozen)


def test_roll_back__settled__reverts(room, rollup, posted, reverts):
    room.settle()

    with reverts(rollup, "BatchSettledAlready", number=1):
        room.roll_back(posted)


def test_roll_back__by_anybody__reverts(rollup, posted, lister, attacker, reverts):
    for sender in (lister, attacker):
        with reverts(rollup, "SenderNotJudge", sender=sender):
            rollup.rollBack(posted.batch, sender, sender=sender)


# What ends with it.


def test_frozen__everything_that_comes_in__reverts(
    room, rollup, posted, deposit, token, payer, attacker, reverts
):
    room.freeze()
    frozen = rollup.frozenTsS()

    with reverts(rollup, "RollupFrozen", frozenTsS=frozen):
        deposit(token, 1)
    with reverts(rollup, "RollupFrozen", frozenTsS=frozen):
        room.post()
    room.at(posted.batch.accepted_ts_s + 2 * WINDOWS.silence_s)
    with reverts(rollup, "RollupFrozen", frozenTsS=frozen):
        rollup.freezeForSilence(posted.batch, sender=attacker)


def test_frozen__accepted_batches__settle_as_ever_succeeds(room, rollup, posted):
    room.post()
    room.freeze()

    room.settle()

    assert (rollup.frontier(), rollup.tip()) == (2, 2)
