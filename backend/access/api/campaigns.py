"""Campaigns: bonuses that a sponsor has set money aside for."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, Request
from starlette.responses import Response

from backend.access.api import examples
from backend.access.api.common import REPEAT_ERRORS, PageIn, example, listed, number_of
from backend.access.auth import needs
from backend.access.bonuses.desk import BonusDesk
from backend.access.bonuses.schemas import CampaignCallIn, CampaignDepositIn, CampaignIn
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.responses import json_response
from backend.access.services import ServicesIn
from backend.access.views import Json, list_of
from backend.protocol import errors
from backend.protocol.types import Address
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])
Caller = Annotated[ApiKey, Depends(needs("campaigns:read"))]
Preparer = Annotated[ApiKey, Depends(needs("campaigns:write"))]

CAMPAIGN: Final[dict[str, Any]] = {
    "object": "campaign",
    "id": "1",
    "sponsor": examples.PAYEE,
    "asset": "USDX",
    "status": "running",
    "budget": "900000000",
    "tiers": [{"deposit_min": "10000000", "bonus": None, "match_bps": 1000}],
    "person_max": "50000000",
    "kyc_level": 1,
    "starts_at": "2026-01-01T00:00:00Z",
    "ends_at": "2026-02-01T00:00:00Z",
    "holding_s": 604800,
    "expires_after_s": 2592000,
    "turnover": None,
    "terms_hash": "0x" + "00" * 32,
}
_WISH: Final = {
    "sponsor": examples.PAYEE,
    "asset": "USDX",
    "budget": "1000000000",
    "tiers": [{"deposit_min": "10000000", "match_bps": 1000}],
    "person_max": "50000000",
    "starts_at": "2026-01-01T00:00:00Z",
    "ends_at": "2026-02-01T00:00:00Z",
    "expires_after_s": 2592000,
}
_DEPOSIT: Final = {"owner": examples.PAYER, "amount": "100000000"}
_POST_ERRORS: Final = (
    errors.AssetUnknown,
    errors.AmountNotInteger,
    errors.AmountZero,
    errors.AmountTooLarge,
    errors.ChainUnavailable,
    *REPEAT_ERRORS,
)


@router.post(
    "",
    responses={
        **example(examples.PREPARED, description="What the sponsor signs and sends"),
        **documented(errors.TermsInvalid, *_POST_ERRORS),
    },
)
async def prepare_campaign(
    request: Request,
    services: ServicesIn,
    caller: Preparer,
    key: KeyIn,
    wish: Annotated[CampaignIn, Body(openapi_examples={"one": {"value": _WISH}})],
) -> Response:
    """Prepare a campaign: the L1 transactions that its sponsor sends, in order. Its terms can't be
    changed by anybody afterwards.
    """

    async def work(_scope: str) -> tuple[int, Json]:
        return 200, await BonusDesk(services).prepare_campaign(wish)

    return await once(request, services, caller, key, await request.json(), work)


@router.get(
    "",
    responses={
        **listed(CAMPAIGN),
        **documented(errors.CampaignNotFound, errors.ChainUnavailable),
    },
)
async def list_campaigns(services: ServicesIn, _caller: Caller, page: PageIn) -> Response:
    """List campaigns, the newest first."""
    desk = BonusDesk(services)
    last = await desk.book.campaign_count() + 1
    first = last if page.after is None else min(page.after, last)
    numbers = range(first - 1, 0, -1)
    shown = [
        await desk.show_campaign(await desk.campaign(number)) for number in numbers[: page.limit]
    ]
    return json_response(list_of(shown, len(numbers) > page.limit, lambda item: str(item["id"])))


@router.get(
    "/{campaign_id}",
    responses={
        **example(CAMPAIGN),
        **documented(errors.CampaignNotFound, errors.ChainUnavailable),
    },
)
async def get_campaign(campaign_id: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get a campaign: its terms, its status, and what is left of its budget."""
    desk = BonusDesk(services)
    campaign = await desk.campaign(number_of("campaign_id", campaign_id))
    return json_response(await desk.show_campaign(campaign))


@router.post(
    "/{campaign_id}/deposits",
    responses={
        **example(examples.PREPARED, description="What the owner signs and sends"),
        **documented(
            errors.CampaignNotFound,
            errors.CampaignNotRunning,
            errors.GrantedBefore,
            errors.BonusRefused,
            errors.CampaignShortOfBudget,
            errors.KycLevelTooLow,
            errors.KycRequired,
            errors.KycExpired,
            errors.KycRevoked,
            *_POST_ERRORS,
        ),
    },
)
async def prepare_campaign_deposit(
    campaign_id: str,
    request: Request,
    services: ServicesIn,
    caller: Preparer,
    key: KeyIn,
    wish: Annotated[CampaignDepositIn, Body(openapi_examples={"one": {"value": _DEPOSIT}})],
) -> Response:
    """Prepare a deposit that is granted its bonus in the same transaction."""

    async def work(_scope: str) -> tuple[int, Json]:
        desk = BonusDesk(services)
        campaign = await desk.campaign(number_of("campaign_id", campaign_id))
        return 200, await desk.prepare_deposit(campaign, Address(wish.owner), wish.amount)

    return await once(request, services, caller, key, await request.json(), work)


@router.post(
    "/{campaign_id}/calls",
    responses={
        **example(examples.PREPARED, description="What the sponsor signs and sends"),
        **documented(errors.CampaignNotFound, *_POST_ERRORS),
    },
)
async def prepare_campaign_call(
    campaign_id: str,
    request: Request,
    services: ServicesIn,
    caller: Preparer,
    key: KeyIn,
    wish: Annotated[
        CampaignCallIn,
        Body(
            openapi_examples={
                "fund": {"value": {"action": "fund", "amount": "500000000"}},
                "end": {"value": {"action": "end"}},
            }
        ),
    ],
) -> Response:
    """Prepare what the sponsor may do to a campaign: fund it, end it, or take an ended one's rest.
    None of them touches what was granted.
    """

    async def work(_scope: str) -> tuple[int, Json]:
        desk = BonusDesk(services)
        campaign = await desk.campaign(number_of("campaign_id", campaign_id))
        return 200, await desk.prepare_call(campaign, wish)

    return await once(request, services, caller, key, await request.json(), work)
