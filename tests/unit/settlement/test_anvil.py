"""Starting and stopping anvil.

- a start, a second start of the same, a stop, a second stop
- the chain is kept over a restart
- the states of old blocks, which would fill the disk
- a port that is taken; flags that it refuses
- a pid file that speaks of another program
- the development accounts
"""

import json
import os
import socket

import pytest
from eth_account import Account

from backend.settlement.anvil import (
    AnvilFailed,
    dev_key,
    dev_secret,
    increase_time,
    mine,
    running_anvil,
    start_anvil,
    stop_anvil,
)
from backend.settlement.client import ChainClient
from backend.toolchain import CACHE_DIR
from scripts.ports import free_port


@pytest.fixture
def port():
    return free_port()


async def test_start_anvil__twice__changes_nothing(tmp_path, port):
    pid_file = tmp_path / "anvil.pid"

    first = await start_anvil(pid_file, port=port)
    second = await start_anvil(pid_file, port=port)
    was_running = await stop_anvil(pid_file)

    assert first == second
    assert was_running
    assert running_anvil(pid_file) is None
    assert not await stop_anvil(pid_file)


async def test_start_anvil__kept_state__succeeds(tmp_path, port):
    pid_file, state_file = tmp_path / "anvil.pid", tmp_path / "state.json"
    process = await start_anvil(pid_file, port=port, state_file=state_file)
    client = ChainClient(process.url)
    await mine(client, 7)
    await increase_time(client, 1_000)
    before = await client.latest()
    await stop_anvil(pid_file)

    await start_anvil(pid_file, port=port, state_file=state_file)
    kept = await client.block(before.number)
    await stop_anvil(pid_file)
    await client.close()

    assert kept == before
    assert before.number >= 8


async def test_start_anvil__port_taken__rejects(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(AnvilFailed, match="is taken"):
            await start_anvil(tmp_path / "anvil.pid", port=taken.getsockname()[1])


async def test_start_anvil__many_blocks__leaves_no_states_on_disk_succeeds(tmp_path, port):
    pid_file = tmp_path / "anvil.pid"
    process = await start_anvil(pid_file, port=port)
    states = CACHE_DIR / "anvil/.foundry/anvil/tmp"
    before = set(states.glob("*/*"))
    client = ChainClient(process.url)
    await mine(client, 2_000)
    await client.close()

    written = set(states.glob("*/*")) - before
    await stop_anvil(pid_file)
    assert not written


async def test_start_anvil__bad_flag__rejects(tmp_path, port):
    with pytest.raises(AnvilFailed, match="did not start"):
        await start_anvil(
            tmp_path / "anvil.pid", port=port, log_file=tmp_path / "log", flags=["--nonsense"]
        )
    assert "--nonsense" in (tmp_path / "log").read_text()


async def test_stop_anvil__pid_of_another_program__changes_nothing(tmp_path):
    pid_file = tmp_path / "anvil.pid"
    pid_file.write_text(json.dumps({"pid": os.getpid(), "port": 1, "host": "127.0.0.1"}))

    assert running_anvil(pid_file) is None
    assert not await stop_anvil(pid_file)


def test_dev_key__first__succeeds():
    address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"

    assert Account.from_key(dev_secret(0)).address == address
    assert "0x" + dev_key(0).address.hex() == address.lower()
