"""Customers, holds and schedules in the client, against the real API.

- customers: made, listed, pay, withdraw, uses of keys
- holds: by key, by customer, in two steps; captured, released, listed
- a platform that writes another order into a hold than was asked for is refused
- schedules: made, listed, cancelled
- the blocking client does the same; the clients are twins
"""

import asyncio
import inspect
import json

import httpx
import pytest

import causeway
from backend.protocol.hashing import keccak
from causeway import customers, holds, schedules
from causeway.signing import Key
from tests.unit.access.custody.scenes import customer, now_s, tick
from tests.unit.access.world import API_KEY, running_world
from tests.unit.sdk.server import served

PAYER, PAYEE = Key(keccak(b"payer")), Key(keccak(b"payee"))
MODULES = (customers, holds, schedules)


@pytest.fixture
async def world(tmp_path):
    async with running_world(tmp_path) as running:
        yield running


@pytest.fixture
async def platform(world):
    transport = httpx.ASGITransport(world.api)
    async with causeway.AsyncClient("http://api", API_KEY, transport=transport) as connected:
        yield connected


def wish(world, **fields):
    values = {"payee": PAYEE.address, "asset": "USDC", "amount": 1_000}
    return values | {"expires_at": now_s(world) + 3_600} | fields


async def test_customers__made_and_paying__succeeds(world, platform):
    await customer(world, "alice", 10_000)
    alice = await platform.customers.create("alice")
    paid = await platform.customers.pay(
        alice.id, payee=PAYEE.address, asset="USDC", amount=50, memo="rent", wait_final=True
    )
    out = await platform.customers.withdraw(alice.id, asset="USDC", amount=70, wait_final=True)
    uses = [one.purpose async for one in platform.customers.key_uses(alice.id)]

    assert (paid.status, paid.payer) == ("final", alice.address)
    assert (out.status, out.amount) == ("final", 70)
    assert uses == ["withdrawal", "payment"]
    assert [one.id async for one in platform.customers.list()] == [alice.id]
    assert (await platform.customers.get(alice.id)).external_id == "alice"


async def test_holds__payer_has_a_key__is_signed_here_succeeds(world, platform):
    hold = await platform.holds.create(payer=PAYER, **wish(world, memo="room 12"))
    captured = await platform.holds.capture(hold.id, 300)

    assert (hold.status, hold.held, hold.fee_reserve) == ("authorised", 1_020, 20)
    assert (captured.status, captured.captured, captured.returned) == ("captured", 300, 700)
    assert (await platform.holds.get(hold.id)).status == "captured"
    assert [one.id async for one in platform.holds.list(payer=PAYER.address)] == [hold.id]


async def test_holds__made_by_the_shop_and_authorised_later__succeeds(world, platform):
    meant = wish(world)
    hold = await platform.holds.create(payer=PAYER.address, **meant)
    authorised = await platform.holds.authorize(hold, PAYER, **meant)
    released = await platform.holds.release(hold.id)

    assert (hold.status, authorised.status) == ("created", "authorised")
    assert (released.status, released.returned) == ("released", 1_010)
    with pytest.raises(ValueError, match="nothing to sign"):
        await platform.holds.authorize(released, PAYER, **meant)


async def test_holds__payer_is_a_customer__is_authorised_at_once_succeeds(world, platform):
    made = await customer(world, "alice", 10_000)

    hold = await platform.holds.create(payer=made["id"], **wish(world))

    assert (hold.status, hold.payer) == ("authorised", made["address"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("payer", "0x" + "11" * 20),
        ("payee", "0x" + "11" * 20),
        ("asset", "0x" + "11" * 20),
        ("amount", "1100"),
        ("amount", "999"),
        ("fee", "11"),
        ("validUntil", "2000000000"),
        ("memo", "0x" + "11" * 32),
        ("link", "0x" + "11" * 32),
    ],
)
async def test_holds__platform_wrote_another_order__rejects(world, field, value):
    class Liar(httpx.ASGITransport):
        async def handle_async_request(self, request):
            response = await super().handle_async_request(request)
            if request.url.path != "/v1/holds":
                return response
            body = json.loads(await response.aread())
            body["order"]["typed_data"]["message"][field] = value
            return httpx.Response(201, json=body)

    async with causeway.AsyncClient("http://api", API_KEY, transport=Liar(world.api)) as platform:
        with pytest.raises(causeway.OrderMismatch):
            await platform.holds.create(payer=PAYER, **wish(world))


async def test_schedules__made_paid_and_cancelled__succeeds(world, platform):
    made = await customer(world, "alice", 10_000)
    planned = await platform.schedules.create(
        customer_id=made["id"],
        payee=PAYEE.address,
        asset="USDC",
        amount=100,
        first_at=now_s(world),
        every="month",
        count=3,
        memo="rent",
    )
    await tick(world)
    (paid,) = [one async for one in platform.schedules.occurrences(planned.id)]
    cancelled = await platform.schedules.cancel(planned.id)

    assert (planned.status, planned.count, planned.begun) == ("active", 3, 0)
    assert (paid.status, paid.code) == ("paid", None)
    assert (cancelled.status, cancelled.next_at) == ("cancelled", None)
    assert [one.id async for one in platform.schedules.list(customer_id=made["id"])] == [planned.id]
    assert (await platform.schedules.get(planned.id)).status == "cancelled"


async def test_blocking_client__customers_holds_schedules__succeeds(world):
    await customer(world, "alice", 10_000)
    async with served(world.api) as url:

        def work():
            with causeway.Client(url, API_KEY) as client:
                alice = client.customers.create("alice")
                hold = client.holds.create(payer=alice.id, **wish(world))
                captured = client.holds.capture(hold.id)
                paid = client.customers.pay(
                    alice.id, payee=PAYEE.address, asset="USDC", amount=5, wait_final=True
                )
                planned = client.schedules.create(
                    customer_id=alice.id,
                    payee=PAYEE.address,
                    asset="USDC",
                    amount=5,
                    first_at=now_s(world) + 60,
                )
                return captured.status, paid.status, client.schedules.get(planned.id).status

        found = await asyncio.to_thread(work)

    assert found == ("captured", "final", "active")


def test_clients__resources_of_custody__are_twins_holds():
    for module in MODULES:
        kinds = {
            name: {
                method: [*inspect.signature(function).parameters]
                for method, function in vars(kind).items()
                if inspect.isfunction(function)
            }
            for name, kind in vars(module).items()
            if inspect.isclass(kind)
            and hasattr(kind, "create")
            and kind.__module__ == module.__name__
        }
        for name, methods in kinds.items():
            if not name.startswith("Async"):
                assert methods == kinds[f"Async{name}"]
