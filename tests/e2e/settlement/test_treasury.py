"""The treasury on a real chain, as the platform deploys and asks it.

- deploy: most of the treasurers are needed, a proposer's own approval weighs nothing; without
  treasurers there is none
- a digest made here is the contract's
- weights: unknown signer, wrong signature, own approval, approvals on the chain, in any order
- execute: once, whatever is sent again; calls that fail; too few; no proposer; expired
- a proposal for another treasury or chain; a nonce that another proposal took
- a timelock: scheduled, too early, executed
- cancel: by the proposer, by a veto, by somebody else
- a signer who was removed, a policy that has changed, between approval and execution
- dry run: functions, balances, errors; a node without eth_simulateV1
"""

from dataclasses import replace

import pytest

from backend.protocol.errors import (
    ApprovalInvalid,
    ProposalExpired,
    ProposalNotApproved,
    ProposalRefused,
    ProposalTimelocked,
    SignerUnknown,
)
from backend.protocol.hashing import keccak
from backend.protocol.proposals import Approval, Call, Proposal, cancellation_id, treasury_domain
from backend.protocol.types import address_text
from backend.settlement.anvil import dev_key
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Contract, RpcError
from backend.settlement.deployment import LOCAL_TOKENS, deploy
from backend.settlement.deployment_file import LOCAL_PARAMETERS
from backend.settlement.dry_run import BalanceChange, dry_run
from backend.settlement.treasury import Needs, TreasuryQueries, governance_of, known_abi
from tests.e2e.settlement.chain import DEPLOYER, OPERATOR, OWNER, ROLES, Chain

PROPOSER, SECOND, THIRD, STRANGER = map(dev_key, range(7, 11))
TREASURERS = (PROPOSER, SECOND, THIRD)


async def made(client, folder, **parameters):
    roles = replace(ROLES, treasurers=tuple(key.address for key in TREASURERS))
    wanted = replace(LOCAL_PARAMETERS, **parameters)
    return (await deploy(client, DEPLOYER, roles, wanted, LOCAL_TOKENS, folder)).deployment


@pytest.fixture
async def l1(client, tmp_path):
    return Chain(client, await made(client, tmp_path), tmp_path / "anvil.pid")


@pytest.fixture
def treasury(l1):
    return TreasuryQueries(l1.client, l1.deployment, l1.sender(OPERATOR))


def contract_of(l1) -> Contract:
    return Contract(l1.deployment.address("Treasury"), artifact("Treasury").abi)


def authorising(l1, root=b"\x01" * 32) -> Call:
    rollup = l1.deployment.rollup
    return Call(rollup.address, 0, rollup.abi.call_data("authorizeOrders", root))


def proposal_of(*calls, nonce_key=1, deadline=2**40, proposer=PROPOSER) -> Proposal:
    return Proposal(proposer.address, calls, nonce_key, 0, deadline, keccak(b"prizes"))


def signed(treasury, proposal, *keys) -> list[Approval]:
    digest = proposal.digest(treasury.domain)
    return [Approval(key.address, key.sign_digest(digest)) for key in keys]


async def state(treasury, proposal):
    return await treasury.state(proposal, proposal.digest(treasury.domain), 0)


async def test_deploy__treasurers__make_a_treasury_succeeds(l1, treasury):
    governance = await l1.client.read(contract_of(l1), "governance")

    assert tuple(governance.values()) == governance_of(3, 0)
    assert (governance["weightNeeded"], governance["isOwnApprovalRefused"]) == (2, True)
    assert await treasury.needs([authorising(l1)]) == Needs(2, 0)
    assert await treasury.is_signer(SECOND.address)
    assert not await treasury.is_signer(STRANGER.address)


async def test_deploy__treasurers_again__changes_nothing(l1, client, tmp_path):
    assert await made(client, tmp_path) == l1.deployment


@pytest.mark.parametrize(("count", "needed", "is_refused"), [(2, 2, False), (3, 2, True)])
def test_governance_of__some_signers__holds(count, needed, is_refused):
    found = governance_of(count, 5)

    assert (found[0], found[1], found[3]) == (needed, 5, is_refused)


async def test_digest__of_our_own__is_the_contracts_holds(l1, treasury):
    proposal = proposal_of(authorising(l1), Call(STRANGER.address, 7, b""), nonce_key=2**191)
    calls = [(call.target, call.value, call.data) for call in proposal.calls]
    fields = (proposal.proposer, calls, proposal.nonce_key, 0, 2**40, proposal.purpose)

    found = await l1.client.read(contract_of(l1), "proposalId", fields)

    digest = proposal.digest(treasury.domain)
    assert found == digest
    found = await l1.client.read(contract_of(l1), "cancellationId", digest)
    assert found == cancellation_id(digest, treasury.domain)


