"""Blobs' commitments and proofs.

- cell proofs that ckzg accepts for the commitment
- an element is the polynomial's value where PROTOCOL.md says, and is opened there
- the network form of a blob transaction
- data hashes of both carriers
- the event loop goes on meanwhile
- the process is killed from outside
"""

import asyncio
import os

import ckzg
import pytest
import rlp

from backend.protocol.batches import BLOB_BYTES, Chunk, pack_blobs
from backend.protocol.hashing import keccak
from backend.settlement.kzg import (
    Kzg,
    Sidecar,
    _setup,
    blob_transaction,
    blobs_of,
    open_elements,
    versioned_hash,
)

ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
CHUNKS = [Chunk(os.urandom(960), keccak(bytes([i]))) for i in range(3)]


@pytest.fixture(scope="module")
def kzg():
    kzg = Kzg()
    kzg.start()
    yield kzg
    kzg.close()


def point_of(index):
    place = int(f"{index:012b}"[::-1], 2)
    return pow(pow(7, (ORDER - 1) // 4096, ORDER), place, ORDER).to_bytes(32)


@pytest.fixture
def blobs():
    return pack_blobs(CHUNKS)


def test_open_elements__some_of_a_blob__succeeds(blobs):
    indexes = (0, 1, 95, 4095)

    commitment, openings = open_elements(blobs[0], indexes)

    assert commitment == ckzg.blob_to_kzg_commitment(blobs[0], _setup())
    for index, (value, proof) in zip(indexes, openings, strict=True):
        assert value == blobs[0][32 * index : 32 * index + 32]
        assert ckzg.verify_kzg_proof(commitment, point_of(index), value, proof, _setup())


async def test_sidecar__chunks__succeeds(kzg, blobs):
    sidecar = await kzg.sidecar(blobs)

    [commitment] = sidecar.commitments
    assert sidecar.versioned_hashes == (versioned_hash(commitment),)
    assert commitment == ckzg.blob_to_kzg_commitment(blobs[0], _setup())
    cells, _ = ckzg.compute_cells_and_kzg_proofs(blobs[0], _setup())
    assert len(sidecar.cell_proofs) == 128
    assert ckzg.verify_cell_kzg_proof_batch(
        [commitment] * 128, list(range(128)), cells, list(sidecar.cell_proofs), _setup()
    )


@pytest.mark.parametrize("index", [0, 1, 33, 95])
def test_blobs_of__elements__holds(blobs, index):
    _, value = ckzg.compute_kzg_proof(blobs[0], point_of(index), _setup())

    data = b"".join(chunk.encode() for chunk in CHUNKS)
    assert bytes(value) == b"\0" + data[31 * index : 31 * index + 31]
    assert blobs_of([chunk.encode() for chunk in CHUNKS]) == tuple(blobs)


def test_blob_transaction__version_1__succeeds():
    body = b"\x03" + rlp.encode([b"\1", b"\2"])
    sidecar = Sidecar((b"blob",), (b"commitment",), (b"proof",) * 2)

    raw = blob_transaction(body, sidecar)

    fields, version, blobs, commitments, proofs = rlp.decode(raw[1:])
    assert raw[:1] == b"\x03"
    assert (fields, version) == ([b"\1", b"\2"], b"\1")
    assert (blobs, commitments, proofs) == ([b"blob"], [b"commitment"], [b"proof"] * 2)


def test_blob_transaction__ordinary_one__rejects():
    with pytest.raises(ValueError, match="not a blob transaction"):
        blob_transaction(b"\x02\xc0", Sidecar((), (), ()))


async def test_data_hash__carriers__succeeds(kzg, blobs):
    hashes = await kzg.versioned_hashes(blobs)

    assert await kzg.data_hash(CHUNKS, "blobs") == keccak(b"".join(hashes))
    data = b"".join(chunk.encode() for chunk in CHUNKS)
    assert await kzg.data_hash(CHUNKS, "calldata") == keccak(data)


async def test_sidecar__event_loop__goes_on_holds(kzg, blobs):
    """Nothing else would: ckzg holds the GIL for a fifth of a second for each blob."""
    await kzg.commitments(blobs)
    waits_ms = []

    async def tick():
        loop = asyncio.get_running_loop()
        while True:
            start = loop.time()
            await asyncio.sleep(0.005)
            waits_ms.append((loop.time() - start) * 1000)

    ticking = asyncio.create_task(tick())
    await kzg.sidecar([os.urandom(1).rjust(BLOB_BYTES, b"\0"), *blobs])
    ticking.cancel()

    assert len(waits_ms) > 20
    assert sorted(waits_ms)[len(waits_ms) // 2] < 50


async def test_commitments__process_killed__succeeds(blobs):
    kzg = Kzg()
    before = await kzg.commitments(blobs)
    [process] = kzg._pool._processes.values()
    process.kill()
    process.join()

    other = [bytes(BLOB_BYTES)]
    await kzg.commitments(other)
    after = await kzg.commitments(blobs)
    kzg.close()

    assert after == before
