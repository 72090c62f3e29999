"""Trees.

- leaf and node: sizes that are hashed, empty ones
- state tree: empty, genesis, against a naive tree; a change makes another tree; changes in turn;
  leaf and path of empty places
- chunks in turn: all valid, up to an invalid one
- multiproof: some, all | a wrong leaf, descending ids, too many and too few nodes, no id
- chunks tree: none, one, odd, full; paths
"""

import pytest

from backend.protocol.batches import CHUNK_SLOTS, padded
from backend.protocol.errors import MalformedBytes
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.money import BalanceMinor
from backend.protocol.operations import OpenAccount, encode, slot
from backend.protocol.state_tree import (
    CHUNKS_DEPTH,
    STATE_DEPTH,
    StateTree,
    chunk_path,
    chunks_root,
    genesis_tree,
    leaf_hash,
    node_hash,
    root_from_multiproof,
    root_from_path,
)
from backend.protocol.transition import L1Facts, apply_in_sequence
from backend.protocol.types import BRIDGE, AccountId, Address, Leaf


def _leaf(word: int) -> Leaf:
    return Leaf(Address(bytes([word]) * 20), 1, word, BalanceMinor(word * 1000))


LEAVES = {AccountId(i): _leaf(n + 1) for n, i in enumerate([0, 2, 3, 7 << 24, 2**32 - 1])}
TREE = StateTree(LEAVES)
IDS = sorted(LEAVES)
NOTHING = L1Facts({}, {}, 0)


def test_leaf_hash__bytes__succeeds():
    leaf = Leaf(Address(b"\x11" * 20), 2, 3, BalanceMinor(4))

    assert leaf_hash(leaf) == keccak(b"\x11" * 20 + bytes.fromhex(f"0002{3:016x}{4:016x}"))
    assert len(leaf.encode()) == 38
    assert leaf_hash(None) == ZERO_DIGEST


def test_node_hash__zeros__succeeds():
    one = keccak(b"one")

    assert node_hash(ZERO_DIGEST, ZERO_DIGEST) == ZERO_DIGEST
    assert node_hash(one, ZERO_DIGEST) == keccak(one + bytes(32))
    assert node_hash(ZERO_DIGEST, one) == keccak(bytes(32) + one)


def test_state_tree__empty__succeeds():
    tree = StateTree()

    assert tree.root == ZERO_DIGEST
    assert tree.set_many({}).root == ZERO_DIGEST
    assert tree.leaf(BRIDGE) is None
    assert tree.path(BRIDGE) == [ZERO_DIGEST] * STATE_DEPTH


def test_genesis_tree__bridge_alone__succeeds():
    root = keccak(bytes(19) + b"\x01" + bytes(18))
    for _ in range(STATE_DEPTH):
        root = keccak(root + bytes(32))

    assert genesis_tree().root == root


def test_set_many__one_by_one__succeeds():
    tree = StateTree()
    for account_id, leaf in LEAVES.items():
        tree = tree.set_many({account_id: leaf})

    assert tree.root == TREE.root
    assert [tree.leaf(i) for i in IDS] == [LEAVES[i] for i in IDS]


def test_set_many__on_a_tree__changes_nothing():
    before = TREE.root

    other = TREE.set_many({AccountId(3): _leaf(99)})

    assert TREE.root == before != other.root
    assert (TREE.leaf(AccountId(3)), other.leaf(AccountId(3))) == (_leaf(3), _leaf(99))


def test_set_in_turn__several_changes__has_each_ones_root_holds():
    changes = [{AccountId(3): _leaf(99)}, {}, {AccountId(9): _leaf(7), AccountId(3): _leaf(8)}]
    one = TREE.set_many(changes[0])

    roots, tree = TREE.set_in_turn(changes)

    assert roots == [one.root, one.root, one.set_many(changes[2]).root]
    assert tree.root == roots[-1]
    assert TREE.set_in_turn([]) == ([], TREE)


