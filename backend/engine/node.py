"""The engine as others see it: takes orders in, tells how they ended, comes back after a crash.

This is the asynchronous edge. All that decides anything is synchronous and below: the log orders,
replicas follow it, validators sign, the sequencer proposes.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from traceback import format_exc

import structlog

from backend.engine.admission import Admission, LeastFee
from backend.engine.group_commit import GroupCommit, Stamped
from backend.engine.intake import Intake
from backend.engine.log import OrderingLog
from backend.engine.node_types import (
    Accepted,
    AccountView,
    NodeConfig,
    NodeStatus,
    NodeStopped,
    PendingOrder,
)
from backend.engine.outcomes import Outcome, Outcomes
from backend.engine.ports import L1View
from backend.engine.quorum_watch import QuorumWatch
from backend.engine.recovery import Origin, check_identity, final_blocks
from backend.engine.replica import FinalBlock, OrderAccepted, Replica
from backend.engine.runs import StampedRun
from backend.engine.sequencer import Sequencer
from backend.engine.signers import Recover
from backend.engine.snapshots import Snapshots, TrailingLedger
from backend.engine.validator import Validator
from backend.engine.validator_feed import ValidatorFeed, consume
from backend.engine.vector.authority import Authority
from backend.engine.vector.records import RecordRun
from backend.engine.vector.verification import Verifier
from backend.protocol.errors import PaymentError
from backend.protocol.hashing import Digest
from backend.protocol.log_entries import OrderEntry
from backend.protocol.order_records import OrderRecord
from backend.protocol.signing import recover
from backend.protocol.types import Address, Asset, AuthorisedRoot

log = structlog.get_logger(__name__)

_STALL_MS = 250

Observer = Callable[[FinalBlock], None]


class Node:
    """Validators, sequencer and log of one process, joined."""

    def __init__(
        self,
        config: NodeConfig,
        ordering_log: OrderingLog,
        l1: L1View,
        clock_ms: Callable[[], int],
        *,
        least_fee: LeastFee | None = None,
    ) -> None:
        """`least_fee` is a condition of the operator's own for admission. The log is the caller's
        to close, after `stop`."""
        self.config = config
        self.verifier = Verifier(config.verifier)
        self.observers: list[Observer] = []
        self.untold: Callable[[], int] = lambda: 0
        """How many final orders the observers have not worked through: too many, and nothing more
        is taken in."""
        self.validators: list[Validator] = []
        self._log = ordering_log
        self._l1 = l1
        self._clock_ms = clock_ms
        self._least_fee = least_fee
        self._domain = config.committee.domain
        folder = config.snapshot_folder
        self._snapshots = Snapshots(folder, config.identity) if folder else None
        self._snapshot_lock = asyncio.Lock()
        self._outcomes = Outcomes()
        self._failure: str | None = "it was not started"
        self._intake: Intake | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Read the log, finish what was left unfinished, and take orders in.

        Raises WrongLog if the log is of another chain.
        """
        now_ms = self._clock_ms()
        check_identity(self._log, self.config.identity, now_ms)
        last_stamp_ms = self._recover()
        self._commit = GroupCommit(
            self._log,
            self._clock_ms,
            self._on_durable,
            last_stamp_ms=last_stamp_ms,
            waiting_max=self.config.waiting_max,
        )
        self._intake = Intake(
            self.config,
            self._replica,
            self._admission,
            self._commit,
            self._outcomes,
            self._quorum,
            Authority(
                self._domain,
                self.verifier,
                self.config.verifier_threads,
                self._admission.has_account,
            ),
            self._clock_ms,
            self._check_runs,
            lambda: self.untold(),
        )
        self._feed = ValidatorFeed(self._judging, self.validators, self._commit.put)
        self._failure = None
        for replica in (self._replica, self._judging):
            replica.accepted.authorised = self._admission.is_authorised
        self._replica.accepted.check_all()
        for record_id, record in self._replica.accepted.undecided.items():
            self._admission.on_accepted(record_id, record)
        self._tasks = [
            asyncio.create_task(self._guard(run))
            for run in (self._commit.run, self._feed.run, self._tick)
        ]
        for validator in self.validators:
            for payload in validator.go_live(now_ms):
                self._commit.put(payload)
        self._propose()
        log.info("node_started", block=self._replica.ledger.block_number)

    async def stop(self) -> None:
        """Take no more orders in, and let what waits become durable. A repeat does nothing."""
        if self._tasks:
            self._failure = self._failure or "it was stopped"
            commit, feed, tick = self._tasks
            tick.cancel()
            self._commit.stop()
            await asyncio.wait([commit])
            feed.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._tasks = []

    def _recover(self) -> int:
        """Bring the replicas up to the log's end. Return the newest stamp."""
        config = self.config
        origin = Origin(config.committee, self._log, self._snapshots)
        self._replica: Replica = origin.replica()
        self._trailing = TrailingLedger(origin.checkpoint, origin.ledger(), self._replica)
        self._judging: Replica = origin.replica()
        self.validators = [
            Validator(
                key,
                self._judging,
                self._l1,
                timeout_ms_min=config.timeout_ms_min,
                idle_ms_max=config.idle_ms_max,
                signatures_lost_at_ms=self._clock_ms() if config.signatures_lost else None,
            )
            for key in config.validator_keys
        ]
        self._admission = Admission(
            self._replica, self._may_hold_now, self._l1.is_regulated, self._least_fee
        )
        self._quorum = QuorumWatch(self._replica.rounds, config.quorum_wait_ms_max)
        keys, orders_max = config.sequencer_keys, config.block_orders_max
        self._sequencer = Sequencer(keys, self._replica, self._l1, orders_max, config.idle_ms_max)
        last_stamp_ms = origin.checkpoint.tip.timestamp_ms
        for position, entry in origin.entries():
            last_stamp_ms = max(last_stamp_ms, entry.stamp_ms)
            event = self._replica.consume(position, entry)
            self._trailing.follow(event, self._replica, position + 1)
            if isinstance(event, FinalBlock):
                self._outcomes.record(event)
            consume(self._judging, self.validators, position, entry)
        return last_stamp_ms

    # What access asks

    async def submit(self, record: OrderRecord, recover: Recover = recover) -> Accepted:
        """Take an order in, or a group; return when it is durable. A repeat answers the same.
        `recover` says who signed.

        An order ahead of its nonce waits for those before it. Raises PaymentError (what
        `Admission.admit` raises, BackPressure, NoQuorum, DiskFull); LogFailed and NodeStopped when
        the outcome is unknown or the node is down.
        """
        return await self._started().submit(record, recover)

    def read_records(self, data: bytes) -> RecordRun:
        """Return records that stand one after the other, to be submitted. Raises MalformedBytes."""
        return RecordRun(data)

    async def submit_many(self, records: Sequence[OrderRecord]) -> list[Accepted | PaymentError]:
        """Take many records in with few fsyncs. Return for each, in order, what `submit` would.

        An account's orders come in nonce order, but for those few that may wait.
        """
        return await self._started().submit_many(records)

    async def wait_final(self, payment_id: Digest, timeout_ms: int) -> Outcome | None:
        """Return how a payment or a group ended, waiting for it at most `timeout_ms`.

        None says that it has not ended yet, or is not known here (any more).
        """
        return await self._outcomes.wait(payment_id, timeout_ms)

    def order(self, payment_id: Digest) -> PendingOrder | None:
        """Return an accepted order, alone or a group's leg, that no block has decided yet."""
        found = self._replica.accepted.find(payment_id)
        if found is None:
            return None
        authorised, arrival, link = found
        return PendingOrder(authorised, arrival.stamp_ms, link)

    def is_pending(self, record_id: Digest) -> bool:
        """Return whether an order or a group was accepted and no block has decided it."""
        return record_id in self._replica.accepted.undecided

    def has_root(self, owner: Address, root: Digest) -> bool:
        """Return whether orders under a root that the owner authorised on L1 are taken."""
        return AuthorisedRoot(owner, root) in self._replica.ledger.roots

    def account(self, owner: Address, asset_id: int) -> AccountView | None:
        """Return the owner's account of an asset, if it is open."""
        found = self._replica.ledger.account(owner, asset_id)
        if found is None:
            return None
        account_id, leaf = found
        count, debit_minor = self._admission.pending_of(account_id)
        balance_minor, nonce = leaf.balance_minor, leaf.nonce
        after = nonce + count, balance_minor - debit_minor
        return AccountView(account_id, balance_minor, nonce, *after)

    def assets(self) -> Mapping[int, Asset]:
        """Return the listings that the ledger knows, by asset id."""
        return self._replica.ledger.assets

    def status(self) -> NodeStatus:
        """Return how the node is."""
        rounds = self._replica.rounds
        return NodeStatus(
            rounds.tip.number,
            rounds.tip.block_hash,
            rounds.committee.epoch,
            rounds.round,
            len(self._replica.accepted.undecided),
            rounds.l1_attested,
            self._quorum.is_there(self._clock_ms()),
            self._failure,
        )

    def replay(self, from_block: int = 1) -> Iterator[FinalBlock]:
        """Yield the final blocks from `from_block` on, up to the newest, executed anew."""
        return final_blocks(self.config.committee, self._log, self._snapshots, from_block)

    async def snapshot(self, block_number: int) -> Path:
        """Write the ledger right after a final block to disk, so that a restart begins there.

        Raises ValueError for a block that is not final, or before an earlier snapshot.
        """
        if self._snapshots is None:
            raise ValueError("this node has no folder for snapshots")
        async with self._snapshot_lock:
            checkpoint, ledger = self._trailing.at(block_number)
            self._trailing.is_busy = True
            try:
                path = await asyncio.to_thread(self._snapshots.write, checkpoint, ledger)
            finally:
                self._trailing.is_busy = False
        log.info("snapshot_written", block=block_number, path=str(path))
        return path

    def _may_hold_now(self, token: Address, owner: Address) -> bool:
        """Return whether the next block would let the owner hold the token."""
        to_l1_block = min(self._replica.rounds.l1_attested, self._l1.confirmed().number)
        ts_s = max(self._clock_ms() // 1000, self._replica.ts_s)
        return self._l1.may_hold(token, owner, to_l1_block=to_l1_block, ts_s=ts_s)

    def _started(self) -> Intake:
        if self._intake is None:
            raise NodeStopped("it was not started")
        return self._intake

    def _check_runs(self) -> None:
        if self._failure is not None:
            raise NodeStopped(self._failure)

    # Following the log

    def _on_durable(self, first_position: int, entries: list[Stamped]) -> None:
        """Take a frame in. The node's own replica goes first: it makes the next block."""
        position, intake = first_position, self._started()
        for entry in entries:
            if isinstance(entry, StampedRun):
                self._on_run(position, entry)
                position += len(entry.run)
                continue
            event = self._replica.consume(position, entry)
            position += 1
            self._trailing.follow(event, self._replica, position)
            if isinstance(event, OrderAccepted):
                record = self._replica.accepted.undecided[event.record_id]
                self._admission.on_accepted(event.record_id, record)
            elif isinstance(event, FinalBlock):
                self._on_final(event)
            elif isinstance(entry.payload, OrderEntry):
                record_id = entry.payload.record.record_id(self._domain)
                if not intake.is_known(record_id):
                    self._admission.withdraw(record_id)  # too late, and maybe nobody waits for it
        self._propose()
        self._feed.add(first_position, entries)

    def _on_run(self, position: int, stamped: StampedRun) -> None:
        ids = self._replica.consume_run(position, stamped)
        self._trailing.follow_run(ids, self._replica)
        if len(ids) < len(stamped.run):
            dropped, intake = set(stamped.run.ids).difference(ids), self._started()
            self._admission.withdraw_all(d for d in dropped if not intake.is_known(d))

    def _on_final(self, final: FinalBlock) -> None:
        self._admission.on_final(final)
        self._outcomes.record(final)
        self._started().on_final(final)
        for observer in self.observers:
            try:
                observer(final)
            except Exception:
                # Whoever watches must not stop the money; he can read the journal again.
                # A traceback as text, since a logger may add all local variables to an exception.
                log.error("observer_failed", block=final.block.number, error=format_exc())

    def _propose(self) -> None:
        proposal = self._sequencer.propose(self._clock_ms())
        if proposal is not None:
            self._commit.put(proposal)

    async def _tick(self) -> None:
        last_ms = self._clock_ms()
        while True:
            now_ms = self._clock_ms()
            is_late, last_ms = now_ms - last_ms > _STALL_MS, now_ms
            for validator in self.validators:
                if is_late:
                    # This process slept, so the proposer's block may wait here to be read.
                    validator.wait_anew(now_ms)
                for payload in validator.tick(now_ms, self._feed.has_read_all):
                    self._commit.put(payload)
            self._quorum.note(now_ms, self._feed.has_read_all)
            self._propose()
            await asyncio.sleep(self.config.tick_ms / 1000)

    async def _guard(self, run: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run a part of the node; if it fails, so does the node: half of one helps nobody."""
        try:
            await run()
        except Exception as error:
            log.error("node_failed", error=format_exc())
            self._fail(str(error))
        if self._commit.failure is not None:
            self._fail(str(self._commit.failure))

    def _fail(self, reason: str) -> None:
        self._failure = reason
        if self._intake is not None:
            self._intake.fail(reason)
