"""Payment requests, refunds and groups: the resources of both clients."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from causeway.collecting_flows import Leg, refund, sign_group
from causeway.collecting_models import Group, PaymentRequest, Refund
from causeway.models import Payment
from causeway.resource import AsyncResource, Resource
from causeway.signing import Address, Key, address_text, memo_hash, to_text
from causeway.transport import Request, parsed, post


def _request(
    payee: Address,
    asset: str,
    amount: int | None,
    memo: str | bytes | None,
    expires_at: str | None,
    key: str | None,
) -> Request:
    body: dict[str, Any] = {"payee": address_text(payee), "asset": asset}
    if amount is not None:
        body["amount"] = str(amount)
    if memo is not None:
        body["memo"] = to_text(memo_hash(memo))
    if expires_at is not None:
        body["expires_at"] = expires_at
    return post("/v1/payment-requests", body, key=key)


def _group(legs: Sequence[Leg], valid_until: int | None, key: str | None) -> Request:
    body: dict[str, Any] = {"legs": [leg.to_json() for leg in legs]}
    if valid_until is not None:
        body["valid_until"] = str(valid_until)
    return post("/v1/groups", body, key=key)


def _who(address: Address | None) -> str | None:
    return None if address is None else address_text(address)


class PaymentRequests(Resource):
    """What payees ask for."""

    def create(
        self,
        *,
        payee: Address,
        asset: str,
        amount: int | None = None,
        memo: str | bytes | None = None,
        expires_at: str | None = None,
        idempotency_key: str | None = None,
    ) -> PaymentRequest:
        """Ask for `amount` minor units, or any amount; show the answer's `link` to the payer."""
        request = _request(payee, asset, amount, memo, expires_at, idempotency_key)
        return self._client.run(parsed(PaymentRequest.parse, request))

    def get(self, request_id: str) -> PaymentRequest:
        """Get a request. Raises NotFound."""
        return self._client.get(PaymentRequest, f"/v1/payment-requests/{request_id}")

    def list(self, *, payee: Address | None = None) -> Iterator[PaymentRequest]:
        """Iterate over requests, the newest first."""
        query = {"payee": _who(payee)}
        return self._client.pages(PaymentRequest, "/v1/payment-requests", query)


class AsyncPaymentRequests(AsyncResource):
    """What payees ask for."""

    async def create(
        self,
        *,
        payee: Address,
        asset: str,
        amount: int | None = None,
        memo: str | bytes | None = None,
        expires_at: str | None = None,
        idempotency_key: str | None = None,
    ) -> PaymentRequest:
        """Ask for `amount` minor units, or any amount; show the answer's `link` to the payer."""
        request = _request(payee, asset, amount, memo, expires_at, idempotency_key)
        return await self._client.run(parsed(PaymentRequest.parse, request))

    async def get(self, request_id: str) -> PaymentRequest:
        """Get a request. Raises NotFound."""
        return await self._client.get(PaymentRequest, f"/v1/payment-requests/{request_id}")

    def list(self, *, payee: Address | None = None) -> AsyncIterator[PaymentRequest]:
        """Iterate over requests, the newest first."""
        query = {"payee": _who(payee)}
        return self._client.pages(PaymentRequest, "/v1/payment-requests", query)


class RefundCalls(Resource):
    """What payments have for paying back."""

    def refund(
        self,
        payment_id: str,
        amount: int,
        *,
        key: Key,
        fee_max: int | None = None,
        wait_final: bool = False,
        idempotency_key: str | None = None,
    ) -> Payment:
        """Pay `amount` minor units of a payment back, with the payee's key. Repeat it with the same
        idempotency key: it pays back once. Raises OrderMismatch; nothing is signed then.
        """
        trust = self._client.trust
        flow = refund(trust, key, payment_id, amount, fee_max, wait_final, idempotency_key)
        return self._client.run(flow)

    def refunds(self, payment_id: str) -> Iterator[Refund]:
        """Iterate over a payment's refunds by number."""
        return self._client.pages(Refund, f"/v1/payments/{payment_id}/refunds", {})


