"""Answers by orders that their payers signed. By roots: test_challenge_root.py.

- payments and withdrawals, with fees, several of one payer, both ways → the pay is earned
- pay by legs, nodes and price, never above the bond; the last answer gives back what is left
- each field that doesn't fit, signatures of others or malformed → refused
- too late, never challenged, removed → refused; answered before → passed over
"""

from dataclasses import replace

import pytest

from backend.protocol.hashing import keccak
from backend.protocol.operations import Deposit, OpenAccount, Payment, Withdrawal, encode_all
from backend.protocol.types import ZERO_ADDRESS, address_from_text, address_text
from tests.contracts.core import WINDOWS
from tests.contracts.disputes.book import PEOPLE
from tests.contracts.disputes.evidence import Answer, by_signature, mask, pay_wei
from tests.contracts.disputes.proofs import chunk_proof, leaf_tuple, multiproof

# The slots of the chunk after the one of `book`; person 0 has done one operation before.
PAYMENT, WITHDRAWAL, BACK, LAST = 64, 65, 66, 69
MEMO = keccak(b"an invoice")


@pytest.fixture
def batch(book):
    return book.honest(
        Payment(2, 3, 7, 10),
        Withdrawal(2, 5, 20),
        Payment(3, 2, 9),
        OpenAccount(30, 1, PEOPLE[5].address),
        Payment(2, 30, 11),
    ).post()


@pytest.fixture
def orders(desk, batch):
    return {
        PAYMENT: desk.payment(0, 1, 7, nonce=1, fee=10, memo=MEMO),
        WITHDRAWAL: desk.withdrawal(0, 5, nonce=2, fee=20),
        BACK: desk.payment(1, 0, 9, nonce=0),
        LAST: desk.payment(0, 5, 11, nonce=3),
    }


SHOWN = {PAYMENT: (2, 3), WITHDRAWAL: (2,), BACK: (2, 3), LAST: (2, 30)}


@pytest.mark.parametrize("slot_number", SHOWN)
def test_answer__signed__succeeds(challenges, book, desk, orders, prover, attacker, slot_number):
    bond_wei = desk.bond() + 5
    desk.challenge(slot_number, prover, value=bond_wei)

    answer = desk.signed(slot_number, orders[slot_number])
    receipt = desk.answer([answer], SHOWN[slot_number], attacker)

    [event] = receipt.decode_logs(challenges.ChallengeAnswered)
    assert (event.batchNumber, event.headerHash) == (1, book.header_hash)
    assert (event.slotNumber, event.openPositions) == (slot_number, 0)
    assert (event.answerer, event.payWei) == (attacker, pay_wei(1))
    kept = challenges.challengeOf(book.header_hash, slot_number)
    assert (kept.openPositions, kept.bondWei) == (0, 0)
    assert kept.paidPositions == mask(slot_number)
    assert challenges.openCount(book.header_hash) == 0
    assert challenges.owedWei(attacker) == pay_wei(1)
    assert challenges.owedWei(prover) == bond_wei - pay_wei(1)
    assert challenges.balance == bond_wei


def test_answer__all_of_a_chunk__succeeds(challenges, book, desk, orders, prover, attacker):
    desk.challenge([*orders], prover)

    answers = [desk.signed(*each) for each in orders.items()]
    desk.answer(answers, [2, 3, 30, 0, 9], attacker)

    assert challenges.openCount(book.header_hash) == 0
    assert challenges.owedWei(attacker) == pay_wei(4)
    assert challenges.owedWei(prover) == desk.bond(4) - pay_wei(4)


def test_answer__one_after_the_other__pays_the_first_more_succeeds(
    challenges, book, desk, orders, prover, attacker
):
    """Until the last one the rest of the bond stays, and the batch can't settle."""
    desk.challenge([*orders], prover)
    left = mask(*orders)

    for i, (slot_number, order) in enumerate([*orders.items()][::-1]):
        answer = desk.signed(slot_number, order)
        receipt = desk.answer([answer], SHOWN[slot_number], attacker, challenged=PAYMENT)

        left -= mask(slot_number)
        earned_wei = pay_wei(1 + i)
        [event] = receipt.decode_logs(challenges.ChallengeAnswered)
        assert (event.slotNumber, event.openPositions) == (PAYMENT, left)
        assert event.payWei == pay_wei(1, is_first=i == 0)
        assert challenges.owedWei(attacker) == earned_wei
        rest_wei = desk.bond(4) - earned_wei
        kept = challenges.challengeOf(book.header_hash, PAYMENT)
        assert (kept.openPositions, kept.bondWei) == (left, rest_wei if left else 0)
        assert challenges.owedWei(prover) == (0 if left else rest_wei)
        assert challenges.openCount(book.header_hash) == (1 if left else 0)


