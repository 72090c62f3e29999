"""Holds.

- authorise by signature, by the payer's own payment, by a customer's key; never by another's
- capture all, a part; by repeated request once; release; expiry, late capture refused by the ledger
- a capture whose answer was lost; one that the ledger rejects
- bad input: above the hold, after expiry, twice, unauthorised, after release; expiry past or too
  far; payer is payee; amounts; unknown
- its lists, its scopes
"""

import pytest

from backend.access.custody.sending import Sent, Standing
from backend.protocol.order_records import decode_record
from tests.unit.access.custody.scenes import (
    DAY_S,
    authorised,
    balance,
    call,
    customer,
    done,
    hold,
    now_s,
    pass_time,
    signature_of,
    tick,
)
from tests.unit.access.scenes import PAYEE, PAYEE_TEXT, PAYER, PAYER_TEXT, get, nothing_changes
from tests.unit.access.world import FUNDS, error_of, order, sign

# A hold of 1,000: 20 are reserved for fees, 10 is the fee of the payer's own payment.
PAID_IN = 1_030


async def state(world, made):
    shown = await get(world, f"/v1/holds/{made['id']}")
    return tuple(shown[name] for name in ("status", "held", "captured", "returned"))


async def test_hold__signed_by_payer__is_authorised_succeeds(world):
    made = await hold(world)
    order_shown = made.json()["order"]["typed_data"]["message"]
    shown = await authorised(world)

    assert made.status_code == 201
    assert made.json()["status"] == "created"
    assert (order_shown["payee"], order_shown["amount"]) == (shown["account"], "1020")
    assert (shown["held"], shown["order"]) == ("1020", None)
    assert await balance(world, PAYER_TEXT) == FUNDS - PAID_IN


async def test_hold__payer_pays_it_himself__is_authorised_succeeds(world):
    made = (await hold(world)).json()
    body = {
        "order": made["order"]["typed_data"]["message"],
        "signature": signature_of(made),
    }
    await world.post("/v1/payments", body, Prefer="wait=final")

    assert await state(world, made) == ("authorised", "1020", "0", "0")


@pytest.mark.parametrize("by", ["id", "address"])
async def test_hold__customer_whose_key_we_keep__is_authorised_at_once_succeeds(world, by):
    made = await customer(world, amount=5_000)
    wish = {"payer": made[by], "expires_at": str(now_s(world) + DAY_S)}
    shown = (await hold(world, **wish)).json()
    again = (await hold(world, **wish)).json()
    uses = await get(world, f"/v1/customers/{made['id']}/key-uses")

    assert shown["status"] == "authorised"
    assert again["id"] == shown["id"]
    assert [one["purpose"] for one in uses["data"]] == ["hold"]
    assert await balance(world, made["address"]) == 5_000 - PAID_IN


async def test_hold__customer_without_money__rejects(world):
    made = await customer(world, amount=500)
    async with nothing_changes(world):
        response = await hold(world, payer=made["id"])
    (shown,) = (await get(world, "/v1/holds"))["data"]

    assert error_of(response) == (409, "INSUFFICIENT_FUNDS")
    assert (shown["status"], shown["held"]) == ("released", "0")


async def test_authorize_hold__signature_of_another__rejects(world):
    made = (await hold(world)).json()
    digest = bytes.fromhex(made["order"]["id"][2:])
    forged = "0x" + PAYEE.sign_digest(digest).hex()
    async with nothing_changes(world):
        response = await world.post(f"/v1/holds/{made['id']}/authorization", {"signature": forged})

        assert error_of(response) == (422, "NOT_AUTHORISED")


async def test_authorize_hold__repeated__changes_nothing(world):
    made = (await hold(world)).json()
    path, body = f"/v1/holds/{made['id']}/authorization", {"signature": signature_of(made)}
    await world.post(path, body)
    async with nothing_changes(world):
        again = await world.post(path, body)

    assert again.json()["status"] == "authorised"


async def test_authorize_hold__payer_paid_elsewhere_meanwhile__signs_a_fresh_order_succeeds(world):
    made = (await hold(world)).json()
    await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 5)), Prefer="wait=final")
    path = f"/v1/holds/{made['id']}"
    stale = await world.post(f"{path}/authorization", {"signature": signature_of(made)})
    fresh = await get(world, path)
    answer = await world.post(f"{path}/authorization", {"signature": signature_of(fresh)})

    assert error_of(stale) == (422, "NOT_AUTHORISED")
    assert fresh["order"]["typed_data"]["message"]["nonce"] == "1"
    assert answer.json()["status"] == "authorised"


