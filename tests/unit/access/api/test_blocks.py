"""Blocks and batches, listed and one by one."""

from tests.unit.access.scenes import get, post_batch


async def test_blocks_and_batches__some__succeeds(world):
    await post_batch(world, 1, is_settled=True)
    blocks = await get(world, "/v1/blocks?limit=1")
    batches = await get(world, "/v1/batches?status=settled")

    number = blocks["data"][0]["number"]
    assert (await get(world, f"/v1/blocks/{number}"))["hash"] == blocks["data"][0]["hash"]
    assert (await get(world, "/v1/batches/1")) == batches["data"][0]
    assert batches["data"][0]["header"]["lastBlockNumber"] == number
