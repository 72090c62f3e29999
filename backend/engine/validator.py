"""An honest validator: a function of the ordering log, but for its own view of L1.

Law: docs/PROTOCOL.md, section 6, rules 1 to 7. For each (number, epoch, round) it signs one digest:
its vote for the block that decided the round, or NextRound; never two.
"""

import structlog

from backend.engine.judgement import L1NotReached, judge, next_epoch
from backend.engine.ledger import InvalidBlock
from backend.engine.ports import L1View
from backend.engine.replica import Event, FinalBlock, OrderAccepted, Replica
from backend.engine.rounds import Proposed, signer
from backend.engine.sequencer import idle_block_due_ms
from backend.protocol.hashing import Digest
from backend.protocol.log_entries import (
    BlockEntry,
    Entry,
    NextRoundEntry,
    Payload,
    SeenEntry,
    TimeoutEntry,
    VoteEntry,
)
from backend.protocol.signing import PrivateKey
from backend.protocol.types import Address
from backend.protocol.votes import NextRound, Seen, Timeout

TIMEOUT_MS_MIN = 1_000
_TIMEOUT_DOUBLINGS_MAX = 6

_Key = tuple[int, int, int]
"""Number, epoch, round: what one digest is signed for."""

log = structlog.get_logger(__name__)


