"""A whole platform but for the chain: the real node and records behind the API, in one process."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from fastapi import FastAPI

from backend.access.api import Dependencies, create_api
from backend.access.approvals import ApprovalNeeds
from backend.access.fees import least_fee
from backend.access.services import Registers
from backend.access.settings import ApiSettings, FeePolicy
from backend.compliance.kyc import Attestor, SandboxProvider
from backend.custody import Custody
from backend.engine.log import LocalLog
from backend.engine.node import Node
from backend.engine.node_types import NodeConfig
from backend.keys import KeyStore
from backend.protocol.batches import BatchHeader
from backend.protocol.eip712 import kyc_domain
from backend.protocol.errors import BatchNotFound, ChainUnavailable
from backend.protocol.order_records import SignedOrder
from backend.protocol.orders import Order, PaymentOrder, WithdrawalOrder
from backend.protocol.signing import PrivateKey
from backend.protocol.types import Address, Asset, address_text
from backend.records.database import Databases, open_databases, sqlite_url
from backend.records.event_stream import EventStream
from backend.records.projections import Projections
from backend.records.projector import Projector
from backend.records.reader import Reader
from backend.records.registers.api_keys import ApiKeys
from backend.records.registers.applicants import Applicants
from backend.records.registers.collecting import CollectingRegisters
from backend.records.registers.custody import CustodyRegisters
from backend.records.registers.idempotency import IdempotencyKeys
from backend.records.registers.payouts import Payouts
from backend.records.registers.proposals import Proposals
from backend.records.turnover import Turnovers
from tests.unit.access.treasury import RETURNS, FakePayees, FakeTreasury
from tests.unit.engine.committee import (
    CHAIN_ID,
    COMMITTEE,
    DOMAIN,
    FEE_OWNER,
    IDENTITY,
    SEQUENCERS,
    START_MS,
    TOKEN,
    VALIDATORS,
    FakeL1,
    key,
)

API_KEY = "bootstrap-key-of-the-tests"
WEBHOOK_SECRET = "webhook-secret-of-the-tests"
REGISTRY = Address(b"\x0d" * 20)
EXITS = Address(b"\x0f" * 20)
WIDE_TOKEN = Address(b"\x0e" * 20)
USDC = Asset(1, TOKEN, 1, FEE_OWNER)
WIDE = Asset(2, WIDE_TOKEN, 10**12, Address(bytes(20)))  # 18 decimals, takes no fee
FUNDS = 1_000_000
BOUNTY_WEI = 1_200_000 * 10**9
SCRYPT_N_TESTS = 2  # keys of the tests guard nothing


class Clock:
    """The time of the tests: it starts in 2027 and can be moved on."""

    def __init__(self) -> None:
        self._started = time.monotonic_ns()
        self.offset_ms = 0

    def __call__(self) -> int:
        return START_MS + self.offset_ms + (time.monotonic_ns() - self._started) // 1_000_000


@dataclass(frozen=True)
class Name:
    symbol: str
    decimals: int


@dataclass(frozen=True)
class Permit:
    name: str
    version: str
    nonce: int


@dataclass(frozen=True)
class Authorization:
    name: str
    version: str
    is_used: bool


@dataclass
class FakeChain:
    """Answers what a chain would, or doesn't answer."""

    clock: Clock
    is_available: bool = True
    allowances: dict[Address, int] = field(default_factory=dict)
    takes_permits: bool = True
    knows_authorizations: bool = True
    used: set[bytes] = field(default_factory=set)  # nonces of authorisations
    revoked: list[Address] = field(default_factory=list)
    waiting_since_ts_s: int | None = None

    def _answer(self) -> None:
        if not self.is_available:
            raise ChainUnavailable()

    async def latest_ts_s(self) -> int:
        self._answer()
        return self.clock() // 1000 - 2

    async def token_name(self, token: Address) -> Name | None:
        self._answer()
        return {TOKEN: Name("USDC", 6), WIDE_TOKEN: Name("WIDE", 18)}.get(token)

    async def allowance(self, token: Address, owner: Address, spender: Address) -> int:
        self._answer()
        return self.allowances.get(owner, 0)

    async def exit_bounty_wei(self) -> int:
        self._answer()
        return BOUNTY_WEI

    async def exit_waiting_since_ts_s(self, account_id: int, owner: Address) -> int | None:
        self._answer()
        return self.waiting_since_ts_s

    async def permit_facts(self, token: Address, owner: Address) -> Permit | None:
        self._answer()
        return Permit("USD Coin", "2", 3) if self.takes_permits else None

    async def authorization_facts(
        self, token: Address, holder: Address, nonce: bytes
    ) -> Authorization | None:
        self._answer()
        facts = Authorization("USD Coin", "2", nonce in self.used)
        return facts if self.knows_authorizations else None

    async def revoke_person(self, person: Address) -> bytes:
        self._answer()
        self.revoked.append(person)
        return bytes(31) + len(self.revoked).to_bytes(1)