class AsyncRefundCalls(AsyncResource):
    """What payments have for paying back."""

    async def refund(
        self,
        payment_id: str,
        amount: int,
        *,
        key: Key,
        fee_max: int | None = None,
        wait_final: bool = False,
        idempotency_key: str | None = None,
    ) -> Payment:
        """Pay `amount` minor units of a payment back, with the payee's key. Repeat it with the same
        idempotency key: it pays back once. Raises OrderMismatch; nothing is signed then.
        """
        trust = self._client.trust
        flow = refund(trust, key, payment_id, amount, fee_max, wait_final, idempotency_key)
        return await self._client.run(flow)

    def refunds(self, payment_id: str) -> AsyncIterator[Refund]:
        """Iterate over a payment's refunds by number."""
        return self._client.pages(Refund, f"/v1/payments/{payment_id}/refunds", {})


class Groups(Resource):
    """Payments that are made as one, or not at all."""

    def create(
        self,
        legs: Sequence[Leg],
        *,
        valid_until: int | None = None,
        idempotency_key: str | None = None,
    ) -> Group:
        """Have a group of 2 to 8 payments built; by default all have an hour (at most) to sign."""
        request = _group(legs, valid_until, idempotency_key)
        return self._client.run(parsed(Group.parse, request))

    def sign(
        self,
        key: Key,
        group_id: str,
        *,
        expected: Sequence[Leg],
        valid_until: int | None = None,
        wait_final: bool = False,
    ) -> Group:
        """Sign the key's legs, having compared all legs with those `expected`, in their order.

        The last signature sends the group. A repeat changes nothing. Raises OrderMismatch; nothing
        is signed then.
        """
        trust = self._client.trust
        return self._client.run(sign_group(trust, key, group_id, expected, valid_until, wait_final))

    def rebuild(self, group_id: str, *, idempotency_key: str | None = None) -> Group:
        """Have a group built anew that can't be executed any more; all sign again."""
        request = post(f"/v1/groups/{group_id}/rebuild", None, key=idempotency_key)
        return self._client.run(parsed(Group.parse, request))

    def get(self, group_id: str) -> Group:
        """Get a group. Raises NotFound."""
        return self._client.get(Group, f"/v1/groups/{group_id}")

    def list(self, *, payer: Address | None = None) -> Iterator[Group]:
        """Iterate over groups, the newest first; `payer` signs one of the legs."""
        return self._client.pages(Group, "/v1/groups", {"payer": _who(payer)})


class AsyncGroups(AsyncResource):
    """Payments that are made as one, or not at all."""

    async def create(
        self,
        legs: Sequence[Leg],
        *,
        valid_until: int | None = None,
        idempotency_key: str | None = None,
    ) -> Group:
        """Have a group of 2 to 8 payments built; by default all have an hour (at most) to sign."""
        request = _group(legs, valid_until, idempotency_key)
        return await self._client.run(parsed(Group.parse, request))

    async def sign(
        self,
        key: Key,
        group_id: str,
        *,
        expected: Sequence[Leg],
        valid_until: int | None = None,
        wait_final: bool = False,
    ) -> Group:
        """Sign the key's legs, having compared all legs with those `expected`, in their order.

        The last signature sends the group. A repeat changes nothing. Raises OrderMismatch; nothing
        is signed then.
        """
        trust = self._client.trust
        return await self._client.run(
            sign_group(trust, key, group_id, expected, valid_until, wait_final)
        )

    async def rebuild(self, group_id: str, *, idempotency_key: str | None = None) -> Group:
        """Have a group built anew that can't be executed any more; all sign again."""
        request = post(f"/v1/groups/{group_id}/rebuild", None, key=idempotency_key)
        return await self._client.run(parsed(Group.parse, request))

    async def get(self, group_id: str) -> Group:
        """Get a group. Raises NotFound."""
        return await self._client.get(Group, f"/v1/groups/{group_id}")

    def list(self, *, payer: Address | None = None) -> AsyncIterator[Group]:
        """Iterate over groups, the newest first; `payer` signs one of the legs."""
        return self._client.pages(Group, "/v1/groups", {"payer": _who(payer)})
