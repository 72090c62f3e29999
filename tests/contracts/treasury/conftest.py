"""A treasury of three signers with a weight of one each, and what it pays with.

Governance needs two of them and waits two days. Of the token, one signer spends up to 100 within a
day, two spend 1,000 more at once, and 10,000 more after an hour.
"""

import pytest
from ape.managers.compilers import CompilerManager

from tests.contracts.treasury.desk import Desk, call, member_key, signer_of, token_rules

DAY_S = 86_400
GOVERNANCE_TIMELOCK_S = 2 * DAY_S
DOLLAR = 10**6
FUNDS = 1_000_000 * DOLLAR
TIERS = [(100 * DOLLAR, 1, 0), (1_000 * DOLLAR, 2, 0), (10_000 * DOLLAR, 2, 3_600)]
# weightNeeded, timelockS, vetoWeight, isOwnApprovalRefused, lostAfterS, recoveryWeight and its
# timelock
GOVERNANCE = (2, GOVERNANCE_TIMELOCK_S, 2, False, 0, 0, 0)


@pytest.fixture(autouse=True)
def errors_by_their_bytes(monkeypatch):
    """Keep ape from walking each trace for the name of an error; `reverts` reads the bytes."""
    monkeypatch.setattr(CompilerManager, "get_custom_error", lambda *_: None)


@pytest.fixture
def operator(accounts):
    """Sends what others signed."""
    return accounts[0]


@pytest.fixture
def payee(accounts):
    return accounts[1]


@pytest.fixture
def attacker(accounts):
    return accounts[2]


@pytest.fixture
def alice():
    return member_key("alice")


@pytest.fixture
def bob():
    return member_key("bob")


@pytest.fixture
def carol():
    return member_key("carol")


@pytest.fixture
def deploy_treasury(project, operator, alice, bob, carol):
    """Deploy a treasury of the three, or of other signers."""

    def _deploy(signers=None, weights=None, governance=GOVERNANCE):
        signers = signers or [signer_of(member) for member in (alice, bob, carol)]
        weights = weights or [1] * len(signers)
        return operator.deploy(project.Treasury, signers, weights, governance)

    return _deploy


@pytest.fixture
def treasury(deploy_treasury):
    return deploy_treasury()


@pytest.fixture
def policy(project, treasury):
    return project.SpendingPolicy.at(treasury.policy())


@pytest.fixture
def desk(chain, treasury, operator):
    return Desk(chain, treasury, operator)


@pytest.fixture
def token(project, operator, treasury):
    """A token that anybody may mint; the treasury has a million of it."""
    token = operator.deploy(project.ReturnBoolToken, "Test Dollar", "TUSD", 6)
    token.mint(treasury, FUNDS, sender=operator)
    return token


@pytest.fixture
def asset(desk, policy, token, alice, bob):
    """The token, listed as an asset with three tiers and a window of a day."""
    desk.run(
        [call(policy.setAsset, token, DAY_S, False, TIERS), *token_rules(policy, token)],
        [alice, bob],
    )
    return token


@pytest.fixture
def refused(accounts, treasury, desk, alice, bob, reverts):
    """Let governance make a call that its own contract refuses with an error."""

    def _refused(method, *arguments, error, **values):
        proposal = desk.proposal([call(method, *arguments)], alice, key=9)
        approvals = desk.sign(proposal, [alice, bob])
        scheduled = desk.schedule(proposal, approvals)
        desk.chain.pending_timestamp = scheduled.timestamp + GOVERNANCE_TIMELOCK_S
        with reverts(treasury, "CallFailed", index=0, reason=...):
            desk.execute(proposal, approvals)
        # Once more from the treasury itself, to read the error inside.
        sender = accounts.impersonate_account(treasury.address)
        desk.operator.transfer(treasury, 10**18)
        with reverts(method.contract, error, **values):
            method(*arguments, sender=sender)

    return _refused
