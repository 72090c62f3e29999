"""Deposits by a holder's signature: what he signs, and the transaction that anyone may send.

- offered where the token knows ERC-3009, with a salt of its own each time; else not
- signed: the contract's own call with what was signed, from nobody; by another for the owner too
- refused: other owner, asset, amount, salt, time or signer than signed; used; over; high s;
  a token that knows none; a permit besides
"""

import pytest

from backend.console.wallets import sign_typed_data
from backend.protocol.deposits import deposit_nonce
from backend.protocol.hashing import Digest
from backend.protocol.types import address_text
from backend.settlement.artifacts import artifact
from tests.unit.access.scenes import (
    CURVE_ORDER,
    PAYEE_TEXT,
    PAYER,
    PAYER_TEXT,
    STRANGER,
    apply,
    deposit,
    nothing_changes,
)
from tests.unit.access.world import error_of

PERMIT = {"deadline": "2000000000", "signature": "0x" + "11" * 64 + "1b"}


async def offered(world, **fields):
    """Return what the holder is offered to sign."""
    await apply(world)
    prepared = await deposit(world, "offer", **fields)
    return prepared.json()["authorization"]


def signed(offer, by=PAYER):
    signature = sign_typed_data(by, offer["typed_data"])
    shown = "0x" + signature.hex()
    return {"salt": offer["salt"], "valid_before": offer["valid_before"], "signature": shown}


async def test_prepare_deposit__token_knows_authorizations__offers_one_succeeds(world):
    offer = await offered(world)
    again = (await deposit(world, "again")).json()["authorization"]

    message, domain = offer["typed_data"]["message"], offer["typed_data"]["domain"]
    salt = Digest(bytes.fromhex(offer["salt"][2:]))
    assert message["nonce"] == "0x" + deposit_nonce(1, PAYER.address, salt).hex()
    assert (message["from"], message["value"]) == (PAYER_TEXT, "5000")
    assert message["to"] == address_text(world.dependencies.settings.domain.contract)
    assert message["validBefore"] == offer["valid_before"]
    assert (domain["name"], domain["version"]) == ("USD Coin", "2")
    assert again["salt"] != offer["salt"]


async def test_prepare_deposit__token_knows_none__offers_nothing_succeeds(world):
    world.chain.knows_authorizations = False

    assert await offered(world) is None


@pytest.mark.parametrize("depositor", [PAYER, STRANGER])
async def test_prepare_deposit__authorised__anyone_may_send_it_succeeds(world, depositor):
    shown = address_text(depositor.address)
    authorization = signed(await offered(world, depositor=shown), depositor)

    answer = await deposit(world, "signed", depositor=shown, authorization=authorization)

    prepared = answer.json()
    (transaction,) = prepared["transactions"]
    call = artifact("Rollup").abi.decode_call(bytes.fromhex(transaction["data"][2:]))
    assert (transaction["purpose"], transaction["from"]) == ("deposit", None)
    assert (prepared["permit"], prepared["authorization"]) == (None, None)
    assert call.name == "depositWithAuthorization"
    assert (call.values["owner"], call.values["amount"]) == (PAYER.address, 5_000)
    assert call.values["evidence"].hex() == prepared["evidence"][2:]
    words = call.values["authorization"]
    assert (words["from"], words["validAfter"]) == (depositor.address, 0)
    assert str(words["validBefore"]) == authorization["valid_before"]
    assert "0x" + words["salt"].hex() == authorization["salt"]
    together = words["r"] + words["s"] + words["v"].to_bytes(1)
    assert "0x" + together.hex() == authorization["signature"]


@pytest.mark.parametrize(
    "other",
    [
        {"owner": PAYEE_TEXT, "depositor": PAYER_TEXT},
        {"asset": "WIDE"},
        {"amount": "5001"},
        {"depositor": PAYEE_TEXT},
    ],
)
async def test_prepare_deposit__redirected__rejects(world, other):
    authorization = signed(await offered(world))
    body = {"external_id": "payee", "person": PAYEE_TEXT}
    await world.post("/v1/kyc/applicants", body, **{"Idempotency-Key": "payee"})

    async with nothing_changes(world):
        answer = await deposit(world, "signed", authorization=authorization, **other)

        assert error_of(answer) == (422, "SIGNATURE_INVALID")


@pytest.mark.parametrize("change", [{"salt": "0x" + "22" * 32}, {"valid_before": "1900000000"}])
async def test_prepare_deposit__other_salt_or_time__rejects(world, change):
    authorization = signed(await offered(world)) | change

    answer = await deposit(world, "signed", authorization=authorization)

    assert error_of(answer) == (422, "SIGNATURE_INVALID")


async def test_prepare_deposit__signed_by_another__rejects(world):
    authorization = signed(await offered(world), STRANGER)

    answer = await deposit(world, "signed", authorization=authorization)

    assert error_of(answer) == (422, "SIGNATURE_INVALID")


async def test_prepare_deposit__high_s__rejects(world):
    authorization = signed(await offered(world))
    raw = bytes.fromhex(authorization["signature"][2:])
    high = CURVE_ORDER - int.from_bytes(raw[32:64])
    flipped = raw[:32] + high.to_bytes(32) + bytes([55 - raw[64]])

    answer = await deposit(
        world, "signed", authorization=authorization | {"signature": "0x" + flipped.hex()}
    )

    assert error_of(answer) == (422, "SIGNATURE_HIGH_S")


async def test_prepare_deposit__authorization_used__rejects(world):
    offer = await offered(world)
    world.chain.used.add(bytes.fromhex(offer["typed_data"]["message"]["nonce"][2:]))

    answer = await deposit(world, "signed", authorization=signed(offer))

    assert error_of(answer) == (422, "SIGNATURE_INVALID")
    assert "used or cancelled" in answer.json()["error"]["message"]


async def test_prepare_deposit__authorization_over__rejects(world):
    authorization = signed(await offered(world))
    world.clock.offset_ms += 3_601_000

    answer = await deposit(world, "signed", authorization=authorization)

    assert error_of(answer) == (422, "SIGNATURE_INVALID")
    assert "it was valid before" in answer.json()["error"]["message"]


async def test_prepare_deposit__token_without_authorizations__rejects(world):
    authorization = signed(await offered(world))
    world.chain.knows_authorizations = False

    answer = await deposit(world, "signed", authorization=authorization)

    assert error_of(answer) == (400, "MALFORMED_REQUEST")


async def test_prepare_deposit__permit_besides__rejects(world):
    authorization = signed(await offered(world))

    answer = await deposit(world, "signed", authorization=authorization, permit=PERMIT)

    assert error_of(answer) == (400, "MALFORMED_REQUEST")
    assert answer.json()["error"]["param"] == "authorization"
