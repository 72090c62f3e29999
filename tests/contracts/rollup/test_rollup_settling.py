"""Settling: the frontier moves one batch at a time, when the window has passed.

- settle: at the window's end, several at once, by anybody → frontier, event
- settle: a second early, out of order, above the tip, something else shown → reverts
"""

import pytest

from tests.contracts.rollup.operator import NO_HEADER, AcceptedBatch

WINDOW_S = 60


@pytest.fixture
def batches(operator, ledger):
    return [operator.post([ledger.chunk()]) for _ in range(3)]


def settle_at(rollup, chain, batches, ts_s, sender):
    chain.pending_timestamp = ts_s
    return rollup.settle(batches, sender=sender)


def test_settle__window_just_passed__succeeds(rollup, chain, batches, attacker):
    receipt = settle_at(rollup, chain, batches[:1], batches[0].accepted_ts_s + WINDOW_S, attacker)

    assert rollup.frontier() == 1
    assert [event.number for event in receipt.decode_logs(rollup.BatchSettled)] == [1]


def test_settle__several__succeeds(rollup, batches, pass_window, attacker):
    pass_window()

    receipt = rollup.settle(batches, sender=attacker)

    assert rollup.frontier() == 3
    assert [event.number for event in receipt.decode_logs(rollup.BatchSettled)] == [1, 2, 3]


def test_settle__none__changes_nothing(rollup, batches, attacker):
    rollup.settle([], sender=attacker)

    assert rollup.frontier() == 0


def test_settle__second_early__reverts(rollup, chain, batches, attacker, reverts):
    settles_at = batches[0].accepted_ts_s + WINDOW_S

    with reverts(rollup, "WindowOpen", settlesAtTsS=settles_at, actualTsS=settles_at - 1):
        settle_at(rollup, chain, batches[:1], settles_at - 1, attacker)


def test_settle__last_one_early__changes_nothing(
    rollup, chain, batches, operator, ledger, pass_window, attacker, reverts
):
    pass_window()
    late = operator.post([ledger.chunk()])

    with reverts(rollup, "WindowOpen", settlesAtTsS=late.accepted_ts_s + WINDOW_S, actualTsS=...):
        rollup.settle([*batches, late], sender=attacker)
    assert rollup.frontier() == 0


@pytest.mark.parametrize(("order", "expected", "actual"), [((1,), 1, 2), ((0, 0), 2, 1)])
def test_settle__out_of_order__reverts(
    rollup, batches, pass_window, attacker, reverts, order, expected, actual
):
    pass_window()

    with reverts(rollup, "BatchOutOfOrder", expected=expected, actual=actual):
        rollup.settle([batches[i] for i in order], sender=attacker)


def test_settle__above_tip__reverts(rollup, attacker, reverts):
    forged = AcceptedBatch(NO_HEADER._replace(number=1))

    with reverts(rollup, "BatchRemoved", tip=0, actual=1):
        rollup.settle([forged], sender=attacker)


def test_settle__earlier_time_shown__reverts(rollup, batches, attacker, reverts):
    forged = batches[0]._replace(accepted_ts_s=0)

    with reverts(rollup, "BatchNotAccepted", number=1, expectedSlot=..., actualSlot=...):
        rollup.settle([forged], sender=attacker)
