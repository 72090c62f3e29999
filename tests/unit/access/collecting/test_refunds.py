"""Refunds.

- prepared: memo, amount, what is signed; executed; listed; a repeat prepares no other
- never more than the payment: one after the other, prepared ones counted, many at once
- the node has forgotten a refund, and the records lag behind: what it reserved is not given away
- a reservation ends: executed, rejected for ever, its nonce used, its time over; and not before
- a refund's memo on another order is refused: alone, in bulk; on the prepared one it is not
- refused: a refund of a refund, of a withdrawal, of what is not final, of what nobody knows
"""

import asyncio
import json

import pytest

from backend.access.api import collecting_examples
from backend.access.collecting.refunds import refund_memo
from backend.protocol.order_records import encode_records
from backend.protocol.orders import PaymentOrder
from backend.protocol.types import digest_text
from tests.unit.access.scenes import (
    PAYEE,
    PAYEE_TEXT,
    PAYER,
    PAYER_TEXT,
    get,
    nothing_changes,
)
from tests.unit.access.world import body_of, error_of, order, sign, withdrawal
from tests.unit.engine.committee import DOMAIN


async def paid(world, amount=1_000, nonce=0):
    signed = sign(PAYER, order(PAYER, PAYEE.address, amount, nonce))
    response = await world.pay(signed, Prefer="wait=final")
    await world.settle()
    return response.json()["id"]


async def prepare(world, payment_id, amount, key_text=None, **fields):
    key_text = key_text or f"refund of {amount}"
    body = {"amount": str(amount)} | fields
    path = f"/v1/payments/{payment_id}/refunds"
    return await world.post(path, body, **{"Idempotency-Key": key_text})


def signed_refund(shown):
    message = shown["typed_data"]["message"]
    made = PaymentOrder(
        bytes.fromhex(message["payer"][2:]),
        bytes.fromhex(message["payee"][2:]),
        bytes.fromhex(message["asset"][2:]),
        *(int(message[name]) for name in ("amount", "fee", "nonce", "validUntil")),
        bytes.fromhex(message["memo"][2:]),
    )
    return sign(PAYEE, made)


async def statuses(world, payment_id):
    listed = await get(world, f"/v1/payments/{payment_id}/refunds")
    return [(one["number"], one["status"], one["code"]) for one in listed["data"]]


async def execute(world, shown):
    response = await world.pay(signed_refund(shown), Prefer="wait=final")
    assert response.json()["status"] == "final", response.text
    await world.settle()


async def test_prepare_refund__restarted_and_records_lag__frees_nothing_holds(world, monkeypatch):
    payment_id = await paid(world)
    first = (await prepare(world, payment_id, 1_000)).json()
    observers = list(world.node.observers)
    world.node.observers.clear()
    await world.pay(signed_refund(first), Prefer="wait=final")
    world.node._outcomes._outcomes.clear()
    with monkeypatch.context() as patch:
        patch.setattr("backend.access.custody.sending._RECORDS_WAIT_MS", 0)

        meanwhile = await prepare(world, payment_id, 1_000, "second")

    for final in world.node.replay(world.projections.block_number + 1):
        for observe in observers:
            observe(final)
    await world.settle()
    later = await prepare(world, payment_id, 1_000, "second")
    assert error_of(meanwhile) == (429, "BACK_PRESSURE")
    assert error_of(later) == (409, "REFUND_EXCEEDED")


async def test_prepare_refund__part_of_a_payment__is_bound_to_it_succeeds(world):
    payment_id = await paid(world)

    response = await prepare(world, payment_id, 400)

    shown = response.json()
    assert response.status_code == 201
    assert shown.keys() == collecting_examples.REFUND.keys()
    assert (shown["status"], shown["number"], shown["amount"]) == ("prepared", 1, "400")
    assert (shown["payer"], shown["payee"]) == (PAYEE_TEXT, PAYER_TEXT)
    memo = refund_memo(bytes.fromhex(payment_id[2:]), 1)
    assert shown["memo"] == shown["typed_data"]["message"]["memo"] == digest_text(memo)
    assert digest_text(signed_refund(shown).digest(DOMAIN)) == shown["id"]


async def test_refund__signed_by_the_payee__pays_back_succeeds(world):
    payment_id = await paid(world)
    shown = (await prepare(world, payment_id, 400)).json()
    before = world.node.account(PAYER.address, 1).balance_minor

    await execute(world, shown)

    assert world.node.account(PAYER.address, 1).balance_minor == before + 400
    assert await statuses(world, payment_id) == [(1, "final", None)]
    listed = await get(world, f"/v1/payments/{payment_id}/refunds")
    assert listed["data"][0]["typed_data"] is None


async def test_prepare_refund__repeated__changes_nothing(world):
    payment_id = await paid(world)
    first = await prepare(world, payment_id, 400, "one")
    register = world.dependencies.registers
    api_key = "bootstrap/one"

    again = await prepare(world, payment_id, 400, "one")
    # A crash between register and answer: the key knows no answer, the register the refund.
    register.idempotency.prune(world.clock() + 10**12)
    after_crash = await prepare(world, payment_id, 400, "one")
    register.idempotency.prune(world.clock() + 10**12)
    other = await prepare(world, payment_id, 500, "one")

    assert first.json() == again.json() == after_crash.json()
    assert register.collecting.refunds.of_scope(api_key).amount_minor == 400
    assert error_of(other) == (409, "IDEMPOTENCY_KEY_REUSED")


