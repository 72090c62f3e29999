"""Answers by an exit, for withdrawals without an order.

- all that the account held, or as much as one withdrawal takes → answered
- a part; with a fee; beside another operation of the payer; with a credit in the chunk; a payment;
  no exit, or another owner's; an exit shown as served too long before the header → refused
"""

from dataclasses import replace

import pytest

from backend.protocol.money import AMOUNT_MINOR_MAX
from backend.protocol.operations import Deposit, NoOp, Payment, Withdrawal
from tests.contracts.core import WINDOWS
from tests.contracts.disputes.book import person
from tests.contracts.disputes.evidence import Answer, Desk, pay_wei
from tests.contracts.disputes.proofs import chunk_proof, leaf_proof

HELD = 989  # what account 2 holds after the chunk of `book`
SWEEP = Answer(0)


@pytest.fixture
def ask(book, exits, accounts, lister):
    """Have the owner of account 2 ask for his exit, by the batch just posted."""
    owner = accounts.impersonate_account(person(0))
    lister.transfer(owner, 10**18)

    def _ask(posted):
        account = leaf_proof(posted.tree, 2)
        exits.requestExit(posted.batch, account, sender=owner, value=exits.bounty())

    return _ask


@pytest.fixture
def asked(book, ask, chain):
    """The book of the next batch, after person 0 has asked for his exit."""
    book.post()
    ask(book)
    return book.next_batch()


@pytest.fixture
def answer(challenges, tokens, prover, attacker):
    """Challenge the first slot of a posted book, and answer by exit; somebody else does."""

    def _answer(book, shown=(2,)):
        desk = Desk(challenges, book, tokens)
        desk.challenge(0, prover)
        return desk.answer([SWEEP], shown, attacker)

    return _answer


def refuse(reverts, challenges, answer, book, owner, account_id=2, **shown):
    with reverts(challenges, "ExitNotAuthorising", accountId=account_id, owner=owner):
        answer(book, **shown)


def test_answer__all_swept__succeeds(challenges, asked, answer, attacker):
    asked.honest(Withdrawal(2, HELD), Withdrawal(3, 5)).post()

    receipt = answer(asked)

    assert challenges.owedWei(attacker) == pay_wei(1)
    assert receipt.gas_used * WINDOWS.gas_price_floor_wei <= pay_wei(1)


def test_answer__largest_withdrawal__succeeds(
    challenges, book, tokens, deposit, ask, answer, attacker
):
    for _ in range(2):
        deposit(tokens[0], AMOUNT_MINOR_MAX, person(0))
    largest = Deposit(2, AMOUNT_MINOR_MAX)
    book.honest(Deposit(4, 1000), Deposit(2, 1000), largest, largest).post()
    ask(book)
    after = book.next_batch().honest(Withdrawal(2, AMOUNT_MINOR_MAX))
    after.post()

    answer(after)

    assert challenges.owedWei(attacker) == pay_wei(1)


OPERATIONS = {
    "a part": [Withdrawal(2, HELD - 1)],
    "with a fee": [Withdrawal(2, HELD - 1, 1)],
    "two of the payer": [Withdrawal(2, HELD - 1), Withdrawal(2, 1)],
    "credit before": [Withdrawal(2, HELD), Payment(3, 2, 1)],
    "payment": [Payment(2, 3, HELD)],
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_answer__no_sweep__reverts(reverts, challenges, asked, answer, name):
    asked.honest(*OPERATIONS[name]).post()

    refuse(reverts, challenges, answer, asked, person(0))


def test_answer__operation_before_the_sweep__reverts(reverts, challenges, asked, tokens, prover):
    """The payer's other operation stands before the slot, not behind it."""
    asked.honest(Withdrawal(2, 1), NoOp(), Withdrawal(2, HELD - 1)).post()
    desk = Desk(challenges, asked, tokens)
    desk.challenge(2, prover)

    with reverts(challenges, "ExitNotAuthorising", accountId=2, owner=person(0)):
        desk.answer([replace(SWEEP, slot_number=2)], [2], prover)


def test_answer__nobody_asked__reverts(reverts, challenges, book, answer):
    book.post()
    after = book.next_batch().honest(Withdrawal(2, HELD))
    after.post()

    refuse(reverts, challenges, answer, after, person(0))


def test_answer__another_asked__reverts(reverts, challenges, asked, answer):
    held = asked.tree.leaf(3).balance_minor
    asked.honest(Withdrawal(3, held)).post()

    refuse(reverts, challenges, answer, asked, person(1), account_id=3, shown=(3,))


def test_answer__account_not_shown__reverts(reverts, disputes, asked, answer):
    asked.honest(Withdrawal(2, HELD)).post()

    with reverts(disputes, "LeafNotShown", accountId=2):
        answer(asked, shown=(3,))


@pytest.mark.parametrize(("late_s", "is_authorised"), [(0, True), (1, False)])
def test_answer__exit_served__holds(
    reverts, chain, challenges, exits, asked, prover, attacker, late_s, is_authorised
):
    """What comes in meanwhile is swept too, until `silenceDeadline` after the showing."""
    asked.honest(Withdrawal(2, HELD)).post()
    shown = chunk_proof(asked.chunks, 0), leaf_proof(asked.tree, 2)
    served = exits.showServed(person(0), asked.batch, *shown, sender=prover)
    later = asked.next_batch().honest(Payment(3, 2, 5)).honest(Withdrawal(2, 5))
    last_ts_s = served.timestamp + WINDOWS.silence_s
    chain.pending_timestamp = last_ts_s
    later.post(timestamp=last_ts_s + late_s)
    desk = Desk(challenges, later, ())
    desk.challenge(64, prover)
    sweep = replace(SWEEP, slot_number=64)

    if is_authorised:
        desk.answer([sweep], [2], attacker)
        assert challenges.owedWei(attacker) == pay_wei(1)
    else:
        with reverts(challenges, "ExitNotAuthorising", accountId=2, owner=person(0)):
            desk.answer([sweep], [2], prover)
