"""Everybody who has a power over the platform uses it against Alice, and she gets all her money.

- leave (request an exit, claim, freeze, escape, be refunded) under a hostile admin, guardian or
  attestor of the registry; lister; owner of the committee, idle or with members who steal; issuer
  of a stablecoin or a regulated asset → succeeds
- each of them touches batches, claims or the freeze → there is no function for it
"""

import pytest

from tests.contracts.core import CHALLENGE_WINDOW_S, WINDOWS, stake_for
from tests.contracts.disputes.proofs import multiproof
from tests.contracts.exits.conftest import ALICE
from tests.contracts.rollup.ledger import withdrawal_proof
from tests.contracts.rollup.operator import addresses_of, member_keys

DAY_S = 86_400
UINT256_MAX = 2**256 - 1
WITHDRAWN, WAITING, LEFT = 300, 200, 500
WITHDRAWAL_SLOT = 3  # behind the opening of an account and a deposit


@pytest.fixture
def gate(project, chain, lister, payer):
    """A KYC registry; the lister has all its roles, and has attested Alice."""
    registry = lister.deploy(project.KycRegistry, lister, 1)
    registry.appointAttestor(lister, sender=lister)
    registry.grantRole(registry.GUARDIAN_ROLE(), lister, sender=lister)
    issued = chain.blocks.head.timestamp
    registry.attest((payer, 1, issued + DAY_S, issued), b"", sender=lister)
    return registry


@pytest.fixture
def issuer(accounts):
    return accounts[5]


@pytest.fixture
def stablecoin(issue, issuer, rollup):
    return issue(issuer, vaults=[rollup])


@pytest.fixture
def bond(issue, issuer, rollup, gate):
    return issue(issuer, "RegulatedAsset", 0, [rollup], [gate, 1])


@pytest.fixture
def save(room, rollup, list_asset, issuer, payer):
    """`save(token)`: Alice withdraws a part of a deposit; another waits. Returns `leave`."""

    def deposit(token, amount):
        token.mint(payer, amount, sender=issuer)
        token.approve(rollup, amount, sender=payer)
        receipt = rollup.deposit(1, payer, amount, b"", sender=payer)
        [event] = receipt.decode_logs(rollup.DepositQueued)
        return event

    def _save(token):
        list_asset(token)
        deposit(token, WITHDRAWN + LEFT)
        room.ledger.open(ALICE, payer.address, 1).deposit(ALICE, WITHDRAWN + LEFT)
        room.ledger.withdraw(ALICE, WITHDRAWN)
        posted = room.post()
        waits = deposit(token, WAITING)

        def leave(between=lambda: None):
            """Do all that an owner can, and `between` the steps what an enemy does."""
            proof = withdrawal_proof([posted.chunk], WITHDRAWAL_SLOT, ALICE)
            room.request(posted, ALICE, payer)
            between()
            settles_at_ts_s = posted.batch.accepted_ts_s + CHALLENGE_WINDOW_S
            room.at(max(settles_at_ts_s, room.chain.pending_timestamp))
            rollup.claimWithdrawal(posted.batch, proof, sender=payer)
            between()
            room.at(room.core.exits.waitingSince(ALICE, payer) + WINDOWS.exit_s)
            rollup.freezeForExit(posted.batch, posted.leaf(ALICE), sender=payer)
            between()
            rollup.escape(posted.batch, multiproof(posted.chunk.tree, [ALICE]), sender=payer)
            between()
            record = (token, 1, payer, WAITING, waits.tsS)
            rollup.refund(posted.batch, 1, [record], sender=payer)

            assert token.balanceOf(payer) == WITHDRAWN + LEFT + WAITING
            assert token.balanceOf(rollup) == 0

        return leave

    return _save


def test_leave__registry_closed_and_capped__succeeds(save, stablecoin, gate, lister):
    leave = save(stablecoin)

    gate.closeDeposits(sender=lister)
    gate.setDepositCap(1, 1, sender=lister)

    leave()


def test_leave__registry_attests_nobody__succeeds(save, stablecoin, gate, lister, payer):
    leave = save(stablecoin)

    gate.setLevelNeeded(255, sender=lister)
    gate.revoke(payer, sender=lister)
    gate.dismissAttestor(lister, 0, sender=lister)

    leave()


def test_leave__lister_lists_hostile_tokens__succeeds(
    project, save, stablecoin, rollup, lister, payer
):
    leave = save(stablecoin)
    before = rollup.assets(1)

    def list_another():
        rollup.listAsset(lister.deploy(project.RevertingToken), 1, payer, sender=lister)

    leave(between=list_another)
    assert rollup.assets(1)[:3] == before[:3]


def test_leave__committee_renewed_again_and_again__succeeds(save, stablecoin, committee, lister):
    leave = save(stablecoin)
    enemies = addresses_of(member_keys(4, seed=1))

    leave(between=lambda: committee.beginEpoch(enemies, sender=lister))


def test_leave__committee_without_owner_and_stake__succeeds(
    save, stablecoin, committee, judge, lister, keys
):
    leave = save(stablecoin)

    committee.renounceOwnership(sender=lister)
    for member in addresses_of(keys):
        committee.punishEquivocation(member, lister, sender=judge)

    leave()


def test_leave__committee_of_enemies_steals_and_is_found_out__succeeds(
    room, save, stablecoin, committee, lister, attacker
):
    leave = save(stablecoin)
    room.operator.keys, room.operator.epoch = member_keys(4, seed=1), 2
    enemies = addresses_of(room.operator.keys)
    committee.beginEpoch(enemies, sender=lister)
    stake_for(enemies, committee, lister)

    stolen = room.ledger.open(3, attacker.address, 1).pay(ALICE, 3, LEFT) and room.post()
    room.roll_back(stolen, attacker)

    leave()


def test_leave__stablecoin_paused_and_authority_closed__succeeds(project, save, stablecoin, issuer):
    leave = save(stablecoin)

    stablecoin.pause(sender=issuer)
    stablecoin.configureMinter(issuer, 0, sender=issuer)
    authority = project.TokenAuthority.at(stablecoin.authority())
    authority.setTargetClosed(stablecoin, True, sender=issuer)

    leave()


def test_leave__bond_frozen_at_its_owner__succeeds(save, bond, issuer, payer):
    leave = save(bond)

    bond.setFrozenTokens(payer, UINT256_MAX, sender=issuer)

    leave()


def test_leave__authority_replaced__succeeds(project, save, bond, issuer, attacker):
    leave = save(bond)

    authority = project.TokenAuthority.at(bond.authority())
    hostile = attacker.deploy(project.TokenAuthority, attacker)
    authority.updateAuthority(bond, hostile, sender=issuer)
    bond.configureMinter(attacker, UINT256_MAX, sender=attacker)

    leave()


def test_touch_batches__by_their_admins__reverts(
    room, save, stablecoin, rollup, committee, exits, lister, issuer, reverts
):
    save(stablecoin)
    batch = room.tip

    for admin in (lister, issuer):
        with reverts(rollup, "SenderNotJudge", sender=admin):
            rollup.rollBack(batch, admin, sender=admin)
        with reverts(rollup, "SenderNotExits", expected=exits, actual=admin):
            rollup.assignClaim(b"\1" * 32, admin, sender=admin)
        with reverts(committee, "SenderNotRollup", expected=rollup, actual=admin):
            committee.punish(1, 1, 1, admin, sender=admin)
        with reverts(committee, "StakeZero", validator=admin):
            committee.withdrawStake(sender=admin)
