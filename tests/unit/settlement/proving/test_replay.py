"""What a batch does, or the fraud in it: here its data; the rules have tests/property/disputes.

- blobs that hold something else, in the element and blob where the chunk belongs
- states that share their accounts, also after batches were taken back
- trees that are executed anew
- flat trees: find the same frauds, and give the same trees
- a tree that refuses what the readable function allows → rejects
"""

from dataclasses import replace
from random import Random

import ckzg
import pytest

from backend.engine.vector.versions import FlatStateTree
from backend.protocol.batches import CHUNK_SLOTS_BYTES, pack_blobs
from backend.protocol.errors import InvariantViolated
from backend.protocol.hashing import keccak
from backend.protocol.state_tree import StateTree, root_from_path
from backend.protocol.transition import L1Facts
from backend.protocol.types import AccountId, Address
from backend.settlement.batch_data import AcceptedBatch
from backend.settlement.kzg import _setup, versioned_hash
from backend.settlement.proving.fraud import FraudFound, proof_commitment
from backend.settlement.proving.replay import (
    AccountOf,
    LedgerState,
    Trees,
    find_fraud,
    genesis_state,
    replay,
)
from tests.property.disputes.candidates import Candidate, Signing
from tests.property.disputes.drafts import (
    CHUNK_SLOTS,
    TS_S,
    Draft,
    Drafter,
    draft_batch,
    person,
    scene_on_paper,
)
from tests.property.disputes.law import header_of, posted
from tests.property.disputes.spoiling import spoil

ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001


@pytest.fixture(scope="module")
def scene():
    return scene_on_paper()


def chunks_of(scene, count):
    """A batch of that many chunks: something in the first, nothing in the others."""
    drafter = Drafter(Random(0), scene)
    drafter.chunk(CHUNK_SLOTS)
    draft = drafter.finish()
    draft.chunk_slots += [bytes(CHUNK_SLOTS_BYTES)] * (count - 1)
    return Signing(Random(0), scene, draft).candidate()


def known(scene, candidate, versioned_hashes=(), tree_of=StateTree):
    accepted = AcceptedBatch(header_of(scene, candidate), TS_S, 7)
    batch = posted(candidate, accepted, versioned_hashes)
    state = LedgerState.of(scene.leaves, tree_of)
    return batch, candidate.blobs or [], state, scene.assets, dict(enumerate(scene.queue))


def test_replay__true_blobs__gives_their_chunks_succeeds(scene):
    candidate = chunks_of(scene, 130)
    candidate.blobs = pack_blobs(candidate.chunks)

    replayed = replay(*known(scene, candidate))

    assert list(replayed.chunks) == candidate.chunks
    assert replayed.after.tree.root == candidate.post_root
    assert len(replayed.trees) == 130


