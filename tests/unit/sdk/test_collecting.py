"""The client collects, pays back and pays as one, against the real API.

- a payment request: made, paid with its memo, listed
- a refund: paid back; repeated; by a stranger; a platform that names another payer, amount, memo
- a group: built, signed by both, final; rebuilt after a nonce was used; listed
- a platform that changes any leg, leaves one out or adds one gets no signature
- the resources of both clients are twins
"""

import inspect
import json
from types import SimpleNamespace

import httpx
import pytest

import causeway
from backend.protocol.hashing import keccak
from backend.protocol.types import address_text
from causeway import Leg, collecting
from causeway.signing import Key
from tests.unit.access.world import API_KEY, FUNDS, key, running_world
from tests.unit.engine.committee import START_MS

PAYER, PAYEE = Key(keccak(b"payer")), Key(keccak(b"payee"))
ATTACKER = address_text(key("attacker").address)
LEGS = (
    Leg(PAYER.address, PAYEE.address, "USDC", 10_000, memo="goods"),
    Leg(PAYEE.address, PAYER.address, "WIDE", 9_000),
)


@pytest.fixture
async def world(tmp_path):
    async with running_world(tmp_path) as running:
        yield running


def connected(world, change=None, path_part=""):
    """Return a client; `change` rewrites the platform's answers of paths with `path_part`."""

    class Liar(httpx.ASGITransport):
        async def handle_async_request(self, request):
            response = await super().handle_async_request(request)
            is_asked = path_part in request.url.path and response.status_code < 300
            if change is None or not is_asked:
                return response
            body = json.loads(await response.aread())
            change(body)
            return httpx.Response(response.status_code, json=body)

    return causeway.AsyncClient("http://api", API_KEY, transport=Liar(world.api))


