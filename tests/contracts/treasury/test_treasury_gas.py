"""What the treasury's transactions cost, and how large it is.

- approve, schedule, execute, cancel in their usual cases → as in tests/gas_snapshot.json
- runtime code stays below 20,000 bytes
"""

import pytest

from tests.contracts.core import deploy_core
from tests.contracts.treasury.conftest import DOLLAR
from tests.contracts.treasury.desk import call, fixed_rule, in_order, selector, signer_of
from tests.contracts.treasury.passkeys import Passkey

RUNTIME_SIZE_BYTES_MAX = 20_000


def test_deploy__sizes_and_gas__hold_holds(
    project, chain, operator, treasury, policy, gas_snapshot
):
    for contract in (treasury, policy, operator.deploy(project.PasskeyVerifier)):
        assert len(chain.provider.get_code(contract.address)) <= RUNTIME_SIZE_BYTES_MAX

    receipt = treasury.creation_metadata.receipt
    gas_snapshot("Treasury.constructor: three signers", receipt.gas_used)


def test_approve__gas__holds(treasury, desk, accounts, alice, bob, gas_snapshot):
    dave = accounts[5]
    desk.run([call(treasury.changeSigners, [], [signer_of(dave)], [1])], [alice, bob])

    gas_snapshot("Treasury.approve: usual", treasury.approve(b"\1" * 32, sender=dave).gas_used)


def test_execute__gas__holds(desk, asset, payee, alice, bob, gas_snapshot):
    for name in ("first of an asset", "next"):
        proposal = desk.proposal([call(asset.transfer, payee, 200 * DOLLAR)], alice)
        # Two payments of one second share a checkpoint of the window.
        desk.chain.pending_timestamp = desk.now() + 60

        receipt = desk.execute(proposal, desk.sign(proposal, [alice, bob]))

        gas_snapshot(f"Treasury.execute: transfer by two of three, {name}", receipt.gas_used)


def test_execute__with_a_passkey__gas_holds(
    project, treasury, desk, asset, operator, payee, alice, bob, gas_snapshot
):
    passkey = Passkey("dave")
    signer = signer_of(operator.deploy(project.PasskeyVerifier)) + passkey.public
    desk.run([call(treasury.changeSigners, [], [signer], [1])], [alice, bob])
    proposal = desk.proposal([call(asset.transfer, payee, 200 * DOLLAR)], alice)
    assertion = passkey.approve(bytes(treasury.proposalId(proposal)))

    receipt = desk.execute(proposal, in_order([*desk.sign(proposal, [alice]), (signer, assertion)]))

    gas_snapshot("Treasury.execute: transfer by a key and a passkey", receipt.gas_used)


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_schedule__gas__holds(treasury, desk, asset, payee, alice, bob, gas_snapshot, is_cancelled):
    proposal = desk.proposal([call(asset.transfer, payee, 5_000 * DOLLAR)], alice)
    scheduled = desk.schedule(proposal, desk.sign(proposal, [alice, bob]))
    if not is_cancelled:
        gas_snapshot("Treasury.schedule: two of three", scheduled.gas_used)
        return

    approvals = desk.sign_cancellation(proposal, [alice])
    receipt = treasury.cancel(proposal, approvals, sender=desk.operator)

    gas_snapshot("Treasury.cancel: by the proposer", receipt.gas_used)


def test_authorize_orders__gas__holds(project, desk, policy, operator, alice, bob, gas_snapshot):
    gate = operator.deploy(project.SwitchGate)
    rollup = deploy_core(project, operator, gate, [operator]).rollup
    rule = fixed_rule(2)
    desk.run([call(policy.setRule, rollup, selector(rollup.authorizeOrders), rule)], [alice, bob])
    proposal = desk.proposal([call(rollup.authorizeOrders, b"\7" * 32)], alice)

    receipt = desk.execute(proposal, desk.sign(proposal, [alice, bob]))

    gas_snapshot("Treasury.execute: Rollup.authorizeOrders, two of three", receipt.gas_used)
