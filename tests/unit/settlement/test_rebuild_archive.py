"""The archive of batches' data.

- chunks and states come back as they were kept; a repeat changes nothing
- what is missing, changed, cut short or another batch's is as good as missing
- only the newest states stay; strange files are passed over
"""

from dataclasses import replace

import pytest

from backend.protocol.batches import Chunk, chunk_hashes, genesis_header, padded
from backend.protocol.hashing import ZERO_DIGEST, Digest, keccak
from backend.protocol.money import BalanceMinor
from backend.protocol.state_tree import GENESIS_LEAVES, StateTree
from backend.protocol.types import AccountId, Address, Leaf
from backend.settlement.archive import Archive, decode_leaves, encode_leaves
from backend.settlement.batch_data import BLOBS, AcceptedBatch, PostedBatch
from backend.settlement.chain import L1Point

CHUNKS = tuple(Chunk(padded(bytes([i]) * 15), Digest(keccak(bytes([i])))) for i in range(3))
LEAVES = GENESIS_LEAVES | {
    AccountId(number): Leaf(Address(bytes([number]) * 20), 1, number, BalanceMinor(number))
    for number in (7, 2, 200)
}


def batch(number: int = 1, leaves=LEAVES, chunks=CHUNKS) -> PostedBatch:
    header = replace(genesis_header(StateTree(leaves).root), number=number)
    return PostedBatch(
        accepted=AcceptedBatch(header, 5, 15),
        header_hash=Digest(keccak(number.to_bytes(8))),
        carrier=BLOBS,
        block=L1Point(1, ZERO_DIGEST),
        tx_hash=ZERO_DIGEST,
        chunks=None,
        chunk_hashes=tuple(chunk_hashes(chunks)),
    )


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive")


def only_file(archive, folder):
    [path] = (archive.folder / folder).iterdir()
    return path


def test_archive__kept__comes_back_succeeds(archive):
    kept = batch()
    archive.keep_chunks(kept.header_hash, CHUNKS)
    archive.keep_state(1, kept.header_hash, LEAVES)

    again = Archive(archive.folder)
    assert again.chunks(kept) == CHUNKS
    assert again.state(kept) == LEAVES
    assert list(again.states()) == [1]


def test_archive__kept_twice__changes_nothing(archive):
    kept = batch()
    archive.keep_chunks(kept.header_hash, CHUNKS)
    archive.keep_state(1, kept.header_hash, LEAVES)

    archive.keep_chunks(kept.header_hash, CHUNKS[:1])
    archive.keep_state(1, kept.header_hash, GENESIS_LEAVES)

    assert (archive.chunks(kept), archive.state(kept)) == (CHUNKS, LEAVES)


def test_archive__nothing_kept__rejects(archive):
    assert archive.chunks(batch()) is None
    assert archive.state(batch()) is None
    assert list(archive.states()) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: data + data,
    ],
    ids=["cut short", "changed", "half", "empty", "twice"],
)
def test_archive__spoilt_files__rejects(archive, spoil):
    kept = batch()
    archive.keep_chunks(kept.header_hash, CHUNKS)
    archive.keep_state(1, kept.header_hash, LEAVES)
    for path in (only_file(archive, "chunks"), only_file(archive, "states")):
        path.write_bytes(spoil(path.read_bytes()))

    assert archive.chunks(kept) is None
    assert archive.state(kept) is None


def test_archive__data_of_another_batch__rejects(archive):
    kept = batch()
    archive.keep_chunks(kept.header_hash, CHUNKS[:2])
    archive.keep_state(1, kept.header_hash, GENESIS_LEAVES)

    assert archive.chunks(kept) is None
    assert archive.state(kept) is None


def test_archive__many_states__the_newest_stay_holds(archive):
    for number in (9, 10, 2, 11, 100):
        archive.keep_state(number, batch(number).header_hash, LEAVES)

    assert list(archive.states()) == [100, 11, 10]


def test_archive__state_due__only_if_it_would_stay_holds(archive):
    assert [number for number in range(1, 200) if archive.wants_state(number)] == [64, 128, 192]
    for number in (128, 192, 256):
        archive.keep_state(number, batch(number).header_hash, LEAVES)

    assert [number for number in (64, 128, 320) if archive.wants_state(number)] == [128, 320]


def test_archive__strange_files__are_passed_over_holds(archive):
    kept = batch()
    archive.keep_state(1, kept.header_hash, LEAVES)
    for name in ("notes.txt", ".0000-0x00.17", "x-0x00", "12-0x00"):
        (archive.folder / "states" / name).write_bytes(b"")

    assert list(archive.states()) == [1]
    assert archive.state(kept) == LEAVES


def test_leaves__as_bytes__have_one_encoding_holds():
    data = encode_leaves(LEAVES)

    assert decode_leaves(data) == LEAVES
    assert encode_leaves(dict(reversed(LEAVES.items()))) == data
    account = data[-42:]
    with pytest.raises(ValueError, match="ascending"):
        decode_leaves(data + account)
