"""Prizes on the chain: what they are, what was claimed, and what the contract says of a claim."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from backend.protocol.hashing import Digest
from backend.protocol.prizes import Prize, PrizeEntry, PrizePayout
from backend.protocol.types import Address
from backend.settlement.abi import ContractError
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Contract, L1Log, RpcError
from backend.settlement.client import ChainClient, block_ranges
from backend.settlement.deployment_file import Deployment
from backend.settlement.queries import allowance_of

_REREAD_BLOCKS: Final = 64  # what a reorganisation may have changed


@dataclass(slots=True)
class _Known:
    """What events said of a prize, each with its block's number."""

    created: tuple[int, int] | None = None  # block, total in minor units
    claimed: dict[int, int] = field(default_factory=dict)  # index → block
    last_block: int = 0


class Prizes:
    """The contract Prizes. Questions raise ChainUnavailable if the chain doesn't answer."""

    def __init__(self, client: ChainClient, deployment: Deployment) -> None:
        address = deployment.address("Prizes")
        others = (artifact(name).abi for name in ("Rollup", "KycRegistry", "RegulatedAsset"))
        self.contract = Contract(address, artifact("Prizes").abi.joined(*others))
        self._client = client
        self._next_block = self._first_block = deployment.block_number
        self._known: dict[bytes, _Known] = {}
        self._lock = asyncio.Lock()

    @property
    def address(self) -> Address:
        """The contract."""
        return Address(self.contract.address)

    async def prize(self, prize_id: Digest) -> Prize | None:
        """Return a prize."""
        found = await self._client.read(self.contract, "prizeOf", prize_id)
        if not any(found["sponsor"]):
            return None
        return Prize(
            Address(found["sponsor"]),
            found["assetId"],
            PrizePayout(found["payout"]),
            found["deadlineTsS"],
            found["remainingMinor"],
            Digest(found["root"]),
            Digest(found["termsHash"]),
        )

    async def purse_of(self, prize_id: Digest) -> Address:
        """Return the payer of the orders of a prize, which may not be there yet."""
        return Address(await self._client.read(self.contract, "purseOf", prize_id))

    async def allowance(self, token: Address, owner: Address) -> int:
        """Return how many base units the contract may take from `owner`."""
        return await allowance_of(self._client, token, owner, self.address)

    async def refusal_of_claim(
        self, prize_id: Digest, entry: PrizeEntry, proof: Sequence[Digest]
    ) -> str | None:
        """Return why an entry would not be paid now; None if it would."""
        values = (prize_id, entry.index, entry.person, entry.amount_minor, list(proof))
        try:
            await self._client.read(self.contract, "claim", *values)
        except ContractError as error:
            return str(error)
        except RpcError as error:
            if not error.data:
                raise  # no contract's answer
            return error.message
        return None

    async def total_minor(self, prize_id: Digest) -> int | None:
        """Return what a prize was created with; None if it was not."""
        created = (await self._read(prize_id)).created
        return None if created is None else created[1]

    async def claimed(self, prize_id: Digest) -> frozenset[int]:
        """Return the indexes of the entries that were paid."""
        return frozenset((await self._read(prize_id)).claimed)

    async def _read(self, prize_id: Digest) -> _Known:
        """Return what events say of a prize, having read what is new."""
        async with self._lock:
            latest = (await self._client.latest()).number
            first = max(min(self._next_block, latest + 1) - _REREAD_BLOCKS, self._first_block)
            self._forget_from(first)
            self._next_block = first
            for start, end in block_ranges(first, latest):
                for log in await self._client.logs([self.address], start, end):
                    self._take(log)
                self._next_block = end + 1
            return self._known.get(prize_id, _Known())

    def _forget_from(self, block: int) -> None:
        for known in self._known.values():
            if known.last_block < block:
                continue
            if known.created is not None and known.created[0] >= block:
                known.created = None
            known.claimed = {index: at for index, at in known.claimed.items() if at < block}

    def _take(self, log: L1Log) -> None:
        decoded = self.contract.abi.decode_log(log.topics, log.data)
        if decoded is None or "prizeId" not in decoded.values:
            return
        values: dict[str, Any] = dict(decoded.values)
        known = self._known.setdefault(bytes(values["prizeId"]), _Known())
        known.last_block = log.block.number
        if decoded.name == "PrizeCreated":
            known.created = (log.block.number, int(values["totalMinor"]))
        elif decoded.name == "PrizeClaimed":
            known.claimed[int(values["index"])] = log.block.number
