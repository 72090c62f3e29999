"""The committee: members of each epoch, and quorums of them.

- constructor, begin_epoch: 3f + 1 ascending members → the next epoch | other count, too many,
  zero, unsorted or repeated members → reverts | not the owner → reverts
- require_quorum: any 2f + 1 members → their bitmap; of an epoch gone by too
- require_quorum: epoch 0 or to come, too few, too many, unordered, repeated or strange signers,
  another digest, high s, v 0 → reverts
- ownership: handed over in two steps
"""

import pytest

from backend.protocol.hashing import keccak
from tests.contracts.core import deploy_core
from tests.contracts.rollup.operator import addresses_of, member_keys, signatures_of

DIGEST = keccak(b"a header")
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ZERO_ADDRESS = "0x" + "00" * 20


@pytest.fixture
def owner(accounts):
    return accounts[0]


@pytest.fixture
def attacker(accounts):
    return accounts[1]


@pytest.fixture
def keys():
    return member_keys(4)


@pytest.fixture
def deploy(project, owner):
    """Deploy a committee with its rollup, and stake for its members."""
    gate = owner.deploy(project.SwitchGate)
    return lambda members: deploy_core(project, owner, gate, members).committee


@pytest.fixture
def committee(deploy, keys):
    return deploy(addresses_of(keys))


@pytest.mark.parametrize("count", [1, 4, 7])
def test_deploy__three_f_plus_one_members__succeeds(deploy, owner, count):
    members = addresses_of(member_keys(count))

    committee = deploy(members)

    assert committee.epoch() == 1
    assert committee.membersOf(1) == members
    assert committee.quorumOf(1) == {1: 1, 4: 3, 7: 5}[count]
    assert committee.owner() == owner
    assert (committee.membersOf(2), committee.quorumOf(2)) == ([], 0)


def test_deploy__two_members__reverts(project, deploy, reverts):
    with reverts(project.Committee, "MemberCountInvalid", actual=2):
        deploy(addresses_of(member_keys(2)))


def test_begin_epoch__other_members__succeeds(committee, owner):
    members = addresses_of(member_keys(7, seed=1))

    receipt = committee.beginEpoch(members, sender=owner)

    assert committee.epoch() == 2
    assert committee.membersOf(2) == members
    [event] = receipt.decode_logs(committee.EpochBegun)
    assert (event.epoch, event.members) == (2, members)


def test_begin_epoch__most_members__succeeds(committee, owner):
    members = [f"0x{i:040x}" for i in range(1, 257)]

    committee.beginEpoch(members, sender=owner)

    assert committee.quorumOf(2) == 171


def test_begin_epoch__not_owner__reverts(committee, attacker, reverts):
    with reverts(committee, "OwnableUnauthorizedAccount", account=attacker):
        committee.beginEpoch([attacker], sender=attacker)


@pytest.mark.parametrize("count", [0, 3, 5, 259])
def test_begin_epoch__other_count__reverts(committee, owner, reverts, count):
    with reverts(committee, "MemberCountInvalid", actual=count):
        committee.beginEpoch([f"0x{i:040x}" for i in range(1, count + 1)], sender=owner)


def test_begin_epoch__zero_member__reverts(committee, owner, reverts):
    with reverts(committee, "MembersNotAscending", previous=ZERO_ADDRESS, actual=ZERO_ADDRESS):
        committee.beginEpoch([ZERO_ADDRESS], sender=owner)


@pytest.mark.parametrize("order", [(0, 1, 1, 2), (0, 2, 1, 3)])
def test_begin_epoch__members_not_ascending__reverts(committee, owner, keys, reverts, order):
    members = [addresses_of(keys)[i] for i in order]
    previous, actual = next(
        pair
        for pair in zip(members, members[1:], strict=False)
        if pair[1].lower() <= pair[0].lower()
    )

    with reverts(committee, "MembersNotAscending", previous=previous, actual=actual):
        committee.beginEpoch(members, sender=owner)


@pytest.mark.parametrize("signers", [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)])
def test_require_quorum__any_three_of_four__succeeds(committee, keys, signers):
    signatures = signatures_of([keys[i] for i in signers], DIGEST)

    assert committee.requireQuorum(1, DIGEST, signatures) == sum(1 << i for i in signers)


