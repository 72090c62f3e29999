"""Which block stands at which height: the rounds of the committee, read from the ordering log.

Law: docs/PROTOCOL.md, section 6, rules 2, 3 and 4. A pure function of the entries, so whoever reads
the same log sees the same decisions. It judges who signed, never what a block does.
"""

from dataclasses import dataclass, field, replace

from backend.protocol.blocks import Block, body_hash
from backend.protocol.eip712 import Domain
from backend.protocol.errors import PaymentError
from backend.protocol.hashing import ZERO_DIGEST, Digest
from backend.protocol.log_entries import (
    BlockEntry,
    Entry,
    NextRoundEntry,
    SeenEntry,
    TimeoutEntry,
    VoteEntry,
)
from backend.protocol.signing import recover
from backend.protocol.types import Address, Epoch
from backend.protocol.votes import NextRound, Proposal, Timeout, faults_max, quorum


@dataclass(frozen=True, slots=True)
class Committee:
    """Who signs in an epoch. `validators` are ascending; entry r mod m of `sequencers` proposes
    in round r."""

    domain: Domain
    epoch: int
    validators: tuple[Address, ...]
    sequencers: tuple[Address, ...]

    @property
    def faults_max(self) -> int:
        """f: how many validators may lie."""
        return faults_max(len(self.validators))

    @property
    def quorum(self) -> int:
        """2f + 1."""
        return quorum(len(self.validators))

    def of_epoch(self, epoch: Epoch | None) -> "Committee":
        """Return the committee of an epoch; None is the first one, this committee's."""
        if epoch is None:
            return self
        return replace(self, epoch=epoch.number, validators=epoch.members)

    def proposer(self, round_number: int) -> Address:
        """Return who proposes in this round."""
        return self.sequencers[round_number % len(self.sequencers)]


@dataclass(frozen=True, slots=True)
class Tip:
    """The last certified block: what the next height builds on."""

    number: int = 0
    block_hash: Digest = ZERO_DIGEST
    round: int = 0
    timestamp_ms: int = 0


@dataclass(frozen=True, slots=True)
class Proposed:
    """A block that decided its round. L1 facts count for it up to `l1_attested`."""

    position: int
    block: Block
    body: bytes
    block_hash: Digest
    stamp_ms: int
    l1_attested: int


@dataclass(frozen=True, slots=True)
class RoundLost:
    """f + 1 validators have waited too long: no block of this round will be voted for."""


@dataclass(frozen=True, slots=True)
class RoundEnded:
    """2f + 1 validators gave the round up: the next proposer has his turn."""


@dataclass(frozen=True, slots=True)
class Certified:
    """2f + 1 validators voted: the block is final. `signatures` are ascending by signer."""

    proposed: Proposed
    signatures: tuple[bytes, ...]


Event = Proposed | RoundLost | RoundEnded | Certified


