"""The resources of the asynchronous client: one class each, no state of their own."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import httpx

from causeway import flows
from causeway.collecting import AsyncRefundCalls
from causeway.depositing import AsyncAuthorizedDeposits, deposit_request
from causeway.flows import asked
from causeway.leaving import AsyncAdvances
from causeway.models import (
    Account,
    ApiKey,
    Applicant,
    Asset,
    Batch,
    BulkLine,
    Claim,
    Deposit,
    Event,
    FeeQuote,
    Payment,
    Posting,
    PreparedDeposit,
    StatementEntry,
    Withdrawal,
)
from causeway.resource import AsyncResource
from causeway.signing import Address, Key, SignedOrder, address_text
from causeway.transport import (
    EventParser,
    Request,
    answer,
    parsed,
    post,
    retry_delay_s,
)


class Assets(AsyncResource):
    """What the ledger holds."""

    async def get(self, asset: str) -> Asset:
        """Get an asset by code, number or token."""
        return await self._client.get(Asset, f"/v1/assets/{asset}")

    def list(self) -> AsyncIterator[Asset]:
        """Iterate over all assets."""
        return self._client.pages(Asset, "/v1/assets", {})


class Fees(AsyncResource):
    """What orders cost."""

    async def quote(self, asset: str, amount: int) -> FeeQuote:
        """Quote the least fee of an order of `amount` minor units."""
        return await self._client.get(FeeQuote, "/v1/fees/quote", asset=asset, amount=str(amount))


class Accounts(AsyncResource):
    """Owners' money."""

    async def get(self, owner: Address, asset: str) -> Account:
        """Get an account. Raises NotFound."""
        return await self._client.get(Account, f"/v1/accounts/{address_text(owner)}/{asset}")

    def list(
        self, owner: Address | None = None, asset: str | None = None
    ) -> AsyncIterator[Account]:
        """Iterate over accounts."""
        query = {"owner": None if owner is None else address_text(owner), "asset": asset}
        return self._client.pages(Account, "/v1/accounts", query)

    def statement(self, owner: Address, asset: str) -> AsyncIterator[StatementEntry]:
        """Iterate over the movements on an account, the newest first."""
        path = f"/v1/accounts/{address_text(owner)}/{asset}/statement"
        return self._client.pages(StatementEntry, path, {})


class Orders(AsyncResource):
    """What payers sign."""

    async def sign(
        self,
        key: Key,
        *,
        payee: Address | None,
        asset: str,
        amount: int,
        fee: int | None = None,
        fee_max: int | None = None,
        memo: str | bytes | None = None,
        valid_until: int | None = None,
        idempotency_key: str | None = None,
    ) -> SignedOrder:
        """Have an order built, check that it says what is asked for here, and sign it here.

        Amounts are minor units; without a payee it is a withdrawal. A fee that was not named may
        be `fee_max` at most, by default 1 % of the amount. Raises OrderMismatch; nothing is signed
        then.
        """
        wish = asked(
            payee=payee,
            asset=asset,
            amount=amount,
            fee=fee,
            fee_max=fee_max,
            memo=memo,
            valid_until=valid_until,
        )
        return await self._client.run(
            flows.sign_order(self._client.trust, key, wish, idempotency_key)
        )


