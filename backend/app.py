"""The composition root: joins the planes to a platform in one process, and serves it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from backend.access.api import create_api
from backend.access.collecting.group_sender import GroupSender
from backend.access.custody.runner import CustodyRunner
from backend.access.fees import least_fee
from backend.access.services import Registers
from backend.assembly import (
    ARCHIVE_FOLDER,
    bonus_keeper,
    dependencies,
    node_config,
    open_ground,
    submitter_settings,
)
from backend.bonus_keeper import BonusKeeper
from backend.chain_facts import batch_posted, fact_of
from backend.config import Settings
from backend.engine.batch.desk import BatchDesk
from backend.engine.log import LocalLog
from backend.engine.node import Node
from backend.engine.recovery import block_at
from backend.guard import Guard
from backend.protocol.batches import Chunk
from backend.protocol.hashing import Digest
from backend.records.event_stream import EventStream
from backend.records.projections import Projections
from backend.records.projector import Projector
from backend.records.registers.idempotency import IdempotencyKeys
from backend.serving import ApiServer, bind, calm_collector, end_by_signal
from backend.settlement.archive import Archive
from backend.settlement.batch_data import PostedBatch
from backend.settlement.data_sources import DataSources, blob_sources
from backend.settlement.deployment_file import Deployment
from backend.settlement.events import BatchConfirmed, BatchRolledBack, ChainEvent
from backend.settlement.kzg import Kzg
from backend.settlement.rollup import Rollup
from backend.settlement.settler import Settler
from backend.settlement.submitter import Submitter
from backend.settlement.watcher import Watcher

_PRUNE_PAUSE_S: Final = 3_600

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Platform:
    """All parts of a running platform."""

    settings: Settings
    deployment: Deployment
    node: Node
    desk: BatchDesk
    watcher: Watcher
    submitter: Submitter
    settler: Settler
    projector: Projector
    registers: Registers
    keeper: BonusKeeper | None  # None: the deployment has no campaigns
    guard: Guard
    archive: Archive
    confirmed_batches: "asyncio.Queue[BatchConfirmed | BatchRolledBack]"
    api: FastAPI


def clock_ms() -> int:
    """Return the time of this machine."""
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def open_platform(settings: Settings) -> AsyncIterator[Platform]:
    """Open a platform: its log is read and its API can be served. Leaving closes all."""
    async with AsyncExitStack() as stack:
        ground = await open_ground(settings, stack, clock_ms)
        kzg = Kzg()
        stack.callback(kzg.close)
        if settings.batch_carrier != "calldata":
            kzg.start()

        watcher, keys, deployment = ground.watcher, ground.keys, ground.deployment
        ledger_log = stack.enter_context(LocalLog(settings.data_dir / "ledger.log"))
        submissions_log = stack.enter_context(LocalLog(settings.data_dir / "submissions.log"))
        config = node_config(settings, deployment, keys)
        node = Node(config, ledger_log, watcher, clock_ms, least_fee=least_fee(ground.api_settings))
        desk = BatchDesk(
            config.committee,
            config.validator_keys,
            kzg.data_hash,
            _pin_check(watcher),
            node.replay,
            partial(block_at, ledger_log),
        )
        rollup = Rollup(ground.client, deployment)
        submitter = Submitter(
            rollup,
            keys.submitter,
            desk,
            submissions_log,
            kzg,
            submitter_settings(settings, deployment),
            now_ms=clock_ms,
        )
        archive = Archive(settings.data_dir / ARCHIVE_FOLDER)
        blobs = blob_sources(ground.client, kzg, settings.beacon_url)
        sources = DataSources([archive], blobs, kzg)
        stream = EventStream(ground.databases.projections)
        projector = Projector(Projections(ground.databases.projections, ground.domain), stream)
        asset_count = len(deployment.tokens)
        needs = dependencies(
            ground,
            node,
            desk,
            submitter,
            stream,
            lambda: _problems(node, watcher, projector, submitter, desk, asset_count),
        )
        platform = Platform(
            settings=settings,
            deployment=deployment,
            node=node,
            desk=desk,
            watcher=watcher,
            submitter=submitter,
            settler=Settler(rollup, ground.operator),
            projector=projector,
            registers=needs.registers,
            keeper=bonus_keeper(ground),
            guard=Guard(ground.client, deployment, ground.operator, watcher, desk, sources),
            archive=archive,
            confirmed_batches=asyncio.Queue(),
            api=create_api(needs),
        )
        platform.api.state.metrics.registry.register(node.verifier.contradictions)
        await _start(platform, stack)
        yield platform


async def _start(platform: Platform, stack: AsyncExitStack) -> None:
    """Wire observers, recover the node, and bring its readers up to date."""
    node, desk, projector = platform.node, platform.desk, platform.projector
    node.observers += [desk.observe, projector.observe]
    node.untold = projector.waiting_orders

    def observe_chain(event: ChainEvent) -> None:
        fact = fact_of(event, clock_ms())
        if fact is not None:
            projector.observe_chain(fact)
        if platform.keeper is not None:
            platform.keeper.observe(event)
        if isinstance(event, BatchConfirmed | BatchRolledBack):
            platform.confirmed_batches.put_nowait(event)

    platform.watcher.observers.append(observe_chain)
    stack.callback(projector.stop)
    stack.push_async_callback(node.stop)
    await node.start()
    for final in node.replay(1):
        desk.observe(final)
    projector.start(node.replay)


async def run(platform: Platform, serve: Callable[[], Awaitable[None]]) -> None:
    """Do all that a platform does until `serve` returns. A part that fails stops the rest."""
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(platform.watcher.run()),
            tasks.create_task(_follow_batches(platform)),
            tasks.create_task(platform.submitter.run()),
            tasks.create_task(platform.settler.run(_settle_poll_ms(platform.deployment))),
            tasks.create_task(platform.guard.run()),
            tasks.create_task(_prune(platform.registers.idempotency)),
            tasks.create_task(CustodyRunner(platform.api.state.services).run()),
            tasks.create_task(GroupSender(platform.api.state.services).run()),
            tasks.create_task(platform.api.state.services.approvals.run()),
        ]
        if platform.keeper is not None:
            running.append(tasks.create_task(platform.keeper.run()))
        await serve()
        for task in running:
            task.cancel()


async def _prune(idempotency: IdempotencyKeys) -> None:
    """Forget old idempotency keys now and then. What fails here is done the next time."""
    while True:
        try:
            await asyncio.to_thread(idempotency.prune, clock_ms())
        except SQLAlchemyError as error:
            log.warning("idempotency_keys_kept", reason=str(error))
        await asyncio.sleep(_PRUNE_PAUSE_S)


async def _follow_batches(platform: Platform) -> None:
    """When a batch is confirmed: move on, say where its payments stand, and keep a snapshot.
    When one is rolled back: go back, and post its blocks again."""
    while True:
        event = await platform.confirmed_batches.get()
        header = event.batch.header
        if isinstance(event, BatchRolledBack):
            await platform.desk.roll_back(header.number - 1)
            continue
        if not await platform.desk.posted(header, event.batch.chunks):
            continue  # a false one: it is for the challenger
        chunks = await asyncio.to_thread(platform.desk.chunks, header.number)
        platform.projector.observe_chain(batch_posted(event, chunks))
        await asyncio.to_thread(_archive, platform, event.batch, chunks)
        if platform.confirmed_batches.empty():
            try:
                await platform.node.snapshot(header.last_block_number)
            except ValueError:  # an older batch, read again after a restart
                log.debug("snapshot_is_newer", block=header.last_block_number)
            except OSError as error:  # the disk is full: a restart begins at an older one
                log.warning("snapshot_not_written", reason=str(error))


def _archive(platform: Platform, batch: PostedBatch, chunks: Sequence[Chunk]) -> None:
    """Keep what people need to leave without us. What fails here is done after the next start."""
    archive, number = platform.archive, batch.header.number
    try:
        archive.keep_chunks(batch.header_hash, chunks)
        leaves = platform.desk.leaves(number) if archive.wants_state(number) else None
        if leaves is not None:
            archive.keep_state(number, batch.header_hash, leaves)
    except OSError as error:
        log.warning("batch_not_archived", batch=number, reason=str(error))


async def serve(settings: Settings) -> None:
    """Run the platform and its API until the process is told to end.

    Raises PortTaken, or whatever says that the platform can't start.
    """
    with bind(settings.api_host, settings.api_port) as listener, end_by_signal() as ending:
        async with open_platform(settings) as platform:
            calm_collector()
            server = ApiServer(platform.api, platform.api.state.services.broadcast.close)
            ending.append(server.end)
            await run(platform, lambda: server.serve([listener]))


def _settle_poll_ms(deployment: Deployment) -> int:
    """Return how often to look for batches to settle: a sixtieth of the window, 5 s at most."""
    return min(deployment.parameters.challenge_window_s * 1000 // 60, 5_000)


def _pin_check(watcher: Watcher) -> Callable[[int, Digest], Awaitable[bool]]:
    async def is_pin(number: int, block_hash: Digest) -> bool:
        if not watcher.is_block(number, block_hash):
            await watcher.poll()  # the pin may be newer than the last look
        return watcher.is_block(number, block_hash)

    return is_pin


def _problems(
    node: Node,
    watcher: Watcher,
    projector: Projector,
    submitter: Submitter,
    desk: BatchDesk,
    asset_count: int,
) -> list[str]:
    status = node.status()
    problems = []
    if status.failure is not None:
        problems.append(f"the node does not run: {status.failure}")
    elif not status.has_quorum:
        problems.append("too few validators answer")
    if watcher.confirmed().number < status.l1_block_number:
        # No block is made before: a restart has to see again what the last block stands on.
        problems.append("the chain has not been read since the start")
    if len(node.assets()) < asset_count:
        problems.append("the ledger has not learnt of all assets yet")
    if not projector.is_alive:
        problems.append("the projections are not kept up to date")
    if desk.alien is not None:
        problems.append(f"L1 has taken a batch {desk.alien.number} that is not this ledger's")
    if watcher.frozen_ts_s() is not None:
        problems.append("the rollup is frozen: people take their money out on the chain")
    if submitter.failure is not None:
        problems.append(f"no batches are posted: {submitter.failure}")
    return problems
