"""Makes blocks of accepted orders, deposits and listings. Law: at most one proposal a round."""

from collections.abc import Iterable
from functools import partial

from backend.engine.ledger import BlockTooLarge, execute, select
from backend.engine.ports import L1View
from backend.engine.replica import Prepared, Replica
from backend.protocol.blocks import Block, Body, body_hash, operations_hash
from backend.protocol.errors import check_invariant
from backend.protocol.log_entries import BlockEntry
from backend.protocol.signing import PrivateKey
from backend.protocol.votes import Proposal

BLOCK_ORDERS_MAX = 500
# With twice as many slots (each may open an account) a block still fits the smallest batch.
BLOCK_L1_FACTS_MAX = 500


class Sequencer:
    """Proposes when it is the turn of one of its keys, from what the log holds."""

    def __init__(
        self,
        keys: Iterable[PrivateKey],
        replica: Replica,
        l1: L1View,
        *,
        orders_max: int = BLOCK_ORDERS_MAX,
    ) -> None:
        self._keys = {key.address: key for key in keys}
        self._replica = replica
        self._l1 = l1
        self._orders_max = orders_max
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
        timestamp_ms = max(now_ms, rounds.tip.timestamp_ms)
        prepared = self._choose(timestamp_ms // 1000)
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

    def _choose(self, ts_s: int) -> Prepared | None:
        """Return what the next block holds and does, or None if there is nothing to do."""
        ledger, rounds = self._replica.ledger, self._replica.rounds
        to_l1_block = min(rounds.l1_attested, self._l1.confirmed().number)
        if to_l1_block < rounds.l1_due:
            return None  # facts that must not be left out are not known here yet
        to_l1_block = max(to_l1_block, ledger.l1_block_number)
        listings = self._l1.listings(len(ledger.assets), to_l1_block)[:BLOCK_L1_FACTS_MAX]
        # While listings are left out, a deposit might need one of them.
        deposits = self._l1.deposits(ledger.deposit_count, to_l1_block)[:BLOCK_L1_FACTS_MAX]
        if len(listings) == BLOCK_L1_FACTS_MAX:
            deposits = ()
        roots = self._l1.roots(len(ledger.roots), to_l1_block)[:BLOCK_L1_FACTS_MAX]
        may_hold = partial(self._l1.may_hold, to_l1_block=to_l1_block, ts_s=ts_s)
        orders_max = self._orders_max
        while True:
            undecided = self._replica.accepted.undecided
            selection = select(ledger, undecided, ts_s, orders_max, may_hold)
            executable, rejections = selection.executable, selection.rejections
            if not (listings or deposits or roots or executable or rejections):
                return None
            records = tuple(executable.values())
            facts = tuple(listings), tuple(deposits), tuple(roots)
            body = Body(to_l1_block, *facts, records, rejections)
            try:
                execution = execute(ledger, body, ts_s)
                domain, record_ids = rounds.committee.domain, tuple(executable)
                return Prepared.of(domain, body, execution, record_ids)
            except BlockTooLarge:
                # Fees of many assets: a chunk holds those of four. L1's facts fit by themselves.
                check_invariant(orders_max > 0, "a block without orders is too large")
                orders_max //= 2
