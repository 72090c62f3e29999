"""The whole platform starts on files that a crash, a disk or an operator has changed.

- ledger.log, submissions.log: a torn tail is cut; a changed byte is named, and refused
- ledger.log of another deployment: refused
- snapshots broken: passed over
- projections.sqlite deleted: rebuilt with the same rows; registers are kept
"""

import asyncio
import shutil
import sqlite3
from collections import Counter
from random import Random

import pytest

from backend.engine.log import LocalLog
from backend.engine.log_frames import body_of, frame_of
from backend.engine.recovery import check_identity
from causeway import AsyncClient
from tests.faults import laws
from tests.faults.customers import Customer
from tests.faults.platform_child import Child
from tests.faults.test_ending import refused
from tests.faults.world import World, bring_money_in, made_world, settle_and_claim, wait_for

TRADES = 12
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def stopped(drill_chain, tmp_path_factory):
    """A world in which people paid, all is settled, and the platform was killed."""

    async def make() -> World:
        world = await made_world(tmp_path_factory.mktemp("files"), drill_chain.port)
        try:
            await world.child.start()
            await bring_money_in(world)
            async with world.client() as client:
                await pay(world, client, TRADES)
                await client.batches.post("calldata")
                await wait_for("posted orders", lambda: is_all_posted(client))
                await client.api_keys.create("kept")
                await settle_and_claim(world, client)
        finally:
            world.child.kill()
        return world

    return asyncio.run(make())


@pytest.fixture
def world(stopped, tmp_path):
    """A copy of it that posts nothing: all copies have one chain."""
    shutil.copytree(stopped.data_dir, tmp_path, dirs_exist_ok=True)
    (tmp_path / "backend.log").unlink()
    settings = stopped.settings.model_copy(
        update={
            "data_dir": tmp_path,
            "deployments_dir": tmp_path / "deployments",
            "batch_age_ms_max": HOUR_MS,
        }
    )
    copy = World(
        settings,
        stopped.deployment,
        stopped.node_config,
        stopped.people,
        Child(settings),
        stopped.book,
        stopped.assets,
    )
    yield copy
    copy.child.kill()


async def pay(world: World, client: AsyncClient, count: int) -> None:
    """Let somebody who has not paid yet send orders, and see them end."""
    person = world.people[len(world.book.sent) % len(world.people)]
    asset = next(iter(world.assets.values()))
    account = await client.accounts.get(person.address, asset.code)
    customer = Customer(person, asset, world.book, world.domain, account.nonce_next)
    await customer.trade(client, Random(count), [world.people[0].key.address], count)
    await customer.await_the_end(client)


async def is_all_posted(client: AsyncClient) -> bool:
    return (await client.batches.post()).operation_count == 0


async def goes_on(world: World) -> None:
    """The platform starts, says what it said, and takes payments."""
    before = laws.journal_of(world)
    await world.child.start()
    sent = dict(world.book.sent)
    try:
        async with world.client() as client:
            await laws.records_are_the_ledger(world, before, client)
            await pay(world, client, 1)
            after = laws.journal_of(world)
            laws.orders_end_once(world, after)
            laws.ledger_is_the_model(world, after)
            assert len(after.executed) > len(before.executed)
    finally:
        world.book.sent = sent  # the next copy knows nothing of it


@pytest.mark.parametrize("name", ["ledger.log", "submissions.log"])
@pytest.mark.parametrize("tail", ["half a frame", "a torn head"])
async def test_start__torn_tail__is_cut_and_goes_on_succeeds(world, name, tail):
    path = world.data_dir / name
    whole = path.read_bytes()
    half = _half_a_frame(path)
    path.write_bytes(whole + {"half a frame": half, "a torn head": half[:9]}[tail])

    await goes_on(world)

    assert path.read_bytes().startswith(whole)
    assert f'"offset": {len(whole)}, "event": "log_torn_tail_removed"' in world.child.last_words()


