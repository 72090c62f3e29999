"""Blobs that don't hold the chunks whose hashes the submission named.

- other bytes in the first or a later blob; an element of more than 31 bytes → proven
- honest blobs; openings, commitments, hashes of something else; calldata → can't be proven
"""

import asyncio
from functools import cache

import ckzg
import pytest

from backend.protocol.batches import BLOB_CHUNKS, CHUNK_ELEMENTS, blobs_hash
from backend.protocol.operations import Payment
from backend.protocol.state_tree import chunk_path, node_hash
from backend.settlement.kzg import _SETUP_FILE, blobs_of
from tests.contracts.disputes.proofs import chunk_proof
from tests.contracts.disputes.test_dispute_invalid_chunk import assert_rolled_back
from tests.contracts.rollup.operator import AcceptedBatch

DATA_MISMATCH = 1
LATER = BLOB_CHUNKS + 2  # a chunk in the second blob
FIELD_ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
BATCH, INDEX, HASH, PATH, BLOB_HASHES, COMMITMENT, OPENINGS = range(7)


@cache
def setup():
    return ckzg.load_trusted_setup(str(_SETUP_FILE), 0)


def point_of(element):
    """Return where the polynomial has the value of an element (docs/PROTOCOL.md, section 3)."""
    exponent = int(f"{element:012b}"[::-1], 2)
    return pow(pow(7, (FIELD_ORDER - 1) // 4096, FIELD_ORDER), exponent, FIELD_ORDER)


def openings_of(blob, place):
    """Return the openings of the chunk at a place of the blob."""
    openings = []
    for element in range(place * CHUNK_ELEMENTS, (place + 1) * CHUNK_ELEMENTS):
        proof, value = ckzg.compute_kzg_proof(blob, point_of(element).to_bytes(32), setup())
        assert value == blob[32 * element : 32 * (element + 1)]
        openings.append((bytes(value), bytes(proof)))
    return openings


@pytest.fixture
def post_blobs(rollup, operator, blob_carrier, kzg):
    """Post the book's chunks by these blobs, which hold them or don't; return the sidecar."""

    def _post(book, blobs):
        sidecar = asyncio.run(kzg.sidecar(blobs))
        header = operator.header(book.chunks, data_hash=blobs_hash(sidecar.versioned_hashes))
        hashes = [chunk.hash for chunk in book.chunks]
        arguments = (header, operator.parent, operator.sign(header), hashes)
        receipt = blob_carrier.send(rollup, arguments, sidecar)
        assert receipt["status"] == 1
        [log] = rollup.BatchPosted.range(receipt["blockNumber"], receipt["blockNumber"] + 1)
        book.batch = operator.parent = AcceptedBatch(header, log.acceptedTsS, log.signers)
        return sidecar

    return _post


def proof_of(book, sidecar, index):
    """Return the arguments of proveDataMismatch for a chunk."""
    blob, place = divmod(index, BLOB_CHUNKS)
    return [
        book.batch,
        index,
        book.chunks[index].hash,
        chunk_path([chunk.hash for chunk in book.chunks], index),
        list(sidecar.versioned_hashes),
        sidecar.commitments[blob],
        openings_of(sidecar.blobs[blob], place),
    ]


def blobs_for(book):
    return blobs_of([chunk.data for chunk in book.chunks])


def with_byte(blob, place, value):
    return blob[:place] + bytes([value]) + blob[place + 1 :]


@pytest.fixture
def long_book(book):
    """A book of two blobs."""
    for _ in range(LATER):
        book.claim(b"")
    return book.claim(b"")


@pytest.mark.parametrize(
    ("index", "place"),
    [(0, 1), (0, 32 * CHUNK_ELEMENTS - 1), (1, 32 * CHUNK_ELEMENTS), (1, 32 * CHUNK_ELEMENTS + 7)],
    ids=["first byte", "last byte", "element of 32 bytes", "byte of the second chunk"],
)
def test_prove_data_mismatch__another_byte__succeeds(
    rollup, disputes, prover, book, post_blobs, index, place
):
    book.honest(Payment(2, 3, 1))
    [blob] = blobs_for(book)
    sidecar = post_blobs(book, [with_byte(blob, place, blob[place] ^ 1)])

    receipt = disputes.proveDataMismatch(*proof_of(book, sidecar, index), sender=prover)

    assert_rolled_back(receipt, rollup, disputes, book, DATA_MISMATCH)


def test_prove_data_mismatch__later_blob__succeeds(rollup, disputes, prover, long_book, post_blobs):
    first, second = blobs_for(long_book)
    place = 32 * CHUNK_ELEMENTS * (LATER - BLOB_CHUNKS) + 9
    sidecar = post_blobs(long_book, [first, with_byte(second, place, second[place] ^ 1)])

    receipt = disputes.proveDataMismatch(*proof_of(long_book, sidecar, LATER), sender=prover)

    assert_rolled_back(receipt, rollup, disputes, long_book, DATA_MISMATCH)


def test_prove_data_mismatch__honest__reverts(reverts, disputes, prover, long_book, post_blobs):
    sidecar = post_blobs(long_book, blobs_for(long_book))

    for index in (0, BLOB_CHUNKS - 1, LATER):
        with reverts(disputes, "DataMatches"):
            disputes.proveDataMismatch(*proof_of(long_book, sidecar, index), sender=prover)


@pytest.fixture
def honest_proof(book, post_blobs):
    book.honest(Payment(2, 3, 1))
    return proof_of(book, post_blobs(book, blobs_for(book)), 1)


def swapped(openings):
    return [*openings[:5], openings[6], openings[5], *openings[7:]]


@pytest.mark.parametrize(
    ("change", "element"),
    [
        (lambda o: [(b"\0" + b"\1" * 31, o[0][1]), *o[1:]], 32),
        (lambda o: [(bytes(b ^ 0x80 for b in o[0][0]), o[0][1]), *o[1:]], 32),
        (lambda o: [*o[:31], (o[31][0], o[30][1])], 63),
        (swapped, 37),
        (lambda o: [*o[:9], (o[9][0], b""), *o[10:]], 41),
        (lambda o: [*o[:9], (o[9][0], o[9][1] + b"\0"), *o[10:]], 41),
    ],
    ids=["value", "value past the field", "proof", "order", "no proof", "long proof"],
)
def test_prove_data_mismatch__another_opening__reverts(
    reverts, disputes, prover, honest_proof, change, element
):
    honest_proof[OPENINGS] = change(honest_proof[OPENINGS])

    with reverts(disputes, "OpeningInvalid", element=element):
        disputes.proveDataMismatch(*honest_proof, sender=prover)


def test_prove_data_mismatch__another_blob__reverts(reverts, disputes, prover, honest_proof, kzg):
    """A blob of the prover's own, which holds another chunk there."""
    blob = bytes(131_072)
    [commitment] = asyncio.run(kzg.commitments([blob]))
    honest_proof[COMMITMENT], honest_proof[OPENINGS] = commitment, openings_of(blob, 1)

    with reverts(disputes, "OpeningInvalid", element=32):
        disputes.proveDataMismatch(*honest_proof, sender=prover)


def test_prove_data_mismatch__another_chunk__reverts(
    reverts, rollup, disputes, prover, book, honest_proof
):
    root = book.batch.header.chunks_root
    honest_proof[INDEX] = 0
    with reverts(rollup, "ChunkNotInBatch", expectedRoot=root, actualRoot=...):
        disputes.proveDataMismatch(*honest_proof, sender=prover)

    # Past the last chunk stands a hash of zero, which no bytes have.
    honest_proof[INDEX], honest_proof[HASH] = 2, bytes(32)
    pair = node_hash(book.chunks[0].hash, book.chunks[1].hash)
    honest_proof[PATH] = [bytes(32), pair, *[bytes(32)] * 8]
    with reverts(rollup, "ChunkOutOfRange", limit=2, actual=2):
        disputes.proveDataMismatch(*honest_proof, sender=prover)


def test_prove_data_mismatch__other_blob_hashes__reverts(reverts, disputes, prover, honest_proof):
    [blob_hash] = honest_proof[BLOB_HASHES]
    data_hash = honest_proof[BATCH].header.data_hash

    for wrong in ([], [blob_hash, blob_hash]):
        honest_proof[BLOB_HASHES] = wrong
        with reverts(disputes, "BlobCountMismatch", expected=1, actual=len(wrong)):
            disputes.proveDataMismatch(*honest_proof, sender=prover)
    honest_proof[BLOB_HASHES] = [b"\1" + bytes(31)]
    with reverts(disputes, "BlobHashesMismatch", expected=data_hash, actual=...):
        disputes.proveDataMismatch(*honest_proof, sender=prover)


def test_prove_data_mismatch__calldata__reverts(
    reverts, disputes, prover, book, honest_proof, operator
):
    """The words of the calldata itself hash to its data hash, but are too many for blobs."""
    case = book.next_batch().honest(Payment(2, 3, 1))
    case.post()
    honest_proof[BATCH], honest_proof[INDEX] = case.batch, 0
    honest_proof[HASH], honest_proof[PATH] = case.chunks[0].hash, chunk_proof(case.chunks, 0)[2]
    data = case.chunks[0].data
    honest_proof[BLOB_HASHES] = [data[i : i + 32] for i in range(0, len(data), 32)]

    with reverts(disputes, "BlobCountMismatch", expected=1, actual=31):
        disputes.proveDataMismatch(*honest_proof, sender=prover)
