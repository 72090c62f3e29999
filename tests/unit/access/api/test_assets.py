"""Assets: both have codes and units."""

from backend.protocol.types import address_text
from tests.unit.access.scenes import get
from tests.unit.access.world import (
    WIDE_TOKEN,
)


async def test_assets__both__have_codes_and_units_succeeds(world):
    listed = await get(world, "/v1/assets")

    assert [(one["code"], one["unit"], one["minor_decimals"]) for one in listed["data"]] == [
        ("USDC", "1", 6),
        ("WIDE", str(10**12), 6),
    ]
    for name in ("WIDE", "2", address_text(WIDE_TOKEN), address_text(WIDE_TOKEN).lower()):
        assert (await get(world, f"/v1/assets/{name}"))["asset_id"] == 2
