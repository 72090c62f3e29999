"""Proofs as the contracts take them: structs of IRollup.sol, as tuples in ABI order."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from backend.protocol.batches import Chunk
from backend.protocol.hashing import ZERO_DIGEST, Digest
from backend.protocol.money import BalanceMinor
from backend.protocol.state_tree import CHUNKS_DEPTH, StateTree, chunk_path
from backend.protocol.types import BRIDGE, ZERO_ADDRESS, AccountId, DepositRecord, Leaf

Arguments = tuple[Any, ...]

NO_CHUNK: Final[Arguments] = (0, b"", [ZERO_DIGEST] * CHUNKS_DEPTH)
"""What stands for a ChunkProof that isn't read."""


def leaf_proof(tree: StateTree, account_id: AccountId) -> Arguments:
    """Return the LeafProof of an account, open or not, under the tree's root."""
    return (*_leaf(account_id, tree.leaf(account_id)), tree.path(account_id))


def multiproof(tree: StateTree, account_ids: Iterable[AccountId]) -> Arguments:
    """Return the Multiproof of these accounts, and of BRIDGE if there is none."""
    ascending = sorted(set(account_ids)) or [BRIDGE]
    leaves = [_leaf(account_id, tree.leaf(account_id)) for account_id in ascending]
    return leaves, tree.multiproof(ascending)


def chunk_proof(chunk: Chunk, chunk_hashes: Sequence[Digest], index: int) -> Arguments:
    """Return the ChunkProof of a batch's chunk; `chunk_hashes` are all of the batch."""
    return index, chunk.encode(), chunk_path(chunk_hashes, index)


def deposit_record(record: DepositRecord) -> Arguments:
    """Return the DepositRecord."""
    return record.token, record.asset_id, record.owner, record.amount_minor, record.l1_ts_s


def _leaf(account_id: AccountId, leaf: Leaf | None) -> Arguments:
    shown = leaf or Leaf(ZERO_ADDRESS, 0, 0, BalanceMinor(0))
    return account_id, shown.owner, shown.asset_id, shown.nonce, shown.balance_minor
