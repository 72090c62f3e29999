"""Withdrawals: until they are claimed; refused ones."""

from dataclasses import replace

from backend.protocol.batches import withdrawal_key
from backend.protocol.hashing import keccak
from backend.protocol.types import address_text
from backend.records.facts import (
    WithdrawalClaimed,
)
from tests.unit.access.scenes import (
    PAYEE,
    PAYER,
    PAYER_TEXT,
    Archive,
    get,
    nothing_changes,
    post_batch,
)
from tests.unit.access.world import (
    body_of,
    error_of,
    sign,
    withdrawal,
)
from tests.unit.engine.committee import ROLLUP, START_MS, TOKEN


async def test_withdrawal__until_claimed__succeeds(world, monkeypatch):
    services = world.api.state.services
    monkeypatch.setattr(
        world.api.state,
        "services",
        replace(services, needs=replace(services.needs, proofs=Archive())),
    )
    signed = sign(PAYER, withdrawal(PAYER, 300))
    created = (await world.post("/v1/withdrawals", body_of(signed), Prefer="wait=final")).json()
    await world.settle()
    path = f"/v1/withdrawals/{created['id']}"

    early = await world.client.get(f"{path}/claim")
    await post_batch(world, 1)
    posted = await get(world, path)
    await post_batch(world, 1, is_settled=True)
    settled = await get(world, path)
    claim = await get(world, f"{path}/claim")
    claim_key = withdrawal_key(PAYER.address, 0, TOKEN, 300)
    world.projections.apply_chain_event(
        WithdrawalClaimed(claim_key, PAYER.address, 1, 9, 50, START_MS, keccak(b"claim"))
    )
    claimed = await get(world, path)
    listed = await get(world, f"/v1/withdrawals?payer={PAYER_TEXT}&status=settled")

    assert created["status"] == "final"
    assert error_of(early) == (404, "PROOF_NOT_AVAILABLE")
    assert (posted["status"], settled["status"]) == ("posted", "settled")
    assert settled["next"]["status"] == "claimed"
    place = settled["batch"]
    assert claim["proof"]["slot_number"] == str(place["chunk"] * 64 + place["slot"])
    assert claim["transaction"]["to"] == address_text(ROLLUP)
    assert len(claim["transaction"]["data"]) > 2 * 992
    assert (claimed["status"], claimed["next"]) == ("claimed", None)
    assert [one["id"] for one in listed["data"]] == [created["id"]]
    assert (await world.client.get(f"/v1/payments/{created['id']}")).status_code == 404


async def test_create_withdrawal__of_another_signer__rejects(world):
    signed = sign(PAYER, withdrawal(PAYER, 100))
    forged = replace(signed, signature=sign(PAYEE, signed.order).signature)
    async with nothing_changes(world):
        response = await world.post("/v1/withdrawals", body_of(forged))

        assert error_of(response) == (422, "NOT_AUTHORISED")
