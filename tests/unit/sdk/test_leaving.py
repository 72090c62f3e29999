"""Exits and instant exits in the client, against the real API.

- an exit: prepared for its owner, listed, shown
- an advance: signed here and verified by the platform; by hand; a repeat is the same
- a platform that offers another domain or time gets no signature; one that offers another message
  gets one over what was asked for
- another's withdrawal isn't signed for; the blocking client does the same; the clients are twins
"""

import asyncio
import inspect
import json
from types import SimpleNamespace

import httpx
import pytest

import causeway
from backend.protocol.advances import Advance
from backend.protocol.hashing import keccak
from backend.protocol.types import Address, address_text
from backend.settlement.artifacts import artifact
from causeway import leaving
from causeway.signing import Domain, Key
from tests.unit.access.leaving.scenes import Shown, account_id, ask, client_of, withdrawn
from tests.unit.access.scenes import PAYEE_TEXT, PAYER_TEXT, post_batch
from tests.unit.access.world import API_KEY, BOUNTY_WEI, FUNDS, running_world
from tests.unit.engine.committee import CHAIN_ID, DOMAIN, ROLLUP, START_MS, TOKEN
from tests.unit.sdk.server import served

PAYER, STRANGER = Key(keccak(b"payer")), Key(keccak(b"stranger"))
AMOUNT, FEE = 300, 20


