"""The watcher on a real chain.

- a deposit: seen at once, confirmed and counted when a block is on top
- listings, batches and the registry's events
- a reorganisation: a deposit gone, and seen again
- a reorganisation deeper than the confirmations: stops
- a late start: the same facts and the same event ids
- no chain: unavailable, then recovers
"""

import pytest

from backend.protocol.errors import ChainUnavailable
from backend.settlement.anvil import start_anvil, stop_anvil
from backend.settlement.events import (
    AssetListed,
    DepositConfirmed,
    DepositGone,
    DepositSeen,
    PersonAttested,
)
from backend.settlement.watcher import ConfirmedBlockGone, Watcher
from tests.e2e.settlement.chain import OTHER_OWNER, OWNER


@pytest.fixture
def watcher(l1):
    return watched(l1)


def watched(l1, **options):
    watcher = Watcher(l1.client, l1.deployment, **options)
    watcher.events = []
    watcher.observers.append(watcher.events.append)
    return watcher


def kinds(events):
    return [type(event) for event in events if isinstance(event, DepositSeen.__mro__[1])]


async def test_poll__deposit__succeeds(l1, watcher):
    await l1.fund(OWNER, 5_000_000)
    await watcher.poll()
    receipt = await l1.deposit(OWNER, 2_000_000)

    await watcher.poll()
    seen = kinds(watcher.events)
    before = list(watcher.deposits(0, receipt.block.number))
    await l1.mine()
    await watcher.poll()

    assert (seen[0], before) == (DepositSeen, [])
    assert kinds(watcher.events)[:2] == [DepositSeen, DepositConfirmed]
    [record] = watcher.deposits(0, receipt.block.number)
    assert (record.owner, record.asset_id, record.amount_minor) == (OWNER.address, 1, 2_000_000)
    assert watcher.deposits(0, receipt.block.number - 1) == []
    assert watcher.deposits(1, receipt.block.number) == []
    assert watcher.confirmed().number >= receipt.block.number
    stored = await l1.client.read(l1.rollup.contract, "depositHash", 1)
    assert record.chain_hash(bytes(32)) == stored


async def test_poll__listings__succeeds(l1, watcher):
    await l1.mine()

    await watcher.poll()

    point = watcher.confirmed()
    assets = watcher.listings(0, point.number)
    assert [(a.asset_id, a.unit) for a in assets] == [(1, 1), (2, 10**12), (3, 1)]
    assert watcher.listings(1, point.number) == assets[1:]
    assert watcher.listings(0, 0) == []
    assert [e.asset for e in watcher.events if isinstance(e, AssetListed)] == assets
    block = await l1.client.block(point.number)
    assert block.block_hash == point.block_hash
    assert watcher.is_block(point.number, point.block_hash)
    assert not watcher.is_block(point.number, bytes(32))


async def test_poll__attestation__succeeds(l1, watcher):
    await l1.attest(OWNER)
    await l1.mine()

    await watcher.poll()

    [event] = [e for e in watcher.events if isinstance(e, PersonAttested)]
    assert (event.person, event.level) == (OWNER.address, 1)


async def test_poll__deposit_reorganised__succeeds(l1, client):
    watcher = watched(l1, confirmations=20)
    await l1.fund(OWNER, 5_000_000)
    await l1.fund(OTHER_OWNER, 5_000_000)
    await watcher.poll()
    first = await l1.deposit(OWNER, 1_000_000)
    await watcher.poll()

    head = await client.latest()
    await l1.reorganise(head.number - first.block.number + 1)
    await watcher.poll()
    gone = kinds(watcher.events)
    await l1.deposit(OTHER_OWNER, 3_000_000)
    await l1.mine(20)
    await watcher.poll()

    assert gone == [DepositSeen, DepositGone]
    assert kinds(watcher.events)[2:] == [DepositSeen, DepositConfirmed]
    [record] = watcher.deposits(0, watcher.confirmed().number)
    assert record.owner == OTHER_OWNER.address
    assert len(watcher.events) == len(set(watcher.events))


async def test_poll__confirmed_block_reorganised__rejects(l1, watcher):
    await l1.mine(5)
    await watcher.poll()

    await l1.reorganise(4)

    with pytest.raises(ConfirmedBlockGone):
        await watcher.poll()


async def test_poll__late_start__succeeds(l1, watcher):
    await l1.fund(OWNER, 5_000_000)
    await watcher.poll()
    await l1.deposit(OWNER, 2_000_000)
    await watcher.poll()
    await l1.mine(300)
    await watcher.poll()

    late = watched(l1)
    await late.poll()

    assert [e for e in late.events if not isinstance(e, DepositSeen)] == [
        e for e in watcher.events if not isinstance(e, DepositSeen)
    ]
    number = watcher.confirmed().number
    assert late.deposits(0, number) == watcher.deposits(0, number)


async def test_poll__long_absence__succeeds(l1, watcher):
    await watcher.poll()
    await l1.fund(OWNER, 5_000_000)
    await l1.deposit(OWNER, 2_000_000)
    await l1.mine(400)

    await watcher.poll()

    assert len(watcher.deposits(0, watcher.confirmed().number)) == 1


async def test_confirmed__before_the_first_poll__is_genesis_holds(l1, watcher):
    genesis = await l1.client.block(0)

    confirmed = watcher.confirmed()

    assert confirmed == genesis.point


async def test_poll__chain_down__recovers_succeeds(client, anvil, tmp_path):
    pid_file, state_file = tmp_path / "second.pid", tmp_path / "state.json"
    await client.chain_id()
    await stop_anvil(tmp_path / "anvil.pid")
    with pytest.raises(ChainUnavailable) as error:
        await client.latest()

    await start_anvil(pid_file, port=anvil.port, state_file=state_file)
    head = await client.latest()
    await stop_anvil(pid_file)

    assert error.value.code == "CHAIN_UNAVAILABLE"
    assert head.number >= 0
