"""Grants: bonuses of people, each with its conditions."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from backend.access.api import examples
from backend.access.api.common import PageIn, address_or_none, example, listed, number_of
from backend.access.auth import needs
from backend.access.bonuses.desk import BonusDesk
from backend.access.errors import documented
from backend.access.responses import json_response
from backend.access.services import ServicesIn
from backend.access.views import Json, list_of
from backend.protocol import errors
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/grants", tags=["grants"])
Caller = Annotated[ApiKey, Depends(needs("grants:read"))]

GRANT: Final[dict[str, Any]] = {
    "object": "grant",
    "id": "1",
    "campaign_id": "1",
    "person": examples.PAYER,
    "asset": "USDX",
    "deposit": {"id": "17", "amount": "100000000", "at": "2026-01-05T10:00:00Z"},
    "bonus": "10000000",
    "granted_at": "2026-01-05T10:00:00Z",
    "status": "open",
    "obstacle": "HOLDING_NOT_OVER",
    "conditions": {
        "holding": {
            "needed": "2026-01-12T10:00:00Z",
            "actual": "2026-01-06T08:00:00Z",
            "is_met": False,
        },
        "kyc_level": {"needed": 1, "actual": 1, "is_met": True},
        "turnover": {"needed": "0", "actual": "0", "is_met": True},
        "expiry": {
            "needed": "2026-02-04T10:00:00Z",
            "actual": "2026-01-06T08:00:00Z",
            "is_met": True,
        },
    },
}


@router.get(
    "",
    responses={
        **listed(GRANT),
        **documented(errors.CampaignNotFound, errors.ChainUnavailable),
    },
)
async def list_grants(
    services: ServicesIn,
    _caller: Caller,
    page: PageIn,
    campaign_id: Annotated[str | None, Query(max_length=18)] = None,
    person: Annotated[str | None, Query()] = None,
) -> Response:
    """List grants, the newest first."""
    desk = BonusDesk(services)
    number = None if campaign_id is None else number_of("campaign_id", campaign_id)
    shown: list[Json] = []
    async for grant in desk.grants(number, address_or_none("person", person), page.after):
        if len(shown) > page.limit:
            break
        shown.append(await desk.show_grant(grant))
    has_more = len(shown) > page.limit
    return json_response(list_of(shown[: page.limit], has_more, lambda item: str(item["id"])))


@router.get(
    "/{grant_id}",
    responses={
        **example(GRANT),
        **documented(errors.GrantNotFound, errors.CampaignNotFound, errors.ChainUnavailable),
    },
)
async def get_grant(grant_id: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get a grant: each condition with what it asks for, what is, and whether it is met."""
    desk = BonusDesk(services)
    grant = await desk.grant(number_of("grant_id", grant_id))
    return json_response(await desk.show_grant(grant))
