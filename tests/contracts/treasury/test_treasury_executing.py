"""Treasury: what is executed, once, and what is not.

- execute: approved enough → all calls, events, nonce | repeated, other nonce, expired, no calls by
  one signer, of another treasury or chain → reverts | in its last second → succeeds
- execute: another nonce key → waits for none
- execute: a call fails, answers false, or has no code to read it → reverts, all of it
- execute: re-entered → reverts
- proposal_id: as wallets compute it
"""

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from tests.contracts.treasury.conftest import DOLLAR, FUNDS
from tests.contracts.treasury.desk import (
    PURPOSE,
    Desk,
    call,
    fixed_rule,
    in_order,
    pay,
    selector,
    signer_of,
    spending_rule,
)


def test_execute__approved_enough__succeeds(treasury, policy, desk, asset, alice, bob, payee):
    proposal = desk.proposal([call(asset.transfer, payee, 500 * DOLLAR)], alice)

    receipt = desk.execute(proposal, desk.sign(proposal, [alice, bob]))

    assert asset.balanceOf(payee) == 500 * DOLLAR
    [executed] = receipt.decode_logs(treasury.ProposalExecuted)
    assert executed.id == treasury.proposalId(proposal)
    assert (executed.proposer, executed.purpose) == (signer_of(alice), PURPOSE)
    assert (executed.nonceKey, executed.nonce) == (0, 1)
    [spent] = receipt.decode_logs(policy.AssetSpent)
    assert (spent.asset, spent.tier, spent.amount) == (asset, 1, 500 * DOLLAR)
    assert treasury.executedAtTsS() == receipt.timestamp


def test_proposal_id__same_as_of_wallets__holds(treasury, desk, chain, alice, payee):
    proposal = desk.proposal([pay(payee, 1), pay(payee, 2)], alice)

    signature = desk.signature(alice, proposal)

    recovered = Account._recover_hash(treasury.proposalId(proposal), signature=signature)
    assert recovered == alice.address
    domain = treasury.eip712Domain()
    assert (domain.name, domain.version) == ("Causeway Treasury", "1")
    assert (domain.chainId, domain.verifyingContract) == (chain.chain_id, treasury)
    cancellation = encode_typed_data(
        {
            "name": domain.name,
            "version": domain.version,
            "chainId": domain.chainId,
            "verifyingContract": treasury.address,
        },
        {"Cancellation": [{"name": "proposal", "type": "bytes32"}]},
        {"proposal": bytes(32)},
    )
    signed = alice.sign_message(cancellation).signature
    digest = treasury.cancellationId(bytes(32))
    assert Account._recover_hash(digest, signature=signed) == alice.address


def test_execute__repeated__reverts(treasury, desk, asset, alice, payee, reverts):
    proposal = desk.proposal([call(asset.transfer, payee, DOLLAR)], alice)
    approvals = desk.sign(proposal, [alice])
    desk.execute(proposal, approvals)

    with reverts(treasury, "NonceMismatch", expected=2, actual=1):
        desk.execute(proposal, approvals)


@pytest.mark.parametrize("nonce", [0, 2])
def test_execute__other_nonce__reverts(treasury, desk, asset, alice, payee, reverts, nonce):
    proposal = desk.proposal([call(asset.transfer, payee, DOLLAR)], alice, nonce=nonce)

    with reverts(treasury, "NonceMismatch", expected=1, actual=nonce):
        desk.execute(proposal, desk.sign(proposal, [alice]))


def test_execute__other_nonce_key__succeeds(treasury, desk, asset, alice, payee):
    stuck = desk.proposal([call(asset.transfer, payee, 5 * DOLLAR)], alice, key=7)
    desk.sign(stuck, [alice])

    for nonce in range(2):
        proposal = desk.proposal([call(asset.transfer, payee, DOLLAR)], alice, key=8)
        assert proposal[3] == nonce
        desk.execute(proposal, desk.sign(proposal, [alice]))

    assert asset.balanceOf(payee) == 2 * DOLLAR
    assert [desk.nonce(alice, key) for key in (7, 8)] == [0, 2]


def test_execute__in_its_last_second__succeeds(desk, chain, asset, alice, payee):
    deadline = desk.now() + 100
    proposal = desk.proposal([call(asset.transfer, payee, DOLLAR)], alice, deadline=deadline)
    approvals = desk.sign(proposal, [alice])
    chain.pending_timestamp = deadline

    receipt = desk.execute(proposal, approvals)

    assert receipt.timestamp == deadline
    assert asset.balanceOf(payee) == DOLLAR


def test_execute__expired__reverts(treasury, desk, chain, asset, alice, payee, reverts):
    deadline = desk.now() + 100
    proposal = desk.proposal([call(asset.transfer, payee, DOLLAR)], alice, deadline=deadline)
    approvals = desk.sign(proposal, [alice])
    chain.pending_timestamp = deadline + 1

    with reverts(treasury, "ProposalExpired", deadline=deadline, actualTsS=deadline + 1):
        desk.execute(proposal, approvals)


def test_execute__approved_for_another_treasury__reverts(
    treasury, desk, chain, deploy_treasury, operator, alice, payee, reverts
):
    other = Desk(chain, deploy_treasury(), operator)
    proposal = desk.proposal([pay(payee, 1)], alice)

    with reverts(treasury, "SignatureInvalid", signer=signer_of(alice)):
        desk.execute(proposal, other.sign(proposal, [alice]))


