"""Who has others do more, or pay more, than they can.

- true operations challenged one by one, to have an honest batch fall → many are answered in one
  block of L1
- a base fee above the floor → the bond follows it
- evidence that names many roots and exits, to keep a watcher from all else → L1 isn't asked more,
  nor by many challenges
"""

import asyncio

import pytest

from backend.protocol.evidence import Evidence
from backend.protocol.hashing import keccak
from backend.protocol.operations import Withdrawal
from backend.protocol.order_records import RootedOrder, SignedOrder
from backend.protocol.orders import WithdrawalOrder
from backend.settlement.chain import Done
from backend.settlement.client import ChainClient
from backend.settlement.proving.answers import bond_wei, challenge
from backend.settlement.watching.challenges import opened_challenges
from tests.e2e.settlement.chain import OTHER_OWNER, OWNER, SUBMITTER
from tests.e2e.settlement.lying_node import LyingNode
from tests.e2e.settlement.test_challenge_watching import (
    ACCOUNT,
    NEVER_S,
    first_batch,
    thief,  # noqa: F401
    watcher,  # noqa: F401
)

COUNT = 12
WAIT_S = 30


@pytest.fixture
async def batch(thief, watcher, l1):  # noqa: F811
    """A batch of signed withdrawals, as the watcher has executed it, who knows the orders."""
    await thief.post(*await first_batch(thief))
    await thief.post(*await thief.batch([Withdrawal(ACCOUNT, 1, 0)] * COUNT, cursor=1))
    token = l1.deployment.token("USDX").address
    for nonce in range(COUNT):
        order = WithdrawalOrder(OWNER.address, token, 1, 0, nonce, NEVER_S)
        signature = OWNER.sign_digest(order.digest(l1.rollup.domain))
        watcher._evidence.by_slot[nonce] = Evidence(SignedOrder(order, signature), 0)
    await watcher._follower.follow()
    return watcher._follower.disputable()[-1]


async def test_step__each_slot_challenged_by_itself__answers_many_in_a_block_succeeds(
    watcher,  # noqa: F811
    l1,
    batch,
):
    """An answer in a block would be too slow for as many as can be challenged."""
    challenges = await watcher._contract("Challenges")
    for slot in range(COUNT):
        done = await l1.sender(SUBMITTER).call(
            challenges, "challenge", *challenge(batch, [slot]), value_wei=2 * bond_wei(1, 10**9)
        )
        assert isinstance(done, Done), done
    before = await l1.client.nonce(OTHER_OWNER.address)
    await l1.set_automine(False)
    stepping = asyncio.create_task(watcher.step())

    async with asyncio.timeout(WAIT_S):
        while await l1.client.nonce(OTHER_OWNER.address, "pending") < before + COUNT:
            await asyncio.sleep(0.05)
    await l1.mine()
    await stepping

    assert await l1.client.read(challenges, "openCount", batch.posted.header_hash) == 0


async def test_step__evidence_names_many_roots_and_exits__asks_l1_no_more_holds(
    watcher,  # noqa: F811
    batch,
    l1,
):
    watcher._sender = None
    orders = [found.record.order for found in watcher._evidence.by_slot.values()]
    rooted = [RootedOrder(order, keccak(bytes([i])), ()) for i, order in enumerate(orders)]
    counts = []
    async with LyingNode(l1.client.url).running() as node:
        watcher._reader.client = ChainClient(node.url)
        for records in ([], [], rooted, [None] * COUNT):  # the first step finds a new block
            watcher._evidence.by_slot = {i: Evidence(each, 0) for i, each in enumerate(records)}
            node.asked.clear()
            standing = await watcher.step()
            counts.append(len(node.asked))
            assert len(standing.alarms) == COUNT
        await watcher._reader.client.close()

    assert counts[1:] == [counts[1]] * 3


@pytest.mark.parametrize("base_fee_gwei", [0, 1, 40])
async def test_step__base_fee_far_above_the_floor__bonds_enough_succeeds(
    watcher,  # noqa: F811
    batch,
    l1,
    base_fee_gwei,
):
    """Nodes take it for 0 when they are asked for the bond."""
    base_fee_wei = base_fee_gwei * 10**9
    watcher._evidence.by_slot.clear()
    await l1.client.rpc("anvil_setNextBlockBaseFeePerGas", hex(base_fee_wei))
    await l1.mine()

    await watcher.step()

    [one] = (await opened_challenges(watcher._reader, [batch]))[batch.posted.header_hash]
    challenges = await watcher._contract("Challenges")
    kept = await l1.client.read(challenges, "challengeOf", batch.posted.header_hash, one.slot)
    price_wei = max(10**9, base_fee_wei * 5 // 4)
    assert (len(one.slots), kept["bondWei"]) == (COUNT, bond_wei(COUNT, price_wei))


@pytest.mark.parametrize("count", [1, 7, 8, 9, 64])
async def test_bond_wei__any_count__as_the_contract_says_holds(l1, count):
    """At the floor, to which the base fee is put."""
    await l1.client.rpc("anvil_setNextBlockBaseFeePerGas", "0x0")
    await l1.mine()

    challenges = l1.deployment.core("Challenges")
    assert await l1.client.read(challenges, "bond", count) == bond_wei(count, 10**9)


async def test_opened_challenges__many__asks_l1_no_more_holds(watcher, batch, l1):  # noqa: F811
    challenges, asked = await watcher._contract("Challenges"), []
    async with LyingNode(l1.client.url).running() as node:
        watcher._reader.client = ChainClient(node.url)
        for count, slots in enumerate(([0, 1], [2], [3]), 1):
            await l1.sender(SUBMITTER).call(
                challenges, "challenge", *challenge(batch, slots), value_wei=bond_wei(2, 10**9)
            )
            node.asked.clear()
            found = await opened_challenges(watcher._reader, [batch])
            asked.append(len(node.asked))
            assert len(found[batch.posted.header_hash]) == count
        await watcher._reader.client.close()

    assert asked == asked[:1] * 3
