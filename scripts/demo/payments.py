"""The second half: everybody pays, eight clients at once; then some take money back."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from causeway import AsyncClient, Payment, PaymentOrder, SignedOrder, Withdrawal, sign
from causeway.models import Asset
from causeway.signing import Domain, WithdrawalOrder, to_bytes
from scripts.demo.people import Line, Person

CLIENTS = 8
_ORDER_LIFE_S = 3600

Advance = Callable[[], None]


@dataclass(frozen=True, slots=True)
class SignedLine:
    """A payment of the CSV, signed by its payer."""

    line: Line
    fee_minor: int
    signed: SignedOrder


@dataclass
class Orders:
    """Signs orders with each person's own key; keeps count of nonces, one row for each asset."""

    domain: Domain
    assets: dict[str, Asset]
    nonces: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def payment(self, line: Line, fee_minor: int) -> SignedLine:
        """Return a line as a signed payment."""
        asset = self.assets[line.asset]
        order = PaymentOrder(
            payer=line.payer.key.address,
            payee=line.payee.key.address,
            asset=to_bytes(asset.token, 20),
            amount=line.amount_minor(int(asset.raw["minor_decimals"])) * asset.unit,
            fee=fee_minor * asset.unit,
            nonce=self._next(line.payer, line.asset),
            valid_until=int(time.time()) + _ORDER_LIFE_S,
        )
        return SignedLine(line, fee_minor, sign(order, line.payer.key, self.domain))

    def withdrawal(
        self, person: Person, code: str, amount_minor: int, fee_minor: int
    ) -> SignedOrder:
        """Return a signed withdrawal."""
        asset = self.assets[code]
        order = WithdrawalOrder(
            payer=person.key.address,
            asset=to_bytes(asset.token, 20),
            amount=amount_minor * asset.unit,
            fee=fee_minor * asset.unit,
            nonce=self._next(person, code),
            valid_until=int(time.time()) + _ORDER_LIFE_S,
        )
        return sign(order, person.key, self.domain)

    def _next(self, person: Person, code: str) -> int:
        nonce = self.nonces[person.name, code]
        self.nonces[person.name, code] = nonce + 1
        return nonce


async def quote_all(
    client: AsyncClient, lines: Sequence[Line], assets: dict[str, Asset]
) -> list[int]:
    """Return what each line costs, in minor units, as the platform quotes it."""
    gate = asyncio.Semaphore(CLIENTS)

    async def quote(line: Line) -> int:
        async with gate:
            decimals = int(assets[line.asset].raw["minor_decimals"])
            return (await client.fees.quote(line.asset, line.amount_minor(decimals))).fee

    return list(await asyncio.gather(*map(quote, lines)))


async def send_all(
    clients: Sequence[AsyncClient], signed: Sequence[SignedLine], advance: Advance
) -> list[tuple[Payment, float]]:
    """Send payments, each client its share one after the other, and wait for each to be final.

    A payer's orders go through one client, in the order of their nonces. Returns each payment with
    the milliseconds from before its POST was written to its answer.
    """
    shares: list[list[SignedLine]] = [[] for _ in clients]
    for one in signed:
        shares[int.from_bytes(one.line.payer.key.address) % len(clients)].append(one)

    async def send(client: AsyncClient, share: Sequence[SignedLine]) -> list[tuple[Payment, float]]:
        answered = []
        for one in share:
            started = time.perf_counter()
            payment = await client.payments.create(one.signed, wait_final=True)
            answered.append((payment, (time.perf_counter() - started) * 1000))
            advance()
        return answered

    parts = await asyncio.gather(*map(send, clients, shares))
    return [answer for part in parts for answer in part]


async def withdraw_all(client: AsyncClient, orders: Sequence[SignedOrder]) -> list[Withdrawal]:
    """Send withdrawals, and wait for each to be final."""
    return [await client.withdrawals.create(order, wait_final=True) for order in orders]
