"""The register of payouts.

- a line's end is written once
- a payout that failed gives way to the same one; one that did not stays
- sums by status and code
"""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from backend.records.database import open_database, sqlite_url
from backend.records.registers.payouts import PAID, SKIPPED, LineEnd, Payouts
from backend.records.tables.approvals import payout_lines

ID, ORDER = b"\x01" * 32, b"\x02" * 32


@pytest.fixture
def register(tmp_path):
    engine = open_database("registers", sqlite_url(tmp_path / "r.sqlite3"))
    yield Payouts(engine)
    engine.dispose()


def values(**changes):
    amounts = ("unit", "attempt", "nonce_first", "valid_until", "deadline_ts_s", "skip_fee_minor")
    counts = ("line_count", "total_minor", "fees_minor", "created_ts_ms", "updated_ts_ms")
    return {
        "id": ID,
        "owner": b"\x03" * 20,
        "asset_id": 1,
        "token": b"\x04" * 20,
        "returns": b"\x05" * 20,
        "status": "proposed",
        "root": b"\x06" * 32,
        "creator_key": "key",
        **dict.fromkeys(amounts + counts, 1),
    } | changes


def lines(count):
    return [
        {
            "payout_id": ID,
            "line_index": index,
            "number": index + 2,
            "payee": b"\x07" * 20,
            "amount_minor": 10 + index,
            "fee_minor": 0,
            "memo": "",
            "reference": "",
            "follows": bytes(32),
            "status": "waiting",
        }
        for index in range(count)
    ]


def test_end_lines__twice__keeps_the_first_changes_nothing(register):
    register.add(values(), lines(2))
    register.mark_skipping(ID, [(0, "PAYEE_BLOCKED")])
    register.end_lines(ID, [LineEnd(0, SKIPPED, "PAYEE_BLOCKED", None)])
    register.end_lines(ID, [LineEnd(1, PAID, None, ORDER)])

    register.end_lines(ID, [LineEnd(0, PAID, None, ORDER), LineEnd(1, SKIPPED, "X", None)])
    register.mark_skipping(ID, [(0, "X"), (1, "X")])

    first, second = register.lines(ID)
    assert (first.status, first.code, first.order_id) == (SKIPPED, "PAYEE_BLOCKED", None)
    assert (second.status, second.code, second.order_id) == (PAID, None, ORDER)
    assert register.undecided(ID, 10) == []


def test_add__one_that_failed__gives_way_succeeds(register):
    register.add(values(), lines(3))
    register.set_status(ID, "failed", 2)

    register.add(values(attempt=2), lines(2))

    assert register.get(ID).attempt == 2
    assert len(register.lines(ID)) == 2


def test_add__one_in_progress__rejects(register):
    register.add(values(), lines(3))

    with pytest.raises(IntegrityError):
        register.add(values(attempt=2), lines(2))

    assert register.get(ID).attempt == 1
    assert len(register.lines(ID)) == 3


def test_sums__by_status_and_code__succeeds(register):
    register.add(values(), lines(4))
    register.end_lines(ID, [LineEnd(0, PAID, None, ORDER), LineEnd(1, SKIPPED, "X", None)])

    assert set(register.sums(ID)) == {
        (PAID, None, 1, 10),
        (SKIPPED, "X", 1, 11),
        ("waiting", None, 2, 25),
    }
    assert register.counts(ID)["waiting"] == (2, 25)
    with register._engine.connect() as connection:
        assert len(connection.execute(select(payout_lines)).all()) == 4
