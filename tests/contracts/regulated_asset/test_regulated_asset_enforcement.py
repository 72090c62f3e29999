"""RegulatedAsset: what the issuer may do to holders, and what he can't do to vaults.

- set_frozen_tokens: not allowed, a vault, zero → reverts | a part, more than there is, less again
- frozen part: sent, burned → reverts | the rest moves; above the balance → the base error
- forced_transfer: not allowed, a vault's, payee without level, more than there is, from or to
  zero → reverts | moves, of a holder without level too; frozen tokens are unfrozen first
- forced_transfer_for: not allowed → reverts | moves and says why
"""

import pytest
from eth_utils import keccak

ZERO = "0x" + 40 * "0"
REASON = keccak(text="order of a court")


# setFrozenTokens


@pytest.mark.parametrize("amount", [40, 1_000])
def test_set_frozen_tokens__a_part_or_more__succeeds(token, issuer, holder, amount):
    receipt = token.setFrozenTokens(holder, amount, sender=issuer)

    assert token.getFrozenTokens(holder) == amount
    assert receipt.events == [token.Frozen(holder, amount)]


def test_set_frozen_tokens__not_allowed__reverts(token, holder, stranger, reverts):
    with reverts(token, "AccessManagedUnauthorized", caller=stranger):
        token.setFrozenTokens(holder, 1, sender=stranger)


def test_set_frozen_tokens__vault__reverts(token, issuer, vault, reverts):
    with reverts(token, "NotFreezable", account=vault):
        token.setFrozenTokens(vault, 1, sender=issuer)


def test_set_frozen_tokens__zero_address__reverts(token, issuer, reverts):
    with reverts(token, "NotFreezable", account=ZERO):
        token.setFrozenTokens(ZERO, 1, sender=issuer)


def test_transfer__frozen_part__reverts(token, issuer, holder, payee, reverts):
    token.setFrozenTokens(holder, 40, sender=issuer)

    with reverts(
        token, "ERC7943InsufficientUnfrozenBalance", account=holder, amount=61, unfrozen=60
    ):
        token.transfer(payee, 61, sender=holder)
    token.transfer(payee, 60, sender=holder)

    assert token.balanceOf(holder) == 40


def test_transfer__more_than_there_is__reverts(token, issuer, holder, payee, reverts):
    token.setFrozenTokens(holder, 1_000, sender=issuer)

    with reverts(token, "ERC20InsufficientBalance", sender=holder, balance=100, needed=101):
        token.transfer(payee, 101, sender=holder)


def test_transfer__unfrozen_again__succeeds(token, issuer, holder, payee):
    token.setFrozenTokens(holder, 1_000, sender=issuer)
    token.setFrozenTokens(holder, 0, sender=issuer)

    token.transfer(payee, 100, sender=holder)

    assert token.balanceOf(payee) == 100


def test_burn__frozen_part__reverts(token, issuer, holder, reverts):
    token.transfer(issuer, 10, sender=holder)
    token.setFrozenTokens(issuer, 4, sender=issuer)

    with reverts(token, "ERC7943InsufficientUnfrozenBalance", account=issuer, amount=7, unfrozen=6):
        token.burn(7, sender=issuer)


def test_mint__frozen_account__succeeds(token, issuer, holder):
    """What is frozen does not leave; it may grow."""
    token.setFrozenTokens(holder, 1_000, sender=issuer)

    token.mint(holder, 1, sender=issuer)

    assert token.balanceOf(holder) == 101


# forcedTransfer


def test_forced_transfer__frozen_tokens__are_unfrozen_and_succeeds(token, issuer, holder, payee):
    token.setFrozenTokens(holder, 90, sender=issuer)

    receipt = token.forcedTransfer(holder, payee, 30, sender=issuer)

    assert (token.balanceOf(holder), token.balanceOf(payee)) == (70, 30)
    assert token.getFrozenTokens(holder) == 70
    assert receipt.events == [
        token.Frozen(holder, 70),
        token.Transfer(holder, payee, 30),
        token.ForcedTransfer(holder, payee, 30),
    ]


def test_forced_transfer__unfrozen_tokens__succeeds(token, issuer, holder, payee):
    token.setFrozenTokens(holder, 70, sender=issuer)

    receipt = token.forcedTransfer(holder, payee, 30, sender=issuer)

    assert token.getFrozenTokens(holder) == 70
    assert len(receipt.events) == 2


def test_forced_transfer__holder_without_level__succeeds(token, registry, issuer, holder, payee):
    registry.revoke(holder, sender=issuer)

    token.forcedTransfer(holder, payee, 100, sender=issuer)

    assert token.balanceOf(payee) == 100


def test_forced_transfer__not_allowed__reverts(token, holder, stranger, reverts):
    with reverts(token, "AccessManagedUnauthorized", caller=stranger):
        token.forcedTransfer(holder, stranger, 1, sender=stranger)


def test_forced_transfer__vault__reverts(token, issuer, vault, payee, reverts):
    with reverts(token, "ERC7943CannotTransfer", **{"from": vault, "to": payee, "amount": 1}):
        token.forcedTransfer(vault, payee, 1, sender=issuer)


def test_forced_transfer__payee_without_level__reverts(token, issuer, holder, stranger, reverts):
    with reverts(token, "ERC7943CannotReceive", account=stranger):
        token.forcedTransfer(holder, stranger, 1, sender=issuer)


def test_forced_transfer__more_than_there_is__reverts(token, issuer, holder, payee, reverts):
    with reverts(token, "ERC20InsufficientBalance", sender=holder, balance=100, needed=101):
        token.forcedTransfer(holder, payee, 101, sender=issuer)


def test_forced_transfer__from_zero_address__reverts(token, issuer, payee, reverts):
    """Else it would mint."""
    with reverts(token, "ERC20InvalidSender", sender=ZERO):
        token.forcedTransfer(ZERO, payee, 1, sender=issuer)


def test_forced_transfer__to_zero_address__reverts(token, attest, issuer, holder, reverts):
    """Else it would burn, if an attestor errs."""
    attest(ZERO)

    with reverts(token, "ERC20InvalidReceiver", receiver=ZERO):
        token.forcedTransfer(holder, ZERO, 1, sender=issuer)


def test_forced_transfer_for__reason__succeeds(token, issuer, holder, payee):
    receipt = token.forcedTransferFor(holder, payee, 30, REASON, sender=issuer)

    assert receipt.events == [
        token.Transfer(holder, payee, 30),
        token.ForcedTransfer(holder, payee, 30),
        token.ForcedTransferReasoned(holder, payee, 30, REASON),
    ]


def test_forced_transfer_for__not_allowed__reverts(token, holder, stranger, reverts):
    with reverts(token, "AccessManagedUnauthorized", caller=stranger):
        token.forcedTransferFor(holder, stranger, 1, REASON, sender=stranger)
