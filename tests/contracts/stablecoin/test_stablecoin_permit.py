"""Stablecoin: allowances by signature (ERC-2612). The payer has a key and no ether.

- permit: signed, at its deadline → allowance
- sent first by somebody else → the second reverts, the allowance stands
- late, signed by another, other value, high s, signature of nobody → reverts
"""

import pytest

UINT256_MAX = 2**256 - 1
PERMIT = "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"


@pytest.fixture
def sign(token, sign_typed):
    def _sign(key, values):
        return sign_typed(key, token, "Causeway Dollar", PERMIT, values)

    return _sign


def test_permit__signed_by_owner__succeeds(token, sign, payer, payee, relayer):
    values = [payer.address, str(payee.address), 400, 0, UINT256_MAX]

    token.permit(*values[:3], UINT256_MAX, *sign(payer, values), sender=relayer)
    token.transferFrom(payer.address, payee, 400, sender=payee)

    assert token.balanceOf(payee) == 400
    assert token.nonces(payer.address) == 1


def test_permit__at_deadline__succeeds(token, sign, chain, payer, payee, relayer):
    deadline = chain.pending_timestamp + 100
    values = [payer.address, str(payee.address), 400, 0, deadline]
    signature = sign(payer, values)
    chain.pending_timestamp = deadline

    token.permit(*values[:3], deadline, *signature, sender=relayer)

    assert token.allowance(payer.address, payee) == 400


def test_permit__after_deadline__reverts(token, sign, chain, payer, payee, relayer, reverts):
    deadline = chain.pending_timestamp + 100
    values = [payer.address, str(payee.address), 400, 0, deadline]
    signature = sign(payer, values)
    chain.pending_timestamp = deadline + 1

    with reverts(token, "ERC2612ExpiredSignature", deadline=deadline):
        token.permit(*values[:3], deadline, *signature, sender=relayer)


def test_permit__sent_first_by_somebody_else__reverts(
    token, sign, payer, payee, attacker, relayer, reverts
):
    values = [payer.address, str(payee.address), 400, 0, UINT256_MAX]
    permit = [*values[:3], UINT256_MAX, *sign(payer, values)]
    token.permit(*permit, sender=relayer)

    with reverts(token, "ERC2612InvalidSigner", signer=..., owner=payer.address):
        token.permit(*permit, sender=payee)

    assert token.allowance(payer.address, payee) == 400  # all that the payee needs


def test_permit__signed_by_another__reverts(token, sign, payer, payee, attacker, relayer, reverts):
    values = [payer.address, str(payee.address), 400, 0, UINT256_MAX]
    signature = sign(attacker, values)

    with reverts(token, "ERC2612InvalidSigner", signer=attacker.address, owner=payer.address):
        token.permit(*values[:3], UINT256_MAX, *signature, sender=relayer)


def test_permit__other_value__reverts(token, sign, payer, payee, relayer, reverts):
    values = [payer.address, str(payee.address), 400, 0, UINT256_MAX]
    signature = sign(payer, values)

    with reverts(token, "ERC2612InvalidSigner", signer=..., owner=payer.address):
        token.permit(*values[:2], 401, UINT256_MAX, *signature, sender=relayer)


def test_permit__high_s__reverts(token, sign, payer, payee, relayer, reverts, with_high_s):
    values = [payer.address, str(payee.address), 400, 0, UINT256_MAX]
    signature = with_high_s(*sign(payer, values))

    with reverts(token, "ECDSAInvalidSignatureS", s=signature[2]):
        token.permit(*values[:3], UINT256_MAX, *signature, sender=relayer)


def test_permit__signature_of_nobody__reverts(token, payer, payee, relayer, reverts):
    with reverts(token, "ECDSAInvalidSignature"):
        token.permit(
            payer.address, payee, 400, UINT256_MAX, 29, bytes(32), bytes(32), sender=relayer
        )
