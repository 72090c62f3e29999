"""What the tests of proposals look at and turn."""

import pytest


@pytest.fixture
def treasury(world):
    return world.dependencies.approvals.treasury


@pytest.fixture
def desk(world):
    return world.api.state.services.approvals.proposals


@pytest.fixture
def approver(world):
    """The headers of somebody else than the proposals' maker."""
    _, text = world.dependencies.registers.api_keys.create("approver", ("*",), world.clock())
    return {"Authorization": f"Bearer {text}"}
