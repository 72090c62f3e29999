"""Hashes eight at once are those of one at a time, in wide lanes and in narrow ones.

- pairs: none, part of a group, whole groups, both; not of 64 bytes → rejects
- short messages in rows, as leaves are
- messages of one length: empty, around a block's end, of many blocks
- two threads at once
- machine code that hashes wrongly → rejects
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engine.vector import keccak, lanes
from backend.protocol.errors import InvariantViolated
from backend.protocol.hashing import keccak as hashed

COUNTS = [0, 1, 7, 8, 9, 64, 131]


def _messages(count, length, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, length), np.uint8)


def _one_by_one(messages):
    return [hashed(message.tobytes()) for message in messages]


def _in_lanes(digests):
    return [digest.tobytes() for digest in digests]


@pytest.mark.parametrize("count", COUNTS)
def test_hash_pairs__any_number__are_equal_holds(width, count):
    pairs = _messages(count, 64)

    assert _in_lanes(keccak.hash_pairs(pairs)) == _one_by_one(pairs)


def test_hash_pairs__every_second_row__are_equal_holds(width):
    pairs = _messages(40, 64)[::2]

    assert _in_lanes(keccak.hash_pairs(pairs)) == _one_by_one(pairs)


@pytest.mark.parametrize("shape", [(8, 63), (8, 65), (64,)])
def test_hash_pairs__another_shape__rejects(shape):
    with pytest.raises(InvariantViolated, match="no pairs"):
        keccak.hash_pairs(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("length", [0, 1, 38, 63])
def test_hash_rows__shorter_messages__are_equal_holds(width, length):
    messages = _messages(24, length)
    rows = np.zeros((24, keccak.ROW_BYTES), np.uint8)
    rows[:, :length], rows[:, length] = messages, 1
    digests = lanes.aligned((24, keccak.DIGEST_BYTES), np.uint8)

    keccak.hash_rows(rows, False, digests)

    assert _in_lanes(digests) == _one_by_one(messages)


@pytest.mark.parametrize("length", [0, 1, 64, 135, 136, 137, 271, 272, 992])
def test_hash_many__any_length__are_equal_holds(width, length):
    messages = _messages(19, length)

    assert _in_lanes(keccak.hash_many(messages)) == _one_by_one(messages)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 300), st.integers(1, 20), st.binary(min_size=1, max_size=8))
def test_hash_many__any_bytes__are_equal_holds(length, count, pattern):
    # Words of one value, or all but the same, are what random bytes never are.
    repeated = (pattern * (length * count))[: length * count]
    messages = np.frombuffer(repeated, np.uint8).reshape(count, length)

    assert _in_lanes(keccak.hash_many(messages)) == _one_by_one(messages)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(min_size=64, max_size=64), max_size=20))
def test_hash_pairs__any_bytes__are_equal_holds(rows):
    pairs = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, 64)

    assert _in_lanes(keccak.hash_pairs(pairs)) == _one_by_one(pairs)


def test_hash_pairs__two_threads__are_equal_holds():
    halves = [_messages(4_000, 64, seed) for seed in (1, 2)]

    with ThreadPoolExecutor(2) as threads:
        digests = list(threads.map(keccak.hash_pairs, halves))

    assert [_in_lanes(part) for part in digests] == [_one_by_one(part) for part in halves]


@pytest.mark.parametrize("place", [0, 11, 23])
def test_library__wrong_machine_code__rejects(monkeypatch, tmp_path, place):
    constants = list(keccak._ROUND_CONSTANTS)
    constants[place] ^= 1 << 40
    monkeypatch.setattr(keccak, "_ROUND_CONSTANTS", tuple(constants))
    monkeypatch.setattr(lanes, "_FOLDER", tmp_path)
    keccak.library.cache_clear()

    with pytest.raises(InvariantViolated, match="hash otherwise"):
        keccak.library()


def test_library__wrong_rotation__rejects(monkeypatch, tmp_path):
    monkeypatch.setattr(keccak, "_rotated", lambda word, count: word.followed_by(word, count ^ 1))
    monkeypatch.setattr(lanes, "_FOLDER", tmp_path)
    keccak.library.cache_clear()

    with pytest.raises(InvariantViolated, match="hash otherwise"):
        keccak.library()
