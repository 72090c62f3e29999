"""API keys: made, used, revoked; unknown, and those that may do more than the caller's."""

import json

from tests.unit.access.scenes import get
from tests.unit.access.world import (
    error_of,
)


async def test_api_keys__made_used_revoked__succeeds(world):
    body = {"name": "billing", "scopes": ["payments:read", "api-keys:write"]}
    made = (await world.post("/v1/api-keys", body, **{"Idempotency-Key": "k1"})).json()
    replayed = (await world.post("/v1/api-keys", body, **{"Idempotency-Key": "k1"})).json()
    headers = {"Authorization": f"Bearer {made['secret']}"}

    used = await world.client.get("/v1/payments", headers=headers)
    more = await world.post("/v1/api-keys", {"name": "x"}, **{"Idempotency-Key": "k2"}, **headers)
    listed = await get(world, "/v1/api-keys")
    revoked = await world.client.delete(f"/v1/api-keys/{made['id']}")
    refused = await world.client.get("/v1/payments", headers=headers)

    assert replayed["id"] == made["id"]
    assert replayed["secret"] is None
    assert used.status_code == 200
    assert error_of(more) == (403, "PERMISSION_DENIED")
    assert {one["id"] for one in listed["data"]} == {made["id"], "bootstrap"}
    assert made["secret"] not in json.dumps(listed)
    assert revoked.json()["revoked_at"]
    assert error_of(refused) == (401, "API_KEY_INVALID")


async def test_revoke_api_key__unknown__rejects(world):
    response = await world.client.delete("/v1/api-keys/nobody")

    assert error_of(response) == (404, "API_KEY_NOT_FOUND")


async def test_revoke_api_key__of_more_scopes__rejects(world):
    keeper = {"name": "keeper", "scopes": ["api-keys:write", "payments:read"]}
    made = (await world.post("/v1/api-keys", keeper, **{"Idempotency-Key": "k1"})).json()
    headers = {"Authorization": f"Bearer {made['secret']}"}

    greater = await world.client.delete("/v1/api-keys/bootstrap", headers=headers)
    own = await world.client.delete(f"/v1/api-keys/{made['id']}", headers=headers)

    assert error_of(greater) == (403, "PERMISSION_DENIED")
    assert own.status_code == 200
    shown = {key["id"]: key for key in (await get(world, "/v1/api-keys"))["data"]}
    assert shown["bootstrap"]["revoked_at"] is None
    assert shown[made["id"]]["revoked_at"] is not None
