"""The platform dies before or after any of its steps, and comes back: all is done once.

- a customer's payment, a hold that a customer pays into, a capture, a release, a schedule
- whoever was not answered asks again with the same key; balances are right to the unit
"""

from contextlib import suppress

import pytest

from tests.unit.access.custody.scenes import (
    DAY_S,
    authorised,
    balance,
    call,
    customer,
    done,
    now_s,
    pass_time,
    tick,
)
from tests.unit.access.scenes import PAYEE_TEXT, PAYER_TEXT, get
from tests.unit.access.world import FUNDS, running_world

STEPS = range(8)
MONEY = 10_000


class Killed(BaseException):
    """Stands for SIGKILL: nobody catches it, and nothing is done any more."""


class Doom:
    """Kills the platform at one of its steps, counted over all that lasts."""

    def __init__(self, world, step: int, is_before: bool) -> None:
        self.left, self.is_before, self.has_come = step, is_before, False
        registers = world.dependencies.registers
        custody = registers.custody
        for thing, names in (
            (custody.customers, ("add",)),
            (custody.key_uses, ("note",)),
            (custody.kept_orders, ("add",)),
            (custody.holds, ("add", "release", "close", "set_funding")),
            (custody.schedules, ("add", "begin", "save", "end")),
            (registers.idempotency, ("finish", "release")),
        ):
            for name in names:
                setattr(thing, name, self._deadly(getattr(thing, name)))
        world.node.submit = self._deadly_async(world.node.submit)

    def _meet(self, is_before: bool) -> None:
        if self.has_come or (self.left == 0 and is_before == self.is_before):
            self.has_come = True
            raise Killed
        if not is_before:
            self.left -= 1

    def _deadly(self, work):
        def step(*args, **named):
            self._meet(True)
            answer = work(*args, **named)
            self._meet(False)
            return answer

        return step

    def _deadly_async(self, work):
        async def step(*args, **named):
            self._meet(True)
            answer = await work(*args, **named)
            self._meet(False)
            return answer

        return step


async def pay(world, made):
    path = f"/v1/customers/{made['id']}/payments"
    await call(world, path, {"payee": PAYEE_TEXT, "asset": "USDC", "amount": "50"}, "pay")


async def check_pay(world, made):
    assert await balance(world, PAYEE_TEXT) == FUNDS + 50
    assert await balance(world, made["address"]) == MONEY - 60


async def hold(world, made):
    wish = {
        "payer": made["id"],
        "payee": PAYEE_TEXT,
        "asset": "USDC",
        "amount": "1000",
        "expires_at": str(now_s(world) // 100_000 * 100_000 + 100_000),
    }
    await call(world, "/v1/holds", wish, "hold")


async def check_hold(world, made):
    newest, prepared_one = (await get(world, "/v1/holds"))["data"]
    assert (newest["status"], newest["held"]) == ("authorised", "1020")
    assert prepared_one["id"] == made["hold"]
    assert await balance(world, made["address"]) == MONEY - 1_030


async def capture(world, made):
    await call(world, f"/v1/holds/{made['hold']}/capture", {"amount": "300"}, "capture")


async def check_capture(world, made):
    shown = await get(world, f"/v1/holds/{made['hold']}")
    assert (shown["status"], shown["captured"], shown["held"]) == ("captured", "300", "0")
    assert await balance(world, PAYEE_TEXT) == FUNDS + 300


async def release(world, made):
    await call(world, f"/v1/holds/{made['hold']}/release", None, "release")
    await tick(world)


async def check_release(world, made):
    shown = await get(world, f"/v1/holds/{made['hold']}")
    assert (shown["status"], shown["returned"], shown["held"]) == ("released", "1010", "0")
    assert await balance(world, PAYER_TEXT) == made["payer_before"] + 1_010


async def run_schedule(world, made):
    await tick(world)


async def check_schedule(world, made):
    assert (await get(world, f"/v1/schedules/{made['schedule']}"))["status"] == "done"
    assert await balance(world, made["address"]) == MONEY - 2 * 60


ACTIONS = {
    "pay": (pay, check_pay),
    "hold": (hold, check_hold),
    "capture": (capture, check_capture),
    "release": (release, check_release),
    "schedule": (run_schedule, check_schedule),
}


async def prepared(world):
    """Make what the actions need."""
    made = await customer(world, "alice", MONEY)
    made["hold"] = (await authorised(world, "prepared"))["id"]
    made["payer_before"] = await balance(world, PAYER_TEXT)
    return made


async def planned(world, made):
    body = {
        "customer_id": made["id"],
        "payee": PAYEE_TEXT,
        "asset": "USDC",
        "amount": "50",
        "first_at": str(now_s(world)),
        "every": "day",
        "count": 2,
    }
    made["schedule"] = (await done(world, "/v1/schedules", body, "plan"))["id"]
    pass_time(world, DAY_S // 2 + 3_600)
    return made


@pytest.mark.parametrize("is_before", [True, pytest.param(False, marks=pytest.mark.long)])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", ACTIONS)
async def test_custody__killed_at_a_step__is_done_once_holds(tmp_path, name, step, is_before):
    act, check = ACTIONS[name]
    async with running_world(tmp_path) as world:
        made = await prepared(world)
        if name == "schedule":
            made = await planned(world, made)
        offset_ms = world.clock.offset_ms
        Doom(world, step, is_before)
        with suppress(Killed):
            await act(world, made)

    async with running_world(tmp_path) as world:
        world.clock.offset_ms = offset_ms + 120_000  # a request in flight is given up by then
        await act(world, made)
        if name == "schedule":  # its second day
            world.clock.offset_ms += DAY_S * 1000
            await act(world, made)
        await check(world, made)
