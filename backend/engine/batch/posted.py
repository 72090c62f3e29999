"""The posted batches, and proofs from them at any time later.

The chunks are kept, but a state's tree only of the newest batches and of one in 64; any other state
comes from the nearest tree before it by executing the chunks in between again. All trees share one
flat one (vector/versions.py), which a proof from an old one brings back, and the next batch forth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from backend.engine.batch.chunking import facts_of
from backend.engine.batch.verify import BatchTip
from backend.protocol.batches import CHUNK_SLOTS, BatchHeader, Chunk, chunk_hashes
from backend.protocol.errors import BatchNotFound, ProofNotAvailable, check_invariant
from backend.protocol.hashing import Digest
from backend.protocol.operations import Withdrawal
from backend.protocol.state_tree import StateTree, chunk_path
from backend.protocol.types import BRIDGE, AccountId, Asset, DepositRecord, Leaf

TREE_INTERVAL: Final = 64
TREES_RECENT: Final = 16


@dataclass(frozen=True, slots=True)
class WithdrawalProof:
    """What `claimWithdrawal` takes: see IRollup.WithdrawalProof. `nonce` is the order's own."""

    batch_number: int
    slot_number: int
    chunk: bytes
    chunk_path: tuple[Digest, ...]
    payer_id: AccountId
    leaf: Leaf
    leaf_path: tuple[Digest, ...]
    amount_minor: int
    nonce: int


@dataclass(frozen=True, slots=True)
class AccountProof:
    """An account in the state after a batch, whose root is the header's postRoot."""

    batch_number: int
    account_id: AccountId
    leaf: Leaf
    leaf_path: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class _Posted:
    header: BatchHeader
    chunks: tuple[Chunk, ...]
    deposit_count: int
    deposits: tuple[DepositRecord, ...]


class PostedBatches:
    """Batches from the first one added on. `assets` grows with the ledger's listings."""

    def __init__(self, assets: Mapping[int, Asset]) -> None:
        self._assets = assets
        self._batches: dict[int, _Posted] = {}
        # By batch number, the state before it.
        self._trees: dict[int, StateTree] = {}
        self._last: tuple[int, int, StateTree] | None = None

    def add(
        self,
        header: BatchHeader,
        chunks: Sequence[Chunk],
        before: BatchTip,
        deposits: Sequence[DepositRecord],
    ) -> None:
        """Keep a posted batch; `before` is the batch that it continues."""
        number = header.number
        self._batches[number] = _Posted(
            header, tuple(chunks), before.deposit_count, tuple(deposits)
        )
        self._trees[number] = before.tree
        old = number - TREES_RECENT
        first = next(iter(self._batches))
        if (old - first) % TREE_INTERVAL:
            self._trees.pop(old, None)

    def is_known(self, header: BatchHeader) -> bool:
        """Return whether this batch was added, or its number is from before the first one."""
        batch = self._batches.get(header.number)
        if batch is None:
            return not self._batches or header.number < next(iter(self._batches))
        return batch.header == header

    def chunks(self, batch_number: int) -> tuple[Chunk, ...]:
        """Return a batch's chunks. Raises BatchNotFound."""
        return self._batch(batch_number).chunks

    def header(self, batch_number: int) -> BatchHeader:
        """Return a batch's header. Raises BatchNotFound."""
        return self._batch(batch_number).header

    def withdrawal_proof(self, batch_number: int, slot_number: int) -> WithdrawalProof:
        """Return the proof of the withdrawal at a slot number (chunk index * 64 + position).

        Raises BatchNotFound, and ProofNotAvailable if no withdrawal starts there.
        """
        chunks = self.chunks(batch_number)
        chunk_index, position = divmod(slot_number, CHUNK_SLOTS)
        if not 0 <= chunk_index < len(chunks):
            raise ProofNotAvailable(f"the batch has {len(chunks)} chunks")
        chunk = chunks[chunk_index]
        operations = chunk.operations()
        withdrawal = dict(operations).get(position)
        if not isinstance(withdrawal, Withdrawal):
            raise ProofNotAvailable(f"no withdrawal starts at slot {slot_number}")
        tree = self._tree_after(batch_number, chunk_index)
        payer_id = withdrawal.payer
        later = sum(
            1 for at, o in operations if at >= position and getattr(o, "payer", None) == payer_id
        )
        leaf = _leaf(tree, payer_id)
        return WithdrawalProof(
            batch_number,
            slot_number,
            chunk.encode(),
            tuple(chunk_path(chunk_hashes(chunks), chunk_index)),
            payer_id,
            leaf,
            tuple(tree.path(payer_id)),
            withdrawal.amount_minor,
            leaf.nonce - later,
        )

    def account_proof(self, batch_number: int, account_id: AccountId) -> AccountProof:
        """Return the proof of an account after a batch.

        Raises BatchNotFound, and ProofNotAvailable if the account was not open then.
        """
        tree = self.tree(batch_number)
        if account_id == BRIDGE or tree.leaf(account_id) is None:
            raise ProofNotAvailable(f"account {account_id} was not open after the batch")
        return AccountProof(
            batch_number, account_id, _leaf(tree, account_id), tuple(tree.path(account_id))
        )

    def tree(self, batch_number: int) -> StateTree:
        """Return all accounts after a batch. Raises BatchNotFound."""
        return self._tree_after(batch_number, len(self.chunks(batch_number)) - 1)

    def _batch(self, number: int) -> _Posted:
        batch = self._batches.get(number)
        if batch is None:
            raise BatchNotFound(number)
        return batch

    def _tree_after(self, batch_number: int, chunk_index: int) -> StateTree:
        """Return the state after a chunk. Proofs asked for in order cost each chunk once."""
        last_number, last_chunk, tree = self._last or (0, 0, None)
        if tree is None or last_number != batch_number or last_chunk > chunk_index:
            start = max(number for number in self._trees if number <= batch_number)
            tree, last_chunk = self._trees[start], -1
            for number in range(start, batch_number):
                tree = self._replayed(tree, number, 0, len(self._batches[number].chunks))
        if last_chunk < chunk_index:
            tree = self._replayed(tree, batch_number, last_chunk + 1, chunk_index + 1)
        self._last = (batch_number, chunk_index, tree)
        return tree

    def _replayed(self, tree: StateTree, number: int, first: int, end: int) -> StateTree:
        """Return the state after the chunks first to end - 1."""
        batch = self._batches[number]
        facts = facts_of(self._assets, batch.deposit_count, batch.deposits)
        chunks = batch.chunks[first:end]
        applied = tree.apply_chunks([chunk.slots for chunk in chunks], facts)
        check_invariant(
            applied.roots == [chunk.root for chunk in chunks],
            "a batch leads to another state",
            number=number,
        )
        return applied.tree


def _leaf(tree: StateTree, account_id: AccountId) -> Leaf:
    leaf = tree.leaf(account_id)
    if leaf is None:
        raise ProofNotAvailable(f"account {account_id} is not open")
    return leaf