class Payments(AsyncRefundCalls):
    """Payments."""

    async def create(
        self,
        signed: SignedOrder | None = None,
        *,
        key: Key | None = None,
        payee: Address | None = None,
        asset: str = "",
        amount: int = 0,
        fee: int | None = None,
        fee_max: int | None = None,
        memo: str | bytes | None = None,
        valid_until: int | None = None,
        wait_final: bool = False,
    ) -> Payment:
        """Send a signed order, or sign one with `key` and send it. A repeat pays once."""
        wish = None
        if signed is None:
            if payee is None:
                raise TypeError("a payment has a payee")
            wish = asked(
                payee=payee,
                asset=asset,
                amount=amount,
                fee=fee,
                fee_max=fee_max,
                memo=memo,
                valid_until=valid_until,
            )
        trust = self._client.trust
        return await self._client.run(
            flows.create(Payment.parse, trust, signed, key, wish, wait_final)
        )

    async def create_many(self, orders: Iterable[SignedOrder]) -> list[BulkLine]:
        """Send up to 10,000 signed orders at once; see what became of each."""
        return await self._client.run(flows.bulk(orders))

    async def get(self, payment_id: str) -> Payment:
        """Get a payment. Raises NotFound."""
        return await self._client.get(Payment, f"/v1/payments/{payment_id}")

    def list(
        self,
        *,
        payer: Address | None = None,
        payee: Address | None = None,
        party: Address | None = None,
        asset: str | None = None,
        status: str | None = None,
    ) -> AsyncIterator[Payment]:
        """Iterate over executed payments, the newest first."""
        people = {"payer": payer, "payee": payee, "party": party}
        query: dict[str, Any] = {name: address_text(who) for name, who in people.items() if who}
        return self._client.pages(
            Payment, "/v1/payments", query | {"asset": asset, "status": status}
        )


class Withdrawals(AsyncAdvances):
    """Money on its way back to the chain."""

    async def create(
        self,
        signed: SignedOrder | None = None,
        *,
        key: Key | None = None,
        asset: str = "",
        amount: int = 0,
        fee: int | None = None,
        fee_max: int | None = None,
        valid_until: int | None = None,
        wait_final: bool = False,
    ) -> Withdrawal:
        """Send a signed order, or sign one with `key` and send it. A repeat withdraws once."""
        wish = None
        if signed is None:
            wish = asked(
                payee=None,
                asset=asset,
                amount=amount,
                fee=fee,
                fee_max=fee_max,
                valid_until=valid_until,
            )
        trust = self._client.trust
        return await self._client.run(
            flows.create(Withdrawal.parse, trust, signed, key, wish, wait_final)
        )

    async def get(self, withdrawal_id: str) -> Withdrawal:
        """Get a withdrawal. Raises NotFound."""
        return await self._client.get(Withdrawal, f"/v1/withdrawals/{withdrawal_id}")

    async def claim(self, withdrawal_id: str) -> Claim:
        """Get the transaction that pays a settled withdrawal. Raises NotFound before that."""
        return await self._client.get(Claim, f"/v1/withdrawals/{withdrawal_id}/claim")

    def list(
        self, *, payer: Address | None = None, asset: str | None = None, status: str | None = None
    ) -> AsyncIterator[Withdrawal]:
        """Iterate over executed withdrawals, the newest first."""
        query = {"payer": payer and address_text(payer), "asset": asset, "status": status}
        return self._client.pages(Withdrawal, "/v1/withdrawals", query)


