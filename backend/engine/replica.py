"""A copy of all that follows from the log: rounds, ledger, accepted orders.

Law: two replicas that have read the same entries are equal. Each validator has one of its own, so
a fault in one copy can't make the others sign.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

from backend.engine.accepted import AcceptedOrders, Arrival
from backend.engine.ledger import Execution, InvalidBlock, Ledger
from backend.engine.rounds import Certified, Committee, Proposed, RoundEnded, RoundLost, Rounds
from backend.engine.runs import StampedRun
from backend.engine.vector.blocks import execute
from backend.engine.vector.leaves import FlatLedger
from backend.engine.vector.records import RecordRun, decode_body
from backend.protocol.blocks import Block, Body, operations_hash
from backend.protocol.eip712 import Domain
from backend.protocol.errors import InvariantViolated, MalformedBytes, check_invariant
from backend.protocol.hashing import Digest
from backend.protocol.log_entries import Entry, OrderEntry
from backend.protocol.order_records import OrderGroup
from backend.protocol.orders import WithdrawalOrder


@dataclass(frozen=True, slots=True)
class FinalBlock:
    """A certified block with all that it did.

    `payment_ids` are the digests of the body's orders, legs of groups too, in their order;
    `record_ids` the ids of its records, `sweep_ids` those of its sweeps. `rejected_ids` are the ids
    that it rejects, each with the number of the error: of records, and of the legs of groups.
    `signatures` are at least 2f + 1 votes, ascending by signer; `stamp_ms` is the log's, and
    `position` where the block stands there.
    """

    block: Block
    block_hash: Digest
    body: Body
    record_ids: tuple[Digest, ...]
    payment_ids: tuple[Digest, ...]
    rejected_ids: tuple[tuple[Digest, int], ...]
    execution: Execution
    signatures: tuple[bytes, ...]
    stamp_ms: int
    sweep_ids: tuple[Digest, ...] = ()
    position: int = 0

    @property
    def sweep_orders(self) -> tuple[WithdrawalOrder, ...]:
        """The orders that its sweeps equal; they take the first slots."""
        return tuple(sweep.order for sweep in self.execution.sweeps)

    @property
    def slots(self) -> bytes:
        """The block's operations, 15 bytes each."""
        return self.execution.slots


@dataclass(frozen=True, slots=True)
class OrderAccepted:
    """An entry counts."""

    record_id: Digest


@dataclass(slots=True)
class Prepared:
    """What a block upon the tip holds and does."""

    body: Body
    record_ids: tuple[Digest, ...]
    payment_ids: tuple[Digest, ...]
    sweep_ids: tuple[Digest, ...]
    execution: Execution
    doubtful: Sequence[int] | None = None
    """The records that have to be looked at, once they were found (judgement.py)."""

    @classmethod
    def of(
        cls,
        domain: Domain,
        body: Body,
        execution: Execution,
        record_ids: tuple[Digest, ...] | None = None,
    ) -> "Prepared":
        """Return the body with the ids of what it holds. Who knows `record_ids` spares the work."""
        sweep_ids = tuple(sweep.order.digest(domain) for sweep in execution.sweeps)
        records = body.records
        if isinstance(records, RecordRun):
            if record_ids is not None and len(records) == records.orders.order_count:
                return cls(body, record_ids, record_ids, sweep_ids, execution)
            return cls(body, *records.ids(domain), sweep_ids, execution)
        if record_ids is None:
            record_ids = tuple(record.record_id(domain) for record in body.records)
        payment_ids: list[Digest] = []
        for record_id, record in zip(record_ids, body.records, strict=True):
            if isinstance(record, OrderGroup):
                payment_ids += [order.digest(domain) for order in record.orders]
            else:
                payment_ids.append(record_id)
        return cls(body, record_ids, tuple(payment_ids), sweep_ids, execution)


Event = Proposed | RoundLost | RoundEnded | FinalBlock | OrderAccepted


class OperationsDiffer(InvalidBlock):
    """The block's operations are not those that follow from its body."""

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(f"the block names other operations ({actual}, {expected} follow)")
        self.expected = expected
        self.actual = actual


