"""Which orders count as accepted.

- forged, over already, used nonce, rejected before
- read again lazily; forgetting
"""

import pytest

from backend.engine.accepted import AcceptedOrders, Arrival
from tests.unit.engine.chamber import Chamber
from tests.unit.engine.committee import (
    DOMAIN,
    START_MS,
    forged,
    funded_l1,
    id_of,
    key,
    payment,
)

PAYER, PAYEE = key("payer"), key("payee")
NOW_S = START_MS // 1000


def order_of(amount, nonce=0):
    return payment(PAYER, PAYEE.address, amount, nonce)


@pytest.fixture
def chamber():
    """Block 1 has listed the asset and credited a million to the payer."""
    chamber = Chamber(funded_l1(PAYER.address))
    chamber.settle()
    assert chamber.tip.number == 1
    return chamber


def balance_of(chamber, owner):
    account = chamber.replica.ledger.account(owner.address, 1)
    return account[1].balance_minor if account else None


def kinds(chamber, index):
    return [type(payload) for payload in chamber.signed_by(index)]


def test_accepted__lazy_and_forged_first__succeeds(chamber):
    order = order_of(5)
    accepted = AcceptedOrders(DOMAIN, is_lazy=True)
    ledger = chamber.replica.ledger

    for position, signed in enumerate((forged(order), order, forged(order))):
        accepted.add(Arrival(position, 0), signed, ledger, 0)
    accepted.check_all()

    assert accepted.undecided == {id_of(order): order}
    assert accepted.oldest == Arrival(1, 0)


@pytest.mark.parametrize("valid_until", [NOW_S - 1, 0])
def test_accepted__over_already__changes_nothing(chamber, valid_until):
    accepted = AcceptedOrders(DOMAIN)
    order = payment(PAYER, PAYEE.address, 5, 0, valid_until=valid_until)

    assert accepted.add(Arrival(0, 0), order, chamber.replica.ledger, NOW_S) is None


def test_accepted__used_nonce__changes_nothing(chamber):
    chamber.order(order_of(5))
    chamber.settle()
    count = len(chamber.entries)
    chamber.order(order_of(5), order_of(6))
    chamber.settle()

    assert len(chamber.entries) == count + 2
    assert chamber.tip.number == 2


def test_accepted__rejected_before__changes_nothing(chamber):
    order = payment(key("stranger"), PAYEE.address, 5, 0)
    chamber.order(order)
    chamber.settle()
    assert len(chamber.finals[-1].body.rejections) == 1

    chamber.order(order)
    chamber.settle()

    assert chamber.tip.number == 2


def test_accepted__many_rejections__holds(chamber):
    accepted = AcceptedOrders(DOMAIN)
    ledger = chamber.replica.ledger
    for nonce in range(1_000):
        order = payment(PAYER, PAYEE.address, 5, nonce, valid_until=NOW_S + nonce % 2)
        digest = accepted.add(Arrival(nonce, 0), order, ledger, NOW_S)
        accepted.decide((), (digest,), NOW_S + 1)

    assert len(accepted.rejected) == 500
