"""The orders of a payout.

- each line's payment and its order in the line's place: one nonce, both under the root
- a prize's: what is skipped is returned whole, and for longer
- the same rows give the same orders
- a hundred thousand lines fit a proof
"""

from dataclasses import replace

from backend.access.payouts.lines import Parties, PayoutLine
from backend.access.payouts.orders import SKIP_AMOUNT_MINOR, PayoutOrders, Terms
from backend.protocol.authorised import PROOF_NODES_MAX, AuthorisedTree, authorised_root
from backend.protocol.hashing import keccak
from tests.unit.engine.committee import DOMAIN, TOKEN, key

OWNER, RETURNS = key("owner").address, key("returns").address
TERMS = Terms(Parties(OWNER, RETURNS), TOKEN, 10**12, 7, 2_000_000_000, 3)
LINES = [(PayoutLine(i + 2, key(f"p{i}").address, 100 + i, memo="prize"), 5) for i in range(9)]


def test_orders__each_line__has_two_of_one_nonce_holds():
    orders = PayoutOrders(TERMS, LINES, DOMAIN)

    for index, (line, fee_minor) in enumerate(LINES):
        payment, skip = (orders.record(index, is_skip=is_skip) for is_skip in (False, True))
        assert payment.order.nonce == skip.order.nonce == 7 + index
        assert (payment.order.payee, skip.order.payee) == (line.payee, RETURNS)
        assert payment.order.amount == line.amount_minor * 10**12
        assert payment.order.fee == fee_minor * 10**12
        assert skip.order.amount == SKIP_AMOUNT_MINOR * 10**12
        assert skip.order.fee == 3 * 10**12
        for record, order_id in (
            (payment, orders.payment_id(index)),
            (skip, orders.skip_id(index)),
        ):
            assert record.record_id(DOMAIN) == order_id
            assert record.root == orders.root
            assert record.is_proven(order_id)


def test_skip__whole_amounts_return__is_the_payment_to_the_sponsor_holds():
    terms = replace(TERMS, return_until=TERMS.valid_until + 1)
    line, fee_minor = LINES[2]

    payment, skip = terms.payment(2, line, fee_minor), terms.skip(2, line, fee_minor)

    assert skip == replace(payment, payee=RETURNS, valid_until=TERMS.valid_until + 1)


def test_orders__made_again__are_the_same_holds():
    first, again = PayoutOrders(TERMS, LINES, DOMAIN), PayoutOrders(TERMS, LINES, DOMAIN)

    assert first.root == again.root
    assert first.record(3, is_skip=True) == again.record(3, is_skip=True)


def test_tree__as_many_as_are_taken__proofs_fit_holds():
    digests = [keccak(number.to_bytes(4)) for number in range(200_000)]

    tree = AuthorisedTree(digests)

    assert tree.root == authorised_root(digests)
    assert max(len(tree.proof(index)) for index in (0, 131_072, 199_999)) <= PROOF_NODES_MAX
