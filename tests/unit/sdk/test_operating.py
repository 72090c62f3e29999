"""The client's resources for operators, against the real API.

- API keys: made with a secret once, listed, revoked for ever
- applicants: listed
- batches: none yet; posting answers how much waits
"""

import httpx
import pytest

import causeway
from tests.unit.access.world import API_KEY, running_world
from tests.unit.sdk.test_client import PAYER


@pytest.fixture
async def platform(tmp_path):
    async with running_world(tmp_path) as world:
        transport = httpx.ASGITransport(world.api)
        async with causeway.AsyncClient("http://api", API_KEY, transport=transport) as connected:
            yield connected


async def test_api_keys__made_and_revoked__succeeds(platform):
    made = await platform.api_keys.create("billing", ["payments:read"])
    revoked = await platform.api_keys.revoke(made.id)

    assert made.secret is not None
    assert made.secret.startswith("cwk_")
    assert made.scopes == ["payments:read"]
    assert revoked.revoked_at is not None
    assert (revoked.id, revoked.secret) == (made.id, None)
    listed = {one.id: one.revoked_at async for one in platform.api_keys.list()}
    assert listed[made.id] == revoked.revoked_at


async def test_applicants_list__one_made__succeeds(platform):
    made = await platform.applicants.create(external_id="one", person=PAYER.address)

    assert [one.id async for one in platform.applicants.list()] == [made.id]


async def test_batches__none_yet__succeeds(platform):
    posting = await platform.batches.post("calldata")

    assert (posting.operation_count, posting.carrier) == (0, "calldata")
    assert [one async for one in platform.batches.list()] == []
    with pytest.raises(causeway.NotFound) as refused:
        await platform.batches.get(7)
    assert refused.value.code == "BATCH_NOT_FOUND"
