"""Names of assets: a code names one asset, whatever tokens call themselves; a chain that hangs."""

import asyncio
import time

import pytest

from backend.access.assets import AssetCatalog
from backend.protocol.errors import AssetUnknown, ChainUnavailable
from backend.protocol.types import Address, Asset
from tests.unit.access.world import Name

TOKENS = [Address(bytes([number]) * 20) for number in range(1, 6)]
NAMES = dict(
    zip(
        TOKENS,
        (Name("USDC", 6), Name("USDC", 18), Name("<b>", 6), None, Name("ASSET", 2)),
        strict=True,
    )
)


class Chain:
    is_available = True
    delay_s = 0.0
    asked = 0

    async def token_name(self, token):
        self.asked += 1
        await asyncio.sleep(self.delay_s)
        if not self.is_available:
            raise ChainUnavailable()
        return NAMES[token]


class Node:
    def __init__(self):
        self.listings = {}

    def assets(self):
        return self.listings

    def list_all(self):
        self.listings = {
            number: Asset(number, token, 1, Address(bytes(20)))
            for number, token in enumerate(TOKENS, start=1)
        }


@pytest.fixture
def catalog():
    return AssetCatalog(Node(), Chain())


async def test_refresh__tokens_of_one_symbol__first_keeps_the_code_succeeds(catalog):
    catalog._node.list_all()
    await catalog.refresh()

    codes = [named.code for named in catalog.all()]
    assert codes == ["USDC", "USDC-2", "ASSET-3", "ASSET-4", "ASSET-5"]
    assert (await catalog.find("USDC-2")).asset_id == 2
    assert (await catalog.find("0x" + TOKENS[2].hex())).asset_id == 3
    assert catalog.of_token(TOKENS[0]).code == "USDC"
    assert (catalog.code_of(1), catalog.code_of(99)) == ("USDC", "99")
    assert catalog.all()[3].minor_decimals is None


async def test_refresh__chain_comes_back__codes_are_the_same_succeeds(catalog):
    catalog._node.list_all()
    catalog._chain.is_available = False
    with pytest.raises(ChainUnavailable):
        await catalog.find("USDC")
    catalog._chain.is_available = True

    assert (await catalog.find("USDC")).asset_id == 1


async def test_refresh__chain_hangs__first_waits_a_moment_holds(catalog):
    catalog._node.list_all()
    catalog._chain.delay_s = 30

    started = time.monotonic()
    await asyncio.gather(*(catalog.refresh() for _ in range(20)))
    first_s = time.monotonic() - started
    await catalog.refresh()
    second_s = time.monotonic() - started - first_s

    assert first_s < 5
    assert second_s < 0.4  # a moment is half a second
    assert catalog._chain.asked == 1
    assert catalog.code_of(1) == "1"
    catalog._learning.cancel()


@pytest.mark.parametrize("text", ["EURX", "0x12", "0x" + "zz" * 20, "99", "99999999999"])
async def test_find__unknown__rejects(catalog, text):
    with pytest.raises(AssetUnknown):
        await catalog.find(text)
