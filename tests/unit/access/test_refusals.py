"""Each refusal of a payment through HTTP, and nothing changed.

- 400 MALFORMED_REQUEST · 401 · 403 scopes · 404 · 409 nonces and funds · 413 the body
- 422 amounts, fees, accounts, signatures, domain, time
- 429 and 503: back pressure, no quorum, a full disk; 500 without details
"""

import asyncio

import pytest

from backend.protocol.errors import BackPressure, DiskFull, NoQuorum
from backend.protocol.types import address_text
from tests.unit.access.scenes import (
    CURVE_ORDER,
    HALF_ORDER,
    PAYEE,
    PAYER,
    STRANGER,
    nothing_changes,
    paid,
    with_message,
)
from tests.unit.access.world import (
    FUNDS,
    REGISTRY,
    WIDE_TOKEN,
    error_of,
    order,
    running_world,
    sign,
    wait_until,
)
from tests.unit.engine.committee import CHAIN_ID, ROLLUP


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"order": {}}, (400, "MALFORMED_REQUEST")),
        (paid() | {"extra": 1}, (400, "MALFORMED_REQUEST")),
        (with_message(payer="0x12"), (400, "MALFORMED_REQUEST")),
        (with_message(nonce=-1), (400, "MALFORMED_REQUEST")),
        (with_message(amount=1_000), (422, "AMOUNT_NOT_INTEGER")),
        (with_message(amount=1e3), (422, "AMOUNT_NOT_INTEGER")),
        (with_message(amount="10.5"), (422, "AMOUNT_NOT_INTEGER")),
        (with_message(fee=None), (422, "AMOUNT_NOT_INTEGER")),
        (with_message(amount=str(2**256)), (422, "AMOUNT_TOO_LARGE")),
        (paid(amount=0), (422, "AMOUNT_ZERO")),
        (paid(amount=2**48), (422, "AMOUNT_TOO_LARGE")),
        (
            paid(amount=10**12 + 1, asset=WIDE_TOKEN, fee=0),
            (422, "AMOUNT_NOT_MULTIPLE_OF_UNIT"),
        ),
        (paid(fee=33), (422, "FEE_NOT_REPRESENTABLE")),
        (paid(fee=9), (422, "FEE_TOO_LOW")),
        (paid(amount=10**12, asset=WIDE_TOKEN, fee=10**12), (422, "FEE_NOT_ALLOWED")),
        (paid(asset=REGISTRY), (422, "ASSET_UNKNOWN")),
        (paid(payer=STRANGER), (422, "ACCOUNT_UNKNOWN")),
        (paid(payee=PAYER.address), (422, "SAME_ACCOUNT")),
        (paid(payee=bytes(20)), (422, "PAYEE_INVALID")),
        (paid(valid_until=1_000), (422, "ORDER_EXPIRED")),
        (paid(valid_until=0), (422, "ORDER_EXPIRED")),
        (paid(link=b"\x01" * 32), (422, "ORDER_IN_GROUP")),
        (paid() | {"signature": "0x12"}, (422, "SIGNATURE_INVALID")),
        (paid() | {"signature": "0x" + "ff" * 65}, (422, "SIGNATURE_INVALID")),
        (paid() | {"signature": "0x" + "11" * 64 + "1d"}, (422, "SIGNATURE_INVALID")),
        (with_message(nonce="1"), (422, "NOT_AUTHORISED")),
        (paid(nonce=1), (409, "NONCE_GAP")),
        (paid(amount=FUNDS), (409, "INSUFFICIENT_FUNDS")),
    ],
)
async def test_create_payment__refused__changes_nothing(world, body, expected):
    async with nothing_changes(world):
        response = await world.post("/v1/payments", body)

        assert error_of(response) == expected
        error = response.json()["error"]
        assert error["request_id"] == response.headers["x-request-id"]
        assert set(error) >= {"type", "message", "param", "retryable", "doc_url"}


async def test_create_payment__no_json__rejects(world):
    async with nothing_changes(world):
        response = await world.client.post("/v1/payments", content=b"{")

        assert error_of(response) == (400, "MALFORMED_REQUEST")


