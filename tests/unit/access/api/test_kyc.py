"""Applicants: approved, by message, rejected later, unknown; old messages sent again."""

import json

from backend.protocol.types import address_text
from tests.unit.access.scenes import GREEN, PAYER, RED, apply, get, reference_of, tell
from tests.unit.access.world import (
    REGISTRY,
    error_of,
)


async def test_applicant__approved_at_once__has_an_attestation_succeeds(world):
    applicant = await apply(world)
    again = await apply(world)

    assert applicant["status"] == "approved"
    assert applicant["attestation"]["registry"] == address_text(REGISTRY)
    assert "Lovelace" not in json.dumps(applicant)
    assert again["id"] == applicant["id"]
    assert (await get(world, f"/v1/kyc/applicants/{applicant['id']}")) == applicant
    assert (await get(world, "/v1/kyc/applicants"))["data"] == [applicant]


async def test_applicant__message_decides__succeeds(world):
    applicant = await apply(world, "Considerate")
    path = f"/v1/kyc/applicants/{applicant['id']}"
    reference = reference_of(world, applicant)
    assert applicant["status"] == "pending"

    forged = await tell(world, reference, GREEN, "another secret")
    told = await tell(world, reference, GREEN)
    again = await tell(world, reference, GREEN)

    assert error_of(forged) == (422, "SIGNATURE_INVALID")
    assert told.json()["applicant_id"] == again.json()["applicant_id"] == applicant["id"]
    assert (await get(world, path))["status"] == "approved"


async def test_applicant__rejected_after_approval__is_revoked_on_the_chain_succeeds(world):
    applicant = await apply(world)
    reference = reference_of(world, applicant)
    world.chain.is_available = False
    failed = await tell(world, reference, RED)
    world.chain.is_available = True

    told = await tell(world, reference, RED)

    shown = await get(world, f"/v1/kyc/applicants/{applicant['id']}")
    assert error_of(failed) == (503, "CHAIN_UNAVAILABLE")
    assert told.status_code == 200
    assert (shown["status"], shown["reasons"]) == ("rejected", ["FORGERY"])
    assert world.chain.revoked == [PAYER.address]
    assert shown["attestation"] is None


async def test_applicant__old_approval_sent_again__changes_nothing(world):
    applicant = await apply(world, "Considerate")
    reference = reference_of(world, applicant)
    await tell(world, reference, GREEN)
    await tell(world, reference, RED)

    again = await tell(world, reference, GREEN)

    shown = await get(world, f"/v1/kyc/applicants/{applicant['id']}")
    assert again.status_code == 200
    assert (shown["status"], shown["attestation"]) == ("rejected", None)


async def test_applicant__provider_has_forgotten__changes_nothing(world):
    applicant = await apply(world)
    reference = reference_of(world, applicant)
    world.dependencies.kyc_provider._results.clear()  # what a restart does to the sandbox

    told = await tell(world, reference, {}, kind="applicantCreated")

    assert told.status_code == 200
    assert (await get(world, f"/v1/kyc/applicants/{applicant['id']}"))["status"] == "approved"
    assert world.chain.revoked == []


async def test_applicant__unknown_to_us__changes_nothing(world):
    told = await tell(world, "nobody", GREEN)

    assert told.json()["applicant_id"] is None
