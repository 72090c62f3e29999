"""Rows by what stands in them, against a dictionary.

- added in parts, past its room; unknown keys; keys that differ in one bit
- a key that is there already, or twice in one call
"""

from random import Random

import numpy as np
import pytest

from backend.engine.vector.index import (
    KEY_BYTES,
    NO_ROW,
    Index,
    addresses_in,
    key_of,
    keys_of,
)
from backend.protocol.errors import InvariantViolated
from backend.protocol.types import Address


def words(keys):
    return keys_of(np.frombuffer(b"".join(keys), np.uint8))


def test_add__thousands_in_parts__finds_each_holds():
    random_ = Random(1)
    keys = [random_.randbytes(KEY_BYTES) for _ in range(5_000)]
    index, rows = Index(), {}
    for start in range(0, len(keys), 700):
        part = keys[start : start + 700]
        added = index.add(words(part))
        rows |= dict(zip(part, range(added.start, added.stop), strict=True))
    near = [bytes((key[0] ^ 1, *key[1:])) for key in keys[:500]]

    found = index.rows(words([*keys, *near]))

    assert found.tolist() == [*(rows[key] for key in keys), *[NO_ROW] * len(near)]
    assert [index.row(key) for key in keys[:50]] == [rows[key] for key in keys[:50]]
    assert index.row(near[0]) is None


def test_add__nothing__changes_nothing():
    index = Index()

    assert index.add(words([])) == slice(0, 0)
    assert index.rows(words([bytes(KEY_BYTES)])).tolist() == [NO_ROW]


@pytest.mark.parametrize("is_known", [True, False])
def test_add__key_twice__rejects(is_known):
    index = Index()
    key = bytes(range(KEY_BYTES))
    if is_known:
        index.add(words([key]))

    with pytest.raises(InvariantViolated, match="a key stands twice"):
        index.add(words([key] if is_known else [key, key]))


def test_key_of__address_and_number__is_read_again_succeeds():
    address = Address(bytes(range(20)))

    keys = words([key_of(address, 77)])

    assert addresses_in(keys).tobytes() == address
    assert int(keys[0, 2]) & 0xFFFFFFFF == 77
