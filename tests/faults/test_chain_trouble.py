"""The whole platform while the chain, or the disk, is in trouble.

- the chain is away for a while: payments go on, deposits answer 503, batches follow later
- a reorganisation takes back a deposit: it is gone; sent again it is credited once
- a reorganisation takes back a root of orders, or an exit: nothing is paid by it, nothing swept;
  authorised or asked for again it counts once
- a reorganisation takes back a submission, and its pin: posted again under the same number, once
- a reorganisation takes back what was confirmed: the platform ends, and says why
- the disk is full: 503 DISK_FULL, what can be read is; after a restart with space nothing is lost
"""

import asyncio
import json
import resource
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from backend.protocol.signing import PrivateKey
from backend.protocol.types import AuthorisedRoot
from backend.settlement.anvil import increase_time, mine, start_anvil, stop_anvil
from backend.settlement.chain import Done
from backend.settlement.client import ChainClient
from backend.settlement.sender import Sender
from causeway import AsyncClient, NotFound
from causeway.errors import ServerError
from causeway.leaving import Exit
from causeway.transport import Request
from scripts.demo.people import Person
from scripts.ports import free_port
from tests.faults import laws
from tests.faults.customers import Customer, RootedCustomer
from tests.faults.world import (
    World,
    are_credited,
    authorise,
    bring_money_in,
    deposit_directly,
    is_all_settled,
    made_world,
    wait_for,
)

DEEP = 5
BY_HAND = {"confirmations": DEEP, "batch_age_ms_max": 3_600_000, "batch_carrier": "calldata"}
"""Batches come when they are asked for, and without the set-up of proofs, which takes seconds."""


@pytest.fixture
async def anvil(tmp_path):
    """A chain that this drill alone may trouble."""
    files = {"state_file": tmp_path / "chain.json", "log_file": tmp_path / "anvil.log"}
    started = await start_anvil(tmp_path / "anvil.pid", port=free_port(), **files)
    yield started
    await stop_anvil(tmp_path / "anvil.pid")


@pytest.fixture
async def l1(anvil):
    client = ChainClient(anvil.url)
    yield client
    await client.close()


@asynccontextmanager
async def running(folder, port: int, **changes: object):
    """Run a platform in which people have money; yield it with a client that asks once."""
    world = await made_world(folder, port, **changes)
    try:
        await world.child.start()
        await bring_money_in(world)
        async with world.client() as client:
            yield world, client
    except BaseException:
        print(world.child.last_words())  # noqa: T201 - shown when it fails
        raise
    finally:
        world.child.kill()


def customer_of(world: World, index: int = 0) -> Customer:
    """Return somebody who has not paid yet."""
    asset = next(iter(world.assets.values()))
    return Customer(world.people[index], asset, world.book, world.domain)


async def pay(world: World, client: AsyncClient, index: int = 0, times: int = 5) -> None:
    """Let somebody send orders, and see them end."""
    customer = customer_of(world, index)
    await customer.trade(client, Random(index), [world.people[-1].key.address], times)
    await customer.await_the_end(client)


async def all_is_well(world: World, client: AsyncClient, chain: ChainClient) -> None:
    """Have everything posted, and compare all with all."""

    async def is_all_posted() -> bool:
        if (await client.batches.post()).operation_count:
            await mine(chain)
            return False
        return True

    await wait_for("posted orders", is_all_posted)
    journal = laws.journal_of(world)
    laws.orders_end_once(world, journal)
    laws.ledger_is_the_model(world, journal)
    await laws.records_are_the_ledger(world, journal, client)
    await laws.vault_covers_all(world, journal, chain)
    laws.submissions_are(world, await laws.batches_are_a_chain(world, chain))


async def mine_by_hand(chain: ChainClient) -> None:
    """Let blocks come with transactions and by `mine` alone."""
    await chain.rpc("evm_setIntervalMining", 0)
    await chain.rpc("evm_setAutomine", True)


async def reorganise(chain: ChainClient, from_block: int) -> None:
    """Replace the newest blocks, `from_block` too, by empty ones, and one more."""
    head = await chain.latest()
    await chain.rpc("anvil_reorg", head.number - from_block + 1, [])
    await mine(chain)


async def test_chain_away__payments_meanwhile__final_then_posted_succeeds(tmp_path, anvil, l1):
    async with running(tmp_path, anvil.port) as (world, client):
        await stop_anvil(tmp_path / "anvil.pid")

        await pay(world, client)
        with pytest.raises(ServerError) as refused:
            await client.deposits.prepare(owner=world.people[0].address, asset="USDX", amount=1)
        await asyncio.sleep(3)  # longer than a pause between two questions
        await pay(world, client, index=1)
        final = laws.journal_of(world).executed
        await start_anvil(
            tmp_path / "anvil.pid", port=anvil.port, state_file=tmp_path / "chain.json"
        )

        assert (refused.value.status_code, refused.value.code) == (503, "CHAIN_UNAVAILABLE")
        assert len(final) >= 10
        await all_is_well(world, client, l1)


