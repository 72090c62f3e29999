"""Customers whose keys we keep, in groups and refunds.

- a leg signed by the platform: with the last one the group is final; the use is noted
- refused: not the payer, no such customer, no scope, both or neither of signature and customer
- a refund by a customer is signed and sent at once; without the scope it is only prepared
- many refunds and payments of one customer at once: none takes another's nonce
"""

import asyncio

from backend.records.registers.api_keys import ApiKeys
from tests.unit.access.collecting.scenes import EXCHANGE, add_signature, build
from tests.unit.access.custody.scenes import customer, fund
from tests.unit.access.scenes import PAYER, PAYER_TEXT, get
from tests.unit.access.world import error_of, order, sign


async def with_customer(world):
    """Return a customer with money, and a group of his and the payer's."""
    made = await customer(world)
    await fund(world, made["address"], 5_000)
    back = {"payer": made["address"], "payee": PAYER_TEXT, "asset": "USDC", "amount": "70"}
    out = EXCHANGE[0] | {"payee": made["address"], "asset": "WIDE"}
    return made, (await build(world, out, back)).json()


async def sign_for(world, group, leg, made, **fields):
    body = {"leg": leg, "customer_id": made["id"]} | fields
    return await world.post(f"/v1/groups/{group['id']}/signatures", body, Prefer="wait=final")


def use_key(world, *scopes):
    keys = ApiKeys(world.databases.registers)
    _, text = keys.create("narrow", scopes, world.clock())
    world.client.headers["Authorization"] = f"Bearer {text}"


async def test_sign_leg_for__customer_is_the_payer__is_final_succeeds(world):
    made, group = await with_customer(world)

    await sign_for(world, group, 1, made)
    again = await sign_for(world, group, 1, made)
    done = await add_signature(world, group, 0, Prefer="wait=final")

    assert [leg["is_signed"] for leg in again.json()["legs"]] == [False, True]
    assert done.json()["status"] == "final"
    uses = await get(world, f"/v1/customers/{made['id']}/key-uses")
    assert {use["purpose"] for use in uses["data"]} == {"group"}


async def test_sign_leg_for__malformed__rejects(world):
    made, group = await with_customer(world)
    path = f"/v1/groups/{group['id']}/signatures"

    not_his = await sign_for(world, group, 0, made)
    nobody = await sign_for(world, group, 1, {"id": "cus_1"})
    no_leg = await sign_for(world, group, 2, made)
    both = await sign_for(world, group, 1, made, signature="0x" + "11" * 65)
    neither = await world.post(path, {"leg": 1})
    use_key(world, "groups:*")
    no_scope = await sign_for(world, group, 1, made)

    assert error_of(not_his) == (422, "NOT_AUTHORISED")
    assert error_of(nobody) == (404, "CUSTOMER_NOT_FOUND")
    assert error_of(no_leg) == (422, "GROUP_INVALID")
    assert error_of(both) == error_of(neither) == (400, "MALFORMED_REQUEST")
    assert error_of(no_scope) == (403, "PERMISSION_DENIED")


async def paid_customer(world):
    made = await customer(world)
    await fund(world, made["address"], 5_000)
    payee = bytes.fromhex(made["address"][2:])
    nonce = world.node.account(PAYER.address, 1).nonce
    paid = await world.pay(sign(PAYER, order(PAYER, payee, 500, nonce)), Prefer="wait=final")
    await world.settle()
    return f"/v1/payments/{paid.json()['id']}/refunds"


async def test_create_refund__customer_pays_back__is_sent_at_once_succeeds(world):
    path = await paid_customer(world)
    before = world.node.account(PAYER.address, 1).balance_minor

    response = await world.post(path, {"amount": "200"}, **{"Idempotency-Key": "r"})
    await world.settle()

    assert response.json()["status"] in ("accepted", "final")
    assert world.node.account(PAYER.address, 1).balance_minor == before + 200
    assert [one["status"] for one in (await get(world, path))["data"]] == ["final"]


async def test_create_refund__many_at_once_and_payments__all_are_sent_succeeds(world):
    path = await paid_customer(world)
    (made,) = (await get(world, "/v1/customers"))["data"]
    out = {"payee": PAYER_TEXT, "asset": "USDC", "amount": "50"}
    requests = [
        world.post(way, body, **{"Idempotency-Key": f"{way} {number}"})
        for number in range(4)
        for way, body in (
            (path, {"amount": "20"}),
            (f"/v1/customers/{made['id']}/payments", out),
        )
    ]

    answers = await asyncio.gather(*requests)

    assert [one.text for one in answers if one.status_code >= 300] == []


async def test_create_refund__customer_has_no_funds__reserves_nothing_holds(world):
    path = await paid_customer(world)
    register = world.dependencies.registers.collecting.refunds
    account = bytes.fromhex((await get(world, "/v1/customers"))["data"][0]["address"][2:])
    left = world.node.account(account, 1).balance_minor
    out = {"payee": PAYER_TEXT, "asset": "USDC", "amount": str(left - 50)}
    customers = (await get(world, "/v1/customers"))["data"]
    pay = f"/v1/customers/{customers[0]['id']}/payments"
    await world.post(pay, out, Prefer="wait=final", **{"Idempotency-Key": "out"})

    response = await world.post(path, {"amount": "500"}, **{"Idempotency-Key": "r1"})
    smaller = await world.post(path, {"amount": "20"}, **{"Idempotency-Key": "r2"})

    assert error_of(response) == (409, "INSUFFICIENT_FUNDS")
    assert smaller.status_code == 201, smaller.text
    payment_id = bytes.fromhex(path.split("/")[3][2:])
    states = [one.state for one in register.of_payment(payment_id)]
    assert states[0] == "released"
    shown = (await get(world, path))["data"][0]
    assert (shown["status"], shown["typed_data"]) == ("rejected", None)


async def test_create_refund__no_scope_for_customers__is_only_prepared_holds(world):
    path = await paid_customer(world)
    use_key(world, "refunds:*", "payments:read")

    response = await world.post(path, {"amount": "200"}, **{"Idempotency-Key": "r"})

    assert response.json()["status"] == "prepared"
