"""The databases: their tables come from the migrations alone.

- the migrated tables are those that the code describes, for both databases
- opening twice changes nothing
- SQLite is in WAL mode; registers wait for the disk
- a file that is no database; a file that is new, for its owner alone
"""

import importlib

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from backend.records.database import (
    METADATA,
    MIGRATIONS_DIR,
    DatabaseUnreadable,
    open_database,
    open_databases,
    sqlite_url,
    upgrade,
)
from backend.records.tables import types

NAMES = ("registers", "projections")


def _steps(name):
    """The modules of a database's migrations, the first first."""
    files = sorted((MIGRATIONS_DIR / name).glob("v*.py"))
    return [
        importlib.import_module(f"backend.records.migrations.{name}.{file.stem}") for file in files
    ]


@pytest.mark.parametrize("name", NAMES)
def test_upgrade__empty_database__has_the_tables_of_the_code_succeeds(name, tmp_path):
    engine = open_database(name, sqlite_url(tmp_path / "new" / "x.sqlite3"))

    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), METADATA[name])

    assert differences == []


@pytest.mark.parametrize("name", NAMES)
def test_open_database__again__changes_nothing(name, tmp_path):
    url = sqlite_url(tmp_path / "x.sqlite3")
    first = set(inspect(open_database(name, url)).get_table_names())

    second = set(inspect(open_database(name, url)).get_table_names())

    assert first == second == {*METADATA[name].tables, "alembic_version"}


def test_open_databases__sqlite__writes_ahead_succeeds(tmp_path):
    databases = open_databases(
        sqlite_url(tmp_path / "r.sqlite3"), sqlite_url(tmp_path / "p.sqlite3")
    )

    with databases.registers.connect() as registers, databases.projections.connect() as projections:
        modes = [
            connection.exec_driver_sql("PRAGMA journal_mode").scalar()
            for connection in (registers, projections)
        ]
        levels = [
            connection.exec_driver_sql("PRAGMA synchronous").scalar()
            for connection in (registers, projections)
        ]

    assert modes == ["wal", "wal"]
    assert levels == [2, 1]
    databases.dispose()


@pytest.mark.parametrize("name", NAMES)
def test_migrations__steps__name_every_table_once_holds(name):
    named = [table for step in _steps(name) for table in step.TABLES]

    assert sorted(named) == sorted(METADATA[name].tables)


def test_unsigned64__both_halves__keeps_the_number_holds():
    for value in (0, 2**63 - 1, 2**63, 2**64 - 1, None):
        stored = types.U64.process_bind_param(value, None)
        assert types.U64.process_result_value(stored, None) == value


def test_migrations__steps__import_no_tables_holds():
    for name in NAMES:
        for step in _steps(name):
            assert not hasattr(step, "metadata")


def test_upgrade__memory__succeeds():
    engine = create_engine("sqlite://")

    upgrade("registers", engine)


@pytest.mark.parametrize(
    ("name", "cure"), [("registers", "from a backup"), ("projections", "Delete it")]
)
def test_open_database__not_a_database__rejects(tmp_path, name, cure):
    path = tmp_path / "records.sqlite"
    path.write_bytes(b"not a database at all, but long enough to be read as one" * 100)

    with pytest.raises(DatabaseUnreadable, match=f"{path}.*{cure}"):
        open_database(name, sqlite_url(path))


def test_open_database__new_file__is_for_its_owner_alone_holds(tmp_path):
    path = tmp_path / "new" / "r.sqlite3"

    engine = open_database("registers", sqlite_url(path))
    with engine.connect():
        rights = {one.name: one.stat().st_mode & 0o077 for one in path.parent.iterdir()}
        folder = path.parent.stat().st_mode & 0o077
    engine.dispose()

    assert set(rights) == {"r.sqlite3", "r.sqlite3-wal", "r.sqlite3-shm"}
    assert {*rights.values(), folder} == {0}
