"""Stablecoin: what the issuer may do to holders, and what he can't do to vaults.

- freeze: not allowed, a vault, zero → reverts | repeated → changes nothing
- frozen: sends, receives, is minted to, burns, spends an allowance, pays by signature → reverts
- unfreeze: not allowed → reverts | all goes on; of a free account → changes nothing
- pause: not allowed, paused, unpause: not paused → reverts
- paused: transfer, mint, burn, into a vault → reverts | out of a vault → moves
- seize: not allowed, free account, more than its balance, to a frozen one, to zero, a vault's →
  reverts | moves, also while paused
- vault: pays while paused; to a frozen payee → reverts, and pays when he is free
"""

import pytest
from eth_utils import keccak

ZERO = "0x" + 40 * "0"
UINT256_MAX = 2**256 - 1
TRANSFER = (
    "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,"
    "uint256 validBefore,bytes32 nonce)"
)


@pytest.fixture
def issuer(accounts):
    return accounts[0]


@pytest.fixture
def holder(accounts):
    return accounts[3]


@pytest.fixture
def spender(accounts):
    return accounts[4]


@pytest.fixture
def stranger(accounts):
    return accounts[5]


@pytest.fixture
def vault(project, issuer):
    """A contract that transfers what it is told to."""
    return issuer.deploy(project.Relay)


@pytest.fixture
def token(issue, issuer, vault, holder, payer):
    """Holder, vault, issuer and the payer (a key) hold 100 each."""
    token = issue(issuer, vaults=[vault])
    for account in (holder, vault, issuer, payer):
        token.mint(account.address, 100, sender=issuer)
    return token


@pytest.fixture
def frozen(token, issuer, holder):
    token.freeze(holder, sender=issuer)
    return holder


@pytest.fixture
def pay_out(token, vault, stranger):
    """Let the vault pay."""

    def _pay_out(payee, amount):
        return vault.call(token, token.transfer.encode_input(payee, amount), sender=stranger)

    return _pay_out


# freeze


def test_freeze__free_account__succeeds(token, issuer, holder):
    receipt = token.freeze(holder, sender=issuer)

    assert token.isFrozen(holder)
    assert receipt.events == [token.AccountFrozen(holder)]


def test_freeze__repeated__changes_nothing(token, issuer, frozen):
    assert token.freeze(frozen, sender=issuer).events == []
    assert token.isFrozen(frozen)


def test_freeze__not_allowed__reverts(token, holder, stranger, reverts):
    with reverts(token, "AccessManagedUnauthorized", caller=stranger):
        token.freeze(holder, sender=stranger)


def test_freeze__vault__reverts(token, issuer, vault, reverts):
    with reverts(token, "NotFreezable", account=vault):
        token.freeze(vault, sender=issuer)


def test_freeze__zero_address__reverts(token, issuer, reverts):
    """Else whoever may freeze could stop minting and burning."""
    with reverts(token, "NotFreezable", account=ZERO):
        token.freeze(ZERO, sender=issuer)


def test_transfer__frozen_sender__reverts(token, frozen, stranger, reverts):
    with reverts(token, "AccountIsFrozen", account=frozen):
        token.transfer(stranger, 1, sender=frozen)


def test_transfer__frozen_payee__reverts(token, frozen, issuer, reverts):
    with reverts(token, "AccountIsFrozen", account=frozen):
        token.transfer(frozen, 1, sender=issuer)


def test_transfer_from__frozen_owner__reverts(token, holder, issuer, spender, reverts):
    token.approve(spender, 10, sender=holder)
    token.freeze(holder, sender=issuer)

    with reverts(token, "AccountIsFrozen", account=holder):
        token.transferFrom(holder, spender, 1, sender=spender)


def test_transfer_from__frozen_spender__reverts(token, holder, issuer, spender, stranger, reverts):
    token.approve(spender, 10, sender=holder)
    token.freeze(spender, sender=issuer)

    with reverts(token, "AccountIsFrozen", account=spender):
        token.transferFrom(holder, stranger, 1, sender=spender)


def test_mint__frozen_payee__reverts(token, frozen, issuer, reverts):
    with reverts(token, "AccountIsFrozen", account=frozen):
        token.mint(frozen, 1, sender=issuer)


def test_burn__frozen_sender__reverts(token, issuer, reverts):
    token.freeze(issuer, sender=issuer)

    with reverts(token, "AccountIsFrozen", account=issuer):
        token.burn(1, sender=issuer)


def test_transfer_with_authorization__frozen_signer__reverts(
    token, issuer, payer, stranger, sign_typed, reverts
):
    values = [payer.address, stranger.address, 1, 0, UINT256_MAX, keccak(text="nonce")]
    signature = sign_typed(payer, token, "Causeway Dollar", TRANSFER, values)
    token.freeze(payer.address, sender=issuer)

    with reverts(token, "AccountIsFrozen", account=payer.address):
        token.transferWithAuthorization(*values, *signature, sender=stranger)
    token.unfreeze(payer.address, sender=issuer)
    token.transferWithAuthorization(*values, *signature, sender=stranger)

    assert token.balanceOf(stranger) == 1


