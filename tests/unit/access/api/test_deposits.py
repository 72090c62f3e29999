"""Deposits: prepared, seen, credited; refused without approval, amount or chain."""

import pytest

from backend.protocol.hashing import keccak
from backend.records.facts import (
    DepositConfirmed,
    DepositSeen,
)
from tests.unit.access.scenes import PAYER, PAYER_TEXT, apply, deposit, get, nothing_changes
from tests.unit.access.world import (
    error_of,
)
from tests.unit.engine.committee import START_MS


async def test_deposit__prepared__has_evidence_and_a_permit_succeeds(world):
    await apply(world)
    body = {"owner": PAYER_TEXT, "asset": "WIDE", "amount": "5"}
    prepared = (await world.post("/v1/deposits", body, **{"Idempotency-Key": "d1"})).json()
    permit = {"deadline": "2000000000", "signature": "0x" + "11" * 64 + "1b"}
    one = await world.post("/v1/deposits", body | {"permit": permit}, **{"Idempotency-Key": "d2"})
    world.chain.allowances[PAYER.address] = 5 * 10**12
    allowed = await world.post("/v1/deposits", body, **{"Idempotency-Key": "d3"})

    assert [one["purpose"] for one in prepared["transactions"]] == ["approve", "deposit"]
    assert prepared["permit"]["message"]["value"] == str(5 * 10**12)
    assert prepared["evidence"][2:] in prepared["transactions"][1]["data"]
    assert [one["purpose"] for one in one.json()["transactions"]] == ["deposit"]
    assert [one["purpose"] for one in allowed.json()["transactions"]] == ["deposit"]
    assert allowed.json()["permit"] is None


async def test_deposit__seen_confirmed_credited__succeeds(world):
    record = world.l1.queue[0][1]
    world.projections.apply_chain_event(DepositSeen(50, record, 5, keccak(b"deposit")))
    seen = await get(world, "/v1/deposits/50")
    world.projections.apply_chain_event(DepositConfirmed(50, 6, START_MS))
    confirmed = await get(world, "/v1/deposits/50")
    listed = await get(world, f"/v1/deposits?owner={PAYER_TEXT}&asset=USDC")

    assert (seen["status"], seen["next"]["status"]) == ("seen", "confirmed")
    assert (confirmed["status"], confirmed["next"]["status"]) == ("confirmed", "credited")
    assert [(one["id"], one["status"]) for one in listed["data"]] == [
        ("50", "confirmed"),
        ("0", "credited"),
    ]


@pytest.mark.parametrize("family_name", [None, "Rejected", "Considerate"])
async def test_prepare_deposit__not_approved__rejects(world, family_name):
    if family_name:
        await apply(world, family_name)
    async with nothing_changes(world):
        assert error_of(await deposit(world)) == (403, "KYC_REQUIRED")


async def test_prepare_deposit__expired__rejects(world):
    await apply(world)
    world.clock.offset_ms += 366 * 24 * 3600 * 1000
    async with nothing_changes(world):
        assert error_of(await deposit(world)) == (403, "KYC_EXPIRED")


async def test_prepare_deposit__revoked__rejects(world):
    made = await apply(world)
    path = f"/v1/kyc/applicants/{made['id']}/revoke"
    revoked = await world.post(path, None, **{"Idempotency-Key": "revoke-1"})
    assert revoked.json()["status"] == "revoked"
    async with nothing_changes(world):
        assert error_of(await deposit(world)) == (403, "KYC_REVOKED")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"amount": "0"}, (422, "AMOUNT_ZERO")),
        ({"amount": str(2**48)}, (422, "AMOUNT_TOO_LARGE")),
        ({"amount": "1.0"}, (422, "AMOUNT_NOT_INTEGER")),
        ({"asset": "EURX"}, (422, "ASSET_UNKNOWN")),
        ({"owner": "0x1"}, (400, "MALFORMED_REQUEST")),
    ],
)
async def test_prepare_deposit__malformed__rejects(world, fields, expected):
    assert error_of(await deposit(world, **fields)) == expected


async def test_prepare_deposit__chain_does_not_answer__rejects(world):
    await apply(world)
    world.chain.is_available = False
    async with nothing_changes(world):
        response = await deposit(world)

        assert error_of(response) == (503, "CHAIN_UNAVAILABLE")

    world.chain.is_available = True
    assert (await deposit(world)).status_code == 200
