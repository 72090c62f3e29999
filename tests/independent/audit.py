"""Replays an ordering log from its first entry and re-checks what it made final (section 6)."""

from dataclasses import dataclass, field, replace

from tests.independent.admission import check_rejections, purse_of
from tests.independent.blocks import Block, Body, Epoch, execute_block, read_body
from tests.independent.codec import ZERO_HASH, Invalid, require, sha256
from tests.independent.deposits import Deposit
from tests.independent.levels import MayHold, Moment, everybody
from tests.independent.log import Entry, Identity, ProposedBlock, RoundEntry, Seen, Vote
from tests.independent.operations import Step
from tests.independent.orders import Order
from tests.independent.records import Group, Record, RootedOrder, SignedOrder, check_whole
from tests.independent.state import State
from tests.independent.typed import NEXT_ROUND, PROPOSAL, SEEN, TIMEOUT, Domain, signer_of

STAMP_AHEAD_MS_MAX = 5_000
RECORD_WAIT_MS_MAX = 10_000


@dataclass(frozen=True)
class Committee:
    epoch: int
    members: tuple[bytes, ...]
    sequencers: tuple[bytes, ...]

    @property
    def faults(self) -> int:
        return (len(self.members) - 1) // 3

    @property
    def quorum(self) -> int:
        return 2 * self.faults + 1

    def proposer(self, round_number: int) -> bytes:
        return self.sequencers[round_number % len(self.sequencers)]


@dataclass(frozen=True)
class Final:
    """A certified block, its operations, and the root after it.

    L1 facts up to `l1_due` had their turn before this block or have it now.
    """

    block: Block
    hash: bytes
    body: Body
    steps: tuple[Step, ...]
    root: bytes
    l1_due: int
    signatures: dict[bytes, bytes]


@dataclass(frozen=True)
class Accepted:
    """A record that waits for its block, and when it came; `position` counts entries."""

    record: Record
    position: int
    stamp_ms: int


@dataclass(frozen=True)
class _Proposal:
    block: Block
    hash: bytes
    body: Body
    position: int
    stamp_ms: int
    attested: int


