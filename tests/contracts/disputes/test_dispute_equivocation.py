"""Validators who sign two different things.

- two blocks, or a block and NextRound, of one (number, epoch, round) → the stake is gone
- two headers of one epoch with other hashes for one last block → the stake is gone
- what honest validators sign → can't be proven: other rounds, heights, epochs; the same twice;
  timeouts; headers with another pin; two validators; other domains
"""

from dataclasses import astuple, replace

import pytest
from eth_abi import encode

from backend.protocol.blocks import Block
from backend.protocol.eip712 import ledger_domain
from backend.protocol.hashing import keccak
from backend.protocol.types import address_from_text, address_text
from backend.protocol.votes import NextRound, Timeout
from tests.contracts.core import STAKE_WEI
from tests.contracts.disputes.test_dispute_commit import commitment
from tests.contracts.disputes.test_dispute_invalid_chunk import ZERO

HASHES = [keccak(bytes([i])) for i in range(3)]
BLOCK = Block(9, 1, 2, *HASHES, 64, 1_700_000_000_000)
OTHER = replace(BLOCK, body_hash=HASHES[0])
NEXT_ROUND = NextRound(9, 1, 2)
BLOCK_KINDS = ["uint64", "uint32", "uint32", *["bytes32"] * 3, "uint32", "uint64"]


def encoded(vote):
    fields = astuple(vote)
    return encode(BLOCK_KINDS[: len(fields)], fields)


@pytest.fixture
def domain(operator):
    return operator.domain


@pytest.fixture
def prove_votes(disputes, prover, domain, keys):
    """Prove by two votes of the first validator; others may be named, or another signed."""

    def _prove(first, second, signers=None, signed=None):
        one, two = signers or (keys[0], keys[0])
        signed = signed or second
        return disputes.proveDoubleVote(
            encoded(first),
            one.sign_digest(first.digest(domain)),
            encoded(second),
            two.sign_digest(signed.digest(domain)),
            sender=prover,
        )

    return _prove


def assert_slashed(receipt, disputes, committee, key, epoch=1):
    [event] = receipt.decode_logs(disputes.EquivocationProven)
    validator = address_text(key.address)
    assert (event.validator, event.epoch, event.prover) == (validator, epoch, ZERO)
    assert committee.stakeOf(validator) == 0


@pytest.mark.parametrize(
    ("first", "second"),
    [(BLOCK, OTHER), (OTHER, BLOCK), (BLOCK, NEXT_ROUND), (NEXT_ROUND, BLOCK)],
    ids=["blocks", "blocks turned", "block and next round", "next round and block"],
)
def test_prove_double_vote__two_of_a_round__succeeds(
    rollup, disputes, committee, book, prove_votes, keys, first, second
):
    book.post()

    receipt = prove_votes(first, second)

    assert_slashed(receipt, disputes, committee, keys[0])
    assert committee.stakeOf(address_text(keys[1].address)) == STAKE_WEI
    assert rollup.tip() == 1


def test_prove_double_vote__committed__succeeds(
    disputes, committee, prover, domain, keys, prove_votes
):
    arguments = [
        part
        for vote in (BLOCK, NEXT_ROUND)
        for part in (encoded(vote), keys[0].sign_digest(vote.digest(domain)))
    ]
    calldata = bytes(disputes.proveDoubleVote.encode_input(*arguments))
    disputes.commit(commitment(calldata, prover), sender=prover)

    disputes.proveDoubleVote(*arguments, sender=prover)

    assert committee.owedWei(prover) == STAKE_WEI // 2


@pytest.mark.parametrize(
    "second",
    [
        BLOCK,
        replace(OTHER, number=10),
        replace(OTHER, epoch=2),
        replace(OTHER, round=3),
        NextRound(9, 1, 3),
        NextRound(10, 1, 2),
    ],
    ids=["same", "height", "epoch", "round", "next round", "next round of another height"],
)
def test_prove_double_vote__votes_agree__reverts(reverts, disputes, prove_votes, second):
    with reverts(disputes, "SignaturesAgree"):
        prove_votes(BLOCK, second)


def test_prove_double_vote__next_round_twice__reverts(reverts, disputes, prove_votes):
    with reverts(disputes, "SignaturesAgree"):
        prove_votes(NEXT_ROUND, NEXT_ROUND)


def test_prove_double_vote__two_validators__reverts(reverts, disputes, prove_votes, keys):
    first, second = (address_text(key.address) for key in keys[:2])

    with reverts(disputes, "SignersDiffer", first=first, second=second):
        prove_votes(BLOCK, OTHER, signers=keys[:2])


def test_prove_double_vote__timeout__reverts(reverts, disputes, prove_votes, keys):
    """A timeout has the words of a NextRound, but another type: its signer can't be told."""
    with reverts(disputes, "SignersDiffer", first=address_text(keys[0].address), second=...):
        prove_votes(BLOCK, NEXT_ROUND, signed=Timeout(9, 1, 2))


