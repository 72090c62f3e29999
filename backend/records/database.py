"""Opens a database and brings its tables up to date.

SQLite is what runs and is tested. Types and statements are prepared for PostgreSQL, but its driver
is not installed and no test has met it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, MetaData, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from backend.records.tables import (
    approvals,
    collecting,
    custody,
    prizes,
    projections,
    registers,
)

MIGRATIONS_DIR: Final = Path(__file__).parent / "migrations"
# Each module adds its tables to the metadata of the registers by being imported.
REGISTER_MODULES: Final = (registers, collecting, custody, approvals, prizes)
METADATA: Final[dict[str, MetaData]] = {
    "registers": registers.metadata,
    "projections": projections.metadata,
}
DatabaseName = Literal["registers", "projections"]

_CURES: Final[dict[DatabaseName, str]] = {
    "registers": "Restore it from a backup: it holds API keys and applicants.",
    "projections": "Delete it: it is rebuilt from the log and the chain.",
}


class DatabaseUnreadable(Exception):
    """A database can't be opened, or isn't what we left there."""

    def __init__(self, name: DatabaseName, url: str, reason: str) -> None:
        super().__init__(f"the database {name} ({url}) can't be used: {reason}. {_CURES[name]}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Databases:
    """Both databases, open."""

    registers: Engine
    projections: Engine

    def dispose(self) -> None:
        """Close all connections."""
        self.registers.dispose()
        self.projections.dispose()


def open_databases(registers_url: str, projections_url: str) -> Databases:
    """Open both databases, making or changing their tables as needed. A repeat does nothing."""
    opened = Databases(
        open_database("registers", registers_url), open_database("projections", projections_url)
    )
    return opened


def sqlite_url(path: Path) -> str:
    """Return the URL of an SQLite file; it and its folder are made if there are none, for their
    owner's eyes alone. What SQLite puts beside the file has the file's rights.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(0o600)
    return f"sqlite:///{path}"


def open_database(name: DatabaseName, url: str) -> Engine:
    """Open one database and bring it to the newest step. Raises DatabaseUnreadable."""
    is_remote = make_url(url).get_backend_name() != "sqlite"
    # Errors end in logs: without parameters, which may name people.
    engine = create_engine(url, pool_pre_ping=is_remote, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        # Registers can't be rebuilt, so each commit of theirs waits for the disk.
        _prepare_sqlite(engine, synchronous="FULL" if name == "registers" else "NORMAL")
    try:
        upgrade(name, engine)
    except (DBAPIError, CommandError) as error:
        engine.dispose()
        reason = error.orig if isinstance(error, DBAPIError) else error
        shown = make_url(url).render_as_string(hide_password=True)
        raise DatabaseUnreadable(name, shown, str(reason).strip()) from error
    return engine


def _prepare_sqlite(engine: Engine, synchronous: Literal["FULL", "NORMAL"]) -> None:
    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: object) -> None:
        for pragma in (
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            "busy_timeout = 10000",
            "temp_store = MEMORY",
            "cache_size = -65536",
        ):
            connection.execute(f"PRAGMA {pragma}").close()


def upgrade(name: DatabaseName, engine: Engine) -> None:
    """Run the steps that `engine` has not had yet, in one transaction."""
    script = ScriptDirectory(str(MIGRATIONS_DIR), version_locations=[str(MIGRATIONS_DIR / name)])

    def steps(revision: Sequence[str], _context: MigrationContext) -> list[RevisionStep]:
        return script._upgrade_revs("head", revision)  # type: ignore[arg-type]

    # What env.py does when alembic's command line runs it, without a file for it.
    with (
        engine.connect() as connection,
        EnvironmentContext(Config(), script, fn=steps, destination_rev="head") as environment,
    ):
        environment.configure(connection=connection, target_metadata=METADATA[name])
        with environment.begin_transaction():
            environment.run_migrations()
        connection.commit()
