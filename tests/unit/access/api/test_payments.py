"""Payments: accepted, final, repeated, rejected, listed, in bulk; where they stand."""

import json
from dataclasses import dataclass

import pytest

from backend.protocol.order_records import encode_records
from backend.protocol.types import digest_text
from tests.unit.access.scenes import (
    PAYEE,
    PAYER,
    PAYER_TEXT,
    get,
    nothing_changes,
    paid,
    post_batch,
    with_message,
)
from tests.unit.access.world import (
    error_of,
    order,
    sign,
    withdrawal,
)
from tests.unit.engine.committee import DOMAIN


async def test_create_payment__good_order__accepted_then_final_succeeds(world):
    signed = sign(PAYER, order(PAYER, PAYEE.address, 1_000))

    response = await world.pay(signed)
    await world.settle()
    shown = await get(world, f"/v1/payments/{response.json()['id']}")

    assert response.status_code == 202
    accepted = response.json()
    assert accepted["status"] == "accepted"
    assert accepted["next"]["status"] == "final"
    assert accepted["id"] == digest_text(signed.digest(DOMAIN))
    assert shown["status"] == "final"
    assert (shown["asset"], shown["amount"], shown["fee"]) == ("USDC", "1000", "10")
    assert shown["block"]["slot"] == 0
    assert shown["next"]["status"] == "posted"


async def test_create_payment__wait_final__answers_final_succeeds(world):
    signed = sign(PAYER, order(PAYER, PAYEE.address, 1_000))

    response = await world.pay(signed, Prefer="wait=final")

    assert response.status_code == 200
    assert response.json()["status"] == "final"
    assert response.json()["block"]["number"]


async def test_create_payment__repeated__changes_nothing(world):
    signed = sign(PAYER, order(PAYER, PAYEE.address, 1_000))
    first = await world.pay(signed, Prefer="wait=final")
    await world.settle()
    before = world.state()

    again = await world.pay(signed)

    await world.settle()
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["status"] == "final"
    assert world.state() == before


async def test_get_payment__posted_and_settled__shows_its_place_succeeds(world):
    payments = [sign(PAYER, order(PAYER, PAYEE.address, 1, nonce)) for nonce in range(3)]
    for signed in payments:
        await world.pay(signed, Prefer="wait=final")
    await world.settle()
    path = f"/v1/payments/{digest_text(payments[2].digest(DOMAIN))}"
    row = world.dependencies.reader.payment(payments[2].digest(DOMAIN))
    ordinal = row.block.first_slot + row.order.slot

    await post_batch(world, 1)
    posted = await get(world, path)
    await post_batch(world, 1, is_settled=True)
    settled = await get(world, path)

    assert posted["status"] == "posted"
    assert posted["batch"]["number"] == "1"
    assert posted["batch"]["slot"] == ordinal + 2  # after the padding
    assert posted["next"] == {"status": "settled", "earliest_at": "2027-01-15T08:01:05.000Z"}
    assert settled["status"] == "settled"
    assert settled["next"] is None


async def test_get_payment__rejected_after_acceptance__tells_the_code_succeeds(world, monkeypatch):
    @dataclass(frozen=True)
    class Rejected:
        is_final = False
        block_number = 9
        code = "ORDER_EXPIRED"

    async def wait_final(_payment_id, _timeout_ms):
        return Rejected()

    monkeypatch.setattr(world.node, "wait_final", wait_final)
    signed = sign(PAYER, order(PAYER, PAYEE.address, 1_000))
    response = await world.pay(signed)

    assert response.status_code == 200
    assert (response.json()["status"], response.json()["code"]) == ("rejected", "ORDER_EXPIRED")
    assert response.json()["amount"] == "1000"


async def test_list_payments__filters__succeeds(world):
    for nonce in range(3):
        await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 1 + nonce, nonce)))
    await world.pay(sign(PAYEE, order(PAYEE, PAYER.address, 50, 0)), Prefer="wait=final")
    await world.settle()

    def amounts(page):
        return [one["amount"] for one in page["data"]]

    assert amounts(await get(world, f"/v1/payments?payer={PAYER_TEXT}")) == ["3", "2", "1"]
    assert amounts(await get(world, f"/v1/payments?payee={PAYER_TEXT}")) == ["50"]
    assert len(amounts(await get(world, f"/v1/payments?party={PAYER_TEXT}"))) == 4
    assert amounts(await get(world, "/v1/payments?asset=WIDE")) == []
    assert len(amounts(await get(world, "/v1/payments?status=final"))) == 4
    first = await get(world, f"/v1/payments?payer={PAYER_TEXT}&limit=2")
    rest = await get(world, f"/v1/payments?payer={PAYER_TEXT}&after={first['next_cursor']}")
    assert (amounts(first), amounts(rest)) == (["3", "2"], ["1"])
    assert rest["next_cursor"] is None
    await post_batch(world, 1)
    assert amounts(await get(world, "/v1/payments?status=final")) == []
    assert len(amounts(await get(world, "/v1/payments?status=posted"))) == 4
    await post_batch(world, 1, is_settled=True)
    assert len(amounts(await get(world, "/v1/payments?status=settled"))) == 4


async def test_create_payments__binary_records__succeeds(world):
    orders = [sign(PAYER, order(PAYER, PAYEE.address, 1, nonce)) for nonce in range(40)]
    orders.append(sign(PAYEE, withdrawal(PAYEE, 7)))

    response = await world.client.post(
        "/v1/payments/bulk",
        content=encode_records(orders),
        headers={"Content-Type": "application/x-causeway-orders"},
    )

    answers = [json.loads(line) for line in response.text.splitlines()]
    assert [answer["id"] for answer in answers] == [
        digest_text(signed.digest(DOMAIN)) for signed in orders
    ]
    await world.settle()
    assert world.node.account(PAYER.address, 1).nonce == 40


async def test_create_payments__one_line_is_bad__accepts_the_others_holds(world):
    lines = [
        json.dumps(paid()),
        "{",
        json.dumps(paid(nonce=1, amount=0)),
        json.dumps(with_message(amount=5)),
        json.dumps(paid(nonce=1)),
    ]

    response = await world.client.post(
        "/v1/payments/bulk",
        content="\n".join(lines).encode(),
        headers={"Content-Type": "application/x-ndjson"},
    )

    answers = [json.loads(line) for line in response.text.splitlines()]
    assert [answer["line"] for answer in answers] == [1, 2, 3, 4, 5]
    codes = [answer.get("error", {}).get("code") for answer in answers]
    assert codes == [None, "MALFORMED_REQUEST", "AMOUNT_ZERO", "AMOUNT_NOT_INTEGER", None]


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"\x01\x02", "application/x-causeway-orders"),
        (b"\x09" * 300, "application/x-causeway-orders"),
        (bytes([2, *bytes(185)]) * 10_001 + b"\x09", "application/x-causeway-orders"),
        (b"{}", "application/json"),
        (b"{}\n" * 10_001, "application/x-ndjson"),
    ],
)
async def test_create_payments__malformed__rejects(world, content, content_type):
    async with nothing_changes(world):
        response = await world.client.post(
            "/v1/payments/bulk", content=content, headers={"Content-Type": content_type}
        )

        assert error_of(response) == (400, "MALFORMED_REQUEST")
