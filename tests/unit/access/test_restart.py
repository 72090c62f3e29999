"""A restart: the projections go on, or are rebuilt from the real journal with the same rows; an
order that waited for its block is still known.
"""

import pytest
from sqlalchemy import select

from backend.records.tables import projections as tables
from tests.unit.access.scenes import PAYEE, PAYER, get
from tests.unit.access.world import (
    body_of,
    error_of,
    order,
    running_world,
    sign,
    wait_until,
    withdrawal,
)
from tests.unit.engine.committee import DOMAIN


def all_rows(world):
    with world.databases.projections.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in tables.metadata.sorted_tables
        }


async def busy(folder):
    """Run a platform for a while; return its rows and the id of a payment."""
    async with running_world(folder) as world:
        for nonce in range(5):
            await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 1 + nonce, nonce)))
        signed = sign(PAYEE, withdrawal(PAYEE, 300))
        await world.post("/v1/withdrawals", body_of(signed), Prefer="wait=final")
        await world.settle()
        return all_rows(world), "0x" + sign(PAYER, order(PAYER, PAYEE.address, 1)).digest(
            DOMAIN
        ).hex()


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_restart__projections_kept_or_deleted__same_rows_holds(tmp_path, is_deleted):
    before, payment_id = await busy(tmp_path)
    if is_deleted:
        for path in tmp_path.glob("p.sqlite3*"):
            path.unlink()

    async with running_world(tmp_path) as world:
        after = all_rows(world)
        shown = await get(world, f"/v1/payments/{payment_id}")
        again = await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 1)))
        untouched = all_rows(world)

    assert after == before
    assert shown["status"] == "final"
    assert again.json()["id"] == payment_id
    assert untouched == after


def stop_proposing(world):
    """Let accepted orders wait: no proposer, and nobody who loses patience."""
    world.node._sequencer._keys.clear()
    for validator in world.node.validators:
        validator._timeout_ms_min = 10**9


async def test_restart__order_waits_for_its_block__is_shown_as_accepted_holds(
    tmp_path, monkeypatch
):
    payment, money_back = (
        sign(PAYER, order(PAYER, PAYEE.address, 7)),
        sign(PAYEE, withdrawal(PAYEE, 300)),
    )
    payment_id, withdrawal_id = ("0x" + one.digest(DOMAIN).hex() for one in (payment, money_back))
    async with running_world(tmp_path) as world:
        stop_proposing(world)
        await world.pay(payment)
        await world.post("/v1/withdrawals", body_of(money_back))

    async def at_once(_world):
        """Don't wait for what no block has decided."""

    monkeypatch.setattr("backend.engine.sequencer.Sequencer.propose", lambda *_: None)
    monkeypatch.setattr("tests.unit.access.world.World.settle", at_once)
    async with running_world(tmp_path) as world:
        shown = await get(world, f"/v1/payments/{payment_id}")
        other = await world.client.get(f"/v1/payments/{withdrawal_id}")
        waiting = await get(world, f"/v1/withdrawals/{withdrawal_id}")
        monkeypatch.undo()
        world.node._propose()
        await wait_until(lambda: world.node.order(payment.digest(DOMAIN)) is None)
        in_the_end = await get(world, f"/v1/payments/{payment_id}")

    assert (shown["status"], shown["amount"], shown["block"]) == ("accepted", "7", None)
    assert shown["accepted_at"] is not None
    assert error_of(other) == (404, "PAYMENT_NOT_FOUND")
    assert waiting["status"] == "accepted"
    assert (in_the_end["status"], in_the_end["amount"]) == ("final", "7")
