"""What becomes of challenges that nobody answers, and of their bonds.

- from the deadline on → the batch is rolled back, the challenger is the prover and gets his bond,
  or what the answers have left of it
- before it, answered, never opened, removed → refused
- open challenges of removed batches → what is left of the bonds goes back; of standing ones →
  refused
- what is owed → drawn once; a receiver that refuses changes nothing
"""

import pytest

from backend.protocol.operations import Payment, Withdrawal
from tests.contracts.core import STAKE_WEI, WINDOWS
from tests.contracts.disputes.evidence import Desk, mask, pay_wei

PAYMENT, WITHDRAWAL = 64, 65


@pytest.fixture
def batch(book):
    return book.honest(Payment(2, 3, 1), Withdrawal(2, 1)).post()


@pytest.fixture
def challenged(batch, desk, prover):
    """Return when the payment was challenged."""
    return desk.challenge(PAYMENT, prover).timestamp


@pytest.mark.parametrize("late_s", [0, 1])
def test_expire__deadline__succeeds(
    chain, rollup, committee, challenges, batch, book, desk, prover, attacker, challenged, late_s
):
    chain.pending_timestamp = challenged + WINDOWS.answer_s + late_s

    receipt = challenges.expire(batch, PAYMENT, sender=attacker)

    [event] = receipt.decode_logs(challenges.ChallengeExpired)
    assert (event.batchNumber, event.headerHash) == (1, book.header_hash)
    assert event.slotNumber == PAYMENT
    [rolled] = receipt.decode_logs(rollup.RolledBack)
    assert (rolled.number, rolled.prover) == (1, prover)
    assert rollup.tip() == 0
    assert committee.rewards(0).prover == prover
    assert committee.rewards(0).amountWei == 3 * STAKE_WEI // 2
    assert challenges.owedWei(prover) == desk.bond()
    assert challenges.owedWei(attacker) == 0
    assert challenges.openCount(book.header_hash) == 0


def test_expire__answered_in_part__gives_back_the_rest_succeeds(
    chain, rollup, challenges, batch, book, desk, prover, attacker
):
    """One unanswered slot is fraud, whatever else was answered."""
    opened_ts_s = desk.challenge([PAYMENT, WITHDRAWAL], prover).timestamp
    desk.answer([desk.signed(PAYMENT, desk.payment(0, 1, 1, nonce=1))], [2, 3], attacker)
    left = challenges.challengeOf(book.header_hash, PAYMENT)
    assert (left.openPositions, left.bondWei) == (mask(WITHDRAWAL), desk.bond(2) - pay_wei(1))
    chain.pending_timestamp = opened_ts_s + WINDOWS.answer_s

    challenges.expire(batch, PAYMENT, sender=attacker)

    assert rollup.tip() == 0
    assert challenges.owedWei(prover) == desk.bond(2) - pay_wei(1)
    assert challenges.owedWei(attacker) == pay_wei(1)
    assert challenges.challengeOf(book.header_hash, PAYMENT).openPositions == 0


@pytest.mark.parametrize("early_s", [1, 30])
def test_expire__before_the_deadline__reverts(
    reverts, chain, challenges, batch, prover, challenged, early_s
):
    deadline = challenged + WINDOWS.answer_s
    chain.pending_timestamp = deadline - early_s

    values = {"deadlineTsS": deadline, "actualTsS": deadline - early_s}
    with reverts(challenges, "AnswerWindowOpen", **values):
        challenges.expire(batch, PAYMENT, sender=prover)


def test_expire__answered__reverts(reverts, chain, challenges, batch, desk, prover, challenged):
    desk.answer([desk.signed(PAYMENT, desk.payment(0, 1, 1, nonce=1))], [2, 3], prover)
    chain.pending_timestamp = challenged + WINDOWS.answer_s

    with reverts(challenges, "ChallengeNotOpen", slotNumber=PAYMENT):
        challenges.expire(batch, PAYMENT, sender=prover)


def test_expire__never_challenged__reverts(reverts, challenges, batch, prover, challenged):
    with reverts(challenges, "ChallengeNotOpen", slotNumber=WITHDRAWAL):
        challenges.expire(batch, WITHDRAWAL, sender=prover)


def test_expire__batch_removed__reverts(
    reverts, chain, rollup, challenges, batch, desk, prover, challenged
):
    desk.challenge(WITHDRAWAL, prover)
    chain.pending_timestamp = challenged + 2 * WINDOWS.answer_s
    challenges.expire(batch, PAYMENT, sender=prover)

    with reverts(rollup, "BatchRemoved", tip=0, actual=1):
        challenges.expire(batch, WITHDRAWAL, sender=prover)