class NoPoster:
    """A chain on which nothing waits to be posted; it keeps what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.built: BatchHeader | None = None

    def post_now(self, carrier: str | None = None) -> None:
        self.asked.append(carrier)


class NoProofs:
    """Stands where the archive of batches will be."""

    def chunks(self, batch_number: int) -> Any:
        raise BatchNotFound(batch_number)

    async def evidence(self, batch_number: int) -> Any:
        raise BatchNotFound(batch_number)

    def withdrawal_proof(self, batch_number: int, slot_number: int) -> Any:
        raise BatchNotFound(batch_number)

    def account_proof(self, batch_number: int, account_id: int) -> Any:
        raise BatchNotFound(batch_number)


class NoKits:
    """Stands where exit kits are made: it knows whose one was asked for."""

    async def kit(self, owner: Address) -> Any:
        return {"object": "exit_kit", "owner": address_text(owner), "calls": []}


@dataclass
class World:
    """What a test may look at and turn."""

    node: Node
    clock: Clock
    databases: Databases
    projections: Projections
    projector: Projector
    stream: EventStream
    api: FastAPI
    dependencies: Dependencies
    client: httpx.AsyncClient
    l1: FakeL1

    @property
    def chain(self) -> FakeChain:
        chain = self.dependencies.chain
        assert isinstance(chain, FakeChain)
        return chain

    def state(self) -> Any:
        """What a refusal must not change: accounts with all that is pending, and the blocks."""
        accounts = [
            self.node.account(key(name).address, asset_id)
            for name in ("payer", "payee", "fee", "newcomer")
            for asset_id in (1, 2)
        ]
        return accounts, self.node.status().undecided_count, dict(self.node.assets())

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.client.post(path, json=body, headers=headers)

    async def pay(self, signed: SignedOrder, **headers: str) -> httpx.Response:
        return await self.post("/v1/payments", body_of(signed), **headers)

    async def settle(self) -> None:
        """Wait until the projections show all that is final."""
        await wait_until(lambda: self.node.status().undecided_count == 0)
        number = self.node.status().block_number
        await wait_until(lambda: self.projections.block_number >= number)


async def wait_until(condition: Any, timeout_s: int = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not happen")
        await asyncio.sleep(0.01)


def order(payer: PrivateKey, payee: Address, amount: int, nonce: int = 0, **fields: Any) -> Order:
    values = {"fee": 10, "valid_until": START_MS // 1000 + 3600, "asset": TOKEN} | fields
    return PaymentOrder(payer=payer.address, payee=payee, amount=amount, nonce=nonce, **values)


def withdrawal(payer: PrivateKey, amount: int, nonce: int = 0, **fields: Any) -> Order:
    values = {"fee": 10, "valid_until": START_MS // 1000 + 3600, "asset": TOKEN} | fields
    return WithdrawalOrder(payer=payer.address, amount=amount, nonce=nonce, **values)


def sign(payer: PrivateKey, unsigned: Order) -> SignedOrder:
    return SignedOrder(unsigned, payer.sign_digest(unsigned.digest(DOMAIN)))


def body_of(signed: SignedOrder) -> dict[str, Any]:
    return {"order": signed.order.message(), "signature": "0x" + signed.signature.hex()}


def error_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def funded_chain() -> FakeL1:
    """Return L1 facts: both assets, and money of each for payer and payee."""
    l1 = FakeL1()
    l1.list_asset(USDC)
    l1.list_asset(WIDE)
    for name in ("payer", "payee"):
        l1.deposit(key(name).address, FUNDS, USDC)
        l1.deposit(key(name).address, FUNDS, WIDE)
    return l1


def settings_of(**changes: Any) -> ApiSettings:
    values: dict[str, Any] = {
        "domain": DOMAIN,
        "kyc_registry": REGISTRY,
        "exits": EXITS,
        "exit_deadline_ms": 600_000,
        "challenge_window_ms": 60_000,
        "fees": {1: FeePolicy(10, 0)},
        "bootstrap_api_key": API_KEY,
        "heartbeat_ms": 200,
    }
    return ApiSettings(**(values | changes))


def dependencies_of(
    settings: ApiSettings,
    node: Node,
    clock: Clock,
    databases: Databases,
    stream: EventStream,
    folder: Path,
) -> Dependencies:
    registers = Registers(
        ApiKeys(databases.registers),
        Applicants(databases.registers),
        IdempotencyKeys(databases.registers),
        CollectingRegisters.of(databases.registers),
        CustodyRegisters.of(databases.registers),
    )
    store = KeyStore(folder / "custody", "correct horse", SCRYPT_N_TESTS)
    return Dependencies(
        settings=settings,
        node=node,
        chain=FakeChain(clock),
        proofs=NoProofs(),
        exit_kits=NoKits(),
        poster=NoPoster(),
        reader=Reader(databases.projections),
        stream=stream,
        registers=registers,
        kyc_provider=SandboxProvider(WEBHOOK_SECRET),
        attestor=Attestor(kyc_domain(CHAIN_ID, REGISTRY), key("attestor")),
        custody=Custody(store, registers.custody.key_uses, DOMAIN, clock),
        approvals=ApprovalNeeds(
            Proposals(databases.registers),
            Payouts(databases.registers),
            FakeTreasury(clock),
            FakePayees(),
            RETURNS,
        ),
        bonuses=None,
        turnovers=Turnovers(databases.projections),
        clock_ms=clock,
        problems=lambda: [] if node.status().failure is None else ["the node is down"],
    )


@cache
def _new_databases() -> dict[str, bytes]:
    """Return both files as a first start leaves them."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("r.sqlite3", "p.sqlite3")]
        open_databases(*map(sqlite_url, paths)).dispose()
        return {path.name: path.read_bytes() for path in paths}


