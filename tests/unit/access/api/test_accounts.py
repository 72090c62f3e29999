"""Accounts: pending orders count; lists and statements by pages."""

from backend.protocol.types import digest_text
from tests.unit.access.scenes import PAYEE, PAYER, PAYER_TEXT, get
from tests.unit.access.world import (
    FUNDS,
    order,
    sign,
)
from tests.unit.engine.committee import DOMAIN


async def test_get_account__pending_order__counts_it_succeeds(world):
    await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 1_000)))

    account = await get(world, f"/v1/accounts/{PAYER_TEXT}/USDC")

    assert account["nonce_next"] == "1"
    assert account["available"] == str(FUNDS - 1_010)


async def test_list_accounts__of_one_owner__succeeds(world):
    listed = await get(world, f"/v1/accounts?owner={PAYER_TEXT}")
    page = await get(world, "/v1/accounts?limit=1&asset=USDC")

    assert {one["asset"] for one in listed["data"]} == {"USDC", "WIDE"}
    assert page["has_more"]
    rest = await get(world, f"/v1/accounts?asset=USDC&after={page['next_cursor']}")
    assert len(rest["data"]) == 2


async def test_statement__some_movements__newest_first_succeeds(world):
    signed = sign(PAYER, order(PAYER, PAYEE.address, 1_000))
    await world.pay(signed, Prefer="wait=final")
    await world.settle()

    path = f"/v1/accounts/{PAYER_TEXT}/USDC/statement"
    listed = await get(world, path)

    shown = [(one["kind"], one["amount"], one["balance_after"]) for one in listed["data"]]
    assert shown == [
        ("fee", "-10", str(FUNDS - 1_010)),
        ("payment", "-1000", str(FUNDS - 1_000)),
        ("deposit", str(FUNDS), str(FUNDS)),
    ]
    assert listed["data"][1]["subject"] == digest_text(signed.digest(DOMAIN))
    first = await get(world, f"{path}?limit=2")
    rest = await get(world, f"{path}?limit=2&after={first['next_cursor']}")
    back = await get(world, f"{path}?limit=2&before={rest['data'][0]['id']}")
    assert first["data"] + rest["data"] == listed["data"]
    assert back["data"] == first["data"]
