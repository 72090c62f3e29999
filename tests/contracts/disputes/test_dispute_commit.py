"""Who earns by a proof: he who committed to it in an earlier block.

- committed, a block or more before → the sender is the prover
- not committed, in the same block, by another sender, to other calldata → nobody is
- a repeat keeps the first block
"""

import pytest

from backend.protocol.hashing import keccak
from backend.protocol.operations import slot
from backend.protocol.types import address_from_text
from tests.contracts.disputes.test_dispute_invalid_chunk import ZERO


def commitment(calldata, sender):
    return keccak(keccak(calldata) + address_from_text(sender.address))


@pytest.fixture
def proof(disputes, book):
    """Arguments and calldata of a proof that holds."""
    book.claim(slot(2, 2, 1, 0)).post()
    arguments = book.invalid_chunk(1)
    return arguments, bytes(disputes.proveInvalidChunk.encode_input(*arguments))


def proven_by(disputes, proof, sender):
    receipt = disputes.proveInvalidChunk(*proof[0], sender=sender)
    [event] = receipt.decode_logs(disputes.FraudProven)
    return event.prover


def test_prove__committed__succeeds(rollup, committee, disputes, prover, proof):
    disputes.commit(commitment(proof[1], prover), sender=prover)

    assert proven_by(disputes, proof, prover) == prover
    assert committee.rewards(0).prover == prover


def test_prove__committed_by_another_sender__succeeds(disputes, prover, attacker, proof):
    """Only what is committed counts, not who sent it."""
    disputes.commit(commitment(proof[1], prover), sender=attacker)

    assert proven_by(disputes, proof, prover) == prover


def test_prove__not_committed__succeeds(committee, disputes, prover, proof):
    assert proven_by(disputes, proof, prover) == ZERO
    assert committee.rewardCount() == 0


def test_prove__copied_from_the_mempool__succeeds(disputes, prover, attacker, proof):
    disputes.commit(commitment(proof[1], prover), sender=prover)

    assert proven_by(disputes, proof, attacker) == ZERO


def test_prove__other_calldata_committed__succeeds(disputes, prover, proof):
    disputes.commit(commitment(proof[1] + b"\0", prover), sender=prover)

    assert proven_by(disputes, proof, prover) == ZERO


def test_prove__committed_in_the_same_block__succeeds(chain, disputes, prover, attacker, proof):
    web3 = chain.provider.web3
    chain.provider.auto_mine = False
    hashes = [
        web3.eth.send_transaction({"from": sender.address, "to": disputes.address, **call})
        for sender, call in (
            (
                attacker,
                {"data": disputes.commit.encode_input(commitment(proof[1], prover)), "gas": 10**5},
            ),
            (prover, {"data": proof[1], "gas": 3 * 10**6, "gasPrice": 10**9}),
        )
    ]
    chain.mine()
    chain.provider.auto_mine = True

    receipts = [web3.eth.get_transaction_receipt(each) for each in hashes]
    assert receipts[0].blockNumber == receipts[1].blockNumber
    [event] = chain.provider.get_receipt(hashes[1].to_0x_hex()).decode_logs(disputes.FraudProven)
    assert event.prover == ZERO


def test_commit__repeated__changes_nothing(disputes, prover, attacker):
    digest = keccak(b"a proof")
    receipt = disputes.commit(digest, sender=prover)
    [event] = receipt.decode_logs(disputes.ProofCommitted)
    assert (event.commitment, event.sender) == (digest, prover)
    first = disputes.committedAt(digest)
    assert first == receipt.block_number

    assert not disputes.commit(digest, sender=attacker).decode_logs(disputes.ProofCommitted)

    assert disputes.committedAt(digest) == first
    assert disputes.committedAt(keccak(b"another")) == 0
