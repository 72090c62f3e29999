"""Questions of clients about tokens and persons on the chain."""

from dataclasses import dataclass
from typing import Final

import structlog

from backend.protocol.errors import ChainUnavailable
from backend.protocol.hashing import Digest
from backend.protocol.types import Address
from backend.settlement.abi import ContractError
from backend.settlement.artifacts import artifact
from backend.settlement.bounties import bounty_wei
from backend.settlement.chain import Contract, Done, Refused, RpcError
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import Deployment
from backend.settlement.sender import Sender

# What a token answers that lacks a function, or is no ERC-20 in that part.
_NO_ANSWER: Final = (ContractError, RpcError, ValueError)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TokenName:
    """What people call a token."""

    symbol: str
    decimals: int


@dataclass(frozen=True, slots=True)
class PermitFacts:
    """What an ERC-2612 permit of an owner is signed over."""

    name: str
    version: str
    nonce: int


@dataclass(frozen=True, slots=True)
class AuthorizationFacts:
    """What an ERC-3009 authorisation is signed over; `is_used`: or it was cancelled."""

    name: str
    version: str
    is_used: bool


class ChainQueries:
    """Asks the chain; with the attestor's key it can also revoke a person."""

    def __init__(self, client: ChainClient, deployment: Deployment, attestor: Sender) -> None:
        self._client = client
        self._deployment = deployment
        self._attestor = attestor

    async def latest_ts_s(self) -> int:
        """Return L1 time: that of the newest block."""
        return (await self._client.latest()).ts_s

    async def token_name(self, token: Address) -> TokenName | None:
        """Return a token's symbol and decimals, None if it doesn't tell."""
        return await token_name(self._client, token)

    async def allowance(self, token: Address, owner: Address, spender: Address) -> int:
        """Return how many base units a contract may take from `owner`."""
        return await allowance_of(self._client, token, owner, spender)

    async def exit_bounty_wei(self) -> int:
        """Return the least that an exit request costs now."""
        floor_wei = self._deployment.parameters.gas_price_floor_wei
        return bounty_wei((await self._client.latest()).base_fee_wei, floor_wei)

    async def exit_waiting_since_ts_s(self, account_id: int, owner: Address) -> int | None:
        """Return since when an exit counts as waiting; None if none does."""
        exits = self._deployment.core("Exits")
        return await self._client.read(exits, "waitingSince", account_id, owner) or None

    async def permit_facts(self, token: Address, owner: Address) -> PermitFacts | None:
        """Return what a permit needs, None if the token takes none."""
        contract = _token(token)
        try:
            return PermitFacts(
                str(await self._client.read(contract, "name")),
                str(await self._client.read(contract, "version")),
                int(await self._client.read(contract, "nonces", owner)),
            )
        except _NO_ANSWER:
            return None

    async def authorization_facts(
        self, token: Address, holder: Address, nonce: Digest
    ) -> AuthorizationFacts | None:
        """Return what an authorisation needs, None if the token knows none."""
        contract = _token(token)
        try:
            return AuthorizationFacts(
                str(await self._client.read(contract, "name")),
                str(await self._client.read(contract, "version")),
                bool(await self._client.read(contract, "authorizationState", holder, nonce)),
            )
        except _NO_ANSWER:
            return None

    async def revoke_person(self, person: Address) -> bytes:
        """Revoke a person in the registry; return the transaction's hash. A repeat revokes again.

        Raises ChainUnavailable while the outcome is unknown, or if the chain won't have it (the
        attestor has no money for gas, say): the log has the reason.
        """
        outcome = await self._attestor.call(self._deployment.kyc_registry, "revoke", person)
        if isinstance(outcome, Done):
            return outcome.receipt.tx_hash
        if isinstance(outcome, Refused):
            log.error("revocation_refused", reason=str(outcome.reason))
        raise ChainUnavailable()


async def token_name(client: ChainClient, token: Address) -> TokenName | None:
    """Return a token's symbol and decimals, None if it doesn't tell."""
    contract = _token(token)
    try:
        return TokenName(
            str(await client.read(contract, "symbol")),
            int(await client.read(contract, "decimals")),
        )
    except _NO_ANSWER:
        return None


async def allowance_of(
    client: ChainClient, token: Address, owner: Address, spender: Address
) -> int:
    """Return how many base units of a token `spender` may take from `owner`."""
    return int(await client.read(_token(token), "allowance", owner, spender))


def _token(address: Address) -> Contract:
    return Contract(address, artifact("Stablecoin").abi)