def test_apply_chunks__valid_ones__has_roots_and_openings_succeeds():
    opening = OpenAccount(AccountId(9), 1, _leaf(5).owner)
    slots = [padded(slot(2, 3, 5, 0)), padded(bytes(15) + encode(opening)), padded(b"")]
    paid = TREE.set_many(apply_in_sequence(TREE.leaf, slots[0], NOTHING))
    opened = paid.set_many({AccountId(9): Leaf(opening.owner, 1, 0, BalanceMinor(0))})

    applied = TREE.apply_chunks(slots, NOTHING)

    assert applied.roots == [paid.root, opened.root, opened.root]
    assert applied.tree.root == opened.root
    assert applied.openings == [(CHUNK_SLOTS + 1, opening)]


def test_apply_chunks__invalid_one__stops_before_it_rejects():
    valid, invalid = (
        padded(slot(2, 3, 5, 0)),
        padded(encode(OpenAccount(AccountId(2), 1, b"x" * 20))),
    )
    one = TREE.apply_chunks([valid], NOTHING)

    applied = TREE.apply_chunks([valid, invalid, valid], NOTHING)

    assert (applied.roots, applied.tree.root, applied.openings) == (one.roots, one.tree.root, [])
    assert TREE.apply_chunks([], NOTHING).tree is TREE


@pytest.mark.parametrize("account_id", [*IDS, 1, 4, 5 << 24, 2**32 - 2])
def test_path__any_place__succeeds(account_id):
    path = TREE.path(AccountId(account_id))

    assert len(path) == STATE_DEPTH
    assert (
        root_from_path(account_id, leaf_hash(TREE.leaf(AccountId(account_id))), path) == TREE.root
    )
    assert root_from_path(account_id, keccak(b"other"), path) != TREE.root


@pytest.mark.parametrize("ids", [IDS, IDS[:1], [1], [0, 1, 2, 5 << 24], [AccountId(2**32 - 1)]])
def test_multiproof__some_ids__succeeds(ids):
    hashes = [leaf_hash(TREE.leaf(i)) for i in ids]
    siblings = TREE.multiproof(ids)

    assert root_from_multiproof(ids, hashes, siblings) == TREE.root
    assert root_from_multiproof(ids, [keccak(b"other"), *hashes[1:]], siblings) != TREE.root


@pytest.mark.parametrize("ids", [[], [3, 2], [2, 2], [-1], [2**32]])
def test_multiproof__bad_ids__rejects(ids):
    with pytest.raises(MalformedBytes):
        TREE.multiproof(ids)
    with pytest.raises(MalformedBytes):
        root_from_multiproof(ids, [ZERO_DIGEST] * len(ids), [ZERO_DIGEST] * 64)


def test_root_from_multiproof__wrong_number_of_nodes__rejects():
    hashes = [leaf_hash(TREE.leaf(i)) for i in IDS]
    siblings = TREE.multiproof(IDS)

    with pytest.raises(MalformedBytes, match="too few"):
        root_from_multiproof(IDS, hashes, siblings[:-1])
    with pytest.raises(MalformedBytes, match="1 nodes too many"):
        root_from_multiproof(IDS, hashes, [*siblings, ZERO_DIGEST])
    with pytest.raises(MalformedBytes, match="5 ids but 4 leaves"):
        root_from_multiproof(IDS, hashes[1:], siblings)


@pytest.mark.parametrize("count", [1, 2, 3, 129, 768, 1024])
def test_chunks_root__paths__succeeds(count):
    hashes = [keccak(index.to_bytes(2)) for index in range(count)]
    root = chunks_root(hashes)

    for index in {0, count // 2, count - 1}:
        path = chunk_path(hashes, index)
        assert len(path) == CHUNKS_DEPTH
        assert root_from_path(index, hashes[index], path) == root


def test_chunks_root__small__succeeds():
    one = keccak(b"one")
    root = one
    for _ in range(CHUNKS_DEPTH):
        root = keccak(root + bytes(32))

    assert chunks_root([]) == ZERO_DIGEST
    assert chunks_root([one]) == root
