"""Answers for legs of groups, which bear one link and stand side by side.

- each leg of groups of two and of eight, by signature or root → answered, the others unsigned
- legs that are altered, dropped, turned, elsewhere or cut by the chunk's end; other links; the
  signature of another leg; withdrawals as legs; nine legs → refused
"""

from dataclasses import replace

import pytest

from backend.protocol.authorised import AuthorisedTree
from backend.protocol.operations import NoOp, OpenAccount, Payment, Withdrawal
from backend.protocol.orders import group_link, linked
from backend.protocol.types import address_from_text
from tests.contracts.disputes.book import PEOPLE
from tests.contracts.disputes.evidence import Answer

FIRST = 64 + 3  # slot of the group's first leg
ACCOUNTS = {0: 2, 1: 3, 2: 4, 3: 5}


def padded_field(name):
    return name.encode().ljust(32, b"\0")


@pytest.fixture
def legs(book, desk):
    """Two legs, posted: person 0 pays person 1, who pays person 2. Person 0 pays again after."""
    book.honest(
        Payment(2, 3, 1), NoOp(), Payment(3, 2, 1), Payment(2, 3, 7, 10), Payment(3, 4, 5),
        Payment(2, 3, 1),
    ).post()  # fmt: skip
    orders = desk.payment(0, 1, 7, nonce=2, fee=10), desk.payment(1, 2, 5, nonce=1)
    return linked(orders)


SHOWN = [2, 3, 4]


@pytest.mark.parametrize("leg", [0, 1])
def test_answer__leg_of_two__succeeds(challenges, desk, legs, prover, leg):
    desk.challenge(FIRST + leg, prover)

    desk.answer([desk.signed(FIRST + leg, *legs, leg=leg)], SHOWN, prover)

    assert challenges.owedWei(prover) == desk.bond()


def test_answer__both_legs__succeeds(challenges, desk, legs, prover):
    answers = [desk.signed(FIRST + leg, *legs, leg=leg) for leg in (0, 1)]
    for each in answers:
        desk.challenge(each.slot_number, prover)

    desk.answer(answers, SHOWN, prover)

    assert challenges.owedWei(prover) == 2 * desk.bond()


def test_answer__leg_by_root__succeeds(challenges, rollup, book, desk, prover, accounts):
    owner = accounts[5]
    address = address_from_text(owner.address)
    book.honest(OpenAccount(40, 1, address), Payment(3, 40, 9), Payment(40, 3, 7), Payment(3, 4, 5))
    book.post()
    first = replace(desk.payment(0, 1, 7, nonce=0), payer=address)
    legs = linked([first, desk.payment(1, 2, 5, nonce=1)])
    tree = AuthorisedTree([desk.digest(legs[0]), bytes(32)])
    rollup.authorizeOrders(tree.root, sender=owner)
    desk.challenge(FIRST, prover)

    desk.answer([Answer(FIRST, legs, 0, b"", tree.root, tree.proof(0))], [3, 4, 40], prover)

    assert challenges.owedWei(prover) == desk.bond()


@pytest.fixture
def eight(book, desk):
    """Eight legs at the end of a chunk, of payers who pay several times."""
    payments = [(0, 1), (1, 2), (0, 3), (3, 2), (2, 0), (0, 1), (1, 0), (1, 3)]
    operations = [Payment(ACCOUNTS[a], ACCOUNTS[b], 10 - i) for i, (a, b) in enumerate(payments)]
    book.honest(*[NoOp()] * 56, *operations).post()
    nonces, orders = {0: 1, 1: 0, 2: 0, 3: 0}, []
    for i, (payer, payee) in enumerate(payments):
        orders.append(desk.payment(payer, payee, 10 - i, nonce=nonces[payer]))
        nonces[payer] += 1
    return linked(orders)


def test_answer__each_leg_of_eight__succeeds(challenges, desk, eight, prover):
    answers = [desk.signed(120 + i, *eight, leg=i) for i in range(8)]
    for each in answers:
        desk.challenge(each.slot_number, prover)

    desk.answer(answers, ACCOUNTS.values(), prover)

    assert challenges.owedWei(prover) == 8 * desk.bond()


def refused(reverts, contract, desk, prover, answer, error, shown=SHOWN, **values):
    with reverts(contract, error, **values):
        desk.answer([answer], shown, prover)


ALTERED = {
    "leg altered": lambda a, b: [a, replace(b, amount=6)],
    "leg without the link": lambda a, b: [a, replace(b, link=bytes(32))],
    "memo altered": lambda a, b: [replace(a, memo=bytes(31) + b"\1"), b],
}


@pytest.mark.parametrize("name", ALTERED)
@pytest.mark.parametrize("leg", [0, 1])
def test_answer__legs_altered__reverts(reverts, challenges, desk, legs, prover, name, leg):
    """Whichever leg is challenged: all of them fit and make the link."""
    desk.challenge(FIRST + leg, prover)
    answer = replace(desk.signed(FIRST + leg, *legs, leg=leg), legs=ALTERED[name](*legs))

    values = {"slotNumber": ..., "field": ...}
    refused(reverts, challenges, desk, prover, answer, "OrderMismatch", **values)


