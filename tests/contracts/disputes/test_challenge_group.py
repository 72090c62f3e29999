"""Answers for groups, whose legs bear one link, stand side by side and are authorised one by one.

- each leg of groups of two and of eight, by signature or root → answered, all that are challenged
  of the group at once, for the pay of all its legs
- groups with legs in common, which their payers signed as well → each position is paid for once
- one leg unauthorised, whichever is challenged → refused
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
from tests.contracts.disputes.evidence import Answer, by_root, mask, pay_wei

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
def test_answer__leg_of_two__succeeds(challenges, desk, legs, prover, attacker, leg):
    desk.challenge(FIRST + leg, prover)

    desk.answer([desk.signed(FIRST, *legs)], SHOWN, attacker, challenged=FIRST + leg)

    assert challenges.owedWei(attacker) == pay_wei(2)


def test_answer__both_legs__succeeds(challenges, book, desk, legs, prover, attacker):
    desk.challenge([FIRST, FIRST + 1], prover)

    desk.answer([desk.signed(FIRST, *legs)], SHOWN, attacker)

    assert challenges.openCount(book.header_hash) == 0
    assert challenges.owedWei(attacker) == pay_wei(2)


def test_answer__legs_in_two_challenges__each_takes_an_answer_succeeds(
    challenges, book, desk, legs, prover, attacker
):
    for leg in (0, 1):
        desk.challenge(FIRST + leg, prover)
    answer = desk.signed(FIRST, *legs)

    for leg in (0, 1):
        assert challenges.openCount(book.header_hash) == 2 - leg
        desk.answer([answer], SHOWN, attacker, challenged=FIRST + leg)

    assert challenges.openCount(book.header_hash) == 0
    assert challenges.owedWei(attacker) == 2 * pay_wei(2)


def test_answer__leg_by_root__succeeds(challenges, rollup, book, desk, prover, attacker, accounts):
    """The other leg is signed."""
    owner = accounts[5]
    address = address_from_text(owner.address)
    book.honest(OpenAccount(40, 1, address), Payment(3, 40, 9), Payment(40, 3, 7), Payment(3, 4, 5))
    book.post()
    first = replace(desk.payment(0, 1, 7, nonce=0), payer=address)
    legs = linked([first, desk.payment(1, 2, 5, nonce=1)])
    tree = AuthorisedTree([desk.digest(legs[0]), bytes(32)])
    rollup.authorizeOrders(tree.root, sender=owner)
    desk.challenge(FIRST, prover)

    [signed] = desk.signed(FIRST + 1, legs[1]).authorisations
    authorisations = [by_root(tree.root, tree.proof(0)), signed]
    desk.answer([Answer(FIRST, legs, authorisations)], [3, 4, 40], attacker)

    assert challenges.owedWei(attacker) == pay_wei(2, 1)


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


@pytest.mark.parametrize(
    "slots", [[120], [127], [123, 125], range(120, 128)], ids=["first", "last", "some", "all"]
)
def test_answer__legs_of_eight__succeeds(challenges, book, desk, eight, prover, attacker, slots):
    desk.challenge([*slots], prover)

    answer = desk.signed(120, *eight)
    desk.answer([answer], ACCOUNTS.values(), attacker, challenged=slots[0])

    assert challenges.openCount(book.header_hash) == 0
    assert challenges.owedWei(attacker) == pay_wei(8)


def test_answer__group_beside_others__leaves_them_open_succeeds(
    challenges, book, desk, legs, prover, attacker
):
    desk.challenge([64, FIRST + 1, FIRST + 2], prover)

    answer = desk.signed(FIRST, *legs)
    desk.answer([answer], SHOWN, attacker, challenged=64)

    kept = challenges.challengeOf(book.header_hash, 64)
    assert kept.openPositions == mask(64, FIRST + 2)
    assert challenges.owedWei(attacker) == pay_wei(2)


@pytest.mark.parametrize("is_together", [True, False], ids=["together", "one by one"])
def test_answer__groups_with_legs_in_common__pays_each_position_once_succeeds(
    challenges, book, desk, prover, attacker, is_together
):
    """Payers can sign any number of groups over the same slots, each leaving one more unanswered:
    shown one after the other they would use up the bond."""
    book.honest(*[Payment(2, 3, 1)] * 10).post()
    slots = range(64, 74)
    desk.challenge(slots, prover)
    groups = [
        linked([desk.payment(0, 1, 1, nonce=1 + first + i) for i in range(8)]) for first in range(3)
    ]
    answers = [desk.signed(64 + i, *legs) for i, legs in enumerate(groups)]

    for part in [answers] if is_together else [[each] for each in answers]:
        desk.answer(part, [2, 3], attacker, challenged=64)

    assert challenges.openCount(book.header_hash) == 0
    assert challenges.owedWei(attacker) == pay_wei(10)
    assert challenges.owedWei(prover) == desk.bond(10) - pay_wei(10)


def test_answer__leg_shown_with_another_before__is_not_paid_again_succeeds(
    challenges, book, desk, prover, attacker
):
    """Nor if nobody challenged it."""
    book.honest(*[Payment(2, 3, 1)] * 3).post()
    desk.challenge([64, 66], prover)
    first, second = (
        linked([desk.payment(0, 1, 1, nonce=1 + each) for each in pair])
        for pair in ((0, 1), (1, 2))
    )

    desk.answer([desk.signed(64, *first)], [2, 3], attacker, challenged=64)
    receipt = desk.answer([desk.signed(65, *second)], [2, 3], attacker, challenged=64)

    [event] = receipt.decode_logs(challenges.ChallengeAnswered)
    assert (event.openPositions, event.payWei) == (0, pay_wei(1, is_first=False))


def refused(reverts, contract, desk, prover, answer, error, shown=SHOWN, **values):
    challenged = values.pop("challenged", answer.slot_number)
    with reverts(contract, error, **values):
        desk.answer([answer], shown, prover, challenged=challenged)


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
    answer = replace(desk.signed(FIRST, *legs), legs=ALTERED[name](*legs))

    values = {"slotNumber": ..., "field": ..., "challenged": FIRST + leg}
    refused(reverts, challenges, desk, prover, answer, "OrderMismatch", **values)


@pytest.mark.parametrize("leg", [0, 1])
@pytest.mark.parametrize("unsigned", [0, 1])
def test_answer__a_leg_not_authorised__reverts(
    reverts, challenges, desk, legs, prover, leg, unsigned
):
    """Whichever leg is challenged: the group is executed whole or not at all."""
    desk.challenge(FIRST + leg, prover)
    answer = desk.signed(FIRST, *legs)
    signed = answer.authorisations
    others = [signed[1 - i] if i == unsigned else signed[i] for i in (0, 1)]

    values = {"payer": ..., "digest": desk.digest(legs[unsigned]), "challenged": FIRST + leg}
    answer = replace(answer, authorisations=others)
    refused(reverts, challenges, desk, prover, answer, "NotAuthorised", **values)


def test_answer__legs_turned__reverts(reverts, challenges, desk, legs, prover):
    desk.challenge(FIRST, prover)
    turned = linked(legs[::-1])

    values = {"slotNumber": FIRST, "field": padded_field("payer")}
    answer = desk.signed(FIRST, *turned)
    refused(reverts, challenges, desk, prover, answer, "OrderMismatch", **values)


def test_answer__legs_one_slot_on__reverts(reverts, challenges, desk, legs, prover):
    desk.challenge(FIRST + 1, prover)

    values = {"slotNumber": FIRST + 1, "field": padded_field("payer")}
    answer = desk.signed(FIRST + 1, *legs)
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


def test_answer__link_of_a_leg_more__reverts(reverts, challenges, desk, legs, prover):
    """The payers signed for a third leg that wasn't executed."""
    desk.challenge(FIRST, prover)
    third = desk.payment(2, 0, 1, nonce=0)
    longer = linked([*legs, third])

    values = {"slotNumber": FIRST, "field": padded_field("link")}
    answer = desk.signed(FIRST, *longer[:2])
    refused(reverts, challenges, desk, prover, answer, "OrderMismatch", **values)


