"""The register of prizes.

- a prize of the same id gives way, its entries with it
- entries: all, a person's; an unknown prize
- the migration names the tables of the code
"""

import pytest

from backend.records.database import open_database, sqlite_url
from backend.records.migrations.registers import v0005_bonuses
from backend.records.paging import Page
from backend.records.registers.prizes import Prizes
from backend.records.tables.prizes import prize_entries, prizes

ID = b"\x01" * 32
ALICE, BOB = b"\x0a" * 20, b"\x0b" * 20


@pytest.fixture
def register(tmp_path):
    engine = open_database("registers", sqlite_url(tmp_path / "r.sqlite3"))
    yield Prizes(engine)
    engine.dispose()


def values(**changes):
    numbers = ("asset_id", "entry_count", "total_minor", "fees_minor", "deadline_ts_s")
    return {
        "id": ID,
        "sponsor": ALICE,
        "payout": "wallet",
        "creator_key": "key",
        "created_ts_ms": 1,
        **dict.fromkeys(("root", "salt", "terms_hash"), b"\x06" * 32),
        **dict.fromkeys(numbers, 1),
    } | changes


def entries(*people):
    return [
        {"prize_id": ID, "entry_index": index, "person": person, "amount_minor": 10 + index}
        for index, person in enumerate(people)
    ]


def test_add__again__gives_way_succeeds(register):
    register.add(values(), entries(ALICE, BOB, ALICE))

    register.add(values(deadline_ts_s=2), entries(BOB))

    assert register.get(ID).deadline_ts_s == 2
    assert [row.person for row in register.entries(ID)] == [BOB]
    assert len(register.list(Page()).rows) == 1


def test_entries__of_a_person__in_order_succeeds(register):
    register.add(values(), entries(ALICE, BOB, ALICE))

    of_alice = register.entries_page(ID, ALICE, Page())
    rest = register.entries_page(ID, None, Page(limit=2, after=0))

    assert [row.entry_index for row in of_alice.rows] == [0, 2]
    assert [row.entry_index for row in rest.rows] == [1, 2]
    assert (of_alice.has_more, rest.has_more) == (False, False)


def test_tables__of_the_migration__are_those_of_the_code_holds():
    assert v0005_bonuses.TABLES == (prizes.name, prize_entries.name)


def test_get__unknown__changes_nothing(register):
    assert register.get(ID) is None
    assert register.entries_page(ID, BOB, Page()).rows == []
