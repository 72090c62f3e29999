"""Stablecoin: supply and roles.

- construct: zero admin → reverts | else name, symbol, decimals, version, no supply
- mint: not a minter → reverts | to the zero address, above 2^256 - 1 in all → reverts | grows
- burn: not a burner, more than its balance → reverts | shrinks the burner's own balance
- roles: granted by other than the admin → reverts | dismissed minter → reverts
- transfer, transferFrom: too little, to the zero address → reverts | moves
"""

import pytest

ZERO = "0x" + 40 * "0"


@pytest.fixture
def admin(accounts):
    return accounts[0]


@pytest.fixture
def minter(accounts):
    return accounts[1]


@pytest.fixture
def burner(accounts):
    return accounts[2]


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
def token(project, admin, minter, burner):
    token = admin.deploy(project.Stablecoin, "Causeway Dollar", "CUSD", 6, admin)
    token.grantRole(token.MINTER_ROLE(), minter, sender=admin)
    token.grantRole(token.BURNER_ROLE(), burner, sender=admin)
    return token


def test_construct__admin_is_zero__reverts(project, admin, reverts):
    with reverts(project.Stablecoin, "AdminIsZero"):
        admin.deploy(project.Stablecoin, "Causeway Dollar", "CUSD", 6, ZERO)


@pytest.mark.parametrize("decimals", [0, 6, 18])
def test_construct__any_decimals__succeeds(project, admin, decimals):
    token = admin.deploy(project.Stablecoin, "Causeway Dollar", "CUSD", decimals, admin)

    assert (token.name(), token.symbol(), token.version()) == ("Causeway Dollar", "CUSD", "1")
    assert (token.decimals(), token.totalSupply()) == (decimals, 0)
    assert token.hasRole(token.DEFAULT_ADMIN_ROLE(), admin)
    assert not token.hasRole(token.MINTER_ROLE(), admin)
    assert not token.hasRole(token.BURNER_ROLE(), admin)


def test_mint__by_minter__succeeds(token, minter, payee):
    receipt = token.mint(payee, 5_000_000, sender=minter)

    assert token.balanceOf(payee) == token.totalSupply() == 5_000_000
    assert receipt.events == [token.Transfer(ZERO, payee, 5_000_000)]


@pytest.mark.parametrize("index", [0, 2, 5])
def test_mint__not_a_minter__reverts(token, accounts, payee, reverts, index):
    sender = accounts[index]

    with reverts(
        token, "AccessControlUnauthorizedAccount", account=sender, neededRole=token.MINTER_ROLE()
    ):
        token.mint(payee, 1, sender=sender)


def test_mint__to_zero_address__reverts(token, minter, reverts):
    with reverts(token, "ERC20InvalidReceiver", receiver=ZERO):
        token.mint(ZERO, 1, sender=minter)


def test_mint__supply_overflows__reverts(token, minter, payee, reverts):
    token.mint(payee, 2**256 - 1, sender=minter)

    with reverts(token, "Panic", code=0x11):
        token.mint(payee, 1, sender=minter)


def test_burn__own_balance__succeeds(token, minter, burner):
    token.mint(burner, 100, sender=minter)

    receipt = token.burn(40, sender=burner)

    assert token.balanceOf(burner) == token.totalSupply() == 60
    assert receipt.events == [token.Transfer(burner, ZERO, 40)]


@pytest.mark.parametrize("index", [0, 1, 3])
def test_burn__not_a_burner__reverts(token, accounts, minter, reverts, index):
    sender = accounts[index]
    token.mint(sender, 1, sender=minter)

    with reverts(
        token, "AccessControlUnauthorizedAccount", account=sender, neededRole=token.BURNER_ROLE()
    ):
        token.burn(1, sender=sender)


def test_burn__more_than_own_balance__reverts(token, minter, burner, payer, reverts):
    token.mint(burner, 5, sender=minter)
    token.mint(payer, 100, sender=minter)
    token.approve(burner, 100, sender=payer)  # an allowance is not a burner's own balance

    with reverts(token, "ERC20InsufficientBalance", sender=burner, balance=5, needed=6):
        token.burn(6, sender=burner)


def test_grant_role__not_the_admin__reverts(token, minter, attacker, reverts):
    with reverts(
        token,
        "AccessControlUnauthorizedAccount",
        account=minter,
        neededRole=token.DEFAULT_ADMIN_ROLE(),
    ):
        token.grantRole(token.MINTER_ROLE(), attacker, sender=minter)


def test_renounce_role__of_another__reverts(token, minter, attacker, reverts):
    with reverts(token, "AccessControlBadConfirmation"):
        token.renounceRole(token.MINTER_ROLE(), minter, sender=attacker)


def test_mint__dismissed_minter__reverts(token, admin, minter, payee, reverts):
    token.revokeRole(token.MINTER_ROLE(), minter, sender=admin)

    with reverts(
        token, "AccessControlUnauthorizedAccount", account=minter, neededRole=token.MINTER_ROLE()
    ):
        token.mint(payee, 1, sender=minter)


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
