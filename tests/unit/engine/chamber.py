"""A committee that sits in one room: entries go round until nobody has anything to say."""

from collections import deque
from collections.abc import Callable, Iterable

from backend.engine.accepted import AcceptedOrders
from backend.engine.ledger import Ledger, execute
from backend.engine.ports import L1View
from backend.engine.replica import FinalBlock, Replica
from backend.engine.rounds import Committee, Rounds, Tip
from backend.engine.sequencer import Sequencer
from backend.engine.snapshots import Checkpoint
from backend.engine.validator import Validator
from backend.engine.vector.leaves import FlatLedger
from backend.protocol.blocks import Block, Body, body_hash, operations_hash
from backend.protocol.log_entries import (
    BlockEntry,
    Entry,
    NextRoundEntry,
    OrderEntry,
    Payload,
    TimeoutEntry,
    VoteEntry,
)
from backend.protocol.order_records import OrderRecord
from backend.protocol.signing import PrivateKey
from backend.protocol.votes import NextRound, Proposal, Timeout
from tests.unit.engine.committee import COMMITTEE, DOMAIN, SEQUENCERS, START_MS, VALIDATORS


def fresh_replica(committee: Committee = COMMITTEE) -> Replica:
    return Replica(Rounds(committee), FlatLedger.of(Ledger()), AcceptedOrders(committee.domain))


def checkpoint_of(replica: Replica, next_position: int) -> Checkpoint:
    """Return what `replica` holds; its last entry was the one before `next_position`."""
    rounds, accepted = replica.rounds, replica.accepted
    return Checkpoint(
        next_position,
        rounds.tip,
        dict(rounds.seen),
        tuple(accepted.arrivals.values()),
        dict(accepted.rejected),
    )


class Chamber:
    """`validators` speak, unless their index is in `silent`; `sequencer` proposes if asked to."""

    def __init__(self, l1: L1View, *, sequencers: Iterable[PrivateKey] = SEQUENCERS) -> None:
        self.now_ms = START_MS
        self.entries: list[Entry] = []
        self.finals: list[FinalBlock] = []
        self.replica = fresh_replica()
        self.silent: set[int] = set()
        self.l1 = l1
        self.validators = [Validator(key, fresh_replica(), l1) for key in VALIDATORS]
        self.sequencer = Sequencer(sequencers, self.replica, l1)
        self.filter: Callable[[Payload], bool] = lambda payload: True
        for validator in self.validators:
            validator.go_live(self.now_ms)

    def append(self, *payloads: Payload) -> None:
        """Append, and all that follows from it."""
        waiting = deque(payloads)
        while waiting:
            entry = Entry(self.now_ms, waiting.popleft())
            position = len(self.entries)
            self.entries.append(entry)
            event = self.replica.consume(position, entry)
            if isinstance(event, FinalBlock):
                self.finals.append(event)
            for index, validator in enumerate(self.validators):
                said = validator.consume(position, entry)
                waiting.extend(self._heard(index, said))

    def tick(self, ms: int = 0) -> None:
        """Let time pass, and all that follows from it."""
        self.now_ms += ms
        for index, validator in enumerate(self.validators):
            self.append(*self._heard(index, validator.tick(self.now_ms)))

    def order(self, *records: OrderRecord) -> None:
        self.append(*map(OrderEntry, records))

    def propose(self) -> BlockEntry | None:
        """Let the honest sequencer propose."""
        proposal = self.sequencer.propose(self.now_ms)
        if proposal is not None:
            self.append(proposal)
        return proposal

    def settle(self) -> None:
        """Attest L1 and make blocks until nothing is left to do."""
        self.tick()
        while self.propose() is not None:
            pass

    def block(self, body: Body, proposer: PrivateKey, **fields: object) -> BlockEntry:
        """Return a block upon the tip, with some of its fields set."""
        rounds = self.replica.rounds
        values: dict[str, object] = {
            "number": rounds.number,
            "epoch": 1,
            "round": rounds.round,
            "parent_hash": rounds.tip.block_hash,
            "body_hash": body_hash(body.encode()),
            "timestamp_ms": self.now_ms,
        }
        if "operations_hash" not in fields:
            execution = execute(self.replica.ledger, body, self.now_ms // 1000)
            values["operations_hash"] = operations_hash(execution.slots)
            values["operation_count"] = execution.operation_count
        block = Block(**(values | fields))  # type: ignore[arg-type]
        return proposal(block, proposer, body.encode())

    @property
    def tip(self) -> Tip:
        return self.replica.rounds.tip

    def restarted(self, index: int, *, signatures_lost: bool = False) -> Validator:
        """Return the validator of a new life that has read the log, in place of the old one."""
        validator = Validator(
            VALIDATORS[index],
            fresh_replica(),
            self.l1,
            signatures_lost_at_ms=self.now_ms if signatures_lost else None,
        )
        validator.replica.accepted.is_lazy = True
        for position, entry in enumerate(self.entries):
            assert validator.consume(position, entry) == []
        self.validators[index] = validator
        return validator

    def signed_by(self, index: int) -> list[Payload]:
        """Return the votes and NextRounds of a validator in the log."""
        found = []
        for entry in self.entries:
            payload = entry.payload
            if isinstance(payload, VoteEntry):
                digest = payload.block_hash
            elif isinstance(payload, NextRoundEntry):
                digest = payload.next_round.digest(DOMAIN)
            else:
                continue
            if VALIDATORS[index].sign_digest(digest) == payload.signature:
                found.append(payload)
        return found

    def _heard(self, index: int, said: Iterable[Payload]) -> list[Payload]:
        return [p for p in said if index not in self.silent and self.filter(p)]


def proposal(block: Block, proposer: PrivateKey, body: bytes) -> BlockEntry:
    digest = Proposal(block.digest(DOMAIN)).digest(DOMAIN)
    return BlockEntry(block, proposer.sign_digest(digest), body)


def vote(validator: PrivateKey, entry: BlockEntry) -> VoteEntry:
    digest = entry.block.digest(DOMAIN)
    return VoteEntry(digest, validator.sign_digest(digest))


def timeout(validator: PrivateKey, number: int, round_number: int, epoch: int = 1) -> TimeoutEntry:
    message = Timeout(number, epoch, round_number)
    return TimeoutEntry(message, validator.sign_digest(message.digest(DOMAIN)))


def next_round(
    validator: PrivateKey, number: int, round_number: int, epoch: int = 1
) -> NextRoundEntry:
    message = NextRound(number, epoch, round_number)
    return NextRoundEntry(message, validator.sign_digest(message.digest(DOMAIN)))
