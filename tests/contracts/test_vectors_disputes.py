"""Solidity agrees with the golden vectors of disputes and exits.

- multiproof: one list of siblings for the leaves before and after a change
- a chunk of sweeps: valid, and the leaves after it
- elements of a blob: their points; by point evaluation their values, and no others
- an Advance: the digest that its owner has to sign
"""

import pytest

from tests.vectors.generate import load


def unhex(text):
    return bytes.fromhex(text[2:])


def leaves_of(shown):
    """Return the leaves as IRollup.Leaf."""
    names = ("id", "owner", "asset_id", "nonce", "balance_minor")
    return [tuple(int(leaf[n]) if n != "owner" else leaf[n] for n in names) for leaf in shown]


def spelt(leaves):
    return [(i, str(owner).lower(), *numbers) for i, owner, *numbers in map(tuple, leaves)]


@pytest.fixture
def harness(project, accounts):
    return accounts[0].deploy(project.ProtocolHarness)


@pytest.fixture
def disputes_harness(project, accounts):
    return accounts[0].deploy(project.DisputesHarness)


def test_multiproof__vectors__holds(disputes_harness):
    vector = load("disputes")["multiproof"]

    for leaves, root in (("leaves", "root"), ("changed_leaves", "changed_root")):
        proof = (leaves_of(vector[leaves]), vector["siblings"])
        assert disputes_harness.root(proof) == unhex(vector[root])


def test_read__chunk_of_sweeps__holds(disputes_harness, harness):
    vector = load("disputes")["sweeps"]
    leaves, after = leaves_of(vector["leaves"]), leaves_of(vector["leaves_after"])

    read = disputes_harness.read(harness, 0, leaves, vector["chunk"], [])

    assert read.isValid
    assert spelt(read.leavesAfter) == after
    root = unhex(vector["root_after"])
    assert disputes_harness.root((after, vector["siblings"])) == root
    assert harness.postRoot(vector["chunk"]) == root


def test_is_element__vectors__holds(disputes_harness, harness):
    blobs = load("blobs")
    value_of = {element["index"]: element["value"] for element in blobs["elements"]}

    for element in blobs["elements"]:
        index = element["index"]
        other = next(value for at, value in value_of.items() if at != index)
        assert disputes_harness.pointOf(index) == int(element["point"], 16)
        shown = (blobs["commitment"], element["proof"])
        assert harness.isElement(blobs["versioned_hash"], index, element["value"], *shown)
        assert not harness.isElement(blobs["versioned_hash"], index, other, *shown)
        assert not harness.isElement(blobs["blob_hash"], index, element["value"], *shown)


def test_advance__digest_of_vector__holds(project, accounts, harness, reverts):
    """The contract names the digest that it misses a signature of."""
    vector = load("disputes")["advance"]
    exits = accounts[0].deploy(project.Exits, harness)
    order = [int(value) if str(value).isdecimal() else value for value in vector["fields"].values()]

    expected = {"owner": vector["fields"]["owner"], "digest": unhex(vector["digest"])}
    with reverts(exits, "AdvanceNotSigned", **expected):
        exits.advance(tuple(order), b"\x00" * 65, sender=accounts[0])
