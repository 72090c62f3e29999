"""The client against the real API.

- sign, pay, wait, list, withdraw, deposit, in both clients
- a platform that writes another order than was asked for is refused, whatever it changes
- repeats: after a lost answer, 429, 5xx, a request in progress; never after a refusal
- events: followed, taken up again
- the clients are twins; the package imports nothing of the platform
"""

import ast
import asyncio
import inspect
import json
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

import causeway
from backend.protocol.hashing import keccak
from backend.protocol.types import address_text
from causeway import async_client, async_resources, client, resources
from causeway.models import Asset
from causeway.signing import Domain, Key, PaymentOrder, WithdrawalOrder, memo_hash, sign
from causeway.transport import EventParser
from tests.unit.access.world import API_KEY, FUNDS, key, order, running_world, wait_until
from tests.unit.access.world import sign as protocol_sign
from tests.unit.engine.committee import CHAIN_ID, ROLLUP, START_MS
from tests.unit.sdk.server import served

PAYER, PAYEE = Key(keccak(b"payer")), Key(keccak(b"payee"))


@pytest.fixture
async def world(tmp_path):
    async with running_world(tmp_path) as running:
        yield running


@pytest.fixture
async def platform(world):
    transport = httpx.ASGITransport(world.api)
    async with causeway.AsyncClient("http://api", API_KEY, transport=transport) as connected:
        yield connected


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("causeway.transport.RETRY_DELAY_S_MIN", 0.001)
    # The platform of the tests lives in 2027.
    monkeypatch.setattr("causeway.flows.time", SimpleNamespace(time=lambda: START_MS // 1000))


async def test_payments_create__key_and_wish__pays_succeeds(world, platform):
    payment = await platform.payments.create(
        key=PAYER,
        payee=PAYEE.address,
        asset="USDC",
        amount=1_000,
        memo="invoice 17",
        wait_final=True,
    )
    await world.settle()

    assert payment.is_final
    assert (payment.amount, payment.fee) == (1_000, 10)
    account = await platform.accounts.get(PAYER.address, "USDC")
    assert (account.balance, account.nonce) == (FUNDS - 1_010, 1)
    assert [one.id async for one in platform.payments.list(payer=PAYER.address)] == [payment.id]
    kinds = [entry.kind async for entry in platform.accounts.statement(PAYER.address, "USDC")]
    assert kinds == ["fee", "payment", "deposit"]
    assert (await platform.payments.get(payment.id)).raw["memo"] == "0x" + memo_hash(
        "invoice 17"
    ).hex()


async def test_withdrawals_create__key_and_wish__succeeds(world, platform):
    made = await platform.withdrawals.create(key=PAYER, asset="USDC", amount=2_000, wait_final=True)
    await world.settle()

    assert made.status == "final"
    assert [one.id async for one in platform.withdrawals.list(payer=PAYER.address)] == [made.id]
    with pytest.raises(causeway.NotFound) as caught:
        await platform.withdrawals.claim(made.id)
    assert caught.value.code == "PROOF_NOT_AVAILABLE"


async def test_payments_create_many__signed_here__succeeds(world, platform):
    domain = Domain(CHAIN_ID, ROLLUP)
    token = bytes.fromhex((await platform.assets.get("USDC")).token[2:])
    orders = [
        sign(PaymentOrder(PAYER.address, PAYEE.address, token, 5, 10, nonce, 2**40), PAYER, domain)
        for nonce in range(20)
    ]
    orders.append(sign(WithdrawalOrder(PAYER.address, token, 10**15, 10, 20, 2**40), PAYER, domain))

    lines = await platform.payments.create_many(orders)

    assert [line.id for line in lines[:20]] == ["0x" + signed.id.hex() for signed in orders[:20]]
    assert lines[20].error["code"] == "AMOUNT_TOO_LARGE"


async def test_deposits_and_applicants__of_one_person__succeeds(world, platform):
    with pytest.raises(causeway.PermissionDenied) as caught:
        await platform.deposits.prepare(owner=PAYER.address, asset="USDC", amount=5)
    applicant = await platform.applicants.create(external_id="c1", person=PAYER.address)
    prepared = await platform.deposits.prepare(owner=PAYER.address, asset="USDC", amount=5)
    listed = [one.status async for one in platform.deposits.list(owner=PAYER.address)]

    assert caught.value.code == "KYC_REQUIRED"
    assert applicant.status == "approved"
    assert prepared.amount == 5
    assert listed == ["credited", "credited"]
    assert (await platform.applicants.revoke(applicant.id)).status == "revoked"
    assert (await platform.applicants.get(applicant.id)).status == "revoked"
    assert (await platform.deposits.get("0")).amount == FUNDS
    assert (await platform.fees.quote("USDC", 5)).fee == 10
    assert len([one async for one in platform.assets.list()]) == 2
    assert len([one async for one in platform.accounts.list(owner=PAYER.address)]) == 2


def rewritten(world, change):
    """Return a client whose platform changes the orders that it builds."""

    class Liar(httpx.ASGITransport):
        async def handle_async_request(self, request):
            response = await super().handle_async_request(request)
            if request.url.path != "/v1/orders" or response.status_code != 200:
                return response
            body = json.loads(await response.aread())
            change(body)
            return httpx.Response(200, json=body)

    return causeway.AsyncClient("http://api", API_KEY, transport=Liar(world.api))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("payer", address_text(PAYEE.address)),
        ("payee", address_text(key("attacker").address)),
        ("asset", address_text(key("attacker").address)),
        ("amount", "1001"),
        ("fee", "20000"),
        ("validUntil", str(2**60)),
        ("memo", "0x" + "11" * 32),
        ("link", "0x" + "11" * 32),
    ],
)
async def test_orders_sign__another_order_than_asked_for__rejects(world, field, value):
    def change(body):
        body["typed_data"]["message"][field] = value

    async with rewritten(world, change) as lied_to:
        with pytest.raises(causeway.OrderMismatch) as caught:
            await lied_to.orders.sign(PAYER, payee=PAYEE.address, asset="USDC", amount=1_000)

    assert caught.value.field == field


