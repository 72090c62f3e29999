"""Treasury: whose approval counts, and how often.

- approve: by a signer → counts without a signature | withdrawn → not | by another → reverts
- execute: signed, on the chain, by the sender, or mixed → counts once | twice, unordered, by a
  stranger, by nobody, malformed → reverts | too light → reverts
- execute: without its proposer → reverts
- execute: the proposer's own approval refused → the others must be enough
- execute: a signer who was removed → reverts | whose weight changed → counts as now
- execute: signed by a contract (ERC-1271) → counts | refused by it, or changed its mind → reverts
- weight_of: what execute would count
"""

import pytest

from tests.contracts.treasury.conftest import DOLLAR, GOVERNANCE
from tests.contracts.treasury.desk import (
    Desk,
    call,
    in_order,
    member_key,
    pay,
    signer_of,
)


@pytest.fixture
def proposal(desk, asset, payee, alice):
    """A payment of 500, which two signers must approve."""
    return desk.proposal([call(asset.transfer, payee, 500 * DOLLAR)], alice)


@pytest.fixture
def dave(accounts, desk, treasury, alice, bob):
    """A fourth signer, whose key sends transactions."""
    account = accounts[5]
    desk.run([call(treasury.changeSigners, [], [signer_of(account)], [1])], [alice, bob])
    return account


# approve


def test_approve__mixed_with_a_signature__succeeds(
    treasury, desk, proposal, alice, dave, asset, payee
):
    proposal = (*proposal[:3], desk.nonce(alice), *proposal[4:])
    identifier = treasury.proposalId(proposal)

    receipt = treasury.approve(identifier, sender=dave)

    assert receipt.events == [treasury.DigestApproved(identifier, dave)]
    assert treasury.isApproved(identifier, dave)
    approvals = in_order([*desk.sign(proposal, [alice]), (signer_of(dave), b"")])
    assert treasury.weightOf(proposal, approvals) == 2
    desk.execute(proposal, approvals)
    assert asset.balanceOf(payee) == 500 * DOLLAR


def test_approve__by_a_stranger__reverts(treasury, attacker, reverts):
    with reverts(treasury, "SignerUnknown", signer=signer_of(attacker)):
        treasury.approve(bytes(32), sender=attacker)


def test_withdraw_approval__then_shown__reverts(treasury, desk, proposal, alice, dave, reverts):
    identifier = treasury.proposalId(proposal)
    treasury.approve(identifier, sender=dave)

    receipt = treasury.withdrawApproval(identifier, sender=dave)

    assert receipt.events == [treasury.ApprovalWithdrawn(identifier, dave)]
    approvals = in_order([*desk.sign(proposal, [alice]), (signer_of(dave), b"")])
    with reverts(treasury, "SignatureInvalid", signer=signer_of(dave)):
        desk.execute(proposal, approvals)


def test_execute__sent_by_a_signer__counts_him_succeeds(
    treasury, desk, asset, alice, dave, payee, attacker, reverts
):
    proposal = desk.proposal([call(asset.transfer, payee, 500 * DOLLAR)], alice)
    approvals = in_order([*desk.sign(proposal, [alice]), (signer_of(dave), b"")])

    with reverts(treasury, "SignatureInvalid", signer=signer_of(dave)):
        treasury.execute(proposal, approvals, sender=attacker)
    treasury.execute(proposal, approvals, sender=dave)

    assert asset.balanceOf(payee) == 500 * DOLLAR


# execute


def test_execute__approved_twice__reverts(treasury, desk, proposal, alice, reverts):
    approvals = desk.sign(proposal, [alice, alice])

    with reverts(treasury, "SignersNotAscending", previous=..., actual=...):
        desk.execute(proposal, approvals)


def test_execute__signed_and_approved_on_chain__reverts(
    treasury, desk, proposal, alice, dave, reverts
):
    treasury.approve(treasury.proposalId(proposal), sender=dave)
    twice = [(signer_of(dave), b""), (signer_of(dave), b"")]

    with reverts(treasury, "SignersNotAscending", previous=..., actual=...):
        desk.execute(proposal, in_order([*desk.sign(proposal, [alice]), *twice]))


