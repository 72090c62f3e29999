"""Executes each batch that L1 accepts, as L1 would, from L1's data alone.

Law: after `follow` it knows the state after the last batch before the first fraud, or before the
first batch whose data can't be had (yet); and which of them it is.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from backend.protocol.errors import InvariantViolated
from backend.protocol.state_tree import StateTree
from backend.protocol.types import AccountId, Leaf
from backend.settlement.archive import STATE_INTERVAL, Archive
from backend.settlement.batch_data import PostedBatch
from backend.settlement.chain import L1Log
from backend.settlement.data_sources import DataMismatch, DataMissing, DataSources
from backend.settlement.l1_history import History, L1Reader
from backend.settlement.proving.fraud import Fraud, FraudFound
from backend.settlement.proving.replay import (
    LedgerState,
    ReplayedBatch,
    TreeOf,
    genesis_state,
    replay,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Followed:
    """A batch without fraud. `replayed` is None once nobody can dispute it any more, and so is the
    state after it, but for the last one: all changes since a state are kept with it."""

    log: L1Log
    accepted_ts_s: int
    after: LedgerState | None
    replayed: ReplayedBatch | None


class States(Protocol):
    """Who has kept the accounts after some batches: an archive, a platform."""

    def states(self) -> Iterator[int]:
        """Yield the numbers of batches after which there may be a state, the newest first."""

    def state(self, batch: PostedBatch) -> Mapping[AccountId, Leaf] | None:
        """Return the accounts after a batch; None if they aren't here with its postRoot."""


