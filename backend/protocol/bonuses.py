"""Bonus campaigns, their grants, and what attestors sign: as in IBonusCampaigns.sol.

Amounts are minor units of the campaign's asset; times are seconds of L1.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from backend.protocol.eip712 import Domain, type_hash
from backend.protocol.hashing import Digest, keccak
from backend.protocol.types import Address

TURNOVER_FIELDS: Final = (
    ("uint256", "grantId"),
    ("uint256", "turnoverMinor"),
    ("uint64", "upTo"),
)
_TYPE_HASH: Final = type_hash("Turnover", TURNOVER_FIELDS)


TURNOVER_BASES: Final = ("deposit", "bonus")


class GrantState(IntEnum):
    """As in IBonusCampaigns."""

    NONE = 0
    OPEN = 1
    EARNED = 2
    RELEASED = 3
    FORFEITED = 4


class SkipReason(IntEnum):
    """Why `release` passes a grant over: as in IBonusCampaigns."""

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


@dataclass(frozen=True, slots=True)
class Tier:
    """What a deposit of `deposit_minor_min` or more earns; one of the last two is 0."""

    deposit_minor_min: int
    bonus_minor: int
    match_bps: int


@dataclass(frozen=True, slots=True)
class Terms:
    """A campaign's terms, which never change. Times are seconds of L1."""

    asset_id: int
    kyc_level_min: int
    start_ts_s: int
    end_ts_s: int
    holding_s: int
    expiry_s: int
    turnover_base: str  # one of TURNOVER_BASES
    attestations_needed: int
    turnover_bps: int
    person_minor_max: int
    terms_hash: bytes
    tiers: tuple[Tier, ...]
    attestors: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign; `budget_minor` is neither granted nor withdrawn."""

    campaign_id: int
    sponsor: Address
    is_ended: bool
    budget_minor: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant; `turnover_minor` is what attestors signed last."""

    grant_id: int
    campaign_id: int
    person: Address
    deposit_minor: int
    bonus_minor: int
    state: GrantState
    deposit_index: int
    deposit_ts_s: int
    granted_ts_s: int
    turnover_minor: int
    turnover_up_to_ts_s: int


@dataclass(frozen=True, slots=True)
class Condition:
    """What is asked for, what is, and whether that is enough."""

    needed: int
    actual: int
    is_met: bool


@dataclass(frozen=True, slots=True)
class GrantStatus:
    """A grant's conditions now; `obstacle` is why it would be passed over."""

    state: GrantState
    obstacle: SkipReason
    holding: Condition
    kyc_level: Condition
    turnover: Condition
    expiry: Condition


def terms_arguments(terms: Terms) -> tuple[Any, ...]:
    """Return the struct `Terms` for calldata."""
    return (
        terms.asset_id,
        terms.kyc_level_min,
        terms.start_ts_s,
        terms.end_ts_s,
        terms.holding_s,
        terms.expiry_s,
        TURNOVER_BASES.index(terms.turnover_base),
        terms.attestations_needed,
        terms.turnover_bps,
        terms.person_minor_max,
        terms.terms_hash,
        [(tier.deposit_minor_min, tier.bonus_minor, tier.match_bps) for tier in terms.tiers],
        list(terms.attestors),
    )


def bonus_domain(chain_id: int, campaigns: Address) -> Domain:
    """Return the domain of attestations about turnover."""
    return Domain("Causeway Bonus", chain_id, campaigns)


@dataclass(frozen=True, slots=True)
class Turnover:
    """A person has paid so many minor units to others since the deposit of his grant.

    `up_to` is the L1 time, in seconds, up to which the ledger was read.
    """

    grant_id: int
    turnover_minor: int
    up_to: int

    def digest(self, domain: Domain) -> Digest:
        """Return what an attestor signs."""
        numbers = (self.grant_id, self.turnover_minor, self.up_to)
        words = b"".join(number.to_bytes(32) for number in numbers)
        return domain.digest(keccak(_TYPE_HASH + words))

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        """Return the JSON that a wallet signs (eth_signTypedData_v4)."""
        numbers = (self.grant_id, self.turnover_minor, self.up_to)
        names = (name for _, name in TURNOVER_FIELDS)
        message = dict(zip(names, map(str, numbers), strict=True))
        return domain.typed_data("Turnover", TURNOVER_FIELDS, message)
