"""What provers show, as the tuples that ape takes for the structs of the interfaces."""

from collections.abc import Iterable, Sequence

from backend.protocol.hashing import ZERO_DIGEST
from backend.protocol.state_tree import CHUNKS_DEPTH, StateTree, chunk_path
from backend.protocol.transition import InvalidOperation, L1Facts, apply_in_sequence
from backend.protocol.types import (
    ZERO_ADDRESS,
    AccountId,
    DepositRecord,
    Leaf,
    address_from_text,
    address_text,
)
from tests.contracts.rollup.ledger import LedgerChunk

NO_CHUNK = (0, b"", [ZERO_DIGEST] * CHUNKS_DEPTH)
"""IRollup.ChunkProof where none is read."""


def leaf_tuple(account_id: int, leaf: Leaf | None) -> tuple:
    """Return IRollup.Leaf; None is the empty leaf."""
    leaf = leaf or Leaf(ZERO_ADDRESS, 0, 0, 0)
    return account_id, address_text(leaf.owner), leaf.asset_id, leaf.nonce, leaf.balance_minor


def multiproof(tree: StateTree, account_ids: Iterable[int]) -> tuple:
    """Return IRollup.Multiproof of these accounts, in ascending order."""
    ids = [AccountId(each) for each in sorted(set(account_ids))]
    return [leaf_tuple(each, tree.leaf(each)) for each in ids], tree.multiproof(ids)


def leaf_proof(tree: StateTree, account_id: int) -> tuple:
    """Return IRollup.LeafProof."""
    leaf = tree.leaf(AccountId(account_id))
    return *leaf_tuple(account_id, leaf), tree.path(AccountId(account_id))


def chunk_proof(chunks: Sequence[LedgerChunk], index: int) -> tuple:
    """Return IRollup.ChunkProof."""
    return index, chunks[index].data, chunk_path([chunk.hash for chunk in chunks], index)


def record_tuple(record: DepositRecord) -> tuple:
    """Return IRollup.DepositRecord."""
    return (
        address_text(record.token),
        record.asset_id,
        address_text(record.owner),
        record.amount_minor,
        record.l1_ts_s,
    )


def queued(rollup) -> dict[int, DepositRecord]:
    """Return the rollup's deposit queue by index."""
    return {
        log.index: DepositRecord(
            address_from_text(log.token),
            log.assetId,
            address_from_text(log.owner),
            log.amountMinor,
            log.tsS,
        )
        for log in rollup.DepositQueued.range(0, rollup.provider.get_block("latest").number + 1)
    }


class Witness:
    """What a chunk's reading reads: the accounts it asks for, and whether it is valid."""

    def __init__(self, leaf_of, slots: bytes, facts: L1Facts) -> None:
        self.account_ids: set[int] = set()
        self.changes: dict[AccountId, Leaf] | None = None
        self.refusal: InvalidOperation | None = None

        def seen(account_id: AccountId) -> Leaf | None:
            self.account_ids.add(account_id)
            return leaf_of(account_id)

        try:
            self.changes = apply_in_sequence(seen, slots, facts)
        except InvalidOperation as refusal:
            self.refusal = refusal

    @property
    def is_valid(self) -> bool:
        return self.changes is not None
