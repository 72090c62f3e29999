"""Prizes that the ledger pays, on a real node.

- evidence lets the purse in as long as the sponsor; its orders cost a fee, which the sponsor pays
- created: everybody is paid, and the purse is empty
- a winner frozen meanwhile: his amount returns to the sponsor, those behind him are paid
- created too late to pay: all returns to the sponsor
- the sponsor can't take it back now: it waits, and nobody behind is lost
- paid in too little: nothing is tried until somebody adds to it
- lapsed and begun anew: the first orders are given up
- refused: cancelling, claiming, taking the rest; a sponsor below the asset's level
"""

import asyncio
from dataclasses import replace

import pytest
from eth_abi.abi import decode

from backend.access.payouts.desk import orders_of
from backend.access.prizes.terms import RETURN_S
from backend.protocol.errors import NotEligible
from backend.protocol.types import address_text
from tests.unit.access.bonuses.prize_scenes import (
    ALICE,
    BOB,
    CAROL,
    CREATE,
    DAY_S,
    SPONSOR,
    check,
    prepare,
    show,
    wish,
    with_prizes,
)
from tests.unit.access.payouts.scenes import balance, desks, payees
from tests.unit.access.world import USDC, error_of
from tests.unit.engine.committee import ROLLUP

FEE = 10  # of any amount, in the world
THREE = ((ALICE, "1"), (BOB, "2"), (CAROL, "3"))


@pytest.fixture
async def book(world):
    await check(world)
    return with_prizes(world)


async def prepared(world, *people):
    answer = (await prepare(world, wish(world, "orders", *(people or THREE)))).json()
    return answer["prize"], answer["transactions"]


async def pay_in(world, book, create):
    """Do what the contract does: the purse has the money, and its root is authorised."""
    prize_id = book.create(create)
    purse = await book.purse_of(prize_id)
    world.l1.deposit(purse, book.totals[prize_id], USDC)
    world.l1.authorise(purse, book.prizes[prize_id].root)
    return purse


async def end(world, prize, steps=300):
    """Advance until a prize has ended; return it."""
    for _ in range(steps):
        shown = await show(world, prize["id"])
        if shown["status"] == "ended":
            return shown
        if not await desks(world).runner.advance():
            await asyncio.sleep(0.02)
    raise TimeoutError(shown)


