"""Prizes: ids, leaves, proofs.

- leaves and trees: those of another implementation, by the ABI's encoder
- each entry leads to the root; an altered one, one of another prize or index, an inner node → not
- words for the ways of paying
"""

from dataclasses import replace

import pytest
from eth_abi.abi import encode

from backend.protocol.authorised import leads_to
from backend.protocol.hashing import keccak
from backend.protocol.prizes import PrizeEntry, PrizePayout, entry_leaf, prize_id, prize_tree
from backend.protocol.types import Address
from tests.contracts.bonus.prize_tree import Tree

PRIZES, SPONSOR = Address(b"\x0a" * 20), Address(b"\x0b" * 20)
ID = prize_id(31_337, PRIZES, SPONSOR, keccak(b"salt"))
ENTRIES = [PrizeEntry(i, Address(keccak(b"%d" % i)[:20]), 10**i) for i in range(7)]


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7])
def test_tree__another_implementation__agrees_holds(count):
    entries = ENTRIES[:count]
    tree = prize_tree(ID, entries)
    other = Tree(ID, [(one.index, "0x" + one.person.hex(), one.amount_minor) for one in entries])

    assert tree.root == other.root
    for entry in entries:
        assert list(tree.proof(entry.index)) == other.claim(entry.index)[-1]
        assert leads_to(tree.root, entry_leaf(ID, entry), tree.proof(entry.index))


def test_prize_id__another_implementation__agrees_holds():
    kinds = ["uint256", "address", "address", "bytes32"]

    assert ID == keccak(encode(kinds, [31_337, PRIZES, SPONSOR, keccak(b"salt")]))


@pytest.mark.parametrize(
    "altered",
    [
        replace(ENTRIES[2], amount_minor=101),
        replace(ENTRIES[2], person=SPONSOR),
        replace(ENTRIES[2], index=3),
    ],
)
def test_proof__altered_entry__rejects(altered):
    tree = prize_tree(ID, ENTRIES)

    assert not leads_to(tree.root, entry_leaf(ID, altered), tree.proof(2))


def test_proof__another_prize_or_inner_node__rejects():
    tree = prize_tree(ID, ENTRIES)
    inner = entry_leaf(ID, ENTRIES[0])

    assert not leads_to(tree.root, entry_leaf(keccak(b"other"), ENTRIES[2]), tree.proof(2))
    assert not leads_to(tree.root, keccak(inner), tree.proof(0))


def test_payout__words__holds():
    assert [payout.word for payout in PrizePayout] == ["wallet", "account", "orders"]
