"""What no single person may do, done by a treasury and by a Safe of two of three owners.

- mint: configured as minter, mints up to its allowance | one signer alone → reverts
- own the committee: accepts ownership, begins an epoch | one signer alone → reverts
- sponsor: approves what a campaign pulls | one signer alone → reverts
- hold an account of the ledger: authorises a root of orders | one signer alone → reverts
- a Safe as signer of a treasury: by ERC-1271, by a transaction of its own → counts
"""

import pytest

from tests.contracts.core import deploy_core
from tests.contracts.rollup.operator import addresses_of, member_keys
from tests.contracts.treasury.conftest import DOLLAR
from tests.contracts.treasury.desk import Desk, call, fixed_rule, in_order, selector, signer_of
from tests.contracts.treasury.safes import Safe

ROOT = b"\7" * 32


class ActingTreasury:
    """A treasury that acts as soon as two of three signers approve."""

    def __init__(self, desk, members):
        self.desk = desk
        self.members = members
        self.contract = desk.treasury
        self.address = desk.treasury.address

    def act(self, calls, members=None):
        """Make the calls by one proposal."""
        self.desk.run(calls, self.members[:2] if members is None else members)


@pytest.fixture
def members(alice, bob, carol):
    return [alice, bob, carol]


@pytest.fixture(params=["treasury", "safe"])
def holder(request, chain, operator, deploy_treasury, members):
    """Whoever holds the powers."""
    if request.param == "safe":
        return Safe(chain, operator, members, 2)
    treasury = deploy_treasury(governance=(2, 0, 2, False, 0, 0, 0))
    return ActingTreasury(Desk(chain, treasury, operator), members)


@pytest.fixture
def refused(holder, members, reverts):
    """One signer alone makes none of the calls."""

    def _refused(calls):
        error, values = ("WeightNotReached", {"needed": 2, "actual": 1})
        if isinstance(holder, Safe):
            error, values = ("Error", {"reason": "GS020"})  # signatures data too short
        with reverts(holder.contract, error, **values):
            holder.act(calls, members[:1])

    return _refused


def test_mint__by_two_of_three__succeeds(project, holder, refused, operator, payee):
    authority = operator.deploy(project.TokenAuthority, holder.address)
    token = operator.deploy(project.Stablecoin, "Test Dollar", "TUSD", 6, authority, [])
    calls = [
        call(token.configureMinter, holder.address, 1_000 * DOLLAR),
        call(token.mint, payee, 700 * DOLLAR),
    ]

    refused(calls)
    holder.act(calls)

    assert token.balanceOf(payee) == token.totalSupply() == 700 * DOLLAR
    assert token.minterAllowance(holder.address) == 300 * DOLLAR


def test_own_committee__by_two_of_three__succeeds(project, holder, refused, operator):
    gate = operator.deploy(project.SwitchGate)
    committee = deploy_core(project, operator, gate, addresses_of(member_keys(4))).committee
    committee.transferOwnership(holder.address, sender=operator)
    others = addresses_of(member_keys(4, seed=1))
    calls = [call(committee.acceptOwnership), call(committee.beginEpoch, others)]

    refused(calls)
    holder.act(calls)

    assert committee.owner() == holder.address
    assert committee.membersOf(2) == others


def test_sponsor__by_two_of_three__succeeds(project, holder, refused, operator, accounts, payee):
    token = operator.deploy(project.ReturnBoolToken, "Test Dollar", "TUSD", 6)
    token.mint(holder.address, 1_000 * DOLLAR, sender=operator)
    campaign = accounts[6]
    calls = [call(token.approve, campaign, 600 * DOLLAR)]

    refused(calls)
    holder.act(calls)
    token.transferFrom(holder.address, payee, 600 * DOLLAR, sender=campaign)

    assert token.balanceOf(payee) == 600 * DOLLAR
    assert token.allowance(holder.address, campaign) == 0


@pytest.fixture
def rollup(project, operator):
    gate = operator.deploy(project.SwitchGate)
    return deploy_core(project, operator, gate, addresses_of(member_keys(4))).rollup


def test_authorize_orders__by_two_of_three__succeeds(holder, refused, rollup):
    calls = [call(rollup.authorizeOrders, ROOT)]

    refused(calls)
    holder.act(calls)

    assert rollup.isAuthorised(holder.address, ROOT)


def test_authorize_orders__by_rule__needs_what_it_says_succeeds(
    treasury, policy, desk, rollup, alice, bob
):
    rule = fixed_rule(1)
    desk.run([call(policy.setRule, rollup, selector(rollup.authorizeOrders), rule)], [alice, bob])

    desk.run([call(rollup.authorizeOrders, ROOT)], [alice])

    assert rollup.isAuthorised(treasury, ROOT)


# a Safe as signer


@pytest.fixture
def safe(chain, operator, members, treasury, desk, alice, bob):
    """A Safe that is one of the treasury's signers."""
    safe = Safe(chain, operator, members, 2)
    desk.run([call(treasury.changeSigners, [], [signer_of(safe)], [2])], [alice, bob])
    return safe


def test_execute__signed_by_a_safe__succeeds(treasury, desk, asset, safe, payee):
    proposal = desk.proposal([call(asset.transfer, payee, 500 * DOLLAR)], signer_of(safe))
    signature = safe.signature(treasury.proposalId(proposal))

    desk.execute(proposal, [(signer_of(safe), signature)])

    assert asset.balanceOf(payee) == 500 * DOLLAR


def test_execute__signed_by_one_owner_of_a_safe__reverts(
    treasury, desk, asset, safe, payee, alice, reverts
):
    proposal = desk.proposal([call(asset.transfer, payee, 500 * DOLLAR)], signer_of(safe))
    signature = safe.signature(treasury.proposalId(proposal), [alice])

    with reverts(treasury, "SignatureInvalid", signer=signer_of(safe)):
        desk.execute(proposal, [(signer_of(safe), signature)])


def test_execute__approved_by_a_safe__succeeds(treasury, desk, asset, safe, payee, alice):
    proposal = desk.proposal([call(asset.transfer, payee, 500 * DOLLAR)], alice)
    safe.act([call(treasury.approve, treasury.proposalId(proposal))])
    approvals = in_order([*desk.sign(proposal, [alice]), (signer_of(safe), b"")])

    desk.execute(proposal, approvals)

    assert asset.balanceOf(payee) == 500 * DOLLAR
