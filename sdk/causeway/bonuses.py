"""Campaigns and grants: bonuses that are paid when their conditions hold. Both clients' twins.

What is prepared here goes to the chain: compare it with what you asked for before you sign it.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from causeway.models import Model
from causeway.resource import AsyncResource, Resource
from causeway.signing import Address, address_text
from causeway.transport import Flow, parsed, post


@dataclass(frozen=True)
class Campaign(Model):
    """A sponsor's campaign; `budget` is neither granted nor withdrawn. Terms are in `raw`."""

    id: str
    sponsor: str
    asset: str
    status: str
    budget: "int"


@dataclass(frozen=True)
class Grant(Model):
    """A bonus of a person. `conditions` says of each what it needs, what is, and if it is met."""

    id: str
    campaign_id: str
    person: str
    asset: str
    bonus: "int"
    status: str
    obstacle: str | None
    conditions: Mapping[str, Any]


@dataclass(frozen=True)
class PreparedCalls(Model):
    """L1 transactions to sign and send, in order."""

    transactions: list[dict[str, Any]]


def _prepare(path: str, body: Mapping[str, Any], key: str | None) -> Flow[PreparedCalls]:
    return parsed(PreparedCalls.parse, post(path, dict(body), key=key))


def _campaign_body(sponsor: Address, budget: int, terms: Mapping[str, Any]) -> dict[str, Any]:
    return {**terms, "sponsor": address_text(sponsor), "budget": str(budget)}


def _deposit_body(owner: Address, amount: int) -> dict[str, Any]:
    return {"owner": address_text(owner), "amount": str(amount)}


def _call_body(action: str, amount: int | None) -> dict[str, Any]:
    return {"action": action} | ({} if amount is None else {"amount": str(amount)})


def _grants_query(campaign_id: str | None, person: Address | None) -> dict[str, Any]:
    return {"campaign_id": campaign_id, "person": None if person is None else address_text(person)}


class Campaigns(Resource):
    """Campaigns of the blocking client."""

    def get(self, campaign_id: str) -> Campaign:
        """Get a campaign. Raises NotFound."""
        return self._client.get(Campaign, f"/v1/campaigns/{campaign_id}")

    def list(self) -> Iterator[Campaign]:
        """Iterate over campaigns, the newest first."""
        return self._client.pages(Campaign, "/v1/campaigns", {})

    def prepare(
        self,
        *,
        sponsor: Address,
        budget: int,
        terms: Mapping[str, Any],
        idempotency_key: str | None = None,
    ) -> PreparedCalls:
        """Prepare a campaign; `terms` are those of the API, `budget` minor units."""
        body = _campaign_body(sponsor, budget, terms)
        return self._client.run(_prepare("/v1/campaigns", body, idempotency_key))

    def prepare_deposit(
        self,
        campaign_id: str,
        *,
        owner: Address,
        amount: int,
        idempotency_key: str | None = None,
    ) -> PreparedCalls:
        """Prepare a deposit of minor units that is granted its bonus at once."""
        path = f"/v1/campaigns/{campaign_id}/deposits"
        return self._client.run(_prepare(path, _deposit_body(owner, amount), idempotency_key))

    def prepare_call(
        self,
        campaign_id: str,
        action: str,
        *,
        amount: int | None = None,
        idempotency_key: str | None = None,
    ) -> PreparedCalls:
        """Prepare `fund` (with an amount), `end` or `withdraw_budget`, for the sponsor."""
        path = f"/v1/campaigns/{campaign_id}/calls"
        return self._client.run(_prepare(path, _call_body(action, amount), idempotency_key))


class Grants(Resource):
    """Grants of the blocking client."""

    def get(self, grant_id: str) -> Grant:
        """Get a grant with its conditions. Raises NotFound."""
        return self._client.get(Grant, f"/v1/grants/{grant_id}")

    def list(
        self, *, campaign_id: str | None = None, person: Address | None = None
    ) -> Iterator[Grant]:
        """Iterate over grants, the newest first."""
        return self._client.pages(Grant, "/v1/grants", _grants_query(campaign_id, person))


class AsyncCampaigns(AsyncResource):
    """Campaigns of the asynchronous client."""

    async def get(self, campaign_id: str) -> Campaign:
        """Get a campaign. Raises NotFound."""
        return await self._client.get(Campaign, f"/v1/campaigns/{campaign_id}")

    def list(self) -> AsyncIterator[Campaign]:
        """Iterate over campaigns, the newest first."""
        return self._client.pages(Campaign, "/v1/campaigns", {})

    async def prepare(
        self,
        *,
        sponsor: Address,
        budget: int,
        terms: Mapping[str, Any],
        idempotency_key: str | None = None,
    ) -> PreparedCalls:
        """Prepare a campaign; `terms` are those of the API, `budget` minor units."""
        body = _campaign_body(sponsor, budget, terms)
        return await self._client.run(_prepare("/v1/campaigns", body, idempotency_key))

    async def prepare_deposit(
        self,
        campaign_id: str,
        *,
        owner: Address,
        amount: int,
        idempotency_key: str | None = None,
    ) -> PreparedCalls:
        """Prepare a deposit of minor units that is granted its bonus at once."""
        path = f"/v1/campaigns/{campaign_id}/deposits"
        return await self._client.run(_prepare(path, _deposit_body(owner, amount), idempotency_key))

    async def prepare_call(
        self,
        campaign_id: str,
        action: str,
        *,
        amount: int | None = None,
        idempotency_key: str | None = None,
    ) -> PreparedCalls:
        """Prepare `fund` (with an amount), `end` or `withdraw_budget`, for the sponsor."""
        path = f"/v1/campaigns/{campaign_id}/calls"
        return await self._client.run(_prepare(path, _call_body(action, amount), idempotency_key))


class AsyncGrants(AsyncResource):
    """Grants of the asynchronous client."""

    async def get(self, grant_id: str) -> Grant:
        """Get a grant with its conditions. Raises NotFound."""
        return await self._client.get(Grant, f"/v1/grants/{grant_id}")

    def list(
        self, *, campaign_id: str | None = None, person: Address | None = None
    ) -> AsyncIterator[Grant]:
        """Iterate over grants, the newest first."""
        return self._client.pages(Grant, "/v1/grants", _grants_query(campaign_id, person))
