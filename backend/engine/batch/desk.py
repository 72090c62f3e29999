"""Where batches come from when one process holds packer and validators.

Law: no header is signed before the batch has been read as L1 reads it and compared with the final
blocks. The validators of one process share that reading, made apart from the packing; each signs
with its own key. Work on chunks takes long, so it is done in threads, one at a time.
"""

import asyncio
from array import array
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Final, TypeVar

import structlog

from backend.engine.batch.builder import BatchBuilder, BatchDraft
from backend.engine.batch.chunking import BlockOperations, block_operations
from backend.engine.batch.errors import InvalidBatch
from backend.engine.batch.evidence import batch_evidence, equal_evidence
from backend.engine.batch.posted import AccountProof, WithdrawalProof
from backend.engine.batch.verify import HeaderChecks
from backend.engine.replica import FinalBlock
from backend.engine.rounds import Committee
from backend.protocol.batches import BATCH_CHUNKS_MAX, CALLDATA_CHUNKS_MAX, BatchHeader, Chunk
from backend.protocol.blocks import Block, Body
from backend.protocol.errors import InvariantViolated, NoQuorum, check_invariant
from backend.protocol.evidence import Evidence
from backend.protocol.hashing import Digest
from backend.protocol.signing import PrivateKey
from backend.protocol.state_tree import StateTree
from backend.protocol.types import AccountId, Leaf
from backend.protocol.votes import quorum_signatures

Replay = Callable[[int], Iterable[FinalBlock]]
"""Yields the final blocks from a number on, executed anew."""
BlockAt = Callable[[int], tuple[Block, Body]]

log = structlog.get_logger(__name__)

_CHUNKS_MAX: Final = {"calldata": CALLDATA_CHUNKS_MAX, "blobs": BATCH_CHUNKS_MAX}

