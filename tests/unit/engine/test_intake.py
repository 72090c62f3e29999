"""Many orders at once, in runs: each is answered as it would be alone.

- random requests of every kind of record, against the same ones sent one by one
- a run that is longer than what may wait; twice the same order in a request, and in two at once
- what was dropped from a run on its way can be sent again
"""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random

import pytest

from backend.engine import intake
from backend.engine.log import LocalLog
from backend.engine.node import Node
from backend.engine.node_types import Accepted
from backend.protocol.errors import (
    AccountUnknown,
    BackPressure,
    DiskFull,
    InsufficientFunds,
    NonceGap,
    NonceTooLow,
    PaymentError,
)
from tests.unit.engine.committee import (
    ASSET,
    forged,
    funded_l1,
    group,
    id_of,
    key,
    payment,
    rooted,
    withdrawal,
)
from tests.unit.engine.nodes import CONFIG, PAYEE, PAYER, clock_ms, pay, until

PAYERS = [PAYER, *(key(f"payer {n}") for n in range(4))]
OWNED_MINOR = 1_000


def random_request(random_: Random):
    """Orders that can be executed, and some in between that can't."""
    nonces = dict.fromkeys(range(len(PAYERS)), 0)
    records = []
    for _ in range(40):
        who = random_.randrange(len(PAYERS))
        payer, nonce = PAYERS[who], nonces[who]
        payee = random_.choice([*PAYERS, PAYEE, key(f"new {random_.randrange(9)}")])
        amount = random_.randint(1, 40)
        order = payment(payer, payee.address, amount, nonce)
        match random_.randrange(14):
            case 0:
                order = forged(order)
            case 1:
                order = payment(payer, payee.address, 10**6, nonce)
            case 2:
                order = payment(payer, payee.address, 1, nonce + 50)
            case 3:
                order = payment(payer, payee.address, 1, max(nonce - 1, 0))
            case 4:
                order = payment(payer, payee.address, 1, nonce, valid_until=1)
            case 5:
                order = payment(key("nobody"), payee.address, 1, nonce)
            case 6:
                order = payment(payer, payee.address, 0, nonce)
            case 7:
                order = withdrawal(payer, amount, nonce)
                nonces[who] += 1
            case 8:
                (order,) = rooted(order.order)
            case 9 if payee != payer:
                order = group(
                    (payer, payee.address, 1, nonce), (payer, payee.address, 2, nonce + 1)
                )
                nonces[who] += 2
            case 10 if records:
                order = random_.choice(records)
            case _ if payee.address != payer.address:
                nonces[who] += 1
        records.append(order)
    return records


async def sent_one_by_one(node, records):
    answers = []
    for record in records:
        try:
            answers.append(await node.submit(record))
        except PaymentError as error:
            answers.append(error)
    return answers


def outcome(answer):
    """What is the same whatever blocks come in between: they change funds and the next nonce."""
    if isinstance(answer, Accepted):
        return answer
    is_of_the_moment = isinstance(answer, InsufficientFunds | NonceGap | NonceTooLow)
    return "not now" if is_of_the_moment else answer.code


@asynccontextmanager
async def paying(path, **changes):
    """A node in which all payers have money."""
    addresses = [payer.address for payer in PAYERS]
    with LocalLog(path) as log:
        l1 = funded_l1(*addresses, amount_minor=OWNED_MINOR)
        node = Node(replace(CONFIG, **changes), log, l1, clock_ms)
        await node.start()
        try:
            await until(lambda: node.account(addresses[-1], ASSET.asset_id) is not None)
            yield node
        finally:
            await node.stop()


@pytest.mark.parametrize("seed", range(6))
async def test_submit_many__random_records__as_one_by_one_holds(tmp_path, seed, monkeypatch):
    monkeypatch.setattr(intake, "RUN_ORDERS_MAX", 16)
    records = random_request(Random(seed))
    ends = []
    for name, send in (("many", Node.submit_many), ("one by one", sent_one_by_one)):
        async with paying(tmp_path / name, order_wait_ms_max=0) as node:
            answers = [outcome(answer) for answer in await send(node, records)]
            await until(lambda node=node: node.status().undecided_count == 0)
            held = [node.account(payer.address, ASSET.asset_id) for payer in PAYERS]
            ends.append((answers, held))

    assert ends[0] == ends[1], seed


async def test_submit_many__in_two_requests_at_once__is_paid_once_holds(tmp_path):
    records = [pay(1, nonce) for nonce in range(30)]
    async with paying(tmp_path / "log") as node:
        both = await asyncio.gather(node.submit_many(records), node.submit_many(records * 2))
        await until(lambda: node.account(PAYEE.address, 1) is not None)
        await until(lambda: node.status().undecided_count == 0)

        accepted = [Accepted(id_of(record)) for record in records]
        assert both == [accepted, accepted * 2]
        assert node.account(PAYEE.address, 1).balance_minor == 30


async def test_submit_many__more_than_may_wait__takes_the_first_rejects(tmp_path):
    records = [pay(1, nonce) for nonce in range(40)]
    async with paying(tmp_path / "log", undecided_max=25) as node:
        node._sequencer._keys.clear()
        for validator in node.validators:
            validator._timeout_ms_min = 10**9

        answers = await node.submit_many(records)

        assert all(isinstance(answer, Accepted) for answer in answers[:25])
        assert all(isinstance(answer, BackPressure) for answer in answers[25:])
        assert node.account(PAYER.address, 1).nonce_next == 25


async def test_submit_many__log_takes_nothing__counts_with_none_of_it_holds(tmp_path, monkeypatch):
    records = [pay(1, nonce) for nonce in range(5)]
    async with paying(tmp_path / "log") as node:
        with monkeypatch.context() as context:
            context.setattr(node._commit, "failure", DiskFull())
            with pytest.raises(DiskFull):
                await node.submit_many(records)

        assert node.account(PAYER.address, 1).nonce_next == 0
        assert await node.submit_many(records) == [Accepted(id_of(one)) for one in records]


async def test_submit_many__observers_behind__waits_for_them_rejects(tmp_path):
    records = [pay(1, nonce) for nonce in range(3)]
    async with paying(tmp_path / "log", untold_max=10) as node:
        node.untold = lambda: 10
        answers = await node.submit_many(records)
        node.untold = lambda: 9

        assert [type(answer) for answer in answers] == [BackPressure] * 3
        assert await node.submit_many(records) == [Accepted(id_of(one)) for one in records]


async def test_submit_many__strangers_keys__are_not_kept_holds(tmp_path):
    """Anybody can sign with as many as he likes."""
    strangers = [payment(key(f"stranger {n}"), PAYEE.address, 1, 0) for n in range(5)]
    async with paying(tmp_path / "log") as node:
        answers = await node.submit_many([*strangers, pay(1, 0)])

        assert [type(answer) for answer in answers] == [AccountUnknown] * 5 + [Accepted]
        assert len(node._started()._authority) == 1


async def test_submit_many__repeat_further_on__comes_in_where_it_stood_first_holds(tmp_path):
    first, second, other = pay(1, 0), pay(1, 1), pay(2, 1)
    async with paying(tmp_path / "log") as node:
        answers = await node.submit_many([first, second, first, other])

        accepted = [Accepted(id_of(one)) for one in (first, second, first)]
        assert answers[:3] == accepted
        assert isinstance(answers[3], NonceTooLow)
