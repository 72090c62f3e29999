"""Proposals through the API, with a treasury in memory: made and approved.

- made: typed data whose digest is the id, needs, dry run; a repeat is the same proposal
- approvals: unordered, on the chain, by wallets; unknown or removed signer, twice, wrong signature,
  empty, of another treasury or chain, too late; nobody approves his own, by API key either
- a policy or a signer that changes meanwhile
- unknown ids, wrong bodies; lists
"""

import json

import pytest
from eth_account.messages import encode_typed_data

from backend.access.api import approval_examples as examples
from backend.access.api.proposals import LIFE_S
from backend.protocol.hashing import Digest, keccak
from backend.protocol.proposals import Proposal, cancellation_id, treasury_domain
from backend.protocol.types import address_text
from tests.unit.access.proposals.scenes import (
    BODY,
    PROPOSER,
    SECOND,
    STRANGER,
    THIRD,
    UNKNOWN,
    approval_of,
    approve,
    approved,
    cancel,
    execute,
    get,
    post,
    propose,
)
from tests.unit.access.treasury import TREASURY
from tests.unit.access.world import error_of
from tests.unit.engine.committee import CHAIN_ID, ROLLUP

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
    assert shown.keys() == examples.PROPOSAL.keys()
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
        ({"purpose": "rent\x1b[2J"}, (400, "MALFORMED_REQUEST")),
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
    treasury.offset_s = LIFE_S + 60

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
