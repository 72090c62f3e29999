"""ReturnBoolToken, the standard ERC-20 of the tests.

- mint: anyone → the balance grows
- construct: decimals in range → kept | out of range → reverts
"""

import ape
import pytest


@pytest.fixture
def deployer(accounts):
    return accounts[0]


def test_mint__by_anyone__succeeds(project, accounts, deployer):
    token = deployer.deploy(project.ReturnBoolToken, "Test Dollar", "TUSD", 6)
    payee = accounts[1]

    token.mint(payee, 5_000_000, sender=payee)

    assert token.balanceOf(payee) == 5_000_000


@pytest.mark.parametrize("decimals", [2, 18])
def test_construct__decimals_in_range__succeeds(project, deployer, decimals):
    token = deployer.deploy(project.ReturnBoolToken, "Test Dollar", "TUSD", decimals)

    assert token.decimals() == decimals


@pytest.mark.parametrize("decimals", [0, 1, 19])
def test_construct__decimals_out_of_range__reverts(project, deployer, decimals):
    contract = project.ReturnBoolToken

    with ape.reverts(contract.DecimalsOutOfRange, min=2, max=18, actual=decimals):
        deployer.deploy(contract, "Test Dollar", "TUSD", decimals)
