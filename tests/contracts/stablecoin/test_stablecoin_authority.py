"""Stablecoin: the authority says who may do what, and after which delay.

- restricted: a role for a function; its holder, another, one dismissed
- delay: at once, too early → reverts | scheduled and due → done | cancelled → reverts
- authority: replaced by its admin | by another → reverts
"""

import pytest

FREEZER = 3
DELAY_S = 3_600


@pytest.fixture
def issuer(accounts):
    return accounts[0]


@pytest.fixture
def freezer(accounts):
    return accounts[3]


@pytest.fixture
def holder(accounts):
    return accounts[4]


@pytest.fixture
def token(issue, issuer):
    return issue(issuer)


@pytest.fixture
def authority(project, token, issuer):
    """Only FREEZER may freeze; nobody has the role yet."""
    authority = project.TokenAuthority.at(token.authority())
    selector = token.freeze.encode_input(issuer)[:4]
    authority.setTargetFunctionRole(token, [selector], FREEZER, sender=issuer)
    return authority


def test_freeze__holder_of_the_role__succeeds(token, authority, issuer, freezer, holder):
    authority.grantRole(FREEZER, freezer, 0, sender=issuer)

    token.freeze(holder, sender=freezer)

    assert token.isFrozen(holder)


def test_freeze__admin_without_the_role__reverts(token, authority, issuer, holder, reverts):
    with reverts(token, "AccessManagedUnauthorized", caller=issuer):
        token.freeze(holder, sender=issuer)


def test_freeze__dismissed__reverts(token, authority, issuer, freezer, holder, reverts):
    authority.grantRole(FREEZER, freezer, 0, sender=issuer)
    authority.revokeRole(FREEZER, freezer, sender=issuer)

    with reverts(token, "AccessManagedUnauthorized", caller=freezer):
        token.freeze(holder, sender=freezer)


def test_pause__holder_of_another_role__reverts(token, authority, issuer, freezer, reverts):
    authority.grantRole(FREEZER, freezer, 0, sender=issuer)

    with reverts(token, "AccessManagedUnauthorized", caller=freezer):
        token.pause(sender=freezer)


@pytest.fixture
def scheduled(chain, token, authority, issuer, freezer, holder):
    """The freezer has a delay and has scheduled a freeze; returns when it is due."""
    authority.grantRole(FREEZER, freezer, DELAY_S, sender=issuer)
    due_ts_s = chain.pending_timestamp + 10 + DELAY_S
    data = token.freeze.encode_input(holder)
    authority.schedule(token, data, due_ts_s, sender=freezer)
    return due_ts_s


def test_freeze__not_scheduled__reverts(token, authority, issuer, freezer, holder, reverts):
    authority.grantRole(FREEZER, freezer, DELAY_S, sender=issuer)
    operation = authority.hashOperation(freezer, token, token.freeze.encode_input(holder))

    with reverts(authority, "AccessManagerNotScheduled", operationId=operation):
        token.freeze(holder, sender=freezer)


def test_freeze__too_early__reverts(chain, token, authority, scheduled, freezer, holder, reverts):
    operation = authority.hashOperation(freezer, token, token.freeze.encode_input(holder))
    chain.pending_timestamp = scheduled - 1

    with reverts(authority, "AccessManagerNotReady", operationId=operation):
        token.freeze(holder, sender=freezer)


def test_freeze__due__succeeds(chain, token, scheduled, freezer, holder):
    chain.pending_timestamp = scheduled

    token.freeze(holder, sender=freezer)

    assert token.isFrozen(holder)


def test_freeze__cancelled__reverts(
    chain, token, authority, scheduled, issuer, freezer, holder, reverts
):
    data = token.freeze.encode_input(holder)
    authority.cancel(freezer, token, data, sender=issuer)
    chain.pending_timestamp = scheduled

    operation = authority.hashOperation(freezer, token, data)
    with reverts(authority, "AccessManagerNotScheduled", operationId=operation):
        token.freeze(holder, sender=freezer)


def test_update_authority__by_admin__succeeds(project, token, authority, issuer, holder):
    other = issuer.deploy(project.TokenAuthority, issuer)

    authority.updateAuthority(token, other, sender=issuer)

    token.freeze(holder, sender=issuer)  # in the other one it is an admin's again
    assert token.authority() == other


def test_set_authority__by_another__reverts(token, authority, issuer, reverts):
    with reverts(token, "AccessManagedUnauthorized", caller=issuer):
        token.setAuthority(authority, sender=issuer)
