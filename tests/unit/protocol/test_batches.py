"""Chunks, headers and carriers.

- header: digest as eth-account makes it; genesis
- chunk: both ways, operations, padding | wrong size, too many slots
- chunks joined: both ways | no whole number
- blobs: 1, 128, 129, 768 chunks; bytes after the last chunk don't matter | too few blobs, a wrong
  size, an element over 31 bytes
- hashes of L1: slot of a batch, key of a withdrawal
- slots of a chunk as a mask: both ways
"""

import re

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data

from backend.protocol.batches import (
    BATCH_CHUNKS_MAX,
    BLOB_BYTES,
    BLOBS_MAX,
    CHUNK_BYTES,
    Batch,
    Chunk,
    accepted_slot,
    blob_count,
    blobs_hash,
    calldata_hash,
    chunk_hashes,
    decode_chunks,
    encode_chunks,
    genesis_header,
    pack_blobs,
    padded,
    positions_of,
    slot_number,
    slots_of,
    unpack_blobs,
    withdrawal_key,
)
from backend.protocol.errors import InvariantViolated, MalformedBytes
from backend.protocol.hashing import Digest, keccak
from backend.protocol.money import AmountMinor
from backend.protocol.operations import NoOp, Payment, encode
from backend.protocol.state_tree import genesis_tree
from backend.protocol.types import AccountId
from backend.toolchain import PROJECT_ROOT
from tests.vectors.batches import header, noise_chunk
from tests.vectors.common import DOMAIN, TOKEN, address, named

CHUNKS = [noise_chunk(index) for index in range(BATCH_CHUNKS_MAX)]


def test_header__other_library__succeeds():
    law = (PROJECT_ROOT / "docs/PROTOCOL.md").read_text()
    (listed,) = re.findall(r"^BatchHeader\((.*)\)$", law, flags=re.MULTILINE)
    members = [tuple(member.split(" ")) for member in listed.split(",")]
    values = named(header()).values()
    message = {name: value for (_, name), value in zip(members, values, strict=True)}
    encoded = encode_typed_data(full_message=DOMAIN.typed_data("BatchHeader", members, message))

    assert header().digest(DOMAIN) == _hash_eip191_message(encoded)
    assert len(header().encode()) == 14 * 32


def test_genesis_header__root_alone__succeeds():
    genesis = genesis_header(genesis_tree().root)

    assert genesis.post_root == genesis_tree().root
    assert genesis.encode().replace(genesis.post_root, b"") == bytes(13 * 32)


def test_chunk__both_ways__succeeds():
    payment = Payment(AccountId(2), AccountId(3), AmountMinor(5))
    chunk = Chunk(padded(encode(payment)), Digest(keccak(b"root")))

    assert Chunk.decode(chunk.encode()) == chunk
    assert len(chunk.encode()) == CHUNK_BYTES
    assert chunk.operations() == [(0, payment), *((i, NoOp()) for i in range(1, 64))]
    assert chunk_hashes([chunk]) == [chunk.hash()] == [keccak(chunk.encode())]
    assert Batch(header(), (chunk,)).chunks[0] is chunk


def test_chunk__wrong_size__rejects():
    with pytest.raises(MalformedBytes):
        Chunk.decode(bytes(CHUNK_BYTES - 1))


def test_padded__too_many_slots__rejects():
    assert padded(bytes(960)) == bytes(960)
    with pytest.raises(InvariantViolated):
        padded(bytes(961))


def test_chunks__both_ways__succeeds():
    assert decode_chunks(encode_chunks(CHUNKS[:3])) == tuple(CHUNKS[:3])
    assert calldata_hash(CHUNKS[:3]) == keccak(encode_chunks(CHUNKS[:3]))


@pytest.mark.parametrize("data", [b"", bytes(CHUNK_BYTES + 1)])
def test_decode_chunks__no_whole_number__rejects(data):
    with pytest.raises(MalformedBytes):
        decode_chunks(data)


@pytest.mark.parametrize(("count", "blobs_due"), [(1, 1), (128, 1), (129, 2), (768, BLOBS_MAX)])
def test_blobs__both_ways__succeeds(count, blobs_due):
    blobs = pack_blobs(CHUNKS[:count])

    assert len(blobs) == blob_count(count) == blobs_due
    assert {len(blob) for blob in blobs} == {BLOB_BYTES}
    assert unpack_blobs(blobs, count) == tuple(CHUNKS[:count])


def test_pack_blobs__elements__succeeds():
    (blob,) = pack_blobs(CHUNKS[:1])
    data = CHUNKS[0].encode()

    assert blob[:32] == b"\0" + data[:31]
    assert blob[31 * 32 : 32 * 32] == b"\0" + data[-31:]
    assert not any(blob[32 * 32 :])


def test_unpack_blobs__bytes_after_the_last_chunk__succeeds():
    (blob,) = pack_blobs(CHUNKS[:1])
    tail = b"\xff" * (BLOB_BYTES - 1024)

    assert unpack_blobs([blob[:1024] + tail, bytes(3)], 1) == tuple(CHUNKS[:1])


def test_unpack_blobs__malformed__rejects():
    (blob,) = pack_blobs(CHUNKS[:2])

    with pytest.raises(MalformedBytes, match="don't fit"):
        unpack_blobs([blob], 129)
    with pytest.raises(MalformedBytes, match="a blob has"):
        unpack_blobs([blob[1:]], 2)
    with pytest.raises(MalformedBytes, match="31 bytes"):
        unpack_blobs([blob[: 63 * 32] + b"\x01" + blob[63 * 32 + 1 :]], 2)


def test_hashes_of_l1__bytes__succeeds():
    one, other = keccak(b"one"), keccak(b"other")
    owner = address("owner")

    assert blobs_hash([one, other]) == keccak(one + other)
    assert accepted_slot(one, 7, 5) == keccak(one + (7).to_bytes(8) + (5).to_bytes(32))
    key = withdrawal_key(owner, 3, TOKEN, 10**18)
    assert key == keccak(owner + (3).to_bytes(8) + TOKEN + (10**18).to_bytes(32))
    assert slot_number(767, 63) == 768 * 64 - 1


@pytest.mark.parametrize(
    ("slots", "positions"),
    [([], 0), ([64], 1), ([65, 127], 2 | 1 << 63), (list(range(64, 128)), 2**64 - 1)],
)
def test_positions__slots_of_a_chunk__both_ways_succeeds(slots, positions):
    assert positions_of(slots) == positions
    assert slots_of(64, positions) == slots_of(127, positions) == slots
