"""Applicants: customers whose verification lets their deposits in."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.api import examples
from backend.access.api.common import example, listed
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.responses import json_response
from backend.access.schemas import ApplicantIn
from backend.access.services import Services, ServicesIn
from backend.access.texts import time_text
from backend.access.views import Json, list_of
from backend.protocol import errors
from backend.protocol.types import address_text, digest_text
from backend.records.paging import LIMIT_MAX
from backend.records.registers.api_keys import ApiKey
from backend.records.registers.applicants import Applicant

router = APIRouter(prefix="/v1/kyc", tags=["kyc"])
Caller = Annotated[ApiKey, Depends(needs("kyc:read"))]
Officer = Annotated[ApiKey, Depends(needs("kyc:write"))]

_EXAMPLE = {
    "external_id": "customer-1",
    "person": examples.PAYER,
    "details": {"given_name": "Ada", "family_name": "Approve", "country": "GB"},
}


def applicant_view(services: Services, applicant: Applicant) -> Json:
    """Show an applicant; his attestation is what a deposit shows to the chain."""
    status = services.kyc.status_of(applicant)
    attestation = None
    if applicant.signature is not None:
        attestation = {
            "person": address_text(applicant.person),
            "level": applicant.level,
            "expiry": str(applicant.expiry_ts_s),
            "issued": str(applicant.issued_ts_s),
            "signature": "0x" + applicant.signature.hex(),
            "attestor": address_text(services.needs.attestor.address),
            "registry": address_text(services.settings.kyc_registry),
        }
    revoked_ts_s, tx_hash = applicant.revoked_ts_s, applicant.revocation_tx_hash
    return {
        "object": "applicant",
        "id": applicant.id,
        "external_id": applicant.external_id,
        "person": address_text(applicant.person),
        "status": status,
        "level": applicant.level,
        "reasons": list(applicant.reasons),
        "created_at": time_text(applicant.created_ts_ms),
        "updated_at": time_text(applicant.updated_ts_ms),
        "attestation": attestation,
        "revoked_at": None if revoked_ts_s is None else time_text(revoked_ts_s * 1000),
        "revocation_tx_hash": None if tx_hash is None else digest_text(tx_hash),
    }


@router.post(
    "/applicants",
    status_code=201,
    responses={
        **example(examples.APPLICANT, 201, "The check has begun; the provider decides"),
        **documented(
            errors.IdempotencyKeyReused, errors.RequestInProgress, errors.ChainUnavailable
        ),
    },
)
async def create_applicant(
    request: Request,
    services: ServicesIn,
    caller: Officer,
    key: KeyIn,
    applicant: Annotated[ApplicantIn, Body(openapi_examples={"one": {"value": _EXAMPLE}})],
) -> Response:
    """Begin the check of a customer. `details` go to the provider and are not kept.

    The sandbox decides by `family_name`: `Reject…` is rejected, `Consider…` stays pending until a
    signed message comes, any other name is approved at once.
    """

    async def work(scope: str) -> tuple[int, Json]:
        details = applicant.details.model_dump()
        made = await services.kyc.apply(scope, applicant.external_id, applicant.person, details)
        return 201, applicant_view(services, made)

    return await once(request, services, caller, key, await request.json(), work)


@router.get("/applicants", responses={**listed(examples.APPLICANT), **documented()})
async def list_applicants(
    services: ServicesIn,
    _caller: Caller,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 20,
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """List applicants by id."""
    found = await run_in_threadpool(services.needs.registers.applicants.list, after, limit + 1)
    shown = [applicant_view(services, one) for one in found[:limit]]
    return json_response(list_of(shown, len(found) > limit, lambda item: str(item["id"])))


@router.get(
    "/applicants/{applicant_id}",
    responses={**example(examples.APPLICANT), **documented(errors.ApplicantNotFound)},
)
async def get_applicant(applicant_id: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get an applicant: pending, approved, rejected, expired or revoked."""
    applicant = await services.kyc.refreshed(applicant_id)
    return json_response(applicant_view(services, applicant))


@router.post(
    "/applicants/{applicant_id}/revoke",
    responses={
        **example(examples.APPLICANT),
        **documented(
            errors.ApplicantNotFound,
            errors.KycRequired,
            errors.ChainUnavailable,
            errors.IdempotencyKeyReused,
            errors.RequestInProgress,
        ),
    },
)
async def revoke_applicant(
    request: Request, applicant_id: str, services: ServicesIn, caller: Officer, key: KeyIn
) -> Response:
    """Revoke an approval, here at once and by a transaction on the chain."""

    async def work(_scope: str) -> tuple[int, Json]:
        return 200, applicant_view(services, await services.kyc.revoke(applicant_id))

    return await once(request, services, caller, key, {}, work)


@router.post(
    "/messages",
    responses={
        **example({"object": "message", "applicant_id": examples.APPLICANT["id"]}),
        **documented(errors.SignatureInvalid, errors.ChainUnavailable),
    },
)
async def take_message(request: Request, services: ServicesIn) -> Response:
    """Take a message of the provider (its webhook). It is signed, so it needs no API key, and it
    may come any number of times. It never decides: it makes us ask the provider.
    """
    applicant = await services.kyc.take_message(await request.body(), request.headers)
    applicant_id = None if applicant is None else applicant.id
    return json_response({"object": "message", "applicant_id": applicant_id})
