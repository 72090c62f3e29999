"""The rollup with the KYC registry as its gate.

- deposit: new evidence → recorded and deposited, later deposits need none | unknown owner, closed
  gate, above the cap → reverts, and no token moves
"""

import pytest
from eth_abi import encode
from eth_account import Account
from eth_utils import keccak

ATTESTATION = "Attestation(address person,uint8 level,uint64 expiry,uint64 issued)"


@pytest.fixture
def attestor():
    return Account.from_key(keccak(text="attestor"))


@pytest.fixture
def gate(project, lister, attestor):
    registry = lister.deploy(project.KycRegistry, lister, 1)
    registry.appointAttestor(attestor.address, sender=lister)
    registry.grantRole(registry.GUARDIAN_ROLE(), lister, sender=lister)
    return registry


@pytest.fixture
def evidence(gate, sign_typed, chain, attestor, payer):
    """The payer has level 1 for a day."""
    issued = chain.blocks.head.timestamp
    attestation = (payer.address, 1, issued + 86_400, issued)
    v, r, s = sign_typed(attestor, gate, "Causeway KYC", ATTESTATION, attestation)
    return encode(["(address,uint8,uint64,uint64)", "bytes"], [attestation, r + s + bytes([v])])


def test_deposit__kyc_evidence__succeeds(rollup, gate, deposit, token, asset_id, payer, evidence):
    deposit(token, 1_000, evidence=evidence)
    deposit(token, 500)

    assert token.balanceOf(rollup) == 1_500
    assert gate.levelOf(payer) == 1


def test_deposit__kyc_unknown_owner__reverts(
    rollup, gate, deposit, token, asset_id, payer, payee, evidence, reverts
):
    deposit(token, 1_000, evidence=evidence)

    with reverts(gate, "KycRequired", person=payee, levelNeeded=1, level=0):
        deposit(token, 500, owner=payee)

    assert token.balanceOf(rollup) == 1_000


def test_deposit__kyc_gate_closed__reverts(
    rollup, gate, deposit, token, asset_id, lister, evidence, reverts
):
    gate.closeDeposits(sender=lister)

    with reverts(gate, "DepositsClosed"):
        deposit(token, 1_000, evidence=evidence)


def test_deposit__kyc_above_cap__reverts(
    rollup, gate, deposit, token, asset_id, lister, evidence, reverts
):
    gate.setDepositCap(asset_id, 999, sender=lister)

    with reverts(gate, "DepositCapExceeded", assetId=asset_id, cap=999, actual=1_000):
        deposit(token, 1_000, evidence=evidence)

    assert token.balanceOf(rollup) == 0