async def test_reorganise__deposit__is_gone_and_credited_once_succeeds(tmp_path, anvil, l1):
    async with running(tmp_path, anvil.port, confirmations=DEEP) as (world, client):
        await mine_by_hand(l1)
        index = len(world.book.deposits)
        await deposit_directly(world, Random(1))
        block = (await l1.latest()).number
        await wait_for("the deposit", lambda: has_status(client, index, "seen"))

        await reorganise(l1, block)
        await wait_for("its end", lambda: has_status(client, index, None))
        vault = await laws.vault_minor(world, l1)
        world.book.deposits.pop()
        await deposit_directly(world, Random(1))
        await mine(l1, DEEP)
        await wait_for("the credit", lambda: are_credited(world, client))

        one = world.book.deposits[-1]
        vault[one.asset.code] += one.amount_minor
        assert await laws.vault_minor(world, l1) == vault
        await all_is_well(world, client, l1)
        assert len([e async for e in client.deposits.list()]) == index + 1


async def until(chain: ChainClient, what: str, is_done: Callable[[], Awaitable[bool]]) -> None:
    """Let blocks come until something is so."""

    async def is_done_in_a_block() -> bool:
        await mine(chain)
        return await is_done()

    await wait_for(what, is_done_in_a_block)


async def gone_after_it_was_read(world: World, client: AsyncClient, chain: ChainClient) -> None:
    """Let the platform read the newest block, take the block back, and have later ones confirmed.
    A deposit tells how far it is."""
    block = (await chain.latest()).number
    index = len(world.book.deposits)
    await deposit_directly(world, Random(1))
    await wait_for("the deposit", lambda: has_status(client, index, "seen"))
    await reorganise(chain, block)
    await wait_for("its end", lambda: has_status(client, index, None))
    world.book.deposits.pop()
    await deposit_directly(world, Random(1))
    await mine(chain, DEEP)
    await wait_for("the credit", lambda: are_credited(world, client))


async def test_reorganise__root__counts_once_authorised_again_succeeds(tmp_path, anvil, l1):
    async with running(tmp_path, anvil.port, **BY_HAND) as (world, client):
        await mine_by_hand(l1)
        payer, payees = world.people[0], [world.people[-1].key.address]
        asset = next(iter(world.assets.values()))
        customer = RootedCustomer(payer, asset, world.book, world.domain)
        root = customer.prepare(Random(0), payees, order_count=3)
        await authorise(world, payer, root)
        await gone_after_it_was_read(world, client, l1)

        await customer.trade(client, Random(0), payees, times_max=3)
        assert not world.book.answered
        assert not laws.journal_of(world).executed
        await authorise(world, payer, root)
        await mine(l1, DEEP)
        await customer.know_all(client)
        await customer.await_the_end(client)

        journal = laws.journal_of(world)
        assert journal.executed == [*world.book.sent]
        roots = [one for final in journal.blocks for one in final.body.roots]
        assert roots == [AuthorisedRoot(payer.key.address, root)]
        await all_is_well(world, client, l1)


async def test_reorganise__exit__is_swept_once_asked_again_succeeds(tmp_path, anvil, l1):
    async with running(tmp_path, anvil.port, **BY_HAND) as (world, client):
        await mine(l1, DEEP)
        await client.batches.post()
        await wait_for("the deposits' batch", lambda: is_posted(client, 1))
        await mine(l1, 2 * DEEP)  # what will be taken back holds no batch
        await mine_by_hand(l1)
        leaver = next(one for one in world.people if one is not Random(1).choice(world.people))
        asset = next(iter(world.assets))
        account = await client.accounts.get(leaver.key.address, asset)
        await wait_for("the proof", lambda: is_asked_for(leaver, asset, client, l1))
        await gone_after_it_was_read(world, client, l1)

        assert await exits_of(leaver, client) == []
        assert await client.accounts.get(leaver.key.address, asset) == account
        assert await is_asked_for(leaver, asset, client, l1)
        await mine(l1, DEEP)
        await wait_for("the sweep", lambda: has_left(leaver, client, "swept"))
        await increase_time(l1, 2)  # a batch of the same second shows nothing
        await client.batches.post()

        await until(l1, "its showing", lambda: has_left(leaver, client, "served"))
        await increase_time(l1, world.deployment.parameters.challenge_window_s)
        await until(l1, "settled batches", lambda: is_all_settled(client))

        [exit_] = await exits_of(leaver, client)
        [swept] = [one async for one in client.withdrawals.list(payer=leaver.key.address)]
        assert exit_.withdrawals == [swept.id]
        await send(leaver, (await client.withdrawals.claim(swept.id)).transaction, l1)
        token = world.deployment.token(asset)
        paid = await l1.read(token, "balanceOf", leaver.key.address)
        assert paid == account.balance * world.assets[asset].unit > 0


