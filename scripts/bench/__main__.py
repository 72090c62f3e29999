"""Measure the platform on this machine: `python -m scripts.bench`, or `make bench`.

Payments go through REST to a platform of its own, signed beforehand; the baseline, plain ERC-20
transfers, goes to the same chain in the same run. Before that, verified signatures and roots of
chunks are counted by themselves. Writes build/bench.json.
"""

import argparse
import asyncio
import json
import shutil
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

from backend import local
from backend.api_key import read_api_key
from backend.cli.root import quiet_logs
from backend.settlement.chain import Receipt
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import Deployment
from causeway import AsyncClient, SignedOrder
from causeway.models import Asset
from causeway.signing import Domain
from causeway.transport import Request, post
from scripts.bench import signatures, trees
from scripts.demo.__main__ import BUILD, demo_settings
from scripts.demo.money_in import MoneyIn, Sum
from scripts.demo.payments import CLIENTS, Orders
from scripts.demo.people import Line, People, Person
from scripts.demo.screen import Screen
from scripts.demo.wallets import Call, Wallets

_PEOPLE = 64
_CODE = "USDX"
_PAID = Decimal("0.25")
_FEE_MINOR = 10_000  # the platform's least, a cent
_DEPOSITED_MINOR = 2_000_000_000
_BULK_LINES = 5_000
_TRANSFERS = 500
_WAIT_S = 300


class Bench:
    """One run on one platform."""

    def __init__(
        self, clients: list[AsyncClient], chain: ChainClient, deployment: Deployment, screen: Screen
    ) -> None:
        self._clients, self._client = clients, clients[0]
        self._chain, self._deployment, self._screen = chain, deployment, screen
        self._wallets = Wallets(chain)
        people = People("bench")
        self._people = [people[f"p{index:03d}"] for index in range(_PEOPLE)]

    async def prepare(self) -> None:
        """Let people in, with money."""
        while not (assets := {asset.code: asset async for asset in self._client.assets.list()}):
            await asyncio.sleep(0.1)
        self._asset: Asset = assets[_CODE]
        domain = Domain(self._deployment.chain_id, self._deployment.address("Rollup"))
        self._orders = Orders(domain, assets)
        money_in = MoneyIn(self._client, self._chain, self._wallets, self._deployment)
        sums = [Sum(person, self._asset, _DEPOSITED_MINOR) for person in self._people]
        await money_in.check(self._people)
        await self._wallets.give_gas_money([person.key.address for person in self._people])
        await money_in.mint(sums * 2)  # once to deposit, once for the baseline
        await money_in.deposit(sums)
        last = self._people[-1]
        while not [one async for one in self._client.accounts.list(owner=last.address)]:
            await asyncio.sleep(0.1)

    async def transfers(self) -> tuple[float, float]:
        """Return plain ERC-20 transfers a second on this chain, and the gas of one."""
        token = self._deployment.token(_CODE)
        calls = []
        for index in range(_TRANSFERS):
            payer, payee = self._pair(index)
            data = token.abi.call_data("transfer", payee.key.address, 250_000)
            calls.append(Call(payer.secret, token.address, data))
        started = time.perf_counter()
        receipts = await self._wallets.send(calls)
        seconds = time.perf_counter() - started
        return _TRANSFERS / seconds, statistics.mean(one.gas_used for one in receipts)

    async def one_by_one(self, count: int) -> tuple[float, list[float]]:
        """Return payments a second by single requests, and the milliseconds of each to final."""
        shares: list[list[SignedOrder]] = [[] for _ in self._clients]
        for index, order in enumerate(self._sign(count)):
            shares[index % _PEOPLE % len(self._clients)].append(order)

        async def send(client: AsyncClient, share: Sequence[SignedOrder]) -> list[float]:
            spent = []
            for order in share:
                started = time.perf_counter()
                payment = await client.payments.create(order, wait_final=True)
                spent.append((time.perf_counter() - started) * 1000)
                _need(payment.is_final, f"payment {payment.id} is {payment.status}")
            return spent

        started = time.perf_counter()
        parts = await asyncio.gather(*map(send, self._clients, shares))
        seconds = time.perf_counter() - started
        return count / seconds, sorted(ms for part in parts for ms in part)

    async def in_bulk(self, count: int) -> float:
        """Return payments a second by requests of many, until the last one is final."""
        orders = self._sign(count)
        started = time.perf_counter()
        for start in range(0, count, _BULK_LINES):
            lines = await self._client.payments.create_many(orders[start : start + _BULK_LINES])
            refused = [line for line in lines if line.error is not None]
            _need(not refused, f"refused: {refused[:1]}")
        while not (await self._client.payments.get("0x" + orders[-1].id.hex())).is_final:
            await asyncio.sleep(0.01)
        return count / (time.perf_counter() - started)

    async def posted(self, carrier: str, known: int, payments: int) -> tuple[int, float, float]:
        """Post what is final; return the newest batch, and gas and blob gas of a payment."""
        waiting = await self._client.send(post("/v1/batches", {"carrier": carrier}))
        _need(int(waiting["operation_count"]) > 0, "nothing waits to be posted")
        deadline = time.monotonic() + _WAIT_S
        newest = await self._newest_block()
        while True:
            answer = await self._client.send(Request("GET", "/v1/batches", {"limit": 100}))
            on_chain = (one for one in answer["data"] if one["status"] != "built")
            batches = [one for one in on_chain if int(one["number"]) > known]
            if batches and int(batches[0]["header"]["lastBlockNumber"]) >= newest:
                break
            _need(time.monotonic() < deadline, f"waited {_WAIT_S} s for batches")
            await asyncio.sleep(0.2)
        receipts = [await self._receipt(one["tx_hash"]) for one in batches]
        gas = sum(one.gas_used for one in receipts)
        blob_gas = sum(one.blob_gas_used for one in receipts)
        return int(batches[0]["number"]), gas / payments, blob_gas / payments

    async def _newest_block(self) -> int:
        answer = await self._client.send(Request("GET", "/v1/blocks", {"limit": 1}))
        return int(answer["data"][0]["number"])

    async def _receipt(self, tx_hash: str) -> Receipt:
        receipt = await self._chain.receipt(bytes.fromhex(tx_hash[2:]))
        if receipt is None:
            raise RuntimeError(f"transaction {tx_hash} is not mined")
        return receipt

    def _sign(self, count: int) -> list[SignedOrder]:
        lines = (Line(*self._pair(index), _CODE, _PAID) for index in range(count))
        return [self._orders.payment(line, _FEE_MINOR).signed for line in lines]

    def _pair(self, index: int) -> tuple[Person, Person]:
        return self._people[index % _PEOPLE], self._people[(index * 7 + 3) % _PEOPLE]


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise RuntimeError(message)


