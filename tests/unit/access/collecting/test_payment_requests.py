"""Payment requests.

- made: with and without amount, memo, expiry; a repeat; a memo that another request has
- refused: assets, amounts, payee 0, a memo of zeros, an expiry in the past or without a zone
- paid: by a final payment with its payee, asset, memo and at least its amount, and by no other
- expired; listed; not found
- the link: JSON for programs, a page without scripts for people; nobody needs a key
- EIP-681: base units, the token, the chain
"""

import pytest

from backend.access.api import collecting_examples
from backend.access.collecting import page
from backend.access.collecting.payment_requests import eip681
from backend.protocol.hashing import keccak
from backend.protocol.types import address_text, digest_text
from backend.records.registers.payment_requests import PaymentRequest
from tests.unit.access.scenes import PAYEE, PAYEE_TEXT, PAYER, get
from tests.unit.access.world import USDC, WIDE, WIDE_TOKEN, error_of, order, sign
from tests.unit.engine.committee import CHAIN_ID, TOKEN


async def ask(world, key_text="r1", **fields):
    body = {"payee": PAYEE_TEXT, "asset": "USDC", "amount": "1000"} | fields
    body = {name: value for name, value in body.items() if value is not None}
    return await world.post("/v1/payment-requests", body, **{"Idempotency-Key": key_text})


async def pay_with_memo(world, memo, amount, nonce, payee=PAYEE.address, **fields):
    signed = sign(PAYER, order(PAYER, payee, amount, nonce, memo=memo, **fields))
    response = await world.pay(signed, Prefer="wait=final")
    assert response.status_code == 200, response.text
    await world.settle()
    return response.json()["id"]


async def status_of(world, request):
    shown = await get(world, f"/v1/payment-requests/{request['id']}")
    return shown["status"], shown["payment_id"]


async def test_create_request__amount__has_link_and_codes_succeeds(world):
    response = await ask(world)

    shown = response.json()
    assert response.status_code == 201
    assert shown.keys() == collecting_examples.PAYMENT_REQUEST.keys()
    assert (shown["status"], shown["payment_id"], shown["expires_at"]) == ("open", None, None)
    assert shown["link"] == f"http://127.0.0.1:8000/pay/{shown['id']}"
    assert shown["memo"] == digest_text(keccak(shown["id"].encode()))
    assert shown["eip681"] == (
        f"ethereum:{address_text(TOKEN)}@{CHAIN_ID}/transfer?address={PAYEE_TEXT}&uint256=1000"
    )
    assert shown["ledger"]["memo"] == shown["memo"]
    assert (shown["ledger"]["payee"], shown["ledger"]["amount"]) == (PAYEE_TEXT, "1000")


def test_eip681__wide_token_or_no_amount__base_units_succeeds():
    def made(amount_minor):
        return PaymentRequest("preq_1", "s", PAYEE.address, 2, amount_minor, b"", None, 0)

    head = f"ethereum:{address_text(WIDE_TOKEN)}@1/transfer?address={PAYEE_TEXT}"
    assert eip681(made(5), WIDE, 1) == f"{head}&uint256=5000000000000"
    assert eip681(made(None), WIDE, 1) == head


async def test_create_request__repeated__changes_nothing(world):
    first = await ask(world)
    register = world.dependencies.registers.collecting.requests

    again = await ask(world)
    kept = register.get(first.json()["id"])

    assert again.json() == first.json()
    # What a crash between register and answer leads to:
    assert register.add(kept) == kept
    other = await ask(world, amount="2000")
    assert error_of(other) == (409, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"asset": "GOLD"}, (422, "ASSET_UNKNOWN")),
        ({"amount": "0"}, (422, "AMOUNT_ZERO")),
        ({"amount": 5}, (422, "AMOUNT_NOT_INTEGER")),
        ({"amount": str(2**48)}, (422, "AMOUNT_TOO_LARGE")),
        ({"payee": "0x12"}, (400, "MALFORMED_REQUEST")),
        ({"payee": "0x" + "00" * 20}, (422, "PAYEE_INVALID")),
        ({"memo": "0x" + "00" * 32}, (400, "MALFORMED_REQUEST")),
        ({"expires_at": "2020-01-01T00:00:00Z"}, (400, "MALFORMED_REQUEST")),
        ({"expires_at": "2030-01-01T00:00:00"}, (400, "MALFORMED_REQUEST")),
        ({"expires_at": "soon"}, (400, "MALFORMED_REQUEST")),
        ({"extra": 1}, (400, "MALFORMED_REQUEST")),
    ],
)
async def test_create_request__malformed__rejects(world, fields, expected):
    assert error_of(await ask(world, **fields)) == expected
    assert (await get(world, "/v1/payment-requests"))["data"] == []