def _databases_in(folder: Path) -> Databases:
    """Open a folder's databases. New ones are copies: all steps of the migrations take longer than
    most tests."""
    paths = [folder / name for name in _new_databases()]
    for path in paths:
        if not path.exists():
            path.write_bytes(_new_databases()[path.name])
    return open_databases(*map(sqlite_url, paths))


@asynccontextmanager
async def running_world(folder: Path, **settings: Any) -> AsyncIterator[World]:
    """Start everything with two funded accounts of each asset, and stop it in the end."""
    clock, l1, api_settings = Clock(), funded_chain(), settings_of(**settings)
    databases = _databases_in(folder)
    config = NodeConfig(
        IDENTITY, COMMITTEE, tuple(VALIDATORS), tuple(SEQUENCERS), order_wait_ms_max=100
    )
    log = LocalLog(folder / "log")
    node = Node(config, log, l1, clock, least_fee=least_fee(api_settings))
    projections = Projections(databases.projections, DOMAIN)
    stream = EventStream(databases.projections)
    projector = Projector(projections, stream)
    node.observers.append(projector.observe)
    await node.start()
    projector.start(node.replay)
    needs = dependencies_of(api_settings, node, clock, databases, stream, folder)
    api = create_api(needs)
    transport = httpx.ASGITransport(api, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {API_KEY}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://api", headers=headers
    ) as client:
        world = World(
            node, clock, databases, projections, projector, stream, api, needs, client, l1
        )
        await wait_until(lambda: node.account(key("payee").address, 2) is not None)
        await world.settle()
        try:
            yield world
        finally:
            await node.stop()
            projector.stop()
            log.close()
            databases.dispose()
