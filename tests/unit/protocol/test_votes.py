"""Votes and certificates.

- quorum: 1, 4, 7, 100 members | a number that is no 3f + 1
- digests: all of the five kinds differ, and depend on each field
- collecting signatures: enough, more than enough | too few, repeated, of a stranger, malformed
- verifying: bitmap | too few, too many, not ascending, repeated, stranger, malformed, other block
- bytes of a certificate: both ways | cut
"""

from dataclasses import replace

import pytest

from backend.protocol.errors import CertificateInvalid, InvariantViolated, MalformedBytes
from backend.protocol.hashing import keccak
from backend.protocol.votes import (
    Certificate,
    NextRound,
    Proposal,
    Seen,
    Timeout,
    faults_max,
    quorum,
    quorum_signatures,
    split_signatures,
    verify_quorum,
)
from tests.vectors.blocks import MEMBERS, block, certificate
from tests.vectors.common import DOMAIN, key

ADDRESSES = [member.address for member in MEMBERS]
DIGEST = block().digest(DOMAIN)
VOTES = [member.sign_digest(DIGEST) for member in MEMBERS]
STRANGER = key("stranger").sign_digest(DIGEST)


@pytest.mark.parametrize(("members", "faults"), [(1, 0), (4, 1), (7, 2), (100, 33)])
def test_quorum__3f_and_1_members__succeeds(members, faults):
    assert faults_max(members) == faults
    assert quorum(members) == 2 * faults + 1


@pytest.mark.parametrize("members", [0, 2, 3, 5])
def test_quorum__other_number__rejects(members):
    with pytest.raises(InvariantViolated):
        quorum(members)


def test_digest__kinds_and_fields__changes_holds():
    hash_ = keccak(b"hash")
    messages = [
        NextRound(1, 2, 3),
        NextRound(2, 2, 3),
        NextRound(1, 3, 3),
        NextRound(1, 2, 4),
        Timeout(1, 2, 3),
        Timeout(2, 2, 3),
        Timeout(1, 3, 3),
        Timeout(1, 2, 4),
        Proposal(hash_),
        Proposal(keccak(hash_)),
        Seen(1, hash_),
        Seen(2, hash_),
        Seen(1, keccak(hash_)),
    ]

    assert len({message.digest(DOMAIN) for message in messages}) == len(messages)


def test_quorum_signatures__enough__succeeds():
    assert quorum_signatures(DIGEST, VOTES[::-1], ADDRESSES) == tuple(VOTES[:3])
    assert quorum_signatures(DIGEST, VOTES[1:], ADDRESSES) == tuple(VOTES[1:])


@pytest.mark.parametrize("third", [VOTES[0], STRANGER, bytes(65), b""])
def test_quorum_signatures__too_few__rejects(third):
    assert quorum_signatures(DIGEST, [*VOTES[:2], third], ADDRESSES) is None


def test_verify_quorum__each_three_of_four__succeeds():
    for missing in range(4):
        votes = VOTES[:missing] + VOTES[missing + 1 :]

        assert verify_quorum(DIGEST, votes, ADDRESSES) == 0b1111 ^ 1 << missing


@pytest.mark.parametrize(
    ("signatures", "reason"),
    [
        (VOTES[:2], "2 signatures, not 3"),
        (VOTES, "4 signatures, not 3"),
        ([VOTES[0], VOTES[2], VOTES[1]], "ascending"),
        ([VOTES[0], VOTES[0], VOTES[1]], "ascending"),
        ([*VOTES[:2], STRANGER], "no member"),
        ([*VOTES[:2], bytes(65)], "malformed"),
    ],
)
def test_verify_quorum__bad_signatures__rejects(signatures, reason):
    with pytest.raises(CertificateInvalid, match=reason):
        verify_quorum(DIGEST, signatures, ADDRESSES)


def test_certificate__other_block__rejects():
    assert certificate().verify(DOMAIN, ADDRESSES) == 0b1110
    other = Certificate(replace(block(), round=9), certificate().signatures)

    with pytest.raises(CertificateInvalid, match="no member"):
        other.verify(DOMAIN, ADDRESSES)


def test_certificate__both_ways__succeeds():
    assert Certificate.decode(certificate().encode()) == certificate()
    assert split_signatures(b"") == ()


@pytest.mark.parametrize("data", [b"", certificate().encode()[:-1], block().encode()[:-1]])
def test_certificate__malformed__rejects(data):
    with pytest.raises(MalformedBytes):
        Certificate.decode(data)
