"""One chain for all drills that leave it alone."""

import asyncio

import pytest

from backend.settlement.anvil import start_anvil, stop_anvil
from scripts.ports import free_port


@pytest.fixture(scope="session")
def drill_chain(tmp_path_factory):
    """An anvil of the drills' own; each drill has its own contracts on it."""
    folder = tmp_path_factory.mktemp("drill-chain")
    pid_file = folder / "anvil.pid"

    started = asyncio.run(start_anvil(pid_file, port=free_port(), log_file=folder / "anvil.log"))
    yield started
    asyncio.run(stop_anvil(pid_file))
