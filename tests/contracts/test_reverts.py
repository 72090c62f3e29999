"""The fixture `reverts` notices every way in which a revert differs from the expected one.

- error: the expected one, of a transaction, call or constructor, panic, no data → succeeds
- name not in the ABI, value not of the error, value left out → rejects
- another error, a plain revert, no revert, another value → rejects
"""

import pytest


@pytest.fixture
def payer(accounts):
    return accounts[0]


@pytest.fixture
def token(project, payer):
    return payer.deploy(project.NoReturnToken)


def test_reverts__expected_error__succeeds(project, payer, token, reverts):
    with reverts(token, "BalanceTooLow", balance=0, needed=1):
        token.transfer(payer, 1, sender=payer)
    with reverts(project.NoReturnToken, "BalanceTooLow", balance=0, needed=...):
        token.transfer.call(payer, 1, sender=payer)


def test_reverts__error_of_constructor__succeeds(project, payer, reverts):
    with reverts(project.ReturnBoolToken, "DecimalsOutOfRange", min=2, max=18, actual=1):
        payer.deploy(project.ReturnBoolToken, "Test", "T", 1)


def test_reverts__panic__succeeds(token, payer, reverts):
    token.mint(payer, 2**256 - 1, sender=payer)

    with reverts(token, "Panic", code=0x11):
        token.mint(payer, 1, sender=payer)


def test_reverts__without_data__succeeds(payer, token, reverts):
    with reverts(token, ""):
        payer.transfer(token, 1)  # there is no receive function


@pytest.mark.parametrize(
    ("name", "values", "complaint"),
    [
        ("BalanceTooLarge", {}, "has no error"),
        ("BalanceTooLow", {"balance": 0}, "has the values"),
        ("BalanceTooLow", {"balance": 0, "need": 1}, "has the values"),
        ("BalanceTooLow", {"balance": 0, "needed": 2}, "expected 2, got 1"),
        ("", {}, "expected a revert without data"),
        ("AllowanceTooLow", {"allowance": 0, "needed": 1}, "expected AllowanceTooLow"),
    ],
)
def test_reverts__other_error__rejects(token, payer, reverts, name, values, complaint):
    with pytest.raises(AssertionError, match=complaint):
        with reverts(token, name, **values):
            token.transfer(payer, 1, sender=payer)


def test_reverts__plain_revert__rejects(project, payer, token, reverts):
    with pytest.raises(AssertionError, match="expected BalanceTooLow"):
        with reverts(token, "BalanceTooLow", balance=0, needed=0):
            payer.transfer(token, 1)  # there is no receive function


def test_reverts__no_revert__rejects(payer, token, reverts):
    with pytest.raises(AssertionError, match="nothing reverted"):
        with reverts(token, "BalanceTooLow", balance=0, needed=0):
            token.mint(payer, 1, sender=payer)