def test_answer__nine_legs__reverts(reverts, challenges, desk, legs, prover):
    desk.challenge(FIRST, prover)
    answer = desk.signed(FIRST, *[legs[i % 2] for i in range(9)])

    values = {"slotNumber": FIRST, "field": padded_field("legs")}
    refused(reverts, challenges, desk, prover, answer, "OrderMismatch", **values)


def test_answer__past_the_chunk__reverts(reverts, challenges, book, desk, prover):
    """Legs never reach into another chunk."""
    book.honest(*[NoOp()] * 62, *[Payment(2, 3, 1)] * 2).honest(Payment(2, 3, 1)).post()
    desk.challenge(127, prover)
    orders = linked([desk.payment(0, 1, 1, nonce=1 + i) for i in range(3)])

    for slot_number in (126, 127):
        values = {"slotNumber": slot_number, "field": padded_field("legs"), "challenged": 127}
        answer = desk.signed(slot_number, *orders)
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
    answer = desk.signed(67, *legs)
    values = {"slotNumber": 67, "challenged": 68}
    refused(reverts, rollup, desk, prover, answer, "SlotIsSecondHalf", **values)


def test_answer__withdrawal_as_a_leg__reverts(reverts, challenges, book, desk, prover):
    book.honest(Payment(2, 3, 7), Withdrawal(2, 5)).post()
    desk.challenge(65, prover)
    first = desk.payment(0, 1, 7, nonce=1)
    second = replace(desk.payment(0, 1, 5, nonce=2), payee=bytes(20))
    legs = linked([first, second])
    assert legs[1].link == group_link([first, second])

    values = {"slotNumber": 65, "field": padded_field("memo"), "challenged": 65}
    answer = desk.signed(64, *legs)
    refused(reverts, challenges, desk, prover, answer, "OrderMismatch", **values)