async def test_orders_sign__another_digest_or_domain__rejects(world):
    def other_id(body):
        body["id"] = "0x" + "12" * 32

    def other_domain(body):
        body["typed_data"]["domain"]["chainId"] = 1

    wish = {"payee": PAYEE.address, "asset": "USDC", "amount": 1_000}
    async with rewritten(world, other_id) as lied_to:
        with pytest.raises(causeway.OrderMismatch, match="id"):
            await lied_to.orders.sign(PAYER, **wish)
    async with rewritten(world, other_domain) as lied_to:
        lied_to.trust.domain = Domain(CHAIN_ID, ROLLUP)
        with pytest.raises(causeway.OrderMismatch, match="domain"):
            await lied_to.orders.sign(PAYER, **wish)


async def test_orders_sign__limits_of_the_caller__holds(world, platform):
    wish = {"payee": PAYEE.address, "asset": "USDC"}

    with pytest.raises(causeway.OrderMismatch, match="fee"):
        await platform.orders.sign(PAYER, amount=100, **wish)
    signed = await platform.orders.sign(PAYER, amount=100, fee_max=10, valid_until=2**40, **wish)
    exact = await platform.orders.sign(PAYER, amount=100, fee=20, **wish)

    assert (signed.order.fee, signed.order.valid_until) == (10, 2**40)
    assert exact.order.fee == 20
    for amount, error in ((1.5, TypeError), ("5", TypeError), (True, TypeError), (0, ValueError)):
        with pytest.raises(error):
            await platform.orders.sign(PAYER, amount=amount, **wish)


async def test_orders_sign__asset_changes_its_token__rejects(platform):
    await platform.orders.sign(PAYER, payee=PAYEE.address, asset="USDC", amount=1_000)
    asset = await platform.assets.get("USDC")

    with pytest.raises(causeway.OrderMismatch, match="USDC"):
        platform.trust.accept_asset(Asset.parse(asset.raw | {"token": "0x" + "12" * 20}))


class Flaky(httpx.AsyncBaseTransport):
    """Answers from a list, then from the real platform."""

    def __init__(self, inner, *answers):
        self.inner = inner
        self.answers = list(answers)
        self.keys = []

    async def handle_async_request(self, request):
        self.keys.append(request.headers.get("idempotency-key"))
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            await self.inner.handle_async_request(request)  # done, but the answer is lost
            raise answer
        return answer or await self.inner.handle_async_request(request)


def refused(status_code: int, code: str = "X", **headers: str) -> httpx.Response:
    return httpx.Response(status_code, json={"error": {"code": code}}, headers=headers)


@pytest.mark.parametrize(
    "answer",
    [
        refused(408),
        refused(409, "REQUEST_IN_PROGRESS"),
        refused(429, "BACK_PRESSURE", **{"Retry-After": "0"}),
        refused(503, "NO_QUORUM"),
        httpx.Response(502, text="bad gateway"),
        httpx.ReadTimeout("lost"),
    ],
)
async def test_send__answer_that_may_change__repeats_succeeds(world, answer):
    await causeway_applicant(world)
    transport = Flaky(httpx.ASGITransport(world.api), answer)
    async with causeway.AsyncClient("http://api", API_KEY, transport=transport) as connected:
        prepared = await connected.deposits.prepare(owner=PAYER.address, asset="USDC", amount=5)

    assert prepared.amount == 5
    assert len(transport.keys) == 2
    assert len(set(transport.keys)) == 1


async def causeway_applicant(world) -> None:
    transport = httpx.ASGITransport(world.api)
    async with causeway.AsyncClient("http://api", API_KEY, transport=transport) as connected:
        await connected.applicants.create(external_id="c1", person=PAYER.address)


async def test_send__refusal__is_not_repeated_rejects(world):
    transport = Flaky(httpx.ASGITransport(world.api), refused(409, "NONCE_TOO_LOW"))
    async with causeway.AsyncClient("http://api", API_KEY, transport=transport) as connected:
        with pytest.raises(causeway.Conflict) as caught:
            await connected.deposits.prepare(owner=PAYER.address, asset="USDC", amount=5)

    assert caught.value.code == "NONCE_TOO_LOW"
    assert len(transport.keys) == 1