# unfreeze


def test_unfreeze__frozen_account__succeeds(token, issuer, frozen, stranger):
    receipt = token.unfreeze(frozen, sender=issuer)

    token.transfer(stranger, 1, sender=frozen)
    assert receipt.events == [token.AccountUnfrozen(frozen)]


def test_unfreeze__free_account__changes_nothing(token, issuer, holder):
    assert token.unfreeze(holder, sender=issuer).events == []


def test_unfreeze__not_allowed__reverts(token, frozen, reverts):
    with reverts(token, "AccessManagedUnauthorized", caller=frozen):
        token.unfreeze(frozen, sender=frozen)


# pause


@pytest.mark.parametrize("function", ["pause", "unpause"])
def test_pause__not_allowed__reverts(token, stranger, reverts, function):
    with reverts(token, "AccessManagedUnauthorized", caller=stranger):
        getattr(token, function)(sender=stranger)


def test_pause__paused__reverts(token, issuer, reverts):
    token.pause(sender=issuer)

    with reverts(token, "EnforcedPause"):
        token.pause(sender=issuer)


def test_unpause__not_paused__reverts(token, issuer, reverts):
    with reverts(token, "ExpectedPause"):
        token.unpause(sender=issuer)


def test_unpause__paused__succeeds(token, issuer, holder, stranger):
    token.pause(sender=issuer)

    token.unpause(sender=issuer)

    token.transfer(stranger, 1, sender=holder)
    assert token.balanceOf(stranger) == 1


def test_move__paused__reverts(token, issuer, holder, vault, stranger, reverts):
    token.pause(sender=issuer)

    for move in (
        lambda: token.transfer(stranger, 1, sender=holder),
        lambda: token.transfer(vault, 1, sender=holder),
        lambda: token.mint(holder, 1, sender=issuer),
        lambda: token.burn(1, sender=issuer),
    ):
        with reverts(token, "EnforcedPause"):
            move()


# seize


def test_seize__frozen_account__succeeds(token, issuer, frozen, stranger):
    token.pause(sender=issuer)

    receipt = token.seize(frozen, stranger, 60, sender=issuer)

    assert (token.balanceOf(frozen), token.balanceOf(stranger)) == (40, 60)
    assert receipt.events == [
        token.Transfer(frozen, stranger, 60),
        token.Seized(frozen, stranger, 60),
    ]


def test_seize__not_allowed__reverts(token, frozen, stranger, reverts):
    with reverts(token, "AccessManagedUnauthorized", caller=stranger):
        token.seize(frozen, stranger, 1, sender=stranger)


def test_seize__free_account__reverts(token, issuer, holder, reverts):
    with reverts(token, "AccountNotFrozen", account=holder):
        token.seize(holder, issuer, 1, sender=issuer)


def test_seize__vault__reverts(token, issuer, vault, reverts):
    with reverts(token, "AccountNotFrozen", account=vault):
        token.seize(vault, issuer, 1, sender=issuer)


def test_seize__zero_address__reverts(token, issuer, reverts):
    """Else it would mint."""
    with reverts(token, "AccountNotFrozen", account=ZERO):
        token.seize(ZERO, issuer, 1, sender=issuer)


def test_seize__to_zero_address__reverts(token, issuer, frozen, reverts):
    with reverts(token, "ERC20InvalidReceiver", receiver=ZERO):
        token.seize(frozen, ZERO, 1, sender=issuer)


def test_seize__to_frozen_account__reverts(token, issuer, frozen, reverts):
    with reverts(token, "AccountIsFrozen", account=frozen):
        token.seize(frozen, frozen, 1, sender=issuer)


def test_seize__more_than_its_balance__reverts(token, issuer, frozen, reverts):
    with reverts(token, "ERC20InsufficientBalance", sender=frozen, balance=100, needed=101):
        token.seize(frozen, issuer, 101, sender=issuer)


# vaults


def test_pay_out__paused__succeeds(token, issuer, pay_out, holder):
    token.pause(sender=issuer)

    pay_out(holder, 100)

    assert token.balanceOf(holder) == 200


def test_pay_out__frozen_payee__reverts(token, issuer, pay_out, frozen, stranger, reverts):
    with reverts(token, "AccountIsFrozen", account=frozen):
        pay_out(frozen, 100)
    pay_out(stranger, 1)  # nobody else is held up
    token.unfreeze(frozen, sender=issuer)

    pay_out(frozen, 99)

    assert token.balanceOf(frozen) == 199
