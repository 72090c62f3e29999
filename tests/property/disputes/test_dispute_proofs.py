"""What L1 lets us prove is what the readable ledger refuses, no more and no less.

- a batch that is true has no proof, and leads to the state that the ledger leads to
- a batch that isn't has the proof of the first rule that it breaks, whatever else is wrong
- a proof shows all that L1 has to read, and nothing that isn't there
"""

from random import Random

import pytest

from backend.protocol.batches import CHUNK_BYTES, Chunk
from backend.protocol.money import BalanceMinor
from backend.protocol.state_tree import leaf_hash, root_from_multiproof
from backend.protocol.transition import InvalidOperation, L1Facts, apply_in_sequence
from backend.protocol.types import ZERO_ADDRESS, AccountId, Leaf
from backend.settlement.batch_data import AcceptedBatch
from backend.settlement.proving.replay import LedgerState, find_fraud, replay
from tests.property.disputes.drafts import TS_S, draft_batch, scene_on_paper
from tests.property.disputes.law import INVALID_CHUNK, broken_rule, header_of, posted
from tests.property.disputes.spoiling import spoil


@pytest.fixture(scope="module")
def scene():
    return scene_on_paper()


def shows_enough(fraud, facts: L1Facts) -> bool:
    """Return whether what is shown, and nothing else, makes the chunk invalid."""
    (header, _, _), (index, data, _), (_, before, _), (shown, siblings), _ = fraud.arguments
    pre_root = Chunk.decode(before).root if index else header[3]
    leaves = {
        AccountId(account_id): Leaf(owner, asset_id, nonce, BalanceMinor(balance_minor))
        if owner != ZERO_ADDRESS
        else None
        for account_id, owner, asset_id, nonce, balance_minor in shown
    }

    def root() -> bytes:
        return root_from_multiproof(list(leaves), list(map(leaf_hash, leaves.values())), siblings)

    assert root() == pre_root
    assert len(data) == CHUNK_BYTES
    chunk = Chunk.decode(data)
    try:
        leaves |= apply_in_sequence(leaves.__getitem__, chunk.slots, facts)
    except InvalidOperation:
        return True
    return root() != chunk.root


def check(scene, seed):
    random = Random(seed)
    candidate = spoil(random, scene, draft_batch(random, scene))
    accepted = AcceptedBatch(header_of(scene, candidate), TS_S, 7)
    queue = dict(enumerate(scene.queue))
    shown = posted(candidate, accepted), [], LedgerState.of(scene.leaves), scene.assets, queue

    fraud = find_fraud(*shown)

    rule = broken_rule(scene, candidate)
    assert (fraud and fraud.function) == rule, candidate.spoiled
    if fraud is None:
        assert replay(*shown).after.tree.root == candidate.post_root
    elif rule == INVALID_CHUNK:
        assert shows_enough(fraud, scene.facts(candidate.cursor)), candidate.spoiled


@pytest.mark.parametrize("seed", range(150))
def test_find_fraud__spoiled_batch__finds_what_the_ledger_refuses_holds(scene, seed):
    check(scene, seed)


@pytest.mark.long
@pytest.mark.parametrize("seeds", range(1_000, 6_000, 500))
def test_find_fraud__many_spoiled_batches__finds_what_the_ledger_refuses_holds(scene, seeds):
    for seed in range(seeds, seeds + 500):
        try:
            check(scene, seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
