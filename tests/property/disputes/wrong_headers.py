"""Roots, headers and blobs that don't belong to a batch's operations."""

from dataclasses import replace
from random import Random
from typing import Final

from backend.protocol.batches import CHUNK_ELEMENTS, CHUNK_SLOTS, ELEMENT_BYTES
from backend.protocol.hashing import Digest
from backend.protocol.operations import SLOT_BYTES
from backend.protocol.types import BRIDGE
from tests.property.disputes.candidates import Candidate
from tests.property.disputes.drafts import Scene

_CHUNK_BLOB_BYTES: Final = CHUNK_ELEMENTS * ELEMENT_BYTES


def a_root(random: Random, scene: Scene, candidate: Candidate) -> None:
    index = random.randrange(len(candidate.chunks))
    others = [scene.tree.root, candidate.chunks[-1].root, bytes(32)]
    root = Digest(random.choice([*others, random.randbytes(32)]))
    candidate.chunks[index] = replace(candidate.chunks[index], root=root)


def all_roots_from_one_on(random: Random, scene: Scene, candidate: Candidate) -> None:
    """A made-up state, whose leaves nobody can show."""
    for index in range(random.randrange(len(candidate.chunks)), len(candidate.chunks)):
        root = Digest(random.randbytes(32))
        candidate.chunks[index] = replace(candidate.chunks[index], root=root)
    candidate.post_root = candidate.chunks[-1].root


def the_post_root(random: Random, scene: Scene, candidate: Candidate) -> None:
    others = [scene.tree.root, candidate.chunks[0].root, random.randbytes(32)]
    candidate.post_root = Digest(random.choice(others))


def the_cursor(random: Random, scene: Scene, candidate: Candidate) -> None:
    """Another one that L1 would accept."""
    low, high = scene.leaves[BRIDGE].nonce, len(scene.queue)
    candidate.cursor = random.choice([low, high, candidate.cursor + 1, candidate.cursor - 1])
    candidate.cursor = min(max(candidate.cursor, low), high)


def the_timestamp(random: Random, scene: Scene, candidate: Candidate) -> None:
    candidate.ts_s += random.choice([1, 2, 700])


# What the blobs hold is one thing, the hashes of the submission are another.


def nothing_in_blobs(random: Random, scene: Scene, candidate: Candidate) -> None:
    """Honest blobs."""


def what_follows_the_chunks(random: Random, scene: Scene, candidate: Candidate) -> None:
    """Bytes that mean nothing."""
    _put(candidate, len(candidate.chunks) * _CHUNK_BLOB_BYTES + 5, b"\7")


def a_byte_in_a_blob(random: Random, scene: Scene, candidate: Candidate) -> None:
    element = random.randrange(len(candidate.chunks) * CHUNK_ELEMENTS)
    _put(candidate, element * ELEMENT_BYTES + random.randrange(1, ELEMENT_BYTES), b"\x2a")


def a_wide_element(random: Random, scene: Scene, candidate: Candidate) -> None:
    """The 31 bytes are right, but there is one more in front of them."""
    element = random.randrange(len(candidate.chunks) * CHUNK_ELEMENTS)
    _put(candidate, element * ELEMENT_BYTES, bytes([random.randrange(1, 0x73)]))


def another_hash(random: Random, scene: Scene, candidate: Candidate) -> None:
    """The blobs are right, but L1 was told the hash of another chunk."""
    index = random.randrange(len(candidate.chunks))
    other = replace(candidate.chunks[index], slots=random.randbytes(CHUNK_SLOTS * SLOT_BYTES))
    candidate.posted_hashes[index] = random.choice([other.hash(), Digest(random.randbytes(32))])


def _put(candidate: Candidate, place: int, data: bytes) -> None:
    blob = bytearray(candidate.blobs[0])
    blob[place : place + len(data)] = data
    candidate.blobs[0] = bytes(blob)


WRONG_ROOTS: Final = [a_root, all_roots_from_one_on]
WRONG_HEADERS: Final = [the_post_root, the_cursor, the_timestamp]
WRONG_BLOBS: Final = [
    nothing_in_blobs,
    what_follows_the_chunks,
    a_byte_in_a_blob,
    a_wide_element,
    another_hash,
]