def test_answer__challenger_himself__gets_all_succeeds(challenges, desk, orders, prover):
    desk.challenge([PAYMENT, BACK], prover)

    answers = [desk.signed(each, orders[each]) for each in (PAYMENT, BACK)]
    desk.answer(answers, [2, 3], prover)

    assert challenges.owedWei(prover) == desk.bond(2)


@pytest.fixture
def set_base_fee(chain):
    """Have the next block of this base fee. What chains forget going back, is set again after."""
    before_wei = chain.blocks.head.base_fee

    def _set(wei):
        chain.provider.make_request("anvil_setNextBlockBaseFeePerGas", [wei])

    yield _set
    _set(before_wei)


@pytest.mark.parametrize(("factor", "is_capped"), [(5, False), (1000, True)])
def test_answer__price_has_risen__pays_it_out_of_the_bond_succeeds(
    chain, challenges, desk, orders, prover, attacker, set_base_fee, factor, is_capped
):
    bond_wei = desk.bond()
    desk.challenge(PAYMENT, prover)
    arguments = desk.answer_arguments([desk.signed(PAYMENT, orders[PAYMENT])], [2, 3])
    floor_wei = WINDOWS.gas_price_floor_wei
    set_base_fee(factor * floor_wei)

    challenges.answer(*arguments, sender=attacker, max_fee=2 * factor * floor_wei)

    assert chain.blocks.head.base_fee == factor * floor_wei
    earned_wei = min(factor * pay_wei(1), bond_wei)
    assert (earned_wei == bond_wei) == is_capped
    assert challenges.owedWei(attacker) == earned_wei
    assert challenges.owedWei(prover) == bond_wei - earned_wei


def test_answer__in_the_first_chunk__succeeds(challenges, batch, desk, prover, attacker):
    """A payment behind nine openings of two slots and two deposits."""
    slot_number = 2 * 7 + 2
    desk.challenge(slot_number, prover)

    order = desk.payment(0, 1, 1, nonce=0, fee=10)
    desk.answer([desk.signed(slot_number, order)], [2, 3], attacker)

    assert challenges.owedWei(attacker) == pay_wei(1)


def test_answer__other_units__succeeds(challenges, book, tokens, desk, deposit, attacker):
    """One minor unit of the second token is ten base units."""
    deposit(tokens[1], 1000, address_text(PEOPLE[0].address))
    book.honest(Deposit(4, 1000), Deposit(2, 1000), Deposit(10, 100), Payment(10, 11, 3)).post()
    desk.challenge(67, attacker)
    asset = address_from_text(tokens[1].address)
    order = replace(desk.payment(0, 1, 30, nonce=0), asset=asset)

    desk.answer([desk.signed(67, order)], [10, 11], attacker)

    assert challenges.owedWei(attacker) == desk.bond()


OTHERS = {
    "payer": {"payer": PEOPLE[1].address},
    "payee": {"payee": PEOPLE[2].address},
    "asset": {"asset": PEOPLE[2].address},
    "amount": {"amount": 8},
    "fee": {"fee": 0},
    "nonce": {"nonce": 2},
    "link": {"link": keccak(b"group")},
}


@pytest.mark.parametrize("field", OTHERS)
def test_answer__field_of_another_order__reverts(reverts, challenges, desk, orders, prover, field):
    desk.challenge(PAYMENT, prover)
    order = replace(orders[PAYMENT], **OTHERS[field])

    expected = field.encode().ljust(32, b"\0")
    with reverts(challenges, "OrderMismatch", slotNumber=PAYMENT, field=expected):
        desk.answer([desk.signed(PAYMENT, order, signer=0)], [2, 3], prover)


def test_answer__expired_by_the_header__reverts(reverts, challenges, batch, desk, orders, prover):
    desk.challenge(PAYMENT, prover)
    ts_s = batch.header.timestamp
    expired = replace(orders[PAYMENT], valid_until=ts_s - 1)

    field = b"validUntil".ljust(32, b"\0")
    with reverts(challenges, "OrderMismatch", slotNumber=PAYMENT, field=field):
        desk.answer([desk.signed(PAYMENT, expired)], [2, 3], prover)

    desk.answer([desk.signed(PAYMENT, replace(expired, valid_until=ts_s))], [2, 3], prover)


