"""Proposals through the API, with a treasury in memory.

- made: typed data whose digest is the id, needs, dry run; a repeat is the same proposal
- approvals: unordered, on the chain, by wallets; unknown or removed signer, twice, wrong signature,
  empty, of another treasury or chain, too late; nobody approves his own, by API key either
- executed once: too few, no proposer, unknown outcome asked again, already executed by others
- a policy or a signer that changes meanwhile
- a timelock: scheduled, too early, executed
- cancelled without signatures, with the proposer's, by a veto; too late; twice
- expired, failed: seen by the watch, and closed
- unknown ids, wrong bodies; lists
"""

import asyncio
import json

import pytest
from eth_account.messages import encode_typed_data

from backend.protocol.hashing import Digest, keccak
from backend.protocol.proposals import Proposal, cancellation_id, treasury_domain
from backend.protocol.types import address_text
from tests.unit.access.treasury import TREASURERS, TREASURY
from tests.unit.access.world import error_of, wait_until
from tests.unit.engine.committee import CHAIN_ID, ROLLUP, key

PROPOSER, SECOND, THIRD = TREASURERS
STRANGER = key("stranger")
BODY = {
    "proposer": address_text(PROPOSER.address),
    "calls": [{"target": address_text(ROLLUP), "data": "0x12345678"}],
    "purpose": "Prizes of January",
}
UNKNOWN = "/v1/proposals/0x" + "11" * 32


@pytest.fixture
def treasury(world):
    return world.dependencies.approvals.treasury


@pytest.fixture
def desk(world):
    return world.api.state.services.approvals.proposals


@pytest.fixture
def approver(world):
    """The headers of somebody else than the proposals' maker."""
    _, text = world.dependencies.registers.api_keys.create("approver", ("*",), world.clock())
    return {"Authorization": f"Bearer {text}"}


async def post(world, path, body, key_text="a", **headers):
    return await world.post(path, body, **{"Idempotency-Key": key_text}, **headers)


async def propose(world, key_text="proposal-1", **fields):
    response = await post(world, "/v1/proposals", BODY | fields, key_text)
    assert response.status_code == 201, response.text
    return response.json()


def approval_of(shown, signer, digest=None):
    digest = digest or Digest(bytes.fromhex(shown["id"][2:]))
    return {
        "signer": address_text(signer.address),
        "signature": "0x" + signer.sign_digest(digest).hex(),
    }


async def approve(world, shown, signer, headers, **changes):
    body = approval_of(shown, signer) | changes
    path = f"/v1/proposals/{shown['id']}/approvals"
    return await post(world, path, body, repr(body)[:200], **headers)


async def approved(world, approver, **fields):
    shown = await propose(world, **fields)
    for signer in (THIRD, PROPOSER, SECOND):
        assert (await approve(world, shown, signer, approver)).status_code == 201
    return shown


async def execute(world, shown, key_text="execute-1"):
    return await post(world, f"/v1/proposals/{shown['id']}/execute", {}, key_text)


async def get(world, shown):
    return (await world.client.get(f"/v1/proposals/{shown['id']}")).json()


# Made


async def test_create_proposal__calls__tells_what_to_sign_succeeds(world, treasury):
    shown = await propose(world)

    message = encode_typed_data(full_message=shown["typed_data"])
    digest = keccak(b"\x19" + message.version + message.header + message.body)
    assert "0x" + digest.hex() == shown["id"]
    assert Proposal.from_message(shown["typed_data"]["message"]).purpose == keccak(
        b"Prizes of January"
    )
    assert shown["status"] == "open"
    assert shown["needs"] == {"weight": "2", "timelock_s": "0"}
    assert (shown["weight"], shown["approvals"]) == ("0", [])
    assert shown["dry_run"]["succeeds"] is True
    cancellation = encode_typed_data(full_message=shown["cancellation_typed_data"])
    digest = keccak(b"\x19" + cancellation.version + cancellation.header + cancellation.body)
    assert digest == cancellation_id(Digest(bytes.fromhex(shown["id"][2:])), treasury.domain)