async def test_weight__wrong_approvals__rejects(l1, treasury):
    proposal = proposal_of(authorising(l1))
    digest = proposal.digest(treasury.domain)

    with pytest.raises(SignerUnknown, match=address_text(STRANGER.address)):
        await treasury.weight(proposal, signed(treasury, proposal, STRANGER))
    wrong = Approval(SECOND.address, THIRD.sign_digest(digest))
    with pytest.raises(ApprovalInvalid, match=address_text(SECOND.address)):
        await treasury.weight(proposal, [wrong])
    with pytest.raises(ApprovalInvalid):
        await treasury.weight(proposal, [Approval(SECOND.address, b"")])


async def test_weight__any_order__counts_all_but_the_proposer_succeeds(l1, treasury):
    proposal = proposal_of(authorising(l1))
    approvals = signed(treasury, proposal, *TREASURERS)

    assert await treasury.weight(proposal, approvals) == 2
    assert await treasury.weight(proposal, approvals[::-1]) == 2
    assert await treasury.weight(proposal, approvals[:1]) == 0
    assert await treasury.weight(proposal, []) == 0


async def test_execute__approved__is_done_once_succeeds(l1, treasury):
    proposal = proposal_of(authorising(l1))
    approvals = signed(treasury, proposal, *TREASURERS)

    assert await treasury.execute(proposal, approvals)

    rollup = l1.deployment.rollup
    assert await l1.client.read(rollup, "isAuthorised", treasury.address, b"\x01" * 32)
    assert (await state(treasury, proposal)).is_executed
    with pytest.raises(ProposalRefused, match="NonceMismatch"):
        await treasury.execute(proposal, approvals)
    assert await l1.client.read(rollup, "authorisedRootCount") == 1


async def test_execute__approved_on_the_chain__counts_succeeds(l1, treasury):
    proposal = proposal_of(authorising(l1))
    digest = proposal.digest(treasury.domain)
    for key in (SECOND, THIRD):
        await l1.call(key, contract_of(l1), "approve", digest)
    found = await state(treasury, proposal)
    approvals = [Approval(signer, b"") for signer in found.approvers]

    await treasury.execute(proposal, [*approvals, *signed(treasury, proposal, PROPOSER)])

    assert set(found.approvers) == {SECOND.address, THIRD.address}
    assert (await state(treasury, proposal)).is_executed


@pytest.mark.parametrize(
    ("keys", "error"),
    [
        ((PROPOSER,), ProposalNotApproved),
        ((PROPOSER, SECOND), ProposalNotApproved),
        ((SECOND, THIRD), ProposalRefused),
    ],
)
async def test_execute__too_few_approvals__rejects(l1, treasury, keys, error):
    proposal = proposal_of(authorising(l1))

    with pytest.raises(error):
        await treasury.execute(proposal, signed(treasury, proposal, *keys))

    assert not (await state(treasury, proposal)).is_executed


async def test_execute__expired__rejects(l1, treasury):
    proposal = proposal_of(authorising(l1), deadline=(await l1.client.latest()).ts_s)
    await l1.pass_time(5)

    with pytest.raises(ProposalExpired):
        await treasury.execute(proposal, signed(treasury, proposal, *TREASURERS))


async def test_execute__a_call_that_fails__names_its_error_rejects(l1, treasury):
    proposal = proposal_of(authorising(l1, bytes(32)))

    with pytest.raises(ProposalRefused, match="call 0 fails: RootZero"):
        await treasury.execute(proposal, signed(treasury, proposal, *TREASURERS))


@pytest.mark.parametrize("change", [{"chain_id": 1}, {"contract": b"\x07" * 20}])
async def test_execute__signed_for_another_treasury__rejects(l1, treasury, change):
    proposal = proposal_of(authorising(l1))
    ours = {"chain_id": treasury.domain.chain_id, "contract": treasury.address}
    other = ours | change
    digest = proposal.digest(treasury_domain(other["chain_id"], other["contract"]))
    approvals = [Approval(key.address, key.sign_digest(digest)) for key in TREASURERS]

    with pytest.raises(ApprovalInvalid):
        await treasury.execute(proposal, approvals)


async def test_state__nonce_taken_by_another__is_void_holds(l1, treasury):
    proposal = proposal_of(authorising(l1))
    other = proposal_of(authorising(l1, b"\x02" * 32))

    await treasury.execute(other, signed(treasury, other, *TREASURERS))

    found = await state(treasury, proposal)
    assert (found.is_executed, found.is_void) == (False, True)
    assert (await state(treasury, other)).is_executed


async def test_execute__timelock__waits_succeeds(client, tmp_path):
    deployment = await made(client, tmp_path, treasury_timelock_s=3600)
    l1 = Chain(client, deployment, tmp_path / "anvil.pid")
    treasury = TreasuryQueries(client, deployment, l1.sender(OPERATOR))
    proposal = proposal_of(authorising(l1))
    approvals = signed(treasury, proposal, *TREASURERS)
    assert (await treasury.needs(proposal.calls)).timelock_s == 3600
    with pytest.raises(ProposalRefused, match="ProposalNotScheduled"):
        await treasury.execute(proposal, approvals)

    await treasury.schedule(proposal, approvals)
    with pytest.raises(ProposalTimelocked) as refused:
        await treasury.execute(proposal, approvals)
    scheduled_ts_s = (await state(treasury, proposal)).scheduled_ts_s
    await l1.pass_time(3601)
    await treasury.execute(proposal, approvals)

    assert refused.value.ready_ts_s == scheduled_ts_s + 3600
    assert (await state(treasury, proposal)).is_executed


