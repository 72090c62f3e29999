"""Structs as the contracts take them: what each leads to, and the accounts that aren't there."""

import pytest

from backend.protocol.batches import Chunk, chunk_hashes
from backend.protocol.money import AmountMinor, BalanceMinor
from backend.protocol.state_tree import (
    StateTree,
    chunks_root,
    leaf_hash,
    root_from_multiproof,
    root_from_path,
)
from backend.protocol.types import BRIDGE, ZERO_ADDRESS, AccountId, DepositRecord, Leaf
from backend.settlement.proving.proofs import (
    chunk_proof,
    deposit_record,
    leaf_proof,
    multiproof,
)
from tests.property.world import address

LEAF = Leaf(address("alice"), 1, 5, BalanceMinor(7))
EMPTY = (ZERO_ADDRESS, 0, 0, 0)
ALICE, NOBODY = AccountId(0x12345678), AccountId(0x12345679)
TREE = StateTree({ALICE: LEAF, AccountId(9): LEAF})
CHUNKS = [Chunk(bytes([index]) * 960, TREE.root) for index in range(3)]


@pytest.mark.parametrize(
    ("account_id", "fields", "leaf"),
    [(ALICE, (LEAF.owner, 1, 5, 7), LEAF), (NOBODY, EMPTY, None)],
)
def test_leaf_proof__account_open_or_not__succeeds(account_id, fields, leaf):
    proof = leaf_proof(TREE, account_id)

    assert proof[:-1] == (account_id, *fields)
    assert root_from_path(account_id, leaf_hash(leaf), proof[-1]) == TREE.root


def test_multiproof__accounts_in_any_order_twice__succeeds():
    leaves, siblings = multiproof(TREE, [NOBODY, ALICE, NOBODY])

    assert leaves == [(ALICE, LEAF.owner, 1, 5, 7), (NOBODY, *EMPTY)]
    hashes = [leaf_hash(LEAF), leaf_hash(None)]
    assert root_from_multiproof([ALICE, NOBODY], hashes, siblings) == TREE.root


def test_multiproof__no_account__shows_bridge_succeeds():
    leaves, siblings = multiproof(TREE, [])

    assert leaves == [(BRIDGE, *EMPTY)]
    assert root_from_multiproof([BRIDGE], [leaf_hash(None)], siblings) == TREE.root


def test_chunk_proof__each_chunk__succeeds():
    hashes = chunk_hashes(CHUNKS)

    for index, chunk in enumerate(CHUNKS):
        shown, data, path = chunk_proof(chunk, hashes, index)

        assert (shown, Chunk.decode(data)) == (index, chunk)
        assert root_from_path(index, chunk.hash(), path) == chunks_root(hashes)


def test_deposit_record__record__succeeds():
    record = DepositRecord(address("token"), 1, address("alice"), AmountMinor(5), 1_700)

    assert deposit_record(record) == (address("token"), 1, address("alice"), 5, 1_700)