@pytest.fixture
def removed(chain, challenges, batch, book, desk, tokens, prover, attacker, challenged):
    """Two batches removed by an expired challenge: one of each is left open, by the attacker.

    Return the header's hash of each.
    """
    later = book.next_batch().honest(Payment(2, 3, 1))
    later.post()
    desk.challenge(WITHDRAWAL, attacker)
    Desk(challenges, later, tokens).challenge(0, attacker)
    chain.pending_timestamp = challenged + WINDOWS.answer_s
    challenges.expire(batch, PAYMENT, sender=prover)
    return book.header_hash, later.header_hash


def test_release_bond__removed_batches__succeeds(challenges, removed, prover, attacker, desk):
    for i, (header_hash, slot_number) in enumerate(zip(removed, (WITHDRAWAL, 0), strict=True)):
        receipt = challenges.releaseBond(header_hash, slot_number, sender=prover)

        [event] = receipt.decode_logs(challenges.BondReleased)
        assert (event.headerHash, event.slotNumber) == (header_hash, slot_number)
        assert event.challenger == attacker
        assert challenges.owedWei(attacker) == (1 + i) * desk.bond()
        assert challenges.openCount(header_hash) == 0


def test_release_bond__answered_in_part__gives_back_the_rest_succeeds(
    chain, challenges, book, tokens, prover, attacker
):
    book.honest(Payment(2, 3, 1)).post()
    later = book.next_batch().honest(Payment(2, 3, 1), Withdrawal(2, 1))
    later.post()
    desk, desk_of_later = (Desk(challenges, each, tokens) for each in (book, later))
    opened_ts_s = desk.challenge(PAYMENT, prover).timestamp
    desk_of_later.challenge([0, 1], prover)
    answer = desk.signed(0, desk.payment(0, 1, 1, nonce=2))
    desk_of_later.answer([answer], [2, 3], attacker)
    chain.pending_timestamp = opened_ts_s + WINDOWS.answer_s
    challenges.expire(book.batch, PAYMENT, sender=attacker)

    challenges.releaseBond(later.header_hash, 0, sender=attacker)

    assert challenges.owedWei(prover) == desk.bond(1) + desk.bond(2) - pay_wei(1)
    assert challenges.owedWei(attacker) == pay_wei(1)


def test_release_bond__another_batch_in_its_place__succeeds(
    challenges, committee, removed, book, lister, prover, attacker, desk, keys
):
    """The number is taken again, by a batch of the next epoch."""
    for member in committee.membersOf(2):
        committee.stake(member, sender=lister, value=STAKE_WEI)
    operator = book.operator
    operator.epoch, operator.parent = 2, type(operator.parent)()
    book.post()

    challenges.releaseBond(removed[0], WITHDRAWAL, sender=prover)

    assert challenges.owedWei(attacker) == desk.bond()


def test_release_bond__batch_stands__reverts(reverts, challenges, book, prover, challenged):
    with reverts(challenges, "BatchStands", batchNumber=1):
        challenges.releaseBond(book.header_hash, PAYMENT, sender=prover)


def test_release_bond__closed__reverts(reverts, challenges, removed, prover):
    first, second = removed
    challenges.releaseBond(first, WITHDRAWAL, sender=prover)

    for header_hash, slot_number in ((first, WITHDRAWAL), (first, PAYMENT), (second, 1)):
        with reverts(challenges, "ChallengeNotOpen", slotNumber=slot_number):
            challenges.releaseBond(header_hash, slot_number, sender=prover)


def test_withdraw_bonds__owed__succeeds(challenges, removed, desk, prover):
    before = prover.balance

    receipt = challenges.withdrawBonds(sender=prover)

    [event] = receipt.decode_logs(challenges.BondWithdrawn)
    assert (event.receiver, event.amountWei) == (prover, desk.bond())
    assert prover.balance == before + desk.bond() - receipt.total_fees_paid
    assert challenges.balance == 2 * desk.bond()


def test_withdraw_bonds__twice__reverts(reverts, challenges, removed, prover):
    challenges.withdrawBonds(sender=prover)

    with reverts(challenges, "NothingOwed", receiver=prover):
        challenges.withdrawBonds(sender=prover)


def test_withdraw_bonds__receiver_refuses__reverts(
    reverts, project, challenges, batch, desk, lister, prover, challenged
):
    """A contract that can answer, but takes no ether."""
    relay = lister.deploy(project.Relay)
    answer = desk.signed(PAYMENT, desk.payment(0, 1, 1, nonce=1))
    arguments = desk.answer_arguments([answer], [2, 3])
    relay.call(challenges, challenges.answer.encode_input(*arguments), sender=prover)
    assert challenges.owedWei(relay) == pay_wei(1)

    with reverts(challenges, "PaymentFailed", receiver=relay):
        relay.call(challenges, challenges.withdrawBonds.encode_input(), sender=prover)

    assert challenges.owedWei(relay) == pay_wei(1)