class Validator:
    """Reads entries in the log's order and returns what it signs, to be appended to the log.

    It begins silent: `go_live` says that the log has been read to its end, so that all signatures
    of an earlier life are known.
    """

    def __init__(
        self,
        key: PrivateKey,
        replica: Replica,
        l1: L1View,
        *,
        timeout_ms_min: int = TIMEOUT_MS_MIN,
        idle_ms_max: int | None = None,
        signatures_lost_at_ms: int | None = None,
    ) -> None:
        """After `idle_ms_max` without a block an empty one is due; None: never.
        `signatures_lost_at_ms` is the time of the restart of a validator whose signatures may
        be lost (a restored backup, a new disk): rule 7."""
        self._key = key
        self.replica = replica
        self._l1 = l1
        self._timeout_ms_min = timeout_ms_min
        self._idle_ms_max = idle_ms_max
        self._silent_since_ms = signatures_lost_at_ms
        self._live_since_ms: int | None = None
        self._l1_work_since_ms: int | None = None
        self._attested = 0
        self._timed_out: tuple[int, int] | None = None
        self._signed: dict[_Key, Digest] = {}
        # Of the height in progress: which rounds blocks belong to, and votes of ours for others.
        self._keys_by_hash: dict[Digest, _Key] = {}
        self._votes_unplaced: set[Digest] = set()

    @property
    def address(self) -> Address:
        """Who signs."""
        return self._key.address

    @property
    def is_silent(self) -> bool:
        """Whether it signs nothing: not yet (rule 7), no more (the rollup is frozen), or being no
        member of the present epoch."""
        is_member = self.address in self.replica.committee.validators
        is_over = self._l1.frozen_ts_s() is not None
        return self._silent_since_ms is not None or is_over or not is_member

    def consume(self, position: int, entry: Entry) -> list[Payload]:
        """Take the next entry in. Return what it makes the validator sign."""
        self.read(entry)
        return self.react(self.replica.consume(position, entry))

    def read(self, entry: Entry) -> None:
        """Take the next entry in, before the replica does: for validators who share one."""
        if self._live_since_ms is None:
            self._note_own(entry)

    def react(self, event: Event | None) -> list[Payload]:
        """Return what the entry that was read makes the validator sign; `event` is what it decided
        in the replica."""
        if isinstance(event, OrderAccepted):
            return []
        if isinstance(event, FinalBlock):
            self._on_final(event)
        return self._decide()

    def go_live(self, now_ms: int) -> list[Payload]:
        """Begin to sign; the log has been read to its end. `now_ms` is when waiting begins."""
        self._live_since_ms = now_ms
        self.replica.accepted.check_all()
        return self._decide()

    def wait_anew(self, now_ms: int) -> None:
        """Begin to wait again: the time so far was ours, not the proposer's (see Node)."""
        if self._live_since_ms is not None:
            self._live_since_ms = now_ms

    def tick(self, now_ms: int, has_read_all: bool = True) -> list[Payload]:
        """Return what the time that has passed, or L1, makes the validator sign.

        Who has not read the log to its end can't say that the proposer is silent.
        """
        if self._live_since_ms is None or self.is_silent:
            return []
        said = [*self._attest(), *self._decide()]
        return [*said, *self._time_out(now_ms)] if has_read_all else said

    def _decide(self) -> list[Payload]:
        rounds = self.replica.rounds
        key = (rounds.number, rounds.committee.epoch, rounds.round)
        if self._live_since_ms is None or self.is_silent:
            return []
        if not rounds.is_decided or key in self._signed:
            return []
        proposed = rounds.proposed
        try:
            is_valid = proposed is not None and self._is_valid(proposed)
        except L1NotReached:
            return []
        if proposed is not None and is_valid:
            self._signed[key] = proposed.block_hash
            return [VoteEntry(proposed.block_hash, self._key.sign_digest(proposed.block_hash))]
        next_round = NextRound(*key)
        self._signed[key] = next_round.digest(rounds.committee.domain)
        return [NextRoundEntry(next_round, self._key.sign_digest(self._signed[key]))]

    def _is_valid(self, proposed: Proposed) -> bool:
        try:
            judge(self.replica, proposed, self._l1)
        except InvalidBlock as error:
            block = proposed.block
            log.warning("block_refused", block=block.number, round=block.round, reason=str(error))
            return False
        return True

    def _attest(self) -> list[Payload]:
        point, seen = self._l1.confirmed(), self.replica.rounds.seen
        if point.number <= max(seen.get(self.address, 0), self._attested):
            return []
        self._attested = point.number
        attestation = Seen(point.number, Digest(point.block_hash))
        digest = attestation.digest(self.replica.committee.domain)
        return [SeenEntry(attestation, self._key.sign_digest(digest))]

    def _time_out(self, now_ms: int) -> list[Payload]:
        rounds = self.replica.rounds
        since_ms = self._work_since_ms(now_ms)
        if (
            since_ms is None
            or rounds.is_decided
            or self._timed_out == (rounds.number, rounds.round)
        ):
            return []
        delay_ms = self._timeout_ms_min << min(rounds.rounds_lost, _TIMEOUT_DOUBLINGS_MAX)
        if now_ms < max(since_ms, rounds.since_ms, self._live_since_ms or 0) + delay_ms:
            return []
        self._timed_out = (rounds.number, rounds.round)
        timeout = Timeout(rounds.number, rounds.committee.epoch, rounds.round)
        digest = timeout.digest(rounds.committee.domain)
        log.warning("proposer_timed_out", block=rounds.number, round=rounds.round)
        return [TimeoutEntry(timeout, self._key.sign_digest(digest))]

    def _work_since_ms(self, now_ms: int) -> int | None:
        """Return since when there has been something to put into a block, or None."""
        replica = self.replica
        ledger, to_l1_block = replica.ledger, replica.rounds.l1_attested
        if not (
            self._l1.deposits(ledger.deposit_count, to_l1_block)
            or self._l1.listings(len(ledger.assets), to_l1_block)
            or self._l1.roots(len(ledger.roots), to_l1_block)
            or self._l1.exits(ledger.exit_count, to_l1_block)
            or next_epoch(replica, self._l1, to_l1_block)
            or ledger.exiting
        ):
            self._l1_work_since_ms = None
        elif self._l1_work_since_ms is None:
            self._l1_work_since_ms = now_ms
        oldest = replica.accepted.oldest
        since_ms = (
            oldest.stamp_ms if oldest is not None else None,
            self._l1_work_since_ms,
            idle_block_due_ms(replica, self._idle_ms_max),
        )
        return min((ms for ms in since_ms if ms is not None), default=None)

    def _on_final(self, final: FinalBlock) -> None:
        number = final.block.number
        self._signed = {key: d for key, d in self._signed.items() if key[0] > number}
        self._keys_by_hash.clear()
        self._votes_unplaced.clear()
        since_ms = self._silent_since_ms
        if since_ms is not None and final.stamp_ms > since_ms:
            self._silent_since_ms = None

    def _note_own(self, entry: Entry) -> None:
        """Remember what an earlier life of this validator has signed. `entry` is any of the log.

        Once live it knows what it signs; only a log that lies would show it anything else.
        """
        rounds, domain = self.replica.rounds, self.replica.committee.domain
        match entry.payload:
            case BlockEntry(block) if block.number == rounds.number:
                block_hash = block.digest(domain)
                key = (block.number, block.epoch, block.round)
                self._keys_by_hash[block_hash] = key
                if block_hash in self._votes_unplaced:
                    self._signed.setdefault(key, block_hash)
            case VoteEntry(block_hash, signature) if block_hash != rounds.tip.block_hash:
                if signer(block_hash, signature) == self.address:
                    self._votes_unplaced.add(block_hash)
                    if block_hash in self._keys_by_hash:
                        self._signed.setdefault(self._keys_by_hash[block_hash], block_hash)
            case NextRoundEntry(next_round, signature):
                digest = next_round.digest(domain)
                if signer(digest, signature) == self.address:
                    key = (next_round.number, next_round.epoch, next_round.round)
                    self._signed.setdefault(key, digest)