async def test_create_proposal__again__changes_nothing(world, desk):
    first = await propose(world)
    world.clock.offset_ms += 1

    again = await post(world, "/v1/proposals", BODY, "proposal-1")
    other = await propose(world, "proposal-2")

    assert again.json()["id"] == first["id"]
    assert other["id"] != first["id"]
    assert len(desk.register.all_open()) == 2


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"calls": []}, (400, "MALFORMED_REQUEST")),
        ({"purpose": ""}, (400, "MALFORMED_REQUEST")),
        ({"proposer": "0x1234"}, (400, "MALFORMED_REQUEST")),
        ({"proposer": "0x" + "zz" * 30}, (400, "MALFORMED_REQUEST")),
        ({"calls": [{"target": "0x12"}]}, (400, "MALFORMED_REQUEST")),
        ({"calls": [BODY["calls"][0] | {"data": "0x123"}]}, (400, "MALFORMED_REQUEST")),
        ({"calls": [BODY["calls"][0] | {"value": 1}]}, (422, "AMOUNT_NOT_INTEGER")),
        ({"deadline": "1000"}, (400, "MALFORMED_REQUEST")),
        ({"deadline": "9999999999"}, (400, "MALFORMED_REQUEST")),
        ({"deadline": "tomorrow"}, (400, "MALFORMED_REQUEST")),
        ({"proposer": address_text(STRANGER.address)}, (422, "SIGNER_UNKNOWN")),
    ],
)
async def test_create_proposal__wrong_body__rejects(world, desk, fields, expected):
    assert error_of(await post(world, "/v1/proposals", BODY | fields)) == expected
    assert desk.register.all_open() == []


async def test_get_proposal__unknown__rejects(world):
    assert error_of(await world.client.get(UNKNOWN)) == (404, "PROPOSAL_NOT_FOUND")
    body = {"signer": BODY["proposer"], "signature": "0x12"}
    for path, sent in (("/approvals", body), ("/execute", {}), ("/cancel", {})):
        response = await post(world, UNKNOWN + path, sent, path)
        assert error_of(response) == (404, "PROPOSAL_NOT_FOUND")


async def test_get_proposal__chain_unavailable__rejects(world, treasury):
    shown = await propose(world)
    treasury.is_available = False

    response = await world.client.get(f"/v1/proposals/{shown['id']}")

    assert error_of(response) == (503, "CHAIN_UNAVAILABLE")


# Approved


async def test_create_approval__in_any_order__counts_succeeds(world, approver):
    shown = await approved(world, approver)

    found = await get(world, shown)

    assert (found["status"], found["weight"], found["has_proposer"]) == ("approved", "2", True)
    assert len(found["approvals"]) == 3
    assert not any("signature" in one for one in found["approvals"])


async def test_create_approval__by_a_transaction__counts_succeeds(world, treasury, approver):
    shown = await propose(world)
    treasury.on_chain.add((Digest(bytes.fromhex(shown["id"][2:])), bytes(SECOND.address)))
    await approve(world, shown, THIRD, approver)

    found = (await approve(world, shown, PROPOSER, {})).json()

    assert found["status"] == "approved"
    assert {"signer": address_text(SECOND.address), "is_on_chain": True} in found["approvals"]


async def test_create_approval__wrong__rejects(world, approver):
    shown = await propose(world)
    digest = Digest(bytes.fromhex(shown["id"][2:]))
    wrong = {"signature": "0x" + THIRD.sign_digest(digest).hex()}
    cases = [
        (STRANGER, {}, "SIGNER_UNKNOWN"),
        (SECOND, wrong, "APPROVAL_INVALID"),
        (SECOND, {"signature": "0x"}, "APPROVAL_INVALID"),
        (SECOND, {"signature": "0x1234"}, "APPROVAL_INVALID"),
    ]

    for signer, changes, code in cases:
        response = await approve(world, shown, signer, approver, **changes)
        assert error_of(response) == (422, code)

    assert (await get(world, shown))["approvals"] == []


