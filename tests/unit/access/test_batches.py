"""Asking for a batch.

- post: everything that waits, by the carrier asked for or the cheaper one
- repeated with one idempotency key: asked once
- unknown carrier: refused
- a batch on its way: shown as built until the chain has it, on the first page alone
"""

import pytest

from tests.unit.access.scenes import get, header, post_batch

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


async def test_get_batch__on_its_way__is_shown_as_built_succeeds(world):
    await post_batch(world, 1)
    world.dependencies.poster.built = header(2, world.projections.block_number)

    built = await get(world, "/v1/batches/2")
    listed = await get(world, "/v1/batches")
    chosen = await get(world, "/v1/batches?status=built")
    short = await get(world, "/v1/batches?limit=1")
    further = await get(world, f"/v1/batches?limit=1&after={short['next_cursor']}")
    await post_batch(world, 2)
    posted = await get(world, "/v1/batches/2")

    assert (built["status"], built["tx_hash"], built["next"]["status"]) == ("built", None, "posted")
    assert [one["status"] for one in listed["data"]] == ["built", "posted"]
    assert chosen["data"] == [built]
    assert short["data"] == [built]
    assert [one["number"] for one in further["data"]] == ["1"]
    assert posted["status"] == "posted"
    assert posted["header"] == built["header"]
    assert [one["status"] for one in (await get(world, "/v1/batches"))["data"]] == ["posted"] * 2
