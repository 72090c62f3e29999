"""The platform that the tests of the access plane talk to."""

import pytest

from tests.unit.access.world import running_world


@pytest.fixture
async def world(tmp_path):
    async with running_world(tmp_path) as running:
        yield running
