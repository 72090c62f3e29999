"""The blocking client. Its twin has the same calls."""

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from causeway import flows
from causeway.approvals import Payouts, Proposals
from causeway.bonuses import Campaigns, Grants
from causeway.collecting import Groups, PaymentRequests
from causeway.customers import Customers
from causeway.errors import ApiConnectionError
from causeway.flows import Trust
from causeway.holds import Holds
from causeway.leaving import Exits
from causeway.models import (
    Asset,
    ModelT,
    Page,
)
from causeway.prizes import Prizes
from causeway.resources import (
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
from causeway.schedules import Schedules
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


class Client:
    """A connection to the platform. Use it in a `with` block, or close it.

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
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.trust = Trust(domain, dict(assets or {}))
        self._retries_max = retries_max
        self._http = httpx.Client(
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
        self.payment_requests = PaymentRequests(self)
        self.groups = Groups(self)
        self.withdrawals = Withdrawals(self)
        self.exits = Exits(self)
        self.deposits = Deposits(self)
        self.applicants = Applicants(self)
        self.batches = Batches(self)
        self.api_keys = ApiKeys(self)
        self.events = Events(self)
        self.campaigns = Campaigns(self)
        self.grants = Grants(self)
        self.prizes = Prizes(self)
        self.proposals = Proposals(self)
        self.payouts = Payouts(self)
        self.customers = Customers(self)
        self.holds = Holds(self)
        self.schedules = Schedules(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def run(self, flow: Flow[ResultT]) -> ResultT:
        """Carry a flow's requests out, one after the other. Raises CausewayError."""
        try:
            request = next(flow)
            while True:
                request = flow.send(self.send(request))
        except StopIteration as stop:
            result: ResultT = stop.value
            return result

    def send(self, request: Request) -> Any:
        """Send a request, again if need be: the same key and body each time."""
        attempt = 0
        while True:
            response = None
            try:
                response = self._http.request(**arguments(request))
                if attempt >= self._retries_max or not should_retry(response):
                    return answer(response)
            except httpx.TransportError as error:
                if attempt >= self._retries_max:
                    raise ApiConnectionError(str(error)) from error
            time.sleep(retry_delay_s(attempt, response))
            attempt += 1

    def pages(self, parse: type[ModelT], path: str, query: Mapping[str, Any]) -> Iterator[ModelT]:
        """Yield all objects of a list, page after page."""
        cursor: str | None = None
        while True:
            request = Request("GET", path, {**query, "limit": 100, "after": cursor})
            page: Page[ModelT] = self.run(flows.page(parse.parse, request))
            yield from page.data
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def get(self, parse: type[ModelT], path: str, **query: Any) -> ModelT:
        """Get one object."""
        return self.run(parsed(parse.parse, Request("GET", path, query)))