@dataclass(slots=True)
class Rounds:
    """The height and round in progress. `consume` alone changes it."""

    committee: Committee
    tip: Tip = field(default_factory=Tip)
    seen: dict[Address, int] = field(default_factory=dict)
    round: int = field(init=False)
    l1_attested: int = field(init=False)
    """The L1 block that f + 1 validators have attested; who attests one attests all below."""
    l1_due: int = field(init=False)
    """The L1 block attested when the tip was certified: its facts are not left out any more."""
    since_ms: int = 0
    proposed: Proposed | None = None
    is_lost: bool = False
    timeouts: set[Address] = field(default_factory=set)
    next_rounds: set[Address] = field(default_factory=set)
    votes: dict[Address, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.round = self.tip.round
        self._attest()
        self.l1_due = self.l1_attested

    @property
    def number(self) -> int:
        """The height in progress."""
        return self.tip.number + 1

    @property
    def rounds_lost(self) -> int:
        """How many rounds of this height ended without a certificate."""
        return self.round - self.tip.round

    @property
    def is_decided(self) -> bool:
        """Whether it is clear what honest validators sign in this round."""
        return self.proposed is not None or self.is_lost

    @property
    def proposer(self) -> Address:
        """Who proposes in this round."""
        return self.committee.proposer(self.round)

    def consume(self, position: int, entry: Entry) -> Event | None:
        """Take the next entry of the log in. Return what it decided, if anything.

        An entry of another height or round than the one in progress decides nothing: an honest
        proposer waits for the certificate below him, and the quorum of a round, in the log.
        """
        match entry.payload:
            case BlockEntry() as proposal:
                return self._on_block(position, entry.stamp_ms, proposal)
            case VoteEntry() as vote:
                return self._on_vote(entry.stamp_ms, vote)
            case TimeoutEntry() as timeout:
                return self._on_timeout(timeout)
            case NextRoundEntry() as next_round:
                return self._on_next_round(entry.stamp_ms, next_round)
            case SeenEntry() as seen:
                self._on_seen(seen)
        return None

    def begin_epoch(self, epoch: Epoch) -> None:
        """The tip has closed its epoch: go on with the next committee, in round 0.

        What was attested so far stays attested.
        """
        self.committee = self.committee.of_epoch(epoch)
        self.seen = {
            member: max(self.seen.get(member, 0), self.l1_attested) for member in epoch.members
        }
        self.tip = replace(self.tip, round=0)
        self._enter(0, self.since_ms)

    def _on_block(self, position: int, stamp_ms: int, entry: BlockEntry) -> Proposed | None:
        if self.is_decided or not self._is_current(entry.block):
            return None
        if body_hash(entry.body) != entry.block.body_hash:
            return None
        domain = self.committee.domain
        block_hash = entry.block.digest(domain)
        if signer(Proposal(block_hash).digest(domain), entry.signature) != self.proposer:
            return None
        self.proposed = Proposed(
            position, entry.block, entry.body, block_hash, stamp_ms, self.l1_attested
        )
        return self.proposed

    def _on_vote(self, stamp_ms: int, entry: VoteEntry) -> Certified | None:
        proposed = self.proposed
        if proposed is None or entry.block_hash != proposed.block_hash:
            return None
        voter = self._validator(entry.block_hash, entry.signature)
        if voter is None:
            return None
        self.votes.setdefault(voter, entry.signature)
        if len(self.votes) < self.committee.quorum:
            return None
        signatures = tuple(self.votes[voter] for voter in sorted(self.votes))
        block = proposed.block
        self.tip = Tip(block.number, proposed.block_hash, block.round, block.timestamp_ms)
        self.l1_due = self.l1_attested
        self._enter(block.round, stamp_ms)
        return Certified(proposed, signatures)

    def _on_timeout(self, entry: TimeoutEntry) -> RoundLost | None:
        if self.is_decided or not self._is_current(entry.timeout):
            return None
        validator = self._validator(entry.timeout.digest(self.committee.domain), entry.signature)
        if validator is not None:
            self.timeouts.add(validator)
        if len(self.timeouts) <= self.committee.faults_max:
            return None
        self.is_lost = True
        return RoundLost()

    def _on_next_round(self, stamp_ms: int, entry: NextRoundEntry) -> RoundEnded | None:
        if not self._is_current(entry.next_round):
            return None
        digest = entry.next_round.digest(self.committee.domain)
        validator = self._validator(digest, entry.signature)
        if validator is not None:
            self.next_rounds.add(validator)
        if len(self.next_rounds) < self.committee.quorum:
            return None
        self._enter(self.round + 1, stamp_ms)
        return RoundEnded()

    def _on_seen(self, entry: SeenEntry) -> None:
        validator = self._validator(entry.seen.digest(self.committee.domain), entry.signature)
        if validator is not None:
            number = entry.seen.l1_block_number
            self.seen[validator] = max(number, self.seen.get(validator, 0))
            self._attest()

    def _attest(self) -> None:
        numbers = sorted(self.seen.values(), reverse=True)
        faults = self.committee.faults_max
        self.l1_attested = numbers[faults] if len(numbers) > faults else 0

    def _enter(self, round_number: int, stamp_ms: int) -> None:
        self.round = round_number
        self.since_ms = stamp_ms
        self.proposed = None
        self.is_lost = False
        self.timeouts = set()
        self.next_rounds = set()
        self.votes = {}

    def _is_current(self, message: Block | NextRound | Timeout) -> bool:
        current = (self.number, self.committee.epoch, self.round)
        return (message.number, message.epoch, message.round) == current

    def _validator(self, digest: Digest, signature: bytes) -> Address | None:
        """Return the validator who signed, or None for anybody else."""
        address = signer(digest, signature)
        return address if address in self.committee.validators else None


def signer(digest: Digest, signature: bytes) -> Address | None:
    """Return who signed `digest`, or None if the signature is none."""
    try:
        return recover(digest, signature)
    except PaymentError:
        return None
