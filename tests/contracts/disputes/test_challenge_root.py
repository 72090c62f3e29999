"""Answers by orders under a root that their payer authorised on L1.

- payments and withdrawals, proofs of no node to 32 → the pay is earned, each node's too
- roots of others, proofs that lead elsewhere, proofs of 33 nodes → refused
"""

from dataclasses import replace

import pytest

from backend.protocol.authorised import AuthorisedTree
from backend.protocol.hashing import keccak
from backend.protocol.operations import OpenAccount, Payment, Withdrawal
from backend.protocol.types import address_from_text
from tests.contracts.disputes.evidence import Answer, by_root, pay_wei


def at_root(desk, slot_number, order, others=()):
    """Return the answer, and the root that it needs."""
    tree = AuthorisedTree([desk.digest(order), *others])
    return Answer(slot_number, [order], [by_root(tree.root, tree.proof(0))]), tree.root


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


@pytest.mark.parametrize(("other_count", "node_count"), [(0, 0), (1, 1), (4, 3)])
def test_answer__by_root__succeeds(
    challenges, rollup, desk, accounts_ledger, prover, attacker, other_count, node_count
):
    """Each node of a proof is paid for."""
    payer = address_from_text(accounts_ledger.address)
    payment = replace(desk.payment(0, 1, 7, nonce=0), payer=payer)
    withdrawal = replace(desk.withdrawal(0, 8, nonce=1), payer=payer)
    others = [keccak(bytes([i])) for i in range(other_count)]
    answers, roots = zip(
        at_root(desk, 67, payment, others), at_root(desk, 68, withdrawal, others), strict=True
    )
    for root in roots:
        rollup.authorizeOrders(root, sender=accounts_ledger)
    desk.challenge([67, 68], prover)

    desk.answer(answers, [3, 40], attacker)

    assert challenges.owedWei(attacker) == pay_wei(2, 2 * node_count)


def test_answer__signature_and_a_proof__pays_for_no_node_succeeds(
    challenges, desk, accounts_ledger, prover, attacker
):
    payee = address_from_text(accounts_ledger.address)
    desk.challenge(66, prover)
    answer = desk.signed(66, replace(desk.payment(1, 0, 50, nonce=0), payee=payee))
    [(signature, *_)] = answer.authorisations
    longer = (signature, keccak(b"root"), [keccak(b"node")] * 40)

    desk.answer([replace(answer, authorisations=[longer])], [3, 40], attacker)

    assert challenges.owedWei(attacker) == pay_wei(1)


def test_answer__by_root_of_another_owner__reverts(
    reverts, challenges, rollup, desk, accounts_ledger, prover
):
    payer = address_from_text(accounts_ledger.address)
    order = replace(desk.payment(0, 1, 7, nonce=0), payer=payer)
    answer, root = at_root(desk, 67, order)
    rollup.authorizeOrders(root, sender=prover)
    desk.challenge(67, prover)

    values = {"payer": accounts_ledger, "digest": desk.digest(order)}
    with reverts(challenges, "NotAuthorised", **values):
        desk.answer([answer], [3, 40], prover)


def test_answer__proof_to_another_root__reverts(
    reverts, challenges, rollup, desk, accounts_ledger, prover
):
    payer = address_from_text(accounts_ledger.address)
    order = replace(desk.payment(0, 1, 7, nonce=0), payer=payer)
    answer, root = at_root(desk, 67, order, [keccak(b"other")])
    [(_, _, right)] = answer.authorisations
    rollup.authorizeOrders(root, sender=accounts_ledger)
    desk.challenge(67, prover)

    for proof in ([], [keccak(b"wrong")], [*right, bytes(32)]):
        with reverts(challenges, "NotAuthorised", payer=..., digest=...):
            changed = replace(answer, authorisations=[by_root(root, proof)])
            desk.answer([changed], [3, 40], prover)


@pytest.mark.parametrize(("node_count", "fits"), [(32, True), (33, False)])
def test_answer__long_proof__holds(
    reverts, challenges, rollup, desk, accounts_ledger, prover, attacker, node_count, fits
):
    payer = address_from_text(accounts_ledger.address)
    order = replace(desk.payment(0, 1, 7, nonce=0), payer=payer)
    proof = [keccak(bytes([i])) for i in range(node_count)]
    root = desk.digest(order)
    for node in proof:
        root = keccak(min(root, node) + max(root, node))
    rollup.authorizeOrders(root, sender=accounts_ledger)
    desk.challenge(67, prover)
    answer = Answer(67, [order], [by_root(root, proof)])

    if fits:
        desk.answer([answer], [3, 40], attacker)
        assert challenges.owedWei(attacker) == pay_wei(1, 32)
    else:
        with reverts(challenges, "ProofTooLong", maximum=32, actual=33):
            desk.answer([answer], [3, 40], attacker)
