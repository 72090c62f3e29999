"""The registers of custody.

- customers: the external id is the first one's; found by id, by address
- kept orders: the newest of a task; an owner's, the oldest first
- holds: added with their orders or not at all; closed and opened; the first release stays
- schedules: added once; what begins is due; the first end stays
"""

import pytest
from sqlalchemy.exc import IntegrityError

from backend.records.database import open_database, sqlite_url
from backend.records.paging import Page
from backend.records.registers.custody import CustodyRegisters
from backend.records.registers.customers import Customer
from backend.records.registers.holds import Hold, hold_of
from backend.records.registers.kept_orders import KeptOrder
from backend.records.registers.schedules import Occurrence, Schedule

ADDRESS, HASH = bytes(range(20)), bytes(range(32))


@pytest.fixture
def registers(tmp_path):
    engine = open_database("registers", sqlite_url(tmp_path / "r.sqlite3"))
    yield CustodyRegisters.of(engine)
    engine.dispose()


def hold(hold_id="hold_1"):
    return Hold(0, hold_id, ADDRESS, ADDRESS, ADDRESS, 1, 1_000, 20, HASH, 9, bytes(204), 7)


def kept(task="t", order_id=HASH):
    return KeptOrder(task, "hold_1", b"record", order_id, order_id, 5, 0, 7)


def schedule():
    return Schedule(0, "sch_1", "cus_1", ADDRESS, 1, 5, HASH, 9, "day", 3, 0, 9_000, 7)


def test_customers__same_external_id__is_the_first_holds(registers):
    first = registers.customers.add("cus_1", "alice", ADDRESS, 7)
    again = registers.customers.add("cus_1", "alice", ADDRESS, 8)

    assert first == again == Customer(1, "cus_1", "alice", ADDRESS, 7)
    assert registers.customers.get("cus_1") == registers.customers.of_address(ADDRESS) == first
    assert registers.customers.get("cus_2") is None


def test_customers__address_of_another__rejects(registers):
    registers.customers.add("cus_1", "alice", ADDRESS, 7)

    with pytest.raises(LookupError):
        registers.customers.add("cus_2", "bob", ADDRESS, 7)


def test_key_uses__noted__are_listed_newest_first_holds(registers):
    for purpose in ("payment", "hold"):
        registers.key_uses.note("cus_1", purpose, HASH, "key", 7)

    part = registers.key_uses.list("cus_1", Page())

    assert [row.purpose for row in part.rows] == ["hold", "payment"]
    assert registers.key_uses.list("cus_2", Page()).rows == []


def test_kept_orders__several_of_a_task__newest_counts_holds(registers):
    other = kept(order_id=bytes(32))
    for one in (kept(), other, kept("another task")):
        registers.kept_orders.add(one)

    assert registers.kept_orders.newest("t") == other
    assert registers.kept_orders.newest("none") is None
    assert [one.task for one in registers.kept_orders.of_owner("hold_1")] == [
        "t",
        "t",
        "another task",
    ]


def test_holds__added_twice__rejects_and_keeps_no_order_holds(registers):
    made = registers.holds.add(hold(), [kept()])

    with pytest.raises(IntegrityError):
        registers.holds.add(hold(), [kept("second")])

    assert registers.holds.get("hold_1") == made
    assert made.total_minor == 1_020
    assert registers.kept_orders.newest("second") is None


def test_holds__released_closed_opened__succeeds(registers):
    registers.holds.add(hold(), [])
    registers.holds.release("hold_1", 8)
    registers.holds.release("hold_1", 9)
    registers.holds.set_funding("hold_1", bytes(203) + b"\1")
    registers.holds.close("hold_1", 10)
    closed = registers.holds.closed(0, 10)
    registers.holds.close("hold_1", None)

    assert [one.released_ts_ms for one in closed] == [8]
    assert registers.holds.open(0, 10)[0].funding[-1] == 1
    assert registers.holds.open(1, 10) == registers.holds.closed(0, 10) == []
    listed = registers.holds.list(ADDRESS, ADDRESS, Page()).rows
    assert [hold_of(row).id for row in listed] == ["hold_1"]
    assert registers.holds.list(bytes(20), None, Page()).rows == []


def test_schedules__begun_saved_ended__succeeds(registers):
    register = registers.schedules
    first, again = register.add(schedule()), register.add(schedule())
    due = [Occurrence("sch_1", ordinal, 9, "due") for ordinal in range(2)]
    early, in_time = register.open(8_999, 0, 10), register.open(9_000, 0, 10)
    register.look_at("sch_1", 9_500)
    register.begin(due, 2)
    register.begin([], 7)
    register.save(Occurrence("sch_1", 0, 9, "paid", payment_id=HASH))
    register.cancel("sch_1", 10)
    register.end("sch_1", 11)
    register.end("sch_1", 12)
    ended = register.get("sch_1")

    assert first == again
    assert (early, in_time) == ([], [first])
    assert register.due("sch_1") == due[1:]
    assert (ended.begun, ended.cancelled_ts_ms, ended.ended_ts_ms) == (2, 10, 11)
    assert ended.look_ts_ms == 10
    assert register.open(10**15, 0, 10) == []
    assert [row.ordinal for row in register.occurrences("sch_1", Page()).rows] == [1, 0]
