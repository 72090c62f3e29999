"""A node that answers nonsense, too little, or from the past: asked again, and nothing is believed.

- each question of the client, with each kind of nonsense: the chain is unavailable
- watcher: nonsense, logs left out, a node that lags behind: later the same facts
- submitter: whatever is answered, a batch is posted once
"""

import asyncio
import random

import pytest

from backend.protocol.errors import ChainUnavailable
from backend.settlement.building import NotCertified
from backend.settlement.chain import RpcError, TransactionRefused
from backend.settlement.client import ChainClient
from backend.settlement.watcher import Watcher
from tests.e2e.settlement.chain import OWNER, Chain
from tests.e2e.settlement.lying_node import LyingNode
from tests.e2e.settlement.posting import is_posted_once, opened

NONSENSE = [
    b"",
    b"<html>502</html>",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    {"jsonrpc": "2.0", "id": 1},
    {"jsonrpc": "2.0", "id": 1, "result": None},
    {"jsonrpc": "2.0", "id": 1, "result": "0xzz"},
    {"jsonrpc": "2.0", "id": 1, "result": 5},
    {"jsonrpc": "2.0", "id": 1, "result": {}},
    {"jsonrpc": "2.0", "id": 1, "result": {"number": "0x1"}},
    {"jsonrpc": "2.0", "id": 1, "result": [7]},
    {"jsonrpc": "2.0", "id": 1, "result": [{"topics": "none"}]},
    {"jsonrpc": "2.0", "id": 1, "error": "no"},
    {"jsonrpc": "2.0", "id": 1, "error": {"code": "x", "message": None, "data": [1]}},
    {"jsonrpc": "2.0", "id": 1, "error": {"code": 3, "message": "no", "data": "0xzz"}},
]


@pytest.fixture
async def liar(l1):
    async with LyingNode(l1.client.url).running() as node:
        client = ChainClient(node.url)
        node.l1 = Chain(client, l1.deployment, l1.pid_file)
        yield node
        await client.close()


@pytest.mark.parametrize("nonsense", NONSENSE, ids=str)
async def test_client__nonsense__is_no_answer_holds(liar, nonsense):
    client, rollup = liar.l1.client, liar.l1.rollup
    liar.spoil = lambda *_: nonsense
    questions = [
        lambda: ChainClient.chain_id(client),
        lambda: client.latest(),
        lambda: client.code(OWNER.address),
        lambda: client.balance_wei(OWNER.address),
        lambda: client.nonce(OWNER.address),
        lambda: client.read(rollup.contract, "tip"),
        lambda: client.logs([OWNER.address], 0, 1),
        lambda: client.logs_of_block([OWNER.address], bytes(32)),
        lambda: client.prices(),
        lambda: client.estimate_gas(OWNER.address, None, b"", rollup.contract.abi),
        lambda: client.transaction(bytes(32)),
        lambda: client.receipt(bytes(32)),
    ]

    for ask in questions:
        client._chain_id = None
        try:
            await ask()
        except (ChainUnavailable, RpcError, TransactionRefused):
            pass


async def test_poll__nonsense_now_and_then__same_facts_holds(l1, liar):
    await l1.fund(OWNER, 9_000_000)
    for _ in range(3):
        await l1.deposit(OWNER, 1_000_000)
    await l1.mine(2)
    dice = random.Random(1)
    liar.spoil = lambda _, answer: dice.choice(NONSENSE) if dice.random() < 0.1 else answer
    watcher = Watcher(liar.l1.client, l1.deployment)

    for _ in range(300):
        try:
            await watcher.poll()
        except (ChainUnavailable, RpcError):
            continue
    liar.spoil = lambda _, answer: answer
    await watcher.poll()

    assert len(watcher.deposits(0, 10**9)) == 3
    assert len(watcher.listings(0, 10**9)) == len(l1.deployment.tokens)


@pytest.mark.parametrize("is_far_behind", [False, True])
async def test_poll__logs_left_out__asks_again_succeeds(l1, liar, is_far_behind):
    """Nodes do that while they index. A deposit passed over would take the next one's place."""
    await l1.fund(OWNER, 9_000_000)
    watcher = Watcher(liar.l1.client, l1.deployment)
    if not is_far_behind:
        await watcher.poll()
    await l1.deposit(OWNER, 1_000_000)
    if is_far_behind:
        await l1.mine(200)
    left_out = []

    def leave_out_first(method, answer):
        if method == "eth_getLogs" and answer["result"] and not left_out:
            left_out.append(answer["result"].pop())
        return answer

    liar.spoil = leave_out_first
    await watcher.poll()  # nothing follows yet that would tell
    await l1.deposit(OWNER, 2_000_000)
    await l1.mine(2)

    for _ in range(5):
        with pytest.raises(ChainUnavailable):
            await watcher.poll()
    assert watcher.deposits(0, 10**9) == []


async def test_poll__node_lags_behind__waits_succeeds(l1, liar):
    """Behind one address there may be many nodes. One that lags has taken nothing back."""
    await l1.mine(5)
    watcher = Watcher(liar.l1.client, l1.deployment)
    await watcher.poll()
    confirmed, head = watcher.confirmed(), await l1.client.latest()
    old = await l1.client.rpc("eth_getBlockByNumber", hex(head.number - 3), False)

    def lag(method, answer):
        if method == "eth_getBlockByNumber":
            number = (answer["result"] or {}).get("number")
            if number is None or int(number, 16) > head.number - 3:
                return answer | {"result": old if liar.is_latest else None}
        return answer

    liar.is_latest = True

    def lag_by_turns(method, answer):
        spoilt = lag(method, answer)
        liar.is_latest = False
        return spoilt

    liar.spoil = lag_by_turns
    for _ in range(3):
        liar.is_latest = True
        with pytest.raises(ChainUnavailable):
            await watcher.poll()
    liar.spoil = lambda _, answer: answer
    await l1.mine()
    await watcher.poll()

    assert watcher.confirmed().number > confirmed.number


async def test_advance__nonsense_now_and_then__posted_once_holds(l1, liar, kzg):
    dice = random.Random(2)
    posting = await opened(l1, kzg, "calldata")
    posting.l1 = liar.l1
    posting.restart()
    liar.spoil = lambda _, answer: dice.choice(NONSENSE) if dice.random() < 0.15 else answer

    for _ in range(400):
        try:
            await posting.submitter.advance()
        except (ChainUnavailable, RpcError, TransactionRefused, NotCertified):
            await asyncio.sleep(0)
    liar.spoil = lambda _, answer: answer

    assert await is_posted_once(posting)
