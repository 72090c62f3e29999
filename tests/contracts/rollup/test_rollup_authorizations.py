"""Deposits of those who signed (ERC-3009): the payer has a key and no ether.

- deposit_with_authorization: signed → record, vault, event; sent by anyone, for another owner;
  the gate is shown the signer
- sent twice, other owner, asset, amount or salt than signed, signed by another, signed as a
  transfer, too late, cancelled → reverts
- asset unknown, gate closed, token that knows no authorisations or ignores them → reverts
"""

import pytest
from eth_account import Account
from eth_utils import keccak

from tests.contracts.rollup.conftest import deposit_nonce

DOLLAR = 10**6
UINT256_MAX = 2**256 - 1
TRANSFER = (
    "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,"
    "uint256 validBefore,bytes32 nonce)"
)
CANCEL = "CancelAuthorization(address authorizer,bytes32 nonce)"


@pytest.fixture
def relayer(accounts):
    return accounts[4]


@pytest.fixture
def token(authorization_token):
    return authorization_token


@pytest.fixture
def asset_id(rollup, token):
    return rollup.assetIdOf(token)


def test_deposit_with_authorization__signed__succeeds(
    rollup, token, asset_id, authorization, gate, signer, relayer
):
    receipt = rollup.depositWithAuthorization(
        asset_id, signer.address, DOLLAR, b"passport", authorization(signer.address), sender=relayer
    )

    assert token.balanceOf(rollup) == DOLLAR
    assert rollup.assets(asset_id).outstandingMinor == DOLLAR
    [event] = receipt.decode_logs(rollup.DepositQueued)
    assert (event.index, event.owner, event.amountMinor) == (0, signer.address, DOLLAR)
    [asked] = receipt.decode_logs(gate.DepositAsked)
    assert (asked.depositor, asked.owner) == (signer.address, signer.address)
    assert asked.evidence == b"passport"


def test_deposit_with_authorization__for_another_owner__succeeds(
    rollup, asset_id, authorization, signer, payee, relayer
):
    receipt = rollup.depositWithAuthorization(
        asset_id, payee, DOLLAR, b"", authorization(payee.address), sender=relayer
    )

    [event] = receipt.decode_logs(rollup.DepositQueued)
    assert event.owner == payee


def test_deposit_with_authorization__repeated__reverts(
    rollup, token, asset_id, authorization, signer, relayer, reverts
):
    arguments = (asset_id, signer.address, DOLLAR, b"", authorization(signer.address))
    rollup.depositWithAuthorization(*arguments, sender=relayer)

    nonce = deposit_nonce(asset_id, signer.address)
    with reverts(token, "ERC3009UsedAuthorization", authorizer=signer.address, nonce=nonce):
        rollup.depositWithAuthorization(*arguments, sender=relayer)
    assert rollup.depositCount() == 1


def test_deposit_with_authorization__redirected__reverts(
    rollup, token, asset_id, authorization, signer, attacker, reverts
):
    with reverts(token, "ERC3009InvalidSignature"):
        rollup.depositWithAuthorization(
            asset_id, attacker, DOLLAR, b"", authorization(signer.address), sender=attacker
        )


def test_deposit_with_authorization__other_asset__reverts(
    project, rollup, list_asset, authorization, lister, signer, attacker, reverts
):
    signed = authorization(signer.address)
    other = lister.deploy(project.AuthorizationToken)
    other.mint(signer.address, DOLLAR, sender=lister)

    with reverts(other, "ERC3009InvalidSignature"):
        rollup.depositWithAuthorization(
            list_asset(other), signer.address, DOLLAR, b"", signed, sender=attacker
        )


def test_deposit_with_authorization__other_amount__reverts(
    rollup, token, asset_id, authorization, signer, attacker, reverts
):
    with reverts(token, "ERC3009InvalidSignature"):
        rollup.depositWithAuthorization(
            asset_id,
            signer.address,
            2 * DOLLAR,
            b"",
            authorization(signer.address),
            sender=attacker,
        )


