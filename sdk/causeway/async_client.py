"""The asynchronous client. Its twin has the same calls."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from causeway import flows
from causeway.approvals import AsyncPayouts, AsyncProposals
from causeway.async_resources import (
    Accounts,
    ApiKeys,
    Applicants,
    Assets,
    Batches,
    Deposits,
    Events,
    Fees,
    Orders,
    Payments,
    Withdrawals,
)
from causeway.bonuses import AsyncCampaigns, AsyncGrants
from causeway.collecting import AsyncGroups, AsyncPaymentRequests
from causeway.customers import AsyncCustomers
from causeway.errors import ApiConnectionError
from causeway.flows import Trust
from causeway.holds import AsyncHolds
from causeway.leaving import AsyncExits
from causeway.models import (
    Asset,
    ModelT,
    Page,
)
from causeway.prizes import AsyncPrizes
from causeway.schedules import AsyncSchedules
from causeway.signing import Domain
from causeway.transport import (
    Flow,
    Request,
    ResultT,
    answer,
    arguments,
    default_headers,
    parsed,
    retry_delay_s,
    should_retry,
)


class AsyncClient:
    """A connection to the platform. Use it in a `async with` block, or close it.

    Sign only in a domain you know: pass `domain`, and `assets` if you know the tokens too; without
    them the client trusts what it sees first and refuses any change later.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        domain: Domain | None = None,
        assets: Mapping[str, Asset] | None = None,
        timeout_s: float = 30,
        retries_max: int = 2,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.trust = Trust(domain, dict(assets or {}))
        self._retries_max = retries_max
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers=default_headers(api_key),
            timeout=timeout_s,
            transport=transport,
        )
        self.assets = Assets(self)
        self.fees = Fees(self)
        self.accounts = Accounts(self)
        self.orders = Orders(self)
        self.payments = Payments(self)
        self.payment_requests = AsyncPaymentRequests(self)
        self.groups = AsyncGroups(self)
        self.withdrawals = Withdrawals(self)
        self.exits = AsyncExits(self)
        self.deposits = Deposits(self)
        self.applicants = Applicants(self)
        self.batches = Batches(self)
        self.api_keys = ApiKeys(self)
        self.events = Events(self)
        self.proposals = AsyncProposals(self)
        self.payouts = AsyncPayouts(self)
        self.customers = AsyncCustomers(self)
        self.holds = AsyncHolds(self)
        self.schedules = AsyncSchedules(self)
        self.campaigns = AsyncCampaigns(self)
        self.grants = AsyncGrants(self)
        self.prizes = AsyncPrizes(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def run(self, flow: Flow[ResultT]) -> ResultT:
        """Carry a flow's requests out, one after the other. Raises CausewayError."""
        try:
            request = next(flow)
            while True:
                request = flow.send(await self.send(request))
        except StopIteration as stop:
            result: ResultT = stop.value
            return result

    async def send(self, request: Request) -> Any:
        """Send a request, again if need be: the same key and body each time."""
        attempt = 0
        while True:
            response = None
            try:
                response = await self._http.request(**arguments(request))
                if attempt >= self._retries_max or not should_retry(response):
                    return answer(response)
            except httpx.TransportError as error:
                if attempt >= self._retries_max:
                    raise ApiConnectionError(str(error)) from error
            await asyncio.sleep(retry_delay_s(attempt, response))
            attempt += 1

    async def pages(
        self, parse: type[ModelT], path: str, query: Mapping[str, Any]
    ) -> AsyncIterator[ModelT]:
        """Yield all objects of a list, page after page."""
        cursor: str | None = None
        while True:
            request = Request("GET", path, {**query, "limit": 100, "after": cursor})
            page: Page[ModelT] = await self.run(flows.page(parse.parse, request))
            for item in page.data:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def get(self, parse: type[ModelT], path: str, **query: Any) -> ModelT:
        """Get one object."""
        return await self.run(parsed(parse.parse, Request("GET", path, query)))