@pytest.mark.parametrize("domain", [{"chainId": 1}, {"version": "2"}, {"name": "Treasury"}])
def test_execute__approved_in_another_domain__reverts(
    treasury, desk, alice, payee, reverts, domain
):
    proposal = desk.proposal([pay(payee, 1)], alice)
    approvals = [(signer_of(alice), desk.signature(alice, proposal, **domain))]

    with reverts(treasury, "SignatureInvalid", signer=signer_of(alice)):
        desk.execute(proposal, approvals)


@pytest.mark.parametrize("changed", range(6))
def test_execute__other_values__reverts(treasury, desk, alice, bob, payee, reverts, changed):
    proposal = desk.proposal([pay(payee, 1)], alice)
    approvals = desk.sign(proposal, [alice, bob])
    others = (signer_of(bob), [pay(payee, 2)], 1, 1, proposal[4] + 1, bytes(32))
    forged = (*proposal[:changed], others[changed], *proposal[changed + 1 :])

    with reverts(treasury, "SignatureInvalid", signer=approvals[0][0]):
        desk.execute(forged, approvals)


def test_execute__call_fails__reverts(treasury, desk, asset, alice, bob, payee, reverts):
    calls = [
        call(asset.transfer, payee, DOLLAR),
        call(asset.transferFrom, payee, payee, 500 * DOLLAR),
    ]
    proposal = desk.proposal(calls, alice)

    with reverts(treasury, "CallFailed", index=1, reason=...):
        desk.execute(proposal, desk.sign(proposal, [alice, bob]))

    assert asset.balanceOf(payee) == 0
    assert asset.balanceOf(treasury) == FUNDS


def test_execute__token_answers_false__reverts(
    project, treasury, policy, desk, operator, alice, bob, payee, reverts
):
    token = operator.deploy(project.ReturnFalseToken)
    rule = spending_rule(token, 1, 0)
    desk.run(
        [
            call(policy.setAsset, token, 60, False, [(DOLLAR, 1, 0)]),
            call(policy.setRule, token, selector(token.transfer), rule),
        ],
        [alice, bob],
    )
    proposal = desk.proposal([call(token.transfer, payee, 1)], alice)

    with reverts(treasury, "CallFailed", index=0, reason=bytes(32)):
        desk.execute(proposal, desk.sign(proposal, [alice]))


def test_execute__nobody_reads_the_data__reverts(
    treasury, policy, desk, asset, alice, bob, attacker, payee, reverts
):
    desk.run(
        [call(policy.setRule, attacker, selector(asset.transfer), fixed_rule(1))], [alice, bob]
    )
    proposal = desk.proposal(
        [(attacker.address, 0, asset.transfer.encode_input(payee, DOLLAR))], alice
    )

    with reverts(treasury, "CallTargetHasNoCode", index=0, target=attacker):
        desk.execute(proposal, desk.sign(proposal, [alice]))


def test_execute__reentered__reverts(
    project, treasury, policy, desk, operator, alice, bob, payee, reverts
):
    token = operator.deploy(project.ReentrantToken)
    token.mint(treasury, 10, sender=operator)
    desk.run(
        [
            call(policy.setAsset, token, 60, False, [(5, 1, 0)]),
            call(policy.setRule, token, selector(token.transfer), spending_rule(token, 1, 0)),
        ],
        [alice, bob],
    )
    inner = desk.proposal([call(token.transfer, payee, 1)], alice, key=1)
    outer = desk.proposal([call(token.transfer, payee, 2)], alice, key=2)
    again = treasury.execute.encode_input(inner, desk.sign(inner, [alice]))
    token.arm(treasury, again, False, sender=operator)

    desk.execute(outer, desk.sign(outer, [alice]))

    assert not token.lastSucceeded()
    assert token.balanceOf(payee) == 2
    token.arm(treasury, again, True, sender=operator)
    bubbling = desk.proposal([call(token.transfer, payee, 2)], alice, key=2)
    with reverts(treasury, "CallFailed", index=0, reason=...):
        desk.execute(bubbling, desk.sign(bubbling, [alice]))


def test_receive__native_money__succeeds(treasury, operator, chain):
    receipt = operator.transfer(treasury, 5)

    [event] = receipt.decode_logs(treasury.NativeReceived)
    assert (event.sender, event.valueWei) == (operator, 5)
    assert treasury.balance == 5


def test_execute__native_payment__succeeds(treasury, desk, operator, alice, bob, payee, policy):
    operator.transfer(treasury, 1_000)
    desk.run([call(policy.setAsset, "0x" + 40 * "0", 60, False, [(100, 1, 0)])], [alice, bob])
    before = payee.balance

    desk.run([pay(payee, 60), pay(payee, 40)], [alice])

    assert payee.balance == before + 100
    assert policy.spentAt("0x" + 40 * "0", 0) == 100


def test_execute__no_calls__needs_governance_reverts(treasury, desk, alice, reverts):
    proposal = desk.proposal([], alice)

    with reverts(treasury, "WeightNotReached", needed=2, actual=1):
        desk.execute(proposal, in_order(desk.sign(proposal, [alice])))
