"""Prizes: many winners under one Merkle root. Both clients' twins.

What is prepared here goes to the chain: compare it with what you asked for before you sign it.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from causeway.bonuses import PreparedCalls
from causeway.models import Model
from causeway.resource import AsyncResource, Resource
from causeway.signing import Address, address_text
from causeway.transport import Flow, parsed, post

Line = Mapping[str, str]
"""A line of a list: payee and amount (minor units), and if need be memo, reference, follows."""


@dataclass(frozen=True)
class Prize(Model):
    """A prize. `total` and `remaining` are minor units; orders cost `fees` besides."""

    id: str
    status: str
    sponsor: str
    asset: str
    payout: str
    total: "int"
    fees: "int"
    remaining: "int"
    entry_count: "int"
    paid_count: "int"
    root: str
    salt: str
    terms_hash: str
    ends_at: str
    purse: str | None
    payout_id: str | None


@dataclass(frozen=True)
class PrizeEntry(Model):
    """What a person gets; anybody may send `claim` for him. `obstacle` is why not now."""

    prize_id: str
    index: "int"
    person: str
    amount: "int"
    fee: "int"
    status: str
    obstacle: str | None
    order_id: str | None
    proof: list[str]
    claim: dict[str, Any] | None


@dataclass(frozen=True)
class PreparedPrize(PreparedCalls):
    """L1 transactions to sign and send, in order: none if the prize is there by now."""

    prize: Prize

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """Read it from the API's answer."""
        return cls(dict(data), list(data["transactions"]), Prize.parse(data["prize"]))


def _prepare(
    sponsor: Address,
    asset: str,
    payout: str,
    ends_at: str,
    csv: str | None,
    lines: Sequence[Line] | None,
    terms_text: str,
    key: str | None,
) -> Flow[PreparedPrize]:
    body: dict[str, Any] = {
        "sponsor": address_text(sponsor),
        "asset": asset,
        "payout": payout,
        "ends_at": ends_at,
        "terms_text": terms_text,
    }
    if csv is not None:
        body["csv"] = csv
    if lines is not None:
        body["lines"] = [dict(line) for line in lines]
    return parsed(PreparedPrize.parse, post("/v1/prizes", body, key=key))


def _prepare_call(prize_id: str, action: str, key: str | None) -> Flow[PreparedCalls]:
    path = f"/v1/prizes/{prize_id}/calls"
    return parsed(PreparedCalls.parse, post(path, {"action": action}, key=key))


def _entries_query(person: Address | None) -> dict[str, Any]:
    return {"person": None if person is None else address_text(person)}


class Prizes(Resource):
    """Prizes of the blocking client."""

    def prepare(
        self,
        *,
        sponsor: Address,
        asset: str,
        payout: str,
        ends_at: str,
        csv: str | None = None,
        lines: Sequence[Line] | None = None,
        terms_text: str = "",
        idempotency_key: str | None = None,
    ) -> PreparedPrize:
        """Prepare a prize of a CSV file's text, or of lines in minor units. `payout` is `wallet`,
        `account` or `orders`; `ends_at` RFC 3339 or seconds. The same list is the same prize.
        """
        words = (sponsor, asset, payout, ends_at, csv, lines, terms_text, idempotency_key)
        return self._client.run(_prepare(*words))

    def get(self, prize_id: str) -> Prize:
        """Get a prize. Raises NotFound."""
        return self._client.get(Prize, f"/v1/prizes/{prize_id}")

    def list(self) -> Iterator[Prize]:
        """Iterate over prizes, the newest first."""
        return self._client.pages(Prize, "/v1/prizes", {})

    def entries(self, prize_id: str, *, person: Address | None = None) -> Iterator[PrizeEntry]:
        """Iterate over who gets what, everybody or one person."""
        path = f"/v1/prizes/{prize_id}/entries"
        return self._client.pages(PrizeEntry, path, _entries_query(person))

    def prepare_call(
        self, prize_id: str, action: str, *, idempotency_key: str | None = None
    ) -> PreparedCalls:
        """Prepare `withdraw_rest` for the sponsor of a prize that is over."""
        return self._client.run(_prepare_call(prize_id, action, idempotency_key))


class AsyncPrizes(AsyncResource):
    """Prizes of the asynchronous client."""

    async def prepare(
        self,
        *,
        sponsor: Address,
        asset: str,
        payout: str,
        ends_at: str,
        csv: str | None = None,
        lines: Sequence[Line] | None = None,
        terms_text: str = "",
        idempotency_key: str | None = None,
    ) -> PreparedPrize:
        """Prepare a prize of a CSV file's text, or of lines in minor units. `payout` is `wallet`,
        `account` or `orders`; `ends_at` RFC 3339 or seconds. The same list is the same prize.
        """
        words = (sponsor, asset, payout, ends_at, csv, lines, terms_text, idempotency_key)
        return await self._client.run(_prepare(*words))

    async def get(self, prize_id: str) -> Prize:
        """Get a prize. Raises NotFound."""
        return await self._client.get(Prize, f"/v1/prizes/{prize_id}")

    def list(self) -> AsyncIterator[Prize]:
        """Iterate over prizes, the newest first."""
        return self._client.pages(Prize, "/v1/prizes", {})

    def entries(self, prize_id: str, *, person: Address | None = None) -> AsyncIterator[PrizeEntry]:
        """Iterate over who gets what, everybody or one person."""
        path = f"/v1/prizes/{prize_id}/entries"
        return self._client.pages(PrizeEntry, path, _entries_query(person))

    async def prepare_call(
        self, prize_id: str, action: str, *, idempotency_key: str | None = None
    ) -> PreparedCalls:
        """Prepare `withdraw_rest` for the sponsor of a prize that is over."""
        return await self._client.run(_prepare_call(prize_id, action, idempotency_key))
