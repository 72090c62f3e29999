"""Follows the chain and tells what is confirmed on it. Law: a fact counts when it is deep enough.

Nothing is kept on disk: a start reads all events again from the deployment's block on. Blocks near
the head are followed one by one by their hashes, so a reorganisation is noticed by a parent that
doesn't fit, and what it removed is taken back.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from backend.protocol.errors import ChainUnavailable
from backend.protocol.types import (
    Address,
    Asset,
    AuthorisedRoot,
    DepositRecord,
    Epoch,
    ExitRequest,
)
from backend.settlement.batch_data import PostedBatch
from backend.settlement.chain import L1Block, L1Point, RpcError
from backend.settlement.client import ChainClient, block_ranges
from backend.settlement.decoding import EventReader
from backend.settlement.deployment_file import Deployment
from backend.settlement.eligibility import Eligibility
from backend.settlement.events import (
    AssetListed,
    BatchConfirmed,
    BatchGone,
    BatchPosted,
    BatchRolledBack,
    ChainEvent,
    DepositConfirmed,
    DepositGone,
    DepositSeen,
    EpochBegun,
    ExitRequested,
    OrdersAuthorised,
    RolledBack,
    RollupFrozen,
)
from backend.settlement.rollup import confirmed_number

_TAIL_BLOCKS: Final = 64  # below the confirmed block, to notice what must never happen
_POLL_MS: Final = 500
_RETRY_MS: Final = 2_000

log = structlog.get_logger(__name__)

Observer = Callable[[ChainEvent], None]


class ConfirmedBlockGone(Exception):
    """The chain took back what was confirmed: facts that the ledger may have used already.

    No code can mend it. Stop the node; find out whether the node or the chain is at fault; if it is
    the chain, set more `confirmations` and recover the ledger from the batches that L1 has.
    """

    def __init__(self, number: int) -> None:
        super().__init__(
            f"L1 block {number} was confirmed and is gone. Stop the node, and see "
            "whether its RPC endpoint or the chain itself went back."
        )
        self.number = number


class Watcher:
    """One chain's facts, as far as they are confirmed; fits the engine's port L1View."""

    def __init__(
        self, client: ChainClient, deployment: Deployment, *, confirmations: int | None = None
    ) -> None:
        """`confirmations` in blocks; by default the deployment's."""
        self.observers: list[Observer] = []
        self._client = client
        self._reader = EventReader(client, deployment)
        self._depth = confirmations or deployment.parameters.confirmations
        self._first = deployment.block_number
        self._genesis = L1Point(0, deployment.genesis_hash)
        self._confirmed: L1Point | None = None
        self._tail: list[L1Block] = []  # consecutive blocks, up to the newest that was read
        self._waiting: list[ChainEvent] = []  # seen, not confirmed; in order
        self._listings: list[tuple[int, Asset]] = []  # with the L1 block of each
        self._deposits: list[DepositRecord] = []
        self._deposit_blocks: list[int] = []
        self._roots: list[AuthorisedRoot] = []
        self._root_blocks: list[int] = []
        self._frozen_ts_s: int | None = None
        self._exits: list[tuple[int, ExitRequest]] = []  # with the L1 block of each
        self._epochs: list[tuple[int, Epoch]] = []
        self._eligibility = Eligibility(
            {token.address: token.level_needed for token in deployment.tokens if token.level_needed}
        )
        self._batches: dict[int, PostedBatch] = {}
        self._lock = asyncio.Lock()

    # What is confirmed

    def confirmed(self) -> L1Point:
        """Return the newest block whose facts count; genesis before the chain was asked."""
        return self._confirmed or self._genesis

    def listings(self, known_count: int, to_l1_block: int) -> list[Asset]:
        """Return the assets listed up to an L1 block, without the first `known_count`."""
        return [asset for block, asset in self._listings[known_count:] if block <= to_l1_block]

    def deposits(self, from_index: int, to_l1_block: int) -> list[DepositRecord]:
        """Return the confirmed deposits from a place in the queue up to an L1 block."""
        return self._deposits[from_index : bisect_right(self._deposit_blocks, to_l1_block)]

    def roots(self, from_index: int, to_l1_block: int) -> list[AuthorisedRoot]:
        """Return the confirmed roots of orders from a place on, up to an L1 block."""
        return self._roots[from_index : bisect_right(self._root_blocks, to_l1_block)]

    def exits(self, from_index: int, to_l1_block: int) -> list[ExitRequest]:
        """Return the confirmed exit requests from a place on, up to an L1 block."""
        return [request for block, request in self._exits[from_index:] if block <= to_l1_block]

    def epoch(self, to_l1_block: int) -> Epoch | None:
        """Return the newest epoch that began up to an L1 block."""
        begun = [epoch for block, epoch in self._epochs if block <= to_l1_block]
        return begun[-1] if begun else None

    def frozen_ts_s(self) -> int | None:
        """Return since when the rollup is frozen, in L1 time; None if it is not."""
        return self._frozen_ts_s

    def is_regulated(self, token: Address) -> bool:
        """Return whether not everybody may hold a token."""
        return self._eligibility.is_regulated(token)

    def may_hold(self, token: Address, owner: Address, *, to_l1_block: int, ts_s: int) -> bool:
        """Return whether the owner may hold a token at `ts_s`, by the facts up to a block."""
        return self._eligibility.may_hold(token, owner, to_l1_block=to_l1_block, ts_s=ts_s)

    def batch(self, number: int) -> PostedBatch | None:
        """Return a confirmed batch, without its chunks."""
        return self._batches.get(number)

    def is_block(self, number: int, block_hash: bytes) -> bool:
        """Return whether a recent block, however deep, is the chain's: for a header's pin.

        Whoever asks about a very new one polls before.
        """
        index = number - self._tail[0].number if self._tail else -1
        return 0 <= index < len(self._tail) and self._tail[index].block_hash == block_hash

    # Following

    async def run(self, poll_ms: int = _POLL_MS) -> None:
        """Follow the chain for ever. A chain that doesn't answer is asked again."""
        is_available = True
        while True:
            try:
                await self.poll()
                if not is_available:
                    log.info("chain_available_again")
                is_available = True
            except (ChainUnavailable, RpcError) as error:
                if is_available:
                    log.warning("chain_unavailable", reason=str(error))
                is_available = False
            await asyncio.sleep((poll_ms if is_available else _RETRY_MS) / 1000)

    async def poll(self) -> None:
        """Read what is new, and tell it. Raises ConfirmedBlockGone, ChainUnavailable."""
        async with self._lock:
            await self._poll()

    async def _poll(self) -> None:
        head = await self._client.latest()
        if self._tail and self._tail[-1].block_hash == head.block_hash:
            await self._confirm(head.number)
            return
        if self._tail:
            await self._drop_gone_blocks()
        await self._catch_up(head)
        while self._tail[-1].number < head.number and await self._read_next_block():
            pass
        await self._confirm(self._tail[-1].number)

    async def _catch_up(self, head: L1Block) -> None:
        """Read the far past in large ranges, and let the tail begin after it."""
        confirmed = await confirmed_number(self._client, head.number, self._depth)
        first = self._tail[-1].number + 1 if self._tail else self._first
        end = confirmed - _TAIL_BLOCKS
        if self._tail and end < first + _TAIL_BLOCKS:
            return
        end = max(first, end)
        anchor = await self._client.block(end)
        if anchor is None:
            raise ChainUnavailable()
        past: list[ChainEvent] = []
        for start, last in block_ranges(first, end):
            past += await self._reader.in_range(start, last)
        self._check_complete(past)
        self._tail = [anchor]
        self._see(past)

    async def _read_next_block(self) -> bool:
        """Read one block more; return False if the chain changed meanwhile."""
        block = await self._client.block(self._tail[-1].number + 1)
        if block is None:
            return False
        if block.parent_hash != self._tail[-1].block_hash:
            await self._drop_gone_blocks()
            return True
        try:
            events = await self._reader.in_block(block.block_hash)
        except RpcError:
            return False  # it was reorganised between the two questions
        if events is None:
            return False
        self._check_complete(events)
        self._tail.append(block)
        self._see(events)
        return True

    async def _drop_gone_blocks(self) -> None:
        """Walk back to the newest block that is still the chain's, and take back the others."""
        while True:
            last = self._tail[-1]
            current = await self._client.block(last.number)
            if current is not None and current.block_hash == last.block_hash:
                return
            if current is None and self._is_confirmed(last.number):
                raise ChainUnavailable()  # a node that lags behind has taken nothing back
            if self._is_confirmed(last.number):
                log.critical("confirmed_block_gone", block=last.number)
                raise ConfirmedBlockGone(last.number)
            if len(self._tail) == 1:
                raise ConfirmedBlockGone(last.number)
            log.warning("block_reorganised", block=last.number)
            self._take_back(last)

    def _is_confirmed(self, number: int) -> bool:
        return self._confirmed is not None and number <= self._confirmed.number

    def _check_complete(self, events: list[ChainEvent]) -> None:
        """Raise ChainUnavailable if an event is missing before one of these. Nodes leave logs out
        while they index; the ledger would take the next deposit for the one left out."""
        numbers = list(map(_number_of, self._waiting))
        expected = {
            "deposit": len(self._deposits) + sum(kind == "deposit" for kind, _ in numbers),
            "asset": len(self._listings) + sum(kind == "asset" for kind, _ in numbers) + 1,
            "batch": _tip_after(len(self._batches), self._waiting) + 1,
            "root": len(self._roots) + sum(kind == "root" for kind, _ in numbers),
            "exit": len(self._exits) + sum(kind == "exit" for kind, _ in numbers),
            "epoch": len(self._epochs) + sum(kind == "epoch" for kind, _ in numbers) + 1,
        }
        for event in events:
            kind, number = _number_of(event)
            if isinstance(event, RolledBack):
                expected["batch"] = event.number
            elif kind in expected:
                if number != expected[kind]:
                    log.error("chain_events_missing", kind=kind, expected=expected[kind])
                    raise ChainUnavailable()
                expected[kind] += 1

    def _see(self, events: list[ChainEvent]) -> None:
        # What takes the place of removed batches is told once their removal is confirmed.
        is_held = any(isinstance(event, RolledBack) for event in self._waiting)
        for event in events:
            is_held = is_held or isinstance(event, RolledBack)
            self._waiting.append(event)
            is_posted = isinstance(event, BatchPosted) and not is_held
            if is_posted or isinstance(event, DepositSeen):
                self._tell(event)

    def _take_back(self, block: L1Block) -> None:
        self._tail.pop()
        block_hash = block.block_hash
        gone = [e for e in self._waiting if e.place.block.block_hash == block_hash]
        self._waiting = [e for e in self._waiting if e.place.block.block_hash != block_hash]
        for event in reversed(gone):
            if isinstance(event, DepositSeen):
                self._tell(DepositGone(event.place, event.index, event.record))
            elif isinstance(event, BatchPosted):
                self._tell(BatchGone(event.place, event.batch))

    async def _confirm(self, head_number: int) -> None:
        """Let what has become deep enough count, then tell it."""
        number = await confirmed_number(self._client, head_number, self._depth)
        points = [block.point for block in self._tail if block.number <= number]
        if not points:
            return
        ripe = [event for event in self._waiting if event.place.block.number <= number]
        del self._waiting[: len(ripe)]
        told = [confirmation for event in ripe for confirmation in self._count(event)]
        self._confirmed = points[-1]
        self._tail = [b for b in self._tail if b.number >= number - _TAIL_BLOCKS]
        for event in told:
            self._tell(event)

    def _count(self, event: ChainEvent) -> Sequence[ChainEvent]:
        """Let an event count, which is deep enough by now; return what is told of it."""
        if isinstance(event, AssetListed):
            self._listings.append((event.place.block.number, event.asset))
        elif isinstance(event, DepositSeen):
            self._deposits.append(event.record)
            self._deposit_blocks.append(event.place.block.number)
        elif isinstance(event, OrdersAuthorised):
            self._roots.append(event.root)
            self._root_blocks.append(event.place.block.number)
        elif isinstance(event, BatchPosted):
            # Without its chunks, which the event brings: they would fill the memory.
            self._batches[event.batch.header.number] = event.batch.without_data()
        elif isinstance(event, RolledBack):
            removed = [number for number in self._batches if number >= event.number]
            gone = [self._batches.pop(number) for number in sorted(removed, reverse=True)]
            return [BatchRolledBack(event.place, batch) for batch in gone]
        elif isinstance(event, ExitRequested):
            self._exits.append((event.place.block.number, event.request))
        elif isinstance(event, RollupFrozen):
            self._frozen_ts_s = event.ts_s
        elif isinstance(event, EpochBegun):
            self._epochs.append((event.place.block.number, event.epoch))
        else:
            self._eligibility.note(event)
        return [_confirmation(event)]

    def _tell(self, event: ChainEvent) -> None:
        for observer in self.observers:
            observer(event)


def _number_of(event: ChainEvent) -> tuple[str, int]:
    """Return what an event is about and its number there, if they are numbered without gaps."""
    if isinstance(event, DepositSeen):
        return "deposit", event.index
    if isinstance(event, AssetListed):
        return "asset", event.asset.asset_id
    if isinstance(event, BatchPosted):
        return "batch", event.batch.header.number
    if isinstance(event, OrdersAuthorised):
        return "root", event.index
    if isinstance(event, ExitRequested):
        return "exit", event.index
    if isinstance(event, EpochBegun):
        return "epoch", event.epoch.number
    return "", 0


def _tip_after(tip: int, events: Sequence[ChainEvent]) -> int:
    """Return the last batch's number after some events, `tip` being the one before."""
    for event in events:
        if isinstance(event, BatchPosted):
            tip = event.batch.header.number
        elif isinstance(event, RolledBack):
            tip = event.number - 1
    return tip


def _confirmation(event: ChainEvent) -> ChainEvent:
    """Return what is told when `event` has become deep enough."""
    if isinstance(event, DepositSeen):
        return DepositConfirmed(event.place, event.index, event.record)
    if isinstance(event, BatchPosted):
        return BatchConfirmed(event.place, event.batch)
    return event
