"""Entries of the ordering log.

- each kind: both ways, as in the vectors; a block's body may be any bytes
- malformed: unknown kind, unknown version, cut, too long
"""

from dataclasses import replace

import pytest

from backend.protocol.errors import MalformedBytes
from backend.protocol.log_entries import BlockEntry, Entry, IdentityEntry
from tests.vectors.blocks import block
from tests.vectors.common import CHAIN_ID, ROLLUP
from tests.vectors.generate import load

VECTORS = load("log_entries")["entries"]


def _bytes(vector) -> bytes:
    return bytes.fromhex(vector["encoded"][2:])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_entry__both_ways__succeeds(vector):
    entry = Entry.decode(_bytes(vector))

    assert type(entry.payload).__name__ == vector["name"]
    assert entry.payload.KIND == vector["kind"]
    assert entry.encode() == _bytes(vector)


def test_entry__identity__succeeds():
    payload = Entry.decode(_bytes(VECTORS[0])).payload

    assert isinstance(payload, IdentityEntry)
    assert (payload.chain_id, payload.rollup, payload.version) == (CHAIN_ID, ROLLUP, 3)


@pytest.mark.parametrize("body", [b"", b"no body at all"])
def test_entry__malformed_body__succeeds(body):
    entry = Entry(5, BlockEntry(block(), bytes(65), body))

    assert Entry.decode(entry.encode()) == entry


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_entry__cut_or_too_long__rejects(vector):
    with pytest.raises(MalformedBytes):
        Entry.decode(_bytes(vector)[: 9 + 20])
    if vector["name"] != "BlockEntry":
        with pytest.raises(MalformedBytes):
            Entry.decode(_bytes(vector) + b"\0")


def test_entry__unknown_kind__rejects():
    with pytest.raises(MalformedBytes, match="no kind of entry"):
        Entry.decode(b"\x07" + bytes(100))


def test_entry__unknown_version__rejects():
    identity = Entry.decode(_bytes(VECTORS[0])).payload

    with pytest.raises(MalformedBytes, match="version 1"):
        Entry.decode(Entry(0, replace(identity, version=1)).encode())
