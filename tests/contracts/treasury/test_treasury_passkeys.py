"""Treasury: passkeys as signers.

- execute: approved by a passkey, proposed by one → succeeds
- execute: of another key or challenge, without the user, of another kind, malformed → reverts
- cancel: by a passkey that proposed → succeeds
"""

import pytest

from tests.contracts.treasury.conftest import DOLLAR
from tests.contracts.treasury.desk import call, in_order, signer_of
from tests.contracts.treasury.passkeys import USER_PRESENT, Passkey


@pytest.fixture
def passkey():
    return Passkey("dave")


@pytest.fixture
def signer(project, operator, treasury, desk, alice, bob, passkey):
    """The passkey, made a signer."""
    verifier = operator.deploy(project.PasskeyVerifier)
    signer = signer_of(verifier) + passkey.public
    desk.run([call(treasury.changeSigners, [], [signer], [1])], [alice, bob])
    return signer


@pytest.fixture
def proposal(desk, asset, signer, payee, alice):
    return desk.proposal([call(asset.transfer, payee, 500 * DOLLAR)], alice)


def test_execute__approved_by_a_passkey__succeeds(
    treasury, desk, asset, proposal, passkey, signer, alice, payee
):
    assertion = passkey.approve(treasury.proposalId(proposal))

    desk.execute(proposal, in_order([*desk.sign(proposal, [alice]), (signer, assertion)]))

    assert asset.balanceOf(payee) == 500 * DOLLAR


def test_execute__proposed_by_a_passkey__succeeds(treasury, desk, asset, passkey, signer, payee):
    proposal = desk.proposal([call(asset.transfer, payee, DOLLAR)], signer)

    desk.execute(proposal, [(signer, passkey.approve(treasury.proposalId(proposal)))])

    assert asset.balanceOf(payee) == DOLLAR


def _flipped(assertion, at):
    return assertion[:at] + bytes([assertion[at] ^ 1]) + assertion[at + 1 :]


@pytest.mark.parametrize(
    "forge",
    [
        lambda passkey, digest: Passkey("attacker").approve(digest),
        lambda passkey, digest: passkey.approve(bytes(32)),
        lambda passkey, digest: passkey.approve(digest, flags=USER_PRESENT),
        lambda passkey, digest: passkey.approve(digest, flags=0),
        lambda passkey, digest: passkey.approve(digest, kind="webauthn.create"),
        lambda passkey, digest: _flipped(passkey.approve(digest), 31),
        lambda passkey, digest: passkey.approve(digest)[:-64],
        lambda passkey, digest: b"",
    ],
    ids=["key", "challenge", "unverified", "absent", "kind", "r", "cut", "empty"],
)
def test_execute__passkey_did_not_approve__reverts(
    treasury, desk, proposal, passkey, signer, alice, reverts, forge
):
    assertion = forge(passkey, bytes(treasury.proposalId(proposal)))

    with reverts(treasury, "SignatureInvalid", signer=signer):
        desk.execute(proposal, in_order([*desk.sign(proposal, [alice]), (signer, assertion)]))


def test_cancel__by_the_passkey_that_proposed__succeeds(
    treasury, desk, asset, passkey, signer, payee
):
    proposal = desk.proposal([call(asset.transfer, payee, DOLLAR)], signer)
    identifier = treasury.proposalId(proposal)
    assertion = passkey.approve(bytes(treasury.cancellationId(identifier)))

    treasury.cancel(proposal, [(signer, assertion)], sender=desk.operator)

    assert treasury.isCancelled(identifier)
