"""Orders: a wallet can sign what is built; what can't be built is refused."""

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from backend.protocol.hashing import keccak
from backend.protocol.types import address_text, digest_text
from tests.unit.access.scenes import (
    PAYEE,
    PAYEE_TEXT,
    PAYER,
    PAYER_TEXT,
    STRANGER,
    get,
    nothing_changes,
)
from tests.unit.access.world import (
    error_of,
)
from tests.unit.engine.committee import ROLLUP


async def test_build_order__friendly_words__a_wallet_can_sign_it_succeeds(world):
    body = {
        "payer": PAYER_TEXT,
        "payee": PAYEE_TEXT,
        "asset": "WIDE",
        "amount": "5",
        "memo": "invoice 17",
    }
    built = (await world.post("/v1/orders", body, **{"Idempotency-Key": "o1"})).json()
    again = await world.post("/v1/orders", body, **{"Idempotency-Key": "o1"})

    message = built["typed_data"]["message"]
    signed = Account.sign_message(
        encode_typed_data(full_message=built["typed_data"]), keccak(b"payer")
    )
    response = await world.post(
        "/v1/payments", {"order": message, "signature": "0x" + signed.signature.hex()}
    )

    assert again.json() == built
    assert again.headers["idempotent-replayed"] == "true"
    assert message["amount"] == str(5 * 10**12)
    assert message["memo"] == digest_text(keccak(b"invoice 17"))
    assert response.status_code == 202
    assert response.json()["id"] == built["id"]
    assert response.json()["amount"] == "5"


async def test_build_order__withdrawal__succeeds(world):
    body = {
        "kind": "withdrawal",
        "payer": PAYER_TEXT,
        "asset": "USDC",
        "amount": "5",
        "fee": "20",
        "nonce": 7,
        "valid_until": "2035-01-01T00:00:00Z",
    }
    built = (await world.post("/v1/orders", body, **{"Idempotency-Key": "o1"})).json()

    message = built["typed_data"]["message"]
    assert built["typed_data"]["primaryType"] == "WithdrawalOrder"
    assert (message["nonce"], message["fee"], message["validUntil"]) == ("7", "20", "2051222400")


async def test_get_domain__always__is_ours_succeeds(world):
    domain = await get(world, "/v1/orders/domain")

    assert domain["verifyingContract"] == address_text(ROLLUP)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"payee": None}, (400, "MALFORMED_REQUEST")),
        ({"kind": "withdrawal"}, (400, "MALFORMED_REQUEST")),
        ({"kind": "gift"}, (400, "MALFORMED_REQUEST")),
        ({"payee": address_text(PAYER.address)}, (422, "SAME_ACCOUNT")),
        ({"payer": address_text(STRANGER.address)}, (422, "ACCOUNT_UNKNOWN")),
        ({"fee": "33"}, (422, "FEE_NOT_REPRESENTABLE")),
        ({"fee": "1"}, (422, "FEE_TOO_LOW")),
        ({"asset": "WIDE", "fee": "1"}, (422, "FEE_NOT_ALLOWED")),
        ({"valid_until": "1000"}, (422, "ORDER_EXPIRED")),
        ({"valid_until": "tomorrow"}, (400, "MALFORMED_REQUEST")),
        ({"valid_until": "2027-01-01T00:00:00"}, (400, "MALFORMED_REQUEST")),
    ],
)
async def test_build_order__refused__changes_nothing(world, fields, expected):
    body = {
        "payer": address_text(PAYER.address),
        "payee": address_text(PAYEE.address),
        "asset": "USDC",
        "amount": "1000",
    } | fields
    async with nothing_changes(world):
        response = await world.post("/v1/orders", body, **{"Idempotency-Key": "order-1"})

        assert error_of(response) == expected
