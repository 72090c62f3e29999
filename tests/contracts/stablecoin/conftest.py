"""People of the stablecoin's tests: a payer with a key and no ether, and those around him."""

import pytest
from eth_account import Account
from eth_utils import keccak


@pytest.fixture
def minter(accounts):
    return accounts[0]


@pytest.fixture
def payee(accounts):
    return accounts[1]


@pytest.fixture
def relayer(accounts):
    return accounts[2]


@pytest.fixture
def payer():
    return Account.from_key(keccak(text="payer"))


@pytest.fixture
def attacker():
    return Account.from_key(keccak(text="attacker"))


@pytest.fixture
def token(issue, minter, payer):
    """The payer holds 1,000."""
    token = issue(minter)
    token.mint(payer.address, 1_000, sender=minter)
    return token
