"""A restart: the projections go on, or are rebuilt from the real journal with the same rows."""

import pytest
from sqlalchemy import select

from backend.records.tables import projections as tables
from tests.unit.access.scenes import PAYEE, PAYER, get
from tests.unit.access.world import body_of, order, running_world, sign, withdrawal
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