class BodyMalformed(InvalidBlock):
    """The block's body can't be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the body is malformed: {reason}")
        self.reason = reason


@dataclass(slots=True)
class Replica:
    """What the entries so far amount to. `consume` alone changes it."""

    rounds: Rounds
    ledger: Ledger
    accepted: AcceptedOrders
    _prepared: dict[Digest, Prepared] = field(default_factory=dict)

    @property
    def committee(self) -> Committee:
        """Whose turn it is to certify."""
        return self.rounds.committee

    @property
    def ts_s(self) -> int:
        """The time of the last block, in seconds."""
        return self.rounds.tip.timestamp_ms // 1000

    def consume(self, position: int, entry: Entry) -> Event | None:
        """Take the next entry in. Return what it decided, if anything."""
        if isinstance(entry.payload, OrderEntry):
            arrival = Arrival(position, entry.stamp_ms)
            record = entry.payload.record
            record_id = self.accepted.add(arrival, record, self.ledger, self.ts_s)
            return OrderAccepted(record_id) if record_id is not None else None
        event = self.rounds.consume(position, entry)
        return self._finish(event) if isinstance(event, Certified) else event

    def consume_run(self, position: int, stamped: StampedRun) -> list[Digest]:
        """Take the next entries in, orders all of them. Return the ids of those that count."""
        ledger = self.ledger
        check_invariant(isinstance(ledger, FlatLedger), "a ledger without columns")
        flat = cast(FlatLedger, ledger)
        return self.accepted.add_run(position, stamped.stamp_ms, stamped.run, flat, self.ts_s)

    def prepare(self, block_hash: Digest, block: Block, body_bytes: bytes) -> Prepared:
        """Return what a block upon the tip holds and does; the ledger stays as it is.

        Raises InvalidBlock. Who authorised its orders, and what L1 says, is judged elsewhere.
        """
        known = self._prepared.get(block_hash)
        if known is not None:
            return known
        try:
            body = decode_body(body_bytes)
        except MalformedBytes as error:
            raise BodyMalformed(str(error)) from error
        execution = execute(self.ledger, body, block.ts_s)
        count, slots = execution.operation_count, execution.slots
        if (block.operation_count, block.operations_hash) != (count, operations_hash(slots)):
            raise OperationsDiffer(count, block.operation_count)
        prepared = Prepared.of(self.committee.domain, body, execution)
        self.keep(block_hash, prepared)
        return prepared

    def keep(self, block_hash: Digest, prepared: Prepared) -> None:
        """Remember what a block upon the tip does, until the height is done."""
        self._prepared[block_hash] = prepared

    def _finish(self, certified: Certified) -> FinalBlock:
        proposed = certified.proposed
        try:
            prepared = self.prepare(proposed.block_hash, proposed.block, proposed.body)
        except InvalidBlock as error:
            # More than f validators lie, or this program is wrong. Either way nothing it says
            # from here on can be relied upon.
            raise InvariantViolated(
                f"block {proposed.block.number} is certified: {error}"
            ) from error
        self.ledger.advance(prepared.execution.changes)
        rejected_ids = tuple(self._rejected_ids(prepared.body))
        rejected = (rejection.record_id for rejection in prepared.body.rejections)
        self.accepted.decide(prepared.record_ids, rejected, proposed.block.ts_s)
        self._prepared.clear()
        if prepared.body.epoch is not None:
            self.rounds.begin_epoch(prepared.body.epoch)
        return FinalBlock(
            proposed.block,
            proposed.block_hash,
            prepared.body,
            prepared.record_ids,
            prepared.payment_ids,
            rejected_ids,
            prepared.execution,
            certified.signatures,
            proposed.stamp_ms,
            prepared.sweep_ids,
            proposed.position,
        )

    def _rejected_ids(self, body: Body) -> Iterator[tuple[Digest, int]]:
        for rejection in body.rejections:
            record_id = rejection.record_id
            yield record_id, rejection.number
            record = self.accepted.undecided.get(record_id)
            if isinstance(record, OrderGroup):
                domain = self.committee.domain
                # Each once, even of a group that has a leg twice and is rejected for that.
                for leg_id in dict.fromkeys(leg.digest(domain) for leg in record.legs):
                    yield leg_id, rejection.number