@pytest.mark.parametrize("deeper", [0, 2], ids=["the submission", "its pin, too"])
async def test_reorganise__submission__is_posted_once_succeeds(tmp_path, anvil, l1, deeper):
    async with running(tmp_path, anvil.port, confirmations=DEEP, batch_age_ms_max=3_600_000) as (
        world,
        client,
    ):
        await mine(l1, DEEP)
        await client.batches.post()
        await wait_for("the deposits' batch", lambda: is_posted(client, 1))
        await mine(l1, 2 * DEEP)  # no fact of a block is in what will be taken back
        await mine_by_hand(l1)
        await pay(world, client)
        await client.batches.post("calldata")
        await wait_for("the batch", lambda: is_posted(client, 2))
        await wait_for("the submitter's note", lambda: has_step(world, "mined"))
        batch = await client.batches.get(2)

        await reorganise(l1, int(batch.raw["l1_block"]) - deeper)
        await wait_for("its end", lambda: has_step(world, "gone"))
        await all_is_well(world, client, l1)

        assert len(await laws.batches_are_a_chain(world, l1)) == 2


async def test_reorganise__confirmed_deposit__ends_the_platform_rejects(tmp_path, anvil, l1):
    async with running(tmp_path, anvil.port) as (world, _client):
        await mine_by_hand(l1)
        await deposit_directly(world, Random(1))
        block = (await l1.latest()).number
        await mine(l1, 3)
        async with world.client() as client:
            await wait_for("the credit", lambda: are_credited(world, client))

        await reorganise(l1, block)
        code = await world.child.ended()

        assert code == 1, world.child.last_words()
        line = world.child.last_words().splitlines()[-1]
        assert line.startswith("causeway: L1 block ")
        assert "was confirmed and is gone. Stop the node" in line


async def test_disk_full__payments__nothing_is_lost_succeeds(tmp_path, anvil, l1):
    async with running(tmp_path, anvil.port) as (world, client):
        await pay(world, client)
        customer = customer_of(world, index=1)
        no_more = (1, resource.RLIM_INFINITY)
        resource.prlimit(world.child.process.pid, resource.RLIMIT_FSIZE, no_more)

        answers = [await customer.try_one(client, Random(7)) for _ in range(3)]
        ready = await readiness(world)
        account = await client.accounts.get(world.people[0].address, "USDX")
        world.child.kill()
        await world.child.start()
        await customer.know_all(client)
        await customer.await_the_end(client)

        assert answers == [(503, "DISK_FULL")] * 3
        assert ready == 503
        assert account.balance > 0
        await all_is_well(world, client, l1)


async def is_asked_for(person: Person, asset: str, client: AsyncClient, chain: ChainClient) -> bool:
    """Ask the chain for an exit, if his account is under a confirmed batch yet."""
    try:
        prepared = await client.exits.prepare(owner=person.key.address, asset=asset)
    except NotFound:
        return False
    await send(person, prepared.transaction, chain)
    return True


async def send(person: Person, prepared: dict[str, Any], chain: ChainClient) -> None:
    """Send a transaction that the platform has prepared."""
    to, data = (bytes.fromhex(prepared[name][2:]) for name in ("to", "data"))
    sender = Sender(chain, PrivateKey(person.secret))
    outcome = await sender.send(to, data, value_wei=int(prepared["value"], 16))
    assert isinstance(outcome, Done), outcome


async def exits_of(person: Person, client: AsyncClient) -> list[Exit]:
    return [one async for one in client.exits.list(owner=person.key.address)]


async def has_left(person: Person, client: AsyncClient, status: str) -> bool:
    """Return whether an exit of his has got so far."""
    return status in [one.status for one in await exits_of(person, client)]


async def readiness(world: World) -> int:
    async with world.client() as client:
        try:
            await client.send(Request("GET", "/readyz"))
        except ServerError as error:
            return error.status_code
        return 200


async def has_status(client: AsyncClient, index: int, status: str | None) -> bool:
    try:
        return (await client.deposits.get(str(index))).status == status
    except NotFound:
        return status is None


async def is_posted(client: AsyncClient, number: int) -> bool:
    try:
        return (await client.batches.get(number)).raw["tx_hash"] is not None
    except NotFound:
        return False


async def has_step(world: World, step: str) -> bool:
    """Return whether the submitter has noted a step of batch 2."""
    with world.copied_log("submissions.log") as log:
        steps = [json.loads(entry) for entry in log.read()]
    return any((one["step"], one["number"]) == (step, 2) for one in steps)
