"""A node that is handed groups.

- submit: final with its legs; a repeat; pending, found by a leg; refused as a whole
- too many legs wait: refused
- another group under a known link, none at all, a leg alone, one ahead: refused
- restarted: groups pending are counted with and end
- overtaken between admission and log: the leg that is too late is named; counted with no more
"""

import asyncio
from dataclasses import replace

import pytest

from backend.engine.admission import Admission
from backend.engine.ledger.judge import everybody
from backend.engine.log import LocalLog
from backend.engine.node_types import Accepted, PendingOrder
from backend.engine.outcomes import Outcome
from backend.protocol.errors import (
    BackPressure,
    GroupInvalid,
    InsufficientFunds,
    NonceGap,
    NonceTooLow,
    NotAuthorised,
    OrderExpired,
    OrderInGroup,
)
from backend.protocol.log_entries import Entry, OrderEntry
from backend.protocol.order_records import OrderGroup
from tests.unit.engine.chamber import Chamber
from tests.unit.engine.committee import (
    DOMAIN,
    SEQUENCERS,
    START_MS,
    forged,
    funded_l1,
    group,
    id_of,
    key,
    payment,
)
from tests.unit.engine.nodes import PAYEE, PAYER, clock_ms, funded, pay_final, until

OTHER = key("other")


@pytest.fixture
def l1():
    return funded_l1(PAYER.address, OTHER.address, amount_minor=1_000)


def swap(nonce=0, amount=5):
    return group((PAYER, PAYEE.address, amount, nonce), (OTHER, PAYER.address, 7, nonce))


def legs_of(record):
    return [leg.digest(DOMAIN) for leg in record.legs]


async def test_submit__group__is_final_with_its_legs_succeeds(run):
    async with funded(run()) as node:
        outcome = await pay_final(node, swap())
        again = await node.submit(swap())

        assert again == Accepted(swap().link)
        assert outcome.is_final
        for leg in legs_of(swap()):
            assert await node.wait_final(leg, 0) == outcome
        assert node.account(PAYER.address, 1).balance_minor == 1_002
        assert node.account(OTHER.address, 1).nonce == 1


async def test_submit__group_that_no_block_takes__is_pending_holds(run):
    async with funded(run()) as node:
        node._sequencer._keys.clear()
        for validator in node.validators:
            validator._timeout_ms_min = 10**9
        before = clock_ms()
        await node.submit(swap())

        assert node.is_pending(swap().link)
        assert not node.is_pending(legs_of(swap())[0])
        for leg in swap().legs:
            pending = node.order(leg.digest(DOMAIN))
            assert before <= pending.accepted_ts_ms <= clock_ms()
            assert pending == PendingOrder(leg, pending.accepted_ts_ms, swap().link)
        assert node.account(PAYER.address, 1).available_minor == 995
        assert node.account(OTHER.address, 1).nonce_next == 1

        node._sequencer._keys.update({k.address: k for k in SEQUENCERS})
        assert (await node.wait_final(swap().link, 30_000)).is_final
        assert not node.is_pending(swap().link)


def known_link(leg):
    """Return a made-up group under the link of `swap()`."""
    return OrderGroup((swap().legs[0], replace(leg, order=replace(leg.order, link=swap().link))))


REFUSED = {
    "another group under its link": (known_link(payment(OTHER, PAYER.address, 1, 0)), GroupInvalid),
    "legs of it alone": (OrderGroup(swap().legs[:1]), GroupInvalid),
    "a leg alone": (
        group((PAYER, PAYEE.address, 5, 1), (OTHER, PAYER.address, 7, 1)).legs[0],
        OrderInGroup,
    ),
    "a forged leg": (
        OrderGroup((swap(1).legs[0], forged(swap(1).legs[1]))),
        NotAuthorised,
    ),
    "funds": (swap(1, amount=1_003), InsufficientFunds),
    "ahead": (swap(2), NonceGap),
    "used": (swap(0, amount=6), NonceTooLow),
}


@pytest.mark.parametrize(("record", "error"), REFUSED.values(), ids=REFUSED)
async def test_submit__no_group_to_take__rejects(run, record, error):
    async with funded(run()) as node:
        await pay_final(node, swap())
        before = node.account(PAYER.address, 1)

        with pytest.raises(error):
            await asyncio.wait_for(node.submit(record), 4)  # a group never waits

        assert node.account(PAYER.address, 1) == before


