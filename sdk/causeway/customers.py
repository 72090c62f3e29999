"""Customers whose keys the platform keeps: models, and the resources of both clients."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from causeway.flows import asked
from causeway.models import Model, Payment, Withdrawal
from causeway.resource import AsyncResource, Resource
from causeway.signing import Address, address_text, to_text
from causeway.transport import Flow, Request, parsed, post


@dataclass(frozen=True)
class Customer(Model):
    """A customer whose key the platform keeps; `external_id` is your name for him."""

    id: str
    external_id: str
    address: str
    created_at: str


@dataclass(frozen=True)
class KeyUse(Model):
    """Once that a customer's or a hold's key signed: what, and for which API key or schedule."""

    id: str
    key_id: str
    purpose: str
    digest: str
    actor: str
    created_at: str


def _send_flow(
    parse: Any, path: str, body: dict[str, Any], key: str | None, wait_final: bool
) -> Flow[Any]:
    request = post(path, body, key=key)
    headers = dict(request.headers) | ({"Prefer": "wait=final"} if wait_final else {})
    return parsed(parse, Request("POST", path, body=body, headers=headers))


def _payment(
    customer_id: str, payee: Address, asset: str, amount: int, memo: str | bytes | None
) -> tuple[str, dict[str, Any]]:
    wish = asked(payee=payee, asset=asset, amount=amount, memo=memo)
    body = {"payee": address_text(payee), "asset": asset, "amount": str(wish.amount)}
    body |= {} if memo is None else {"memo": to_text(wish.memo)}
    return f"/v1/customers/{customer_id}/payments", body


class Customers(Resource):
    """Customers of the blocking client."""

    def create(self, external_id: str, *, idempotency_key: str | None = None) -> Customer:
        """Make a customer, or get the one of this name."""
        request = post("/v1/customers", {"external_id": external_id}, key=idempotency_key)
        return self._client.run(parsed(Customer.parse, request))

    def get(self, customer_id: str) -> Customer:
        """Get a customer. Raises NotFound."""
        return self._client.get(Customer, f"/v1/customers/{customer_id}")

    def list(self) -> Iterator[Customer]:
        """Iterate over customers, the newest first."""
        return self._client.pages(Customer, "/v1/customers", {})

    def key_uses(self, customer_id: str) -> Iterator[KeyUse]:
        """Iterate over the uses of a customer's key, the newest first."""
        return self._client.pages(KeyUse, f"/v1/customers/{customer_id}/key-uses", {})

    def pay(
        self,
        customer_id: str,
        *,
        payee: Address,
        asset: str,
        amount: int,
        memo: str | bytes | None = None,
        wait_final: bool = False,
        idempotency_key: str | None = None,
    ) -> Payment:
        """Have the platform sign and send a payment. A repeat under the key pays once."""
        path, body = _payment(customer_id, payee, asset, amount, memo)
        payment: Payment = self._client.run(
            _send_flow(Payment.parse, path, body, idempotency_key, wait_final)
        )
        return payment

    def withdraw(
        self,
        customer_id: str,
        *,
        asset: str,
        amount: int,
        wait_final: bool = False,
        idempotency_key: str | None = None,
    ) -> Withdrawal:
        """Have the platform sign and send a withdrawal. A repeat under the key withdraws once."""
        path = f"/v1/customers/{customer_id}/withdrawals"
        body = {"asset": asset, "amount": str(amount)}
        withdrawal: Withdrawal = self._client.run(
            _send_flow(Withdrawal.parse, path, body, idempotency_key, wait_final)
        )
        return withdrawal


class AsyncCustomers(AsyncResource):
    """Customers of the asynchronous client."""

    async def create(self, external_id: str, *, idempotency_key: str | None = None) -> Customer:
        """Make a customer, or get the one of this name."""
        request = post("/v1/customers", {"external_id": external_id}, key=idempotency_key)
        return await self._client.run(parsed(Customer.parse, request))

    async def get(self, customer_id: str) -> Customer:
        """Get a customer. Raises NotFound."""
        return await self._client.get(Customer, f"/v1/customers/{customer_id}")

    def list(self) -> AsyncIterator[Customer]:
        """Iterate over customers, the newest first."""
        return self._client.pages(Customer, "/v1/customers", {})

    def key_uses(self, customer_id: str) -> AsyncIterator[KeyUse]:
        """Iterate over the uses of a customer's key, the newest first."""
        return self._client.pages(KeyUse, f"/v1/customers/{customer_id}/key-uses", {})

    async def pay(
        self,
        customer_id: str,
        *,
        payee: Address,
        asset: str,
        amount: int,
        memo: str | bytes | None = None,
        wait_final: bool = False,
        idempotency_key: str | None = None,
    ) -> Payment:
        """Have the platform sign and send a payment. A repeat under the key pays once."""
        path, body = _payment(customer_id, payee, asset, amount, memo)
        payment: Payment = await self._client.run(
            _send_flow(Payment.parse, path, body, idempotency_key, wait_final)
        )
        return payment

    async def withdraw(
        self,
        customer_id: str,
        *,
        asset: str,
        amount: int,
        wait_final: bool = False,
        idempotency_key: str | None = None,
    ) -> Withdrawal:
        """Have the platform sign and send a withdrawal. A repeat under the key withdraws once."""
        path = f"/v1/customers/{customer_id}/withdrawals"
        body = {"asset": asset, "amount": str(amount)}
        withdrawal: Withdrawal = await self._client.run(
            _send_flow(Withdrawal.parse, path, body, idempotency_key, wait_final)
        )
        return withdrawal
