"""Proofs of accounts and withdrawals."""

from dataclasses import replace

from backend.protocol.types import digest_text
from tests.unit.access.scenes import PAYER, PAYER_TEXT, Archive, get, header, post_batch
from tests.unit.access.world import (
    error_of,
)


async def test_proofs__account_and_withdrawal__succeeds(world, monkeypatch):
    services = world.api.state.services
    monkeypatch.setattr(
        world.api.state,
        "services",
        replace(services, needs=replace(services.needs, proofs=Archive())),
    )
    path = f"/v1/proofs/accounts/{PAYER_TEXT}/USDC"
    early = await world.client.get(path)
    await post_batch(world, 1)

    account = await get(world, path)
    same = await get(world, f"{path}?batch=1")
    proof = await get(world, "/v1/proofs/withdrawals/1/7")

    assert error_of(early) == (404, "BATCH_NOT_FOUND")
    assert account == same
    assert account["root"] == digest_text(header(1, 1).post_root)
    assert account["account_id"] == str(world.node.account(PAYER.address, 1).account_id)
    assert proof["slot_number"] == "7"