def test_require_quorum__single_member__succeeds(deploy, keys):
    committee = deploy(addresses_of(keys[:1]))

    assert committee.requireQuorum(1, DIGEST, signatures_of(keys[:1], DIGEST)) == 1


def test_require_quorum__epoch_gone_by__succeeds(committee, owner, keys):
    committee.beginEpoch(addresses_of(member_keys(4, seed=1)), sender=owner)

    assert committee.requireQuorum(1, DIGEST, signatures_of(keys[:3], DIGEST)) == 0b111


def test_require_quorum__members_of_other_epoch__reverts(committee, owner, keys, reverts):
    committee.beginEpoch(addresses_of(member_keys(4, seed=1)), sender=owner)

    with reverts(committee, "SignerNotMember", signer=keys[0].address):
        committee.requireQuorum(2, DIGEST, signatures_of(keys[:3], DIGEST))


@pytest.mark.parametrize("epoch", [0, 2, 2**32 - 1])
def test_require_quorum__unknown_epoch__reverts(committee, keys, reverts, epoch):
    with reverts(committee, "EpochUnknown", last=1, actual=epoch):
        committee.requireQuorum(epoch, DIGEST, signatures_of(keys[:3], DIGEST))


@pytest.mark.parametrize(("size_bytes", "actual"), [(0, 0), (65, 1), (130, 2), (194, 2)])
def test_require_quorum__too_few__reverts(committee, keys, reverts, size_bytes, actual):
    signatures = signatures_of(keys[:3], DIGEST)[:size_bytes]

    with reverts(committee, "QuorumNotReached", needed=3, actual=actual):
        committee.requireQuorum(1, DIGEST, signatures)


def test_require_quorum__more_than_needed__reverts(committee, keys, reverts):
    with reverts(committee, "SignaturesTooLong", expectedBytes=195, actualBytes=260):
        committee.requireQuorum(1, DIGEST, signatures_of(keys, DIGEST))


@pytest.mark.parametrize("order", [(0, 0, 1), (1, 0, 2)])
def test_require_quorum__signers_not_ascending__reverts(committee, keys, reverts, order):
    first, second = keys[order[0]].address, keys[order[1]].address

    with reverts(committee, "SignersNotAscending", previous=first, actual=second):
        committee.requireQuorum(1, DIGEST, signatures_of([keys[i] for i in order], DIGEST))


@pytest.mark.parametrize("stranger_seed", range(10, 16))
def test_require_quorum__stranger_among_signers__reverts(committee, keys, reverts, stranger_seed):
    stranger = member_keys(1, seed=stranger_seed)[0]
    signers = sorted([*keys[:2], stranger], key=lambda key: key.address)

    with reverts(committee, "SignerNotMember", signer=stranger.address):
        committee.requireQuorum(1, DIGEST, signatures_of(signers, DIGEST))


def test_require_quorum__other_digest__reverts(committee, keys, reverts):
    with reverts(committee, "SignerNotMember", signer=...):
        committee.requireQuorum(1, keccak(b"other"), signatures_of(keys[:1] * 3, DIGEST))


def test_require_quorum__high_s__reverts(committee, keys, reverts):
    signature = signatures_of(keys[:1], DIGEST)
    high_s = (SECP256K1_ORDER - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")
    twin = signature[:32] + high_s + bytes([55 - signature[64]])

    with reverts(committee, "ECDSAInvalidSignatureS", s=high_s):
        committee.requireQuorum(1, DIGEST, twin + signatures_of(keys[1:3], DIGEST))


def test_require_quorum__v_zero__reverts(committee, keys, reverts):
    signature = signatures_of(keys[:1], DIGEST)
    other = signature[:64] + bytes([signature[64] - 27])

    with reverts(committee, "ECDSAInvalidSignature"):
        committee.requireQuorum(1, DIGEST, other + signatures_of(keys[1:3], DIGEST))


def test_transfer_ownership__accepted__succeeds(committee, owner, attacker, reverts):
    committee.transferOwnership(attacker, sender=owner)
    assert committee.owner() == owner

    committee.acceptOwnership(sender=attacker)

    assert committee.owner() == attacker
    with reverts(committee, "OwnableUnauthorizedAccount", account=owner):
        committee.beginEpoch([owner], sender=owner)
