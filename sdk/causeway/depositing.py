"""Deposits by a holder's signature (ERC-3009): what both clients do for them.

Law: what is signed is made here. The nonce binds asset and owner, so whoever sends the deposit can
credit nobody else.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

from eth_utils.crypto import keccak

from causeway.errors import OrderMismatch
from causeway.flows import ORDER_LIFE_S_MAX, Trust, asset_of, same
from causeway.models import Asset, PreparedDeposit
from causeway.resource import AsyncResource, Resource
from causeway.signing import Address, Domain, Key, address_text, to_bytes, to_text
from causeway.transport import Flow, Request, post

_DEPOSIT_TYPE: Final = b"Deposit(uint16 assetId,address owner,bytes32 salt)"
_AUTHORIZATION_TYPE: Final = (
    b"ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,"
    b"uint256 validBefore,bytes32 nonce)"
)
_DOMAIN_TYPE: Final = (
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)


def deposit_request(
    owner: Address,
    asset: str,
    amount: int,
    depositor: Address | None = None,
    permit: Mapping[str, str] | None = None,
    authorization: Mapping[str, str] | None = None,
    key: str | None = None,
) -> Request:
    """Return the request that prepares a deposit of `amount` minor units."""
    body: dict[str, Any] = {
        "owner": address_text(owner),
        "asset": asset,
        "amount": str(amount),
    }
    if depositor is not None:
        body["depositor"] = address_text(depositor)
    for name, signed in (("permit", permit), ("authorization", authorization)):
        if signed is not None:
            body[name] = dict(signed)
    return post("/v1/deposits", body, key=key)


def deposit_nonce(asset_id: int, owner: bytes, salt: bytes) -> bytes:
    """Return the ERC-3009 nonce that lets tokens be deposited for `owner` and nobody else."""
    words = asset_id.to_bytes(32) + owner.rjust(32, b"\0") + salt
    return keccak(keccak(_DEPOSIT_TYPE) + words)


def authorize(
    trust: Trust,
    key: Key,
    owner: Address | None,
    asset: str,
    amount: int,
    idempotency_key: str | None,
) -> Flow[PreparedDeposit]:
    """Return the flow that has an authorisation offered, signs its own version of it, and gets the
    transaction for it.
    """
    known = yield from asset_of(trust, asset)
    person = key.address if owner is None else to_bytes(owner, 20)
    keys = (
        (None, None)
        if idempotency_key is None
        else (f"{idempotency_key}/1", f"{idempotency_key}/2")
    )
    offer = (yield deposit_request(person, asset, amount, key.address, key=keys[0]))[
        "authorization"
    ]
    if offer is None:
        raise OrderMismatch("authorization", "one to sign", "none: the token knows no ERC-3009")
    signed = sign_authorization(trust, key, known, person, amount, offer)
    answer = yield deposit_request(
        person, asset, amount, key.address, authorization=signed, key=keys[1]
    )
    return PreparedDeposit.parse(answer)


def sign_authorization(
    trust: Trust, key: Key, asset: Asset, owner: bytes, amount: int, offer: Mapping[str, Any]
) -> dict[str, str]:
    """Return what a request for the deposit takes: salt, time and signature.

    `offer` is the platform's. Raises OrderMismatch if it is over another token, rollup or chain
    than those that are trusted, or lives for longer than a day; nothing is signed then.
    """
    domain, message = offer["typed_data"]["domain"], offer["typed_data"]["message"]
    rollup = to_bytes(message["to"], 20)
    trust.accept_domain(Domain(int(domain["chainId"]), rollup))
    same("asset", asset.token.lower(), str(domain["verifyingContract"]).lower())
    valid_before = int(offer["valid_before"])
    if valid_before > time.time() + ORDER_LIFE_S_MAX:
        raise OrderMismatch("validBefore", "within a day", valid_before)
    salt = to_bytes(offer["salt"], 32)
    digest = _digest(
        domain,
        key.address.rjust(32, b"\0")
        + rollup.rjust(32, b"\0")
        + (amount * asset.unit).to_bytes(32)
        + bytes(32)  # valid at once
        + valid_before.to_bytes(32)
        + deposit_nonce(asset.asset_id, owner, salt),
    )
    return {
        "salt": to_text(salt),
        "valid_before": str(valid_before),
        "signature": to_text(key.sign_digest(digest)),
    }


def _digest(domain: Mapping[str, Any], words: bytes) -> bytes:
    """Return what is signed; the token's name and version are its own."""
    separator = keccak(
        keccak(_DOMAIN_TYPE)
        + keccak(text=domain["name"])
        + keccak(text=domain["version"])
        + int(domain["chainId"]).to_bytes(32)
        + to_bytes(domain["verifyingContract"], 20).rjust(32, b"\0")
    )
    return keccak(b"\x19\x01" + separator + keccak(keccak(_AUTHORIZATION_TYPE) + words))


class AuthorizedDeposits(Resource):
    """What deposits have for holders who send nothing."""

    def authorize(
        self,
        key: Key,
        *,
        asset: str,
        amount: int,
        owner: Address | None = None,
        idempotency_key: str | None = None,
    ) -> PreparedDeposit:
        """Sign a deposit of `amount` minor units of the key's tokens, for him or another owner, and
        get the transaction that anyone may send. Raises OrderMismatch; nothing is signed then.
        """
        flow = authorize(self._client.trust, key, owner, asset, amount, idempotency_key)
        return self._client.run(flow)


class AsyncAuthorizedDeposits(AsyncResource):
    """What deposits have for holders who send nothing."""

    async def authorize(
        self,
        key: Key,
        *,
        asset: str,
        amount: int,
        owner: Address | None = None,
        idempotency_key: str | None = None,
    ) -> PreparedDeposit:
        """Sign a deposit of `amount` minor units of the key's tokens, for him or another owner, and
        get the transaction that anyone may send. Raises OrderMismatch; nothing is signed then.
        """
        flow = authorize(self._client.trust, key, owner, asset, amount, idempotency_key)
        return await self._client.run(flow)
