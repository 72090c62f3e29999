"""Carriers: the header's data is the data that came.

- submit_batch_calldata: 1 chunk, several, 120 → succeeds
- submit_batch_calldata: none, 121, part of a chunk, other count, data hash, root → reverts
- submit_batch_blobs: 1 chunk, 129 in two blobs, a blob too many → succeeds
- submit_batch_blobs: none, 769, a blob too few, other data hash, other chunk hashes → reverts
"""

import pytest

from backend.protocol.batches import blobs_hash, padded
from tests.contracts.rollup.ledger import LedgerChunk
from tests.contracts.rollup.operator import BlobCarrier

ONES = b"\x11" * 32


@pytest.fixture
def chunks_of(ledger):
    """Return that many chunks, all different."""

    def _chunks(count):
        return [
            LedgerChunk(padded(i.to_bytes(15)) + ledger.tree.root, ledger.tree)
            for i in range(count)
        ]

    return _chunks


@pytest.mark.parametrize("count", [1, 2, 3, 5, 120])
def test_submit_batch_calldata__chunks__succeeds(rollup, operator, chunks_of, count):
    operator.post(chunks_of(count))

    assert rollup.tip() == 1


@pytest.mark.parametrize("count", [0, 121])
def test_submit_batch_calldata__count_out_of_range__reverts(
    rollup, operator, chunks_of, reverts, count
):
    header = operator.header(chunks_of(1))

    with reverts(rollup, "ChunkCountOutOfRange", minimum=1, maximum=120, actual=count):
        operator.submit_calldata(chunks_of(count), header)


@pytest.mark.parametrize("size_bytes", [991, 993])
def test_submit_batch_calldata__part_of_a_chunk__reverts(
    rollup, operator, chunks_of, reverts, size_bytes
):
    chunk = chunks_of(1)[0]
    cut = LedgerChunk(chunk.data.ljust(993, b"\0")[:size_bytes], chunk.tree)

    with reverts(rollup, "ChunkBytesInvalid", chunkSizeBytes=992, actualBytes=size_bytes):
        operator.submit_calldata([cut])


@pytest.mark.parametrize(
    ("changes", "error", "values"),
    [
        ({"chunk_count": 1}, "ChunkCountMismatch", {"expected": 2, "actual": 1}),
        ({"data_hash": ONES}, "DataHashMismatch", {"expected": ..., "actual": ONES}),
        ({"chunks_root": ONES}, "ChunksRootMismatch", {"expected": ..., "actual": ONES}),
    ],
)
def test_submit_batch_calldata__header_of_other_data__reverts(
    rollup, operator, chunks_of, reverts, changes, error, values
):
    chunks = chunks_of(2)
    header = operator.header(chunks, **changes)

    with reverts(rollup, error, **values):
        operator.submit_calldata(chunks, header)


def send_blobs(carrier: BlobCarrier, operator, chunks, sidecar, hashes=None, **changes):
    header = operator.header(
        chunks, **{"data_hash": blobs_hash(sidecar.versioned_hashes), **changes}
    )
    hashes = [chunk.hash for chunk in chunks] if hashes is None else hashes
    arguments = (header, operator.parent, operator.sign(header), hashes)
    return carrier.send(operator.rollup, arguments, sidecar)


@pytest.fixture
def refuse_blobs(blob_carrier, operator, chain, reverts):
    """Send a blob batch and insist on the error with which it reverts."""

    def _refuse(chunks, sidecar, error, values, **options):
        # ape finds the reason of its own transactions alone, so the same call is made anew.
        receipt = send_blobs(blob_carrier, operator, chunks, sidecar, **options)
        assert receipt["status"] == 0
        with reverts(operator.rollup, error, **values):
            raise blob_carrier.reason(receipt)

    return _refuse


@pytest.mark.parametrize(("count", "blob_count"), [(1, 1), (129, 2)])
def test_submit_batch_blobs__chunks__succeeds(
    rollup, operator, blob_carrier, chunks_of, count, blob_count
):
    chunks = chunks_of(count)
    sidecar = blob_carrier.sidecar(chunks)

    receipt = send_blobs(blob_carrier, operator, chunks, sidecar)

    assert len(sidecar.blobs) == blob_count
    assert receipt["status"] == 1
    assert rollup.tip() == 1


def test_submit_batch_blobs__more_blobs_than_needed__succeeds(
    rollup, operator, blob_carrier, chunks_of
):
    two_blobs = blob_carrier.sidecar(chunks_of(129))

    send_blobs(
        blob_carrier,
        operator,
        chunks_of(128),
        two_blobs,
        data_hash=blobs_hash(two_blobs.versioned_hashes[:1]),
    )

    assert rollup.tip() == 1


@pytest.mark.parametrize("count", [0, 769])
def test_submit_batch_blobs__count_out_of_range__reverts(
    blob_carrier, chunks_of, refuse_blobs, count
):
    chunks = chunks_of(1)
    values = {"minimum": 1, "maximum": 768, "actual": count}

    refuse_blobs(
        chunks,
        blob_carrier.sidecar(chunks),
        "ChunkCountOutOfRange",
        values,
        hashes=[chunks[0].hash] * count,
    )


def test_submit_batch_blobs__blob_missing__reverts(blob_carrier, chunks_of, refuse_blobs):
    chunks = chunks_of(129)

    refuse_blobs(chunks, blob_carrier.sidecar(chunks[:128]), "BlobMissing", {"index": 1})


def test_submit_batch_blobs__no_blob__reverts(rollup, operator, chunks_of, lister, reverts):
    chunks = chunks_of(1)
    header = operator.header(chunks)

    with reverts(rollup, "BlobMissing", index=0):
        rollup.submitBatchBlobs(
            header, operator.parent, operator.sign(header), [chunks[0].hash], sender=lister
        )


def test_submit_batch_blobs__other_blob__reverts(blob_carrier, chunks_of, refuse_blobs):
    chunks = chunks_of(1)
    values = {"expected": ..., "actual": ONES}

    refuse_blobs(chunks, blob_carrier.sidecar(chunks), "DataHashMismatch", values, data_hash=ONES)


def test_submit_batch_blobs__other_chunk_hashes__reverts(blob_carrier, chunks_of, refuse_blobs):
    chunks = chunks_of(2)
    hashes = [chunks[1].hash, chunks[0].hash]
    values = {"expected": ..., "actual": ...}

    refuse_blobs(chunks, blob_carrier.sidecar(chunks), "ChunksRootMismatch", values, hashes=hashes)


def test_submit_batch_blobs__fewer_hashes_than_counted__reverts(
    blob_carrier, chunks_of, refuse_blobs
):
    chunks = chunks_of(2)
    values = {"expected": 1, "actual": 2}

    refuse_blobs(
        chunks,
        blob_carrier.sidecar(chunks),
        "ChunkCountMismatch",
        values,
        hashes=[chunks[0].hash],
    )
