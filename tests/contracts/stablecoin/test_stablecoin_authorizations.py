"""Stablecoin: payments by signature (ERC-3009). The payer has a key and no ether.

- transfer_with_authorization: signed, by anyone, nonces in any order → moves | too early, too
  late, used, cancelled, signed by another, high s, other values, of another token, balance too
  low → reverts
- receive_with_authorization: by the payee → moves | by another, signed as a transfer → reverts
- cancel_authorization: signed → used up | used, cancelled, signed by another, high s → reverts
"""

import pytest
from eth_utils import keccak

UINT256_MAX = 2**256 - 1
NONCE = keccak(text="the first authorization")
AUTHORIZATION_FIELDS = (
    "(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
TRANSFER = "TransferWithAuthorization" + AUTHORIZATION_FIELDS
RECEIVE = "ReceiveWithAuthorization" + AUTHORIZATION_FIELDS
CANCEL = "CancelAuthorization(address authorizer,bytes32 nonce)"


@pytest.fixture
def sign(token, sign_typed):
    def _sign(key, type_string, values, contract=token):
        return sign_typed(key, contract, "Causeway Dollar", type_string, values)

    return _sign


@pytest.fixture
def authorization(payer, payee):
    """The values of a payment of 400, alive at any time."""
    return [payer.address, str(payee.address), 400, 0, UINT256_MAX, NONCE]


# transferWithAuthorization


def test_transfer_with_authorization__signed__succeeds(
    token, sign, payer, payee, relayer, authorization
):
    signature = sign(payer, TRANSFER, authorization)

    receipt = token.transferWithAuthorization(*authorization, *signature, sender=relayer)

    assert (token.balanceOf(payer.address), token.balanceOf(payee)) == (600, 400)
    assert token.authorizationState(payer.address, NONCE)
    assert receipt.events == [
        token.AuthorizationUsed(payer.address, NONCE),
        token.Transfer(payer.address, payee, 400),
    ]


def test_transfer_with_authorization__nonces_in_any_order__succeeds(
    token, sign, payer, payee, relayer, authorization
):
    for nonce in (keccak(text="second"), bytes(32)):
        values = [*authorization[:5], nonce]
        signature = sign(payer, TRANSFER, values)
        token.transferWithAuthorization(*values, *signature, sender=relayer)

    assert token.balanceOf(payee) == 800


@pytest.mark.parametrize("offset_s", [0, -1])
def test_transfer_with_authorization__too_early__reverts(
    token, sign, chain, payer, relayer, authorization, reverts, offset_s
):
    valid_after = chain.pending_timestamp + 100
    authorization[3] = valid_after
    signature = sign(payer, TRANSFER, authorization)
    chain.pending_timestamp = valid_after + offset_s

    with reverts(
        token,
        "ERC3009InvalidAuthorizationTime",
        validAfter=valid_after,
        validBefore=UINT256_MAX,
    ):
        token.transferWithAuthorization(*authorization, *signature, sender=relayer)


@pytest.mark.parametrize("offset_s", [0, 1])
def test_transfer_with_authorization__too_late__reverts(
    token, sign, chain, payer, relayer, authorization, reverts, offset_s
):
    valid_before = chain.pending_timestamp + 100
    authorization[4] = valid_before
    signature = sign(payer, TRANSFER, authorization)
    chain.pending_timestamp = valid_before + offset_s

    with reverts(token, "ERC3009InvalidAuthorizationTime", validAfter=0, validBefore=valid_before):
        token.transferWithAuthorization(*authorization, *signature, sender=relayer)


def test_transfer_with_authorization__inside_its_second__succeeds(
    token, sign, chain, payer, payee, relayer, authorization
):
    now = chain.pending_timestamp + 100
    authorization[3:5] = [now - 1, now + 1]
    signature = sign(payer, TRANSFER, authorization)
    chain.pending_timestamp = now

    token.transferWithAuthorization(*authorization, *signature, sender=relayer)

    assert token.balanceOf(payee) == 400


def test_transfer_with_authorization__repeated__reverts(
    token, sign, payer, relayer, authorization, reverts
):
    signature = sign(payer, TRANSFER, authorization)
    token.transferWithAuthorization(*authorization, *signature, sender=relayer)

    with reverts(token, "ERC3009UsedAuthorization", authorizer=payer.address, nonce=NONCE):
        token.transferWithAuthorization(*authorization, *signature, sender=relayer)


def test_transfer_with_authorization__signed_by_another__reverts(
    token, sign, attacker, relayer, authorization, reverts
):
    signature = sign(attacker, TRANSFER, authorization)

    with reverts(token, "ERC3009InvalidSignature"):
        token.transferWithAuthorization(*authorization, *signature, sender=relayer)


@pytest.mark.parametrize(
    ("index", "value"), [(2, 401), (3, 1), (4, UINT256_MAX - 1), (5, bytes(32))]
)
def test_transfer_with_authorization__other_value__reverts(
    token, sign, payer, relayer, authorization, reverts, index, value
):
    signature = sign(payer, TRANSFER, authorization)
    authorization[index] = value

    with reverts(token, "ERC3009InvalidSignature"):
        token.transferWithAuthorization(*authorization, *signature, sender=relayer)


def test_transfer_with_authorization__of_another_token__reverts(
    token, issue, sign, minter, payer, relayer, authorization, reverts
):
    other = issue(minter)
    signature = sign(payer, TRANSFER, authorization, other)

    with reverts(token, "ERC3009InvalidSignature"):
        token.transferWithAuthorization(*authorization, *signature, sender=relayer)


def test_transfer_with_authorization__high_s__reverts(
    token, sign, payer, relayer, authorization, reverts, with_high_s
):
    signature = with_high_s(*sign(payer, TRANSFER, authorization))

    with reverts(token, "ECDSAInvalidSignatureS", s=signature[2]):
        token.transferWithAuthorization(*authorization, *signature, sender=relayer)


def test_transfer_with_authorization__from_zero_address__reverts(
    token, relayer, authorization, reverts
):
    authorization[0] = "0x" + 40 * "0"

    with reverts(token, "ECDSAInvalidSignature"):
        token.transferWithAuthorization(*authorization, 29, bytes(32), bytes(32), sender=relayer)


def test_transfer_with_authorization__balance_too_low__reverts(
    token, sign, payer, relayer, authorization, reverts
):
    authorization[2] = 1_001
    signature = sign(payer, TRANSFER, authorization)

    with reverts(
        token, "ERC20InsufficientBalance", sender=payer.address, balance=1_000, needed=1_001
    ):
        token.transferWithAuthorization(*authorization, *signature, sender=relayer)
    assert not token.authorizationState(payer.address, NONCE)


# receiveWithAuthorization


def test_receive_with_authorization__by_payee__succeeds(token, sign, payer, payee, authorization):
    signature = sign(payer, RECEIVE, authorization)

    token.receiveWithAuthorization(*authorization, *signature, sender=payee)

    assert (token.balanceOf(payer.address), token.balanceOf(payee)) == (600, 400)
    assert token.authorizationState(payer.address, NONCE)


def test_receive_with_authorization__by_another__reverts(
    token, sign, payer, payee, relayer, authorization, reverts
):
    signature = sign(payer, RECEIVE, authorization)

    with reverts(token, "ERC20InvalidReceiver", receiver=payee):
        token.receiveWithAuthorization(*authorization, *signature, sender=relayer)


def test_receive_with_authorization__signed_as_transfer__reverts(
    token, sign, payer, payee, authorization, reverts
):
    signature = sign(payer, TRANSFER, authorization)

    with reverts(token, "ERC3009InvalidSignature"):
        token.receiveWithAuthorization(*authorization, *signature, sender=payee)


def test_transfer_with_authorization__signed_as_receive__reverts(
    token, sign, payer, relayer, authorization, reverts
):
    signature = sign(payer, RECEIVE, authorization)

    with reverts(token, "ERC3009InvalidSignature"):
        token.transferWithAuthorization(*authorization, *signature, sender=relayer)


def test_receive_with_authorization__too_early__reverts(
    token, sign, payer, payee, authorization, reverts
):
    authorization[3] = UINT256_MAX
    signature = sign(payer, RECEIVE, authorization)

    with reverts(
        token,
        "ERC3009InvalidAuthorizationTime",
        validAfter=UINT256_MAX,
        validBefore=UINT256_MAX,
    ):
        token.receiveWithAuthorization(*authorization, *signature, sender=payee)


def test_receive_with_authorization__used_as_transfer__reverts(
    token, sign, payer, payee, authorization, reverts
):
    transfer = sign(payer, TRANSFER, authorization)
    token.transferWithAuthorization(*authorization, *transfer, sender=payee)
    signature = sign(payer, RECEIVE, authorization)

    with reverts(token, "ERC3009UsedAuthorization", authorizer=payer.address, nonce=NONCE):
        token.receiveWithAuthorization(*authorization, *signature, sender=payee)


# cancelAuthorization


def test_cancel_authorization__signed__succeeds(
    token, sign, payer, relayer, authorization, reverts
):
    cancellation = sign(payer, CANCEL, [payer.address, NONCE])
    signature = sign(payer, TRANSFER, authorization)

    receipt = token.cancelAuthorization(payer.address, NONCE, *cancellation, sender=relayer)

    assert receipt.events == [token.AuthorizationCanceled(payer.address, NONCE)]
    assert token.authorizationState(payer.address, NONCE)
    with reverts(token, "ERC3009UsedAuthorization", authorizer=payer.address, nonce=NONCE):
        token.transferWithAuthorization(*authorization, *signature, sender=relayer)


def test_cancel_authorization__cancelled__reverts(token, sign, payer, relayer, reverts):
    cancellation = sign(payer, CANCEL, [payer.address, NONCE])
    token.cancelAuthorization(payer.address, NONCE, *cancellation, sender=relayer)

    with reverts(token, "ERC3009UsedAuthorization", authorizer=payer.address, nonce=NONCE):
        token.cancelAuthorization(payer.address, NONCE, *cancellation, sender=relayer)


def test_cancel_authorization__signed_by_another__reverts(
    token, sign, payer, attacker, relayer, reverts
):
    cancellation = sign(attacker, CANCEL, [payer.address, NONCE])

    with reverts(token, "ERC3009InvalidSignature"):
        token.cancelAuthorization(payer.address, NONCE, *cancellation, sender=relayer)


def test_cancel_authorization__high_s__reverts(token, sign, payer, relayer, reverts, with_high_s):
    cancellation = with_high_s(*sign(payer, CANCEL, [payer.address, NONCE]))

    with reverts(token, "ECDSAInvalidSignatureS", s=cancellation[2]):
        token.cancelAuthorization(payer.address, NONCE, *cancellation, sender=relayer)
