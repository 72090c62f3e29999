"""Names of assets. Law: a code names one asset; who listed first keeps it."""

import asyncio
from dataclasses import dataclass
from typing import Final

from backend.access.ports import Chain, Node
from backend.protocol.errors import AssetUnknown, ChainUnavailable
from backend.protocol.types import Address, Asset

_WAIT_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class NamedAsset:
    """An asset with its code (a symbol, or a symbol and a number) and the token's decimals."""

    asset: Asset
    code: str
    decimals: int | None

    @property
    def asset_id(self) -> int:
        """The asset's number."""
        return self.asset.asset_id

    @property
    def minor_decimals(self) -> int | None:
        """How many decimals an amount in minor units has."""
        if self.decimals is None:
            return None
        return max(self.decimals - (len(str(self.asset.unit)) - 1), 0)


class AssetCatalog:
    """The ledger's assets by code, number and token. Symbols are asked for once."""

    def __init__(self, node: Node, chain: Chain) -> None:
        self._node = node
        self._chain = chain
        self._by_id: dict[int, NamedAsset] = {}
        self._by_token: dict[Address, NamedAsset] = {}
        self._by_code: dict[str, NamedAsset] = {}
        self._learning: asyncio.Task[None] | None = None
        self._asked_at_s = 0.0

    async def refresh(self) -> None:
        """Learn the names of assets listed meanwhile. Costs nothing if there are none.

        Whoever asks first waits a moment for a chain that is slow; payments need no names.
        """
        if len(self._node.assets()) == len(self._by_id):
            return
        now_s = asyncio.get_running_loop().time()
        if self._learning is None or self._learning.done():
            self._learning, self._asked_at_s = asyncio.create_task(self._learn()), now_s
        wait_s = max(self._asked_at_s + _WAIT_S - now_s, 0)
        done, _ = await asyncio.wait([self._learning], timeout=wait_s)
        for task in done:
            task.result()

    async def _learn(self) -> None:
        listings = self._node.assets()
        for asset_id in sorted(listings):
            if asset_id in self._by_id:
                continue
            try:
                await self._add(listings[asset_id])
            except ChainUnavailable:
                return  # asked again at the next request; a later one must not take its code

    async def _add(self, asset: Asset) -> None:
        name = await self._chain.token_name(asset.token)
        symbol = name.symbol if name is not None else ""
        if not symbol.isascii() or not symbol.isalnum():
            symbol = "ASSET"
        if symbol == "ASSET" or symbol in self._by_code:
            symbol = f"{symbol}-{asset.asset_id}"
        named = NamedAsset(asset, symbol, None if name is None else name.decimals)
        self._by_id[asset.asset_id] = named
        self._by_token[asset.token] = named
        self._by_code[symbol] = named

    def all(self) -> list[NamedAsset]:
        """Return all, by number."""
        return [self._by_id[asset_id] for asset_id in sorted(self._by_id)]

    async def find(self, text: str) -> NamedAsset:
        """Return the asset that a code, a number or a token's address names.

        Raises AssetUnknown, and ChainUnavailable while some names are not known.
        """
        await self.refresh()
        found = self._by_code.get(text)
        if found is None and text.isascii() and text.isdecimal() and len(text) < 6:
            found = self._by_id.get(int(text))
        if found is None and text.startswith("0x") and len(text) == 42:
            try:
                found = self._by_token.get(Address(bytes.fromhex(text[2:])))
            except ValueError:
                found = None
        if found is None and len(self._by_id) < len(self._node.assets()):
            raise ChainUnavailable()  # it may be one of those whose names are not known yet
        if found is None:
            raise AssetUnknown(text[:64])
        return found

    def of_token(self, token: Address) -> NamedAsset | None:
        """Return the asset of a token, if it is known by now."""
        return self._by_token.get(token)

    def code_of(self, asset_id: int) -> str:
        """Return an asset's code, its number while the code is not known."""
        named = self._by_id.get(asset_id)
        return str(asset_id) if named is None else named.code
