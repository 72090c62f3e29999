"""How proposals end, through the API, with a treasury in memory.

- executed once: too few, no proposer, unknown outcome asked again, already executed by others
- a timelock: scheduled, too early, executed
- cancelled without signatures, with the proposer's, by a veto; too late; twice
- expired, failed: seen by the watch, and closed; one that can't be judged hides no other
"""

import asyncio

import pytest

from backend.access.proposals import desk as desk_module
from backend.protocol.errors import ProposalRefused
from backend.protocol.hashing import Digest
from backend.protocol.proposals import Proposal
from backend.protocol.types import address_text, digest_text
from tests.unit.access.proposals.scenes import (
    BODY,
    PROPOSER,
    SECOND,
    STRANGER,
    THIRD,
    approval_of,
    approve,
    approved,
    cancel,
    cancellation_of,
    execute,
    get,
    post,
    propose,
)
from tests.unit.access.world import error_of, wait_until

# Executed


async def test_execute__approved__is_done_once_succeeds(world, treasury, approver):
    made = []
    treasury.on_call = made.append
    shown = await approved(world, approver)

    first = (await execute(world, shown)).json()
    again = (await execute(world, shown, "execute-2")).json()

    assert first["status"] == again["status"] == "executed"
    assert first["tx_hash"] is not None
    assert len(made) == 1


async def test_execute__at_once_from_two_sides__is_done_once_holds(world, treasury, approver):
    made = []
    treasury.on_call = made.append
    shown = await approved(world, approver)

    both = await asyncio.gather(execute(world, shown, "one"), execute(world, shown, "two"))

    assert [one.json()["status"] for one in both] == ["executed", "executed"]
    assert len(made) == 1


async def test_execute__unknown_outcome__is_asked_for_again_succeeds(world, treasury, approver):
    made = []
    treasury.on_call = made.append
    shown = await approved(world, approver)
    treasury.is_forgetful = True

    found = (await execute(world, shown)).json()

    assert (found["status"], found["tx_hash"]) == ("executed", None)
    assert (await execute(world, shown, "again")).json()["status"] == "executed"
    assert len(made) == 1


@pytest.mark.parametrize(
    ("signers", "expected"),
    [
        ((PROPOSER, SECOND), (409, "PROPOSAL_NOT_APPROVED")),
        ((SECOND, THIRD), (422, "PROPOSAL_REFUSED")),
    ],
)
async def test_execute__too_few__rejects(world, treasury, approver, signers, expected):
    shown = await propose(world)
    for signer in signers:
        await approve(world, shown, signer, approver)

    assert error_of(await execute(world, shown)) == expected
    assert treasury.executed == set()


async def test_execute__nonce_taken_by_another__fails_rejects(world, treasury, approver):
    shown = await approved(world, approver)
    proposal = Proposal.from_message(shown["typed_data"]["message"])
    treasury.used_keys.add(proposal.nonce_key)

    response = await execute(world, shown)

    assert error_of(response) == (409, "PROPOSAL_CLOSED")
    assert (await get(world, shown))["status"] == "failed"


async def test_execute__timelock__is_scheduled_first_succeeds(world, treasury, approver):
    treasury.timelock_s = 3600
    shown = await approved(world, approver)

    scheduled = (await execute(world, shown)).json()
    early = await execute(world, shown, "early")
    treasury.offset_s = 3601
    executed = (await execute(world, shown, "late")).json()

    assert scheduled["status"] == "scheduled"
    assert scheduled["ready_at"] is not None
    assert error_of(early) == (409, "PROPOSAL_TIMELOCKED")
    assert executed["status"] == "executed"


# Ended


async def test_cancel__while_open__needs_no_signature_succeeds(world, treasury, approver):
    shown = await propose(world)

    first = await cancel(world, shown, {})
    again = await cancel(world, shown, {}, "cancel-2")

    assert first.json()["status"] == again.json()["status"] == "cancelled"
    refused = await approve(world, shown, SECOND, approver)
    assert error_of(refused) == (409, "PROPOSAL_CLOSED")


@pytest.mark.parametrize(
    ("signer", "status"), [(PROPOSER, "cancelled"), (SECOND, "vetoed")], ids=["own", "veto"]
)
async def test_cancel__signed__ends_it_on_the_chain_succeeds(
    world, treasury, approver, signer, status
):
    shown = await approved(world, approver)
    unsigned = await cancel(world, shown, {}, "unsigned")

    response = await cancel(world, shown, cancellation_of(world, treasury, shown, signer))

    assert error_of(unsigned) == (400, "MALFORMED_REQUEST")
    assert response.json()["status"] == status
    assert len(treasury.cancelled) == 1
    assert error_of(await execute(world, shown)) == (409, "PROPOSAL_CLOSED")


async def test_cancel__by_a_signature_of_the_proposal__rejects(world, treasury, approver):
    shown = await approved(world, approver)

    response = await cancel(world, shown, {"approvals": [approval_of(shown, PROPOSER)]})

    assert error_of(response) == (422, "APPROVAL_INVALID")
    assert (await get(world, shown))["status"] == "approved"


async def test_cancel__executed__rejects(world, approver):
    shown = await approved(world, approver)
    await execute(world, shown)

    assert error_of(await cancel(world, shown, {})) == (409, "PROPOSAL_CLOSED")


async def test_watch__what_others_do_on_the_chain__is_seen_succeeds(
    world, treasury, desk, monkeypatch
):
    monkeypatch.setattr(desk_module, "_POLL_S", 0.01)
    shown = await propose(world)
    digest = Digest(bytes.fromhex(shown["id"][2:]))
    watching = asyncio.create_task(desk.watch())
    try:
        treasury.is_available = False
        await asyncio.sleep(0.1)
        treasury.is_available = True
        treasury.cancelled.add(digest)
        await wait_until(lambda: desk.register.get(digest).status == "cancelled")
    finally:
        watching.cancel()


async def test_watch__one_that_the_treasury_cannot_judge__hides_no_other_succeeds(
    world, treasury, desk, monkeypatch
):
    monkeypatch.setattr(desk_module, "_POLL_S", 0.01)
    odd = [{"target": address_text(STRANGER.address)}]
    needs = treasury.needs

    async def judge(calls):
        if calls[0].target == STRANGER.address:
            raise ProposalRefused("Panic")
        return await needs(calls)

    changed = await propose(world, "judged once", calls=odd)
    monkeypatch.setattr(treasury, "needs", judge)
    refused = await post(world, "/v1/proposals", BODY | {"calls": odd}, "never judged")
    shown = await propose(world)
    watching = asyncio.create_task(desk.watch())
    digest = Digest(bytes.fromhex(shown["id"][2:]))
    try:
        treasury.cancelled.add(digest)
        await wait_until(lambda: desk.register.get(digest).status == "cancelled")
    finally:
        watching.cancel()

    assert error_of(refused) == (422, "PROPOSAL_REFUSED")
    assert [digest_text(row.id) for row in desk.register.all_open()] == [changed["id"]]