@pytest.fixture
async def platform(world):
    async with connected(world) as client:
        yield client


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    # The platform of the tests lives in 2027.
    monkeypatch.setattr("causeway.flows.time", SimpleNamespace(time=lambda: START_MS // 1000))


async def paid(world, platform, amount=10_000):
    made = await platform.payments.create(
        key=PAYER, payee=PAYEE.address, asset="USDC", amount=amount, wait_final=True
    )
    await world.settle()
    return made


async def test_payment_requests__paid_with_its_memo__succeeds(world, platform):
    asked = await platform.payment_requests.create(
        payee=PAYEE.address, asset="USDC", amount=5_000, expires_at="2030-01-01T00:00:00Z"
    )
    payment = await platform.payments.create(
        key=PAYER,
        payee=asked.payee,
        asset=asked.asset,
        amount=asked.amount,
        memo=asked.memo,
        wait_final=True,
    )
    await world.settle()

    found = await platform.payment_requests.get(asked.id)

    assert (asked.status, asked.payment_id) == ("open", None)
    assert (found.status, found.payment_id) == ("paid", payment.id)
    listed = [one.id async for one in platform.payment_requests.list(payee=PAYEE.address)]
    assert listed == [asked.id]
    any_amount = await platform.payment_requests.create(
        payee=PAYEE.address, asset="USDC", memo="rent"
    )
    assert any_amount.amount is None


async def test_refund__payee_pays_back__succeeds(world, platform):
    payment = await paid(world, platform)

    back = await platform.payments.refund(
        payment.id, 4_000, key=PAYEE, wait_final=True, idempotency_key="r1"
    )
    await world.settle()
    again = await platform.payments.refund(payment.id, 4_000, key=PAYEE, idempotency_key="r1")
    with pytest.raises(causeway.Conflict) as caught:
        await platform.payments.refund(payment.id, 6_001, key=PAYEE)

    assert (back.is_final, back.payee, back.amount) == (True, address_text(PAYER.address), 4_000)
    assert again.id == back.id
    assert caught.value.code == "REFUND_EXCEEDED"
    shown = [(one.number, one.status) async for one in platform.payments.refunds(payment.id)]
    assert shown == [(1, "final")]
    account = await platform.accounts.get(PAYER.address, "USDC")
    assert account.balance == FUNDS - 10_000 - 10 + 4_000


async def test_refund__by_somebody_else__rejects(world, platform):
    payment = await paid(world, platform)

    with pytest.raises(causeway.OrderMismatch) as caught:
        await platform.payments.refund(payment.id, 4_000, key=PAYER)

    assert caught.value.field == "payee"


@pytest.mark.parametrize(
    ("path_part", "name", "value", "field"),
    [
        ("/v1/payments/", "payer", ATTACKER, "payment"),
        ("/v1/payments/", "amount", "20000", "payment"),
        ("refunds", "payee", ATTACKER, "payee"),
        ("refunds", "amount", "4001", "amount"),
        ("refunds", "memo", "0x" + "11" * 32, "memo"),
        ("refunds", "fee", "4000", "fee"),
        ("refunds", "link", "0x" + "11" * 32, "link"),
    ],
)
async def test_refund__platform_lies__rejects(world, platform, path_part, name, value, field):
    payment = await paid(world, platform)

    def change(body):
        if body["object"] == "payment" and path_part != "refunds":
            body[name] = value
        if body["object"] == "refund" and path_part == "refunds":
            body["typed_data"]["message"][name] = value

    async with connected(world, change, path_part) as lied_to:
        with pytest.raises(causeway.OrderMismatch) as caught:
            await lied_to.payments.refund(payment.id, 4_000, key=PAYEE)

    assert caught.value.field == field


async def test_groups__exchange_signed_by_both__is_final_succeeds(world, platform):
    group = await platform.groups.create(LEGS)
    first = await platform.groups.sign(PAYER, group.id, expected=LEGS)

    done = await platform.groups.sign(PAYEE, group.id, expected=LEGS, wait_final=True)
    await world.settle()

    assert (first.status, done.status, done.is_final) == ("signing", "final", True)
    assert (await platform.groups.get(group.id)).is_final
    assert [one.id async for one in platform.groups.list(payer=PAYEE.address)] == [group.id]
    with pytest.raises(causeway.Conflict) as caught:
        await platform.groups.rebuild(group.id)
    assert caught.value.code == "GROUP_OPEN"


async def test_groups__nonce_used_meanwhile__built_anew_succeeds(world, platform):
    group = await platform.groups.create(LEGS)
    await paid(world, platform)
    with pytest.raises(causeway.Conflict) as caught:
        await platform.groups.sign(PAYER, group.id, expected=LEGS)

    anew = await platform.groups.rebuild(group.id)
    await platform.groups.sign(PAYER, anew.id, expected=LEGS)
    done = await platform.groups.sign(PAYEE, anew.id, expected=LEGS, wait_final=True)

    assert caught.value.code == "GROUP_OVERTAKEN"
    assert done.is_final


async def test_groups_sign__no_leg_of_the_key__rejects(world, platform):
    group = await platform.groups.create(LEGS)

    with pytest.raises(ValueError, match="no leg"):
        await platform.groups.sign(Key(keccak(b"stranger")), group.id, expected=LEGS)


@pytest.mark.parametrize(
    ("leg", "name", "value", "field"),
    [
        (0, "payer", ATTACKER, "payer"),
        (0, "amount", "10001", "amount"),
        (0, "fee", "1000", "fee"),
        (0, "validUntil", str(2**60), "validUntil"),
        (0, "memo", "0x" + "11" * 32, "memo"),
        (0, "link", "0x" + "11" * 32, "link"),
        (0, "nonce", "7", "id"),
        (1, "payee", ATTACKER, "payee"),
        (1, "amount", str(8_999 * 10**12), "amount"),
        (1, "asset", ATTACKER, "asset"),
        (1, "nonce", "7", "id"),
        (1, "link", "0x" + "11" * 32, "link"),
    ],
)
async def test_groups_sign__platform_changes_a_leg__rejects(
    world, platform, leg, name, value, field
):
    group = await platform.groups.create(LEGS)

    def change(body):
        body["legs"][leg]["typed_data"]["message"][name] = value

    async with connected(world, change, group.id) as lied_to:
        with pytest.raises(causeway.OrderMismatch) as caught:
            await lied_to.groups.sign(PAYER, group.id, expected=LEGS)

    assert caught.value.field == field
    shown = await platform.groups.get(group.id)
    assert [one["is_signed"] for one in shown.legs] == [False, False]


@pytest.mark.parametrize("change", [lambda legs: legs.pop(), lambda legs: legs.append(legs[0])])
async def test_groups_sign__leg_missing_or_added__rejects(world, platform, change):
    group = await platform.groups.create(LEGS)

    async with connected(world, lambda body: change(body["legs"]), group.id) as lied_to:
        with pytest.raises(causeway.OrderMismatch, match="legs"):
            await lied_to.groups.sign(PAYER, group.id, expected=LEGS)


async def test_groups_sign__another_group_under_the_id__rejects(world, platform):
    group = await platform.groups.create(LEGS)
    other = await platform.groups.create(LEGS, valid_until=START_MS // 1000 + 900)

    def change(body):
        body["legs"] = other.raw["legs"]

    async with connected(world, change, group.id) as lied_to:
        with pytest.raises(causeway.OrderMismatch, match="id"):
            await lied_to.groups.sign(PAYER, group.id, expected=LEGS)


def test_collecting__both_clients__are_twins_holds():
    def calls(kind):
        return {
            name: [*inspect.signature(function).parameters]
            for name, function in vars(kind).items()
            if inspect.isfunction(function) and not name.startswith("__")
        }

    for name in ("PaymentRequests", "RefundCalls", "Groups"):
        assert calls(getattr(collecting, name)) == calls(getattr(collecting, f"Async{name}"))
