"""The rollup as a vault of tokens whose issuer has powers over holders.

- stablecoin: deposited by authorisation; paused → deposits revert, claims are paid | frozen owner →
  his claim reverts alone, and is paid when he is free
- regulated asset: deposited | owner without the level → his claim reverts alone, and is paid when
  he has it; payer without the level → deposit reverts
- the issuer touches the vault by no function of his
"""

import pytest

from tests.contracts.rollup.conftest import RECEIVE, SALT, deposit_nonce
from tests.contracts.rollup.ledger import withdrawal_proof

AMOUNT = 1_000
DAY_S = 86_400
UINT256_MAX = 2**256 - 1
FIRST_FREE_SLOT = 3  # behind the opening of an account and a deposit


@pytest.fixture
def issuer(accounts):
    return accounts[5]


@pytest.fixture
def registry(project, issuer):
    registry = issuer.deploy(project.KycRegistry, issuer, 1)
    registry.appointAttestor(issuer, sender=issuer)
    return registry


@pytest.fixture
def attest(chain, registry, issuer):
    def _attest(person):
        issued = chain.blocks.head.timestamp
        registry.attest((person, 1, issued + DAY_S, issued), b"", sender=issuer)

    return _attest


@pytest.fixture
def stablecoin(rollup, issue, issuer, list_asset):
    token = issue(issuer, vaults=[rollup])
    list_asset(token)
    return token


@pytest.fixture
def bond(rollup, issue, issuer, registry, attest, list_asset, payer, payee):
    """Payer and payee may hold it."""
    token = issue(issuer, "RegulatedAsset", 0, [rollup], [registry, 1])
    list_asset(token)
    attest(payer)
    attest(payee)
    return token


@pytest.fixture
def withdrawn(rollup, operator, ledger, issuer, pass_window):
    """Let a person deposit a token and withdraw it whole; return the claim's arguments."""

    def _withdrawn(token, person, account_id=2):
        asset_id = rollup.assetIdOf(token)
        token.mint(person, AMOUNT, sender=issuer)
        token.approve(rollup, AMOUNT, sender=person)
        rollup.deposit(asset_id, person, AMOUNT, b"", sender=person)
        ledger.open(account_id, person.address, asset_id).deposit(account_id, AMOUNT)
        chunk = ledger.withdraw(account_id, AMOUNT).chunk()
        batch = operator.post([chunk])
        pass_window()
        return batch, withdrawal_proof([chunk], FIRST_FREE_SLOT, account_id)

    return _withdrawn


# Stablecoin


def test_deposit_with_authorization__stablecoin__succeeds(
    rollup, stablecoin, issuer, signer, sign_typed, attacker
):
    stablecoin.mint(signer.address, AMOUNT, sender=issuer)
    asset_id = rollup.assetIdOf(stablecoin)
    nonce = deposit_nonce(asset_id, signer.address)
    values = [signer.address, rollup.address, AMOUNT, 0, UINT256_MAX, nonce]
    signature = sign_typed(signer, stablecoin, "Causeway Dollar", RECEIVE, values)

    rollup.depositWithAuthorization(
        asset_id,
        signer.address,
        AMOUNT,
        b"",
        (signer.address, 0, UINT256_MAX, SALT, *signature),
        sender=attacker,
    )

    assert stablecoin.balanceOf(rollup) == AMOUNT


def test_claim_withdrawal__stablecoin_paused__succeeds(
    rollup, stablecoin, withdrawn, issuer, payer
):
    claim = withdrawn(stablecoin, payer)
    stablecoin.pause(sender=issuer)

    rollup.claimWithdrawal(*claim, sender=payer)

    assert stablecoin.balanceOf(payer) == AMOUNT


def test_deposit__stablecoin_paused__reverts(rollup, stablecoin, issuer, payer, reverts):
    stablecoin.mint(payer, AMOUNT, sender=issuer)
    stablecoin.approve(rollup, AMOUNT, sender=payer)
    stablecoin.pause(sender=issuer)

    with reverts(stablecoin, "EnforcedPause"):
        rollup.deposit(rollup.assetIdOf(stablecoin), payer, AMOUNT, b"", sender=payer)
    assert rollup.depositCount() == 0


def test_claim_withdrawal__frozen_owner__reverts(
    rollup, stablecoin, withdrawn, issuer, payer, payee, reverts
):
    frozen = withdrawn(stablecoin, payer)
    free = withdrawn(stablecoin, payee, account_id=3)
    stablecoin.freeze(payer, sender=issuer)
    rollup.settle([frozen[0], free[0]], sender=payer)

    with reverts(stablecoin, "AccountIsFrozen", account=payer):
        rollup.claimWithdrawal(*frozen, sender=payer)
    rollup.claimWithdrawal(*free, sender=payer)
    stablecoin.unfreeze(payer, sender=issuer)
    rollup.claimWithdrawal(*frozen, sender=payer)

    assert (stablecoin.balanceOf(payer), stablecoin.balanceOf(payee)) == (AMOUNT, AMOUNT)
    assert stablecoin.balanceOf(rollup) == 0


# RegulatedAsset


def test_claim_withdrawal__bond__succeeds(rollup, bond, withdrawn, payer):
    claim = withdrawn(bond, payer)

    rollup.claimWithdrawal(*claim, sender=payer)

    assert (bond.balanceOf(payer), bond.balanceOf(rollup)) == (AMOUNT, 0)


def test_deposit__bond_of_a_revoked_payer__reverts(rollup, bond, registry, issuer, payer, reverts):
    bond.mint(payer, AMOUNT, sender=issuer)
    bond.approve(rollup, AMOUNT, sender=payer)
    registry.revoke(payer, sender=issuer)

    with reverts(bond, "ERC7943CannotSend", account=payer):
        rollup.deposit(rollup.assetIdOf(bond), payer, AMOUNT, b"", sender=payer)


def test_claim_withdrawal__owner_without_level__reverts(
    chain, rollup, bond, withdrawn, registry, attest, issuer, payer, payee, reverts
):
    revoked = withdrawn(bond, payer)
    known = withdrawn(bond, payee, account_id=3)
    registry.revoke(payer, sender=issuer)
    rollup.settle([revoked[0], known[0]], sender=payer)

    for _ in range(2):
        with reverts(bond, "ERC7943CannotReceive", account=payer):
            rollup.claimWithdrawal(*revoked, sender=payer)
    rollup.claimWithdrawal(*known, sender=payer)
    chain.mine(timestamp=chain.pending_timestamp + 1)
    attest(payer)
    rollup.claimWithdrawal(*revoked, sender=payer)

    assert (bond.balanceOf(payer), bond.balanceOf(payee)) == (AMOUNT, AMOUNT)


# The vault


def test_touch_vault__by_its_issuer__reverts(
    rollup, stablecoin, bond, withdrawn, issuer, payer, reverts
):
    withdrawn(stablecoin, payer)
    withdrawn(bond, payer, account_id=3)

    with reverts(stablecoin, "NotFreezable", account=rollup):
        stablecoin.freeze(rollup, sender=issuer)
    with reverts(stablecoin, "AccountNotFrozen", account=rollup):
        stablecoin.seize(rollup, issuer, 1, sender=issuer)
    with reverts(bond, "NotFreezable", account=rollup):
        bond.setFrozenTokens(rollup, 1, sender=issuer)
    with reverts(bond, "ERC7943CannotTransfer", **{"from": rollup, "to": payer, "amount": 1}):
        bond.forcedTransfer(rollup, payer, 1, sender=issuer)