@pytest.fixture(autouse=True)
def clock_of_the_tests(monkeypatch):
    monkeypatch.setattr(leaving, "time", SimpleNamespace(time=lambda: START_MS // 1000))


@pytest.fixture
async def world(tmp_path):
    async with running_world(tmp_path) as running:
        yield running


def connected(world, change=lambda body: None, api=None):
    """Return a client that trusts the domain; `change` alters what the platform answers."""

    class Platform(httpx.ASGITransport):
        async def handle_async_request(self, request):
            response = await super().handle_async_request(request)
            body = json.loads(await response.aread())
            if body.get("object") == "advance":
                change(body)
            return httpx.Response(response.status_code, json=body)

    domain = Domain(CHAIN_ID, ROLLUP)
    transport = Platform(api or world.api)
    return causeway.AsyncClient("http://api", API_KEY, domain=domain, transport=transport)


def sent(prepared):
    """Return the call by which the provider advances."""
    data = prepared.transactions[-1]["data"]
    return artifact("Exits").abi.decode_call(bytes.fromhex(data[2:])).values


async def test_exits__prepared_and_shown__succeeds(world):
    await post_batch(world, 1)
    async with (
        client_of(world, proofs=Shown({1: FUNDS})) as http,
        connected(world, api=http._transport.app) as client,
    ):
        prepared = await client.exits.prepare(owner=PAYER.address, asset="USDC")
        ask(world, 0, 31)
        with pytest.raises(causeway.Conflict, match="under way"):
            await client.exits.prepare(owner=PAYER.address, asset="USDC")
        shown = await client.exits.get("0")
        listed = [one async for one in client.exits.list(owner=PAYER.address)]
        none = [one async for one in client.exits.list(account_id=5)]

    assert prepared.transaction["from"] == prepared.owner == PAYER_TEXT
    assert int(prepared.transaction["value"], 16) == prepared.bounty_wei == 2 * BOUNTY_WEI
    assert (prepared.batch, prepared.account_id) == (1, account_id(world))
    assert (shown.status, shown.asset, shown.withdrawals) == ("requested", "USDC", [])
    assert [one.id for one in listed] == ["0"]
    assert none == []


async def test_advance__final_withdrawal__is_as_asked_succeeds(world):
    made = await withdrawn(world, AMOUNT)
    async with connected(world) as client:
        prepared = await client.withdrawals.advance(
            made["id"], key=PAYER, provider=PAYEE_TEXT, fee=FEE
        )

    order = sent(prepared)["order"]
    assert (order["owner"], order["nonce"], order["asset"]) == (PAYER.address, 0, TOKEN)
    assert (order["amount"], order["fee"]) == (AMOUNT, FEE)
    assert prepared.paid == AMOUNT - FEE
    assert prepared.transactions[-1]["from"] == PAYEE_TEXT


async def test_prepare_advance__signed_by_hand__succeeds(world):
    made = await withdrawn(world, AMOUNT)
    async with connected(world) as client:
        offer = await client.withdrawals.prepare_advance(made["id"], fee=FEE)
        asset, found = await client.assets.get("USDC"), await client.withdrawals.get(made["id"])
        signed = leaving.sign_advance(client.trust, PAYER, asset, found, FEE, offer.typed_data)
        prepared = await client.withdrawals.prepare_advance(
            made["id"], fee=FEE, signed={**signed, "provider": PAYEE_TEXT}
        )

    assert offer.transactions == []
    assert [one["purpose"] for one in prepared.transactions] == ["approve", "advance"]
    message = offer.typed_data["message"]
    order = Advance(Address(PAYER.address), 0, TOKEN, AMOUNT, FEE, int(message["validUntil"]))
    assert signed["signature"] == "0x" + PAYER.sign_digest(order.digest(DOMAIN)).hex()


async def test_advance__repeated__is_the_same_changes_nothing(world):
    made = await withdrawn(world, AMOUNT)
    wish = {"key": PAYER, "provider": PAYEE_TEXT, "fee": FEE, "idempotency_key": "a7"}
    async with connected(world) as client:
        first, second = [await client.withdrawals.advance(made["id"], **wish) for _ in range(2)]

    assert first.transactions == second.transactions


@pytest.mark.parametrize(
    ("part", "field", "value", "named"),
    [
        ("domain", "chainId", CHAIN_ID + 1, "domain"),
        ("domain", "verifyingContract", PAYEE_TEXT, "domain"),
        ("message", "validUntil", str(2**60), "validUntil"),
    ],
)
async def test_advance__another_domain_or_time__rejects(world, part, field, value, named):
    made = await withdrawn(world, AMOUNT)

    def change(body):
        body["typed_data"][part][field] = value

    async with connected(world, change) as client:
        with pytest.raises(causeway.OrderMismatch) as caught:
            await client.withdrawals.advance(made["id"], key=PAYER, provider=PAYEE_TEXT, fee=FEE)

    assert caught.value.field == named


@pytest.mark.parametrize(
    ("field", "value"), [("fee", str(AMOUNT)), ("amount", "1"), ("owner", PAYEE_TEXT)]
)
async def test_advance__another_message__signs_its_own_holds(world, field, value):
    made = await withdrawn(world, AMOUNT)

    def change(body):
        body["typed_data"]["message"][field] = value

    async with connected(world, change) as client:
        prepared = await client.withdrawals.advance(
            made["id"], key=PAYER, provider=PAYEE_TEXT, fee=FEE
        )

    order = sent(prepared)["order"]
    assert (order["owner"], order["amount"], order["fee"]) == (PAYER.address, AMOUNT, FEE)


async def test_advance__of_anothers_withdrawal__rejects(world):
    made = await withdrawn(world, AMOUNT)
    async with connected(world) as client:
        with pytest.raises(causeway.OrderMismatch, match="owner"):
            await client.withdrawals.advance(
                made["id"], key=STRANGER, provider=address_text(PAYER.address), fee=FEE
            )


async def test_leaving__blocking_client__succeeds(world):
    made = await withdrawn(world, AMOUNT)
    ask(world, 0, 31)
    async with served(world.api) as url:

        def run():
            with causeway.Client(url, API_KEY) as client:
                prepared = client.withdrawals.advance(
                    made["id"], key=PAYER, provider=PAYEE_TEXT, fee=FEE
                )
                offer = client.withdrawals.prepare_advance(made["id"], fee=FEE)
                listed = [one.id for one in client.exits.list()]
                with pytest.raises(causeway.Conflict):
                    client.exits.prepare(owner=PAYER.address, asset="USDC")
                return prepared, offer, listed, client.exits.get("0")

        prepared, offer, listed, shown = await asyncio.to_thread(run)

    assert sent(prepared)["order"]["fee"] == FEE
    assert offer.paid == AMOUNT - FEE
    assert (listed, shown.status) == (["0"], "requested")


@pytest.mark.parametrize(
    ("blocking", "twin"),
    [(leaving.Exits, leaving.AsyncExits), (leaving.Advances, leaving.AsyncAdvances)],
)
def test_twins__same_calls__holds(blocking, twin):
    names = [name for name in vars(blocking) if not name.startswith("_")]
    assert names == [name for name in vars(twin) if not name.startswith("_")]
    for name in names:
        ours, theirs = getattr(blocking, name), getattr(twin, name)
        assert [*inspect.signature(ours).parameters] == [*inspect.signature(theirs).parameters]
        assert ours.__doc__ == theirs.__doc__
