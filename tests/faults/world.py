"""One deployment with its platform and people who have money in it: what drills work on."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from backend.assembly import node_config
from backend.config import Settings
from backend.deploying import deploy_platform, platform_keys
from backend.engine.log import LocalLog, copy_log
from backend.engine.node_types import NodeConfig
from backend.engine.recovery import final_blocks
from backend.engine.replica import FinalBlock
from backend.settlement.anvil import dev_secret, increase_time
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import Deployment
from causeway import AsyncClient
from causeway.models import Asset
from causeway.signing import Domain
from causeway.transport import Request
from scripts.demo.money_in import MoneyIn, Sum
from scripts.demo.people import People, Person
from scripts.demo.wallets import Call, Wallets
from tests.faults.customers import Book
from tests.faults.platform_child import Child, drill_settings

NAMES = tuple(f"payer {index}" for index in range(5))
DEPOSIT_MINOR = 1_000_000_000
WAIT_S_MAX = 120
_POLL_S = 0.05


async def wait_for(what: str, is_done: Callable[[], Awaitable[bool]]) -> None:
    """Ask until something is so."""
    deadline = time.monotonic() + WAIT_S_MAX
    while not await is_done():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {WAIT_S_MAX} s for {what}")
        await asyncio.sleep(_POLL_S)


@dataclass
class World:
    """Everything that outlives the platform's process."""

    settings: Settings
    deployment: Deployment
    node_config: NodeConfig
    people: list[Person]
    child: Child
    book: Book = field(default_factory=Book)
    assets: dict[str, Asset] = field(default_factory=dict)

    @property
    def domain(self) -> Domain:
        return Domain(self.deployment.chain_id, self.deployment.address("Rollup"))

    @property
    def data_dir(self) -> Path:
        return self.settings.data_dir

    def client(self, **options: object) -> AsyncClient:
        return self.child.client(self.domain, **options)

    def blocks(self) -> list[FinalBlock]:
        """Return all final blocks, from a copy of the log: the platform may have it open."""
        with self.copied_log("ledger.log") as log:
            return list(final_blocks(self.node_config.committee, log, None, 1))

    @contextmanager
    def copied_log(self, name: str) -> Iterator[LocalLog]:
        """Open a copy of a log of the platform's; a frame that is half written is left out."""
        folder = self.data_dir / "copies"
        folder.mkdir(exist_ok=True)
        copy = folder / name
        copy_log(self.data_dir / name, copy)
        with LocalLog(copy) as log:
            yield log


async def made_world(folder: Path, chain_port: int, **changes: object) -> World:
    """Deploy contracts and return a world whose platform has not been started."""
    settings = drill_settings(folder, chain_port, **changes)
    client = ChainClient(settings.rpc_url)
    try:
        deployment = (await deploy_platform(client, settings)).deployment
    finally:
        await client.close()
    keys = platform_keys(settings, deployment.chain_id)
    config = node_config(settings, deployment, keys)
    people = People(str(folder))
    return World(settings, deployment, config, [people[name] for name in NAMES], Child(settings))


async def bring_money_in(world: World, people: list[Person] | None = None) -> None:
    """Let everybody be checked, and deposit, until it is credited. The platform runs."""
    people = world.people if people is None else people
    chain = ChainClient(world.settings.rpc_url)
    try:
        async with world.client() as client:

            async def are_listed() -> bool:
                world.assets = {asset.code: asset async for asset in client.assets.list()}
                return len(world.assets) == len(world.deployment.tokens)

            await wait_for("assets", are_listed)
            # A check reaches the chain with a deposit, too late to be given a regulated asset.
            regulated = {one.symbol for one in world.deployment.tokens if one.level_needed}
            world.assets = {c: asset for c, asset in world.assets.items() if c not in regulated}
            wallets = Wallets(chain)
            money_in = MoneyIn(client, chain, wallets, world.deployment)
            sums = [
                Sum(person, asset, DEPOSIT_MINOR)
                for person in people
                for asset in world.assets.values()
            ]
            await wallets.give_gas_money([person.key.address for person in people])
            await money_in.check(people)
            await money_in.mint(sums)
            await money_in.deposit(sums)
            world.book.deposits += sums
            await wait_for("deposits", lambda: are_credited(world, client))
    finally:
        await chain.close()


async def deposit_directly(world: World, random: Random) -> None:
    """Let somebody deposit on the chain while the platform may be dead: he was checked before."""
    person, asset = random.choice(world.people), random.choice([*world.assets.values()])
    one = Sum(person, asset, random.randrange(1, 1_000))
    token, rollup = world.deployment.token(asset.code), world.deployment.rollup
    owner = person.key.address
    calls = [
        Call(dev_secret(0), token.address, token.abi.call_data("mint", owner, one.amount)),
        Call(
            person.secret,
            token.address,
            token.abi.call_data("approve", rollup.address, one.amount),
        ),
        Call(
            person.secret,
            rollup.address,
            rollup.abi.call_data("deposit", asset.asset_id, owner, one.amount, b""),
        ),
    ]
    chain = ChainClient(world.settings.rpc_url)
    try:
        wallets = Wallets(chain)
        await wallets.send(calls[:1])
        await wallets.send(calls[1:])
    finally:
        await chain.close()
    world.book.deposits.append(one)


async def authorise(world: World, person: Person, root: bytes) -> None:
    """Let somebody authorise a root of orders on the chain."""
    rollup = world.deployment.rollup
    call = Call(person.secret, rollup.address, rollup.abi.call_data("authorizeOrders", root))
    chain = ChainClient(world.settings.rpc_url)
    try:
        await Wallets(chain).send([call])
    finally:
        await chain.close()


async def are_credited(world: World, client: AsyncClient) -> bool:
    """Return whether the newest deposit of the book is credited."""
    last_id = len(world.book.deposits) - 1
    answer = await client.send(Request("GET", "/v1/deposits", {"limit": 1}))
    newest = answer["data"][0] if answer["data"] else {"id": None}
    return newest["id"] == str(last_id) and newest["status"] == "credited"


async def settle_and_claim(world: World, client: AsyncClient) -> None:
    """Let all posted batches be settled, and claim the first and the last withdrawal."""
    chain = ChainClient(world.settings.rpc_url)
    try:
        await increase_time(chain, world.deployment.parameters.challenge_window_s + 1)
        await wait_for("settled batches", lambda: is_all_settled(client))
        withdrawals = [one async for one in client.withdrawals.list(status="settled")]
        people = {person.address: person for person in world.people}
        calls = {}
        for one in (*withdrawals[:1], *withdrawals[-1:]):
            claim = (await client.withdrawals.claim(one.id)).transaction
            to, data = (bytes.fromhex(claim[name][2:]) for name in ("to", "data"))
            calls[bytes.fromhex(one.id[2:])] = Call(people[one.payer].secret, to, data)
        await Wallets(chain).send([*calls.values()])
        world.book.claimed |= calls.keys()

        async def are_claimed() -> bool:
            found = [await client.withdrawals.get("0x" + id_.hex()) for id_ in calls]
            return all(one.status == "claimed" for one in found)

        await wait_for("claims", are_claimed)
    finally:
        await chain.close()


async def is_all_settled(client: AsyncClient) -> bool:
    """Return whether every batch that the platform knows is settled."""
    batches = [one async for one in client.batches.list()]
    return bool(batches) and all(one.status == "settled" for one in batches)
