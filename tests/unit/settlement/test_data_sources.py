"""Who has a batch's chunks, and who only says so.

- an archive before all else; then calldata; then blobs, one source after the other
- blobs that somebody made up: the next source is asked
- blobs of the very hashes with other chunks, or with elements too wide: fraud
- nobody has them
- a beacon node is asked if one is named, after the node itself
"""

from dataclasses import replace

import pytest

from backend.protocol.batches import (
    BLOB_BYTES,
    ELEMENT_BYTES,
    Chunk,
    chunk_hashes,
    genesis_header,
    pack_blobs,
    padded,
)
from backend.protocol.hashing import ZERO_DIGEST, Digest, keccak
from backend.settlement.archive import Archive
from backend.settlement.batch_data import BLOBS, AcceptedBatch, PostedBatch
from backend.settlement.chain import L1Point
from backend.settlement.client import ChainClient
from backend.settlement.data_sources import (
    BeaconBlobs,
    DataMismatch,
    DataMissing,
    DataSources,
    DevelopmentBlobs,
    blob_sources,
)
from backend.settlement.kzg import Kzg

CHUNKS = tuple(Chunk(padded(bytes([i]) * 15), Digest(keccak(bytes([i])))) for i in range(3))
OTHERS = CHUNKS[::-1]


class Given:
    """A source that has what it was given, true or not."""

    def __init__(self, *blobs: bytes) -> None:
        self.given, self.was_asked = blobs or None, False

    async def blobs(self, _batch):
        self.was_asked = True
        return self.given


@pytest.fixture(scope="module")
def kzg():
    kzg = Kzg()
    yield kzg
    kzg.close()


def batch(versioned_hashes=(), chunks=None) -> PostedBatch:
    header = replace(genesis_header(ZERO_DIGEST), number=4, chunk_count=len(CHUNKS))
    return PostedBatch(
        AcceptedBatch(header, 9, 7),
        Digest(keccak(b"header")),
        BLOBS,
        L1Point(1, ZERO_DIGEST),
        ZERO_DIGEST,
        chunks,
        tuple(chunk_hashes(CHUNKS)),
        tuple(versioned_hashes),
    )


async def test_chunks__in_an_archive__nobody_else_is_asked_succeeds(kzg, tmp_path):
    empty, full, source = Archive(tmp_path / "a"), Archive(tmp_path / "b"), Given()
    full.keep_chunks(batch().header_hash, CHUNKS)

    found = await DataSources([empty, full], [source], kzg).chunks(batch())

    assert found == CHUNKS
    assert not source.was_asked


async def test_chunks__in_calldata__succeeds(kzg):
    assert await DataSources([], [], kzg).chunks(batch(chunks=CHUNKS)) == CHUNKS


async def test_chunks__second_source_has_them__succeeds(kzg):
    sources = [Given(), Given(*pack_blobs(CHUNKS))]

    assert await DataSources([], sources, kzg).chunks(batch()) == CHUNKS


async def test_chunks__first_source_makes_them_up__the_next_is_asked_succeeds(kzg):
    hashes = await kzg.versioned_hashes(pack_blobs(CHUNKS))
    made_up = [pack_blobs(OTHERS)[0], b"short", b"\xff" * BLOB_BYTES]
    sources = [*map(Given, made_up), Given(*pack_blobs(CHUNKS))]

    assert await DataSources([], sources, kzg).chunks(batch(hashes)) == CHUNKS


async def test_chunks__true_blobs_of_other_chunks__rejects(kzg):
    blobs = tuple(pack_blobs(OTHERS))
    hashes = await kzg.versioned_hashes(blobs)

    with pytest.raises(DataMismatch, match="batch 4") as found:
        await DataSources([], [Given(*blobs)], kzg).chunks(batch(hashes))

    assert found.value.blobs == blobs


async def test_chunks__true_blobs_with_an_element_too_wide__rejects(kzg):
    blob = bytearray(pack_blobs(CHUNKS)[0])
    blob[ELEMENT_BYTES] = 1
    hashes = await kzg.versioned_hashes([bytes(blob)])

    with pytest.raises(DataMismatch):
        await DataSources([], [Given(bytes(blob))], kzg).chunks(batch(hashes))


async def test_chunks__nobody_has_them__rejects(kzg, tmp_path):
    with pytest.raises(DataMissing, match="batch 4"):
        await DataSources([Archive(tmp_path)], [Given()], kzg).chunks(batch())


@pytest.mark.parametrize("beacon_url", [None, "", "http://127.0.0.1:5052"])
def test_blob_sources__beacon_node_named_or_not__holds(kzg, beacon_url):
    sources = blob_sources(ChainClient("http://127.0.0.1:8545"), kzg, beacon_url)

    kinds = [type(source) for source in sources]
    assert kinds == [DevelopmentBlobs, BeaconBlobs][: 2 if beacon_url else 1]
