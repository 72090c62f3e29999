"""The registers of collecting.

- requests: a repeat of the scope, another wish under it, a memo taken; pages
- refunds: a number taken; the sum of what is not released; what was noted stays
- groups: the first signature stays; the last makes it complete; dead for good; the same legs again
- tables: all are those of the migration
"""

from dataclasses import replace

import pytest

from backend.protocol.errors import IdempotencyKeyReused, MemoTaken, RefundExceeded
from backend.records.database import open_database
from backend.records.migrations.registers import v0003_collecting
from backend.records.paging import Page
from backend.records.registers.collecting import CollectingRegisters
from backend.records.registers.groups import Group, Leg
from backend.records.registers.payment_requests import PaymentRequest
from backend.records.registers.refunds import Refund
from backend.records.tables import collecting as tables

ALICE, BOB = b"\x01" * 20, b"\x02" * 20
REQUEST = PaymentRequest("preq_1", "key/1", ALICE, 1, 500, b"\x07" * 32, None, 1_000)
REFUND = Refund(b"\x01" * 32, b"\x09" * 32, 1, "key/1", 60, b"\x0a" * 32, b"", "prepared", 5)
GROUP = Group(
    b"\x03" * 32,
    "key/1",
    2**64 - 1,
    "signing",
    None,
    5,
    (Leg(b"\x04" * 32, ALICE, b"one"), Leg(b"\x05" * 32, BOB, b"two")),
)


@pytest.fixture
def registers(tmp_path):
    engine = open_database("registers", f"sqlite:///{tmp_path / 'r.sqlite3'}")
    yield CollectingRegisters.of(engine)
    engine.dispose()


def another(number: int, amount_minor: int) -> Refund:
    name = bytes([number]) * 32
    return replace(
        REFUND,
        order_id=name,
        number=number,
        scope=f"key/{number}",
        amount_minor=amount_minor,
        memo=name,
    )


def test_requests_add__repeated__returns_the_first_holds(registers):
    registers.requests.add(REQUEST)

    again = registers.requests.add(replace(REQUEST, id="preq_2", memo=b"\x08" * 32))

    assert replace(again, sequence=None) == REQUEST
    with pytest.raises(IdempotencyKeyReused, match="amount_minor"):
        registers.requests.add(replace(REQUEST, id="preq_3", amount_minor=501))


def test_requests_add__memo_of_another__rejects(registers):
    registers.requests.add(REQUEST)

    with pytest.raises(MemoTaken, match="preq_1"):
        registers.requests.add(replace(REQUEST, id="preq_2", scope="key/2"))
    registers.requests.add(replace(REQUEST, id="preq_3", scope="key/3", payee=BOB))

    part = registers.requests.list(None, Page(1))
    assert ([one.id for one in part.rows], part.has_more) == (["preq_3"], True)


def test_refunds_add__number_taken__adds_nothing_holds(registers):
    assert registers.refunds.add(REFUND, 100)

    assert not registers.refunds.add(replace(another(2, 1), number=1), 100)

    assert [one.number for one in registers.refunds.of_payment(REFUND.payment_id)] == [1]


def test_refunds_add__more_than_the_payment__rejects(registers):
    registers.refunds.add(another(1, 60), 100)
    registers.refunds.add(another(2, 30), 100)
    registers.refunds.mark(another(1, 60).order_id, "executed")
    registers.refunds.mark(another(1, 60).order_id, "released")

    with pytest.raises(RefundExceeded) as caught:
        registers.refunds.add(another(3, 11), 100)
    registers.refunds.mark(another(2, 30).order_id, "released")
    registers.refunds.add(another(3, 40), 100)

    assert caught.value.values == {"available_minor": 10, "asked_minor": 11}
    states = [one.state for one in registers.refunds.of_payment(REFUND.payment_id)]
    assert states == ["executed", "released", "prepared"]
    assert set(registers.refunds.of_memos([b"\x01" * 32, b"\xff" * 32])) == {b"\x01" * 32}


def test_groups_sign__twice_then_last__completes_holds(registers):
    registers.groups.add(GROUP)

    once = registers.groups.sign(GROUP.id, 0, b"s" * 65)
    twice = registers.groups.sign(GROUP.id, 0, b"t" * 65)
    last = registers.groups.sign(GROUP.id, 1, b"u" * 65)

    assert once == twice
    assert (once.state, last.state) == ("signing", "complete")
    assert [leg.signature for leg in last.legs] == [b"s" * 65, b"u" * 65]
    assert registers.groups.complete() == [last]
    assert last.valid_until == 2**64 - 1


def test_groups_mark__dead__stays_so_holds(registers):
    registers.groups.add(GROUP)
    registers.groups.mark(GROUP.id, "dead", "GROUP_OVERTAKEN")

    registers.groups.mark(GROUP.id, "accepted")
    registers.groups.sign(GROUP.id, 0, b"s" * 65)
    registers.groups.sign(GROUP.id, 1, b"s" * 65)

    found = registers.groups.get(GROUP.id)
    assert (found.state, found.code) == ("dead", "GROUP_OVERTAKEN")
    assert registers.groups.complete() == []


def test_groups_add__same_legs_or_scope__returns_the_first_holds(registers):
    registers.groups.add(GROUP)

    same_legs = registers.groups.add(replace(GROUP, scope="key/2"))
    same_scope = registers.groups.add(replace(GROUP, id=b"\x33" * 32))

    assert same_legs == same_scope
    assert same_legs.id == GROUP.id
    assert registers.groups.list(ALICE, Page()).rows == [same_legs]
    assert registers.groups.list(b"\x09" * 20, Page()).rows == []


def test_tables__all__are_those_of_the_migration_holds():
    made = (tables.payment_requests, tables.refunds, tables.groups, tables.group_legs)

    assert tuple(table.name for table in made) == v0003_collecting.TABLES