def test_answer__payment_to_nobody_for_a_withdrawal__reverts(
    reverts, challenges, desk, orders, prover
):
    """A PaymentOrder, which the payer may have signed for somebody, isn't a WithdrawalOrder."""
    desk.challenge(WITHDRAWAL, prover)
    asset = orders[WITHDRAWAL].asset
    order = replace(desk.payment(0, 1, 5, nonce=2, fee=20), asset=asset)

    field = b"payee".ljust(32, b"\0")
    with reverts(challenges, "OrderMismatch", slotNumber=WITHDRAWAL, field=field):
        desk.answer([desk.signed(WITHDRAWAL, order)], [2], prover)
    to_nobody = replace(order, payee=ZERO_ADDRESS)
    with reverts(challenges, "NotAuthorised", payer=..., digest=...):
        desk.answer([desk.signed(WITHDRAWAL, to_nobody)], [2], prover)
    field = b"memo".ljust(32, b"\0")
    with reverts(challenges, "OrderMismatch", slotNumber=WITHDRAWAL, field=field):
        desk.answer([desk.signed(WITHDRAWAL, replace(to_nobody, memo=MEMO))], [2], prover)


def test_answer__payee_closed_by_fraud__reverts(reverts, challenges, book, desk, prover):
    """The payee's leaf is empty: a withdrawal of the payer must not pass for the payment."""
    tree = type(book.tree)({each: book.tree.leaf(each) for each in (0, 2, 3)})
    tree = tree.set_many({2: replace(tree.leaf(2), nonce=2)})
    book.claim(encode_all([Payment(2, 5, 7)]), tree=tree).post()
    desk.challenge(PAYMENT, prover)
    answer = desk.signed(PAYMENT, desk.withdrawal(0, 7, nonce=1))

    field = b"payee".ljust(32, b"\0")
    with reverts(challenges, "OrderMismatch", slotNumber=PAYMENT, field=field):
        desk.answer([answer], [2, 5], prover)


def test_answer__signed_by_another__reverts(reverts, challenges, desk, orders, prover, with_high_s):
    desk.challenge(PAYMENT, prover)
    order = orders[PAYMENT]
    right = desk.signed(PAYMENT, order)
    [(signature, *_)] = right.authorisations
    r, s, v = signature[:32], signature[32:64], signature[64]
    high_v, _, high_s = with_high_s(v, r, s)
    wrong = [
        PEOPLE[1].sign_digest(desk.digest(order)),
        PEOPLE[0].sign_digest(desk.digest(replace(order, memo=bytes(32)))),
        r + high_s + bytes([high_v]),
        r + s + bytes([v - 27]),
        r + s,
        signature + b"\0",
        bytes(65),
        b"\0",
    ]

    values = {"payer": address_text(order.payer), "digest": desk.digest(order)}
    for each in wrong:
        with reverts(challenges, "NotAuthorised", **values):
            changed = replace(right, authorisations=[by_signature(each)])
            desk.answer([changed], [2, 3], prover)


def test_answer__nothing_authorises__reverts(reverts, challenges, desk, orders, prover):
    desk.challenge(PAYMENT, prover)

    with reverts(challenges, "NotAuthorised", payer=..., digest=...):
        desk.answer([Answer(PAYMENT, [orders[PAYMENT]], [by_signature(b"")])], [2, 3], prover)


@pytest.mark.parametrize("count", [0, 2])
def test_answer__authorisations_of_other_number__reverts(
    reverts, challenges, desk, orders, prover, count
):
    desk.challenge(PAYMENT, prover)
    answer = desk.signed(PAYMENT, orders[PAYMENT])

    field = b"authorisations".ljust(32, b"\0")
    with reverts(challenges, "OrderMismatch", slotNumber=PAYMENT, field=field):
        changed = replace(answer, authorisations=[*answer.authorisations] * count)
        desk.answer([changed], [2, 3], prover)


def test_answer__account_not_shown__reverts(reverts, disputes, desk, orders, prover):
    desk.challenge(PAYMENT, prover)
    answer = desk.signed(PAYMENT, orders[PAYMENT])

    for shown, missing in (([3], 2), ([2], 3)):
        with reverts(disputes, "LeafNotShown", accountId=missing):
            desk.answer([answer], shown, prover)


def test_answer__another_state__reverts(reverts, disputes, book, desk, orders, prover):
    """A leaf of another nonce would make any old order fit."""
    desk.challenge(PAYMENT, prover)
    tree, root = book.chunks[1].tree, book.chunks[1].root
    [payer, payee], siblings = multiproof(tree, [2, 3])
    before = multiproof(book.befores[1], [2, 3])
    for accounts in (([(*payer[:3], 9, payer[4]), payee], siblings), before):
        with reverts(disputes, "RootMismatch", expected=root, actual=...):
            answer = desk.signed(PAYMENT, orders[PAYMENT])
            desk.answer([answer], [2], prover, accounts=accounts)
    assert payer == leaf_tuple(2, tree.leaf(2))


