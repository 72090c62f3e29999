"""The words of IBonusCampaigns in Python: its enums, and terms with defaults."""

from enum import IntEnum
from typing import NamedTuple

DOLLAR = 10**6  # minor units
UNIT = 100  # token base units in a minor unit
DAY_S = 86_400
TURNOVER = "Turnover(uint256 grantId,uint256 turnoverMinor,uint64 upTo)"


class TurnoverBase(IntEnum):
    DEPOSIT = 0
    BONUS = 1


class State(IntEnum):
    """IBonusCampaigns.GrantState."""

    NONE = 0
    OPEN = 1
    EARNED = 2
    RELEASED = 3
    FORFEITED = 4


class Skip(IntEnum):
    """IBonusCampaigns.SkipReason."""

    NONE = 0
    GRANT_UNKNOWN = 1
    GRANT_CLOSED = 2
    GRANT_EARNED = 3
    EXPIRED = 4
    NOT_EXPIRED = 5
    HOLDING_NOT_OVER = 6
    KYC_LEVEL_TOO_LOW = 7
    TURNOVER_TOO_LOW = 8
    PAYMENT_REFUSED = 9


class Tier(NamedTuple):
    """IBonusCampaigns.Tier."""

    deposit_minor_min: int
    bonus_minor: int = 0
    match_bps: int = 0


class Terms(NamedTuple):
    """IBonusCampaigns.Terms: without changes half of 10 dollars or more, up to 50, after a day."""

    asset_id: int
    start_ts_s: int
    end_ts_s: int
    kyc_level_min: int = 2
    holding_s: int = DAY_S
    expiry_s: int = 10 * DAY_S
    turnover_base: TurnoverBase = TurnoverBase.DEPOSIT
    attestations_needed: int = 0
    turnover_bps: int = 0
    person_minor_max: int = 50 * DOLLAR
    terms_hash: bytes = bytes(31) + b"\1"
    tiers: tuple[Tier, ...] = (Tier(10 * DOLLAR, match_bps=5_000),)
    attestors: tuple[str, ...] = ()

    def encoded(self) -> tuple:
        """Return the fields in the contract's order."""
        return (
            self.asset_id,
            self.kyc_level_min,
            self.start_ts_s,
            self.end_ts_s,
            self.holding_s,
            self.expiry_s,
            self.turnover_base,
            self.attestations_needed,
            self.turnover_bps,
            self.person_minor_max,
            self.terms_hash,
            [tuple(tier) for tier in self.tiers],
            list(self.attestors),
        )