@pytest.mark.parametrize("body", [{}, {"amount": "1000"}])
async def test_capture__all__pays_the_payee_succeeds(world, body):
    made = await authorised(world)

    shown = await done(world, f"/v1/holds/{made['id']}/capture", body, "capture")
    payment = await get(world, f"/v1/payments/{shown['capture_payment_id']}")

    assert (shown["status"], shown["captured"], shown["held"]) == ("captured", "1000", "0")
    assert (payment["payee"], payment["amount"], payment["fee"]) == (PAYEE_TEXT, "1000", "20")
    assert await balance(world, PAYEE_TEXT) == FUNDS + 1_000
    assert await balance(world, PAYER_TEXT) == FUNDS - PAID_IN


@pytest.mark.parametrize("amount", [1, 300, 989, 990, 999])
async def test_capture__a_part__rest_goes_back_to_the_unit_holds(world, amount):
    made = await authorised(world)

    shown = await done(world, f"/v1/holds/{made['id']}/capture", {"amount": str(amount)}, "capture")

    assert (shown["status"], shown["captured"]) == ("captured", str(amount))
    assert (shown["returned"], shown["held"]) == (str(1_000 - amount), "0")
    assert await balance(world, PAYEE_TEXT) == FUNDS + amount
    assert await balance(world, PAYER_TEXT) == FUNDS - PAID_IN + 1_000 - amount


async def test_capture__same_request_again__captures_once_holds(world):
    made = await authorised(world)
    path = f"/v1/holds/{made['id']}/capture"
    first = await done(world, path, {"amount": "300"}, "capture")
    world.dependencies.registers.idempotency.prune(world.clock() + 10**12)  # the answer is lost

    async with nothing_changes(world):
        again = await done(world, path, {"amount": "300"}, "capture")

    assert again == first


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"amount": "1001"}, (422, "CAPTURE_TOO_LARGE")),
        ({"amount": "0"}, (422, "AMOUNT_ZERO")),
        ({"amount": 5}, (422, "AMOUNT_NOT_INTEGER")),
        ({"much": "5"}, (400, "MALFORMED_REQUEST")),
    ],
)
async def test_capture__bad_amount__rejects(world, body, expected):
    made = await authorised(world)
    async with nothing_changes(world):
        response = await call(world, f"/v1/holds/{made['id']}/capture", body, "capture")

        assert error_of(response) == expected
    assert (await state(world, made))[0] == "authorised"


async def test_capture__not_authorised__rejects(world):
    made = (await hold(world)).json()
    async with nothing_changes(world):
        response = await call(world, f"/v1/holds/{made['id']}/capture", {}, "capture")

        assert error_of(response) == (409, "HOLD_NOT_AUTHORISED")


async def test_capture__twice__rejects(world):
    made = await authorised(world)
    path = f"/v1/holds/{made['id']}/capture"
    await done(world, path, {"amount": "300"}, "capture")
    async with nothing_changes(world):
        response = await call(world, path, {"amount": "300"}, "another request")

        assert error_of(response) == (409, "HOLD_ENDED")


async def test_capture__after_expiry__rejects_and_the_money_goes_back_holds(world):
    made = await authorised(world)
    pass_time(world, DAY_S + 1)
    async with nothing_changes(world):
        response = await call(world, f"/v1/holds/{made['id']}/capture", {}, "capture")

        assert error_of(response) == (409, "HOLD_EXPIRED")
    await tick(world)

    assert await state(world, made) == ("expired", "0", "0", "1010")
    assert await balance(world, PAYER_TEXT) == FUNDS - PAID_IN + 1_010


async def test_capture__sent_to_the_ledger_after_expiry__rejects(world):
    made = await authorised(world)
    register = world.dependencies.registers.custody.kept_orders
    signed = decode_record(register.newest(f"{made['id']}/capture").record)
    pass_time(world, DAY_S + 1)
    async with nothing_changes(world):
        response = await world.pay(signed)

        assert error_of(response) == (422, "ORDER_EXPIRED")


async def test_capture__ledger_rejects_it__rejects(world, monkeypatch):
    made = await authorised(world)
    kept = world.dependencies.registers.custody.kept_orders.newest(f"{made['id']}/capture")

    async def rejected(*_args, **_named):
        return Sent(kept, Standing("rejected", "NOT_ELIGIBLE"))

    monkeypatch.setattr(type(world.api.state.services.sender), "send", rejected)
    response = await call(world, f"/v1/holds/{made['id']}/capture", {}, "capture")

    assert error_of(response) == (409, "HOLD_ORDER_REJECTED")


async def test_release__authorised__money_goes_back_succeeds(world):
    made = await authorised(world)

    shown = await done(world, f"/v1/holds/{made['id']}/release", None, "release")
    again = await done(world, f"/v1/holds/{made['id']}/release", None, "release again")

    assert (shown["status"], shown["returned"], shown["held"]) == ("released", "1010", "0")
    assert again == shown
    assert await balance(world, PAYER_TEXT) == FUNDS - PAID_IN + 1_010


