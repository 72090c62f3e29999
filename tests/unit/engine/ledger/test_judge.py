"""Judging orders.

- each fault alone, and before all later ones: the fixed order of errors
- pending orders: nonces and funds that they take
"""

from dataclasses import replace

import pytest

from backend.engine.ledger import Judged, Ledger, Pending, check_record
from backend.protocol.errors import (
    AccountUnknown,
    AmountNotMultipleOfUnit,
    AmountTooLarge,
    AmountZero,
    AssetUnknown,
    FeeNotAllowed,
    FeeNotRepresentable,
    InsufficientFunds,
    NonceGap,
    NonceTooLow,
    OrderExpired,
    OrderInGroup,
    PayeeInvalid,
    SameAccount,
)
from backend.protocol.money import AMOUNT_MINOR_MAX
from backend.protocol.orders import Order
from backend.protocol.types import ZERO_ADDRESS, address_text
from tests.property.world import (
    FREE,
    TS_S,
    VALID_UNTIL,
    WIDE,
    address,
    deposit,
    pay,
    unsigned,
    withdraw,
    world,
)

UNIT = WIDE.unit
LINK = bytes(31) + b"\x01"

# A payment of WIDE by a payer of nonce 1 who holds 100 minor units, and each fault it can have,
# in the order in which they are reported. A later fault never undoes an earlier one.
FAULTS = [
    ({"asset": address("unlisted")}, AssetUnknown(address_text(address("unlisted")))),
    ({"amount": 5 * UNIT + 1}, AmountNotMultipleOfUnit(UNIT, 5 * UNIT + 1)),
    (
        {"amount": 2**48 * UNIT},
        AmountTooLarge(AMOUNT_MINOR_MAX * UNIT, 2**48 * UNIT),
    ),
    ({"amount": 0}, AmountZero()),
    ({"fee": UNIT - 1}, AmountNotMultipleOfUnit(UNIT, UNIT - 1)),
    ({"fee": 2**48 * UNIT}, AmountTooLarge(AMOUNT_MINOR_MAX * UNIT, 2**48 * UNIT)),
    ({"fee": 33 * UNIT}, FeeNotRepresentable(33, 31, 40)),
    ({"asset": FREE.token, "fee": UNIT}, FeeNotAllowed()),
    ({"payee": ZERO_ADDRESS}, PayeeInvalid(address_text(ZERO_ADDRESS))),
    ({"payer": address("stranger"), "payee": address("stranger")}, SameAccount()),
    ({"link": LINK}, OrderInGroup()),
    ({"valid_until": TS_S - 1}, OrderExpired(TS_S - 1, TS_S)),
    ({"payer": address("stranger")}, AccountUnknown(address_text(address("stranger")))),
    ({"nonce": 0}, NonceTooLow(1, 0)),
    ({"nonce": 2}, NonceGap(1, 2)),
    ({"amount": 98 * UNIT, "fee": 3 * UNIT}, InsufficientFunds(100, 101)),
]
FAULT_NAMES = [f"{index}-{error.code}" for index, (_, error) in enumerate(FAULTS)]


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    made = world()
    made.block(deposits=[deposit("payer", 107, WIDE)])
    made.block(pay("payer", "payee", 7, of=WIDE))
    return made.ledger


@pytest.fixture
def order():
    return pay("payer", "payee", 5, 1, nonce=1, of=WIDE)


def check_order(ledger: Ledger, order: Order, ts_s: int, pending: Pending) -> Judged:
    (judged,) = check_record(ledger, unsigned([order])[0], ts_s, pending)
    return judged


def test_check_order__right__succeeds(ledger, order):
    judged = check_order(ledger, order, VALID_UNTIL, Pending())

    assert (judged.amount_minor, judged.fee_minor, judged.fee_byte) == (5, 1, 1 << 3)
    assert judged.debit_minor == 6
    assert judged.payee == address("payee")
    assert ledger.leaves[judged.payer_id].owner == address("payer")


@pytest.mark.parametrize(("fault", "error"), FAULTS, ids=FAULT_NAMES)
def test_check_order__one_fault__rejects(ledger, order, fault, error):
    with pytest.raises(type(error)) as caught:
        check_order(ledger, replace(order, **fault), TS_S, Pending())

    assert caught.value.values == error.values


@pytest.mark.parametrize("first", range(len(FAULTS)), ids=FAULT_NAMES)
def test_check_order__later_faults_too__is_for_the_first_rejects(ledger, order, first):
    faults = {}
    for fault, _ in reversed(FAULTS[first:]):
        faults.update(fault)

    with pytest.raises(type(FAULTS[first][1])):
        check_order(ledger, replace(order, **faults), TS_S, Pending())


def test_check_order__never_alive__rejects(ledger, order):
    with pytest.raises(OrderExpired):
        check_order(ledger, replace(order, valid_until=0), 0, Pending())


def test_check_order__withdrawal__succeeds(ledger):
    judged = check_order(ledger, withdraw("payer", 99, 1, nonce=1, of=WIDE), TS_S, Pending())

    assert judged.payee is None


@pytest.mark.parametrize(
    ("pending_minor", "nonce", "amount_minor", "error"),
    [
        ((), 1, 100, None),
        ((60,), 2, 40, None),
        ((60,), 2, 41, InsufficientFunds(40, 41)),
        ((60,), 1, 1, NonceTooLow(2, 1)),
        ((60, 40), 3, 1, InsufficientFunds(0, 1)),
        ((60,), 3, 1, NonceGap(2, 3)),
    ],
)
def test_check_order__others_pending__counts_them_holds(
    ledger, pending_minor, nonce, amount_minor, error
):
    pending = Pending()
    for index, minor in enumerate(pending_minor):
        earlier = pay("payer", "payee", minor, nonce=1 + index, of=WIDE)
        pending.add(check_order(ledger, earlier, TS_S, pending))
    order = pay("payer", "payee", amount_minor, nonce=nonce, of=WIDE)

    if error is None:
        assert check_order(ledger, order, TS_S, pending).amount_minor == amount_minor
    else:
        with pytest.raises(type(error)) as caught:
            check_order(ledger, order, TS_S, pending)
        assert caught.value.values == error.values


def test_pending__removed__changes_nothing(ledger):
    pending = Pending()
    first = check_order(ledger, pay("payer", "payee", 60, nonce=1, of=WIDE), TS_S, pending)
    pending.add(first)
    second = check_order(ledger, pay("payer", "payee", 40, nonce=2, of=WIDE), TS_S, pending)
    pending.add(second)
    assert pending.of(first.payer_id) == (2, 100)

    pending.remove(first)
    assert pending.of(first.payer_id) == (1, 40)

    pending.remove(second)
    assert pending.of(first.payer_id) == (0, 0)
    assert list(pending.items()) == []