async def test_create_payment__high_s__rejects(world):
    body = paid()
    signature = bytes.fromhex(body["signature"][2:])
    s = CURVE_ORDER - int.from_bytes(signature[32:64])
    assert s > HALF_ORDER
    high = signature[:32] + s.to_bytes(32) + bytes([55 - signature[64]])
    async with nothing_changes(world):
        response = await world.post("/v1/payments", body | {"signature": "0x" + high.hex()})

        assert error_of(response) == (422, "SIGNATURE_HIGH_S")


@pytest.mark.parametrize(
    "domain",
    [
        {"chainId": 1, "verifyingContract": address_text(ROLLUP)},
        {"chainId": str(CHAIN_ID), "verifyingContract": address_text(REGISTRY)},
        {"chainId": CHAIN_ID, "verifyingContract": address_text(ROLLUP), "version": "2"},
    ],
)
async def test_create_payment__wrong_domain__rejects(world, domain):
    async with nothing_changes(world):
        response = await world.post("/v1/payments", paid() | {"domain": domain})

        assert error_of(response) == (422, "WRONG_DOMAIN")


async def test_create_payment__domain_stated_rightly__succeeds(world):
    domain = {"chainId": CHAIN_ID, "verifyingContract": address_text(ROLLUP)}

    response = await world.post("/v1/payments", paid() | {"domain": domain})

    assert response.status_code == 202


async def test_create_payment__used_nonce__rejects(world):
    await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 5)))
    async with nothing_changes(world):
        response = await world.post("/v1/payments", paid(amount=6))

        assert error_of(response) == (409, "NONCE_TOO_LOW")
        assert response.json()["error"]["values"] == {"expected": 1, "actual": 0}


async def test_create_payment__several_at_once_over_the_balance__the_last_rejects(world):
    bodies = [paid(amount=400_000, nonce=nonce) for nonce in range(3)]

    responses = await asyncio.gather(*(world.post("/v1/payments", body) for body in bodies))

    assert [response.status_code for response in responses] == [202, 202, 409]
    assert error_of(responses[2]) == (409, "INSUFFICIENT_FUNDS")
    await world.settle()
    assert world.node.account(PAYER.address, 1).balance_minor == FUNDS - 2 * 400_010


@pytest.mark.parametrize("authorization", [None, "Bearer nobody", "Basic x", "Bearer cwk_a_b"])
async def test_any_call__no_valid_key__rejects(world, authorization):
    headers = {"Authorization": authorization} if authorization else {}
    world.client.headers.pop("authorization")
    async with nothing_changes(world):
        response = await world.client.post("/v1/payments", json=paid(), headers=headers)

        assert error_of(response) == (401, "API_KEY_INVALID")


async def test_any_call__key_without_the_scope__rejects(world):
    keys = world.dependencies.registers.api_keys
    _, secret = keys.create("reader", ("payments:read",), world.clock())
    async with nothing_changes(world):
        response = await world.post("/v1/payments", paid(), Authorization=f"Bearer {secret}")

        assert error_of(response) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/v1/accounts/{address_text(STRANGER.address)}/USDC", (404, "ACCOUNT_NOT_FOUND")),
        ("/v1/accounts/0x12/USDC", (400, "MALFORMED_REQUEST")),
        (f"/v1/accounts/{address_text(PAYER.address)}/EURX", (422, "ASSET_UNKNOWN")),
        ("/v1/payments/0x" + "12" * 32, (404, "PAYMENT_NOT_FOUND")),
        ("/v1/payments/12", (400, "MALFORMED_REQUEST")),
        ("/v1/withdrawals/0x" + "12" * 32, (404, "WITHDRAWAL_NOT_FOUND")),
        ("/v1/withdrawals/0x" + "12" * 32 + "/claim", (404, "WITHDRAWAL_NOT_FOUND")),
        ("/v1/deposits/99", (404, "DEPOSIT_NOT_FOUND")),
        ("/v1/deposits/x", (400, "MALFORMED_REQUEST")),
        ("/v1/blocks/9999", (404, "BLOCK_NOT_FOUND")),
        ("/v1/batches/9999", (404, "BATCH_NOT_FOUND")),
        ("/v1/proofs/withdrawals/9999/3", (404, "BATCH_NOT_FOUND")),
        ("/v1/kyc/applicants/nobody", (404, "APPLICANT_NOT_FOUND")),
        ("/v1/payments?limit=101", (400, "MALFORMED_REQUEST")),
        ("/v1/payments?after=x", (400, "MALFORMED_REQUEST")),
        ("/v1/payments?after=1&before=2", (400, "MALFORMED_REQUEST")),
        ("/v1/fees/quote?asset=USDC&amount=1.5", (422, "AMOUNT_NOT_INTEGER")),
        ("/v1/fees/quote?asset=USDC&amount=0", (422, "AMOUNT_ZERO")),
        ("/v1/events?after=x", (400, "MALFORMED_REQUEST")),
        ("/v1/nothing", (404, "PATH_UNKNOWN")),
    ],
)
async def test_get__what_is_not_there__rejects(world, path, expected):
    async with nothing_changes(world):
        response = await world.client.get(path)

        assert error_of(response) == expected


