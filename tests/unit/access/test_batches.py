"""Asking for a batch.

- post: everything that waits, by the carrier asked for or the cheaper one
- repeated with one idempotency key: asked once
- unknown carrier: refused
"""

import pytest

ONE = {"Idempotency-Key": "one"}


@pytest.mark.parametrize(("body", "asked"), [({}, None), ({"carrier": "calldata"}, "calldata")])
async def test_post_batch__something_or_nothing_waits__succeeds(world, body, asked):
    answer = await world.client.post("/v1/batches", json=body, headers=ONE)

    assert answer.status_code == 202
    assert answer.json() == {"object": "posting", "operation_count": "0", "carrier": asked}
    assert world.dependencies.poster.asked == [asked]


async def test_post_batch__repeated__changes_nothing(world):
    first = await world.client.post("/v1/batches", json={}, headers=ONE)

    again = await world.client.post("/v1/batches", json={}, headers=ONE)

    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert world.dependencies.poster.asked == [None]


async def test_post_batch__unknown_carrier__rejects(world):
    answer = await world.client.post("/v1/batches", json={"carrier": "pigeon"}, headers=ONE)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "MALFORMED_REQUEST")
    assert world.dependencies.poster.asked == []
