"""Shows campaigns and grants: each condition with what it asks for, and what is."""

from typing import Any, Final

from backend.access.texts import time_text
from backend.access.views import Json
from backend.protocol.bonuses import Campaign, Condition, Grant, GrantState, GrantStatus
from backend.protocol.types import address_text, digest_text

_STATES: Final = {
    GrantState.OPEN: "open",
    GrantState.EARNED: "earned",
    GrantState.RELEASED: "released",
    GrantState.FORFEITED: "forfeited",
}


def campaign_status(campaign: Campaign, now_ts_s: int) -> str:
    """Return scheduled, running, over (its window has passed) or ended (by its sponsor)."""
    if campaign.is_ended:
        return "ended"
    if now_ts_s < campaign.terms.start_ts_s:
        return "scheduled"
    return "running" if now_ts_s <= campaign.terms.end_ts_s else "over"


def campaign_view(campaign: Campaign, asset: str, now_ts_s: int) -> Json:
    """Show a campaign; `now_ts_s` is L1 time."""
    terms = campaign.terms
    turnover = None
    if terms.attestations_needed:
        turnover = {
            "base": terms.turnover_base,
            "bps": terms.turnover_bps,
            "attestors": [address_text(each) for each in terms.attestors],
            "attestations_needed": terms.attestations_needed,
        }
    return {
        "object": "campaign",
        "id": str(campaign.campaign_id),
        "sponsor": address_text(campaign.sponsor),
        "asset": asset,
        "status": campaign_status(campaign, now_ts_s),
        "budget": str(campaign.budget_minor),
        "tiers": [
            {
                "deposit_min": str(tier.deposit_minor_min),
                "bonus": str(tier.bonus_minor) if tier.bonus_minor else None,
                "match_bps": tier.match_bps,
            }
            for tier in terms.tiers
        ],
        "person_max": str(terms.person_minor_max),
        "kyc_level": terms.kyc_level_min,
        "starts_at": _time(terms.start_ts_s),
        "ends_at": _time(terms.end_ts_s),
        "holding_s": terms.holding_s,
        "expires_after_s": terms.expiry_s,
        "turnover": turnover,
        "terms_hash": digest_text(terms.terms_hash),
    }


def grant_view(
    grant: Grant, status: GrantStatus, asset: str, turnover_minor: int | None = None
) -> Json:
    """Show a grant. `turnover_minor` is what the ledger says now, attested or not."""
    turnover = _condition(status.turnover, str)
    if turnover_minor is not None:
        turnover["in_ledger"] = str(turnover_minor)
    is_open = status.state in (GrantState.OPEN, GrantState.EARNED)
    return {
        "object": "grant",
        "id": str(grant.grant_id),
        "campaign_id": str(grant.campaign_id),
        "person": address_text(grant.person),
        "asset": asset,
        "deposit": {
            "id": str(grant.deposit_index),
            "amount": str(grant.deposit_minor),
            "at": _time(grant.deposit_ts_s),
        },
        "bonus": str(grant.bonus_minor),
        "granted_at": _time(grant.granted_ts_s),
        "status": _STATES[status.state],
        "obstacle": status.obstacle.name if is_open and status.obstacle else None,
        "conditions": {
            "holding": _condition(status.holding, _time),
            "kyc_level": _condition(status.kyc_level, int),
            "turnover": turnover,
            "expiry": _condition(status.expiry, _time),
        },
    }


def _condition(condition: Condition, shown: Any) -> Json:
    return {
        "needed": shown(condition.needed),
        "actual": shown(condition.actual),
        "is_met": condition.is_met,
    }


def _time(ts_s: int) -> str | None:
    return time_text(ts_s * 1000)