async def measure(bench: Bench, count: int, screen: Screen) -> dict[str, Any]:
    """Return all figures, each beside its baseline."""
    with screen.step(f"letting {_PEOPLE} people in"):
        await bench.prepare()
    with screen.step(f"{_TRANSFERS} plain transfers"):
        transfers_per_s, transfer_gas = await bench.transfers()
    with screen.step(f"{count} payments, one request each, {CLIENTS} clients"):
        single_per_s, final_ms = await bench.one_by_one(count)
    with screen.step(f"{count * 4} payments in bulk"):
        bulk_per_s = await bench.in_bulk(count * 4)
    with screen.step("posting by blobs"):
        number, blob_carried_gas, blob_gas = await bench.posted("blobs", 0, count * 5)
    with screen.step(f"{count} payments more, posted by calldata"):
        await bench.in_bulk(count)
        _, calldata_gas, _ = await bench.posted("calldata", number, count)
    return {
        "payments_per_s_single": _beside(single_per_s, transfers_per_s),
        "payments_per_s_bulk": _beside(bulk_per_s, transfers_per_s),
        "final_ms_p50": round(statistics.median(final_ms), 1),
        "final_ms_p99": round(final_ms[int(len(final_ms) * 0.99)], 1),
        "gas_per_payment_blob": _beside(blob_carried_gas, transfer_gas),
        "blob_gas_per_payment": round(blob_gas, 1),
        "gas_per_payment_calldata": _beside(calldata_gas, transfer_gas),
    }


def _beside(value: float, baseline: float) -> dict[str, float]:
    """Return a figure, the same of plain ERC-20 transfers, and their ratio."""
    return {
        "value": round(value, 1),
        "erc20_transfer": round(baseline, 1),
        "ratio": round(value / baseline, 5),
    }


def _rows(figures: dict[str, Any]) -> dict[str, object]:
    """Return the figures as lines to be read."""
    shown = "{value:,} beside {erc20_transfer:,} of plain transfers ({ratio:.2%})"

    def row(figure: Any) -> object:
        if not isinstance(figure, dict):
            return figure
        if "erc20_transfer" in figure:
            return shown.format(**figure)
        return signatures.as_text(figure) if "two_threads" in figure else trees.as_text(figure)

    return {name: row(figure) for name, figure in figures.items()}


async def run(count: int, screen: Screen) -> dict[str, Any]:
    """Start a platform, measure it, and stop it."""
    folder = BUILD / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    settings = demo_settings(folder)
    chain = ChainClient(settings.rpc_url)
    try:
        platform = await local.start(settings)
        api = (platform.api_url, read_api_key(settings))
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(AsyncClient(*api, timeout_s=120))
                for _ in range(CLIENTS)
            ]
            bench = Bench(clients, chain, platform.deployed.deployment, screen)
            return await measure(bench, count, screen)
    finally:
        await chain.close()
        await local.stop(settings)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=4_000, help="payments of the smallest part")
    arguments = parser.parse_args()
    screen = Screen()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with quiet_logs():
            with screen.step("verifying signatures"):
                figures: dict[str, Any] = dict(signatures.measure())
            with screen.step("hashing state trees"):
                figures |= trees.measure()
            figures |= asyncio.run(run(arguments.count, screen))
    except KeyboardInterrupt:
        screen.say("interrupted: all that the benchmark started is stopped")
        return 130
    BUILD.mkdir(exist_ok=True)
    (BUILD / "bench.json").write_text(json.dumps(figures, indent=2) + "\n")
    screen.table(_rows(figures))
    screen.say("the same in build/bench.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