class Deposits(AsyncAuthorizedDeposits):
    """Money on its way into the ledger."""

    async def prepare(
        self,
        *,
        owner: Address,
        asset: str,
        amount: int,
        depositor: Address | None = None,
        permit: Mapping[str, str] | None = None,
        authorization: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> PreparedDeposit:
        """Get the transactions that deposit, to be signed by a wallet. Raises PermissionDenied."""
        signed = (permit, authorization)
        request = deposit_request(owner, asset, amount, depositor, *signed, idempotency_key)
        return await self._client.run(parsed(PreparedDeposit.parse, request))

    async def get(self, deposit_id: str) -> Deposit:
        """Get a deposit. Raises NotFound."""
        return await self._client.get(Deposit, f"/v1/deposits/{deposit_id}")

    def list(
        self, *, owner: Address | None = None, asset: str | None = None
    ) -> AsyncIterator[Deposit]:
        """Iterate over deposits, the newest first."""
        query = {"owner": owner and address_text(owner), "asset": asset}
        return self._client.pages(Deposit, "/v1/deposits", query)


class Applicants(AsyncResource):
    """Customers' checks."""

    async def create(
        self,
        *,
        external_id: str,
        person: Address,
        details: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Applicant:
        """Begin a customer's check; `details` go to the provider."""
        body = {
            "external_id": external_id,
            "person": address_text(person),
            "details": dict(details or {}),
        }
        request = post("/v1/kyc/applicants", body, key=idempotency_key)
        return await self._client.run(parsed(Applicant.parse, request))

    async def get(self, applicant_id: str) -> Applicant:
        """Get an applicant. Raises NotFound."""
        return await self._client.get(Applicant, f"/v1/kyc/applicants/{applicant_id}")

    async def revoke(self, applicant_id: str, *, idempotency_key: str | None = None) -> Applicant:
        """Revoke an approval."""
        path = f"/v1/kyc/applicants/{applicant_id}/revoke"
        return await self._client.run(
            parsed(Applicant.parse, post(path, None, key=idempotency_key))
        )

    def list(self) -> AsyncIterator[Applicant]:
        """Iterate over applicants, in no order of time."""
        return self._client.pages(Applicant, "/v1/kyc/applicants", {})


class Batches(AsyncResource):
    """What the chain holds of the ledger."""

    async def get(self, number: int) -> Batch:
        """Get a batch. Raises NotFound."""
        return await self._client.get(Batch, f"/v1/batches/{number}")

    def list(self, *, status: str | None = None) -> AsyncIterator[Batch]:
        """Iterate over batches, the newest first."""
        return self._client.pages(Batch, "/v1/batches", {"status": status})

    async def post(
        self, carrier: str | None = None, *, idempotency_key: str | None = None
    ) -> Posting:
        """Have all that is final posted now, by "blobs", "calldata" or the cheaper one."""
        request = post("/v1/batches", {"carrier": carrier}, key=idempotency_key)
        return await self._client.run(parsed(Posting.parse, request))


class ApiKeys(AsyncResource):
    """Who may ask."""

    async def create(
        self, name: str, scopes: Sequence[str] = ("*",), *, idempotency_key: str | None = None
    ) -> ApiKey:
        """Make a key; a repeat with the same idempotency key shows no secret."""
        body = {"name": name, "scopes": [*scopes]}
        request = post("/v1/api-keys", body, key=idempotency_key)
        return await self._client.run(parsed(ApiKey.parse, request))

    def list(self) -> AsyncIterator[ApiKey]:
        """Iterate over all keys, revoked ones too."""
        return self._client.pages(ApiKey, "/v1/api-keys", {})

    async def revoke(self, key_id: str) -> ApiKey:
        """Revoke a key for ever. A repeat changes nothing."""
        request = Request("DELETE", f"/v1/api-keys/{key_id}")
        return await self._client.run(parsed(ApiKey.parse, request))


class Events(AsyncResource):
    """What happens, as it happens."""

    async def follow(
        self,
        *,
        after: str | None = None,
        types: Iterable[str] = (),
        party: Address | None = None,
    ) -> AsyncIterator[Event]:
        """Yield events for ever, those after the id `after` first ("0.0": all).

        A connection that breaks is taken up again where it was.
        """
        query: dict[str, Any] = {}
        if wanted := ",".join(types):
            query["types"] = wanted
        if party is not None:
            query["party"] = address_text(party)
        attempt = 0
        while True:
            headers = {"Accept": "text/event-stream"}
            if after is not None:
                headers["Last-Event-ID"] = after
            parser = EventParser()
            try:
                async with self._client._http.stream(
                    "GET", "/v1/events", params=query, headers=headers, timeout=60
                ) as response:
                    if response.status_code >= 400:
                        await response.aread()
                        answer(response)
                    async for line in response.aiter_lines():
                        if line.startswith("id: "):
                            after, attempt = line[4:], 0
                        data = parser.feed(line)
                        if data is not None:
                            yield Event.parse(json.loads(data))
            except httpx.TransportError:
                pass
            await asyncio.sleep(retry_delay_s(attempt, None))
            attempt = min(attempt + 1, 10)
