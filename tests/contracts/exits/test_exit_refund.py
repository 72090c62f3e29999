"""After a freeze deposits that no settled batch has consumed are paid back.

- refund: at or past the cursor, also if nothing was ever posted or a roll-back gave them back →
  paid once, events
- refund: paid already → passed over; a refusing token → this one alone fails, and can be repeated
- refund: consumed, record changed or not queued, another batch, not frozen, not all settled →
  reverts
"""

import pytest

from tests.contracts.disputes.proofs import queued, record_tuple
from tests.contracts.exits.conftest import ALICE, MINT, NO_BATCH


@pytest.fixture
def refund(room, rollup, attacker):
    """`refund(first, count)` pays deposits back, shown as they stand in the queue."""

    def _refund(first, count=1, batch=None):
        records = [record_tuple(queued(rollup)[first + i]) for i in range(count)]
        return rollup.refund(batch or room.tip, first, records, sender=attacker)

    return _refund


def test_refund__nothing_ever_posted__succeeds(
    room, rollup, deposit, token, asset_id, payer, payee, refund
):
    deposit(token, 60)
    deposit(token, 40, owner=payee)
    room.freeze()

    receipt = refund(0, 2)

    events = receipt.decode_logs(rollup.DepositRefunded)
    assert [(each.index, each.owner, each.amount) for each in events] == [
        (0, payer, 60),
        (1, payee, 40),
    ]
    assert {(each.assetId, each.token) for each in events} == {(1, token.address)}
    assert (token.balanceOf(payer), token.balanceOf(payee)) == (60, 40)
    assert rollup.isRefunded(0)
    assert rollup.isRefunded(1)
    assert rollup.assets(1).outstandingMinor == 0


def test_refund__past_the_cursor__succeeds(room, rollup, posted, deposit, token, payer, refund):
    deposit(token, 7)
    room.end()

    refund(1)

    assert token.balanceOf(payer) == 7
    assert rollup.assets(1).outstandingMinor == MINT


def test_refund__consumed_by_a_removed_batch__succeeds(room, posted, token, payer, refund):
    room.roll_back(posted)
    room.freeze()

    refund(0)

    assert token.balanceOf(payer) == MINT


def test_refund__again__changes_nothing(room, rollup, deposit, token, asset_id, payer, refund):
    deposit(token, 60)
    deposit(token, 40)
    room.freeze()
    refund(0)

    receipt = refund(0, 2)

    assert [each.index for each in receipt.decode_logs(rollup.DepositRefunded)] == [1]
    assert token.balanceOf(payer) == 100


def test_refund__token_refuses_one__others_paid_succeeds(
    project, room, rollup, lister, list_asset, deposit, payer, payee, refund
):
    token = lister.deploy(project.FreezableToken)
    list_asset(token)
    deposit(token, 60)
    deposit(token, 40, owner=payee)
    room.freeze()
    token.setFrozen(payer, True, sender=lister)

    receipt = refund(0, 2)

    [event] = receipt.decode_logs(rollup.RefundFailed)
    assert (event.index, event.owner) == (0, payer)
    assert not rollup.isRefunded(0)
    assert token.balanceOf(payee) == 40
    token.setFrozen(payer, False, sender=lister)
    refund(0, 2)
    assert token.balanceOf(payer) == 60


def test_refund__consumed__reverts(room, rollup, posted, refund, reverts):
    room.end()

    with reverts(rollup, "DepositConsumed", cursor=1, index=0):
        refund(0)


def test_refund__another_record__reverts(
    room, rollup, deposit, token, asset_id, payee, attacker, reverts
):
    deposit(token, 60)
    room.freeze()
    token_, asset, _, amount, ts_s = record_tuple(queued(rollup)[0])

    with reverts(rollup, "DepositNotQueued", index=0):
        rollup.refund(NO_BATCH, 0, [(token_, asset, payee, amount, ts_s)], sender=attacker)


def test_refund__past_the_queue__reverts(room, rollup, deposit, token, asset_id, attacker, reverts):
    deposit(token, 60)
    room.freeze()
    record = record_tuple(queued(rollup)[0])

    with reverts(rollup, "DepositNotQueued", index=1):
        rollup.refund(NO_BATCH, 0, [record, record], sender=attacker)
    assert not rollup.isRefunded(0)


def test_refund__not_frozen__reverts(rollup, deposit, token, asset_id, refund, reverts):
    deposit(token, 60)

    with reverts(rollup, "RollupNotFrozen"):
        refund(0)


def test_refund__batch_not_settled__reverts(room, rollup, posted, deposit, token, refund, reverts):
    deposit(token, 7)
    room.freeze()

    with reverts(rollup, "BatchNotSettled", frontier=0, actual=1):
        refund(1)


def test_refund__cursor_of_another_batch__reverts(
    room, rollup, posted, deposit, token, refund, reverts
):
    first = room.standing[0].batch
    deposit(token, 7)
    room.ledger.deposit(ALICE, 7)
    room.post()
    room.end()

    with reverts(rollup, "BatchNotAccepted", number=2, expectedSlot=..., actualSlot=...):
        refund(1, batch=first)