@pytest.mark.parametrize(("index", "blob", "place"), [(2, 0, 64), (129, 1, 32)])
@pytest.mark.parametrize("is_wide", [False, True])
def test_find_fraud__blob_holds_something_else__opens_its_elements_succeeds(
    scene, index, blob, place, is_wide
):
    candidate = chunks_of(scene, 130)
    candidate.blobs = pack_blobs(candidate.chunks)
    wrong = bytearray(candidate.blobs[blob])
    wrong[(place + 31) * 32 + (0 if is_wide else 31)] ^= 1
    candidate.blobs[blob] = bytes(wrong)
    hashes = [
        versioned_hash(bytes(ckzg.blob_to_kzg_commitment(each, _setup())))
        for each in candidate.blobs
    ]

    fraud = find_fraud(*known(scene, candidate, [*hashes, b"of another blob"]))

    assert fraud.function == "proveDataMismatch"
    _, shown, chunk_hash, path, blob_hashes, commitment, openings = fraud.arguments
    assert (shown, chunk_hash) == (index, candidate.chunks[index].hash())
    chunks_root = header_of(scene, candidate).chunks_root
    assert root_from_path(index, chunk_hash, path) == chunks_root
    assert blob_hashes == hashes
    assert versioned_hash(commitment) == hashes[blob]
    for element, (value, proof) in enumerate(openings, place):
        assert value == wrong[element * 32 : element * 32 + 32]
        point = pow(7, (ORDER - 1) // 4096 * int(f"{element:012b}"[::-1], 2), ORDER)
        assert ckzg.verify_kzg_proof(commitment, point.to_bytes(32), value, proof, _setup())
    assert len(openings) == 32


def test_replay__data_is_wrong_behind_a_wrong_chunk__says_so_first_rejects(scene):
    candidate = chunks_of(scene, 2)
    candidate.chunks[0] = replace(candidate.chunks[0], root=keccak(b"root"))
    candidate.posted_hashes = [candidate.chunks[0].hash(), keccak(b"another chunk")]
    candidate.blobs = pack_blobs(candidate.chunks)

    with pytest.raises(FraudFound, match="chunk 1: the blob holds something else") as found:
        replay(*known(scene, candidate))

    assert found.value.fraud.function == "proveDataMismatch"


def test_find_fraud__chunk_begins_with_no_operation__shows_an_account_succeeds(scene):
    slots = (b"\0\0\0\1" * 240).ljust(CHUNK_SLOTS_BYTES, b"\0")
    candidate: Candidate = Signing(Random(0), scene, Draft([slots])).candidate()

    fraud = find_fraud(*known(scene, candidate))

    assert fraud.function == "proveInvalidChunk"
    assert [leaf[0] for leaf in fraud.arguments[3][0]] == [0]


def test_trees__in_any_order__are_those_after_each_chunk_succeeds(scene):
    drafter = Drafter(Random(3), scene)
    for _ in range(4):
        drafter.chunk(8)
    candidate = Signing(Random(0), scene, drafter.finish()).candidate()
    facts: L1Facts = scene.facts(candidate.cursor)
    roots = [chunk.root for chunk in candidate.chunks]

    trees = Trees(scene.tree, candidate.chunks, facts)

    assert [trees[index].root for index in (2, 0, 3, 3, 1, -1)] == [
        roots[index] for index in (2, 0, 3, 3, 1, -1)
    ]
    assert [tree.root for tree in trees] == roots
    assert [tree.root for tree in trees[1:3]] == roots[1:3]
    with pytest.raises(IndexError):
        trees[4]


@pytest.mark.parametrize("seed", range(60))
def test_find_fraud__flat_trees__finds_the_same_holds(scene, seed):
    chance = Random(seed)
    candidate = spoil(chance, scene, draft_batch(chance, scene), is_in_blobs=False)
    readable, flat = (
        known(scene, candidate, (), tree_of) for tree_of in (StateTree, FlatStateTree)
    )

    fraud = find_fraud(*readable)

    assert find_fraud(*flat) == fraud
    if fraud is None:
        one, other = replay(*readable), replay(*flat)
        places = sorted(scene.leaves)
        assert [tree.multiproof(places) for tree in other.trees] == [
            tree.multiproof(places) for tree in one.trees
        ]
        assert other.after.tree.root == one.after.tree.root
        assert list(other.after.accounts()) == list(one.after.accounts())


@pytest.mark.parametrize("has_roots", [False, True])
def test_replay__twin_refuses_a_valid_chunk__rejects(scene, monkeypatch, has_roots):
    candidate = chunks_of(scene, 2)
    honest = FlatStateTree.apply_chunks

    def refusing(tree, chunk_slots, facts):
        applied = honest(tree, chunk_slots, facts)
        wrong = [keccak(b"another root")] if has_roots else []
        applied.roots[1:] = wrong[: len(applied.roots[1:])]
        return applied

    monkeypatch.setattr(FlatStateTree, "apply_chunks", refusing)

    with pytest.raises(InvariantViolated, match="a twin refuses a valid chunk"):
        replay(*known(scene, candidate, (), FlatStateTree))


ONE, TWO = (Address(b"\1" * 20), 1), (Address(b"\2" * 20), 1)


def test_account_of__accounts_opened_later__is_as_it_was_holds():
    before = AccountOf().with_opened({ONE: AccountId(5)})
    after = before.with_opened({TWO: AccountId(6)})

    assert dict(before) == {ONE: 5}
    assert dict(after) == {ONE: 5, TWO: 6}
    assert (before.get(TWO), len(before), len(after)) == (None, 1, 2)


def test_account_of__batch_was_taken_back__opens_others_succeeds():
    before = AccountOf().with_opened({ONE: AccountId(5)})
    removed = before.with_opened({TWO: AccountId(6)})

    posted_again = before.with_opened({TWO: AccountId(7)})

    assert (removed[TWO], posted_again[TWO]) == (6, 7)
    assert dict(before) == {ONE: 5}


def test_genesis_state__bridge__is_there_alone_succeeds():
    state = genesis_state()

    assert [leaf for leaf in map(state.tree.leaf, state.account_of.values()) if leaf] == [
        state.tree.leaf(AccountId(0))
    ]


def test_proof_commitment__call_and_prover__succeeds():
    prover = person(0).address

    assert proof_commitment(b"call", prover) == keccak(keccak(b"call") + prover)
