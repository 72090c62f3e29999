"""The whole platform is killed (SIGKILL) at seeded points while customers pay, and comes back.

They pay alone, in groups, and by orders under a root.

- points: at a random time, while it starts, and around each step that leaves something behind
- after each: every order that was answered is final or rejected once, groups whole, the ledger
  equals the model, the records equal the ledger, batches form a chain, money is conserved
- at the end: all is posted and settled, each batch was submitted once, a withdrawal is claimed

Seeds are shown; `--crash-seed N` (again and again) runs some of them alone.
"""

import asyncio
import signal
import time
from random import Random

import pytest

from backend.settlement.client import ChainClient
from causeway import ApiConnectionError, AsyncClient
from causeway.errors import ApiStatusError
from causeway.transport import Request
from tests.faults import laws
from tests.faults.customers import Customer, RootedCustomer
from tests.faults.world import (
    World,
    authorise,
    bring_money_in,
    deposit_directly,
    made_world,
    settle_and_claim,
    wait_for,
)

DOOMED = "tests.faults.doomed_platform"
SEEDS = range(20)
LONG_SEEDS = range(100, 600)
ERA = 25  # crashes on one set of contracts
DEATH_S_MAX = 2  # how long a doomed platform is waited for
TRADE_S_MIN = 0.2
ROOTED_ORDERS = 500


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    chosen = metafunc.config.getoption("crash_seed")
    if "seeds" not in metafunc.fixturenames:
        return
    eras = [tuple(chosen)] if chosen else [tuple(SEEDS)]
    marks = [[]]
    if not chosen:
        starts = range(LONG_SEEDS.start, LONG_SEEDS.stop, ERA)
        eras += [tuple(range(start, start + ERA)) for start in starts]
        marks += [[pytest.mark.long] for _ in starts]
    metafunc.parametrize(
        "seeds",
        [
            pytest.param(era, marks=mark, id=f"{era[0]}-{era[-1]}")
            for era, mark in zip(eras, marks, strict=True)
        ],
    )


@pytest.mark.timeout(600)
async def test_kill_platform__seeded_points__holds(drill_chain, tmp_path, seeds):
    world = await made_world(tmp_path, drill_chain.port)
    drill = Drill(world)
    try:
        await drill.begin()
        for seed in seeds:
            print(f"seed {seed}")  # noqa: T201 - shown when it fails
            await drill.crash(Random(seed), seed)
            await drill.check()
        await drill.finish()
        if len(seeds) > 1:
            laws.all_kinds_were_paid(world, laws.journal_of(world))
    except BaseException:
        print(world.child.last_words())  # noqa: T201
        raise
    finally:
        world.child.kill()


