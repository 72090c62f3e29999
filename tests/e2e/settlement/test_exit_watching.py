"""What the watcher tells of exits, roll-backs and the freeze, on a real chain.

- a roll-back: told when it is confirmed, and with it what was posted in the batch's place
- the same, read late, or reorganised away before it was confirmed
- an exit request in its index order, the epoch of a committee, a freeze
"""

import pytest

from backend.protocol.types import address_text
from backend.settlement.events import (
    BatchConfirmed,
    BatchGone,
    BatchPosted,
    BatchRolledBack,
    ExitRequested,
    RollupFrozen,
)
from backend.settlement.watcher import Watcher
from tests.e2e.settlement.chain import OWNER, VALIDATORS
from tests.e2e.settlement.test_exit_kit import Leaver, posted_twice
from tests.e2e.settlement.thief import Thief

BATCH_EVENTS = (BatchPosted, BatchConfirmed, BatchGone, BatchRolledBack)
DEEP = 20


def watched(l1, confirmations):
    watcher = Watcher(l1.client, l1.deployment, confirmations=confirmations)
    watcher.told = []
    watcher.observers.append(watcher.told.append)
    return watcher


def of_batches(watcher):
    """Return what was told of batches: each kind with the first bytes of the header's hash."""
    told = [event for event in watcher.told if isinstance(event, BATCH_EVENTS)]
    return [(type(event), event.batch.header_hash[:4]) for event in told]


async def roll_back(l1, number):
    """Let L1 take a batch back, as if its fraud was proven; return the block's number."""
    batch = (await l1.rollup.posted(number)).accepted
    judge = address_text(l1.deployment.address("Disputes"))
    await l1.client.rpc("anvil_impersonateAccount", judge)
    await l1.client.rpc("anvil_setBalance", judge, hex(10**18))
    data = l1.rollup.contract.abi.call_data("rollBack", batch.arguments(), bytes(20))
    call = {
        "from": judge,
        "to": address_text(l1.rollup.contract.address),
        "data": "0x" + data.hex(),
    }
    await l1.client.rpc("eth_sendTransaction", call)
    return (await l1.client.latest()).number


async def post_empty(l1, kzg):
    """Post batch 1 without operations; return the first bytes of its header's hash."""
    thief = Thief(l1, kzg)
    header, chunks = await thief.batch([])
    await thief.post(header, chunks)
    return header.digest(l1.rollup.domain)[:4]


async def stake_again(l1):
    """The roll-back has taken the signers' stakes: without whole ones nobody's vote counts."""
    committee = l1.deployment.committee
    stake_wei = await l1.client.read(committee, "stakeWei")
    for key in VALIDATORS:
        await l1.client.rpc("anvil_setBalance", address_text(key.address), hex(100 * 10**18))
        await l1.client.rpc("anvil_impersonateAccount", address_text(key.address))
        data = committee.abi.call_data("stake", key.address)
        call = {
            "from": address_text(key.address),
            "to": address_text(committee.address),
            "data": "0x" + data.hex(),
            "value": hex(stake_wei),
        }
        await l1.client.rpc("eth_sendTransaction", call)


@pytest.mark.parametrize("is_late", [False, True])
async def test_poll__batch_rolled_back_and_replaced__is_told_in_order_succeeds(l1, kzg, is_late):
    watcher = watched(l1, DEEP)
    first = await post_empty(l1, kzg)
    if not is_late:
        await watcher.poll()
    await roll_back(l1, 1)
    await stake_again(l1)
    second = await post_empty(l1, kzg)
    if not is_late:
        await watcher.poll()
        assert of_batches(watcher) == [(BatchPosted, first)]
    await l1.mine(DEEP)
    if is_late:
        await l1.mine(200)

    await watcher.poll()

    assert of_batches(watcher) == [
        (BatchPosted, first),
        (BatchConfirmed, first),
        (BatchRolledBack, first),
        (BatchConfirmed, second),
    ]
    assert watcher.batch(1).header_hash[:4] == second
    assert watcher.epoch(watcher.confirmed().number).number == 2
    assert watcher.epoch(0) is None


async def test_poll__roll_back_reorganised__batch_stands_holds(l1, kzg):
    watcher = watched(l1, DEEP)
    first = await post_empty(l1, kzg)
    await l1.mine()
    await watcher.poll()
    number = await roll_back(l1, 1)
    await watcher.poll()

    await l1.reorganise((await l1.client.latest()).number - number + 1)
    await l1.mine(DEEP)
    await watcher.poll()

    assert of_batches(watcher) == [(BatchPosted, first), (BatchConfirmed, first)]
    assert watcher.batch(1).header_hash[:4] == first
    assert watcher.epoch(watcher.confirmed().number).number == 1


async def test_poll__exit_and_freeze__are_told_succeeds(l1, kzg):
    watcher = watched(l1, 1)
    await posted_twice(l1, kzg)
    person = Leaver(l1, kzg)
    await person.kit()
    person.send("request-exit")
    await l1.mine()
    await watcher.poll()
    assert watcher.frozen_ts_s() is None

    await person.kit()
    exit_freeze = person.calls("freeze")[0]
    person.wallet.pass_time_until(exit_freeze["not_before_ts_s"])
    assert person.wallet.send(exit_freeze)
    await l1.mine()
    await watcher.poll()

    number = watcher.confirmed().number
    [request] = watcher.exits(0, number)
    assert request.owner == OWNER.address
    assert watcher.exits(1, number) == []
    [asked] = [event for event in watcher.told if isinstance(event, ExitRequested)]
    assert (asked.index, asked.request) == (0, request)
    assert watcher.exits(0, asked.place.block.number - 1) == []
    [frozen] = [event for event in watcher.told if isinstance(event, RollupFrozen)]
    assert frozen.reason == "ExitUnserved"
    assert (
        frozen.ts_s
        == watcher.frozen_ts_s()
        == await l1.client.read(l1.rollup.contract, "frozenTsS")
    )