async def test_send__no_answer_at_all__rejects(world):
    lost = [httpx.ReadTimeout("lost")] * 3
    transport = Flaky(httpx.ASGITransport(world.api), *lost)
    async with causeway.AsyncClient("http://api", API_KEY, transport=transport) as connected:
        with pytest.raises(causeway.ApiConnectionError):
            await connected.assets.get("USDC")


@pytest.mark.parametrize(
    ("status_code", "kind"),
    [
        (400, causeway.BadRequest),
        (401, causeway.Unauthorised),
        (403, causeway.PermissionDenied),
        (404, causeway.NotFound),
        (409, causeway.Conflict),
        (413, causeway.TooLarge),
        (422, causeway.Unprocessable),
        (429, causeway.RateLimited),
        (500, causeway.ServerError),
        (503, causeway.ServerError),
        (418, causeway.ApiStatusError),
    ],
)
def test_status_error__each_status__has_its_class_holds(status_code, kind):
    transport = httpx.MockTransport(lambda _: refused(status_code, "CODE"))
    with causeway.Client("http://api", "k", transport=transport, retries_max=0) as connected:
        with pytest.raises(kind) as caught:
            connected.assets.get("USDC")

    assert (caught.value.status_code, caught.value.code) == (status_code, "CODE")


async def test_client__blocking__pays_and_follows_succeeds(world):
    async with served(world.api) as url:

        def work():
            with causeway.Client(url, API_KEY) as connected:
                payment = connected.payments.create(
                    key=PAYER, payee=PAYEE.address, asset="USDC", amount=1_000, wait_final=True
                )
                connected.withdrawals.create(key=PAYER, asset="USDC", amount=2_000)
                events = connected.events.follow(after="0.0", types=["payment.final"])
                event = next(events)
                events.close()
                owners = {one.owner for one in connected.accounts.list(asset="USDC")}
                return payment, event, owners

        payment, event, owners = await asyncio.to_thread(work)

    assert event.subject == payment.id
    assert address_text(PAYER.address) in owners


async def test_events_follow__connection_breaks__goes_on_where_it_was_succeeds(world):
    async with causeway_stream(world) as (connected, events):
        for nonce in range(3):
            signed = protocol_sign(
                key("payer"), order(key("payer"), PAYEE.address, 1 + nonce, nonce)
            )
            await world.pay(signed, Prefer="wait=final")
        first = await anext(events)
        await events.aclose()
        rest = connected.events.follow(after=first.id, types=["payment.final"])
        second, third = await anext(rest), await anext(rest)
        await rest.aclose()

    subjects = [first.subject, second.subject, third.subject]
    assert len(set(subjects)) == 3


async def test_events_follow__only_new_ones__wakes_up_succeeds(world):
    async with causeway_stream(world) as (connected, _):
        events = connected.events.follow(party=PAYEE.address)
        waiting = asyncio.create_task(anext(events))
        await wait_until(lambda: world.stream._listeners)
        await asyncio.sleep(0.5)  # several heartbeats
        signed = protocol_sign(key("payer"), order(key("payer"), PAYEE.address, 1, 0))
        await world.pay(signed)

        event = await asyncio.wait_for(waiting, 30)
        await events.aclose()

    assert event.type == "payment.final"


class causeway_stream:
    """A client of a served platform, and a stream of final payments from the beginning."""

    def __init__(self, world):
        self.server = served(world.api)

    async def __aenter__(self):
        self.connected = causeway.AsyncClient(await self.server.__aenter__(), API_KEY)
        return self.connected, self.connected.events.follow(after="0.0", types=["payment.final"])

    async def __aexit__(self, *exception):
        await self.connected.close()
        await self.server.__aexit__(*exception)


def test_event_parser__lines__joins_them_succeeds():
    parser = EventParser()

    assert [parser.feed(line) for line in ("id: 1", "data: a", "data: b", "", ": alive", "")] == [
        None,
        None,
        None,
        "a\nb",
        None,
        None,
    ]


def test_clients__both__are_twins_holds():
    def calls(module):
        return {
            (name, method): [*inspect.signature(function).parameters]
            for name, kind in vars(module).items()
            if inspect.isclass(kind) and kind.__module__ == module.__name__
            for method, function in vars(kind).items()
            if inspect.isfunction(function) and not method.startswith("__")
        }

    assert calls(resources) == calls(async_resources)
    blocking = calls(client)
    twin = {("Client", method): names for (_, method), names in calls(async_client).items()}
    assert blocking == twin


def test_package__all_modules__import_nothing_of_the_platform_holds():
    for path in Path(causeway.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in getattr(node, "names", ())]
            names.append(getattr(node, "module", None) or "")
            assert not any(name.split(".")[0] == "backend" for name in names), path
    assert (Path(causeway.__file__).parent / "py.typed").exists()