class Drill:
    """Lives and deaths of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._customers: list[Customer] = []
        self._doom_file = world.data_dir / "doom"

    async def begin(self) -> None:
        """Start the platform, and bring money in."""
        world = self._world
        await self._start()
        await bring_money_in(world)
        self._customers = [
            Customer(person, asset, world.book, world.domain)
            for person in world.people
            for asset in world.assets.values()
        ]
        person, asset = world.people[-1], [*world.assets.values()][-1]
        rooted = RootedCustomer(person, asset, world.book, world.domain)
        payees = [one.key.address for one in world.people[:-1]]
        await authorise(world, person, rooted.prepare(Random(0), payees, ROOTED_ORDERS))
        self._customers[-1] = rooted

    async def crash(self, random: Random, seed: int) -> None:
        """Let customers trade until the platform dies, then start it again."""
        way = random.choice(["outside", "inside", "inside", "inside from the start", "start"])
        delay_s = random.uniform(0.05, 1.2)
        child = self._world.child
        # Most lives are too short for the set-up of proofs, which blobs need.
        carrier = random.choice(["calldata", "calldata", "auto"])
        if way != "outside":
            self._doom_file.write_text(str(seed))
        if way == "inside":
            child.process.send_signal(signal.SIGUSR1)
        elif way == "inside from the start":
            child.kill()
            self._spawn()
        trading = asyncio.create_task(self._trade(random))
        await self._death({"outside": delay_s, "start": TRADE_S_MIN}.get(way, DEATH_S_MAX))
        await trading
        if way == "start":
            self._doom_file.unlink()
            self._spawn()
            await self._death(delay_s)
        self._doom_file.unlink(missing_ok=True)
        child.settings = child.settings.model_copy(update={"batch_carrier": carrier})
        await self._start()

    async def check(self) -> None:
        """Ask for what is unknown, and compare everything with everything."""
        world = self._world
        chain = ChainClient(world.settings.rpc_url)
        try:
            async with world.client() as client:
                for customer in self._customers:
                    await customer.know_all(client)
                for customer in self._customers:
                    await customer.await_the_end(client)
                journal = laws.journal_of(world)
                laws.orders_end_once(world, journal)
                laws.ledger_is_the_model(world, journal)
                await laws.records_are_the_ledger(world, journal, client)
                await laws.vault_covers_all(world, journal, chain)
                await laws.batches_are_a_chain(world, chain)
        finally:
            await chain.close()

    async def finish(self) -> None:
        """Let all be posted and settled, and claim a withdrawal."""
        world = self._world
        chain = ChainClient(world.settings.rpc_url)
        try:
            async with world.client(retries_max=5) as client:
                await client.batches.post()
                await wait_for("posted orders", lambda: self._is_all_posted(client))
                numbers = await laws.batches_are_a_chain(world, chain)
                laws.submissions_are(world, numbers)
                await wait_for("the records", lambda: self._are_listed(numbers, client))
                await settle_and_claim(world, client)
            await self.check()
            await laws.claims_are_paid(world, chain)
            assert await world.child.terminate() == 0
            await wait_for("the end of proof processes", self._are_helpers_gone)
        finally:
            await chain.close()

    def _spawn(self) -> None:
        self._world.child.spawn(str(self._doom_file), module=DOOMED)

    async def _start(self) -> None:
        self._spawn()
        await self._world.child.wait_until_ready()

    async def _trade(self, random: Random) -> None:
        """Trade, ask for batches and deposit, until nobody answers."""
        world = self._world
        payees = [person.key.address for person in world.people] + [random.randbytes(20)]
        async with world.client(retries_max=0) as client:
            await client_is_there(world, client)
            trades = [
                customer.trade(client, Random(random.random()), payees)
                for customer in self._customers
            ]
            facts = [deposit_directly(world, random)] if random.randrange(4) == 0 else []
            if not facts and random.randrange(3) == 0:
                facts = [authorise(world, random.choice(world.people), random.randbytes(32))]
            await asyncio.gather(*trades, *facts, self._ask_for_batches(client, random))

    async def _ask_for_batches(self, client: AsyncClient, random: Random) -> None:
        has_proofs = self._world.child.settings.batch_carrier == "auto"
        carriers = ["blobs", "calldata", None] if has_proofs else ["calldata"]
        try:
            while True:
                await asyncio.sleep(random.uniform(0.1, 0.6))
                await client.batches.post(random.choice(carriers))
        except (ApiConnectionError, ApiStatusError):
            return

    async def _death(self, timeout_s: float) -> None:
        """Wait until the platform has died, and see to it that it does."""
        await self._world.child.died(timeout_s)
        self._world.child.kill()

    async def _is_all_posted(self, client: AsyncClient) -> bool:
        newest = await client.send(Request("GET", "/v1/blocks", {"limit": 1}))
        batches = await client.send(Request("GET", "/v1/batches", {"limit": 1}))
        waiting = await client.batches.post()
        has_all = waiting.operation_count == 0 and bool(batches["data"])
        return has_all and bool(newest["data"])

    async def _are_listed(self, numbers: list[int], client: AsyncClient) -> bool:
        """Whether the records show the batches of L1, and no other; they come a little later."""
        return [one.number async for one in client.batches.list()] == numbers[::-1]

    async def _are_helpers_gone(self) -> bool:
        return not self._world.child.living_helpers()


async def client_is_there(world: World, client: AsyncClient) -> None:
    """Wait until the API answers, or the platform has died."""
    deadline = time.monotonic() + DEATH_S_MAX
    while world.child.is_running and time.monotonic() < deadline:
        try:
            await client.send(Request("GET", "/healthz"))
        except ApiConnectionError:
            await asyncio.sleep(0.02)
        else:
            return
