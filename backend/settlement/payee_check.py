"""Whom a token's issuer has frozen, and who lacks the level that a regulated asset needs.

Law: whoever can't be checked is not passed. The freezes of our own tokens are read from events, all
at once; tokens of others, whose history may be long, are asked for each payee.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from backend.protocol.errors import ChainUnavailable, NotEligible, PayeeBlocked
from backend.protocol.types import Address
from backend.settlement.abi import ContractAbi, ContractError, Entry
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Contract, L1Log, RpcError
from backend.settlement.client import ChainClient, block_ranges
from backend.settlement.deployment_file import Deployment

_AT_ONCE: Final = 50  # questions
_REREAD_BLOCKS: Final = 64  # what a reorganisation may have changed


def _view(name: str) -> Entry:
    return {
        "type": "function",
        "name": name,
        "inputs": [{"name": "account", "type": "address"}],
        "outputs": [{"name": "", "type": "bool"}],
    }


# What issuers call it: ours, Circle, Tether.
_BLOCK_LISTS: Final = ("isFrozen", "isBlacklisted", "isBlackListed")
_BLOCK_LIST_ABI: Final = ContractAbi([_view(name) for name in _BLOCK_LISTS])


class PayeeChecks:
    """Fits the port PayeeCheck of the access plane."""

    def __init__(
        self,
        client: ChainClient,
        deployment: Deployment,
        may_hold: Callable[[Address, Address], bool],
    ) -> None:
        """`may_hold` says of a regulated token and an owner whether the owner has its level now."""
        self._client, self._may_hold = client, may_hold
        self._tokens = {token.address: token for token in deployment.tokens}
        own = {record.address for record in deployment.contracts.values()}
        self._freezes = {
            token: _Freezes(client, token, deployment.block_number)
            for token, record in self._tokens.items()
            if token in own and not record.level_needed
        }

    async def refused(self, token: Address, payees: Collection[Address]) -> Mapping[Address, str]:
        """Return the code of each payee who may not have the token. Raises ChainUnavailable."""
        record = self._tokens.get(token)
        freezes = self._freezes.get(token)
        if freezes is not None:
            frozen = await freezes.read()
            return {payee: PayeeBlocked.code for payee in payees if payee in frozen}
        if record is not None and record.level_needed:
            barred = (payee for payee in payees if not self._may_hold(token, payee))
            return dict.fromkeys(barred, NotEligible.code)
        return await self._on_block_list(token, payees)

    async def _on_block_list(
        self, token: Address, payees: Collection[Address]
    ) -> Mapping[Address, str]:
        contract = Contract(token, _BLOCK_LIST_ABI)
        for name in _BLOCK_LISTS:
            try:
                await self._client.read(contract, name, token)
            except (RpcError, ContractError):
                continue  # another issuer's word
            found = self._ask_all(contract, name, payees)
            return {payee: PayeeBlocked.code async for payee, is_listed in found if is_listed}
        return {}

    async def _ask_all(
        self, contract: Contract, function: str, payees: Collection[Address]
    ) -> AsyncIterator[tuple[Address, Any]]:
        for some in _slices(payees):
            try:
                answers = await asyncio.gather(
                    *(self._client.read(contract, function, payee) for payee in some)
                )
            except (RpcError, ContractError) as error:
                raise ChainUnavailable() from error
            for payee, answer in zip(some, answers, strict=True):
                yield payee, answer


class _Freezes:
    """The frozen accounts of one of our Stablecoins."""

    def __init__(self, client: ChainClient, token: Address, first_block: int) -> None:
        self._client, self._token = client, token
        self._abi = artifact("Stablecoin").abi
        self._next_block = first_block
        self._frozen: set[Address] = set()
        self._lock = asyncio.Lock()

    async def read(self) -> set[Address]:
        """Return who is frozen now, having read what is new."""
        async with self._lock:
            latest = (await self._client.latest()).number
            for start, end in block_ranges(self._next_block, latest):
                for log in await self._logs(start, end):
                    self._take(log.topics, log.data)
                self._next_block = end + 1
            self._next_block = max(latest - _REREAD_BLOCKS, 0)
            return set(self._frozen)

    async def _logs(self, first: int, last: int) -> list[L1Log]:
        """Return both events in order, without the token's transfers."""
        found = [
            log
            for event in ("AccountFrozen", "AccountUnfrozen")
            for log in await self._client.logs([self._token], first, last, [self._abi.topic(event)])
        ]
        return sorted(found, key=lambda log: (log.block.number, log.log_index))

    def _take(self, topics: Sequence[bytes], data: bytes) -> None:
        decoded = self._abi.decode_log(topics, data)
        if decoded is not None and decoded.name == "AccountFrozen":
            self._frozen.add(Address(decoded.values["account"]))
        elif decoded is not None and decoded.name == "AccountUnfrozen":
            self._frozen.discard(Address(decoded.values["account"]))


def _slices(payees: Collection[Address]) -> Iterator[list[Address]]:
    rest = iter(payees)
    while some := [*islice(rest, _AT_ONCE)]:
        yield some
