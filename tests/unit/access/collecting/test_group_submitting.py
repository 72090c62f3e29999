"""Groups that all have signed, sent in one request.

- sent with all signatures; again; after some signed it here; in bulk: found in the ledger
- a leg missing, altered, doubled, in another order, of another signer; 5 assets with fees
- one leg alone; a leg with a refund's memo
"""

import pytest

from backend.protocol.errors import GroupInvalid
from backend.protocol.hashing import keccak
from backend.protocol.order_records import OrderGroup, SignedOrder, encode_records
from backend.protocol.orders import linked
from backend.protocol.types import Address, digest_text
from tests.unit.access.collecting.scenes import (
    EXCHANGE,
    KEYS,
    add_signature,
    balances,
    body_of_group,
    build,
    order_of,
    signed_exchange,
)
from tests.unit.access.scenes import (
    PAYEE,
    PAYEE_TEXT,
    PAYER,
    PAYER_TEXT,
    get,
    nothing_changes,
)
from tests.unit.access.world import FUNDS, error_of, order, sign


async def test_submit_group__all_signed__is_final_succeeds(world):
    legs = signed_exchange()

    first = await world.post("/v1/groups/submit", body_of_group(legs), Prefer="wait=final")
    await world.settle()
    before = balances(world)
    again = await world.post("/v1/groups/submit", body_of_group(legs), Prefer="wait=final")
    await world.settle()

    assert first.json()["status"] == again.json()["status"] == "final"
    assert first.json()["id"] == digest_text(legs[0].order.link)
    assert balances(world) == before == [FUNDS - 1_010, FUNDS + 900, FUNDS + 1_000, FUNDS - 900]


async def test_submit_group__some_signed_it_before__is_final_succeeds(world):
    group = (await build(world)).json()
    await add_signature(world, group, 0)
    legs = [sign(KEYS[leg["payer"]], order_of(leg)) for leg in group["legs"]]

    response = await world.post("/v1/groups/submit", body_of_group(legs), Prefer="wait=final")

    assert (response.json()["id"], response.json()["status"]) == (group["id"], "final")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda legs: legs[:1], (422, "GROUP_INVALID")),
        (lambda legs: legs[::-1], (422, "GROUP_INVALID")),
        (lambda legs: legs * 5, (422, "GROUP_INVALID")),
        (lambda legs: [legs[0], legs[0]], (422, "GROUP_INVALID")),
        (
            lambda legs: [legs[0], SignedOrder(legs[1].order, legs[0].signature)],
            (422, "NOT_AUTHORISED"),
        ),
        (
            lambda legs: [legs[0], sign(PAYEE, order(PAYEE, PAYER.address, 1, fee=0))],
            (422, "GROUP_INVALID"),
        ),
    ],
)
async def test_submit_group__malformed__rejects(world, change, expected):
    async with nothing_changes(world):
        body = body_of_group(change(signed_exchange()))
        response = await world.post("/v1/groups/submit", body)

        assert error_of(response) == expected


async def test_submit_group__asset_that_is_not_listed__keeps_nothing_rejects(world):
    token = Address(b"\x0c" * 20)
    orders = linked([order(PAYER, PAYEE.address, 5, asset=token), order(PAYEE, PAYER.address, 5)])
    legs = [sign(PAYER, orders[0]), sign(PAYEE, orders[1])]

    response = await world.post("/v1/groups/submit", body_of_group(legs))

    assert error_of(response) == (422, "ASSET_UNKNOWN")
    assert (await get(world, "/v1/groups"))["data"] == []


def test_check__five_fee_assets__rejects():
    tokens = [Address(keccak(bytes([number]))[:20]) for number in range(5)]
    orders = linked(
        [
            order(PAYER, PAYEE.address, 1, asset=token)  # each bears a fee
            for token in tokens
        ]
    )

    with pytest.raises(GroupInvalid, match="5 assets"):
        OrderGroup(tuple(sign(PAYER, one) for one in orders)).check()


async def test_pay__one_leg_alone__rejects(world):
    legs = signed_exchange()
    async with nothing_changes(world):
        assert error_of(await world.pay(legs[0])) == (422, "ORDER_IN_GROUP")


async def test_submit_group__leg_with_a_refunds_memo__rejects(world):
    paid = await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 500)), Prefer="wait=final")
    await world.settle()
    path = f"/v1/payments/{paid.json()['id']}/refunds"
    refund = (await world.post(path, {"amount": "100"}, **{"Idempotency-Key": "r"})).json()
    leg = {"payer": PAYEE_TEXT, "payee": PAYER_TEXT, "asset": "USDC", "amount": "100"}

    response = await build(world, leg | {"memo": refund["memo"]}, EXCHANGE[0])

    assert error_of(response) == (422, "REFUND_MISMATCH")


async def test_get_group__sent_in_bulk__is_found_in_the_ledger_succeeds(world):
    legs = signed_exchange()
    await world.client.post(
        "/v1/payments/bulk",
        content=encode_records([OrderGroup(tuple(legs))]),
        headers={"Content-Type": "application/x-causeway-orders"},
    )
    await world.settle()

    shown = await get(world, f"/v1/groups/{digest_text(legs[0].order.link)}")

    assert shown["status"] == "final"
    assert [order_of(leg) for leg in shown["legs"]] == [leg.order for leg in legs]
