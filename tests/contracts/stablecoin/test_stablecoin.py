"""Stablecoin: supply and transfers.

- construct: authority or vault without code → reverts | else name, symbol, decimals, version, no
  supply, vaults
- mint: above the allowance, dismissed minter → reverts | to the zero address, above 2^256 - 1 in
  all → reverts | grows, and the allowance falls
- configure_minter: sets and does not add; not allowed → reverts
- burn: not allowed, more than its balance → reverts | shrinks the burner's own balance
- transfer, transferFrom: too little, to the zero address → reverts | moves
"""

import pytest

ZERO = "0x" + 40 * "0"


@pytest.fixture
def issuer(accounts):
    return accounts[0]


@pytest.fixture
def minter(accounts):
    return accounts[1]


@pytest.fixture
def payer(accounts):
    return accounts[3]


@pytest.fixture
def payee(accounts):
    return accounts[4]


@pytest.fixture
def attacker(accounts):
    return accounts[5]


@pytest.fixture
def token(issue, issuer, minter):
    """The minter may mint 1,000."""
    token = issue(issuer)
    token.configureMinter(minter, 1_000, sender=issuer)
    return token


def test_construct__authority_without_code__reverts(project, issuer, payee, reverts):
    with reverts(project.Stablecoin, "AccessManagedInvalidAuthority", authority=payee):
        issuer.deploy(project.Stablecoin, "Causeway Dollar", "CUSD", 6, payee, [])


def test_construct__vault_without_code__reverts(project, issue, issuer, payee, reverts):
    with reverts(project.Stablecoin, "VaultWithoutCode", vault=payee):
        issue(issuer, vaults=[payee])


@pytest.mark.parametrize("decimals", [0, 6, 18])
def test_construct__any_decimals__succeeds(issue, issuer, decimals):
    token = issue(issuer, decimals=decimals)

    assert (token.name(), token.symbol(), token.version()) == ("Causeway Dollar", "CUSD", "1")
    assert (token.decimals(), token.totalSupply()) == (decimals, 0)
    assert not token.paused()


def test_construct__vaults__succeeds(project, issue, issuer, payee):
    vaults = [issuer.deploy(project.Relay) for _ in range(2)]

    token = issue(issuer, vaults=vaults)

    assert [token.isVault(vault) for vault in vaults] == [True, True]
    assert not token.isVault(payee)
    declared = token.creation_metadata.receipt.decode_logs(token.VaultDeclared)
    assert [event.vault for event in declared] == vaults


def test_mint__within_the_allowance__succeeds(token, minter, payee):
    receipt = token.mint(payee, 600, sender=minter)

    assert token.balanceOf(payee) == token.totalSupply() == 600
    assert token.minterAllowance(minter) == 400
    assert receipt.events == [
        token.Minted(minter, payee, 600),
        token.Transfer(ZERO, payee, 600),
    ]


def test_mint__all_of_the_allowance__succeeds(token, minter, payee):
    token.mint(payee, 1_000, sender=minter)

    assert token.minterAllowance(minter) == 0


def test_mint__above_the_allowance__reverts(token, minter, payee, reverts):
    token.mint(payee, 600, sender=minter)

    with reverts(token, "MinterAllowanceExceeded", minter=minter, allowance=400, amount=401):
        token.mint(payee, 401, sender=minter)


def test_mint__not_a_minter__reverts(token, attacker, reverts):
    with reverts(token, "MinterAllowanceExceeded", minter=attacker, allowance=0, amount=1):
        token.mint(attacker, 1, sender=attacker)


def test_mint__dismissed_minter__reverts(token, issuer, minter, payee, reverts):
    token.configureMinter(minter, 0, sender=issuer)

    with reverts(token, "MinterAllowanceExceeded", minter=minter, allowance=0, amount=1):
        token.mint(payee, 1, sender=minter)


def test_mint__to_zero_address__reverts(token, minter, reverts):
    with reverts(token, "ERC20InvalidReceiver", receiver=ZERO):
        token.mint(ZERO, 1, sender=minter)


def test_mint__supply_overflows__reverts(token, issuer, minter, payee, reverts):
    token.configureMinter(issuer, 2**256 - 1, sender=issuer)
    token.mint(payee, 2**256 - 1, sender=issuer)

    with reverts(token, "Panic", code=0x11):
        token.mint(payee, 1, sender=minter)


def test_configure_minter__repeated__sets_and_succeeds(token, issuer, minter):
    receipt = token.configureMinter(minter, 700, sender=issuer)

    assert token.minterAllowance(minter) == 700
    assert receipt.events == [token.MinterConfigured(minter, 700)]


def test_configure_minter__not_allowed__reverts(token, minter, attacker, reverts):
    for sender in (minter, attacker):
        with reverts(token, "AccessManagedUnauthorized", caller=sender):
            token.configureMinter(attacker, 1, sender=sender)


def test_burn__own_balance__succeeds(token, issuer, minter):
    token.mint(issuer, 100, sender=minter)

    receipt = token.burn(40, sender=issuer)

    assert token.balanceOf(issuer) == token.totalSupply() == 60
    assert receipt.events == [token.Transfer(issuer, ZERO, 40)]


def test_burn__not_allowed__reverts(token, minter, payer, reverts):
    token.mint(payer, 1, sender=minter)

    with reverts(token, "AccessManagedUnauthorized", caller=payer):
        token.burn(1, sender=payer)


def test_burn__more_than_own_balance__reverts(token, issuer, minter, payer, reverts):
    token.mint(issuer, 5, sender=minter)
    token.mint(payer, 100, sender=minter)
    token.approve(issuer, 100, sender=payer)  # an allowance is not a burner's own balance

    with reverts(token, "ERC20InsufficientBalance", sender=issuer, balance=5, needed=6):
        token.burn(6, sender=issuer)


def test_transfer__enough_balance__succeeds(token, minter, payer, payee):
    token.mint(payer, 10, sender=minter)

    token.transfer(payee, 7, sender=payer)

    assert (token.balanceOf(payer), token.balanceOf(payee)) == (3, 7)


def test_transfer__balance_too_low__reverts(token, payer, payee, reverts):
    with reverts(token, "ERC20InsufficientBalance", sender=payer, balance=0, needed=1):
        token.transfer(payee, 1, sender=payer)


def test_transfer__to_zero_address__reverts(token, payer, reverts):
    with reverts(token, "ERC20InvalidReceiver", receiver=ZERO):
        token.transfer(ZERO, 0, sender=payer)


def test_transfer_from__within_allowance__succeeds(token, minter, payer, payee):
    token.mint(payer, 10, sender=minter)
    token.approve(payee, 8, sender=payer)

    token.transferFrom(payer, payee, 7, sender=payee)

    assert (token.balanceOf(payer), token.balanceOf(payee)) == (3, 7)
    assert token.allowance(payer, payee) == 1


def test_transfer_from__allowance_too_low__reverts(token, payer, payee, reverts):
    token.approve(payee, 1, sender=payer)

    with reverts(token, "ERC20InsufficientAllowance", spender=payee, allowance=1, needed=2):
        token.transferFrom(payer, payee, 2, sender=payee)


def test_approve__zero_spender__reverts(token, payer, reverts):
    with reverts(token, "ERC20InvalidSpender", spender=ZERO):
        token.approve(ZERO, 1, sender=payer)
