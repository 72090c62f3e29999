"""Brings replicas back from the log. Law: a log of another chain, rollup or code is refused."""

from collections.abc import Iterator

import structlog

from backend.engine.accepted import AcceptedOrders, Arrival
from backend.engine.ledger import Ledger
from backend.engine.log import OrderingLog
from backend.engine.replica import FinalBlock, Replica
from backend.engine.rounds import Committee, Rounds
from backend.engine.snapshots import Checkpoint, Snapshots
from backend.engine.vector.leaves import FlatLedger
from backend.protocol.blocks import Block, Body
from backend.protocol.errors import InvariantViolated, MalformedBytes
from backend.protocol.log_entries import BlockEntry, Entry, IdentityEntry, OrderEntry
from backend.protocol.order_records import OrderRecord
from backend.protocol.types import address_text, digest_text

log = structlog.get_logger(__name__)


class WrongLog(Exception):
    """The log was written for another chain, rollup or code."""

    def __init__(self, expected: IdentityEntry, actual: IdentityEntry | None) -> None:
        super().__init__(
            f"the log belongs to {_text(actual)}, this node to {_text(expected)}. "
            "Give the node the data folder of its own chain, or an empty one."
        )
        self.expected = expected
        self.actual = actual


def check_identity(ordering_log: OrderingLog, identity: IdentityEntry, stamp_ms: int) -> None:
    """Check whose log it is; make an empty one ours. Raises WrongLog."""
    first = next(ordering_log.read(0), None)
    if first is None:
        ordering_log.append([Entry(stamp_ms, identity).encode()])
        return
    entry = read_entry(0, first)
    payload = entry.payload if entry is not None else None
    if payload != identity:
        raise WrongLog(identity, payload if isinstance(payload, IdentityEntry) else None)


def read_entry(position: int, data: bytes) -> Entry | None:
    """Return an entry of the log, or None for one that no honest node wrote."""
    try:
        return Entry.decode(data)
    except MalformedBytes as error:
        log.warning("entry_ignored", position=position, reason=str(error))
        return None


def read_entries(ordering_log: OrderingLog, position: int) -> Iterator[tuple[int, Entry]]:
    """Yield positions and entries from `position` on."""
    for at, data in enumerate(ordering_log.read(position), position):
        entry = read_entry(at, data)
        if entry is not None:
            yield at, entry


class Origin:
    """Where reading begins: a snapshot, or genesis. Any number of replicas can start from it."""

    def __init__(
        self,
        committee: Committee,
        ordering_log: OrderingLog,
        snapshots: Snapshots | None,
        block_number_max: int | None = None,
    ) -> None:
        """Take the newest snapshot at or below `block_number_max` that the log covers."""
        self._committee = committee
        self._log = ordering_log
        self._undecided: list[tuple[Arrival, OrderRecord]] | None = None
        self.checkpoint, self._ledger = Checkpoint(), FlatLedger.of(Ledger())
        found = snapshots.newest(block_number_max) if snapshots is not None else None
        if found is not None:
            if found[0].next_position > ordering_log.next_position:
                log.warning("snapshot_ahead_of_the_log", block=found[0].tip.number)
            else:
                self.checkpoint, self._ledger = found[0], FlatLedger.of(found[1])

    def ledger(self) -> Ledger:
        """Return a ledger of one's own."""
        return self._ledger.fork()

    def replica(self) -> Replica:
        """Return a replica that is about to read the entry at `checkpoint.next_position`."""
        checkpoint = self.checkpoint
        committee = self._committee.of_epoch(self._ledger.epoch)
        accepted = AcceptedOrders(committee.domain, is_lazy=True)
        accepted.rejected.update(checkpoint.rejected)
        # Read once for all replicas: thousands may wait, each in a frame of megabytes.
        self._undecided = self._undecided or [
            (arrival, self._record(arrival.position)) for arrival in checkpoint.arrivals
        ]
        for arrival, record in self._undecided:
            accepted.restore(arrival, record)
        rounds = Rounds(committee, checkpoint.tip, dict(checkpoint.seen))
        return Replica(rounds, self.ledger(), accepted)

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """Yield what replicas are to read."""
        return read_entries(self._log, self.checkpoint.next_position)

    def _record(self, position: int) -> OrderRecord:
        _, entry = next(read_entries(self._log, position))
        payload = entry.payload
        if not isinstance(payload, OrderEntry):
            raise InvariantViolated(f"a snapshot names entry {position}, which is no order")
        return payload.record


def final_blocks(
    committee: Committee, ordering_log: OrderingLog, snapshots: Snapshots | None, from_block: int
) -> Iterator[FinalBlock]:
    """Yield the final blocks from `from_block` on, as far as the log goes now."""
    origin = Origin(committee, ordering_log, snapshots, max(from_block - 1, 0))
    replica = origin.replica()
    for position, entry in origin.entries():
        event = replica.consume(position, entry)
        if isinstance(event, FinalBlock) and event.block.number >= from_block:
            yield event


def block_at(ordering_log: OrderingLog, position: int) -> tuple[Block, Body]:
    """Return the final block that stands at a position of the log (see FinalBlock)."""
    _, entry = next(read_entries(ordering_log, position))
    payload = entry.payload
    if not isinstance(payload, BlockEntry):
        raise InvariantViolated(f"entry {position} of the log is no block")
    return payload.block, Body.decode(payload.body)


def _text(identity: IdentityEntry | None) -> str:
    if identity is None:
        return "nobody (its first entry is no identity)"
    return (
        f"chain {identity.chain_id}, rollup {address_text(identity.rollup)}, "
        f"code {digest_text(identity.code_hash)}"
    )
