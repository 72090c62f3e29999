"""Deposits by a holder's signature in the client, against the real API.

- signed here: what anyone may send says what was asked for; for another owner; a repeat is the same
- the signature by hand: prepare, sign, prepare again
- a platform that offers another token, rollup, chain or time gets no signature; one that offers
  another owner's nonce, amount or holder gets one that is worth nothing for it
- a token that knows no ERC-3009; another asset or domain than trusted
- the blocking client does the same; the clients are twins
"""

import asyncio
import inspect
import json
from types import SimpleNamespace

import httpx
import pytest

import causeway
from backend.protocol import deposits
from backend.protocol.hashing import Digest, keccak
from backend.protocol.types import address_text
from backend.settlement.artifacts import artifact
from causeway import depositing
from causeway.signing import Domain, Key
from tests.unit.access.world import API_KEY, key, running_world
from tests.unit.engine.committee import CHAIN_ID, ROLLUP, START_MS
from tests.unit.sdk.server import served

PAYER, STRANGER = Key(keccak(b"payer")), Key(keccak(b"stranger"))
NOBODY = address_text(key("attacker").address)
AMOUNT = 5_000


@pytest.fixture(autouse=True)
def clock_of_the_tests(monkeypatch):
    clock = SimpleNamespace(time=lambda: START_MS // 1000)
    monkeypatch.setattr("causeway.depositing.time", clock)


@pytest.fixture
async def world(tmp_path):
    async with running_world(tmp_path) as running:
        yield running


def connected(world, change=lambda body: None):
    """Return a client of an owner who knows his domain; `change` alters what is offered."""

    class Platform(httpx.ASGITransport):
        async def handle_async_request(self, request):
            response = await super().handle_async_request(request)
            body = json.loads(await response.aread())
            if body.get("authorization"):
                change(body["authorization"])
            return httpx.Response(response.status_code, json=body)

    domain = Domain(CHAIN_ID, ROLLUP)
    return causeway.AsyncClient("http://api", API_KEY, domain=domain, transport=Platform(world.api))


@pytest.fixture
async def platform(world):
    async with connected(world) as client:
        await client.applicants.create(external_id="c1", person=PAYER.address)
        yield client


def call_of(prepared):
    (transaction,) = prepared.transactions
    assert transaction["from"] is None
    return artifact("Rollup").abi.decode_call(bytes.fromhex(transaction["data"][2:]))


@pytest.mark.parametrize("holder", [PAYER, STRANGER])
async def test_authorize__token_knows_it__is_as_asked_succeeds(platform, holder):
    prepared = await platform.deposits.authorize(
        holder, asset="WIDE", amount=AMOUNT, owner=PAYER.address
    )

    call = call_of(prepared)
    assert call.name == "depositWithAuthorization"
    assert (call.values["assetId"], call.values["owner"]) == (2, PAYER.address)
    assert call.values["amount"] == AMOUNT * 10**12
    assert call.values["authorization"]["from"] == holder.address


async def test_authorize__repeated__is_the_same_changes_nothing(platform):
    wish = {"asset": "USDC", "amount": AMOUNT, "idempotency_key": "deposit-7"}

    first, second = [await platform.deposits.authorize(PAYER, **wish) for _ in range(2)]
    other = await platform.deposits.authorize(PAYER, asset="USDC", amount=AMOUNT)

    assert first.transactions == second.transactions
    assert other.transactions != first.transactions


async def test_prepare__signed_by_hand__succeeds(platform):
    wish = {"owner": PAYER.address, "asset": "USDC", "amount": AMOUNT}
    asset = await platform.assets.get("USDC")
    offer = (await platform.deposits.prepare(**wish)).authorization

    signed = depositing.sign_authorization(
        platform.trust, PAYER, asset, PAYER.address, AMOUNT, offer
    )
    prepared = await platform.deposits.prepare(**wish, authorization=signed)

    assert call_of(prepared).name == "depositWithAuthorization"


def test_deposit_nonce__as_the_platform_makes_it__holds():
    salt = Digest(keccak(b"salt"))

    ours = depositing.deposit_nonce(7, PAYER.address, salt)

    assert ours == deposits.deposit_nonce(7, key("payer").address, salt)


@pytest.mark.parametrize(
    ("part", "field", "value", "named"),
    [
        ("message", "to", NOBODY, "domain"),
        ("domain", "chainId", CHAIN_ID + 1, "domain"),
        ("domain", "verifyingContract", NOBODY, "asset"),
    ],
)
async def test_authorize__another_token_rollup_or_chain__rejects(
    world, platform, part, field, value, named
):
    def change(offer):
        offer["typed_data"][part][field] = value

    async with connected(world, change) as lied_to:
        with pytest.raises(causeway.OrderMismatch) as caught:
            await lied_to.deposits.authorize(PAYER, asset="USDC", amount=AMOUNT)

    assert caught.value.field == named


async def test_authorize__lives_too_long__rejects(world, platform):
    def change(offer):
        offer["valid_before"] = str(2**60)

    async with connected(world, change) as lied_to:
        with pytest.raises(causeway.OrderMismatch, match="validBefore"):
            await lied_to.deposits.authorize(PAYER, asset="USDC", amount=AMOUNT)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("nonce", "0x" + deposits.deposit_nonce(1, key("attacker").address, bytes(32)).hex()),
        ("value", "999999"),
        ("from", NOBODY),
        ("validBefore", str(2**60)),
    ],
)
async def test_authorize__another_message__signs_its_own_holds(world, platform, field, value):
    def change(offer):
        offer["typed_data"]["message"][field] = value

    async with connected(world, change) as lied_to:
        prepared = await lied_to.deposits.authorize(PAYER, asset="USDC", amount=AMOUNT)

    assert call_of(prepared).values["owner"] == PAYER.address


async def test_authorize__token_knows_none__rejects(world, platform):
    world.chain.knows_authorizations = False

    with pytest.raises(causeway.OrderMismatch, match="ERC-3009"):
        await platform.deposits.authorize(PAYER, asset="USDC", amount=AMOUNT)


async def test_authorize__blocking_client__succeeds(world, platform):
    async with served(world.api) as url:

        def run():
            with causeway.Client(url, API_KEY) as client:
                return client.deposits.authorize(PAYER, asset="USDC", amount=AMOUNT)

        prepared = await asyncio.to_thread(run)

    assert call_of(prepared).name == "depositWithAuthorization"


def test_twins__same_calls__holds():
    blocking = depositing.AuthorizedDeposits.authorize
    twin = depositing.AsyncAuthorizedDeposits.authorize

    assert inspect.signature(blocking) == inspect.signature(twin)
    assert inspect.iscoroutinefunction(twin)
