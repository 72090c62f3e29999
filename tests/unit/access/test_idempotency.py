"""Idempotency keys: one key, one piece of work, one answer.

- no key; a key of another request; in flight; refused for business
"""

import asyncio

from backend.protocol.types import address_text
from tests.unit.access.scenes import PAYER, apply, deposit
from tests.unit.access.world import (
    error_of,
)


async def test_post__no_idempotency_key__rejects(world):
    response = await world.post("/v1/orders", {})
    body = {"payer": address_text(PAYER.address), "asset": "USDC", "amount": "5"}

    response = await world.post("/v1/orders", body)

    assert error_of(response) == (400, "MALFORMED_REQUEST")
    assert response.json()["error"]["param"] == "Idempotency-Key"


async def test_post__key_of_another_request__rejects(world):
    await apply(world)
    assert (await deposit(world)).status_code == 200

    other_amount = await deposit(world, amount="5001")
    other_path = await world.post("/v1/api-keys", {"name": "x"}, **{"Idempotency-Key": "deposit-1"})

    assert error_of(other_amount) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert other_amount.json()["error"]["param"] == "amount"
    assert error_of(other_path) == (409, "IDEMPOTENCY_KEY_REUSED")


async def test_post__first_request_in_flight__rejects(world, monkeypatch):
    await apply(world)
    is_asked, go_on = asyncio.Event(), asyncio.Event()
    allowance = world.chain.allowance

    async def slow(*arguments):
        is_asked.set()
        await go_on.wait()
        return await allowance(*arguments)

    monkeypatch.setattr(world.chain, "allowance", slow)
    first = asyncio.create_task(deposit(world))
    await is_asked.wait()

    second = await deposit(world)
    go_on.set()

    assert error_of(second) == (409, "REQUEST_IN_PROGRESS")
    assert (await first).status_code == 200
    assert (await deposit(world)).headers["idempotent-replayed"] == "true"


async def test_post__refused_for_business__again_rejects(world):
    first = await deposit(world)
    await apply(world)

    again, anew = await deposit(world), await deposit(world, "deposit-2")

    assert error_of(first) == error_of(again) == (403, "KYC_REQUIRED")
    assert again.headers["idempotent-replayed"] == "true"
    assert anew.status_code == 200
