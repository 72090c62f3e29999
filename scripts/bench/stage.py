"""A platform of its own with people who have money, and their orders as bytes."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache

from backend import local
from backend.api_key import read_api_key
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import Deployment
from causeway import AsyncClient, PaymentOrder, SignedOrder, sign
from causeway.models import Asset
from causeway.signing import Domain, Key, to_bytes
from scripts.bench import wire
from scripts.demo.__main__ import BUILD, demo_settings
from scripts.demo.money_in import MoneyIn, Sum
from scripts.demo.people import People, Person
from scripts.demo.wallets import Wallets

CODE = "USDX"
RICH = 64
BULK_TYPE = "application/x-causeway-orders"
_DEPOSITED_MINOR = 10**13
_AMOUNT_MINOR = 250_000
_FEE_MINOR = 10_000  # the platform's least, a cent
_ORDER_LIFE_S = 3_600
_BULK_LINES = 4_000
_WAIT_S = 300
_POLL_S = 0.01


@cache
def _key(secret: bytes) -> Key:
    return Key(secret)


@dataclass
class Signer:
    """Signs payments of people, each with his next nonce. It can be sent to another process."""

    secrets: Sequence[bytes]
    domain: Domain
    token: bytes
    unit: int
    nonces: dict[int, int] = field(default_factory=dict)

    def payment(self, payer: int, payee: int, amount_minor: int = _AMOUNT_MINOR) -> SignedOrder:
        """Return the signed payment of one person to another."""
        nonce = self.nonces.get(payer, 0)
        self.nonces[payer] = nonce + 1
        key = _key(self.secrets[payer])
        order = PaymentOrder(
            payer=key.address,
            payee=_key(self.secrets[payee]).address,
            asset=self.token,
            amount=amount_minor * self.unit,
            fee=_FEE_MINOR * self.unit,
            nonce=nonce,
            valid_until=int(time.time()) + _ORDER_LIFE_S,
        )
        return sign(order, key, self.domain)

    def ring(self, count: int, size: int) -> list[SignedOrder]:
        """Return payments of the first `size` people in turn, each to the next one."""
        return [self.payment(place % size, (place + 1) % size) for place in range(count)]


@dataclass(frozen=True, slots=True)
class Door:
    """Where clients find the API. It can be sent to another process."""

    port: int
    api_key: str

    def single(self, order: SignedOrder, is_final_awaited: bool = False) -> bytes:
        """Return the request of one order."""
        body = json.dumps(order.to_json(), separators=(",", ":")).encode()
        return wire.request(
            "/v1/payments", body, "application/json", self.api_key, is_final_awaited
        )

    def bulk(self, records: Sequence[bytes]) -> bytes:
        """Return the request of many orders."""
        return wire.request("/v1/payments/bulk", b"".join(records), BULK_TYPE, self.api_key)


@dataclass(frozen=True, slots=True)
class Stage:
    """The platform, and those who pay."""

    door: Door
    client: AsyncClient
    chain: ChainClient
    deployment: Deployment
    wallets: Wallets
    rich: Sequence[Person]
    signer: Signer

    async def until_final(self, order: SignedOrder) -> None:
        """Wait until an order is final. Raises RuntimeError if it takes minutes."""
        deadline = time.monotonic() + _WAIT_S
        while not (await self.client.payments.get("0x" + order.id.hex())).is_final:
            if time.monotonic() > deadline:
                raise RuntimeError(f"waited {_WAIT_S} s for payments to be final")
            await asyncio.sleep(_POLL_S)

    async def pay_in_bulk(self, orders: Sequence[SignedOrder]) -> None:
        """Have orders accepted, and wait until the last is final. Raises if one is refused."""
        for start in range(0, len(orders), _BULK_LINES):
            lines = await self.client.payments.create_many(orders[start : start + _BULK_LINES])
            refused = [line for line in lines if line.error is not None]
            if refused:
                raise RuntimeError(f"refused: {refused[0]}")
        await self.until_final(orders[-1])

    async def spread(self) -> None:
        """Let the first people give all others money: it opens an account for each."""
        count = len(self.signer.secrets)
        share_minor = _DEPOSITED_MINOR * RICH // count // 2
        await self.pay_in_bulk(
            [self.signer.payment(n % RICH, n, share_minor) for n in range(RICH, count)]
        )


@asynccontextmanager
async def stage(people_count: int = RICH) -> AsyncIterator[Stage]:
    """Start a platform, and stop it. The first `RICH` people have deposited."""
    folder = BUILD / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    settings = demo_settings(folder).model_copy(update={"fee_bps": 0})
    named = People("bench")
    people = [named[f"p{number:05d}"] for number in range(people_count)]
    chain = ChainClient(settings.rpc_url)
    try:
        platform = await local.start(settings)
        deployment = platform.deployed.deployment
        api_key = read_api_key(settings)
        async with AsyncClient(platform.api_url, api_key, timeout_s=120) as client:
            asset = await _asset(client)
            signer = Signer(
                [person.secret for person in people],
                Domain(deployment.chain_id, deployment.address("Rollup")),
                to_bytes(asset.token, 20),
                asset.unit,
            )
            door, wallets = Door(settings.api_port, api_key), Wallets(chain)
            opened = Stage(door, client, chain, deployment, wallets, people[:RICH], signer)
            await _deposit(opened, asset)
            yield opened
    finally:
        await chain.close()
        await local.stop(settings)


async def _asset(client: AsyncClient) -> Asset:
    while True:
        async for asset in client.assets.list():
            if asset.code == CODE:
                return asset
        await asyncio.sleep(_POLL_S)


async def _deposit(opened: Stage, asset: Asset) -> None:
    money_in = MoneyIn(opened.client, opened.chain, opened.wallets, opened.deployment)
    sums = [Sum(person, asset, _DEPOSITED_MINOR) for person in opened.rich]
    await money_in.check(opened.rich)
    await opened.wallets.give_gas_money([person.key.address for person in opened.rich])
    await money_in.mint(sums * 2)  # once to deposit, once for transfers on the chain
    await money_in.deposit(sums)
    for person in opened.rich:
        while not [one async for one in opened.client.accounts.list(owner=person.address)]:
            await asyncio.sleep(_POLL_S)