@pytest.mark.parametrize("name", ["ledger.log", "submissions.log"])
async def test_start__zeros_ahead__goes_on_succeeds(world, name):
    path = world.data_dir / name
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(5000))

    await goes_on(world)

    assert path.read_bytes().startswith(whole)
    assert "log_torn_tail_removed" not in world.child.output.read_text()


@pytest.mark.parametrize("name", ["ledger.log", "submissions.log"])
async def test_start__changed_byte__rejects(world, name):
    path = world.data_dir / name
    with LocalLog(path) as log:
        frame = len(log._offsets) // 2
        offset = log._offsets[frame]
    data = bytearray(path.read_bytes())
    data[offset + 30] ^= 1
    path.write_bytes(data)

    line = await refused(world.child)

    assert line.startswith(f"{path}: frame {frame} at byte {offset} has changed")
    assert "Restore the file from a backup, or recover this node from another one." in line
    assert path.read_bytes() == data


async def test_start__log_of_another_deployment__rejects(world, drill_chain, tmp_path_factory):
    other = await made_world(tmp_path_factory.mktemp("other"), drill_chain.port)
    with LocalLog(other.data_dir / "ledger.log") as log:
        check_identity(log, other.node_config.identity, 0)
    shutil.copy(other.data_dir / "ledger.log", world.data_dir / "ledger.log")

    line = await refused(world.child)

    mine, others = (w.deployment.address("Rollup").hex() for w in (world, other))
    assert line.lower().index(others) < line.lower().index(mine)
    assert "Give the node the data folder of its own chain, or an empty one." in line


@pytest.mark.parametrize("damage", ["changed", "cut", "empty"])
async def test_start__snapshots_broken__are_passed_over_succeeds(world, damage):
    snapshots = sorted((world.data_dir / "snapshots").glob("*.snapshot"))
    for path in snapshots:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes({"changed": data, "cut": data[:-50], "empty": b""}[damage])

    await goes_on(world)

    assert snapshots
    assert world.child.output.read_text().count('"event": "snapshot_ignored"') >= len(snapshots)


async def test_start__projections_deleted__are_rebuilt_equal_succeeds(world):
    before = rows(world, "projections")
    registers = rows(world, "registers")
    for path in world.data_dir.glob("projections.sqlite*"):
        path.unlink()

    await world.child.start()
    await wait_for("the chain's events", lambda: has_as_many(world, before))
    await world.child.terminate()

    after = content(rows(world, "projections"))
    assert after.keys() == before.keys()
    for table, expected in content(before).items():
        assert after[table] == expected, table
    assert rows(world, "registers")["api_keys"] == registers["api_keys"]
    assert rows(world, "registers")["applicants"] == registers["applicants"]


def rows(world: World, name: str) -> dict[str, list[tuple]]:
    """Return all rows of a database."""
    with sqlite3.connect(world.data_dir / f"{name}.sqlite") as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        tables = [table for (table,) in connection.execute(query)]
        found = {table: sorted(connection.execute(f"SELECT * FROM {table}")) for table in tables}
    connection.close()
    return found


def content(found: dict[str, list[tuple]]) -> dict[str, object]:
    """Return the rows without the number and the time of the chain's events: those say in which
    order and when they were noticed, which a rebuild can't know."""
    events = [
        (source, None, *rest[:4], None, *rest[5:]) if source == "chain" else (source, number, *rest)
        for source, number, *rest in found["events"]
    ]
    return found | {"events": Counter(events)}


async def has_as_many(world: World, expected: dict[str, list[tuple]]) -> bool:
    try:
        found = rows(world, "projections")
    except sqlite3.OperationalError:
        return False
    return all(len(found.get(table, [])) >= len(some) for table, some in expected.items())


def _half_a_frame(path) -> bytes:
    """Return a part of the frame that would come next."""
    with LocalLog(path) as log:
        body = body_of([bytes(range(256))])
        parts, _ = frame_of(log._chain_hash, log.next_position, 1, body)
    return b"".join(parts)[:-40]