def test_prove_double_vote__nobody_s_stake__reverts(
    reverts, disputes, committee, prove_votes, keys, operator
):
    outsider = operator.keys[0].__class__(keccak(b"no validator"))
    with reverts(committee, "StakeZero", validator=address_text(outsider.address)):
        prove_votes(BLOCK, OTHER, signers=(outsider, outsider))

    prove_votes(BLOCK, OTHER)
    with reverts(committee, "StakeZero", validator=address_text(keys[0].address)):
        prove_votes(BLOCK, NEXT_ROUND)


@pytest.mark.parametrize("size_bytes", [0, 32, 95, 97, 255, 257])
def test_prove_double_vote__neither_type__reverts(
    reverts, disputes, prover, domain, keys, size_bytes
):
    signature = keys[0].sign_digest(BLOCK.digest(domain))
    other = bytes(size_bytes)
    for first, second in ((encoded(BLOCK), other), (other, encoded(BLOCK))):
        with reverts(disputes, "VoteSizeInvalid", actualBytes=size_bytes):
            disputes.proveDoubleVote(first, signature, second, signature, sender=prover)


def test_prove_double_vote__malformed_signature__reverts(reverts, disputes, prover, domain, keys):
    signature = keys[0].sign_digest(BLOCK.digest(domain))
    arguments = (encoded(BLOCK), signature, encoded(OTHER))

    with reverts(disputes, "ECDSAInvalidSignatureLength", length=64):
        disputes.proveDoubleVote(*arguments, signature[:-1], sender=prover)
    with reverts(disputes, "ECDSAInvalidSignature"):
        disputes.proveDoubleVote(*arguments, bytes(65), sender=prover)
    high_s = signature[:32] + b"\xff" * 32 + signature[64:]
    with reverts(disputes, "ECDSAInvalidSignatureS", s=high_s[32:64]):
        disputes.proveDoubleVote(*arguments, high_s, sender=prover)


def test_prove_double_vote__fields_past_their_types__reverts(
    reverts, disputes, prover, domain, keys
):
    """They are the words of no vote."""
    first, second = (b"\1" + encoded(vote)[1:] for vote in (BLOCK, OTHER))
    signature = keys[0].sign_digest(BLOCK.digest(domain))

    with reverts(disputes, ""):
        disputes.proveDoubleVote(first, signature, second, signature, sender=prover)


@pytest.fixture
def headers(book):
    """Two headers of one epoch that end with different blocks of one number."""
    first = book.post().header
    return first, first._replace(last_block_hash=HASHES[0])


@pytest.fixture
def prove_headers(disputes, prover, domain, keys):
    def _prove(first, second, signers=None, domains=None):
        one, two = signers or (keys[0], keys[0])
        here, there = domains or (domain, domain)
        return disputes.proveDoubleHeader(
            first,
            one.sign_digest(first.digest(here)),
            second,
            two.sign_digest(second.digest(there)),
            sender=prover,
        )

    return _prove


@pytest.mark.parametrize("order", [1, -1])
def test_prove_double_header__two_last_blocks__succeeds(
    disputes, committee, headers, prove_headers, keys, order
):
    first, second = headers[::order]

    receipt = prove_headers(first, second)

    assert_slashed(receipt, disputes, committee, keys[0])


def test_prove_double_header__other_batch_numbers__succeeds(
    disputes, committee, headers, prove_headers, keys
):
    first, second = headers

    receipt = prove_headers(first, second._replace(number=7))

    assert_slashed(receipt, disputes, committee, keys[0])


@pytest.mark.parametrize(
    "change",
    [
        lambda header: {"l1_block_number": header.l1_block_number + 1},
        lambda header: {"timestamp": header.timestamp + 1, "chunks_root": HASHES[0]},
        lambda header: {"last_block_number": 9, "last_block_hash": HASHES[0]},
        lambda header: {"epoch": 2, "last_block_hash": HASHES[0]},
    ],
    ids=["pin", "other chunks", "later block", "epoch"],
)
def test_prove_double_header__headers_agree__reverts(
    reverts, disputes, headers, prove_headers, change
):
    first, _ = headers

    with reverts(disputes, "SignaturesAgree"):
        prove_headers(first, first._replace(**change(first)))


def test_prove_double_header__two_validators__reverts(
    reverts, disputes, headers, prove_headers, keys
):
    first, second = (address_text(key.address) for key in keys[:2])

    with reverts(disputes, "SignersDiffer", first=first, second=second):
        prove_headers(*headers, signers=keys[:2])


def test_prove_double_header__another_rollup__reverts(
    reverts, disputes, headers, prove_headers, domain, keys, chain
):
    other = ledger_domain(chain.chain_id, address_from_text(disputes.address))

    with reverts(disputes, "SignersDiffer", first=address_text(keys[0].address), second=...):
        prove_headers(*headers, domains=(domain, other))
