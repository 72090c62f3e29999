"""The fast state tree, beside the property test that holds it equal to the readable one.

- empty and genesis; a tree of more leaves than are put in at once
- many forks of one tree: the rows move, and all of them stay whole
- leaves, paths and proofs are those of the readable tree
"""

from backend.protocol.fast_tree import FastStateTree
from backend.protocol.money import BALANCE_MINOR_MAX, BalanceMinor
from backend.protocol.state_tree import GENESIS_LEAVES, StateTree, genesis_tree
from backend.protocol.types import BRIDGE, ZERO_DIGEST, AccountId, Address, Leaf


def _leaves(count: int, nonce: int = 0) -> dict[AccountId, Leaf]:
    """Return leaves spread over all partitions."""
    return {
        AccountId(i % 255 << 24 | 2 + i // 255): Leaf(
            Address(i.to_bytes(20)), 1, nonce, BalanceMinor(BALANCE_MINOR_MAX - i)
        )
        for i in range(1, count + 1)
    }


def test_fast_tree__empty_and_genesis__succeeds():
    assert FastStateTree().root == ZERO_DIGEST
    assert FastStateTree().set_many({}).root == ZERO_DIGEST
    assert FastStateTree().leaf(BRIDGE) is None
    assert FastStateTree(GENESIS_LEAVES).root == genesis_tree().root
    assert FastStateTree(GENESIS_LEAVES).leaf(BRIDGE) == GENESIS_LEAVES[BRIDGE]


def test_fast_tree__many_leaves__succeeds():
    leaves = _leaves(10_000)
    fast, readable = FastStateTree(leaves), StateTree(leaves)
    ids = sorted(leaves)[::500]

    assert fast.root == readable.root
    assert [fast.leaf(i) for i in ids] == [leaves[i] for i in ids]
    assert [fast.path(i) for i in ids] == [readable.path(i) for i in ids]
    assert fast.multiproof(ids) == readable.multiproof(ids)


def test_set_many__many_forks_of_one_tree__changes_nothing_of_it():
    fast, readable = FastStateTree(_leaves(3000)), StateTree(_leaves(3000))

    forks = [fast.set_many(_leaves(300, nonce)) for nonce in range(1, 60)]

    assert fast.root == readable.root
    for nonce, fork in enumerate(forks, start=1):
        assert fork.root == readable.set_many(_leaves(300, nonce)).root