def test_answer__legs_turned__reverts(reverts, challenges, desk, legs, prover):
    desk.challenge(FIRST, prover)
    turned = linked(legs[::-1])

    values = {"slotNumber": FIRST - 1, "field": padded_field("amount")}
    answer = desk.signed(FIRST, *turned, leg=1)
    refused(reverts, challenges, desk, prover, answer, "OrderMismatch", **values)


def test_answer__leg_for_its_neighbour__reverts(reverts, challenges, desk, legs, prover):
    """The legs would have to stand one slot further on."""
    desk.challenge(FIRST + 1, prover)

    values = {"slotNumber": FIRST + 1, "field": padded_field("payer")}
    answer = desk.signed(FIRST + 1, *legs, leg=0)
    refused(reverts, challenges, desk, prover, answer, "OrderMismatch", **values)


def test_answer__leg_alone__reverts(reverts, challenges, desk, legs, prover):
    """Its payer signed the link: alone it authorises nothing."""
    desk.challenge(FIRST, prover)
    values = {"slotNumber": FIRST, "field": padded_field("link")}
    answer = desk.signed(FIRST, legs[0])
    refused(reverts, challenges, desk, prover, answer, "OrderMismatch", **values)

    answer = replace(answer, legs=[replace(legs[0], link=bytes(32))])
    values = {"payer": ..., "digest": ...}
    refused(reverts, challenges, desk, prover, answer, "NotAuthorised", **values)


def test_answer__signature_of_another_leg__reverts(reverts, challenges, desk, legs, prover):
    desk.challenge(FIRST, prover)
    answer = replace(
        desk.signed(FIRST, *legs), signature=desk.signed(FIRST + 1, *legs, leg=1).signature
    )

    values = {"payer": ..., "digest": desk.digest(legs[0])}
    refused(reverts, challenges, desk, prover, answer, "NotAuthorised", **values)


def test_answer__link_of_a_leg_more__reverts(reverts, challenges, desk, legs, prover):
    """The payers signed for a third leg that wasn't executed."""
    desk.challenge(FIRST, prover)
    third = desk.payment(2, 0, 1, nonce=0)
    longer = linked([*legs, third])

    values = {"slotNumber": FIRST, "field": padded_field("link")}
    answer = desk.signed(FIRST, *longer[:2])
    refused(reverts, challenges, desk, prover, answer, "OrderMismatch", **values)


@pytest.mark.parametrize(("leg", "count"), [(2, 2), (2**256 - 1, 2), (0, 9)])
def test_answer__number_of_legs__reverts(reverts, challenges, desk, legs, prover, leg, count):
    desk.challenge(FIRST, prover)
    given = [legs[i % 2] for i in range(count)]
    answer = replace(desk.signed(FIRST, *legs), legs=given, leg=leg)

    values = {"slotNumber": FIRST, "field": padded_field("legs")}
    refused(reverts, challenges, desk, prover, answer, "OrderMismatch", **values)


@pytest.mark.parametrize(("slot_number", "leg"), [(64, 1), (120 + 7, 6)])
def test_answer__past_the_chunk__reverts(reverts, challenges, book, desk, prover, slot_number, leg):
    """Legs never reach into another chunk."""
    book.honest(Payment(2, 3, 1), *[NoOp()] * 62, Payment(2, 3, 1)).honest(Payment(2, 3, 1))
    book.post()
    desk.challenge(slot_number, prover)
    orders = linked([desk.payment(0, 1, 1, nonce=1 + i) for i in range(8)])

    values = {"slotNumber": slot_number, "field": padded_field("leg")}
    answer = desk.signed(slot_number, *orders, leg=leg)
    refused(reverts, challenges, desk, prover, answer, "OrderMismatch", **values)


def test_answer__leg_in_no_order_s_slot__reverts(reverts, challenges, rollup, book, desk, prover):
    opening = OpenAccount(30, 1, PEOPLE[5].address)
    book.honest(Payment(2, 3, 7), NoOp(), opening, Payment(2, 3, 7)).post()
    legs = linked([desk.payment(0, 1, 7, nonce=1), desk.payment(0, 1, 7, nonce=2)])
    for slot_number in (64, 68):
        desk.challenge(slot_number, prover)

    values = {"payer": 0, "payee": 0, "amountMinor": 0}
    answer = desk.signed(64, *legs)
    refused(reverts, challenges, desk, prover, answer, "SlotNotOrder", **values)
    answer = desk.signed(68, *legs, leg=1)
    refused(reverts, rollup, desk, prover, answer, "SlotIsSecondHalf", slotNumber=67)


def test_answer__withdrawal_as_a_leg__reverts(reverts, challenges, book, desk, prover):
    book.honest(Payment(2, 3, 7), Withdrawal(2, 5)).post()
    desk.challenge(65, prover)
    first = desk.payment(0, 1, 7, nonce=1)
    second = replace(desk.payment(0, 1, 5, nonce=2), payee=bytes(20))
    legs = linked([first, second])
    assert legs[1].link == group_link([first, second])

    values = {"slotNumber": 65, "field": padded_field("memo")}
    answer = desk.signed(65, *legs, leg=1)
    refused(reverts, challenges, desk, prover, answer, "OrderMismatch", **values)
