"""Roots that authorise many orders.

- proof: each leaf of 1 to 9; one leaf's root is the leaf
- another digest, another root, a shortened proof
- 32 nodes | 33
- no orders at all
"""

import pytest

from backend.protocol.authorised import authorised_proof, authorised_root, leads_to
from backend.protocol.errors import InvariantViolated
from backend.protocol.hashing import keccak

DIGESTS = [keccak(bytes([index])) for index in range(9)]


@pytest.mark.parametrize("count", range(1, 10))
def test_is_authorised__each_leaf__succeeds(count):
    digests = DIGESTS[:count]
    root = authorised_root(digests)

    for index, digest in enumerate(digests):
        proof = authorised_proof(digests, index)
        assert leads_to(root, digest, proof)
        assert not leads_to(root, keccak(digest), proof)
        assert not leads_to(keccak(root), digest, proof)
        if proof:
            assert not leads_to(root, digest, proof[:-1])


def test_authorised_root__two__succeeds():
    low, high = sorted(DIGESTS[:2])

    assert authorised_root(DIGESTS[:1]) == DIGESTS[0]
    assert authorised_root([high, low]) == authorised_root([low, high]) == keccak(low + high)


def test_is_authorised__long_proof__rejects():
    digest = DIGESTS[0]
    root = digest
    for sibling in DIGESTS[1:2] * 32:
        root = keccak(min(root, sibling) + max(root, sibling))

    assert leads_to(root, digest, DIGESTS[1:2] * 32)
    root = keccak(min(root, DIGESTS[1]) + max(root, DIGESTS[1]))
    assert not leads_to(root, digest, DIGESTS[1:2] * 33)


def test_authorised_root__nothing__rejects():
    with pytest.raises(InvariantViolated):
        authorised_root([])
