"""Builds batches from final blocks, one after the other, and remembers them for proofs.

Law: a batch's chunks are a function of the batch before and of the block it ends with.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from backend.engine.batch.chunking import (
    BlockOperations,
    facts_of,
    lay_out,
    payment_slots,
    with_roots,
)
from backend.engine.batch.errors import ChunkInvalid, ChunksUnknown
from backend.engine.batch.posted import AccountProof, PostedBatches, WithdrawalProof
from backend.engine.batch.verify import BatchTip, HeaderChecks, execute_chunks, verify_header
from backend.engine.ledger import Ledger
from backend.engine.vector.versions import FlatStateTree
from backend.protocol.batches import (
    BATCH_CHUNKS_MAX,
    GENESIS_HASH,
    BatchHeader,
    Chunk,
    chunk_hashes,
    genesis_header,
)
from backend.protocol.eip712 import Domain
from backend.protocol.errors import InvariantViolated, check_invariant
from backend.protocol.hashing import Digest
from backend.protocol.state_tree import StateTree, chunks_root, genesis_tree
from backend.protocol.types import AccountId, Asset

_CANDIDATES_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class BatchDraft:
    """The next batch but for what the submitter chooses: carrier, pin and time.

    The pin is at least `l1_block_number_min`; the time, in seconds, at least that of the batch
    before and at most `timestamp_max`: the time of the batch's first block.
    """

    number: int
    parent_hash: Digest
    pre_root: Digest
    post_root: Digest
    chunks: tuple[Chunk, ...]
    chunks_root: Digest
    deposit_cursor: int
    last_block_number: int
    last_block_hash: Digest
    l1_block_number_min: int
    timestamp_max: int

    def header(
        self,
        epoch: int,
        data_hash: Digest,
        l1_block_number: int,
        l1_block_hash: Digest,
        timestamp: int,
    ) -> BatchHeader:
        """Return the header to be signed."""
        return BatchHeader(
            number=self.number,
            epoch=epoch,
            parent_hash=self.parent_hash,
            pre_root=self.pre_root,
            post_root=self.post_root,
            chunks_root=self.chunks_root,
            chunk_count=len(self.chunks),
            data_hash=data_hash,
            deposit_cursor=self.deposit_cursor,
            l1_block_number=l1_block_number,
            l1_block_hash=l1_block_hash,
            last_block_number=self.last_block_number,
            last_block_hash=self.last_block_hash,
            timestamp=timestamp,
        )


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A batch that may be posted next: packed here, or verified for somebody else."""

    chunks: tuple[Chunk, ...]
    block_count: int
    tree: StateTree