async def test_prepare_refund__more_than_the_payment__rejects(world):
    payment_id = await paid(world)
    whole = await prepare(world, payment_id, 1_001)
    await execute(world, (await prepare(world, payment_id, 600)).json())
    await prepare(world, payment_id, 300)

    over = await prepare(world, payment_id, 101)
    rest = await prepare(world, payment_id, 100)

    assert error_of(whole) == (409, "REFUND_EXCEEDED")
    assert error_of(over) == (409, "REFUND_EXCEEDED")
    assert over.json()["error"]["values"] == {"available_minor": 100, "asked_minor": 101}
    assert rest.status_code == 201
    assert error_of(await prepare(world, payment_id, 1)) == (409, "REFUND_EXCEEDED")


async def test_prepare_refund__many_at_once__never_more_than_the_payment_holds(world):
    payment_id = await paid(world)

    answers = await asyncio.gather(
        *(prepare(world, payment_id, 300, f"at once {number}") for number in range(8))
    )

    made = [answer for answer in answers if answer.status_code == 201]
    assert len(made) == 3
    refused = [answer for answer in answers if answer.status_code != 201]
    assert {error_of(answer) for answer in refused} == {(409, "REFUND_EXCEEDED")}
    assert sorted(answer.json()["number"] for answer in made) == [1, 2, 3]


async def test_prepare_refund__first_is_overtaken__reserves_no_more_succeeds(world):
    payment_id = await paid(world)
    first = (await prepare(world, payment_id, 1_000)).json()

    await world.pay(sign(PAYEE, order(PAYEE, PAYER.address, 1)), Prefer="wait=final")
    await world.settle()
    second = await prepare(world, payment_id, 999)

    assert second.status_code == 201
    assert await statuses(world, payment_id) == [
        (1, "rejected", "NONCE_TOO_LOW"),
        (2, "prepared", None),
    ]
    assert error_of(await world.pay(signed_refund(first))) == (422, "REFUND_MISMATCH")


async def test_prepare_refund__time_is_over__reserves_no_more_succeeds(world):
    payment_id = await paid(world)
    await prepare(world, payment_id, 1_000)

    world.clock.offset_ms = 605_000
    too_early = await prepare(world, payment_id, 1_000, "too early")
    world.clock.offset_ms = 612_000
    late = await prepare(world, payment_id, 1_000, "late")

    assert error_of(too_early) == (409, "REFUND_EXCEEDED")
    assert late.status_code == 201
    assert await statuses(world, payment_id) == [(1, "expired", None), (2, "prepared", None)]


async def test_prepare_refund__for_ever__rejects(world):
    payment_id = await paid(world)

    response = await prepare(world, payment_id, 10, valid_until=str(2**63))

    assert error_of(response) == (400, "MALFORMED_REQUEST")


async def test_pay__memo_of_a_refund_on_another_order__rejects(world):
    payment_id = await paid(world)
    shown = (await prepare(world, payment_id, 400)).json()
    memo = bytes.fromhex(shown["memo"][2:])
    other = sign(PAYEE, order(PAYEE, PAYER.address, 500, memo=memo))
    async with nothing_changes(world):
        alone = await world.pay(other)
        bulk = await world.client.post(
            "/v1/payments/bulk",
            content=encode_records([other]),
            headers={"Content-Type": "application/x-causeway-orders"},
        )

        assert error_of(alone) == (422, "REFUND_MISMATCH")
        assert json.loads(bulk.text)["error"]["code"] == "REFUND_MISMATCH"
    await execute(world, shown)


async def test_prepare_refund__of_a_refund__rejects(world):
    payment_id = await paid(world)
    shown = (await prepare(world, payment_id, 400)).json()
    early = await prepare(world, shown["id"], 100, "too early")
    await execute(world, shown)

    response = await prepare(world, shown["id"], 100)

    assert error_of(early) == (404, "PAYMENT_NOT_FOUND")
    assert error_of(response) == (422, "REFUND_NOT_ALLOWED")


async def test_prepare_refund__of_a_withdrawal__rejects(world):
    made = sign(PAYER, withdrawal(PAYER, 300))
    await world.post("/v1/withdrawals", body_of(made), Prefer="wait=final")
    await world.settle()

    response = await prepare(world, digest_text(made.digest(DOMAIN)), 100)

    assert error_of(response) == (422, "REFUND_NOT_ALLOWED")


async def test_prepare_refund__not_final__rejects(world, monkeypatch):
    monkeypatch.setattr(world.node._sequencer, "propose", lambda _: None)
    accepted = await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 1_000)))

    response = await prepare(world, accepted.json()["id"], 100)

    assert error_of(response) == (409, "PAYMENT_NOT_FINAL")
    assert response.json()["error"]["values"] == {"status": "accepted"}
    monkeypatch.undo()
    world.node._propose()


async def test_prepare_refund__final_this_instant__succeeds(world, monkeypatch):
    signed = sign(PAYER, order(PAYER, PAYEE.address, 1_000))
    await world.pay(signed, Prefer="wait=final")
    monkeypatch.setattr(world.dependencies.reader, "payment", lambda _: None)

    response = await prepare(world, digest_text(signed.digest(DOMAIN)), 100)

    assert response.status_code == 201


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("0", (422, "AMOUNT_ZERO")), ("x", (422, "AMOUNT_NOT_INTEGER"))],
)
async def test_prepare_refund__no_amount__rejects(world, amount, expected):
    payment_id = await paid(world)

    assert error_of(await prepare(world, payment_id, amount)) == expected
    assert error_of(await prepare(world, "0x" + "12" * 32, 5)) == (404, "PAYMENT_NOT_FOUND")
    unknown = await world.client.get("/v1/payments/0x" + "12" * 32 + "/refunds")
    assert error_of(unknown) == (404, "PAYMENT_NOT_FOUND")
    assert await statuses(world, payment_id) == []
