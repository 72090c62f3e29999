"""The misbehaving tokens of the tests misbehave as they say.

- NoReturnToken: transfers → move, answer nothing | balance or allowance too low → reverts
- ReturnFalseToken: refusing → nothing moves, no revert | not refusing → moves
- RevertingToken: reverting → reverts | not reverting → moves
- FeeOnTransferToken: transfer → the payee gets less
- ReentrantToken: armed → calls once, keeps the answer | bubbling → the target's error
- PausableToken: paused → reverts | FreezableToken: payer or payee frozen → reverts
"""

import pytest
from eth_utils import keccak

ERC20_INSUFFICIENT_BALANCE = "ERC20InsufficientBalance(address,uint256,uint256)"


@pytest.fixture
def payer(accounts):
    return accounts[0]


@pytest.fixture
def payee(accounts):
    return accounts[1]


@pytest.fixture
def deploy(project, payer):
    """Deploy the token of this name; the payer holds 1,000 of it."""

    def _deploy(name):
        token = payer.deploy(getattr(project, name))
        token.mint(payer, 1_000, sender=payer)
        return token

    return _deploy


def test_transfer__no_return_token__succeeds(deploy, payer, payee):
    token = deploy("NoReturnToken")

    token.transfer(payee, 400, sender=payer)
    token.approve(payee, 500, sender=payer)
    token.transferFrom(payer, payee, 100, sender=payee)

    assert (token.balanceOf(payer), token.balanceOf(payee)) == (500, 500)
    assert token.allowance(payer, payee) == 400
    assert token.transfer.abis[0].outputs == []
    assert token.transferFrom.abis[0].outputs == []


def test_transfer__no_return_token_balance_too_low__reverts(deploy, payer, payee, reverts):
    token = deploy("NoReturnToken")

    with reverts(token, "BalanceTooLow", balance=1_000, needed=1_001):
        token.transfer(payee, 1_001, sender=payer)


def test_transfer_from__no_return_token_allowance_too_low__reverts(deploy, payer, payee, reverts):
    token = deploy("NoReturnToken")

    with reverts(token, "AllowanceTooLow", allowance=0, needed=1):
        token.transferFrom(payer, payee, 1, sender=payee)


def test_transfer__return_false_token__changes_nothing(deploy, payer, payee):
    token = deploy("ReturnFalseToken")

    token.transfer(payee, 1, sender=payer)

    assert token.balanceOf(payee) == 0
    assert not token.transfer.call(payee, 1, sender=payer)
    assert not token.transferFrom.call(payer, payee, 1, sender=payer)


def test_transfer__return_false_token_not_refusing__succeeds(deploy, payer, payee):
    token = deploy("ReturnFalseToken")
    token.setRefusing(False, sender=payer)

    token.transfer(payee, 1, sender=payer)

    assert token.balanceOf(payee) == 1


def test_transfer__reverting_token__reverts(deploy, payer, payee, reverts):
    token = deploy("RevertingToken")

    with reverts(token, "TransferRefused", **{"from": payer, "to": payee, "amount": 1}):
        token.transfer(payee, 1, sender=payer)


def test_transfer__reverting_token_not_reverting__succeeds(deploy, payer, payee):
    token = deploy("RevertingToken")
    token.setReverting(False, sender=payer)

    token.transfer(payee, 1, sender=payer)

    assert token.balanceOf(payee) == 1


def test_transfer__fee_on_transfer_token__succeeds(deploy, payer, payee):
    token = deploy("FeeOnTransferToken")

    token.transfer(payee, 500, sender=payer)

    assert (token.balanceOf(payer), token.balanceOf(payee)) == (500, 495)
    assert token.totalSupply() == 995


def test_transfer__reentrant_token_armed__succeeds(deploy, payer, payee):
    token = deploy("ReentrantToken")
    token.arm(token, token.mint.encode_input(payee, 7), False, sender=payer)

    token.transfer(payee, 1, sender=payer)
    token.transfer(payee, 1, sender=payer)

    assert token.balanceOf(payee) == 1 + 7 + 1
    assert token.lastSucceeded()


def test_transfer__reentrant_token_target_fails__succeeds(deploy, payer, payee):
    token = deploy("ReentrantToken")
    token.arm(token, token.transfer.encode_input(payee, 1), False, sender=payer)

    token.transfer(payee, 5, sender=payer)

    assert token.balanceOf(payee) == 5
    assert not token.lastSucceeded()
    assert token.lastResult()[:4] == keccak(text=ERC20_INSUFFICIENT_BALANCE)[:4]


def test_transfer__reentrant_token_bubbling__reverts(deploy, payer, payee, reverts):
    token = deploy("ReentrantToken")
    token.arm(token, token.transfer.encode_input(payee, 1), True, sender=payer)

    with reverts(token, "ERC20InsufficientBalance", sender=token, balance=0, needed=1):
        token.transfer(payee, 5, sender=payer)


def test_transfer__pausable_token_paused__reverts(deploy, payer, payee, reverts):
    token = deploy("PausableToken")
    token.setPaused(True, sender=payer)

    with reverts(token, "TokenPaused"):
        token.transfer(payee, 1, sender=payer)


@pytest.mark.parametrize("frozen_index", [0, 1])
def test_transfer__freezable_token_party_frozen__reverts(
    deploy, accounts, payer, payee, reverts, frozen_index
):
    token = deploy("FreezableToken")
    holder = accounts[frozen_index]
    token.setFrozen(holder, True, sender=payer)

    with reverts(token, "HolderFrozen", holder=holder):
        token.transfer(payee, 1, sender=payer)