def test_answer__another_chunk__reverts(reverts, rollup, disputes, book, desk, orders, prover):
    desk.challenge(PAYMENT, prover)
    answer = desk.signed(PAYMENT, orders[PAYMENT])
    first, second = (chunk_proof(book.chunks, i) for i in range(2))
    accounts = multiproof(book.chunks[0].tree, [2, 3])

    with reverts(disputes, "ChunkIndexMismatch", expected=1, actual=0):
        desk.answer([answer], [2], prover, chunk=first, accounts=accounts)
    with reverts(disputes, "ChunkIndexMismatch", expected=2, actual=1):
        later = replace(answer, slot_number=PAYMENT + 64)
        desk.answer([answer, later], [2, 3], prover)
    with reverts(rollup, "ChunkNotInBatch", expectedRoot=..., actualRoot=...):
        desk.answer([answer], [2, 3], prover, chunk=(1, first[1], second[2]))


def test_answer__never_challenged__reverts(reverts, challenges, desk, orders, prover):
    desk.challenge([PAYMENT, WITHDRAWAL], prover)

    for slot_number in (BACK, WITHDRAWAL):
        with reverts(challenges, "ChallengeNotOpen", slotNumber=slot_number):
            desk.answer([desk.signed(slot_number, orders[slot_number])], [2, 3], prover)
    with reverts(challenges, "NothingAnswered", slotNumber=PAYMENT):
        answer = desk.signed(BACK, orders[BACK])
        desk.answer([answer], [2, 3], prover, challenged=PAYMENT)
    with reverts(challenges, "NothingAnswered", slotNumber=PAYMENT):
        challenges.answer(
            *desk.answer_arguments([answer], [2], challenged=PAYMENT)[:4], [], sender=prover
        )


def test_answer__of_another_challenge__changes_nothing(
    challenges, book, desk, orders, prover, attacker
):
    """It closes and pays for what its own challenge asks alone."""
    desk.challenge(PAYMENT, prover)
    desk.challenge(BACK, prover)
    answers = [desk.signed(each, orders[each]) for each in (BACK, PAYMENT)]

    desk.answer(answers, [2, 3], attacker, challenged=PAYMENT)

    assert challenges.owedWei(attacker) == pay_wei(1)
    assert challenges.challengeOf(book.header_hash, BACK).openPositions == mask(BACK)
    assert challenges.openCount(book.header_hash) == 1


def test_answer__answered_before__changes_nothing(challenges, book, desk, orders, prover, attacker):
    """He who answers one first, by a copy, doesn't spoil an answer for many."""
    desk.challenge([PAYMENT, BACK], prover)
    answers = [desk.signed(each, orders[each]) for each in (PAYMENT, BACK)]
    desk.answer(answers[:1], [2, 3], attacker)

    receipt = desk.answer([*answers, answers[1]], [2, 3], attacker)

    [event] = receipt.decode_logs(challenges.ChallengeAnswered)
    assert event.payWei == pay_wei(1, is_first=False)
    assert challenges.owedWei(attacker) == pay_wei(2)
    assert challenges.openCount(book.header_hash) == 0


def test_answer__all_answered_before__reverts(reverts, challenges, desk, orders, prover):
    desk.challenge(PAYMENT, prover)
    answer = desk.signed(PAYMENT, orders[PAYMENT])
    desk.answer([answer], [2, 3], prover)

    with reverts(challenges, "ChallengeNotOpen", slotNumber=PAYMENT):
        desk.answer([answer], [2, 3], prover)


def test_answer__last_second__succeeds(chain, challenges, desk, orders, prover):
    receipt = desk.challenge(PAYMENT, prover)
    chain.pending_timestamp = receipt.timestamp + WINDOWS.answer_s - 1

    desk.answer([desk.signed(PAYMENT, orders[PAYMENT])], [2, 3], prover)

    assert challenges.owedWei(prover) == desk.bond()  # his own, whole


@pytest.mark.parametrize("late_s", [0, 1])
def test_answer__deadline__reverts(reverts, chain, challenges, desk, orders, prover, late_s):
    receipt = desk.challenge(PAYMENT, prover)
    deadline = receipt.timestamp + WINDOWS.answer_s
    chain.pending_timestamp = deadline + late_s

    values = {"deadlineTsS": deadline, "actualTsS": deadline + late_s}
    with reverts(challenges, "AnswerTooLate", **values):
        desk.answer([desk.signed(PAYMENT, orders[PAYMENT])], [2, 3], prover)


def test_challenge__answered__reverts(reverts, challenges, desk, orders, prover):
    desk.challenge(PAYMENT, prover)
    desk.answer([desk.signed(PAYMENT, orders[PAYMENT])], [2, 3], prover)

    with reverts(challenges, "ChallengedAlready", slotNumber=PAYMENT):
        desk.challenge(PAYMENT, prover)
