"""A chain for each test: anvil starts in 60 ms, and our contracts are on it in 100."""

from dataclasses import replace

import pytest

from backend.settlement.anvil import start_anvil, stop_anvil
from backend.settlement.client import ChainClient
from backend.settlement.kzg import Kzg
from scripts.ports import free_port
from tests.e2e.settlement.chain import Chain, deployed
from tests.e2e.settlement.lying_node import GethLikeNode


@pytest.fixture
async def anvil(tmp_path):
    pid_file = tmp_path / "anvil.pid"
    yield await start_anvil(pid_file, port=free_port(), log_file=tmp_path / "anvil.log")
    await stop_anvil(pid_file)


@pytest.fixture
async def client(anvil):
    client = ChainClient(anvil.url)
    yield client
    await client.close()


@pytest.fixture
async def l1(client, tmp_path):
    """Return contracts on a chain whose blocks come with transactions and by `mine` alone: else a
    busy machine would decide how many there are."""
    await client.rpc("evm_setIntervalMining", 0)
    await client.rpc("evm_setAutomine", True)
    return Chain(client, await deployed(client, tmp_path), tmp_path / "anvil.pid")


@pytest.fixture
async def geth_like(l1):
    """Return the same chain, asked through a node that does as geth does."""
    async with GethLikeNode(l1.client.url).running() as node:
        client = ChainClient(node.url)
        yield replace(l1, client=client)
        await client.close()


@pytest.fixture(scope="session")
def kzg():
    kzg = Kzg()
    yield kzg
    kzg.close()