def test_execute__unordered__reverts(treasury, desk, proposal, alice, bob, reverts):
    approvals = desk.sign(proposal, [alice, bob])[::-1]

    with reverts(treasury, "SignersNotAscending", previous=..., actual=...):
        desk.execute(proposal, approvals)


def test_execute__by_a_stranger_too__reverts(treasury, desk, proposal, alice, bob, reverts):
    stranger = member_key("stranger")

    with reverts(treasury, "SignerUnknown", signer=signer_of(stranger)):
        desk.execute(proposal, desk.sign(proposal, [alice, bob, stranger]))


@pytest.mark.parametrize("signature", [b"", bytes(1), bytes(64), bytes(65), bytes(100)])
def test_execute__signed_by_nobody__reverts(
    treasury, desk, proposal, alice, bob, reverts, signature
):
    approvals = in_order([*desk.sign(proposal, [alice]), (signer_of(bob), signature)])

    with reverts(treasury, "SignatureInvalid", signer=signer_of(bob)):
        desk.execute(proposal, approvals)


def test_execute__high_s__reverts(treasury, desk, proposal, alice, bob, with_high_s, reverts):
    signature = desk.signature(bob, proposal)
    v, r, s = with_high_s(signature[64], signature[:32], signature[32:64])
    approvals = in_order([*desk.sign(proposal, [alice]), (signer_of(bob), r + s + bytes([v]))])

    with reverts(treasury, "SignatureInvalid", signer=signer_of(bob)):
        desk.execute(proposal, approvals)


def test_execute__too_light__reverts(treasury, desk, proposal, alice, reverts):
    with reverts(treasury, "WeightNotReached", needed=2, actual=1):
        desk.execute(proposal, desk.sign(proposal, [alice]))


def test_execute__without_its_proposer__reverts(
    treasury, desk, proposal, alice, bob, carol, reverts
):
    with reverts(treasury, "ProposerMissing", proposer=signer_of(alice)):
        desk.execute(proposal, desk.sign(proposal, [bob, carol]))


def test_execute__proposed_by_a_stranger__reverts(treasury, desk, alice, bob, payee, reverts):
    proposal = desk.proposal([pay(payee, 1)], member_key("stranger"))

    with reverts(treasury, "ProposerMissing", proposer=proposal[0]):
        desk.execute(proposal, desk.sign(proposal, [alice, bob]))


def test_execute__proposer_of_no_bytes__reverts(treasury, desk, alice, bob, payee, reverts):
    proposal = desk.proposal([pay(payee, 1)], b"")

    with reverts(treasury, "ProposerMissing", proposer=b""):
        desk.execute(proposal, desk.sign(proposal, [alice, bob]))


# own approvals


@pytest.fixture
def strict(chain, deploy_treasury, operator):
    """A treasury where a proposer's own approval weighs nothing, without timelocks."""
    return Desk(chain, deploy_treasury(governance=(2, 0, 2, True, 0, 0, 0)), operator)


def test_execute__own_approval_refused__reverts(strict, operator, alice, bob, payee, reverts):
    operator.transfer(strict.treasury, 1)
    proposal = strict.proposal([pay(payee, 1)], alice)
    approvals = strict.sign(proposal, [alice, bob])

    assert strict.treasury.weightOf(proposal, approvals) == 1
    with reverts(strict.treasury, "OwnApprovalRefused", needed=2, actualOfOthers=1):
        strict.execute(proposal, approvals)


def test_execute__alone_where_own_approval_is_refused__reverts(strict, alice, payee, reverts):
    proposal = strict.proposal([pay(payee, 1)], alice)

    with reverts(strict.treasury, "WeightNotReached", needed=2, actual=0):
        strict.execute(proposal, strict.sign(proposal, [alice]))


def test_execute__others_are_enough__succeeds(strict, operator, alice, bob, carol, payee):
    operator.transfer(strict.treasury, 1)
    before = payee.balance

    strict.run([pay(payee, 1)], [alice, bob, carol])

    assert payee.balance == before + 1


