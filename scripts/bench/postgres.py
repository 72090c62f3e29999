"""What the same money costs as rows of a database: `python -m scripts.bench --only postgres`.

A PostgreSQL of its own in a temporary folder, reached by a Unix socket alone, that syncs each
commit to the disk. Each transaction makes a thousand transfers with one statement: two entries and
two changed balances for each. All doubts are decided for PostgreSQL: no index but the accounts'
key, transfers drawn and written as text beforehand, and clients with accounts of their own, so that
none ever waits for another. Nobody signs anything.
"""

import getpass
import os
import pwd
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psycopg

HOW_TO_INSTALL = "install the package postgresql (on Debian: apt-get install postgresql)"
_TRANSFERS = 1_000  # in a transaction
_BATCHES = 200  # drawn beforehand, used again and again
_CLIENTS = 2
_DATABASE = "postgres"
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
}
_SCHEMA = """
create table accounts (id bigint primary key, balance_minor bigint not null
    check (balance_minor >= 0)) with (fillfactor = 50);
create table entries (account_id bigint not null, amount_minor bigint not null);
insert into accounts select id, 1000000000000 from generate_series(0, {accounts} - 1) id;
"""
_TRANSFER = """
with transfers as (
    select * from unnest(%s::bigint[], %s::bigint[], %s::bigint[]) t(payer, payee, amount_minor)
), entered as (
    insert into entries
    select payer, -amount_minor from transfers union all select payee, amount_minor from transfers
    returning account_id, amount_minor
), sums as (
    select account_id, sum(amount_minor)::bigint amount_minor from entered group by account_id
)
update accounts set balance_minor = balance_minor + sums.amount_minor
from sums where accounts.id = sums.account_id
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What clients do."""

    accounts: int = 1_000_000
    warm_up_s: float = 3
    measured_s: float = 12


def measure(load: Load) -> dict[str, Any]:
    """Return the transfers a second, and how they were made; without PostgreSQL, `value` is None
    and `how` says how to install it.
    """
    programs = find_programs()
    if programs is None:
        return {"value": None, "how": HOW_TO_INSTALL}
    with _server(programs) as folder:
        with psycopg.connect(_address(folder), autocommit=True) as connection:
            connection.execute(_SCHEMA.format(accounts=load.accounts))
            connection.execute("vacuum analyze accounts")
            connection.execute("checkpoint")
            version = connection.info.parameter_status("server_version")
        with ProcessPoolExecutor(_CLIENTS, get_context("spawn")) as clients:
            jobs = [(_address(folder), load, number) for number in range(_CLIENTS)]
            per_s = sum(clients.map(_transfers_per_s, *zip(*jobs, strict=True)))
        with psycopg.connect(_address(folder)) as connection:
            _check(connection, load)
    return {
        "value": round(per_s),
        "how": f"PostgreSQL {version}, {_CLIENTS} clients, {_TRANSFERS:,} transfers a transaction, "
        f"{load.accounts:,} accounts, fsync on, {load.measured_s:g} s",
    }


def find_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest first; Debian leaves them off PATH."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: float(path.parts[-3]),
        reverse=True,
    )
    on_path = shutil.which("initdb")
    candidates = [*found, *([Path(on_path)] if on_path else [])]
    return candidates[0].parent if candidates else None


@contextmanager
def _server(programs: Path) -> Iterator[Path]:
    """Run a server in a temporary folder, which is gone afterwards; yield the folder."""
    user = _user()
    with tempfile.TemporaryDirectory(prefix="bench-postgres-") as name:
        folder = Path(name)
        shutil.chown(folder, user)
        data = folder / "data"
        with (folder / "log").open("wb") as log:
            run = partial(subprocess.Popen, cwd=folder, user=user, env={}, stdout=log, stderr=log)
            command = f"{programs}/initdb", "-D", str(data), "-A", "trust", "-U", user, "--no-sync"
            if run(command).wait():
                raise RuntimeError(f"initdb failed: {(folder / 'log').read_text()}")
            options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
            server = run((f"{programs}/postgres", "-D", str(data), "-k", str(folder), *options))
        try:
            _wait_until_ready(server, folder)
            yield folder
        finally:
            server.send_signal(signal.SIGINT)  # end at once, and in order
            server.wait()


def _user() -> str:
    """Return who runs the server: it refuses to be run by root."""
    if os.geteuid() != 0:
        return getpass.getuser()
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _address(folder: Path) -> str:
    return f"host={folder} dbname={_DATABASE} user={_user()}"


def _wait_until_ready(server: "subprocess.Popen[Any]", folder: Path) -> None:
    while server.poll() is None:
        try:
            psycopg.connect(_address(folder)).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text()}")


def _transfers_per_s(address: str, load: Load, number: int) -> float:
    """Make transfers among a client's accounts; return how many a second after the warm-up."""
    batches = _batches(load, number)
    with psycopg.connect(address, autocommit=True) as connection:
        for end_s in (load.warm_up_s, load.measured_s):
            count, started = 0, time.perf_counter()
            while time.perf_counter() - started < end_s:
                connection.execute(_TRANSFER, batches[count % len(batches)], prepare=True)
                count += 1
            seconds = time.perf_counter() - started
    return count * _TRANSFERS / seconds


def _batches(load: Load, number: int) -> list[tuple[str, str, str]]:
    """Return transfers as arrays in text, among the accounts of a client of this number."""
    chance = random.Random(number)
    own = range(number, load.accounts, _CLIENTS)
    batches = []
    for _ in range(_BATCHES):
        pairs = [chance.sample(own, 2) for _ in range(_TRANSFERS)]
        columns = (
            [payer for payer, _ in pairs],
            [payee for _, payee in pairs],
            [chance.randrange(1, 100_000) for _ in pairs],
        )
        payers, payees, amounts = ("{" + ",".join(map(str, column)) + "}" for column in columns)
        batches.append((payers, payees, amounts))
    return batches


def _check(connection: "psycopg.Connection[Any]", load: Load) -> None:
    """Raise RuntimeError unless entries and balances agree, and no money was made."""
    row = connection.execute(
        "select (select sum(amount_minor) from entries), (select sum(balance_minor) from accounts)"
    ).fetchone()
    if row != (0, load.accounts * 10**12):
        raise RuntimeError(f"PostgreSQL's balances are wrong: {row}")
