"""Batches: final blocks packed into chunks for L1, the judge of headers, and proofs for claims."""

from backend.engine.batch.builder import BatchBuilder, BatchDraft
from backend.engine.batch.chunking import BlockOperations, block_operations
from backend.engine.batch.errors import (
    ChunkInvalid,
    ChunkRootMismatch,
    ChunksUnknown,
    HeaderMismatch,
    HeaderOutOfRange,
    InvalidBatch,
    OperationsMismatch,
    PinUnknown,
)
from backend.engine.batch.posted import AccountProof, PostedBatches, WithdrawalProof
from backend.engine.batch.verify import BatchTip, HeaderChecks, verify_header

__all__ = [
    "AccountProof",
    "PostedBatches",
    "BatchBuilder",
    "BatchDraft",
    "BatchTip",
    "BlockOperations",
    "ChunkInvalid",
    "ChunkRootMismatch",
    "ChunksUnknown",
    "HeaderChecks",
    "HeaderMismatch",
    "HeaderOutOfRange",
    "InvalidBatch",
    "OperationsMismatch",
    "PinUnknown",
    "WithdrawalProof",
    "block_operations",
    "verify_header",
]