# changing signers


def test_execute__signer_removed_meanwhile__reverts(
    treasury, desk, asset, payee, alice, bob, carol, reverts
):
    proposal = desk.proposal([call(asset.transfer, payee, 500 * DOLLAR)], alice, key=1)
    approvals = desk.sign(proposal, [alice, carol])

    desk.run([call(treasury.changeSigners, [signer_of(carol)], [], [])], [alice, bob])

    with reverts(treasury, "SignerUnknown", signer=signer_of(carol)):
        desk.execute(proposal, approvals)
    with reverts(treasury, "WeightNotReached", needed=2, actual=1):
        desk.execute(proposal, desk.sign(proposal, [alice]))


def test_execute__approved_on_chain_by_removed_signer__reverts(
    treasury, desk, asset, payee, alice, bob, dave, reverts
):
    proposal = desk.proposal([call(asset.transfer, payee, 500 * DOLLAR)], alice, key=1)
    treasury.approve(treasury.proposalId(proposal), sender=dave)
    approvals = in_order([*desk.sign(proposal, [alice]), (signer_of(dave), b"")])

    desk.run([call(treasury.changeSigners, [signer_of(dave)], [], [])], [alice, bob])

    with reverts(treasury, "SignerUnknown", signer=signer_of(dave)):
        desk.execute(proposal, approvals)


def test_execute__signer_weighs_more_meanwhile__succeeds(treasury, desk, asset, payee, alice, bob):
    proposal = desk.proposal([call(asset.transfer, payee, 500 * DOLLAR)], alice, key=1)
    approvals = desk.sign(proposal, [alice])

    desk.run([call(treasury.changeSigners, [], [signer_of(alice)], [2])], [alice, bob])
    desk.execute(proposal, approvals)

    assert treasury.weightOf(proposal, approvals) == 2
    assert asset.balanceOf(payee) == 500 * DOLLAR


# contracts as signers


@pytest.fixture
def contract(project, operator, desk, treasury, alice, bob):
    """A signer without a key (ERC-1271), whose signature is a password."""
    contract = operator.deploy(project.ContractAttestor, b"open sesame")
    desk.run([call(treasury.changeSigners, [], [signer_of(contract)], [1])], [alice, bob])
    return contract


def _with_password(desk, proposal, alice, contract, password=b"open sesame"):
    return in_order([*desk.sign(proposal, [alice]), (signer_of(contract), password)])


def test_execute__signed_by_a_contract__succeeds(
    treasury, desk, asset, contract, alice, operator, payee
):
    proposal = desk.proposal([call(asset.transfer, payee, 500 * DOLLAR)], alice)
    contract.approve(treasury.proposalId(proposal), sender=operator)

    desk.execute(proposal, _with_password(desk, proposal, alice, contract))

    assert asset.balanceOf(payee) == 500 * DOLLAR


def test_execute__refused_by_a_contract__reverts(
    treasury, desk, asset, contract, alice, operator, payee, reverts
):
    proposal = desk.proposal([call(asset.transfer, payee, 500 * DOLLAR)], alice)
    contract.approve(treasury.proposalId(proposal), sender=operator)

    with reverts(treasury, "SignatureInvalid", signer=signer_of(contract)):
        desk.execute(proposal, _with_password(desk, proposal, alice, contract, b"sesame"))


def test_execute__contract_changed_its_mind__reverts(
    treasury, desk, contract, alice, bob, operator, chain, payee, reverts
):
    proposal = desk.proposal([pay(payee, 1)], alice)
    contract.approve(treasury.proposalId(proposal), sender=operator)
    approvals = _with_password(desk, proposal, alice, contract)
    desk.schedule(proposal, approvals)
    contract.approve(bytes(32), sender=operator)
    chain.pending_timestamp = desk.now() + GOVERNANCE[1]

    with reverts(treasury, "SignatureInvalid", signer=signer_of(contract)):
        desk.execute(proposal, approvals)
