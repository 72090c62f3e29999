"""Frauds that one transaction proves (docs/PROTOCOL.md, section 9), with all they have to show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.protocol.batches import BLOB_CHUNKS, CHUNK_ELEMENTS, Chunk, blob_count
from backend.protocol.hashing import Digest, keccak
from backend.protocol.state_tree import StateTree, chunk_path
from backend.protocol.types import BRIDGE, AccountId, Address, DepositRecord
from backend.settlement.batch_data import PostedBatch
from backend.settlement.kzg import open_elements
from backend.settlement.proving.proofs import (
    NO_CHUNK,
    Arguments,
    chunk_proof,
    deposit_record,
    leaf_proof,
    multiproof,
)


@dataclass(frozen=True, slots=True)
class Fraud:
    """A batch is wrong: the function of Disputes that proves it, and its arguments."""

    function: str
    arguments: Arguments
    reason: str  # for people


class FraudFound(Exception):
    """A batch is a fraud's; `fraud` is the first that was found in it."""

    def __init__(self, fraud: Fraud) -> None:
        super().__init__(fraud.reason)
        self.fraud = fraud


def proof_commitment(call_data: bytes, prover: Address) -> Digest:
    """Return what a prover commits to, so that no copy of his proof earns the reward."""
    return keccak(keccak(call_data) + prover)


def data_mismatch(posted: PostedBatch, blobs: Sequence[bytes], index: int) -> Fraud:
    """Return the proof that a blob doesn't hold chunk `index`. Takes seconds: 32 openings."""
    place, first = index // BLOB_CHUNKS, index % BLOB_CHUNKS * CHUNK_ELEMENTS
    commitment, openings = open_elements(blobs[place], range(first, first + CHUNK_ELEMENTS))
    hashes = posted.chunk_hashes
    return Fraud(
        "proveDataMismatch",
        (
            posted.accepted.arguments(),
            index,
            hashes[index],
            chunk_path(hashes, index),
            list(posted.versioned_hashes[: blob_count(len(hashes))]),
            commitment,
            openings,
        ),
        f"chunk {index}: the blob holds something else",
    )


def invalid_chunk(
    posted: PostedBatch,
    chunks: Sequence[Chunk],
    index: int,
    tree: StateTree,
    read: tuple[Iterable[AccountId], Iterable[DepositRecord]],
    reason: str,
) -> Fraud:
    """Return the proof that chunk `index` is invalid. `tree` is the state before it, `read` the
    accounts and deposit records that its operations read."""
    hashes = posted.chunk_hashes
    account_ids, records = read
    before = chunk_proof(chunks[index - 1], hashes, index - 1) if index else NO_CHUNK
    return Fraud(
        "proveInvalidChunk",
        (
            posted.accepted.arguments(),
            chunk_proof(chunks[index], hashes, index),
            before,
            multiproof(tree, account_ids),
            [deposit_record(record) for record in records],
        ),
        f"chunk {index}: {reason}",
    )


def duplicate_account(
    posted: PostedBatch,
    chunk: Chunk,
    index: int,
    position: int,
    tree: StateTree,
    account_ids: tuple[AccountId, AccountId],
) -> Fraud:
    """Return the proof that the opening at `position` gives its owner a second account."""
    opened, other = account_ids
    return Fraud(
        "proveDuplicateAccount",
        (
            posted.accepted.arguments(),
            chunk_proof(chunk, posted.chunk_hashes, index),
            position,
            multiproof(tree, account_ids),
        ),
        f"chunk {index}: slot {position}: account {opened} is its owner's second after {other}",
    )


def post_root_mismatch(posted: PostedBatch, chunks: Sequence[Chunk]) -> Fraud:
    """Return the proof that the last chunk ends in another root than the header's."""
    last = len(chunks) - 1
    shown = chunk_proof(chunks[last], posted.chunk_hashes, last)
    arguments = (posted.accepted.arguments(), shown)
    return Fraud("provePostRootMismatch", arguments, "the header's postRoot is another")


def cursor_mismatch(posted: PostedBatch, tree: StateTree) -> Fraud:
    """Return the proof that the state after the batch has consumed other deposits."""
    arguments = (posted.accepted.arguments(), leaf_proof(tree, BRIDGE))
    return Fraud("proveCursorMismatch", arguments, "the header's depositCursor is another")