async def test_create_request__memo_of_another_request__rejects(world):
    first = (await ask(world, memo="invoice 17")).json()

    second = await ask(world, "r2", memo="invoice 17")
    other_asset = await ask(world, "r3", memo="invoice 17", asset="WIDE")

    assert error_of(second) == (409, "MEMO_TAKEN")
    assert second.json()["error"]["values"]["request_id"] == first["id"]
    assert other_asset.status_code == 201


async def test_get_request__payment_is_final__is_paid_succeeds(world):
    made = (await ask(world)).json()
    memo = bytes.fromhex(made["memo"][2:])
    await pay_with_memo(world, memo, 999, 0)
    await pay_with_memo(world, bytes(32), 1_000, 1)
    await pay_with_memo(world, memo, 1_000, 2, payee=b"\x07" * 20)
    await pay_with_memo(world, memo, 10**15, 0, asset=WIDE_TOKEN, fee=0)
    before = await status_of(world, made)

    payment_id = await pay_with_memo(world, memo, 1_001, 3)
    await pay_with_memo(world, memo, 1_000, 4)

    assert before == ("open", None)
    assert await status_of(world, made) == ("paid", payment_id)


async def test_get_request__any_amount__is_paid_succeeds(world):
    made = (await ask(world, amount=None)).json()

    payment_id = await pay_with_memo(world, bytes.fromhex(made["memo"][2:]), 1, 0)

    assert (made["amount"], made["ledger"]["amount"]) == (None, None)
    assert await status_of(world, made) == ("paid", payment_id)


async def test_get_request__time_is_over__expired_holds(world):
    until = str(world.clock() // 1000 + 60)
    made = (await ask(world, expires_at=until)).json()

    world.clock.offset_ms = 61_000

    assert made["status"] == "open"
    assert await status_of(world, made) == ("expired", None)
    page = await world.client.get(f"/pay/{made['id']}", headers={"Accept": "text/html"})
    assert "do not pay" in page.text
    assert "ethereum:" not in page.text


async def test_list_requests__pages_and_payee__succeeds(world):
    made = [(await ask(world, f"r{number}")).json() for number in range(3)]

    first = await get(world, f"/v1/payment-requests?limit=2&payee={PAYEE_TEXT}")
    rest = await get(world, f"/v1/payment-requests?after={first['next_cursor']}")
    nobody = await get(world, f"/v1/payment-requests?payee={address_text(PAYER.address)}")

    ids = [one["id"] for one in first["data"] + rest["data"]]
    assert ids == [one["id"] for one in reversed(made)]
    assert nobody["data"] == []


async def test_get_request__unknown__rejects(world):
    for path in ("/v1/payment-requests/preq_1", "/pay/preq_1"):
        response = await world.client.get(path)
        assert error_of(response) == (404, "PAYMENT_REQUEST_NOT_FOUND")


async def test_show_request__no_key__json_or_page_succeeds(world):
    made = (await ask(world, memo="<script>alert(1)</script>")).json()
    world.client.headers.pop("Authorization")

    program = await world.client.get(f"/pay/{made['id']}", headers={"Accept": "*/*"})
    person = await world.client.get(
        f"/pay/{made['id']}", headers={"Accept": "text/html,application/xhtml+xml"}
    )

    assert program.json() == made
    assert person.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in person.headers["content-security-policy"]
    assert "0.001 USDC" in person.text
    assert PAYEE_TEXT in person.text
    assert "<script" not in person.text
    assert made["eip681"].replace("&", "&amp;") in person.text
    assert "<svg" in person.text
    assert "http" not in person.text


def test_request_page__hostile_code__is_text_holds():
    shown = {
        "id": "preq_1",
        "status": "open",
        "asset": "<b>",
        "amount": "5",
        "payee": PAYEE_TEXT,
        "memo": "0x",
        "expires_at": None,
        "payment_id": None,
        "eip681": 'ethereum:"><script>',
    }

    text = page.request_page(shown, USDC, None)

    assert "<script" not in text
    assert "5 minor units of &lt;b&gt;" in text
    assert "any amount of" in page.request_page(shown | {"amount": None}, USDC, 6)
