"""The first half: people are checked, get test money, and bring it in."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from eth_account import Account

from backend.protocol.errors import KycRequired
from backend.settlement.anvil import dev_secret
from backend.settlement.chain import TransactionRefused
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import Deployment
from causeway import AsyncClient, PermissionDenied
from causeway.models import Asset, PreparedDeposit
from scripts.demo.people import Person
from scripts.demo.wallets import Call, Wallets

_TOGETHER = 16  # requests in flight
# Deposits cover what a person spends, fees and a withdrawal.
_RESERVE = Decimal(25)


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount of a person's, in minor units."""

    person: Person
    asset: Asset
    amount_minor: int

    @property
    def amount(self) -> int:
        """The amount in base units."""
        return self.amount_minor * self.asset.unit


def sums_to_deposit(
    spent: dict[tuple[str, str], Decimal], people: dict[str, Person], assets: dict[str, Asset]
) -> list[Sum]:
    """Return what each payer brings in: what he spends, 1 % for fees, and a reserve."""
    sums = []
    for (name, code), amount in sorted(spent.items()):
        asset = assets[code]
        minor_decimals = int(asset.raw["minor_decimals"])
        whole = (amount * Decimal("1.01") + _RESERVE).quantize(Decimal("0.01"))
        sums.append(Sum(people[name], asset, int(whole.scaleb(minor_decimals))))
    return sums


class MoneyIn:
    """Brings people and their money in."""

    def __init__(
        self, client: AsyncClient, chain: ChainClient, wallets: Wallets, deployment: Deployment
    ) -> None:
        self._client, self._chain = client, chain
        self._wallets, self._deployment = wallets, deployment
        self._gate = asyncio.Semaphore(_TOGETHER)

    async def check(self, people: Sequence[Person]) -> None:
        """Have everybody checked by the sandbox provider."""

        async def apply(person: Person) -> None:
            async with self._gate:
                applicant = await self._client.applicants.create(
                    external_id=person.name, person=person.address
                )
            if applicant.status != "approved":
                raise RuntimeError(f"{person.name} is {applicant.status}")

        await asyncio.gather(*map(apply, people))

    async def mint(self, sums: Sequence[Sum]) -> None:
        """Give people test money."""
        calls = []
        for one in sums:
            token = self._deployment.token(one.asset.code)
            data = token.abi.call_data("mint", one.person.key.address, one.amount)
            calls.append(Call(dev_secret(0), token.address, data))
        await self._wallets.send(calls)

    async def deposit(self, sums: Sequence[Sum]) -> None:
        """Deposit for everybody: the platform prepares, each person's own key signs."""
        calls = await asyncio.gather(*map(self._deposit_call, sums))
        await self._wallets.send(calls)

    async def refuse_stranger(self, stranger: Person, asset: Asset) -> bool:
        """Return whether an unchecked person's deposit is refused: by the API, and on the chain."""
        amount_minor = 10 ** int(asset.raw["minor_decimals"])
        try:
            await self._client.deposits.prepare(
                owner=stranger.address, asset=asset.code, amount=amount_minor
            )
            return False
        except PermissionDenied as error:
            if error.code != KycRequired.code:
                raise
        rollup = self._deployment.rollup
        arguments = (asset.asset_id, stranger.key.address, amount_minor * asset.unit, b"")
        data = rollup.abi.call_data("deposit", *arguments)
        try:
            address = stranger.key.address
            await self._chain.estimate_gas(address, rollup.address, data, rollup.abi)
            return False
        except TransactionRefused as refused:
            return refused.error is not None and refused.error.name == "KycRequired"

    async def _deposit_call(self, one: Sum) -> Call:
        async with self._gate:
            unsigned = await self._prepare(one, None)
            permit = unsigned.permit
            if permit is None:
                raise RuntimeError(f"{one.asset.code} takes no permits")
            signed = Account.sign_typed_data(one.person.secret, full_message=permit)
            terms = {
                "deadline": str(permit["message"]["deadline"]),
                "signature": "0x" + signed.signature.hex().removeprefix("0x"),
            }
            (transaction,) = (await self._prepare(one, terms)).transactions
        return Call(
            one.person.secret,
            bytes.fromhex(transaction["to"][2:]),
            bytes.fromhex(transaction["data"][2:]),
        )

    async def _prepare(self, one: Sum, permit: dict[str, str] | None) -> PreparedDeposit:
        return await self._client.deposits.prepare(
            owner=one.person.address,
            asset=one.asset.code,
            amount=one.amount_minor,
            permit=permit,
        )
