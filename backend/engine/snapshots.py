"""Ledgers kept for a restart. Law: a snapshot is whole or ignored; the log alone is the truth.

File: keccak of the identity 32 ‖ next position u64 ‖ block u64 ‖ its hash 32 ‖ its round u32 ‖ its
time u64 ‖ attestations u32, each validator 20 ‖ L1 block u64 ‖ undecided orders u32, each position
u64 ‖ stamp u64 ‖ rejected orders u32, each digest 32 ‖ until u64 ‖ the ledger ‖ SHA-256 of all.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from backend.engine.accepted import Arrival
from backend.engine.ledger import Changes, Ledger, encode_snapshot
from backend.engine.replica import Event, FinalBlock, OrderAccepted, Replica
from backend.engine.rounds import Tip
from backend.engine.vector.leaves import FlatLedger
from backend.files import write_atomically
from backend.protocol.codec import Reader
from backend.protocol.errors import MalformedBytes, check_invariant
from backend.protocol.hashing import Digest, keccak, sha256
from backend.protocol.log_entries import IdentityEntry
from backend.protocol.types import Address

_KEPT: Final = 3
_BLOCKS_WAITING_MAX: Final = 20_000
_PURGE_MIN: Final = 1_000
_HASH_BYTES: Final = 32

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a replica holds besides its ledger, right after a block became final."""

    next_position: int = 0
    tip: Tip = field(default_factory=Tip)
    seen: Mapping[Address, int] = field(default_factory=dict)
    arrivals: tuple[Arrival, ...] = ()
    rejected: Mapping[Digest, int] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return its part of the file."""
        tip = self.tip
        parts = [self.next_position.to_bytes(8), tip.number.to_bytes(8), tip.block_hash]
        parts += [tip.round.to_bytes(4), tip.timestamp_ms.to_bytes(8)]
        parts.append(len(self.seen).to_bytes(4))
        parts += [address + number.to_bytes(8) for address, number in self.seen.items()]
        parts.append(len(self.arrivals).to_bytes(4))
        parts += [a.position.to_bytes(8) + a.stamp_ms.to_bytes(8) for a in self.arrivals]
        parts.append(len(self.rejected).to_bytes(4))
        parts += [digest + until_s.to_bytes(8) for digest, until_s in self.rejected.items()]
        return b"".join(parts)


class Snapshots:
    """The snapshot files of one folder, newest last."""

    def __init__(self, folder: Path, identity: IdentityEntry) -> None:
        self._folder = folder
        self._identity_hash = keccak(identity.encode())
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, checkpoint: Checkpoint, ledger: Ledger) -> Path:
        """Write a snapshot and drop the oldest ones. A repeat writes the same file."""
        path = self._folder / f"{checkpoint.tip.number:020d}.snapshot"
        data = self._identity_hash + checkpoint.encode() + encode_snapshot(ledger)
        write_atomically(path, (data, sha256(data)))
        for old in self._paths()[:-_KEPT]:
            old.unlink()
        return path

    def newest(self, block_number_max: int | None = None) -> tuple[Checkpoint, FlatLedger] | None:
        """Return the newest snapshot that is whole, at or below `block_number_max`."""
        for path in reversed(self._paths()):
            if block_number_max is not None and int(path.stem) > block_number_max:
                continue
            try:
                return self._read(path.read_bytes())
            except (MalformedBytes, OSError) as error:
                log.warning("snapshot_ignored", path=str(path), reason=str(error))
        return None

    def _paths(self) -> list[Path]:
        return sorted(path for path in self._folder.glob("*.snapshot") if path.stem.isdigit())

    def _read(self, data: bytes) -> tuple[Checkpoint, FlatLedger]:
        if sha256(memoryview(data)[:-_HASH_BYTES]) != data[-_HASH_BYTES:]:
            raise MalformedBytes("its hash is wrong")
        reader = Reader(data[:-_HASH_BYTES])
        if reader.take(_HASH_BYTES) != self._identity_hash:
            raise MalformedBytes("it belongs to another chain or rollup")
        next_position = reader.uint(8)
        tip = Tip(reader.uint(8), Digest(reader.take(32)), reader.uint(4), reader.uint(8))
        seen = {Address(reader.take(20)): reader.uint(8) for _ in range(reader.count(28))}
        arrivals = [Arrival(reader.uint(8), reader.uint(8)) for _ in range(reader.count(16))]
        rejected = {Digest(reader.take(32)): reader.uint(8) for _ in range(reader.count(40))}
        ledger = FlatLedger.decode(reader.rest())
        if ledger.block_number != tip.number:
            raise MalformedBytes("its ledger is of another block")
        return Checkpoint(next_position, tip, seen, tuple(arrivals), rejected), ledger


@dataclass(frozen=True, slots=True)
class _Step:
    """What a block changes. Thousands may wait, so none holds what it leaves as it is."""

    next_position: int
    tip: Tip
    seen: Mapping[Address, int]
    changes: Changes
    arrived: Sequence[tuple[Digest, Arrival]]
    decided: Sequence[Digest]
    rejected: Sequence[tuple[Digest, int]]


class TrailingLedger:
    """A ledger that stays behind, so that a snapshot of an earlier block can still be made."""

    def __init__(self, checkpoint: Checkpoint, ledger: Ledger, replica: Replica) -> None:
        """All are of one block; `ledger` must be this object's own."""
        self._ledger = ledger
        self._position, self._tip = checkpoint.next_position, checkpoint.tip
        self._seen = checkpoint.seen
        self._arrivals = dict(replica.accepted.arrivals)
        self._rejected = dict(checkpoint.rejected)
        self._purge_at = _PURGE_MIN
        self._arrived: list[tuple[Digest, Arrival]] = []
        self._waiting: deque[_Step] = deque()
        self.is_busy = False
        """Whether somebody is reading the ledger that `at` has returned."""

    def follow(self, event: Event | None, replica: Replica, next_position: int) -> None:
        """Take note of what the entry before `next_position` did to `replica`."""
        accepted = replica.accepted
        if isinstance(event, OrderAccepted):
            self._arrived.append((event.record_id, accepted.arrivals[event.record_id]))
        elif isinstance(event, FinalBlock):
            rejected = [rejection.record_id for rejection in event.body.rejections]
            step = _Step(
                next_position,
                replica.rounds.tip,
                dict(replica.rounds.seen),
                event.execution.changes,
                self._arrived,
                (*event.record_ids, *rejected),
                [(d, accepted.rejected[d]) for d in rejected if d in accepted.rejected],
            )
            self._arrived = []
            self._waiting.append(step)
            if len(self._waiting) > _BLOCKS_WAITING_MAX and not self.is_busy:
                self._advance()

    def follow_run(self, ids: Sequence[Digest], replica: Replica) -> None:
        """Take note of orders that count."""
        arrivals = replica.accepted.arrivals
        self._arrived.extend((record_id, arrivals[record_id]) for record_id in ids)

    def at(self, block_number: int) -> tuple[Checkpoint, Ledger]:
        """Return the ledger right after a block; a repeat returns the same. It never goes back.

        Raises ValueError for a block that is not final, or too far back.
        """
        behind = block_number - self._ledger.block_number
        if not 0 <= behind <= len(self._waiting):
            raise ValueError(f"no snapshot can be made of block {block_number}")
        for _ in range(behind):
            self._advance()
        arrivals, rejected = tuple(self._arrivals.values()), dict(self._rejected)
        checkpoint = Checkpoint(self._position, self._tip, self._seen, arrivals, rejected)
        return checkpoint, self._ledger

    def _advance(self) -> None:
        step = self._waiting.popleft()
        self._ledger.advance(step.changes)
        self._position, self._tip, self._seen = step.next_position, step.tip, step.seen
        for record_id, arrival in step.arrived:
            self._arrivals.pop(record_id, None)  # it may have been a forged one's, earlier
            self._arrivals[record_id] = arrival
        for record_id in step.decided:
            self._arrivals.pop(record_id, None)
        self._rejected.update(step.rejected)
        if len(self._rejected) >= self._purge_at:
            ts_s = self._tip.timestamp_ms // 1000
            self._rejected = {d: until for d, until in self._rejected.items() if until >= ts_s}
            self._purge_at = max(_PURGE_MIN, 2 * len(self._rejected))
        check_invariant(
            self._tip.number == self._ledger.block_number,
            "a checkpoint of another block",
            block_number=self._ledger.block_number,
        )