async def test_post__another_method__rejects(world):
    response = await world.client.put("/v1/payments")

    assert error_of(response) == (405, "METHOD_NOT_ALLOWED")


async def test_create_payment__body_too_large__rejects(world):
    async with nothing_changes(world):
        response = await world.client.post("/v1/payments", content=b" " * 65_537)

        assert error_of(response) == (413, "BODY_TOO_LARGE")


async def test_create_payment__body_too_large_in_pieces__while_streaming_rejects(world):
    sent = 0

    async def pieces():
        nonlocal sent
        for _ in range(1_000):
            sent += 1
            yield b" " * 10_000

    async with nothing_changes(world):
        response = await world.client.post("/v1/payments", content=pieces())

        assert error_of(response) == (413, "BODY_TOO_LARGE")
        assert sent < 20


async def test_create_payments__bulk_too_large__rejects(world):
    headers = {"Content-Type": "application/x-ndjson", "Content-Length": str(2**24 + 1)}
    async with nothing_changes(world):
        response = await world.client.post("/v1/payments/bulk", content=b"{}", headers=headers)

        assert error_of(response) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (BackPressure(1_500), (429, "BACK_PRESSURE")),
        (NoQuorum(3, 1), (503, "NO_QUORUM")),
        (DiskFull(), (503, "DISK_FULL")),
    ],
)
async def test_create_payment__node_can_not__rejects(world, monkeypatch, error, expected):
    async def submit(_signed):
        raise error

    monkeypatch.setattr(world.node, "submit", submit)
    async with nothing_changes(world):
        response = await world.post("/v1/payments", paid())

        assert error_of(response) == expected
        assert int(response.headers["retry-after"]) >= 1
        assert response.json()["error"]["retryable"]


async def test_create_payment__something_breaks__tells_no_details_holds(world, monkeypatch):
    async def submit(_signed):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(world.node, "submit", submit)
    response = await world.post("/v1/payments", paid())

    assert error_of(response) == (500, "INTERNAL")
    assert "secret" not in response.text


async def test_prepare_deposit__disk_of_the_registers_full__rejects(world, monkeypatch):
    def begin(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(world.dependencies.registers.idempotency, "begin", begin)
    body = {"owner": address_text(PAYER.address), "asset": "USDC", "amount": "5"}

    response = await world.post("/v1/deposits", body, **{"Idempotency-Key": "a"})

    assert error_of(response) == (503, "DISK_FULL")


def is_gone(world):
    """Let half a second pass; return whether the node misses its quorum."""
    world.clock.offset_ms += 500
    return not world.node.status().has_quorum


async def test_create_payment__no_quorum_of_validators__rejects(world):
    # Two of four stop to answer; the node notices when a block stays without certificate.
    for validator in world.node.validators[:2]:
        validator.react = lambda *_: []
        validator.tick = lambda *_: ()
    first = await world.post("/v1/payments", paid())
    assert first.status_code == 202
    await wait_until(lambda: is_gone(world))

    response = await world.post("/v1/payments", paid(nonce=1, amount=1))

    assert error_of(response) == (503, "NO_QUORUM")


async def test_any_call__too_many__rejects(tmp_path):
    async with running_world(tmp_path, requests_per_s_max=5) as world:
        responses = [await world.client.get("/v1/assets") for _ in range(10)]

        refused = [response for response in responses if response.status_code != 200]
        assert refused
        assert error_of(refused[0]) == (429, "RATE_LIMITED")
        assert refused[0].headers["retry-after"] == "1"


async def test_create_payment__node_stopped__rejects(world):
    await world.node.stop()

    response = await world.post("/v1/payments", paid())

    assert error_of(response) == (503, "UNAVAILABLE")
    assert response.headers["retry-after"] == "1"