async def test_prepare__orders__shows_evidence_for_the_purse_succeeds(world, book):
    prize, calls = await prepared(world)

    values = decode(CREATE, bytes.fromhex(calls[1]["data"][10:]))
    kinds = ["(address,uint8,uint64,uint64)", "bytes"]
    (purse, level, expiry_ts_s, issued_ts_s), signature = decode(kinds, values[-1])
    sponsors = await world.api.state.services.kyc.approved(SPONSOR)
    assert address_text(bytes.fromhex(purse[2:])) == prize["purse"]
    assert (level, expiry_ts_s) == (sponsors.level, sponsors.expiry_ts_s)
    assert (issued_ts_s <= world.clock() // 1000, len(signature)) == (True, 65)
    assert (prize["total"], prize["fees"], values[3]) == ("6000000", "30", 6_000_030)
    payout = (await world.client.get(f"/v1/payouts/{prize['payout_id']}")).json()
    assert (payout["owner"], payout["root"]) == (prize["purse"], prize["root"])
    assert payout["call"]["target"] == address_text(ROLLUP)


async def test_prize__created__pays_everybody_succeeds(world, book):
    prize, calls = await prepared(world)

    purse = await pay_in(world, book, calls[1])
    ended = await end(world, prize)

    assert [balance(world, who) for who in (ALICE, BOB, CAROL)] == [10**6, 2 * 10**6, 3 * 10**6]
    assert (balance(world, purse), balance(world, SPONSOR)) == (0, 0)
    assert (ended["paid_count"], ended["remaining"]) == ("3", "0")
    page = await show(world, prize["id"], f"/entries?person={address_text(BOB)}")
    (entry,) = page["data"]
    assert (entry["status"], entry["fee"], entry["claim"]) == ("paid", str(FEE), None)
    payment = (await world.client.get(f"/v1/payments/{entry['order_id']}")).json()
    assert payment["payee"] == address_text(BOB)


async def test_prize__winner_frozen_meanwhile__returns_to_the_sponsor_succeeds(world, book):
    prize, calls = await prepared(world)
    payees(world).blocked.add(BOB)

    purse = await pay_in(world, book, calls[1])
    ended = await end(world, prize)

    assert [balance(world, who) for who in (ALICE, BOB, CAROL)] == [10**6, 0, 3 * 10**6]
    assert (balance(world, purse), balance(world, SPONSOR)) == (0, 2 * 10**6)
    assert ended["paid_count"] == "2"
    page = await show(world, prize["id"], f"/entries?person={address_text(BOB)}")
    assert [(one["status"], one["obstacle"]) for one in page["data"]] == [
        ("skipped", "PAYEE_BLOCKED")
    ]


async def test_prize__too_late_to_pay__returns_to_the_sponsor_succeeds(world, book):
    prize, calls = await prepared(world)
    world.clock.offset_ms += (DAY_S + 10) * 1000

    purse = await pay_in(world, book, calls[1])
    ended = await end(world, prize)

    assert [balance(world, who) for who in (ALICE, BOB, CAROL)] == [0, 0, 0]
    assert (balance(world, purse), balance(world, SPONSOR)) == (0, 6 * 10**6)
    assert ended["paid_count"] == "0"


async def test_prize__sponsor_cannot_take_it_now__waits_succeeds(world, book):
    prize, calls = await prepared(world)
    payees(world).blocked.add(ALICE)
    runner = desks(world).runner
    runner._node = Refusing(world.node, SPONSOR)

    await pay_in(world, book, calls[1])
    while (await states(world, prize))[0] != "skipping":
        await runner.advance()
        await asyncio.sleep(0.01)
    waiting = [await runner.advance() for _ in range(5)]
    runner._node = world.node
    ended = await end(world, prize)

    assert waiting[-1] is False
    assert balance(world, SPONSOR) == 10**6
    assert (ended["paid_count"], balance(world, CAROL)) == ("2", 3 * 10**6)


class Refusing:
    """A node that lets nobody pay an address."""

    def __init__(self, node, payee):
        self._node, self._payee = node, payee
        self.tried = 0

    def __getattr__(self, name):
        return getattr(self._node, name)

    async def submit_many(self, records):
        results = await self._node.submit_many([])
        self.tried += len(records)
        for record in records:
            if record.order.payee == self._payee:
                results.append(NotEligible(address_text(self._payee)))
            else:
                results += await self._node.submit_many([record])
        return results


async def test_prize__paid_in_too_little__tries_nothing_until_there_is_more_succeeds(world, book):
    prize, calls = await prepared(world)
    prize_id = book.create(calls[1])
    purse, root = await book.purse_of(prize_id), book.prizes[prize_id].root
    runner = desks(world).runner

    world.l1.deposit(purse, 10**6 + FEE, USDC)
    world.l1.authorise(purse, root)
    while (await states(world, prize))[0] != "paid":
        await runner.advance()
        await asyncio.sleep(0.01)
    runner._node = Refusing(world.node, None)
    waiting = [await runner.advance() for _ in range(5)]
    tried, runner._node = runner._node.tried, world.node
    world.l1.deposit(purse, 5 * 10**6 + 2 * FEE, USDC)
    ended = await end(world, prize)

    assert (tried, any(waiting)) == (0, False)
    assert (ended["paid_count"], balance(world, purse)) == ("3", 0)


async def test_prize__paid_in_too_little_for_ever__ends_in_the_end_succeeds(world, book):
    prize, calls = await prepared(world)
    prize_id = book.create(calls[1])
    purse = await book.purse_of(prize_id)
    world.l1.deposit(purse, 10**6 + FEE, USDC)
    world.l1.authorise(purse, book.prizes[prize_id].root)
    while (await states(world, prize))[0] != "paid":
        await desks(world).runner.advance()
        await asyncio.sleep(0.01)

    world.clock.offset_ms += (RETURN_S + 2 * DAY_S) * 1000
    ended = await end(world, prize)

    assert (ended["paid_count"], ended["remaining"]) == ("1", "0")
    assert await states(world, prize) == ["paid", "skipped", "skipped"]


async def states(world, prize):
    return [one["status"] for one in (await show(world, prize["id"], "/entries"))["data"]]


async def test_prize__lapsed__begins_anew_with_other_orders_succeeds(world, book):
    first, _ = await prepared(world)
    world.clock.offset_ms += (DAY_S + 10) * 1000

    answer = await prepare(world, wish(world, "orders", *THREE), "prize-2")
    again, calls = answer.json()["prize"], answer.json()["transactions"]
    await pay_in(world, book, calls[1])

    assert (again["id"], again["payout_id"]) == (first["id"], first["payout_id"])
    assert again["root"] != first["root"]
    assert (await end(world, again))["paid_count"] == "3"


async def test_prize__never_created__payout_is_given_up_in_the_end_succeeds(world, book):
    prize, _ = await prepared(world)
    register = desks(world).payouts.register

    world.clock.offset_ms += RETURN_S * 1000
    await desks(world).runner.advance()
    (row,) = register.all_open()
    world.clock.offset_ms += (DAY_S + 10) * 1000
    await desks(world).runner.advance()

    assert (row.status, register.all_open()) == ("proposed", [])
    assert (await show(world, prize["id"]))["status"] == "lapsed"


async def test_cancel__prize__rejects(world, book):
    prize, calls = await prepared(world)
    body = {"action": "withdraw_rest"}

    cancelled = await world.post(
        f"/v1/payouts/{prize['payout_id']}/cancel", {}, **{"Idempotency-Key": "a"}
    )
    rest = await world.post(f"/v1/prizes/{prize['id']}/calls", body, **{"Idempotency-Key": "b"})

    assert error_of(cancelled) == (409, "PROPOSAL_CLOSED")
    assert error_of(rest) == (409, "PRIZE_PAID_BY_ORDERS")
    await pay_in(world, book, calls[1])
    assert (await end(world, prize))["paid_count"] == "3"


async def test_prepare__sponsor_below_the_assets_level__rejects(world, book):
    services = world.api.state.services
    settings = replace(services.settings, levels_needed={1: 2})
    world.api.state.services = replace(services, settings=settings)

    answer = await prepare(world, wish(world, "orders", *THREE))

    assert error_of(answer) == (422, "KYC_LEVEL_TOO_LOW")


async def test_orders__made_again_from_the_register__are_the_same_holds(world, book):
    prize, _ = await prepared(world)
    register = desks(world).payouts.register
    row = register.get(bytes.fromhex(prize["payout_id"][2:]))

    orders = orders_of(row, register.lines(row.id), world.api.state.services.settings)

    assert "0x" + orders.root.hex() == prize["root"]
    skip = orders.record(1, is_skip=True).order
    assert (skip.payee, skip.amount) == (SPONSOR, 2 * 10**6)
