"""Takes orders in: admission first, then the log. Law: whoever is told that an order is accepted
finds it durable, and nobody pays twice by asking twice.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Final

import numpy as np

from backend.engine.admission import Admission
from backend.engine.group_commit import RETRY_AFTER_MS, GroupCommit
from backend.engine.node_types import Accepted, NodeConfig, NodeStopped
from backend.engine.nonce_queue import PAYER_ORDERS_MAX, NonceQueue
from backend.engine.outcomes import Outcomes
from backend.engine.quorum_watch import QuorumWatch
from backend.engine.replica import FinalBlock, Replica
from backend.engine.runs import OrderRun
from backend.engine.signers import Recover, signers_of
from backend.engine.validator_feed import SLICE
from backend.engine.vector.authority import Authority
from backend.engine.vector.judging import FINE
from backend.engine.vector.orders import is_signed
from backend.engine.vector.records import RecordRun
from backend.protocol.errors import BackPressure, NonceGap, PaymentError
from backend.protocol.hashing import Digest
from backend.protocol.log_entries import OrderEntry
from backend.protocol.order_records import OrderGroup, OrderRecord, SignedOrder, encode_records
from backend.protocol.signing import SIGNATURE_BYTES, recover

RUN_ORDERS_MAX: Final = 2_000  # some 10 ms of reading, while nobody else gets a turn

Answer = Accepted | PaymentError


class Intake:
    """The way from a request to the log, of one node."""

    def __init__(
        self,
        config: NodeConfig,
        replica: Replica,
        admission: Admission,
        commit: GroupCommit,
        outcomes: Outcomes,
        quorum: QuorumWatch,
        authority: Authority,
        clock_ms: Callable[[], int],
        check_runs: Callable[[], None],
        untold: Callable[[], int],
    ) -> None:
        """`check_runs` raises NodeStopped once nothing may be taken in; `untold` counts the final
        orders that observers have not worked through."""
        self._untold = untold
        self._check_runs = check_runs
        self._config = config
        self._domain = config.committee.domain
        self._replica = replica
        self._admission = admission
        self._commit = commit
        self._outcomes = outcomes
        self._quorum = quorum
        self._authority = authority
        self._clock_ms = clock_ms
        self._ahead = NonceQueue()
        self._accepting: dict[Digest, asyncio.Future[int]] = {}

    async def submit(self, record: OrderRecord, recover: Recover = recover) -> Accepted:
        """Take one in (see Node)."""
        if isinstance(record, OrderGroup):
            record.check()  # or a made-up one could pass for another that bears its link
        record_id = record.record_id(self._domain)
        wait_ms_max = self._config.order_wait_ms_max
        deadline_ms = self._clock_ms() + wait_ms_max
        while True:
            try:
                position = self._take_in(record_id, record, recover)
            except NonceGap as error:
                # Never longer than the limit, even if the clock is set back meanwhile.
                wait_ms = min(deadline_ms - self._clock_ms(), wait_ms_max)
                is_near = error.actual - error.expected <= PAYER_ORDERS_MAX
                may_wait = is_near and not isinstance(record, OrderGroup)
                if not may_wait or not await self._ahead.wait(record.orders[0], wait_ms):
                    raise
            else:
                if position is not None:
                    await asyncio.shield(position)
                    if not self.is_known(record_id):
                        raise self._admission.too_late(record)
                return Accepted(record_id)

    async def submit_many(self, records: Sequence[OrderRecord]) -> list[Answer]:
        """Take many in (see Node): signed orders in runs, all else one by one."""
        is_whole = all(map(_is_whole, () if isinstance(records, RecordRun) else records))
        if not is_whole:
            return await self._one_by_one(records)
        answers: dict[int, Answer] = {}
        for start in range(0, len(records), RUN_ORDERS_MAX):
            part = range(start, min(start + RUN_ORDERS_MAX, len(records)))
            run, ids, signed = await asyncio.to_thread(self._look_at, records, part)
            taken = await self._take_run(run, ids, signed)
            answers |= {start + place: answer for place, answer in taken.items()}
        rest = [place for place in range(len(records)) if place not in answers]
        others = await self._one_by_one([records[place] for place in rest])
        answers |= dict(zip(rest, others, strict=True))
        return [answers[place] for place in range(len(records))]

    def is_known(self, record_id: Digest) -> bool:
        """Return whether a record is accepted, or was decided."""
        accepted = self._replica.accepted
        return (
            record_id in accepted.undecided
            or self._outcomes.get(record_id) is not None
            or record_id in accepted.rejected
        )

    def on_final(self, final: FinalBlock) -> None:
        """Let orders go on whose turn has come."""
        for purse in self._ahead.purses():
            nonce = self._admission.nonce_next(*purse)
            if nonce is not None:
                self._ahead.wake(purse, nonce)

    def fail(self, reason: str) -> None:
        """Say that the outcome of what is on its way is unknown."""
        for position in set(self._accepting.values()):
            if not position.done():
                position.set_exception(NodeStopped(reason))

    # One by one

    async def _one_by_one(self, records: Sequence[OrderRecord]) -> list[Answer]:
        if not records:
            return []
        recover = await asyncio.to_thread(signers_of, self._authority, records)
        submitting = []
        for index, record in enumerate(records, start=1):
            submitting.append(asyncio.create_task(self.submit(record, recover)))
            if index % SLICE == 0:
                await asyncio.sleep(0)  # let others in between
        answers: list[Answer] = []
        for result in await asyncio.gather(*submitting, return_exceptions=True):
            if not isinstance(result, Answer):
                raise result
            answers.append(result)
        return answers

    def _take_in(
        self, record_id: Digest, record: OrderRecord, recover: Recover
    ) -> asyncio.Future[int] | None:
        """Admit a record and hand it to the log. Return its position, to be known when durable,
        or None if it was taken in before. Raises PaymentError."""
        accepting = self._accepting.get(record_id)
        if accepting is not None or self.is_known(record_id):
            return accepting
        self._check_ready()
        self._admission.admit(record_id, record, self._clock_ms(), recover)
        try:
            (position,) = self._commit.put_all([OrderEntry(record)])
        except BaseException:
            self._admission.withdraw(record_id)
            raise
        self._note([record_id], position)
        for order in record.orders:
            self._ahead.wake((order.payer, order.asset), order.nonce + 1)
        return position

    def _check_ready(self) -> None:
        self._check_runs()
        self._quorum.check(self._clock_ms())
        is_full = self._replica.accepted.order_count >= self._config.undecided_max
        if is_full or self._untold() >= self._config.untold_max:
            raise BackPressure(RETRY_AFTER_MS)

    def _note(self, record_ids: Sequence[Digest], position: asyncio.Future[int]) -> None:
        """Remember what is on its way to the log."""
        self._accepting.update(dict.fromkeys(record_ids, position))

        def forget(_: asyncio.Future[int]) -> None:
            for record_id in record_ids:
                self._accepting.pop(record_id, None)

        position.add_done_callback(forget)

    # In runs

    def _look_at(
        self, records: Sequence[OrderRecord], part: range
    ) -> tuple[RecordRun, tuple[Digest, ...], list[int]]:
        """Return some records in columns, their ids, and which are signed by their payers and stand
        alone. Any thread may."""
        if isinstance(records, RecordRun):
            run = records if len(part) == len(records) else records.chosen(part)
        else:
            run = RecordRun(encode_records(records[part.start : part.stop]))
        orders, checked = run.orders, self._authority.check(run.orders)
        firsts = orders.starts[:-1]
        is_alone = np.diff(orders.starts) == 1
        is_fine = is_alone & is_signed(orders.kinds[firsts]) & checked.is_signed[firsts]
        is_fine &= orders.is_linked[firsts] == 0
        return run, run.ids_of(checked.digests), np.flatnonzero(is_fine).tolist()

    async def _take_run(
        self, records: RecordRun, ids: Sequence[Digest], signed: Iterable[int]
    ) -> dict[int, Answer]:
        """Take in what can be judged at once; return the answers to it, by place."""
        if not self._admission.takes_runs:
            return {}
        new = dict[Digest, int]()  # of repeats the first: what follows it must not wait
        for place in signed:
            if not self._was_asked(ids[place]):
                new.setdefault(ids[place], place)
        asked = list(new.values())
        if not asked:
            return {}
        try:
            self._check_ready()
        except PaymentError as error:
            return dict.fromkeys(asked, error)
        places = asked[: self._room()]
        answers: dict[int, Answer] = {
            place: BackPressure(RETRY_AFTER_MS) for place in asked[len(places) :]
        }
        run = records if len(places) == len(records) else records.chosen(places)
        now_ms = self._clock_ms()
        verdicts = self._admission.judge_run(run, now_ms)
        for k in np.flatnonzero(verdicts.codes != FINE).tolist():
            if verdicts.codes[k] != NonceGap.number:  # it may wait for those before it
                answers[places[k]] = self._admission.refusal(run, k, verdicts, now_ms)
        (fine,) = np.nonzero(verdicts.codes == FINE)
        if len(fine):
            taken = OrderRun(
                run if len(fine) == len(run) else run.chosen(fine.tolist()),
                tuple(ids[places[k]] for k in fine),
                verdicts.payer_rows[fine],
                verdicts.amounts[fine] + verdicts.fees[fine],
            )
            await self._append(taken)
            fared = map(self._outcome_of, repeat(taken), range(len(taken)))
            answers |= dict(zip((places[k] for k in fine), fared, strict=True))
        return answers

    def _room(self) -> int:
        """Return how many orders may come in now."""
        undecided = self._replica.accepted.order_count
        return min(self._commit.room, self._config.undecided_max - undecided)

    def _was_asked(self, record_id: Digest) -> bool:
        return record_id in self._accepting or self.is_known(record_id)

    async def _append(self, run: OrderRun) -> None:
        """Hand a run that is counted with to the log; return when it is durable."""
        try:
            position = self._commit.put_run(run)
        except BaseException:
            self._admission.drop_run(run)
            raise
        self._admission.keep_run(run)
        self._note(run.ids, position)
        if self._ahead.purses():
            for record in run.records:
                (order,) = record.orders
                self._ahead.wake((order.payer, order.asset), order.nonce + 1)
        await asyncio.shield(position)

    def _outcome_of(self, run: OrderRun, place: int) -> Answer:
        if self.is_known(run.ids[place]):
            return Accepted(run.ids[place])
        return self._admission.too_late(run.records[place])


def _is_whole(record: OrderRecord) -> bool:
    """Return whether a record's signatures have the length that they have in bytes."""
    legs = record.legs if isinstance(record, OrderGroup) else (record,)
    signed = (leg for leg in legs if isinstance(leg, SignedOrder))
    return all(len(leg.signature) == SIGNATURE_BYTES for leg in signed)