async def test_submit_many__orders_and_groups_in_turn__succeeds(run):
    records = [
        payment(PAYER, PAYEE.address, 1, 0),
        group((PAYER, PAYEE.address, 1, 1), (OTHER, PAYEE.address, 1, 0)),
        group((PAYER, PAYEE.address, 1, 2), (PAYER, PAYEE.address, 1, 3)),
        payment(OTHER, PAYEE.address, 1, 1),
    ]
    async with funded(run()) as node:
        answers = await node.submit_many(records)
        for record in records:
            assert (await node.wait_final(id_of(record), 30_000)).is_final

        assert answers == [Accepted(id_of(record)) for record in records]
        assert node.account(PAYEE.address, 1).balance_minor == 6


async def test_restart__group_pending__is_final_once_holds(run, tmp_path):
    async with funded(run()) as node:
        await pay_final(node, swap())
    path = tmp_path / "log"
    with LocalLog(path) as log:
        entries = list(log.read())
    at = [Entry.decode(entry).payload for entry in entries].index(OrderEntry(swap()))
    path.unlink()
    with LocalLog(path) as log:
        log.append(entries[: at + 1])

    async with run() as node:
        assert (await node.wait_final(swap().link, 30_000)).is_final
        assert [final.body.records for final in node.replay() if final.body.records] == [(swap(),)]
        assert node.account(PAYER.address, 1).balance_minor == 1_002
    async with run() as node:
        assert await node.wait_final(legs_of(swap())[1], 0) == Outcome.final(2)


async def test_submit__too_many_legs_are_undecided__rejects(run):
    """Or eight times as much could wait, in groups."""
    async with funded(run(undecided_max=4)) as node:
        await until(lambda: node.account(OTHER.address, 1) is not None)
        node._sequencer._keys.clear()
        for validator in node.validators:
            validator._timeout_ms_min = 10**9
        await node.submit(swap(0))
        await node.submit(swap(1))

        with pytest.raises(BackPressure):
            await node.submit(swap(2))

        node._sequencer._keys.update({k.address: k for k in SEQUENCERS})
        await node.wait_final(id_of(swap(1)), 30_000)
        assert (await pay_final(node, swap(2))).is_final
        assert node._replica.accepted.order_count == 0


# A group that a block overtook


@pytest.fixture
def chamber():
    chamber = Chamber(funded_l1(PAYER.address, OTHER.address))
    chamber.settle()
    return chamber


def test_too_late__nonce_of_the_second_leg_used__rejects(chamber):
    chamber.order(payment(OTHER, PAYER.address, 1, 0))
    chamber.settle()

    error = Admission(chamber.replica, everybody, chamber.l1.is_regulated).too_late(swap())

    assert isinstance(error, NonceTooLow)
    assert error.values == NonceTooLow(1, 0).values


def test_too_late__one_leg_expired__rejects(chamber):
    now_s = START_MS // 1000
    late = group((PAYER, PAYEE.address, 5, 0), (OTHER, PAYER.address, 7, 0), valid_until=now_s - 1)

    error = Admission(chamber.replica, everybody, chamber.l1.is_regulated).too_late(late)

    assert isinstance(error, OrderExpired)
    assert error.values == OrderExpired(now_s - 1, now_s).values


async def test_submit__too_late_and_nobody_waits__changes_nothing(run):
    """Whoever sent it has hung up; it must not be counted with for ever."""
    async with funded(run()) as node:
        await until(lambda: node.account(OTHER.address, 1) is not None)
        until_s = node._replica.ts_s
        late = payment(PAYER, PAYEE.address, 5, 0, valid_until=until_s)
        node._admission.admit(id_of(late), late, 0)
        nonce = 0
        while node._replica.ts_s <= until_s:
            await pay_final(node, payment(OTHER, PAYEE.address, 1, nonce))
            nonce += 1
        assert node.account(PAYER.address, 1).nonce_next == 1

        node._commit.put(OrderEntry(late))
        await pay_final(node, payment(OTHER, PAYEE.address, 1, nonce))

        assert node.account(PAYER.address, 1).nonce_next == 0
        assert node.account(PAYER.address, 1).available_minor == 1_000