async def test_release__never_paid_for__ends_it_holds(world):
    made = (await hold(world)).json()
    shown = await done(world, f"/v1/holds/{made['id']}/release", None, "release")
    async with nothing_changes(world):
        late = await world.post(
            f"/v1/holds/{made['id']}/authorization", {"signature": signature_of(made)}
        )

    assert (shown["status"], shown["order"]) == ("released", None)
    assert error_of(late) == (409, "HOLD_ENDED")


async def test_release__after_capture__rejects(world):
    made = await authorised(world)
    await done(world, f"/v1/holds/{made['id']}/capture", {}, "capture")
    async with nothing_changes(world):
        response = await call(world, f"/v1/holds/{made['id']}/release", None, "release")

        assert error_of(response) == (409, "HOLD_ENDED")


async def test_capture__after_release__rejects(world):
    made = await authorised(world)
    await done(world, f"/v1/holds/{made['id']}/release", None, "release")
    async with nothing_changes(world):
        response = await call(world, f"/v1/holds/{made['id']}/capture", {}, "capture")

        assert error_of(response) == (409, "HOLD_ENDED")


async def test_authorize_hold__after_expiry__rejects(world):
    made = (await hold(world)).json()
    pass_time(world, DAY_S + 1)
    async with nothing_changes(world):
        response = await world.post(
            f"/v1/holds/{made['id']}/authorization", {"signature": signature_of(made)}
        )

        assert error_of(response) == (409, "HOLD_EXPIRED")
    assert (await state(world, made))[0] == "expired"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"expires_at": "1"}, (422, "EXPIRY_INVALID")),
        ({"expires_at": "2028-02-15T08:00:00Z"}, (422, "EXPIRY_INVALID")),
        ({"expires_at": "tomorrow"}, (400, "MALFORMED_REQUEST")),
        ({"payee": PAYER_TEXT}, (422, "SAME_ACCOUNT")),
        ({"payee": "0x" + "00" * 20}, (422, "PAYEE_INVALID")),
        ({"amount": "0"}, (422, "AMOUNT_ZERO")),
        ({"amount": str(2**48 - 10)}, (422, "AMOUNT_TOO_LARGE")),
        ({"asset": "EURX"}, (422, "ASSET_UNKNOWN")),
        ({"payer": "0x" + "11" * 20}, (422, "ACCOUNT_UNKNOWN")),
        ({"payer": "cus_1"}, (404, "CUSTOMER_NOT_FOUND")),
        ({"payer": "0x11"}, (400, "MALFORMED_REQUEST")),
    ],
)
async def test_create_hold__bad_input__rejects(world, fields, expected):
    async with nothing_changes(world):
        assert error_of(await hold(world, **fields)) == expected
    assert (await get(world, "/v1/holds"))["data"] == []


@pytest.mark.parametrize("action", ["", "/key-uses", "/capture", "/release", "/authorization"])
async def test_hold__unknown__rejects(world, action):
    path = f"/v1/holds/hold_1{action}"
    body = {"signature": "0x" + "11" * 65} if action == "/authorization" else {}
    is_get = action in ("", "/key-uses")
    response = await (world.client.get(path) if is_get else call(world, path, body, "1"))

    assert error_of(response) == (404, "HOLD_NOT_FOUND")


async def test_list_holds__by_party_and_page__succeeds(world):
    made = [(await hold(world, f"hold-{index}")).json()["id"] for index in range(3)]
    first = await get(world, f"/v1/holds?payer={PAYER_TEXT}&limit=2")
    rest = await get(world, f"/v1/holds?payer={PAYER_TEXT}&after={first['next_cursor']}")

    assert [one["id"] for one in (*first["data"], *rest["data"])] == made[::-1]
    assert (await get(world, f"/v1/holds?payee={PAYER_TEXT}"))["data"] == []


async def test_create_hold__key_may_not_sign_for_customers__rejects(world):
    made = await customer(world, amount=5_000)
    body = {"name": "shop", "scopes": ["holds:write", "holds:read"]}
    secret = (await done(world, "/v1/api-keys", body, "key"))["secret"]
    wish = {
        "payer": made["address"],
        "payee": PAYEE_TEXT,
        "asset": "USDC",
        "amount": "1000",
        "expires_at": str(now_s(world) + DAY_S),
    }
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "1"}
    async with nothing_changes(world):
        response = await world.client.post("/v1/holds", json=wish, headers=headers)
        own = await world.client.post(
            "/v1/holds",
            json=wish | {"payer": PAYER_TEXT},
            headers=headers | {"Idempotency-Key": "2"},
        )

        assert error_of(response) == (403, "PERMISSION_DENIED")
        assert own.status_code == 201
