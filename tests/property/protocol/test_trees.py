"""Trees against a naive one that hashes every node of every path.

- root, leaves and paths after any changes; the trees before them stay as they were
- multiproofs of any ids; another leaf gives another root
- authorised roots
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.protocol.authorised import authorised_proof, authorised_root, leads_to
from backend.protocol.errors import MalformedBytes
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.state_tree import (
    StateTree,
    leaf_hash,
    node_hash,
    root_from_multiproof,
    root_from_path,
)
from tests.property.protocol import strategies as some

# Near one another, far apart, and at both ends.
_ids = st.one_of(st.integers(0, 9), some.uints(4), st.integers(2**32 - 4, 2**32 - 1))
_changes = st.dictionaries(_ids, some.leaves, max_size=12)


def _naive_root(leaves):
    level = {place: leaf_hash(leaf) for place, leaf in leaves.items()}
    for _ in range(32):
        level = {
            place >> 1: node_hash(
                level.get(place & ~1, ZERO_DIGEST), level.get(place | 1, ZERO_DIGEST)
            )
            for place in level
        }
    return level.get(0, ZERO_DIGEST)


@settings(max_examples=60, deadline=None)
@given(rounds=st.lists(_changes, max_size=5), other_id=_ids)
def test_state_tree__any_changes__holds(rounds, other_id):
    tree, model, history = StateTree(), {}, []
    for changes in rounds:
        history.append((tree, tree.root))
        tree = tree.set_many(changes)
        model |= changes

        assert tree.root == _naive_root(model)
    for place in [*model, other_id]:
        assert tree.leaf(place) == model.get(place)
        assert root_from_path(place, leaf_hash(model.get(place)), tree.path(place)) == tree.root
    assert StateTree(model).root == tree.root
    assert all(before.root == root for before, root in history)


@settings(max_examples=60, deadline=None)
@given(leaves=_changes, others=st.sets(_ids, min_size=1, max_size=10), data=st.data())
def test_multiproof__any_ids__holds(leaves, others, data):
    tree = StateTree(leaves)
    ids = sorted(others | set(data.draw(st.lists(st.sampled_from(sorted(leaves or {0: None}))))))
    hashes = [leaf_hash(tree.leaf(i)) for i in ids]
    siblings = tree.multiproof(ids)

    assert root_from_multiproof(ids, hashes, siblings) == tree.root
    place = data.draw(st.integers(0, len(ids) - 1))
    forged = [*hashes[:place], keccak(b"forged"), *hashes[place + 1 :]]
    assert root_from_multiproof(ids, forged, siblings) != tree.root


@given(
    st.lists(_ids, max_size=4),
    st.lists(some.digests, max_size=4),
    st.lists(some.digests, max_size=80),
)
def test_root_from_multiproof__anything__holds(ids, hashes, siblings):
    try:
        assert len(root_from_multiproof(ids, hashes, siblings)) == 32
    except MalformedBytes:
        pass


@given(st.lists(some.digests, min_size=1, max_size=40), st.data())
def test_authorised_root__any_digests__holds(digests, data):
    index = data.draw(st.integers(0, len(digests) - 1))
    root, proof = authorised_root(digests), authorised_proof(digests, index)

    assert leads_to(root, digests[index], proof)
    assert not leads_to(root, keccak(b"forged"), proof)
