"""Health: alive, ready, not ready."""

from tests.unit.access.scenes import get


async def test_health__running__succeeds(world):
    assert (await get(world, "/healthz"))["status"] == "alive"
    assert (await get(world, "/readyz"))["status"] == "ready"
    await get(world, "/v1/payments")
    metrics = await world.client.get("/metrics")
    assert 'route="/v1/payments"' in metrics.text


async def test_health__node_stopped__is_not_ready_rejects(world):
    await world.node.stop()

    response = await world.client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["problems"] == ["the node is down"]
