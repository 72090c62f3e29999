"""Answers by an order that its payer signed, or whose root he authorised.

- payments and withdrawals, with fees, several of one payer, both ways → the bond is earned
- each field that doesn't fit, signatures of others or malformed, roots of others → refused
- too late, never challenged, removed → refused; answered before → passed over
"""

from dataclasses import replace

import pytest

from backend.protocol.authorised import AuthorisedTree
from backend.protocol.hashing import keccak
from backend.protocol.operations import Deposit, OpenAccount, Payment, Withdrawal, encode_all
from backend.protocol.types import ZERO_ADDRESS, address_from_text, address_text
from tests.contracts.core import WINDOWS
from tests.contracts.disputes.book import PEOPLE
from tests.contracts.disputes.evidence import Answer
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
    assert (event.slotNumber, event.answerer) == (slot_number, attacker)
    assert challenges.challengeOf(book.header_hash, slot_number).isClosed
    assert challenges.openCount(book.header_hash) == 0
    assert challenges.owedWei(attacker) == bond_wei
    assert challenges.owedWei(prover) == 0


def test_answer__all_of_a_chunk__succeeds(challenges, book, desk, orders, prover, attacker):
    for slot_number in orders:
        desk.challenge(slot_number, prover)

    answers = [desk.signed(*each) for each in orders.items()]
    receipt = desk.answer(answers, [2, 3, 30, 0, 9], attacker)

    assert len(receipt.decode_logs(challenges.ChallengeAnswered)) == 4
    assert challenges.openCount(book.header_hash) == 0
    assert challenges.owedWei(attacker) == 4 * desk.bond()


def test_answer__in_the_first_chunk__succeeds(challenges, batch, desk, prover):
    """A payment behind nine openings of two slots and two deposits."""
    slot_number = 2 * 7 + 2
    desk.challenge(slot_number, prover)

    order = desk.payment(0, 1, 1, nonce=0, fee=10)
    desk.answer([desk.signed(slot_number, order)], [2, 3], prover)

    assert challenges.owedWei(prover) == desk.bond()


def test_answer__other_units__succeeds(challenges, book, tokens, desk, deposit, prover):
    """One minor unit of the second token is ten base units."""
    deposit(tokens[1], 1000, address_text(PEOPLE[0].address))
    book.honest(Deposit(4, 1000), Deposit(2, 1000), Deposit(10, 100), Payment(10, 11, 3)).post()
    desk.challenge(67, prover)
    asset = address_from_text(tokens[1].address)
    order = replace(desk.payment(0, 1, 30, nonce=0), asset=asset)

    desk.answer([desk.signed(67, order)], [10, 11], prover)

    assert challenges.owedWei(prover) == desk.bond()


def at_root(desk, slot_number, order, others=()):
    tree = AuthorisedTree([desk.digest(order), *others])
    return Answer(slot_number, [order], 0, b"", tree.root, tree.proof(0))


@pytest.fixture
def accounts_ledger(book, accounts):
    """Person 2's place is taken by an account that can send: it opens 40 and pays from there."""
    owner = accounts[5]
    book.honest(
        OpenAccount(40, 1, address_from_text(owner.address)),
        Payment(3, 40, 50),
        Payment(40, 3, 7),
        Withdrawal(40, 8),
    ).post()
    return owner


@pytest.mark.parametrize("other_count", [0, 1, 4])
def test_answer__by_root__succeeds(challenges, rollup, desk, accounts_ledger, prover, other_count):
    payer = address_from_text(accounts_ledger.address)
    payment = replace(desk.payment(0, 1, 7, nonce=0), payer=payer)
    withdrawal = replace(desk.withdrawal(0, 8, nonce=1), payer=payer)
    others = [keccak(bytes([i])) for i in range(other_count)]
    answers = [at_root(desk, 67, payment, others), at_root(desk, 68, withdrawal, others)]
    for each in answers:
        rollup.authorizeOrders(each.root, sender=accounts_ledger)
        desk.challenge(each.slot_number, prover)

    desk.answer(answers, [3, 40], prover)

    assert challenges.owedWei(prover) == 2 * desk.bond()


def test_answer__by_root_of_another_owner__reverts(
    reverts, challenges, rollup, desk, accounts_ledger, prover
):
    payer = address_from_text(accounts_ledger.address)
    order = replace(desk.payment(0, 1, 7, nonce=0), payer=payer)
    answer = at_root(desk, 67, order)
    rollup.authorizeOrders(answer.root, sender=prover)
    desk.challenge(67, prover)

    values = {"payer": accounts_ledger, "digest": desk.digest(order)}
    with reverts(challenges, "NotAuthorised", **values):
        desk.answer([answer], [3, 40], prover)


