"""Payments that customers make by themselves: models, and the resources of both clients."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from causeway.flows import asked
from causeway.models import Model
from causeway.resource import AsyncResource, Resource
from causeway.signing import Address, address_text, to_text
from causeway.transport import Request, parsed, post


@dataclass(frozen=True)
class Schedule(Model):
    """Payments of a customer: active, done, or cancelled."""

    id: str
    status: str
    customer_id: str
    payee: str
    asset: str
    amount: "int"
    every: str
    count: "int"
    begun: "int"
    first_at: str
    next_at: str | None


@dataclass(frozen=True)
class Occurrence(Model):
    """A payment that has become due: due, paid, skipped or cancelled; `code` is why it failed."""

    id: str
    status: str
    due_at: str
    code: str | None
    payment_id: str | None


def _create_request(
    customer_id: str,
    payee: Address,
    asset: str,
    amount: int,
    first_at: int,
    every: str,
    count: int,
    memo: str | bytes | None,
    key: str | None,
) -> Request:
    wish = asked(payee=payee, asset=asset, amount=amount, memo=memo)
    body: dict[str, Any] = {
        "customer_id": customer_id,
        "payee": address_text(payee),
        "asset": asset,
        "amount": str(amount),
        "first_at": str(first_at),
        "every": every,
        "count": count,
        "memo": to_text(wish.memo),
    }
    return post("/v1/schedules", body, key=key)


class Schedules(Resource):
    """Schedules of the blocking client."""

    def create(
        self,
        *,
        customer_id: str,
        payee: Address,
        asset: str,
        amount: int,
        first_at: int,
        every: str = "once",
        count: int = 1,
        memo: str | bytes | None = None,
        idempotency_key: str | None = None,
    ) -> Schedule:
        """Have a customer pay at `first_at` (seconds), then every "day", "week" or "month"."""
        request = _create_request(
            customer_id, payee, asset, amount, first_at, every, count, memo, idempotency_key
        )
        return self._client.run(parsed(Schedule.parse, request))

    def get(self, schedule_id: str) -> Schedule:
        """Get a schedule. Raises NotFound."""
        return self._client.get(Schedule, f"/v1/schedules/{schedule_id}")

    def list(self, *, customer_id: str | None = None) -> Iterator[Schedule]:
        """Iterate over schedules, the newest first."""
        return self._client.pages(Schedule, "/v1/schedules", {"customer_id": customer_id})

    def occurrences(self, schedule_id: str) -> Iterator[Occurrence]:
        """Iterate over what has become due of a schedule, the newest first."""
        return self._client.pages(Occurrence, f"/v1/schedules/{schedule_id}/occurrences", {})

    def cancel(self, schedule_id: str, *, idempotency_key: str | None = None) -> Schedule:
        """Pay nothing more by a schedule. A repeat changes nothing."""
        request = post(f"/v1/schedules/{schedule_id}/cancel", None, key=idempotency_key)
        return self._client.run(parsed(Schedule.parse, request))


class AsyncSchedules(AsyncResource):
    """Schedules of the asynchronous client."""

    async def create(
        self,
        *,
        customer_id: str,
        payee: Address,
        asset: str,
        amount: int,
        first_at: int,
        every: str = "once",
        count: int = 1,
        memo: str | bytes | None = None,
        idempotency_key: str | None = None,
    ) -> Schedule:
        """Have a customer pay at `first_at` (seconds), then every "day", "week" or "month"."""
        request = _create_request(
            customer_id, payee, asset, amount, first_at, every, count, memo, idempotency_key
        )
        return await self._client.run(parsed(Schedule.parse, request))

    async def get(self, schedule_id: str) -> Schedule:
        """Get a schedule. Raises NotFound."""
        return await self._client.get(Schedule, f"/v1/schedules/{schedule_id}")

    def list(self, *, customer_id: str | None = None) -> AsyncIterator[Schedule]:
        """Iterate over schedules, the newest first."""
        return self._client.pages(Schedule, "/v1/schedules", {"customer_id": customer_id})

    def occurrences(self, schedule_id: str) -> AsyncIterator[Occurrence]:
        """Iterate over what has become due of a schedule, the newest first."""
        return self._client.pages(Occurrence, f"/v1/schedules/{schedule_id}/occurrences", {})

    async def cancel(self, schedule_id: str, *, idempotency_key: str | None = None) -> Schedule:
        """Pay nothing more by a schedule. A repeat changes nothing."""
        request = post(f"/v1/schedules/{schedule_id}/cancel", None, key=idempotency_key)
        return await self._client.run(parsed(Schedule.parse, request))