@pytest.mark.parametrize("other", [(CHAIN_ID + 1, TREASURY), (CHAIN_ID, ROLLUP)])
async def test_create_approval__of_another_chain_or_treasury__rejects(world, approver, other):
    shown = await propose(world)
    proposal = Proposal.from_message(shown["typed_data"]["message"])
    digest = proposal.digest(treasury_domain(*other))

    signature = approval_of(shown, SECOND, digest)["signature"]
    response = await approve(world, shown, SECOND, approver, signature=signature)

    assert error_of(response) == (422, "APPROVAL_INVALID")


async def test_create_approval__twice__rejects(world, approver):
    shown = await propose(world)
    await approve(world, shown, SECOND, approver)

    response = await post(
        world,
        f"/v1/proposals/{shown['id']}/approvals",
        approval_of(shown, SECOND),
        "another key",
        **approver,
    )

    assert error_of(response) == (409, "APPROVAL_GIVEN")


async def test_create_approval__of_ones_own_by_api_key__rejects(world):
    shown = await propose(world)

    refused = await approve(world, shown, SECOND, {})
    own = await approve(world, shown, PROPOSER, {})

    assert error_of(refused) == (403, "OWN_PROPOSAL")
    assert own.status_code == 201
    assert own.json()["weight"] == "0"


async def test_create_approval__key_without_the_scope__rejects(world):
    shown = await propose(world)
    api_keys = world.dependencies.registers.api_keys
    _, text = api_keys.create("clerk", ("proposals:*",), world.clock())

    response = await approve(world, shown, SECOND, {"Authorization": f"Bearer {text}"})

    assert error_of(response) == (403, "PERMISSION_DENIED")


async def test_create_approval__too_late__rejects(world, treasury, approver):
    shown = await propose(world)
    treasury.offset_s = 8 * 24 * 3600

    response = await approve(world, shown, SECOND, approver)

    assert error_of(response) == (409, "PROPOSAL_EXPIRED")
    assert (await get(world, shown))["status"] == "expired"


async def test_get_proposal__signer_removed__counts_him_no_more_holds(world, treasury, approver):
    shown = await approved(world, approver)
    treasury.signers.discard(bytes(THIRD.address))

    found = await get(world, shown)

    assert (found["status"], found["weight"]) == ("open", "1")
    assert error_of(await execute(world, shown)) == (409, "PROPOSAL_NOT_APPROVED")


async def test_get_proposal__policy_changed__needs_more_holds(world, treasury, approver):
    shown = await approved(world, approver)
    treasury.weight_needed = 3

    found = await get(world, shown)

    assert (found["status"], found["needs"]["weight"]) == ("open", "3")
    refused = await execute(world, shown)
    assert error_of(refused) == (409, "PROPOSAL_NOT_APPROVED")
    assert refused.json()["error"]["values"] == {"weight": 2, "weight_needed": 3}


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


def cancellation_of(world, treasury, shown, *signers):
    digest = cancellation_id(Digest(bytes.fromhex(shown["id"][2:])), treasury.domain)
    return {"approvals": [approval_of(shown, signer, digest) for signer in signers]}


async def cancel(world, shown, body, key_text="cancel-1"):
    return await post(world, f"/v1/proposals/{shown['id']}/cancel", body, key_text)


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


async def test_watch__what_others_do_on_the_chain__is_seen_succeeds(world, treasury, desk):
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


async def test_list_proposals__by_status__succeeds(world):
    first, second = await propose(world), await propose(world, "proposal-2")
    await cancel(world, first, {})

    everything = (await world.client.get("/v1/proposals")).json()
    opened = (await world.client.get("/v1/proposals", params={"status": "open"})).json()
    page = (await world.client.get("/v1/proposals", params={"limit": 1})).json()
    rest = await world.client.get("/v1/proposals", params={"after": page["next_cursor"]})

    assert [one["id"] for one in everything["data"]] == [second["id"], first["id"]]
    assert [one["id"] for one in opened["data"]] == [second["id"]]
    assert [one["id"] for one in rest.json()["data"]] == [first["id"]]
    assert "signature" not in json.dumps(everything)
