"""What sponsors and people send about campaigns. Amounts are minor units, durations seconds."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from backend.access.schemas import AssetName, Body, MomentText
from backend.access.texts import AddressIn, Amount, DigestIn
from backend.protocol.hashing import ZERO_DIGEST

Seconds = Annotated[int, Field(ge=0, lt=2**32)]


class TierIn(Body):
    """What a deposit of `deposit_min` or more earns: a fixed `bonus`, or `match_bps` of it."""

    deposit_min: Amount
    bonus: Amount | None = None
    match_bps: Annotated[int, Field(ge=0, lt=2**32)] = 0


class TurnoverIn(Body):
    """How much has to be paid to others: basis points of the deposit, or of the bonus."""

    base: Literal["deposit", "bonus"] = "deposit"
    bps: Annotated[int, Field(gt=0, lt=2**32)]
    attestors: Annotated[list[AddressIn], Field(min_length=1, max_length=32)]
    attestations_needed: Annotated[int, Field(ge=1, le=32)]


class CampaignIn(Body):
    """A campaign to be created by `sponsor`. `terms_text` is hashed, and not kept."""

    sponsor: AddressIn
    asset: AssetName
    budget: Amount
    tiers: Annotated[list[TierIn], Field(min_length=1, max_length=16)]
    person_max: Amount
    kyc_level: Annotated[int, Field(ge=0, le=255)] = 1
    starts_at: MomentText
    ends_at: MomentText
    holding_s: Seconds = 0
    expires_after_s: Annotated[int, Field(gt=0, lt=2**32)]
    turnover: TurnoverIn | None = None
    terms_hash: DigestIn = ZERO_DIGEST
    terms_text: Annotated[str, StringConstraints(max_length=10_000)] | None = None


class CampaignDepositIn(Body):
    """A deposit that earns a bonus at once."""

    owner: AddressIn
    amount: Amount


class CampaignCallIn(Body):
    """What a sponsor does to his campaign; `amount` is for `fund` alone."""

    action: Literal["fund", "end", "withdraw_budget"]
    amount: Amount | None = None