def test_deposit_with_authorization__other_salt__reverts(
    rollup, token, asset_id, authorization, signer, attacker, reverts
):
    signed = list(authorization(signer.address))
    signed[3] = keccak(text="pepper")

    with reverts(token, "ERC3009InvalidSignature"):
        rollup.depositWithAuthorization(
            asset_id, signer.address, DOLLAR, b"", tuple(signed), sender=attacker
        )


def test_deposit_with_authorization__signed_by_another__reverts(
    rollup, token, asset_id, authorization, signer, attacker, reverts
):
    signed = authorization(attacker.address, key=Account.from_key(keccak(text="attacker")))

    with reverts(token, "ERC3009InvalidSignature"):
        rollup.depositWithAuthorization(asset_id, attacker, DOLLAR, b"", signed, sender=attacker)


def test_deposit_with_authorization__signed_as_transfer__reverts(
    rollup, token, asset_id, authorization, signer, relayer, reverts
):
    signed = authorization(signer.address, type_string=TRANSFER)

    with reverts(token, "ERC3009InvalidSignature"):
        rollup.depositWithAuthorization(
            asset_id, signer.address, DOLLAR, b"", signed, sender=relayer
        )


def test_deposit_with_authorization__taken_without_the_rollup__reverts(
    rollup, token, asset_id, authorization, signer, attacker, reverts
):
    signed = authorization(signer.address)
    nonce = deposit_nonce(asset_id, signer.address)

    with reverts(token, "ERC20InvalidReceiver", receiver=rollup):
        token.receiveWithAuthorization(
            signer.address, rollup, DOLLAR, 0, UINT256_MAX, nonce, *signed[4:], sender=attacker
        )


def test_deposit_with_authorization__too_late__reverts(
    rollup, token, asset_id, authorization, chain, signer, relayer, reverts
):
    valid_before = chain.pending_timestamp
    signed = authorization(signer.address, valid_before=valid_before)
    chain.pending_timestamp = valid_before

    with reverts(token, "ERC3009InvalidAuthorizationTime", validAfter=0, validBefore=valid_before):
        rollup.depositWithAuthorization(
            asset_id, signer.address, DOLLAR, b"", signed, sender=relayer
        )


def test_deposit_with_authorization__cancelled__reverts(
    rollup, token, asset_id, authorization, sign_typed, signer, relayer, reverts
):
    nonce = deposit_nonce(asset_id, signer.address)
    cancellation = sign_typed(signer, token, "Authorization", CANCEL, [signer.address, nonce])
    token.cancelAuthorization(signer.address, nonce, *cancellation, sender=relayer)

    with reverts(token, "ERC3009UsedAuthorization", authorizer=signer.address, nonce=nonce):
        rollup.depositWithAuthorization(
            asset_id, signer.address, DOLLAR, b"", authorization(signer.address), sender=relayer
        )


def test_deposit_with_authorization__unknown_asset__reverts(
    rollup, authorization, signer, relayer, reverts
):
    with reverts(rollup, "AssetUnknown", assetId=9):
        rollup.depositWithAuthorization(
            9, signer.address, DOLLAR, b"", authorization(signer.address), sender=relayer
        )


def test_deposit_with_authorization__gate_closed__reverts(
    rollup, asset_id, authorization, gate, signer, relayer, reverts
):
    gate.setClosed(True, sender=relayer)

    with reverts(gate, "GateClosed", owner=signer.address):
        rollup.depositWithAuthorization(
            asset_id, signer.address, DOLLAR, b"", authorization(signer.address), sender=relayer
        )


def test_deposit_with_authorization__token_without_it__reverts(
    project, rollup, list_asset, authorization, lister, signer, relayer, reverts
):
    other = list_asset(lister.deploy(project.PermitToken))

    with reverts(rollup, ""):
        rollup.depositWithAuthorization(
            other, signer.address, DOLLAR, b"", authorization(signer.address), sender=relayer
        )


def test_deposit_with_authorization__token_ignores_it__reverts(
    project, rollup, list_asset, authorization, lister, signer, relayer, reverts
):
    silent = list_asset(lister.deploy(project.SilentToken))

    with reverts(rollup, "VaultBalanceMismatch", expected=DOLLAR, actual=0):
        rollup.depositWithAuthorization(
            silent, signer.address, DOLLAR, b"", authorization(signer.address), sender=relayer
        )
