"""What happens in the demo, step by step."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from backend.protocol.types import address_text
from backend.settlement.anvil import increase_time
from backend.settlement.chain import Receipt
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import Deployment
from causeway import AsyncClient, Payment, Withdrawal
from causeway.models import Asset
from causeway.signing import Domain
from causeway.transport import Request, post
from scripts.demo.money_in import MoneyIn, Sum, sums_to_deposit
from scripts.demo.payments import (
    CLIENTS,
    Orders,
    SignedLine,
    quote_all,
    send_all,
    withdraw_all,
)
from scripts.demo.people import STRANGER, Line, People, Person, spending
from scripts.demo.screen import Screen
from scripts.demo.wallets import Call, Wallets

_BY_CALLDATA = 100  # the last lines go on the chain this way, the others by blobs
_TRANSFERS = 100  # the first lines, as plain ERC-20 transfers: what the chain alone would cost
_WITHDRAWALS = 20
_WITHDRAWN_MINOR = 5_000_000
_WAIT_S = 120
_POLL_S = 0.2


@dataclass
class Told:
    """All that was done, to be checked and reported."""

    deposits: list[Sum] = field(default_factory=list)
    transfers: list[Sum] = field(default_factory=list)
    signed: list[SignedLine] = field(default_factory=list)
    answered: list[tuple[Payment, float]] = field(default_factory=list)
    withdrawals: list[tuple[Person, Withdrawal]] = field(default_factory=list)
    claimed: list[Receipt] = field(default_factory=list)
    transfer_receipts: list[Receipt] = field(default_factory=list)
    batches: dict[int, dict[str, Any]] = field(default_factory=dict)
    batch_receipts: dict[int, Receipt] = field(default_factory=dict)
    payments_per_batch: Counter[int] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    is_stranger_refused: bool = False
    block_count: int = 0


class Story:
    """The demo on one running platform."""

    def __init__(
        self,
        api: tuple[str, str],
        chain: ChainClient,
        deployment: Deployment,
        people: People,
        lines: list[Line],
        screen: Screen,
    ) -> None:
        self._api, self._chain, self._deployment = api, chain, deployment
        self._people, self._lines, self._screen = people, lines, screen
        self._wallets = Wallets(chain)
        self._domain = Domain(deployment.chain_id, deployment.address("Rollup"))
        self.assets: dict[str, Asset] = {}
        self.told = Told()

    async def tell(self) -> Told:
        """Do all of it."""
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(AsyncClient(*self._api, domain=self._domain))
                for _ in range(CLIENTS)
            ]
            self._client = clients[0]
            await self._wait("assets", self._are_assets_listed)
            await self._bring_money_in()
            await self._pay(clients)
            await self._settle_and_claim()
            await self._look_back()
        return self.told

    async def _bring_money_in(self) -> None:
        people = self._people.all()
        by_name = {person.name: person for person in people}
        told = self.told
        told.deposits = sums_to_deposit(spending(self._lines), by_name, self.assets)
        told.transfers = [self._sum_of(line) for line in self._lines[:_TRANSFERS]]
        money_in = MoneyIn(self._client, self._chain, self._wallets, self._deployment)
        with self._screen.step(f"checking {len(people)} people (sandbox provider)"):
            await money_in.check(people)
        stranger = self._people[STRANGER]
        with self._screen.step("minting test money"):
            everybody = [person.key.address for person in self._people.all()]
            await self._wallets.give_gas_money(everybody)
            await money_in.mint([*told.deposits, *told.transfers])
        with self._screen.step(f"taking {len(told.deposits)} deposits"):
            await money_in.deposit(told.deposits)
            await self._wait("deposits", self._are_deposits_credited)
        told.is_stranger_refused = await money_in.refuse_stranger(
            stranger, next(iter(self.assets.values()))
        )
        refused = "refused" if told.is_stranger_refused else "NOT REFUSED"
        self._screen.say(f"a deposit without KYC was {refused}: KYC_REQUIRED")

    async def _pay(self, clients: Sequence[AsyncClient]) -> None:
        told, orders = self.told, Orders(self._domain, self.assets)
        with self._screen.step("signing each payment with its payer's key"):
            fees = await quote_all(self._client, self._lines, self.assets)
            told.signed = [
                orders.payment(line, fee) for line, fee in zip(self._lines, fees, strict=True)
            ]
        split = max(len(told.signed) - _BY_CALLDATA, len(told.signed) // 2)
        with self._screen.bar(f"paying, {CLIENTS} clients at once", len(told.signed)) as advance:
            told.answered += await send_all(clients, told.signed[:split], advance)
            await self._post("blobs")
            told.answered += await send_all(clients, told.signed[split:], advance)
        with self._screen.step("withdrawing, and posting by calldata"):
            payers = list(dict.fromkeys((one.line.payer, one.line.asset) for one in told.signed))
            chosen = payers[:_WITHDRAWALS]
            wishes = []
            for person, code in chosen:
                quote = await self._client.fees.quote(code, _WITHDRAWN_MINOR)
                wishes.append(orders.withdrawal(person, code, _WITHDRAWN_MINOR, quote.fee))
            made = await withdraw_all(self._client, wishes)
            told.withdrawals = [
                (person, one) for (person, _), one in zip(chosen, made, strict=True)
            ]
            await self._post("calldata")

    async def _settle_and_claim(self) -> None:
        window_s = self._deployment.parameters.challenge_window_s
        self._screen.say(f"moving the chain's clock {window_s + 1} s over the challenge window")
        await increase_time(self._chain, window_s + 1)
        with self._screen.step("settling"):
            await self._wait("settled batches", self._is_all_settled)
        # One is left to be claimed, so that the vault holds more than the ledger's balances.
        with self._screen.step("claiming withdrawals with Merkle proofs"):
            calls = []
            for person, withdrawal in self.told.withdrawals[:-1]:
                transaction = (await self._client.withdrawals.claim(withdrawal.id)).transaction
                to, data = (bytes.fromhex(transaction[name][2:]) for name in ("to", "data"))
                calls.append(Call(person.secret, to, data))
            self.told.claimed = await self._wallets.send(calls)
            await self._wait("claims", self._are_claims_known)

    async def _look_back(self) -> None:
        """Read what became of each payment, and what the chain alone would have cost."""
        told = self.told
        with self._screen.step(f"the baseline: {_TRANSFERS} plain ERC-20 transfers"):
            told.transfer_receipts = await self._wallets.send(
                [
                    self._transfer(line, one)
                    for line, one in zip(self._lines, told.transfers, strict=False)
                ]
            )
        async for payment in self._client.payments.list():
            told.statuses[payment.status] += 1
            if payment.batch is not None:
                told.payments_per_batch[int(payment.batch["number"])] += 1
        for number, batch in told.batches.items():
            receipt = await self._chain.receipt(bytes.fromhex(batch["tx_hash"][2:]))
            if receipt is not None:
                told.batch_receipts[number] = receipt
        newest = await self._client.send(Request("GET", "/v1/blocks", {"limit": 1}))
        told.block_count = int(newest["data"][0]["number"])

    async def _post(self, carrier: str) -> None:
        await self._client.send(post("/v1/batches", {"carrier": carrier}))
        await self._wait("a posted batch", self._is_all_posted)

    def _sum_of(self, line: Line) -> Sum:
        asset = self.assets[line.asset]
        return Sum(line.payer, asset, line.amount_minor(int(asset.raw["minor_decimals"])))

    def _transfer(self, line: Line, one: Sum) -> Call:
        token = self._deployment.token(line.asset)
        data = token.abi.call_data("transfer", line.payee.key.address, one.amount)
        return Call(line.payer.secret, token.address, data)

    async def _wait(self, what: str, is_done: Callable[[], Awaitable[bool]]) -> None:
        deadline = time.monotonic() + _WAIT_S
        while not await is_done():
            if time.monotonic() > deadline:
                raise RuntimeError(f"waited {_WAIT_S} s for {what}")
            await asyncio.sleep(_POLL_S)

    async def _are_assets_listed(self) -> bool:
        self.assets = {asset.code: asset async for asset in self._client.assets.list()}
        return len(self.assets) == len(self._deployment.tokens)

    async def _are_deposits_credited(self) -> bool:
        last_id = len(self.told.deposits) - 1
        answer = await self._client.send(Request("GET", "/v1/deposits", {"limit": 1}))
        newest = answer["data"][0] if answer["data"] else {"id": None}
        return newest["id"] == str(last_id) and newest["status"] == "credited"

    async def _is_all_posted(self) -> bool:
        last_payment = await self._client.payments.get(self.told.answered[-1][0].id)
        last_ids = [one.id for _, one in self.told.withdrawals[-1:]]
        withdrawals = [await self._client.withdrawals.get(one) for one in last_ids]
        return last_payment.batch is not None and all(one.batch for one in withdrawals)

    async def _is_all_settled(self) -> bool:
        answer = await self._client.send(Request("GET", "/v1/batches", {"limit": 100}))
        self.told.batches = {int(one["number"]): one for one in answer["data"]}
        return all(one["status"] == "settled" for one in self.told.batches.values())

    async def _are_claims_known(self) -> bool:
        ids = [one.id for _, one in self.told.withdrawals[:-1]]
        found = [await self._client.withdrawals.get(one) for one in ids]
        return all(one.status == "claimed" for one in found)

    def for_the_checker(self, api_url: str, csv_path: str) -> dict[str, Any]:
        """Return the story as `scripts/check_balances.py` reads it."""
        told, fee_owner = self.told, self._deployment.roles.fee_owner
        return {
            "api_url": api_url,
            "rpc_url": self._chain.url,
            "rollup": address_text(self._deployment.address("Rollup")),
            "fee_owner": "" if fee_owner is None else address_text(fee_owner),
            "payments_csv": csv_path,
            "fees_minor": [one.fee_minor for one in told.signed],
            "people": {person.name: person.address for person in self._people.all()},
            "assets": {
                code: {"token": asset.token, "decimals": asset.decimals, "unit": asset.unit}
                for code, asset in self.assets.items()
            },
            "minted": [
                {"person": one.person.name, "asset": one.asset.code, "amount": one.amount}
                for one in [*told.deposits, *told.transfers]
            ],
            "deposits": [
                {
                    "person": one.person.name,
                    "asset": one.asset.code,
                    "amount_minor": one.amount_minor,
                }
                for one in told.deposits
            ],
            "transfer_count": len(told.transfer_receipts),
            "withdrawals": [
                {
                    "person": person.name,
                    "asset": one.asset,
                    "amount_minor": one.amount,
                    "fee_minor": one.fee,
                    "claimed": index < len(told.claimed),
                }
                for index, (person, one) in enumerate(told.withdrawals)
            ],
        }
