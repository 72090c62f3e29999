"""Whether a batch is true, by nothing but the readable ledger: what the prover is held against."""

from collections.abc import Sequence

from backend.protocol.batches import (
    BatchHeader,
    chunk_hashes,
    encode_chunks,
    unpack_blobs,
)
from backend.protocol.errors import MalformedBytes
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.operations import OpenAccount
from backend.protocol.state_tree import StateTree, chunks_root
from backend.protocol.transition import InvalidOperation, apply_in_sequence
from backend.protocol.types import BRIDGE
from backend.settlement.batch_data import BLOBS, CALLDATA, AcceptedBatch, PostedBatch
from backend.settlement.chain import L1Point
from tests.property.disputes.candidates import Candidate
from tests.property.disputes.drafts import Scene

INVALID_CHUNK = "proveInvalidChunk"
DATA_MISMATCH = "proveDataMismatch"
POST_ROOT_MISMATCH = "provePostRootMismatch"
CURSOR_MISMATCH = "proveCursorMismatch"
DUPLICATE_ACCOUNT = "proveDuplicateAccount"


def broken_rule(scene: Scene, candidate: Candidate) -> str | None:
    """Return the proof that there has to be against the batch's bytes, roots or cursor."""
    if candidate.blobs is not None and not _is_data_right(candidate):
        return DATA_MISMATCH
    leaves = dict(scene.leaves)
    tree = StateTree(leaves)
    facts = scene.facts(candidate.cursor)
    for chunk in candidate.chunks:
        owned = [(leaf.owner, leaf.asset_id) for leaf in leaves.values()]
        try:
            changed = apply_in_sequence(leaves.get, chunk.slots, facts)
        except InvalidOperation:
            return INVALID_CHUNK
        leaves |= changed
        tree = tree.set_many(changed)
        if tree.root != chunk.root:
            return INVALID_CHUNK
        for _, operation in chunk.operations():
            if isinstance(operation, OpenAccount):
                owned.append((operation.owner, operation.asset_id))
        if len(set(owned)) < len(owned):
            return DUPLICATE_ACCOUNT
    if tree.root != candidate.post_root:
        return POST_ROOT_MISMATCH
    return CURSOR_MISMATCH if leaves[BRIDGE].nonce != candidate.cursor else None


def _is_data_right(candidate: Candidate) -> bool:
    try:
        chunks = unpack_blobs(candidate.blobs, len(candidate.chunks))
    except MalformedBytes:
        return False
    return chunk_hashes(chunks) == candidate.posted_hashes


def header_of(scene: Scene, candidate: Candidate, **others) -> BatchHeader:
    """Return the header that the candidate's committee signs; `others` are the fields that have
    nothing to do with it."""
    fields = {
        "number": 2,
        "epoch": 1,
        "parent_hash": keccak(b"parent"),
        "pre_root": scene.tree.root,
        "post_root": candidate.post_root,
        "chunks_root": chunks_root(candidate.posted_hashes),
        "chunk_count": len(candidate.chunks),
        "data_hash": keccak(encode_chunks(candidate.chunks)),
        "deposit_cursor": candidate.cursor,
        "l1_block_number": 1,
        "l1_block_hash": ZERO_DIGEST,
        "last_block_number": 1,
        "last_block_hash": ZERO_DIGEST,
        "timestamp": candidate.ts_s,
    }
    return BatchHeader(**(fields | others))


def posted(
    candidate: Candidate, accepted: AcceptedBatch, versioned_hashes: Sequence[bytes] = ()
) -> PostedBatch:
    """Return the batch as whoever reads L1 finds it."""
    is_calldata = candidate.blobs is None
    return PostedBatch(
        accepted=accepted,
        header_hash=ZERO_DIGEST,
        carrier=CALLDATA if is_calldata else BLOBS,
        block=L1Point(1, ZERO_DIGEST),
        tx_hash=ZERO_DIGEST,
        chunks=tuple(candidate.chunks) if is_calldata else None,
        chunk_hashes=tuple(candidate.posted_hashes),
        versioned_hashes=tuple(versioned_hashes),
    )
