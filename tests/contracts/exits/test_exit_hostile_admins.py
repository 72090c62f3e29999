"""Whoever has a power here turns against the users, with all of it: they leave all the same.

- the registry's owner and guardian, the token's issuer, the lister, the committee's owner, the
  committee → a withdrawal is claimed; an exit waits, freezes and escapes; a deposit is refunded
- take: a batch, a claim, a stake, by the admin of everything → reverts
"""

import pytest

from tests.contracts.core import WINDOWS
from tests.contracts.disputes.proofs import multiproof, queued, record_tuple
from tests.contracts.exits.conftest import ALICE
from tests.contracts.rollup.ledger import withdrawal_proof
from tests.contracts.rollup.operator import addresses_of, member_keys

DEPOSITED, WITHDRAWN, WAITING = 100, 30, 7


@pytest.fixture
def admin(lister):
    """Everybody's enemy: registry, guardian, issuer, lister and owner of the committee in one."""
    return lister


@pytest.fixture
def gate(project, admin):
    registry = admin.deploy(project.KycRegistry, admin, 1)
    registry.appointAttestor(admin, sender=admin)
    registry.grantRole(registry.GUARDIAN_ROLE(), admin, sender=admin)
    return registry


@pytest.fixture
def token(request, rollup, issue, gate, admin):
    """A stablecoin, or what a test asks for."""
    if getattr(request, "param", "Stablecoin") == "RegulatedAsset":
        return issue(admin, "RegulatedAsset", 0, [rollup], [gate, 1])
    return issue(admin, vaults=[rollup])


@pytest.fixture
def with_money(room, rollup, gate, token, list_asset, admin, payer, chain):
    """Alice has 70 in the ledger, a withdrawal of 30 that isn't claimed, and a deposit of 7 that
    waits; the batch is not settled."""
    asset_id = list_asset(token)
    issued = chain.blocks.head.timestamp
    gate.attest((payer, 1, issued + 86_400, issued), b"", sender=admin)
    token.mint(payer, DEPOSITED + WAITING, sender=admin)
    token.approve(rollup, DEPOSITED + WAITING, sender=payer)
    rollup.deposit(asset_id, payer, DEPOSITED, b"", sender=payer)
    room.ledger.open(ALICE, payer.address, asset_id).deposit(ALICE, DEPOSITED)
    room.ledger.withdraw(ALICE, WITHDRAWN)
    posted = room.post()
    rollup.deposit(asset_id, payer, WAITING, b"", sender=payer)
    return posted


@pytest.fixture
def leave(room, rollup, exits, with_money, token, payer, attacker):
    """Alice leaves with all that she has, by the ways that are hers and anybody's."""

    def _leave():
        batch, chunk = with_money.batch, with_money.chunk
        room.request(with_money, ALICE, payer)
        room.at(exits.waitingSince(ALICE, payer) + WINDOWS.exit_s)
        rollup.freezeForExit(batch, with_money.leaf(ALICE), sender=attacker)
        rollup.claimWithdrawal(batch, withdrawal_proof([chunk], 3, ALICE), sender=attacker)
        rollup.escape(batch, multiproof(chunk.tree, [ALICE]), sender=attacker)
        record = record_tuple(queued(rollup)[1])
        rollup.refund(batch, 1, [record], sender=attacker)

        assert token.balanceOf(payer) == DEPOSITED + WAITING
        assert token.balanceOf(rollup) == 0

    return _leave


def test_leave__registry_forgets_her_and_closes__succeeds(gate, admin, payer, leave, with_money):
    gate.revoke(payer, sender=admin)
    gate.setLevelNeeded(255, sender=admin)
    gate.dismissAttestor(admin, 1, sender=admin)
    gate.setDepositCap(1, 0, sender=admin)
    gate.closeDeposits(sender=admin)

    leave()


def test_leave__issuer_pauses__succeeds(token, admin, leave):
    token.pause(sender=admin)

    leave()


@pytest.mark.parametrize("token", ["RegulatedAsset"], indirect=True)
def test_leave__issuer_freezes_what_will_be_hers__succeeds(token, admin, payer, with_money, leave):
    token.setFrozenTokens(payer, 2**256 - 1, sender=admin)

    leave()


@pytest.mark.parametrize("token", ["Stablecoin", "RegulatedAsset"], indirect=True)
def test_leave__authority_closes_and_goes__succeeds(
    project, token, admin, attacker, with_money, leave
):
    authority = project.TokenAuthority.at(token.authority())
    authority.setTargetClosed(token, True, sender=admin)
    hostile = attacker.deploy(project.TokenAuthority, attacker)
    authority.updateAuthority(token, hostile, sender=admin)
    token.configureMinter(attacker, 2**256 - 1, sender=attacker)

    leave()


def test_leave__lister_lists_a_token_that_fails__succeeds(
    project, admin, list_asset, with_money, leave
):
    list_asset(admin.deploy(project.RevertingToken), unit=2**64 - 1)

    leave()


def test_leave__committee_replaced_and_owner_gone__succeeds(committee, admin, with_money, leave):
    committee.beginEpoch(addresses_of(member_keys(4, seed=9)), sender=admin)
    committee.renounceOwnership(sender=admin)

    leave()


def test_leave__committee_without_stakes__succeeds(committee, keys, judge, with_money, leave):
    for member in addresses_of(keys):
        committee.punishEquivocation(member, judge, sender=judge)

    leave()


def test_leave__epochs_begun_again_and_again__succeeds(committee, keys, admin, with_money, leave):
    for _ in range(5):
        committee.beginEpoch(addresses_of(keys), sender=admin)

    leave()


def test_leave__committee_certifies_a_theft_and_is_caught__succeeds(
    room, exits, rollup, with_money, payer, attacker, leave
):
    room.ledger.open(3, attacker.address, 1).pay(ALICE, 3, DEPOSITED - WITHDRAWN)
    theft = room.post()

    room.roll_back(theft)

    leave()


def test_leave__committee_posts_on_but_serves_nobody__succeeds(
    room, rollup, exits, with_money, token, payer, attacker
):
    room.request(with_money, ALICE, payer)
    since = exits.waitingSince(ALICE, payer)
    for i in range(1, 4):
        room.at(since + WINDOWS.exit_s * i // 3)
        last = room.post()
    rollup.freezeForExit(last.batch, last.leaf(ALICE), sender=attacker)
    room.settle()

    rollup.escape(last.batch, multiproof(last.chunk.tree, [ALICE]), sender=attacker)

    assert token.balanceOf(payer) == DEPOSITED - WITHDRAWN


def test_take__by_the_admin_of_everything__reverts(
    rollup, committee, exits, with_money, admin, reverts
):
    with reverts(rollup, "SenderNotJudge", sender=admin):
        rollup.rollBack(with_money.batch, admin, sender=admin)
    with reverts(rollup, "SenderNotExits", expected=exits, actual=admin):
        rollup.assignClaim(b"\1" * 32, admin, sender=admin)
    with reverts(committee, "SenderNotRollup", expected=rollup, actual=admin):
        committee.punish(1, 1, 1, admin, sender=admin)
    with reverts(committee, "StakeZero", validator=admin):
        committee.withdrawStake(sender=admin)