def test_answer__proof_to_another_root__reverts(
    reverts, challenges, rollup, desk, accounts_ledger, prover
):
    payer = address_from_text(accounts_ledger.address)
    order = replace(desk.payment(0, 1, 7, nonce=0), payer=payer)
    answer = at_root(desk, 67, order, [keccak(b"other")])
    rollup.authorizeOrders(answer.root, sender=accounts_ledger)
    desk.challenge(67, prover)

    for proof in ([], [keccak(b"wrong")], [*answer.proof, bytes(32)]):
        with reverts(challenges, "NotAuthorised", payer=..., digest=...):
            desk.answer([replace(answer, proof=proof)], [3, 40], prover)


@pytest.mark.parametrize(("node_count", "fits"), [(32, True), (33, False)])
def test_answer__long_proof__holds(
    reverts, challenges, rollup, desk, accounts_ledger, prover, node_count, fits
):
    payer = address_from_text(accounts_ledger.address)
    order = replace(desk.payment(0, 1, 7, nonce=0), payer=payer)
    proof = [keccak(bytes([i])) for i in range(node_count)]
    root = desk.digest(order)
    for node in proof:
        root = keccak(min(root, node) + max(root, node))
    rollup.authorizeOrders(root, sender=accounts_ledger)
    desk.challenge(67, prover)
    answer = Answer(67, [order], 0, b"", root, proof)

    if fits:
        desk.answer([answer], [3, 40], prover)
        assert challenges.owedWei(prover) == desk.bond()
    else:
        with reverts(challenges, "ProofTooLong", maximum=32, actual=33):
            desk.answer([answer], [3, 40], prover)


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
    r, s, v = right.signature[:32], right.signature[32:64], right.signature[64]
    high_v, _, high_s = with_high_s(v, r, s)
    wrong = [
        desk.signed(PAYMENT, order, signer=1).signature,
        desk.signed(PAYMENT, replace(order, memo=bytes(32))).signature,
        r + high_s + bytes([high_v]),
        r + s + bytes([v - 27]),
        r + s,
        right.signature + b"\0",
        bytes(65),
        b"\0",
    ]

    values = {"payer": address_text(order.payer), "digest": desk.digest(order)}
    for signature in wrong:
        with reverts(challenges, "NotAuthorised", **values):
            desk.answer([replace(right, signature=signature)], [2, 3], prover)


def test_answer__nothing_authorises__reverts(reverts, challenges, desk, orders, prover):
    desk.challenge(PAYMENT, prover)

    with reverts(challenges, "NotAuthorised", payer=..., digest=...):
        desk.answer([Answer(PAYMENT, [orders[PAYMENT]])], [2, 3], prover)


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
    with reverts(rollup, "ChunkNotInBatch", expectedRoot=..., actualRoot=...):
        desk.answer([answer], [2, 3], prover, chunk=(0, *second[1:]))


def test_answer__never_challenged__reverts(reverts, challenges, desk, orders, prover):
    desk.challenge(PAYMENT, prover)

    with reverts(challenges, "ChallengeNotOpen", slotNumber=BACK):
        desk.answer([desk.signed(BACK, orders[BACK])], [2, 3], prover)


def test_answer__answered_before__changes_nothing(challenges, book, desk, orders, prover, attacker):
    """He who answers one first, by a copy, doesn't spoil an answer for many."""
    for slot_number in (PAYMENT, BACK):
        desk.challenge(slot_number, prover)
    answers = [desk.signed(each, orders[each]) for each in (PAYMENT, BACK)]
    desk.answer(answers[:1], [2, 3], attacker)

    receipt = desk.answer([*answers, answers[1]], [2, 3], prover)

    [event] = receipt.decode_logs(challenges.ChallengeAnswered)
    assert event.slotNumber == BACK
    assert challenges.owedWei(attacker) == challenges.owedWei(prover) == desk.bond()
    assert challenges.openCount(book.header_hash) == 0


def test_answer__last_second__succeeds(chain, challenges, desk, orders, prover):
    receipt = desk.challenge(PAYMENT, prover)
    chain.pending_timestamp = receipt.timestamp + WINDOWS.answer_s - 1

    desk.answer([desk.signed(PAYMENT, orders[PAYMENT])], [2, 3], prover)

    assert challenges.owedWei(prover) == desk.bond()


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
