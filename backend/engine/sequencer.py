"""Makes blocks of accepted orders, deposits and listings. Law: at most one proposal a round."""

from collections.abc import Iterable
from functools import partial
from itertools import islice, takewhile

from backend.engine.judgement import next_epoch
from backend.engine.ledger import BlockTooLarge, MayHold, select
from backend.engine.ports import L1View
from backend.engine.replica import Prepared, Replica
from backend.engine.runs import first_that_fit
from backend.engine.vector.blocks import execute
from backend.protocol.blocks import Block, Body, body_hash, operations_hash
from backend.protocol.errors import check_invariant
from backend.protocol.log_entries import BlockEntry
from backend.protocol.signing import PrivateKey
from backend.protocol.votes import Proposal

BLOCK_ORDERS_MAX = 4_000
# Orders that somebody has to choose among, one by one: some 50 ms, while nobody else gets a turn.
CHOSEN_ORDERS_MAX = 500
# With twice as many slots (each may open an account) a block still fits the smallest batch.
BLOCK_L1_FACTS_MAX = 500


class Sequencer:
    """Proposes when it is the turn of one of its keys, from what the log holds."""

    def __init__(
        self,
        keys: Iterable[PrivateKey],
        replica: Replica,
        l1: L1View,
        orders_max: int = BLOCK_ORDERS_MAX,
        idle_ms_max: int | None = None,
    ) -> None:
        """After `idle_ms_max` without a block it makes an empty one; None: never."""
        self._keys = {key.address: key for key in keys}
        self._replica = replica
        self._l1 = l1
        self._orders_max = orders_max
        self._idle_ms_max = idle_ms_max
        self._proposed = (0, 0)

    def propose(self, now_ms: int) -> BlockEntry | None:
        """Return the next block if it is due: its turn, and something to put into it.

        It is in flight until it stands in the log; a repeat for the same round returns None.
        """
        rounds = self._replica.rounds
        turn = (rounds.number, rounds.round)
        key = self._keys.get(rounds.proposer)
        if key is None or rounds.is_decided or self._proposed == turn:
            return None
        if self._l1.frozen_ts_s() is not None:
            return None  # nobody would sign it, since no batch could hold it any more
        timestamp_ms = max(now_ms, rounds.tip.timestamp_ms)
        prepared = self._choose(timestamp_ms // 1000, self._is_idle(now_ms))
        if prepared is None:
            return None
        execution, encoded = prepared.execution, prepared.body.encode()
        block = Block(
            number=rounds.number,
            epoch=rounds.committee.epoch,
            round=rounds.round,
            parent_hash=rounds.tip.block_hash,
            operations_hash=operations_hash(execution.slots),
            body_hash=body_hash(encoded),
            operation_count=execution.operation_count,
            timestamp_ms=timestamp_ms,
        )
        domain = rounds.committee.domain
        block_hash = block.digest(domain)
        self._replica.keep(block_hash, prepared)
        self._proposed = turn
        return BlockEntry(block, key.sign_digest(Proposal(block_hash).digest(domain)), encoded)

    def _is_idle(self, now_ms: int) -> bool:
        """Return whether an empty block is due, for L1 to have something to accept."""
        due_ms = idle_block_due_ms(self._replica, self._idle_ms_max)
        return due_ms is not None and now_ms >= due_ms

    def _choose(self, ts_s: int, may_be_empty: bool) -> Prepared | None:
        """Return what the next block holds and does, or None if there is nothing to do."""
        ledger, rounds = self._replica.ledger, self._replica.rounds
        to_l1_block = min(rounds.l1_attested, self._l1.confirmed().number)
        if to_l1_block < rounds.l1_due:
            return None  # facts that must not be left out are not known here yet
        to_l1_block = max(to_l1_block, ledger.l1_block_number)
        listings = self._l1.listings(len(ledger.assets), to_l1_block)[:BLOCK_L1_FACTS_MAX]
        asset_id_max = len(ledger.assets) + len(listings)
        deposits = self._l1.deposits(ledger.deposit_count, to_l1_block)[:BLOCK_L1_FACTS_MAX]
        deposits = tuple(takewhile(lambda record: record.asset_id <= asset_id_max, deposits))
        roots = self._l1.roots(len(ledger.roots), to_l1_block)[:BLOCK_L1_FACTS_MAX]
        exits = tuple(self._l1.exits(ledger.exit_count, to_l1_block)[:BLOCK_L1_FACTS_MAX])
        epoch = next_epoch(self._replica, self._l1, to_l1_block)
        may_hold = partial(self._l1.may_hold, to_l1_block=to_l1_block, ts_s=ts_s)
        has_facts = bool(listings or deposits or roots or exits or epoch or ledger.exiting)
        if not has_facts:
            prepared = self._choose_run(ts_s, to_l1_block, may_hold)
            if prepared is not None:
                return prepared
        orders_max = min(self._orders_max, CHOSEN_ORDERS_MAX)
        while True:
            undecided = self._replica.accepted.undecided
            selection = select(ledger, undecided, ts_s, orders_max, may_hold, exits)
            executable, rejections = selection.executable, selection.rejections
            if not (has_facts or executable or rejections or may_be_empty):
                return None
            records = tuple(executable.values())
            facts = tuple(listings), tuple(deposits), tuple(roots)
            body = Body(to_l1_block, *facts, records, rejections, exits, epoch)
            try:
                execution = execute(ledger, body, ts_s)
                domain, record_ids = rounds.committee.domain, tuple(executable)
                return Prepared.of(domain, body, execution, record_ids)
            except BlockTooLarge:
                # Fees of many assets: a chunk holds those of four. L1's facts fit by themselves.
                check_invariant(orders_max > 0, "a block without orders is too large")
                orders_max //= 2

    def _choose_run(self, ts_s: int, l1_block_number: int, may_hold: MayHold) -> Prepared | None:
        """Return what a block of the first orders does, None unless all of them can be executed as
        they stand: then somebody has to choose."""
        replica, ledger = self._replica, self._replica.ledger
        first = list(islice(replica.accepted.undecided, self._orders_max))
        chosen = first_that_fit(
            ledger, replica.accepted.encoded, first, ts_s, self._l1.is_regulated, may_hold
        )
        if chosen is None:
            return None
        records, ids = chosen
        body = Body(l1_block_number, records=records)
        try:
            execution = execute(ledger, body, ts_s)
        except BlockTooLarge:
            return None  # fees of many assets
        return Prepared.of(replica.committee.domain, body, execution, ids)


def idle_block_due_ms(replica: Replica, idle_ms_max: int | None) -> int | None:
    """Return when an empty block is due, if nothing else makes one before; None: never.

    A ledger without blocks owes L1 nothing.
    """
    tip = replica.rounds.tip
    return None if idle_ms_max is None or not tip.number else tip.timestamp_ms + idle_ms_max
