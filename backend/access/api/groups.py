"""Groups: exchanges, delivery versus payment, split payments. All legs are made, or none."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.api import collecting_examples as examples
from backend.access.api.common import REPEAT_ERRORS, PageIn, address_or_none, example, listed
from backend.access.api.fees import AMOUNT_ERRORS
from backend.access.api.payments import SUBMIT_ERRORS, Prefer
from backend.access.auth import needs
from backend.access.collecting.custodial import sign_leg_for
from backend.access.collecting.group_views import group_view
from backend.access.collecting.groups import (
    create_group,
    find_group,
    rebuild_group,
    sign_leg,
    submit_group,
)
from backend.access.collecting.schemas import GroupIn, LegSignatureIn, SignedGroupIn
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.responses import json_response
from backend.access.services import Services, ServicesIn
from backend.access.settings import WAIT_FINAL_MS_MAX
from backend.access.submitting import waits_for_final
from backend.access.views import Json, page_view
from backend.protocol import errors
from backend.protocol.hashing import Digest
from backend.protocol.types import digest_from_text
from backend.records.registers.api_keys import ApiKey
from backend.records.registers.groups import Group

router = APIRouter(prefix="/v1/groups", tags=["groups"])
Caller = Annotated[ApiKey, Depends(needs("groups:read"))]
Sender = Annotated[ApiKey, Depends(needs("groups:write"))]

_BUILD_ERRORS = (
    errors.BackPressure,
    errors.GroupInvalid,
    errors.RefundMismatch,
    errors.AssetUnknown,
    errors.AccountUnknown,
    errors.SameAccount,
    errors.PayeeInvalid,
    errors.FeeNotRepresentable,
    errors.FeeNotAllowed,
    errors.FeeTooLow,
    errors.OrderExpired,
    errors.ChainUnavailable,
    *REPEAT_ERRORS,
    *AMOUNT_ERRORS,
)
_SEND_ERRORS = (
    *SUBMIT_ERRORS,
    errors.GroupInvalid,
    errors.SameAccount,
    errors.PayeeInvalid,
    errors.NotEligible,
    errors.RefundMismatch,
)


@router.post(
    "",
    status_code=201,
    responses={
        **example(examples.GROUP, 201, "What each payer signs; nothing was sent"),
        **documented(*_BUILD_ERRORS),
    },
)
async def build_group(
    request: Request,
    services: ServicesIn,
    caller: Sender,
    key: KeyIn,
    wish: Annotated[GroupIn, Body(openapi_examples={"exchange": {"value": examples.GROUP_IN}})],
) -> Response:
    """Build a group of 2 to 8 payments that are made as one, or not at all. Each payer signs his
    legs' `typed_data`, which binds all legs by their link, and anybody sends the signatures here.
    Fees are the least ones by default, `valid_until` is an hour from now.
    """

    async def work(scope: str) -> tuple[int, Json]:
        return 201, await group_view(services, await create_group(services, wish, scope))

    return await once(request, services, caller, key, await request.json(), work)


@router.post(
    "/submit",
    status_code=202,
    responses={
        **example(examples.GROUP, 202, "Accepted durably; no money has moved yet"),
        **example(examples.GROUP, 200, "It has ended: final, or rejected with a code"),
        **documented(*_SEND_ERRORS),
    },
)
async def send_group(
    services: ServicesIn,
    _caller: Sender,
    wish: Annotated[
        SignedGroupIn, Body(openapi_examples={"one": {"value": examples.SIGNED_GROUP}})
    ],
    prefer: Prefer = None,
) -> Response:
    """Have a group accepted that all have signed, its legs in order. Its link is its id and its
    idempotency key: sending it twice is sending it once.
    """
    return await _answer(services, await submit_group(services, wish), prefer)


@router.post(
    "/{group_id}/signatures",
    responses={
        **example(examples.GROUP, 202, "The last one: accepted durably; no money has moved yet"),
        **example(examples.GROUP, 200, "Others have to sign still, or it has ended"),
        **documented(
            errors.GroupNotFound, errors.GroupOvertaken, errors.CustomerNotFound, *_SEND_ERRORS
        ),
    },
)
async def sign_group(
    group_id: str,
    services: ServicesIn,
    caller: Sender,
    wish: Annotated[
        LegSignatureIn,
        Body(openapi_examples={"one": {"value": examples.LEG_SIGNATURE}}),
    ],
    prefer: Prefer = None,
) -> Response:
    """Add the signature of one leg; with the last one the group is sent. A signature that is not
    the leg's payer's is refused, and one more of his changes nothing. If the node refuses the
    group (no funds, say), all signatures stay, and any of them sent again until `valid_until` tries
    again. For a `customer_id` whose key the platform keeps it signs itself.
    """
    digest = digest_from_text(group_id, "group_id")
    if (wish.signature is None) == (wish.customer_id is None):
        raise errors.MalformedRequest("signature", "send either a signature or a customer_id")
    if wish.customer_id is not None:
        group = await sign_leg_for(services, digest, wish.leg, wish.customer_id, caller)
    else:
        group = await sign_leg(services, digest, wish.leg, wish.signature or b"")
    return await _answer(services, group, prefer)


@router.post(
    "/{group_id}/rebuild",
    status_code=201,
    responses={
        **example(examples.GROUP, 201, "The same legs, to be signed anew"),
        **documented(errors.GroupNotFound, errors.GroupOpen, *_BUILD_ERRORS),
    },
)
async def build_group_anew(
    group_id: str, request: Request, services: ServicesIn, caller: Sender, key: KeyIn
) -> Response:
    """Build a group anew that can't be executed any more: rejected, expired, or overtaken, since a
    payer used a nonce elsewhere while others signed.
    """
    digest = digest_from_text(group_id, "group_id")

    async def work(scope: str) -> tuple[int, Json]:
        return 201, await group_view(services, await rebuild_group(services, digest, scope))

    return await once(request, services, caller, key, {}, work)


@router.get("", responses={**listed(examples.GROUP), **documented(errors.BackPressure)})
async def list_groups(
    services: ServicesIn,
    _caller: Caller,
    page: PageIn,
    payer: Annotated[str | None, Query(description="Who signs one of the legs")] = None,
) -> Response:
    """List the groups that were built or sent here, the newest first."""
    register = services.needs.registers.collecting.groups
    wanted = address_or_none("payer", payer)
    part = await run_in_threadpool(register.list, wanted, page)
    shown = [await group_view(services, group) for group in part.rows]
    return json_response(page_view(part, shown, "sequence"))


@router.get(
    "/{group_id}",
    responses={
        **example(examples.GROUP),
        **documented(errors.GroupNotFound, errors.BackPressure),
    },
)
async def get_group(group_id: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get a group: who has signed, and how it stands. Its legs are payments, too."""
    found = await find_group(services, digest_from_text(group_id, "group_id"))
    return json_response(await group_view(services, found))


async def _answer(services: Services, group: Group, prefer: str | None) -> Response:
    if waits_for_final(prefer) and group.state == "accepted":
        await services.node.wait_final(Digest(group.id), WAIT_FINAL_MS_MAX)
    shown = await group_view(services, group)
    return json_response(shown, 202 if shown["status"] == "accepted" else 200)