@pytest.mark.parametrize("keys", [(PROPOSER,), (SECOND, THIRD)])
async def test_cancel__by_proposer_or_veto__is_for_ever_succeeds(l1, treasury, keys):
    proposal = proposal_of(authorising(l1))
    digest = cancellation_id(proposal.digest(treasury.domain), treasury.domain)

    await treasury.cancel(proposal, [Approval(k.address, k.sign_digest(digest)) for k in keys])

    assert (await state(treasury, proposal)).is_cancelled
    with pytest.raises(ProposalRefused, match="ProposalIsCancelled"):
        await treasury.execute(proposal, signed(treasury, proposal, *TREASURERS))


async def test_cancel__by_a_stranger__rejects(l1, treasury):
    proposal = proposal_of(authorising(l1))
    digest = cancellation_id(proposal.digest(treasury.domain), treasury.domain)

    with pytest.raises(SignerUnknown):
        await treasury.cancel(proposal, [Approval(STRANGER.address, STRANGER.sign_digest(digest))])
    with pytest.raises(ApprovalInvalid):
        await treasury.cancel(proposal, signed(treasury, proposal, PROPOSER))


async def governed(l1, treasury, function, *arguments, nonce_key):
    """Have the treasury change itself."""
    data = artifact("Treasury").abi.call_data(function, *arguments)
    change = proposal_of(Call(treasury.address, 0, data), nonce_key=nonce_key)
    await treasury.execute(change, signed(treasury, change, *TREASURERS))


async def test_execute__signer_removed_meanwhile__rejects(l1, treasury):
    proposal = proposal_of(authorising(l1))
    approvals = signed(treasury, proposal, *TREASURERS)
    changed = ([THIRD.address], [STRANGER.address], [1])

    await governed(l1, treasury, "changeSigners", *changed, nonce_key=9)

    with pytest.raises(SignerUnknown, match=address_text(THIRD.address)):
        await treasury.execute(proposal, approvals)
    approvals = signed(treasury, proposal, PROPOSER, SECOND, STRANGER)
    assert await treasury.execute(proposal, approvals)


async def test_execute__policy_changed_meanwhile__counts_the_new_one_rejects(l1, treasury):
    proposal = proposal_of(authorising(l1))
    approvals = signed(treasury, proposal, *TREASURERS)
    stricter = (2, 3600, 1, True, 0, 2, 3600)

    await governed(l1, treasury, "setGovernance", stricter, nonce_key=9)

    assert await treasury.needs(proposal.calls) == Needs(2, 3600)
    with pytest.raises(ProposalRefused, match="ProposalNotScheduled"):
        await treasury.execute(proposal, approvals)


async def test_dry_run__transfer__tells_function_and_balances_succeeds(l1, treasury):
    token = l1.deployment.token("USDX")
    await l1.call(DEPLOYER, token, "mint", treasury.address, 50)
    data = token.abi.call_data("transfer", OWNER.address, 20)

    run = await treasury.dry_run([Call(token.address, 0, data), authorising(l1)])

    assert run.succeeds
    assert [effect.decoded.name for effect in run.effects] == ["transfer", "authorizeOrders"]
    assert run.effects[0].decoded.values == {"to": OWNER.address, "value": 20}
    assert set(run.changes) == {
        BalanceChange(token.address, treasury.address, -20),
        BalanceChange(token.address, OWNER.address, 20),
    }
    assert await l1.client.read(token, "balanceOf", OWNER.address) == 0


async def test_dry_run__a_call_that_fails__names_its_error_rejects(l1, treasury):
    token = l1.deployment.token("USDX")
    data = token.abi.call_data("transfer", OWNER.address, 20)

    run = await treasury.dry_run([authorising(l1), Call(token.address, 0, data)])

    assert not run.succeeds
    assert run.effects[0].error is None
    assert "ERC20InsufficientBalance" in run.effects[1].error


async def test_dry_run__unknown_function__succeeds(l1, treasury):
    run = await treasury.dry_run([Call(STRANGER.address, 0, b"\x12\x34\x56\x78")])

    assert run.effects[0].decoded is None
    assert run.succeeds


async def test_dry_run__node_without_simulation__tells_what_it_can_succeeds(l1, treasury):
    class OldNode:
        """The same node, before eth_simulateV1."""

        async def rpc(self, method, *params):
            if method == "eth_simulateV1":
                raise RpcError(-32601, "Method not found")
            return await l1.client.rpc(method, *params)

    calls = [authorising(l1), authorising(l1, bytes(32))]

    run = await dry_run(OldNode(), treasury.address, calls, known_abi())

    assert run.changes is None
    assert [effect.error for effect in run.effects] == [None, "RootZero()"]
