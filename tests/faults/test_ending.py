"""The platform's process ends, by a signal or because it can't start.

- SIGTERM: all parts are closed, exit code 0, no helper process is left
- SIGKILL: no helper process is left either
- no node, no deployment, a wrong passphrase, a port that is taken, a log that another process has
  open, a database that is none, settings that are refused: one line that says what to do
"""

import asyncio
import shutil
import socket

import pytest
from pydantic import SecretStr

from backend.engine.log import LocalLog
from scripts.ports import free_port
from tests.faults.platform_child import Child, drill_settings
from tests.faults.world import made_world, wait_for


@pytest.fixture(scope="module")
def deployed(drill_chain, tmp_path_factory):
    """A deployment whose platform has never run."""
    return asyncio.run(made_world(tmp_path_factory.mktemp("ending"), drill_chain.port))


@pytest.fixture
def child(deployed, tmp_path):
    """A platform of that deployment with a data folder of its own."""
    shutil.copytree(deployed.data_dir, tmp_path, dirs_exist_ok=True)
    child = Child(
        deployed.settings.model_copy(
            update={"data_dir": tmp_path, "deployments_dir": tmp_path / "deployments"}
        )
    )
    yield child
    child.kill()


async def refused(child: Child) -> str:
    """Start it; return the one line that it ends with."""
    child.spawn()
    code = await child.ended()
    lines = [line for line in child.output.read_text().splitlines() if line[:1] != "{"]
    assert (code, len(lines)) == (1, 1), child.last_words()
    return lines[0].removeprefix("causeway: ")


async def is_left(child: Child) -> bool:
    return not child.living_helpers()


async def test_terminate__running__closes_all_succeeds(child):
    await child.start()

    code = await child.terminate()

    assert code == 0, child.last_words()
    assert len(child.helpers) >= 1
    await wait_for("the end of helper processes", lambda: is_left(child))


async def test_terminate__while_starting__closes_all_succeeds(child):
    await child.start()
    await child.terminate()
    words = len(child.output.read_text())
    child.spawn()
    while len(child.output.read_text()) == words and await child.died(0) is False:
        await asyncio.sleep(0.01)

    code = await child.terminate()

    assert code == 0, child.last_words()


async def test_kill__proof_process_runs__it_ends_too_holds(child):
    await child.start()

    child.kill()

    assert len(child.helpers) >= 1
    await wait_for("the end of helper processes", lambda: is_left(child))


async def test_start__no_node__rejects(child):
    child.settings = drill_settings(child.settings.data_dir, free_port())

    line = await refused(child)

    assert line.startswith(f"no node answers at {child.settings.rpc_url}. Start it")


async def test_start__not_deployed__rejects(child):
    shutil.rmtree(child.settings.deployments_dir)

    assert "holds no deployment for this chain. Run `causeway deploy`." in await refused(child)


async def test_start__wrong_passphrase__rejects(child):
    child.settings = child.settings.model_copy(update={"keys_passphrase": SecretStr("another")})

    assert "check CAUSEWAY_KEYS_PASSPHRASE" in await refused(child)


async def test_start__port_taken__rejects(child):
    with socket.create_server((child.settings.api_host, child.settings.api_port)):
        line = await refused(child)

    assert f":{child.settings.api_port} (Address already in use)" in line
    assert "set CAUSEWAY_API_PORT" in line


async def test_start__log_open_elsewhere__rejects(child):
    path = child.settings.data_dir / "ledger.log"

    with LocalLog(path):
        line = await refused(child)

    assert line.startswith(f"{path} is open in process ")


async def test_start__records_are_no_database__rejects(child):
    path = child.settings.data_dir / "projections.sqlite"
    path.write_bytes(b"no database" * 1000)

    line = await refused(child)

    assert str(path) in line
    assert "Delete it: it is rebuilt from the log and the chain." in line


async def test_start__production_with_default_secrets__rejects(child):
    child.settings = child.settings.model_copy(update={"environment": "production"})

    assert "set CAUSEWAY_KEYS_PASSPHRASE" in await refused(child)