@dataclass
class Audit:
    """Feed it every entry in order; `finals` are the blocks that the log makes final."""

    domain: Domain
    committee: Committee
    code_hash: bytes
    may_hold: MayHold = everybody
    state: State = field(default_factory=State)
    queue: list[Deposit] = field(default_factory=list)
    finals: list[Final] = field(default_factory=list)
    accepted: dict[bytes, Accepted] = field(default_factory=dict)
    rejected: dict[bytes, int] = field(default_factory=dict)
    executed: set[bytes] = field(default_factory=set)
    _round: int = 0
    _proposal: _Proposal | None = None
    _votes: dict[bytes, bytes] = field(default_factory=dict)
    _timeouts: set[bytes] = field(default_factory=set)
    _next_rounds: set[bytes] = field(default_factory=set)
    _seen: dict[bytes, int] = field(default_factory=dict)
    _attested_before: int = 0
    _is_decided: bool = False
    _l1_due: int = 0
    _count: int = 0

    @property
    def tip_hash(self) -> bytes:
        return self.finals[-1].hash if self.finals else ZERO_HASH

    def feed(self, entry: Entry) -> None:
        match entry.payload:
            case Identity():
                self._identity(entry.payload)
            case SignedOrder() | RootedOrder() | Group():
                self._record(entry.payload, entry.stamp_ms)
            case Seen():
                self._seen_entry(entry.payload)
            case ProposedBlock():
                self._block(entry.payload, entry.stamp_ms)
            case Vote():
                self._vote(entry.payload)
            case RoundEntry():
                self._round_entry(entry.payload)
        self._count += 1
        require(self._count == 1 or not isinstance(entry.payload, Identity), "a second identity")

    def _identity(self, found: Identity) -> None:
        expected = Identity(self.domain.chain_id, self.domain.contract, self.code_hash)
        require(found == expected, "the log is of another ledger")

    def _record(self, record: Record, stamp_ms: int) -> None:
        record_id = record.id(self.domain)
        if any(record_id in known for known in (self.executed, self.rejected, self.accepted)):
            return
        if any(self._is_dead(order) for order in record.orders):
            return
        try:
            check_whole(record)
            record.check_authorised(self.domain, self.state.roots)
        except Invalid:
            return
        self.accepted[record_id] = Accepted(record, self._count, stamp_ms)

    def _is_dead(self, order: Order) -> bool:
        """Whether its nonce is used or its time over by the last certified block."""
        if self.finals and order.valid_until < self.finals[-1].block.timestamp_ms // 1000:
            return True
        tokens = {asset.token: asset.asset_id for asset in self.state.assets.values()}
        account_id = self.state.ids.get((order.payer, tokens.get(order.asset, 0)))
        return account_id is not None and order.nonce < self.state.leaves[account_id].nonce

    def _member(self, digest: bytes, signature: bytes) -> bytes | None:
        try:
            signer = signer_of(digest, signature)
        except Invalid:
            return None
        return signer if signer in self.committee.members else None

    def _seen_entry(self, seen: Seen) -> None:
        digest = self.domain.digest(SEEN, seen.l1_block_number, seen.l1_block_hash)
        signer = self._member(digest, seen.signature)
        if signer is not None:
            self._seen[signer] = max(self._seen.get(signer, 0), seen.l1_block_number)

    def _attested(self) -> int:
        """The L1 block that f + 1 members have attested, or an earlier committee had."""
        numbers = sorted(self._seen.values(), reverse=True)
        faults = self.committee.faults
        return max(self._attested_before, numbers[faults] if len(numbers) > faults else 0)

    def _block(self, proposed: ProposedBlock, stamp_ms: int) -> None:
        block = proposed.block
        number = len(self.finals) + 1
        place = (block.number, block.epoch, block.round)
        if self._is_decided or place != (number, self.committee.epoch, self._round):
            return
        digest = block.digest(self.domain)
        try:
            signer = signer_of(self.domain.digest(PROPOSAL, digest), proposed.signature)
            require(signer == self.committee.proposer(self._round), "another one's turn")
            require(sha256(proposed.body) == block.body_hash, "the body is another")
            body = read_body(proposed.body)
        except Invalid:
            return
        self._is_decided = True
        self._proposal = _Proposal(block, digest, body, self._count, stamp_ms, self._attested())

    def _vote(self, vote: Vote) -> None:
        signer = self._member(vote.block_hash, vote.signature)
        if signer is None or self._proposal is None or vote.block_hash != self._proposal.hash:
            return
        self._votes[signer] = vote.signature
        if len(self._votes) == self.committee.quorum:
            self._certify(self._proposal)

    def _certify(self, proposal: _Proposal) -> None:
        """The committee says that the block is valid; see for ourselves."""
        block, body = proposal.block, proposal.body
        require(block.parent_hash == self.tip_hash, "the parent is another")
        parent = self.finals[-1] if self.finals else None
        require(parent is None or block.timestamp_ms >= parent.block.timestamp_ms, "time went back")
        lag_ms = proposal.stamp_ms - block.timestamp_ms
        require(0 <= lag_ms <= STAMP_AHEAD_MS_MAX, "the block's time is off the log's stamp")
        before = parent.body.l1_block_number if parent else 0
        require(before <= body.l1_block_number <= proposal.attested, "L1 facts nobody attested")
        epoch = body.epoch
        require(epoch is None or epoch.number > self.committee.epoch, "no newer epoch")
        moment = Moment(block.timestamp_ms // 1000, body.l1_block_number, self.may_hold)
        self._decide_records(proposal, moment)
        steps = execute_block(self.state, block, body, moment, self.domain, self.queue)

        votes = dict(sorted(self._votes.items()))
        root = self.state.root()
        self.finals.append(
            Final(block, proposal.hash, body, tuple(steps), root, self._l1_due, votes)
        )
        self._l1_due = self._attested()
        if epoch is not None:
            self._begin_epoch(epoch)
        self._start_round(0 if epoch else self._round)

    def _begin_epoch(self, epoch: Epoch) -> None:
        self._attested_before = self._attested()
        self.committee = replace(self.committee, epoch=epoch.number, members=epoch.members)
        self._seen = {one: at for one, at in self._seen.items() if one in epoch.members}

    def _decide_records(self, proposal: _Proposal, moment: Moment) -> None:
        """Before the block is executed: rejections are judged at its start."""
        body = proposal.body
        executed = {record.id(self.domain): record for record in body.records}
        require(self.rejected.keys().isdisjoint(executed), "the record was rejected before")
        arrived = {
            record_id: one.record
            for record_id, one in self.accepted.items()
            if one.position < proposal.position
        }
        facts = (self.state, body.exits, executed)
        check_rejections(*facts, body.rejections, arrived, moment)
        decided = {record_id: arrived[record_id] for record_id, _ in body.rejections} | executed
        self._check_turn(proposal, decided)

        self.executed |= executed.keys()
        self.rejected |= dict(body.rejections)
        for record_id in decided:
            self.accepted.pop(record_id, None)

    def _check_turn(self, proposal: _Proposal, decided: dict[bytes, Record]) -> None:
        """A record that has waited long enough is decided, or one that may come before it."""
        first = next(iter(self.accepted.values()), None)
        if first is None or first.position > proposal.position:
            return
        if proposal.stamp_ms - first.stamp_ms < RECORD_WAIT_MS_MAX:
            return
        last_nonces = {purse_of(order): order.nonce for order in first.record.orders}
        is_served = any(
            order.nonce <= last_nonces.get(purse_of(order), -1)
            for record in decided.values()
            for order in record.orders
        )
        require(is_served, "the oldest record is left out")

    def _round_entry(self, entry: RoundEntry) -> None:
        place = (entry.number, entry.epoch, entry.round)
        if place != (len(self.finals) + 1, self.committee.epoch, self._round):
            return
        is_timeout = entry.kind == 4
        signers = self._timeouts if is_timeout else self._next_rounds
        size = self.committee.faults + 1 if is_timeout else self.committee.quorum
        kind = TIMEOUT if is_timeout else NEXT_ROUND
        signer = self._member(self.domain.digest(kind, *place), entry.signature)
        if signer is None:
            return
        signers.add(signer)
        if len(signers) == size and is_timeout:
            self._is_decided = True
        elif len(signers) == size:
            self._start_round(self._round + 1)

    def _start_round(self, round_number: int) -> None:
        self._round = round_number
        self._proposal = None
        self._is_decided = False
        self._votes, self._timeouts, self._next_rounds = {}, set(), set()
