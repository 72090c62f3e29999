"""Roots of orders on a real chain, as the watcher tells them.

- confirmed in their order, at each L1 block; one authorised again is none; told to observers
- a late start; a log left out by the node; a reorganisation takes one back
"""

import pytest

from backend.protocol.errors import ChainUnavailable
from backend.protocol.hashing import keccak
from backend.protocol.types import AuthorisedRoot
from backend.settlement.client import ChainClient
from backend.settlement.events import OrdersAuthorised
from backend.settlement.watcher import Watcher
from tests.e2e.settlement.chain import OTHER_OWNER, OWNER
from tests.e2e.settlement.lying_node import LyingNode

ROOTS = [keccak(bytes([number])) for number in range(3)]
EXPECTED = [
    AuthorisedRoot(OWNER.address, ROOTS[0]),
    AuthorisedRoot(OTHER_OWNER.address, ROOTS[0]),
    AuthorisedRoot(OWNER.address, ROOTS[1]),
]


async def authorise(l1, owner, root):
    return await l1.call(owner, l1.rollup.contract, "authorizeOrders", root)


async def authorise_all(l1):
    """Authorise what is expected, and one of it again; return the L1 block of each."""
    await l1.fund(OWNER, 1_000_000)
    await l1.fund(OTHER_OWNER, 1_000_000)
    receipts = [
        await authorise(l1, OWNER, ROOTS[0]),
        await authorise(l1, OTHER_OWNER, ROOTS[0]),
        await authorise(l1, OWNER, ROOTS[0]),
        await authorise(l1, OWNER, ROOTS[1]),
    ]
    return [receipt.block.number for receipt in receipts]


@pytest.mark.parametrize("is_late", [False, True])
async def test_poll__roots__are_confirmed_in_order_succeeds(l1, is_late):
    watcher = Watcher(l1.client, l1.deployment)
    told = []
    watcher.observers.append(told.append)
    if not is_late:
        await watcher.poll()
    first, second, _, last = await authorise_all(l1)
    await l1.mine(200 if is_late else 1)

    await watcher.poll()

    assert watcher.roots(0, last) == EXPECTED
    assert watcher.roots(0, first - 1) == []
    assert watcher.roots(0, second) == EXPECTED[:2]
    assert watcher.roots(1, last) == EXPECTED[1:]
    assert watcher.roots(3, 10**9) == []
    events = [event for event in told if isinstance(event, OrdersAuthorised)]
    assert [event.index for event in events] == [0, 1, 2]
    assert [event.root for event in events] == EXPECTED


async def test_poll__root_not_deep_enough__waits_holds(l1):
    watcher = Watcher(l1.client, l1.deployment, confirmations=3)
    await l1.fund(OWNER, 1_000_000)
    await authorise(l1, OWNER, ROOTS[0])
    await watcher.poll()
    assert watcher.roots(0, 10**9) == []

    await l1.mine(3)
    await watcher.poll()

    assert watcher.roots(0, 10**9) == EXPECTED[:1]


async def test_poll__root_reorganised__is_none_holds(l1):
    watcher = Watcher(l1.client, l1.deployment, confirmations=20)
    await l1.fund(OWNER, 1_000_000)
    await watcher.poll()
    receipt = await authorise(l1, OWNER, ROOTS[2])
    await watcher.poll()

    await l1.reorganise((await l1.client.latest()).number - receipt.block.number + 1)
    await authorise(l1, OWNER, ROOTS[0])
    await l1.mine(20)
    await watcher.poll()

    assert watcher.roots(0, 10**9) == EXPECTED[:1]


@pytest.mark.parametrize("is_late", [False, True])
async def test_poll__root_left_out__asks_again_succeeds(l1, is_late):
    """Nodes do that while they index. The next root would take its place in a block's body."""
    async with LyingNode(l1.client.url).running() as liar:
        client = ChainClient(liar.url)
        watcher = Watcher(client, l1.deployment)
        await l1.fund(OWNER, 1_000_000)
        if not is_late:
            await watcher.poll()
        first = await authorise(l1, OWNER, ROOTS[0])
        await authorise(l1, OWNER, ROOTS[1])
        await l1.mine(200 if is_late else 1)

        def leave_out(method, answer):
            if method == "eth_getLogs":
                answer["result"] = [
                    entry
                    for entry in answer["result"]
                    if int(entry["blockNumber"], 16) != first.block.number
                ]
            return answer

        liar.spoil = leave_out
        with pytest.raises(ChainUnavailable):
            await watcher.poll()
        liar.spoil = lambda _, answer: answer
        if is_late:
            await watcher.poll()
        else:
            # The block without its log was read already: nothing is believed from then on.
            watcher = Watcher(client, l1.deployment)
            await watcher.poll()
        await client.close()

    assert watcher.roots(0, 10**9) == [EXPECTED[0], EXPECTED[2]]
