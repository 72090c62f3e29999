"""Exits and instant exits: models, and the resources of both clients.

Law: an advance is made and signed here, over the fee that was asked for. Nothing is sent to the
chain: prepared transactions are for a wallet.
"""

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from eth_utils.crypto import keccak

from causeway.errors import OrderMismatch
from causeway.flows import ORDER_LIFE_S_MAX, Trust, asset_of, same
from causeway.models import Asset, Model, Withdrawal
from causeway.resource import AsyncResource, Resource
from causeway.signing import Address, Domain, Key, address_text, to_bytes, to_text
from causeway.transport import Flow, Request, parsed, post

_ADVANCE_TYPE: Final = (
    b"Advance(address owner,uint64 nonce,address asset,uint256 amount,uint256 fee,"
    b"uint64 validUntil)"
)


@dataclass(frozen=True)
class Exit(Model):
    """All money of an account on its way out: requested, swept, served.

    `withdrawals` are the ids of its sweeps. `may_freeze_at` is told of a single exit that waits.
    """

    id: str
    status: str
    account_id: "int"
    owner: str
    asset: str | None
    withdrawals: list[str]
    served_in: str | None
    may_freeze_at: str | None = None


@dataclass(frozen=True)
class PreparedExit(Model):
    """The transaction by which an owner asks for an exit; only he can send it."""

    owner: str
    asset: str
    account_id: "int"
    batch: "int"
    bounty_wei: "int"
    transaction: dict[str, Any]


@dataclass(frozen=True)
class PreparedAdvance(Model):
    """What an owner signs to be `paid` at once; then what the provider sends, in order."""

    withdrawal_id: str
    fee: "int"
    paid: "int"
    typed_data: dict[str, Any]
    transactions: list[dict[str, Any]]


@dataclass(frozen=True)
class ExitKit(Model):
    """All that an owner sends to the chain to leave: `calls`, each with to, data, value."""

    owner: str
    rollup: str
    batch: "int"
    tip: "int"
    settled: "int"
    frozen_ts_s: int | None
    accounts: list[dict[str, Any]]
    calls: list[dict[str, Any]]


def exit_request(owner: Address, asset: str, key: str | None) -> Request:
    """Return the request that prepares an exit."""
    return post("/v1/exits", {"owner": address_text(owner), "asset": asset}, key=key)


def advance_request(
    withdrawal_id: str, fee: int, signed: Mapping[str, str] | None, key: str | None
) -> Request:
    """Return the request that prepares an advance, for a fee in minor units."""
    body: dict[str, Any] = {"fee": str(fee)}
    if signed is not None:
        body["signed"] = dict(signed)
    return post(f"/v1/withdrawals/{withdrawal_id}/advance", body, key=key)


def advance(
    trust: Trust,
    withdrawal_id: str,
    key: Key,
    provider: Address,
    fee: int,
    idempotency_key: str | None,
) -> Flow[PreparedAdvance]:
    """Return the flow that signs an advance and gets what the provider sends."""
    found = Withdrawal.parse((yield Request("GET", f"/v1/withdrawals/{withdrawal_id}")))
    asset = yield from asset_of(trust, found.asset or "")
    keys = (
        (None, None)
        if idempotency_key is None
        else (f"{idempotency_key}/1", f"{idempotency_key}/2")
    )
    offer = PreparedAdvance.parse((yield advance_request(withdrawal_id, fee, None, keys[0])))
    signed = sign_advance(trust, key, asset, found, fee, offer.typed_data)
    body = {**signed, "provider": address_text(provider)}
    return PreparedAdvance.parse((yield advance_request(withdrawal_id, fee, body, keys[1])))


def sign_advance(
    trust: Trust,
    key: Key,
    asset: Asset,
    withdrawal: Withdrawal,
    fee: int,
    typed_data: Mapping[str, Any],
) -> dict[str, str]:
    """Return time and signature of an advance of the key's withdrawal, for a fee in minor units.

    `typed_data` is the platform's. Raises OrderMismatch if its domain is another than the trusted
    one or it lives for longer than a day; nothing is signed then.
    """
    same("owner", to_text(key.address), withdrawal.payer)
    domain = trust.accept_domain(Domain.from_json(typed_data["domain"]))
    valid_until = int(typed_data["message"]["validUntil"])
    if valid_until > time.time() + ORDER_LIFE_S_MAX:
        raise OrderMismatch("validUntil", "within a day", valid_until)
    numbers = (withdrawal.amount * asset.unit, fee * asset.unit, valid_until)
    struct_hash = keccak(
        keccak(_ADVANCE_TYPE)
        + key.address.rjust(32, b"\0")
        + int(withdrawal.raw["nonce"]).to_bytes(32)
        + to_bytes(asset.token, 20).rjust(32, b"\0")
        + b"".join(number.to_bytes(32) for number in numbers)
    )
    signature = key.sign_digest(domain.digest(struct_hash))
    return {"valid_until": str(valid_until), "signature": to_text(signature)}


