"""The operator's own watcher: answers challenges, shows exits as served, and proves what isn't his.

Law: an honest operator loses nothing by anybody's challenge, and no exit freezes him that he has
served. It costs next to nothing while there is nothing to do: then the ledger itself has executed
each batch already.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Final

import structlog

from backend.engine.batch.desk import BatchDesk
from backend.engine.vector.versions import FlatStateTree
from backend.protocol.errors import BatchNotFound
from backend.protocol.evidence import Evidence
from backend.protocol.types import AccountId, Address, Leaf
from backend.settlement.batch_data import PostedBatch
from backend.settlement.chain import RpcError
from backend.settlement.client import ChainClient
from backend.settlement.data_sources import DataSources
from backend.settlement.deployment_file import Deployment
from backend.settlement.l1_history import L1Reader
from backend.settlement.sender import Sender
from backend.settlement.watcher import Watcher
from backend.settlement.watching.challenger import WAITS, Challenger
from backend.settlement.watching.follower import Follower

_POLL_MS: Final = 2_000

log = structlog.get_logger(__name__)


class DeskEvidence:
    """What the platform's own log says of its batches, and of what equals its blocks in others."""

    def __init__(self, desk: BatchDesk) -> None:
        self._desk = desk

    async def evidence(self, batch: PostedBatch) -> Mapping[int, Evidence] | None:
        """Return who authorised a batch's operations; None of one that is not confirmed yet."""
        number, alien = batch.header.number, self._desk.alien
        if alien is not None and number >= alien.number:
            return await self._desk.likely_evidence(batch.chunks or ())
        try:
            return await self._desk.evidence(number)
        except BatchNotFound:
            return None


class DeskStates:
    """What the platform itself knows of the accounts after its batches."""

    def __init__(self, desk: BatchDesk) -> None:
        self._desk = desk

    def states(self) -> Iterator[int]:
        """Yield the numbers of all its batches, the newest first."""
        yield from range(self._desk.batch_count, 0, -1)

    def state(self, batch: PostedBatch) -> Mapping[AccountId, Leaf] | None:
        """Return the accounts after a batch; None if it isn't the platform's own."""
        return self._desk.accounts_after(batch.header)


class Guard:
    """Looks whether there is something to do, and has a challenger do it."""

    def __init__(
        self,
        client: ChainClient,
        deployment: Deployment,
        sender: Sender,
        watcher: Watcher,
        desk: BatchDesk,
        sources: DataSources,
    ) -> None:
        """`sources` have the data of batches: our own in the archive, others' in blobs."""
        self._client, self._deployment, self._sender = client, deployment, sender
        self._watcher, self._desk, self._sources = watcher, desk, sources
        self._rollup, self._exits = deployment.rollup, deployment.core("Exits")
        self._challenges = deployment.core("Challenges")
        self._challenger: Challenger | None = None
        self._exits_over = 0  # the first so many exits were served, by batches that are settled

    async def run(self, poll_ms: int = _POLL_MS) -> None:
        """Guard for ever. A chain that doesn't answer is asked again."""
        while True:
            try:
                await self.look()
            except WAITS as error:
                log.warning("guard_waits", reason=str(error))
            await asyncio.sleep(poll_ms / 1000)

    async def look(self) -> None:
        """Act if an exit waits, a challenge is open, or a batch isn't ours."""
        if self._desk.alien is not None or await self._exit_waits() or await self._is_challenged():
            await (await self._of_chain()).step()

    async def _exit_waits(self) -> bool:
        """Return whether an exit that the ledger has swept was not shown yet."""
        confirmed = self._watcher.confirmed().number
        frontier = await self._frontier(confirmed)
        is_over = True
        for exit_ in self._watcher.exits(self._exits_over, confirmed):
            account = exit_.account_id, exit_.owner
            if await self._client.read(self._exits, "waitingSince", *account):
                return True
            is_over = is_over and await self._is_exit_over(*account, confirmed, frontier)
            self._exits_over += is_over
        return False

    async def _frontier(self, at_block: int) -> int:
        """Return the last batch that was settled by a block; 0 where the node has forgotten it."""
        try:
            return int(await self._client.read(self._rollup, "frontier", block_id=at_block))
        except RpcError:
            return 0

    async def _is_exit_over(
        self, account_id: AccountId, owner: Address, at_block: int, frontier: int
    ) -> bool:
        """Return whether a settled batch has served an exit by a confirmed block: no roll-back or
        reorganisation takes that back. False where the node has forgotten the block's state."""
        if not frontier:
            return False
        try:
            request = await self._client.read(
                self._exits, "exitOf", account_id, owner, block_id=at_block
            )
        except RpcError:
            return False
        return bool(0 < request["servedBatch"] <= frontier)

    async def _is_challenged(self) -> bool:
        """Return whether a batch that is not settled has open challenges."""
        frontier = await self._client.read(self._rollup, "frontier")
        tip = await self._client.read(self._rollup, "tip")
        for number in range(frontier + 1, tip + 1):
            batch = self._watcher.batch(number)
            if batch is not None and await self._client.read(
                self._challenges, "openCount", batch.header_hash
            ):
                return True
        return False

    async def _of_chain(self) -> Challenger:
        if self._challenger is None:
            reader = await L1Reader.at(self._client, self._deployment.address("Rollup"))
            from_block = self._deployment.block_number
            known = [DeskStates(self._desk)]
            follower = Follower(reader, self._sources, None, from_block, known, FlatStateTree)
            self._challenger = Challenger(follower, self._sender, DeskEvidence(self._desk))
        return self._challenger