_T = TypeVar("_T")
DataHash = Callable[[Sequence[Chunk], str], Awaitable[Digest]]
IsPin = Callable[[int, Digest], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What no batch has yet: `operation_count` slots, the oldest of `oldest_ts_ms`."""

    operation_count: int
    oldest_ts_ms: int


class BatchDesk:
    """Takes final blocks in, hands certified batches out, and proves what stands in them."""

    def __init__(
        self,
        committee: Committee,
        validator_keys: Sequence[PrivateKey],
        data_hash: DataHash,
        is_pin: IsPin,
        replay: Replay,
        block_at: BlockAt,
    ) -> None:
        """`data_hash` gives a header's dataHash for chunks and carrier; `is_pin` says whether an
        L1 block (number, hash) is the chain's; `replay` gives the final blocks again, and
        `block_at` one of them by its position in the log."""
        self._committee = committee
        self._keys = tuple(validator_keys)
        self._data_hash = data_hash
        self._is_pin = is_pin
        self._replay, self._block_at = replay, block_at
        self._positions = array("Q")  # in the log, of block 1 and those after it
        self._evidence_lock = asyncio.Lock()  # so that who asks for it leaves threads to others
        self._builder = BatchBuilder.at_genesis(committee.domain)
        self.alien: BatchHeader | None = None
        """A batch that L1 has accepted and that isn't this ledger's."""
        self._lock = Lock()
        self._observed_number = 0
        self._inbox: deque[BlockOperations] = deque()
        self._waiting: deque[tuple[int, Waiting]] = deque()  # by block number

    def observe(self, final: FinalBlock) -> None:
        """Take the next final block; returns at once. A repeat changes nothing."""
        block = final.block
        if block.number <= self._observed_number:
            return
        check_invariant(
            block.number == self._observed_number + 1, "a block is missing", number=block.number
        )
        self._observed_number = block.number
        self._positions.append(final.position)
        if final.body.epoch is not None:
            self._committee = self._committee.of_epoch(final.body.epoch)
        self._inbox.append(_operations(final))
        self._waiting += _waiting(final)

    def waiting(self) -> Waiting | None:
        """Say what waits for a batch; None if nothing does."""
        if not self._waiting:
            return None
        blocks = [waiting for _, waiting in self._waiting]
        return Waiting(sum(one.operation_count for one in blocks), blocks[0].oldest_ts_ms)

    async def draft(self, chunks_max: int, may_be_empty: bool = False) -> BatchDraft | None:
        """Return what would be posted now, of at most `chunks_max` chunks; None if nothing.

        Blocks without operations are something only if the batch may be empty.
        """
        draft = partial(self._builder.draft, chunks_max, may_be_empty)
        return await asyncio.to_thread(self._locked, draft)

    async def certify(self, header: BatchHeader, chunks: Sequence[Chunk], carrier: str) -> bytes:
        """Return 2f+1 signatures in ascending order of their signers.

        Raises InvalidBatch if a validator finds a fault, NoQuorum if too few keys are here, or the
        ledger has not come to the header's epoch.
        """
        committee = self._committee
        if header.epoch != committee.epoch:
            raise NoQuorum(committee.quorum, 0)
        data_hash = await self._data_hash(chunks, carrier)
        is_pin = await self._is_pin(header.l1_block_number, header.l1_block_hash)
        checks = HeaderChecks(
            committee.epoch, lambda _: data_hash, lambda *_: is_pin, _CHUNKS_MAX[carrier]
        )
        verify = partial(self._builder.verify, header, chunks, checks)
        await asyncio.to_thread(self._locked, verify)

        digest = header.digest(committee.domain)
        signatures = [key.sign_digest(digest) for key in self._keys]
        chosen = quorum_signatures(digest, signatures, committee.validators)
        if chosen is None:
            raise NoQuorum(committee.quorum, len(signatures))
        return b"".join(chosen)

    async def posted(self, header: BatchHeader, chunks: Sequence[Chunk] | None) -> bool:
        """Move on to a batch that L1 has beyond doubt; return False if it isn't this ledger's.

        A repeat changes nothing, and neither does a batch whose parent was not told of: after a
        restart the chain's events come in order.
        """
        try:
            is_past = await asyncio.to_thread(self._locked, partial(self._move_on, header, chunks))
        except (InvalidBatch, InvariantViolated) as error:
            # More than f validators lied: it is fraud, or the ledger can't go on from it.
            if self.alien != header:
                log.error("batch_is_not_ours", batch=header.number, reason=str(error))
            self.alien = header
            return False
        while is_past and self._waiting and self._waiting[0][0] <= header.last_block_number:
            self._waiting.popleft()
        return True

    async def roll_back(self, tip_number: int) -> None:
        """Begin again after batch `tip_number`: L1 has taken back those after it.

        Their blocks stay final and wait for new batches. A repeat changes nothing.
        """
        if self.alien is not None and self.alien.number > tip_number:
            self.alien = None
        if self._builder.tip.number <= tip_number:
            return
        go_back = partial(self._begin_again, tip_number)
        waiting = await asyncio.to_thread(self._locked, go_back)
        last = waiting[-1][0] if waiting else self._builder.tip.last_block_number
        newer = [entry for entry in self._waiting if entry[0] > last]
        self._waiting = deque([*waiting, *newer])

    def _begin_again(self, tip_number: int) -> list[tuple[int, Waiting]]:
        """Replace the builder; return what waits for batches then, by block number."""
        builder = BatchBuilder.at_genesis(self._committee.domain)
        waiting = []
        for final in self._replay(1):
            builder.add_block(_operations(final))
            waiting += _waiting(final)
        for number in range(1, tip_number + 1):
            builder.posted(self._builder.header(number), self._builder.chunks(number))
        self._builder = builder
        return [entry for entry in waiting if entry[0] > builder.tip.last_block_number]

    async def evidence(self, batch_number: int) -> Mapping[int, Evidence]:
        """Return who authorised the operations of a posted batch, by slot number.

        Raises BatchNotFound.
        """
        header, chunks = self.header(batch_number), self.chunks(batch_number)
        before = self.header(batch_number - 1).last_block_number if batch_number > 1 else 0

        positions = self._positions[before : header.last_block_number]
        find = partial(batch_evidence, chunks, map(self._block_at, positions))
        async with self._evidence_lock:
            return await asyncio.to_thread(find)

    async def likely_evidence(self, chunks: Sequence[Chunk]) -> Mapping[int, Evidence]:
        """Return what may have authorised operations of a batch that isn't ours, by slot number:
        they equal operations of blocks that have no batch yet."""
        blocks = self._locked(lambda: self._builder.waiting)

        def find() -> Mapping[int, Evidence]:
            bodies = (self._block_at(self._positions[block.number - 1])[1] for block in blocks)
            return equal_evidence(chunks, zip(blocks, bodies, strict=True))

        async with self._evidence_lock:
            return await asyncio.to_thread(find)

    def header(self, batch_number: int) -> BatchHeader:
        """Return a posted batch's header. Raises BatchNotFound."""
        return self._locked(lambda: self._builder.header(batch_number))

    def chunks(self, batch_number: int) -> tuple[Chunk, ...]:
        """Return a posted batch's chunks. Raises BatchNotFound."""
        return self._locked(lambda: self._builder.chunks(batch_number))

    def withdrawal_proof(self, batch_number: int, slot_number: int) -> WithdrawalProof:
        """Return what claims the withdrawal at a slot number of a posted batch.

        Raises BatchNotFound, ProofNotAvailable.
        """
        return self._locked(lambda: self._builder.withdrawal_proof(batch_number, slot_number))

    def account_proof(self, batch_number: int, account_id: AccountId) -> AccountProof:
        """Return the proof of an account after a posted batch. Raises as `withdrawal_proof`."""
        return self._locked(lambda: self._builder.account_proof(batch_number, account_id))

    @property
    def tip(self) -> BatchHeader:
        """The header of the last posted batch."""
        return self._locked(lambda: self._builder.tip)

    def tree(self, batch_number: int) -> StateTree:
        """Return all accounts after a posted batch. Raises BatchNotFound."""
        return self._locked(lambda: self._builder.tree(batch_number))

    def leaves(self, batch_number: int) -> dict[AccountId, Leaf] | None:
        """Return a copy of all accounts after the last posted batch; None if it is another one."""

        def copied() -> dict[AccountId, Leaf] | None:
            is_last = self._builder.tip.number == batch_number
            return dict(self._builder.ledger.leaves) if is_last else None

        return self._locked(copied)

    def accounts_after(self, header: BatchHeader) -> dict[AccountId, Leaf] | None:
        """Return all accounts after a posted batch; None of one that isn't this ledger's."""

        def found() -> dict[AccountId, Leaf] | None:
            builder = self._builder
            is_ours = 0 < header.number <= builder.tip.number
            if not is_ours or builder.header(header.number) != header:
                return None
            tree = builder.tree(header.number)
            leaves = ((place, tree.leaf(place)) for place in builder.ledger.leaves)
            return {place: leaf for place, leaf in leaves if leaf is not None}

        return self._locked(found)

    @property
    def batch_count(self) -> int:
        """The number of the last posted batch."""
        return self._builder.tip.number

    def _move_on(self, header: BatchHeader, chunks: Sequence[Chunk] | None) -> bool:
        """Return whether the builder is at this batch now, or past it."""
        number = self._builder.tip.number
        if header.number == number + 1:
            self._builder.posted(header, chunks)
        return header.number <= number + 1

    def _locked(self, work: Callable[[], _T]) -> _T:
        """Do `work` on the builder with all blocks in it, alone."""
        with self._lock:
            while self._inbox:
                self._builder.add_block(self._inbox.popleft())
            return work()


def _operations(final: FinalBlock) -> BlockOperations:
    return block_operations(
        final.block,
        final.block_hash,
        final.body,
        final.execution,
        final.payment_ids,
        final.sweep_ids,
    )


def _waiting(final: FinalBlock) -> list[tuple[int, Waiting]]:
    """Return what the block adds to what waits, by its number; without operations nothing."""
    block = final.block
    if not block.operation_count:
        return []
    return [(block.number, Waiting(block.operation_count, block.timestamp_ms))]
