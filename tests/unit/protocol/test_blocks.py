"""Blocks and bodies.

- block: digest as eth-account makes it; bytes both ways | cut, too long
- body: everything, nothing | unknown version, more records than bytes, too long, cut
- time in seconds: rounded down
"""

import hashlib

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data

from backend.protocol.blocks import (
    BLOCK_BYTES,
    BODY_BYTES_MAX,
    DEPOSIT_BYTES,
    Block,
    Body,
    body_hash,
    operations_hash,
)
from backend.protocol.errors import MalformedBytes
from backend.protocol.hashing import keccak
from backend.protocol.types import AccountId, Address, Epoch, ExitRequest
from tests.vectors.blocks import block, body, slots
from tests.vectors.common import DOMAIN

MEMBERS = (
    ("uint64", "number"),
    ("uint32", "epoch"),
    ("uint32", "round"),
    ("bytes32", "parentHash"),
    ("bytes32", "operationsHash"),
    ("bytes32", "bodyHash"),
    ("uint32", "operationCount"),
    ("uint64", "timestampMs"),
)


def test_digest__other_library__succeeds():
    message = {
        "number": block().number,
        "epoch": block().epoch,
        "round": block().round,
        "parentHash": block().parent_hash,
        "operationsHash": block().operations_hash,
        "bodyHash": block().body_hash,
        "operationCount": block().operation_count,
        "timestampMs": block().timestamp_ms,
    }
    encoded = encode_typed_data(full_message=DOMAIN.typed_data("Block", MEMBERS, message))

    assert block().digest(DOMAIN) == _hash_eip191_message(encoded)


def test_block__both_ways__succeeds():
    encoded = block().encode()

    assert len(encoded) == BLOCK_BYTES
    assert Block.decode(encoded) == block()
    assert block().ts_s == 1_800_000_000


@pytest.mark.parametrize("data", [block().encode()[:-1], block().encode() + b"\0"])
def test_block__wrong_size__rejects(data):
    with pytest.raises(MalformedBytes):
        Block.decode(data)


LEAVING = ExitRequest(AccountId(5), Address(b"\x0e" * 20))
NEXT = Epoch(3, tuple(Address(bytes([n]) * 20) for n in range(1, 5)))


@pytest.mark.parametrize(
    "one",
    [body(), Body(l1_block_number=7), Body(7, exits=(LEAVING, LEAVING), epoch=NEXT)],
    ids=["everything", "nothing", "exits and an epoch"],
)
def test_body__both_ways__succeeds(one):
    assert Body.decode(one.encode()) == one


def test_body__sizes__succeeds():
    assert len(Body(0).encode()) == 1 + 8 + 7 * 4
    group = 2 + 270 + 270 + 238
    facts = 50 + 56 + 52 + 2 * 24 + (8 + 4 * 20)
    assert len(body().encode()) == 37 + facts + (270 + 186 + 154 + group) + 34


def test_body__two_epochs__rejects():
    encoded = Body(0).encode()
    twice = encoded[:25] + (2).to_bytes(4) + NEXT.encode() * 2 + encoded[29:]

    with pytest.raises(MalformedBytes, match="2 epochs begin at once"):
        Body.decode(twice)


def test_hashes__bytes__succeeds():
    assert body_hash(body().encode()) == hashlib.sha256(body().encode()).digest()
    assert operations_hash(slots()) == keccak(slots())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x02" + body().encode()[1:],
        body().encode()[:-1],
        body().encode() + b"\0",
        Body(0).encode()[:9] + b"\xff\xff\xff\xff" + bytes(24),
    ],
    ids=["empty", "version", "cut", "too long", "count"],
)
def test_body__malformed__rejects(data):
    with pytest.raises(MalformedBytes):
        Body.decode(data)


def test_body__larger_than_any_block_needs__rejects():
    deposits = (BODY_BYTES_MAX - 37) // DEPOSIT_BYTES
    largest = Body(0, deposits=(body().deposits[0],) * deposits).encode()
    too_large = Body(0, deposits=(body().deposits[0],) * (deposits + 1)).encode()

    assert len(Body.decode(largest).deposits) == deposits
    with pytest.raises(MalformedBytes, match="at most 4194304"):
        Body.decode(too_large)
