"""What bonuses need of other planes."""

from typing import Protocol

from backend.protocol.bonuses import Campaign, Grant, GrantStatus, Terms
from backend.protocol.types import Address


class BonusBook(Protocol):
    """The chain's campaigns and grants. Each call raises ChainUnavailable if it doesn't answer."""

    @property
    def address(self) -> Address:
        """The contract."""

    async def campaign_count(self) -> int:
        """Return the last campaign's id."""

    async def grant_count(self) -> int:
        """Return the last grant's id."""

    async def campaign(self, campaign_id: int) -> Campaign | None:
        """Return a campaign."""

    async def grant_of(self, grant_id: int) -> Grant | None:
        """Return a grant."""

    async def grant_id_of(self, campaign_id: int, person: Address) -> int:
        """Return the id of a person's grant of a campaign; 0 if he has none."""

    async def status_of(self, grant_id: int) -> GrantStatus:
        """Return what a grant lacks now."""

    async def refusal_of_terms(self, terms: Terms) -> str | None:
        """Return why no campaign could have these terms; None if one could."""

    async def bonus_for(self, campaign_id: int, deposit_minor: int) -> int | str:
        """Return what a deposit would earn, or why it earns nothing."""

    async def allowance(self, token: Address, owner: Address) -> int:
        """Return how many base units the contract may take from `owner`."""


class TurnoverBook(Protocol):
    """What people paid to others, by the ledger. Calls block: ask from a thread."""

    def since_deposit(self, person: bytes, asset_id: int, deposit_index: int) -> int:
        """Return the turnover in minor units since a deposit."""
