"""Reading the projections: pages, places in batches, deposits of both sources; the projector.

- pages: forwards, backwards, while rows are added
- the slot after padding
- events: positions, filters, listeners
- the projector: catches up, follows, says what broke it
- bulk inserts: the fast path equals the readable one
"""

import time

import pytest
from sqlalchemy import insert, select

from backend.protocol.errors import IdempotencyKeyReused, MalformedRequest, RequestInProgress
from backend.records import bulk
from backend.records.database import open_database
from backend.records.event_stream import EventPosition, EventStream
from backend.records.paging import Page, Part, read_page
from backend.records.projections import Projections
from backend.records.projector import Projector
from backend.records.reader import OrderFilter, Reader, slot_after_padding
from backend.records.registers.applicants import Applicant, Applicants
from backend.records.registers.idempotency import (
    IN_FLIGHT_MS_MAX,
    KEPT_MS,
    Answer,
    IdempotencyKeys,
)
from backend.records.tables.projections import blocks, payments
from tests.unit.records.journal import DOMAIN, key, sample
from tests.unit.records.test_projections import CHAIN_EVENTS, posted


@pytest.fixture
def engine(tmp_path):
    return open_database("projections", f"sqlite:///{tmp_path / 'p.sqlite3'}")


@pytest.fixture
def registers(tmp_path):
    return open_database("registers", f"sqlite:///{tmp_path / 'r.sqlite3'}")


def test_read_page__there_and_back__same_rows_holds(engine):
    Projections(engine, DOMAIN).apply_final_blocks(sample().blocks)

    def page(**fields) -> Part:
        with engine.connect() as connection:
            return read_page(connection, select(blocks), blocks.c.number, Page(2, **fields))

    first = page()
    second = page(after=first.rows[-1].number)
    back = page(before=second.rows[0].number)

    assert [row.number for row in first.rows] == [5, 4]
    assert [row.number for row in second.rows] == [3, 2]
    assert [row.number for row in back.rows] == [5, 4]
    assert (first.has_more, second.has_more, back.has_more) == (True, True, False)


@pytest.mark.parametrize(
    ("ordinal", "noops", "slot"),
    [(0, (), 0), (2, (3, 4), 2), (3, (3, 4), 5), (0, (0, 1), 2), (60, (62, 63, 64), 60)],
)
def test_slot_after_padding__no_ops_anywhere__are_skipped_holds(ordinal, noops, slot):
    assert slot_after_padding(ordinal, b"".join(n.to_bytes(2) for n in noops)) == slot


def test_orders__second_batch__counts_from_its_own_start_holds(engine):
    journal = sample()
    projections = Projections(engine, DOMAIN)
    projections.apply_final_blocks(journal.blocks)
    reader = Reader(engine)
    for number, last_block in ((1, 4), (2, 5)):
        projections.apply_chain_event(posted(number, last_block))

    (withdrawal,) = reader.withdrawals(OrderFilter(), Page()).rows
    payments = reader.payments(OrderFilter(), Page()).rows
    newest, oldest = payments[0], payments[-1]

    assert (withdrawal.batch.number, withdrawal.chunk, withdrawal.slot) == (2, 0, 0)
    assert (newest.batch.number, newest.slot) == (2, 1)
    assert (oldest.batch.number, oldest.block.number) == (1, 3)


def test_reader__single_rows__succeeds(engine):
    journal = sample()
    projections = Projections(engine, DOMAIN)
    projections.apply_final_blocks(journal.blocks)
    for event in CHAIN_EVENTS:
        projections.apply_chain_event(event)
    reader = Reader(engine)

    assert reader.rejection(journal.blocks[3].body.rejections[0].record_id).code == 126
    assert [row.asset_id for row in reader.assets(Page()).rows] == [1]
    assert reader.deposit(0).seen.confirmed_l1_block_number == 6
    assert reader.deposit(1).seen is None
    assert reader.deposit(9) is None
    assert reader.withdrawals(OrderFilter(), Page()).rows[0].claim is not None
    assert reader.block_number() == 5