def _exits_query(owner: Address | None, account_id: int | None) -> dict[str, Any]:
    return {"owner": owner and address_text(owner), "account": account_id}


class Exits(Resource):
    """Exits of the blocking client."""

    def prepare(
        self, *, owner: Address, asset: str, idempotency_key: str | None = None
    ) -> PreparedExit:
        """Get the transaction by which an owner asks the chain for all money of his account.

        Raises NotFound if he has none there, Conflict while an exit of his is under way.
        """
        request = exit_request(owner, asset, idempotency_key)
        return self._client.run(parsed(PreparedExit.parse, request))

    def kit(self, owner: Address) -> ExitKit:
        """Get all transactions by which an owner leaves, whoever refuses him."""
        return self._client.get(ExitKit, f"/v1/exit-kit/{address_text(owner)}")

    def get(self, exit_id: str) -> Exit:
        """Get an exit. Raises NotFound."""
        return self._client.get(Exit, f"/v1/exits/{exit_id}")

    def list(
        self, *, owner: Address | None = None, account_id: int | None = None
    ) -> Iterator[Exit]:
        """Iterate over exits, the newest first."""
        return self._client.pages(Exit, "/v1/exits", _exits_query(owner, account_id))


class AsyncExits(AsyncResource):
    """Exits of the asynchronous client."""

    async def prepare(
        self, *, owner: Address, asset: str, idempotency_key: str | None = None
    ) -> PreparedExit:
        """Get the transaction by which an owner asks the chain for all money of his account.

        Raises NotFound if he has none there, Conflict while an exit of his is under way.
        """
        request = exit_request(owner, asset, idempotency_key)
        return await self._client.run(parsed(PreparedExit.parse, request))

    async def kit(self, owner: Address) -> ExitKit:
        """Get all transactions by which an owner leaves, whoever refuses him."""
        return await self._client.get(ExitKit, f"/v1/exit-kit/{address_text(owner)}")

    async def get(self, exit_id: str) -> Exit:
        """Get an exit. Raises NotFound."""
        return await self._client.get(Exit, f"/v1/exits/{exit_id}")

    def list(
        self, *, owner: Address | None = None, account_id: int | None = None
    ) -> AsyncIterator[Exit]:
        """Iterate over exits, the newest first."""
        return self._client.pages(Exit, "/v1/exits", _exits_query(owner, account_id))


class Advances(Resource):
    """What withdrawals have for owners who don't want to wait."""

    def prepare_advance(
        self,
        withdrawal_id: str,
        *,
        fee: int,
        signed: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> PreparedAdvance:
        """Get what the owner's wallet signs or, with `signed` (valid_until, signature, provider),
        what the provider sends.
        """
        request = advance_request(withdrawal_id, fee, signed, idempotency_key)
        return self._client.run(parsed(PreparedAdvance.parse, request))

    def advance(
        self,
        withdrawal_id: str,
        *,
        key: Key,
        provider: Address,
        fee: int,
        idempotency_key: str | None = None,
    ) -> PreparedAdvance:
        """Sign that whoever pays the withdrawal less `fee` minor units at once may claim it later;
        get what the provider sends. Raises OrderMismatch; nothing is signed then.
        """
        flow = advance(self._client.trust, withdrawal_id, key, provider, fee, idempotency_key)
        return self._client.run(flow)


class AsyncAdvances(AsyncResource):
    """What withdrawals have for owners who don't want to wait."""

    async def prepare_advance(
        self,
        withdrawal_id: str,
        *,
        fee: int,
        signed: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> PreparedAdvance:
        """Get what the owner's wallet signs or, with `signed` (valid_until, signature, provider),
        what the provider sends.
        """
        request = advance_request(withdrawal_id, fee, signed, idempotency_key)
        return await self._client.run(parsed(PreparedAdvance.parse, request))

    async def advance(
        self,
        withdrawal_id: str,
        *,
        key: Key,
        provider: Address,
        fee: int,
        idempotency_key: str | None = None,
    ) -> PreparedAdvance:
        """Sign that whoever pays the withdrawal less `fee` minor units at once may claim it later;
        get what the provider sends. Raises OrderMismatch; nothing is signed then.
        """
        flow = advance(self._client.trust, withdrawal_id, key, provider, fee, idempotency_key)
        return await self._client.run(flow)
