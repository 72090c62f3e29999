"""Runs a node upon the test's own log."""

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from backend.engine.log import LocalLog
from backend.engine.node import Node
from tests.unit.engine.committee import (
    funded_l1,
)
from tests.unit.engine.nodes import CONFIG, PAYER, clock_ms


@pytest.fixture
def l1():
    return funded_l1(PAYER.address, amount_minor=1_000)


@pytest.fixture
def run(tmp_path, l1):
    """Return a context in which a node runs upon the test's log."""

    @asynccontextmanager
    async def run(**changes):
        with LocalLog(tmp_path / "log") as log:
            node = Node(replace(CONFIG, **changes), log, l1, clock_ms)
            await node.start()
            try:
                yield node
            finally:
                await node.stop()

    return run