class Follower:
    """The batches of one rollup, executed one after the other.

    Nobody can dispute what is settled. So it begins at the newest settled batch whose state
    somebody has kept.
    """

    def __init__(
        self,
        reader: L1Reader,
        sources: DataSources,
        archive: Archive | None,
        from_block: int,
        known: Sequence[States] = (),
        tree_of: TreeOf = StateTree,
    ) -> None:
        """`archive` is given all chunks, for when L1's nodes have dropped them."""
        self.reader = reader
        self.history: History | None = None
        self.fraud: tuple[PostedBatch, Fraud] | None = None
        """The first false batch, and the proof; None if there is none."""
        self.missing: PostedBatch | None = None
        """The first batch whose chunks nobody has; None if there is none."""
        self._sources, self._archive, self._from_block = sources, archive, from_block
        self._known, self._tree_of = known, tree_of
        self._kept = 0  # the last batch whose state the archive was given
        self._followed: list[_Followed] = []  # batch 1 first
        self._again: tuple[int, LedgerState] = 0, genesis_state(self._tree_of)
        """The last settled batch that was executed once more, and the state after it."""

    @property
    def number(self) -> int:
        """The last batch that was executed."""
        return len(self._followed)

    @property
    def state(self) -> LedgerState:
        """The ledger after that batch."""
        after = self._followed[-1].after if self._followed else genesis_state(self._tree_of)
        if after is None:
            raise InvariantViolated("the state after the last batch was dropped")
        return after

    def disputable(self) -> list[ReplayedBatch]:
        """Return the executed batches that are not settled."""
        return [one.replayed for one in self._followed if one.replayed is not None]

    def accepted_after(self, ts_s: int) -> list[int]:
        """Return the executed batches that L1 accepted later than at a time of its own."""
        followed = enumerate(self._followed, 1)
        return [number for number, one in followed if one.accepted_ts_s > ts_s]

    async def leaf_after(self, number: int, account_id: AccountId) -> Leaf | None:
        """Return an account after an executed batch, or after genesis; None if it was not open.

        Raises DataMissing, ChainUnavailable.
        """
        return (await self._state_after(number)).tree.leaf(account_id)

    async def _state_after(self, number: int) -> LedgerState:
        """Return the state after a batch. One that was dropped costs all batches since the nearest
        that somebody has kept."""
        kept = self._followed[number - 1].after if number else genesis_state(self._tree_of)
        if kept is not None:
            return kept
        at, state = self._again
        if not 0 < at <= number:
            at, state = await self._nearest(number)
        for again in range(at + 1, number + 1):
            state = (await self._replayed_upon(again, state)).after
            self._again = again, state
        return state

    async def replayed(self, number: int) -> ReplayedBatch:
        """Return an executed batch; a settled one is read and executed anew.

        Raises DataMissing, ChainUnavailable.
        """
        kept = self._followed[number - 1].replayed
        if kept is not None:
            return kept
        return await self._replayed_upon(number, await self._state_after(number - 1))

    async def _replayed_upon(self, number: int, before: LedgerState) -> ReplayedBatch:
        batch, blobs = await self._with_data(await self.reader.batch(self._read, number))
        return await self._replay(self._read, batch, blobs, before)

    async def _nearest(self, number: int) -> tuple[int, LedgerState]:
        """Return the newest batch up to a settled one whose state somebody has kept, and the state;
        or genesis."""
        for known in self._known:
            for at in known.states():
                if at <= number:
                    batch = await self.reader.batch(self._read, at)
                    leaves = await asyncio.to_thread(known.state, batch)
                    if leaves is not None:
                        return at, await asyncio.to_thread(LedgerState.of, leaves, self._tree_of)
        return 0, genesis_state(self._tree_of)

    @property
    def _read(self) -> History:
        if self.history is None:
            raise InvariantViolated("nothing was read of L1 yet")
        return self.history

    async def follow(self) -> History:
        """Read what is new, and execute it. Raises ChainUnavailable."""
        history = await self.reader.history(self._from_block, known=self.history)
        self.history = history
        self._drop_removed(history)
        self._forget_settled(history)
        self.fraud = self.missing = None
        if not self._followed:
            await self._begin(history)
        while self.number < history.tip and self.fraud is None and self.missing is None:
            await self._execute(history)
        await self._keep_settled(history.frontier)
        return history

    async def _begin(self, history: History) -> None:
        """Take over the settled batches up to the nearest state that somebody has kept."""
        number, state = await self._nearest(history.frontier)
        accepted = [(log, self.reader.accepted_ts_s(log)) for log in history.posted[:number]]
        self._followed = [_Followed(*one, None, None) for one in accepted]
        if self._followed:
            self._followed[-1] = replace(self._followed[-1], after=state)

    async def _keep_settled(self, frontier: int) -> None:
        """Have the archive keep a settled state now and then, for whoever begins after us."""
        is_due = frontier >= self._kept + STATE_INTERVAL and frontier <= self.number
        after = self._followed[frontier - 1].after if is_due else None
        if self._archive is not None and after is not None:
            batch = await self.reader.batch(self._read, frontier)
            leaves = dict(await asyncio.to_thread(list, after.accounts()))
            self._archive.keep_state(frontier, batch.header_hash, leaves)
            self._kept = frontier

    def _drop_removed(self, history: History) -> None:
        """Forget batches that were rolled back or reorganised away, and those whose settling was:
        they can be disputed again."""
        for index, one in enumerate(self._followed):
            is_gone = index >= history.tip or history.posted[index] != one.log
            if is_gone or (index >= history.frontier and one.replayed is None):
                log.warning("batches_removed", first=index + 1, last=self.number)
                del self._followed[index:]
                while self._followed and self._followed[-1].after is None:
                    self._followed.pop()  # settled ones went, too: they are executed again
                self._again = 0, genesis_state(self._tree_of)
                return

    def _forget_settled(self, history: History) -> None:
        """Drop what disputes alone need; the state before the first disputable batch stays."""
        for index in reversed(range(min(history.frontier, self.number))):
            one = self._followed[index]
            is_last = index + 1 in (history.frontier, self.number)
            after = one.after if is_last else None
            if one.replayed is None and one.after is after:
                if not is_last:
                    return  # all before it are as they should be
                continue
            self._followed[index] = replace(one, replayed=None, after=after)

    async def _execute(self, history: History) -> None:
        number = self.number + 1
        posted = await self.reader.batch(history, number)
        try:
            batch, blobs = await self._with_data(posted)
            replayed = await self._replay(history, batch, blobs, self.state)
        except DataMissing:
            self.missing = posted
            return
        except FraudFound as found:
            log.critical("fraud_found", batch=number, reason=found.fraud.reason)
            self.fraud = batch, found.fraud
            return
        if self._archive is not None:
            self._archive.keep_chunks(batch.header_hash, replayed.chunks)
        is_open = number > history.frontier
        self._followed.append(
            _Followed(
                history.posted[number - 1],
                batch.accepted.accepted_ts_s,
                replayed.after,
                replayed if is_open else None,
            )
        )
        self._forget_settled(history)
        log.info("batch_executed", batch=number, chunks=len(replayed.chunks))

    async def _with_data(self, batch: PostedBatch) -> tuple[PostedBatch, tuple[bytes, ...]]:
        """Return a batch with its chunks, or with the blobs that don't hold what it says."""
        try:
            return replace(batch, chunks=await self._sources.chunks(batch)), ()
        except DataMismatch as mismatch:
            return batch, mismatch.blobs

    async def _replay(
        self, history: History, batch: PostedBatch, blobs: tuple[bytes, ...], before: LedgerState
    ) -> ReplayedBatch:
        deposits = dict(enumerate(history.deposits))
        return await asyncio.to_thread(replay, batch, blobs, before, history.assets, deposits)