def test_events__position__goes_on_in_both_sources_holds(engine):
    journal = sample()
    projections = Projections(engine, DOMAIN)
    projections.apply_final_blocks(journal.blocks)
    for event in CHAIN_EVENTS:
        projections.apply_chain_event(event)
    stream = EventStream(engine)

    everything = stream.after(EventPosition(), 1_000)
    middle = everything[len(everything) // 2].position
    rest = stream.after(middle, 1_000)
    mine = stream.after(EventPosition(), 1_000, ("payment.final",), key("newcomer").address)

    assert everything[-1].position == stream.end()
    assert [event.row for event in rest] == [
        event.row for event in everything[len(everything) // 2 + 1 :]
    ]
    assert len(mine) == 1


@pytest.mark.parametrize("text", ["", "1", "x.1", "1.-1", "1.1.1", "٣.1", "9" * 50 + ".1"])
def test_event_position__no_position__rejects(text):
    with pytest.raises(MalformedRequest):
        EventPosition.parse(text)


def wait_for(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_projector__replay_and_observed__applies_each_once_succeeds(engine):
    journal = sample()
    projections, stream = Projections(engine, DOMAIN), EventStream(engine)
    changes = []
    stop = stream.listen(lambda: changes.append(1))
    projector = Projector(projections, stream)
    for block in journal.blocks[1:]:
        projector.observe(block)
    for event in CHAIN_EVENTS:
        projector.observe_chain(event)
    order_count = sum(len(block.body.records) for block in journal.blocks[1:])
    assert projector.waiting_orders() == order_count > 0

    projector.start(lambda from_block: iter(journal.blocks[from_block - 1 : 3]))
    wait_for(lambda: Reader(engine).deposit(0) and Reader(engine).batch(1) is not None)
    assert projector.is_alive
    projector.stop()
    stop()

    assert projector.waiting_orders() == 0
    assert projections.block_number == 5
    assert changes
    assert not projector.is_alive


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_projector__block_left_out__stops_and_says_so_rejects(engine):
    journal = sample()
    projector = Projector(Projections(engine, DOMAIN), EventStream(engine))
    projector.start(lambda _: iter(()))
    projector.observe(journal.blocks[3])

    wait_for(lambda: not projector.is_alive)

    assert "left out" in str(projector.error)
    projector.stop()


def test_insert_rows__fast_path__equals_the_readable_one_holds(engine, tmp_path):
    other = open_database("projections", f"sqlite:///{tmp_path / 'o.sqlite3'}")
    hash_ = b"\x01" * 32
    row = {column.name: 7 for column in payments.columns} | {
        name: hash_ for name in ("id", "memo", "link", "payer", "payee", "signature")
    }
    rows = [row, row | {"sequence": 8, "id": b"\x02" * 32, "valid_until": 2**64 - 1}]

    with engine.begin() as connection:
        bulk.insert_rows(connection, payments, rows)
    with other.begin() as connection:
        connection.execute(insert(payments), rows)

    found = []
    for one in (engine, other):
        with one.connect() as connection:
            found.append([tuple(row) for row in connection.execute(select(payments))])
    assert found[0] == found[1]


def test_idempotency__died_in_flight__may_be_tried_again_once_holds(registers):
    keys = IdempotencyKeys(registers)
    assert keys.begin("k", "a", "POST /x", {"a": {"b": 1}}, 0) is None
    with pytest.raises(RequestInProgress):
        keys.begin("k", "a", "POST /x", {"a": {"b": 1}}, 10)
    with pytest.raises(IdempotencyKeyReused, match=r"a\.b"):
        keys.begin("k", "a", "POST /x", {"a": {"b": 2}}, 10)
    with pytest.raises(IdempotencyKeyReused, match="c"):
        keys.begin("k", "a", "POST /x", {"a": {"b": 1}, "c": 1}, 10)

    later = IN_FLIGHT_MS_MAX + 1
    assert keys.begin("k", "a", "POST /x", {"a": {"b": 1}}, later) is None
    with pytest.raises(RequestInProgress):
        keys.begin("k", "a", "POST /x", {"a": {"b": 1}}, later)
    keys.finish("k", "a", Answer(200, "{}"))
    assert keys.begin("k", "a", "POST /x", {"a": {"b": 1}}, later) == Answer(200, "{}")
    assert keys.begin("other", "a", "POST /y", {}, later) is None
    keys.release("other", "a")
    with pytest.raises(IdempotencyKeyReused):
        keys.begin("other", "a", "POST /z", {}, later)
    assert keys.begin("other", "a", "POST /y", {}, later) is None
    with pytest.raises(RequestInProgress):
        keys.begin("other", "a", "POST /y", {}, later)
    assert keys.prune(later + KEPT_MS + 1) == 2


def test_applicants__events_and_lists__succeeds(registers):
    applicants = Applicants(registers)
    person = b"\x01" * 20
    applicant = Applicant("app_1", "sandbox", "r", "c", person, 1, "pending", ("A", "B"), 1, 1)

    assert applicants.add(applicant) == applicants.add(applicant) == applicant
    assert applicants.list(None, 5) == applicants.of_person(person) == [applicant]
    assert applicants.list("app_1", 5) == []
    assert applicants.note_event("sandbox", b"\x01" * 32, "r1", 1)
    assert not applicants.note_event("sandbox", b"\x01" * 32, "r1", 2)
