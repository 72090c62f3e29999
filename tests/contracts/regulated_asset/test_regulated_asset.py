"""RegulatedAsset: who may hold it.

- construct: registry without code, level 0, vault without code → reverts | ERC-165, decimals
- transfer: both of the level → moves | sender or payee below, unknown, revoked, expired, attestor
  distrusted, zero attested → reverts
- transfer_from: nobody asks for the spender's level
- mint: to a person of the level → grows | below → reverts
- burn: whoever may burn, of the level or not → shrinks
- vaults: send and receive without a level; to a person below → reverts, and again later → moves
- can_send, can_receive, can_transfer: say what happens, and never revert
"""

import pytest

from tests.contracts.regulated_asset.conftest import DAY_S

ZERO = "0x" + 40 * "0"


def test_construct__registry_without_code__reverts(project, issue, issuer, payee, reverts):
    with reverts(project.RegulatedAsset, "RegistryWithoutCode", registry=payee):
        issue(issuer, "RegulatedAsset", arguments=[payee, 1])


def test_construct__level_zero__reverts(project, issue, issuer, registry, reverts):
    with reverts(project.RegulatedAsset, "LevelNeededIsZero"):
        issue(issuer, "RegulatedAsset", arguments=[registry, 0])


def test_construct__vault_without_code__reverts(project, issue, issuer, payee, registry, reverts):
    with reverts(project.RegulatedAsset, "VaultWithoutCode", vault=payee):
        issue(issuer, "RegulatedAsset", vaults=[payee], arguments=[registry, 1])


@pytest.mark.parametrize("decimals", [0, 18])
def test_construct__usual__succeeds(issue, issuer, registry, vault, decimals):
    token = issue(issuer, "RegulatedAsset", decimals, [vault], [registry, 3])

    assert (token.decimals(), token.levelNeeded(), token.registry()) == (decimals, 3, registry)
    assert token.isVault(vault)
    interfaces = {"0x3edbb4c4": True, "0x01ffc9a7": True, "0xffffffff": False}
    assert {each: token.supportsInterface(each) for each in interfaces} == interfaces


def test_transfer__both_of_the_level__succeeds(token, holder, payee):
    token.transfer(payee, 40, sender=holder)

    assert (token.balanceOf(holder), token.balanceOf(payee)) == (60, 40)


def test_transfer__unknown_payee__reverts(token, holder, stranger, reverts):
    with reverts(token, "ERC7943CannotReceive", account=stranger):
        token.transfer(stranger, 1, sender=holder)


def test_transfer__payee_below_the_level__reverts(token, attest, holder, stranger, reverts):
    attest(stranger, level=1)

    with reverts(token, "ERC7943CannotReceive", account=stranger):
        token.transfer(stranger, 1, sender=holder)


def test_transfer__revoked_sender__reverts(token, registry, issuer, holder, payee, reverts):
    registry.revoke(holder, sender=issuer)

    with reverts(token, "ERC7943CannotSend", account=holder):
        token.transfer(payee, 1, sender=holder)
    assert token.balanceOf(holder) == 100


def test_transfer__attested_anew__succeeds(chain, token, registry, attest, issuer, holder, payee):
    registry.revoke(holder, sender=issuer)
    chain.mine(timestamp=chain.pending_timestamp + 1)
    attest(holder)

    token.transfer(payee, 1, sender=holder)

    assert token.balanceOf(payee) == 1


def test_transfer__expired_sender__reverts(chain, token, attest, holder, payee, reverts):
    chain.mine(timestamp=chain.pending_timestamp + 366 * DAY_S)
    attest(payee)

    with reverts(token, "ERC7943CannotSend", account=holder):
        token.transfer(payee, 1, sender=holder)


def test_transfer__distrusted_attestor__reverts(token, registry, issuer, holder, payee, reverts):
    registry.dismissAttestor(issuer, 1, sender=issuer)

    with reverts(token, "ERC7943CannotSend", account=holder):
        token.transfer(payee, 1, sender=holder)


def test_transfer_from__spender_unknown__succeeds(token, holder, payee, stranger):
    token.approve(stranger, 10, sender=holder)

    token.transferFrom(holder, payee, 10, sender=stranger)

    assert token.balanceOf(payee) == 10


def test_mint__unknown_payee__reverts(token, issuer, stranger, reverts):
    with reverts(token, "ERC7943CannotReceive", account=stranger):
        token.mint(stranger, 1, sender=issuer)


def test_mint__above_the_allowance__reverts(token, payee, reverts):
    with reverts(token, "MinterAllowanceExceeded", minter=payee, allowance=0, amount=1):
        token.mint(payee, 1, sender=payee)


def test_burn__level_ended__succeeds(token, registry, issuer, holder):
    token.transfer(issuer, 30, sender=holder)
    registry.revoke(issuer, sender=issuer)

    token.burn(30, sender=issuer)

    assert token.totalSupply() == 170


def test_burn__not_allowed__reverts(token, holder, reverts):
    with reverts(token, "AccessManagedUnauthorized", caller=holder):
        token.burn(1, sender=holder)


def test_pay_out__vault_without_level__succeeds(token, vault, pay_out, holder):
    token.transfer(vault, 100, sender=holder)

    pay_out(holder, 200)

    assert token.balanceOf(holder) == 200


def test_pay_out__payee_without_level__reverts(token, attest, pay_out, stranger, reverts):
    with reverts(token, "ERC7943CannotReceive", account=stranger):
        pay_out(stranger, 100)
    attest(stranger)

    pay_out(stranger, 100)

    assert token.balanceOf(stranger) == 100


def test_can_send_and_receive__everybody__holds(token, attest, holder, vault, stranger):
    attest(ZERO)  # an attestor may err

    for account, expected in {holder: True, vault: True, stranger: False, ZERO: False}.items():
        assert token.canSend(account) == token.canReceive(account) == expected


@pytest.mark.parametrize(
    ("frozen", "amount", "expected"),
    [(0, 100, True), (0, 101, False), (40, 60, True), (40, 61, False), (101, 0, True)],
)
def test_can_transfer__frozen_part__holds(token, issuer, holder, payee, frozen, amount, expected):
    token.setFrozenTokens(holder, frozen, sender=issuer)

    assert token.canTransfer(holder, payee, amount) == expected


def test_can_transfer__one_without_level__holds(token, vault, holder, stranger):
    assert not token.canTransfer(holder, stranger, 1)
    assert not token.canTransfer(stranger, holder, 0)
    assert not token.canTransfer(ZERO, holder, 0)
    assert token.canTransfer(holder, vault, 1)
    assert not token.canTransfer(vault, stranger, 1)