class BatchBuilder:
    """The chain of batches from one posted batch on. `draft` and `verify` change nothing in it."""

    def __init__(self, domain: Domain, ledger: Ledger, header: BatchHeader) -> None:
        """Start at a posted batch, `ledger` being the state after its last block.

        Proofs can be had of later batches only: to serve older ones, start at an older batch, or
        at genesis (see `at_genesis`), and add all blocks and headers since.
        """
        check_invariant(
            ledger.block_number == header.last_block_number,
            "the ledger is not at the batch's last block",
            block_number=ledger.block_number,
            last_block_number=header.last_block_number,
        )
        tree = FlatStateTree(ledger.leaves)
        check_invariant(
            tree.root == header.post_root, "the batch ends in another state", number=header.number
        )
        header_hash = header.digest(domain) if header.number else GENESIS_HASH
        self._domain = domain
        self._ledger = ledger.fork()
        self._assets: dict[int, Asset] = dict(ledger.assets)
        self._tip = BatchTip(header, header_hash, tree, ledger.l1_block_number, self._assets)
        self._blocks: deque[BlockOperations] = deque()
        self._candidates: dict[Digest, _Candidate] = {}
        self._posted = PostedBatches(self._assets)

    @classmethod
    def at_genesis(cls, domain: Domain) -> "BatchBuilder":
        """Start before the first block."""
        return cls(domain, Ledger(), genesis_header(genesis_tree().root))

    @property
    def tip(self) -> BatchHeader:
        """The header of the last posted batch."""
        return self._tip.header

    @property
    def ledger(self) -> Ledger:
        """The state after the last posted batch, to make a snapshot of; not to be changed."""
        return self._ledger

    @property
    def last_block_number(self) -> int:
        """The last block added."""
        return self._tip.header.last_block_number + len(self._blocks)

    @property
    def waiting(self) -> tuple[BlockOperations, ...]:
        """The blocks that no posted batch has, in order."""
        return tuple(self._blocks)

    def add_block(self, block: BlockOperations) -> None:
        """Take the next final block. A repeat changes nothing."""
        if block.number <= self.last_block_number:
            return
        check_invariant(
            block.number == self.last_block_number + 1,
            "a block is missing",
            expected=self.last_block_number + 1,
            actual=block.number,
        )
        self._blocks.append(block)
        self._assets.update((asset.asset_id, asset) for asset in block.changes.listings)

    def draft(self, chunks_max: int, may_be_empty: bool = False) -> BatchDraft | None:
        """Return the next batch, of as many whole blocks as `chunks_max` chunks hold.

        One block at least, be it larger. None if no block has an operation to post, or, if the
        batch may be empty, if there is no block. Asked again, it answers anew from the blocks there
        are by then.
        """
        layout = lay_out(self._blocks, chunks_max)
        if layout.is_empty and not (may_be_empty and self._blocks):
            return None
        candidate = self._packed(layout.chunk_slots, layout.block_count)
        blocks = list(islice(self._blocks, layout.block_count))
        tip = self._tip
        return BatchDraft(
            number=tip.header.number + 1,
            parent_hash=tip.header_hash,
            pre_root=tip.header.post_root,
            post_root=candidate.tree.root,
            chunks=candidate.chunks,
            chunks_root=self._remember(candidate),
            deposit_cursor=tip.deposit_count + sum(len(block.deposits) for block in blocks),
            last_block_number=blocks[-1].number,
            last_block_hash=blocks[-1].block_hash,
            l1_block_number_min=blocks[-1].changes.l1_block_number,
            timestamp_max=blocks[0].ts_s,
        )

    def verify(self, header: BatchHeader, chunks: Sequence[Chunk], checks: HeaderChecks) -> None:
        """Check somebody else's next batch before signing it. Raises InvalidBatch."""
        tree = verify_header(header, chunks, self._tip, list(self._blocks), checks)
        block_count = header.last_block_number - self._tip.header.last_block_number
        self._remember(_Candidate(tuple(chunks), block_count, tree))

    def posted(
        self, header: BatchHeader, chunks: Sequence[Chunk] | None = None
    ) -> tuple[tuple[Digest, int], ...]:
        """Move on to a batch that L1 has accepted; return its payments' ids and slot numbers.

        A slot number is chunk index * 64 + position. A batch posted before, repeated, changes
        nothing and returns nothing.
        `chunks`, as read from L1, are needed only for a batch that was neither drafted nor
        verified here and is packed in another way than ours: without them ChunksUnknown is
        raised, and with wrong ones another InvalidBatch. All its blocks must have been added.
        """
        if header.number <= self._tip.header.number:
            check_invariant(
                self._posted.is_known(header) or header == self._tip.header,
                "L1 has another batch of this number",
                number=header.number,
            )
            return ()
        candidate = self._candidate(header, chunks)
        header_hash = header.digest(self._domain)
        check_invariant(
            header.number == self._tip.header.number + 1
            and header.parent_hash == self._tip.header_hash
            and header.post_root == candidate.tree.root,
            "a posted batch doesn't continue the last one",
            number=header.number,
        )
        blocks = [self._blocks.popleft() for _ in range(candidate.block_count)]
        deposits = [record for block in blocks for record in block.deposits]
        self._posted.add(header, candidate.chunks, self._tip, deposits)
        for block in blocks:
            self._ledger.advance(block.changes)
        self._check_state(candidate.tree, blocks)
        self._tip = replace(
            self._tip,
            header=header,
            header_hash=header_hash,
            tree=candidate.tree,
            l1_block_number=self._ledger.l1_block_number,
        )
        self._candidates.clear()
        return payment_slots(candidate.chunks, blocks)

    def chunks(self, batch_number: int) -> tuple[Chunk, ...]:
        """Return a posted batch's chunks. Raises BatchNotFound."""
        return self._posted.chunks(batch_number)

    def header(self, batch_number: int) -> BatchHeader:
        """Return a posted batch's header. Raises BatchNotFound."""
        return self._posted.header(batch_number)

    def withdrawal_proof(self, batch_number: int, slot_number: int) -> WithdrawalProof:
        """Return what claims the withdrawal at a slot number of a posted batch.

        Raises BatchNotFound (also of a batch before the one started at) and ProofNotAvailable.
        """
        return self._posted.withdrawal_proof(batch_number, slot_number)

    def tree(self, batch_number: int) -> StateTree:
        """Return all accounts after a posted batch. Raises BatchNotFound."""
        if batch_number == self._tip.header.number:
            return self._tip.tree
        return self._posted.tree(batch_number)

    def account_proof(self, batch_number: int, account_id: AccountId) -> AccountProof:
        """Return the proof of an account after a posted batch. Raises as `withdrawal_proof`."""
        return self._posted.account_proof(batch_number, account_id)

    def _candidate(self, header: BatchHeader, chunks: Sequence[Chunk] | None) -> _Candidate:
        known = self._candidates.get(header.chunks_root)
        block_count = header.last_block_number - self._tip.header.last_block_number
        if known is not None and known.block_count == block_count:
            return known
        check_invariant(
            0 <= block_count <= len(self._blocks),
            "a posted batch has blocks that were not added",
            last_block_number=header.last_block_number,
        )
        blocks = list(islice(self._blocks, block_count))
        if chunks is not None:
            tree = execute_chunks(chunks, self._tip, blocks)
            return _Candidate(tuple(chunks), block_count, tree)
        packed = self._packed(lay_out(blocks, BATCH_CHUNKS_MAX).chunk_slots, block_count)
        if chunks_root(chunk_hashes(packed.chunks)) != header.chunks_root:
            raise ChunksUnknown(header.number)
        return packed

    def _check_state(self, tree: StateTree, blocks: Sequence[BlockOperations]) -> None:
        """Two phases and L1's reading must agree on every account that the blocks touch."""
        for account_id in {account_id for block in blocks for account_id in block.changes.leaves}:
            check_invariant(
                tree.leaf(account_id) == self._ledger.leaves[account_id],
                "two phases and the sequence differ",
                account_id=account_id,
            )

    def _packed(self, chunk_slots: Sequence[bytes], block_count: int) -> _Candidate:
        deposits = [
            record for block in islice(self._blocks, block_count) for record in block.deposits
        ]
        facts = facts_of(self._assets, self._tip.deposit_count, deposits)
        try:
            chunks, tree = with_roots(self._tip.tree, chunk_slots, facts)
        except ChunkInvalid as error:
            raise InvariantViolated("final blocks make an invalid batch") from error
        return _Candidate(tuple(chunks), block_count, tree)

    def _remember(self, candidate: _Candidate) -> Digest:
        root = chunks_root(chunk_hashes(candidate.chunks))
        self._candidates[root] = candidate
        while len(self._candidates) > _CANDIDATES_MAX:
            del self._candidates[next(iter(self._candidates))]
        return root
