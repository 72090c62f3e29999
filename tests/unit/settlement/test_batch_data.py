"""A batch's transaction, as L1 takes it.

- calldata and blobs: header, signatures, chunks or their hashes, the blobs that count
- parts that were moved, and gaps that were filled
- what is no submission, or another header's
"""

from dataclasses import astuple, replace

import pytest

from backend.protocol.batches import Chunk, chunk_hashes, encode_chunks, genesis_header, padded
from backend.protocol.eip712 import ledger_domain
from backend.protocol.errors import InvariantViolated
from backend.protocol.hashing import ZERO_DIGEST, Digest, keccak
from backend.protocol.types import Address
from backend.settlement.artifacts import artifact
from backend.settlement.batch_data import (
    BLOBS,
    CALLDATA,
    NO_BATCH,
    AcceptedBatch,
    decode_header,
    posted_batch,
)
from backend.settlement.chain import L1Log, L1Point, L1Transaction

ABI = artifact("Rollup").abi
DOMAIN = ledger_domain(31337, Address(b"\x0a" * 20))
CHUNKS = tuple(Chunk(padded(bytes([i]) * 15), Digest(keccak(bytes([i])))) for i in range(129))
HEADER = replace(genesis_header(Digest(b"\x01" * 32)), number=1, epoch=3, chunk_count=len(CHUNKS))
SIGNATURES = bytes(range(195))
BLOB_HASHES = tuple(b"\x01" + bytes([i]) * 31 for i in range(3))
POINT = L1Point(7, b"\x07" * 32)


def log_of(header) -> L1Log:
    data = header.post_root + (9).to_bytes(32) + (7).to_bytes(32)
    topics = (ABI.topic("BatchPosted"), header.number.to_bytes(32), header.digest(DOMAIN))
    return L1Log(b"\x0a" * 20, topics, data, POINT, b"\x08" * 32, 0)


def transaction(data: bytes, versioned_hashes=()) -> L1Transaction:
    return L1Transaction(b"\x08" * 32, b"\x0b" * 20, 0, data, POINT, versioned_hashes)


def submission(carrier: str, header=HEADER) -> bytes:
    head = (astuple(header), NO_BATCH.arguments(), SIGNATURES)
    if carrier == BLOBS:
        return ABI.call_data("submitBatchBlobs", *head, chunk_hashes(CHUNKS))
    return ABI.call_data("submitBatchCalldata", *head, encode_chunks(CHUNKS[:2]))


def test_posted_batch__calldata__succeeds():
    found = posted_batch(ABI, DOMAIN, log_of(HEADER), transaction(submission(CALLDATA)))

    assert found.accepted == AcceptedBatch(HEADER, 9, 7)
    assert (found.carrier, found.chunks, found.signatures) == (CALLDATA, CHUNKS[:2], SIGNATURES)
    assert found.chunk_hashes == tuple(chunk_hashes(CHUNKS[:2]))
    assert found.without_data() == replace(found, chunks=None, chunk_hashes=())


def test_posted_batch__blobs__those_that_hold_chunks_count_succeeds():
    sent = transaction(submission(BLOBS), BLOB_HASHES)

    found = posted_batch(ABI, DOMAIN, log_of(HEADER), sent)

    assert (found.carrier, found.chunks, found.signatures) == (BLOBS, None, SIGNATURES)
    assert found.chunk_hashes == tuple(chunk_hashes(CHUNKS))
    assert found.versioned_hashes == BLOB_HASHES[:2]


def test_posted_batch__parts_moved_and_gaps_filled__succeeds():
    plain = submission(CALLDATA)
    head, places, parts = plain[: 4 + 30 * 32], plain[4 + 30 * 32 :][:64], plain[4 + 32 * 32 :]
    first, second = (int.from_bytes(places[at : at + 32]) for at in (0, 32))
    assert first == 32 * 32
    # Chunks before the signatures, something of no meaning between, and after.
    size = second - first
    signatures, chunks = parts[:size].ljust(size), parts[size:]
    moved = head + (32 * 32 + 64 + len(chunks)).to_bytes(32) + (32 * 32 + 32).to_bytes(32)
    moved += b"\xee" * 32 + chunks + b"\xee" * 32 + signatures + b"\xee" * 5

    found = posted_batch(ABI, DOMAIN, log_of(HEADER), transaction(moved))

    assert (found.chunks, found.signatures) == (CHUNKS[:2], SIGNATURES)


@pytest.mark.parametrize("data", [b"", ABI.call_data("settle", []), submission(BLOBS)[4:]])
def test_posted_batch__no_submission__rejects(data):
    with pytest.raises(InvariantViolated, match="without a submission"):
        posted_batch(ABI, DOMAIN, log_of(HEADER), transaction(data))


def test_posted_batch__another_header__rejects():
    other = replace(HEADER, timestamp=1)

    with pytest.raises(InvariantViolated, match="not the accepted one"):
        posted_batch(ABI, DOMAIN, log_of(other), transaction(submission(CALLDATA)))


def test_decode_header__encoded__succeeds():
    header = replace(HEADER, parent_hash=ZERO_DIGEST, deposit_cursor=2**64 - 1)

    assert decode_header(header.encode()) == header
