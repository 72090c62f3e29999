"""Operations and their slots.

- encode and read: each operation; a second half that looks like an operation is none
- fee: another byte of the same value means the same
- shape: each offence of the vectors, at its position, after the operations before it
- bytes that are no whole number of slots
"""

import pickle

import pytest

from backend.protocol.errors import FeeNotRepresentable, MalformedBytes
from backend.protocol.money import AmountMinor
from backend.protocol.operations import (
    NO_OP_SLOT,
    Deposit,
    MalformedOperation,
    NoOp,
    OpenAccount,
    Payment,
    Withdrawal,
    encode,
    encode_all,
    iter_slots,
    read_slots,
    slot,
    slot_count,
)
from backend.protocol.types import AccountId, Address
from tests.vectors.generate import load

PAYER, PAYEE, AMOUNT = AccountId(2), AccountId(7 << 24 | 5), AmountMinor(1000)
OPERATIONS = [
    Payment(PAYER, PAYEE, AMOUNT, AmountMinor(30)),
    Deposit(PAYEE, AMOUNT),
    Withdrawal(PAYER, AMOUNT, AmountMinor(0)),
    OpenAccount(PAYEE, 65535, Address(b"\x11" * 20)),
    NoOp(),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: type(o).__name__)
def test_encode__one_operation__succeeds(operation):
    encoded = encode(operation)

    assert len(encoded) == 15 * slot_count(operation)
    assert read_slots(encoded) == [(0, operation)]


def test_encode__fields__succeeds():
    payment = Payment(AccountId(2), AccountId(3), AmountMinor(4), AmountMinor(31))

    assert encode(payment).hex() == "0000000200000003000000000004f8"


def test_encode__fee_without_a_byte__rejects():
    with pytest.raises(FeeNotRepresentable):
        encode(Payment(PAYER, PAYEE, AMOUNT, AmountMinor(32)))


def test_read_slots__second_half_of_an_opening__succeeds():
    decoy = encode(Withdrawal(PAYER, AMOUNT))
    opening = OpenAccount(PAYEE, 1, Address(b"\x11" * 5 + decoy))

    read = read_slots(encode_all([opening, NoOp()]))

    assert read == [(0, opening), (2, NoOp())]


def test_read_slots__other_byte_of_the_fee__succeeds():
    assert read_slots(slot(PAYER, PAYEE, 1, 10 << 3)) == read_slots(
        slot(PAYER, PAYEE, 1, 1 << 3 | 1)
    )


@pytest.mark.parametrize("vector", load("operations")["malformed"], ids=lambda v: v["name"])
def test_read_slots__malformed_operation__rejects(vector):
    slots = NO_OP_SLOT + bytes.fromhex(vector["slots"][2:])
    reading = iter_slots(slots)

    assert next(reading) == (0, NoOp())
    with pytest.raises(MalformedOperation) as caught:
        next(reading)
    assert caught.value.position == 1
    assert pickle.loads(pickle.dumps(caught.value)).reason == caught.value.reason


def test_read_slots__half_a_slot__rejects():
    with pytest.raises(MalformedBytes, match="16 bytes"):
        read_slots(bytes(16))
