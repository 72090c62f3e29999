"""Assets: both have codes and units; a regulated one says which level its holders need."""

from backend.protocol.types import address_text
from tests.unit.access.scenes import get
from tests.unit.access.world import (
    WIDE_TOKEN,
    running_world,
)


async def test_assets__both__have_codes_and_units_succeeds(world):
    listed = await get(world, "/v1/assets")

    assert [(one["code"], one["unit"], one["minor_decimals"]) for one in listed["data"]] == [
        ("USDC", "1", 6),
        ("WIDE", str(10**12), 6),
    ]
    for name in ("WIDE", "2", address_text(WIDE_TOKEN), address_text(WIDE_TOKEN).lower()):
        assert (await get(world, f"/v1/assets/{name}"))["asset_id"] == 2


async def test_assets__regulated__say_which_level_succeeds(tmp_path):
    async with running_world(tmp_path, levels_needed={2: 3}) as world:
        listed = await get(world, "/v1/assets")

    assert [(one["code"], one["level_needed"]) for one in listed["data"]] == [
        ("USDC", 0),
        ("WIDE", 3),
    ]
