"""The runner.

- a hold or schedule that fails stops no other one; a bug of ours stops the platform
- a database that is busy or full is asked again
"""

import asyncio

import pytest
from sqlalchemy.exc import OperationalError

from backend.access.custody import runner
from backend.access.custody.runner import CustodyRunner
from backend.protocol.errors import InvariantViolated
from tests.unit.access.custody.scenes import DAY_S, authorised, pass_time
from tests.unit.access.scenes import get


def fail_first(monkeypatch, error):
    """Let the first hold's turn end in `error`."""
    real, turns = runner.state_of, []

    async def state_of(services, hold):
        turns.append(hold.id)
        if turns == [hold.id]:
            raise error
        return await real(services, hold)

    monkeypatch.setattr(runner, "state_of", state_of)


async def two_late_holds(world):
    made = [await authorised(world, f"hold-{index}") for index in range(2)]
    pass_time(world, DAY_S + 1)
    return made


async def statuses(world, made):
    return [(await get(world, f"/v1/holds/{one['id']}"))["status"] for one in made]


@pytest.mark.parametrize("error", [OSError("no space left"), RuntimeError("odd")])
async def test_round__one_hold_fails__other_goes_on_and_it_is_tried_again_holds(
    world, monkeypatch, error
):
    made = await two_late_holds(world)
    fail_first(monkeypatch, error)
    custody = CustodyRunner(world.api.state.services)

    await custody.round()
    after_one = await statuses(world, made)
    await custody.round()

    assert sorted(after_one) == ["authorised", "expired"]
    assert await statuses(world, made) == ["expired", "expired"]


async def test_round__bug_of_ours__stops_it_holds(world, monkeypatch):
    await two_late_holds(world)
    fail_first(monkeypatch, InvariantViolated("two of one"))

    with pytest.raises(InvariantViolated):
        await CustodyRunner(world.api.state.services).run()


async def test_run__database_is_busy__goes_on_holds(world, monkeypatch):
    made = await two_late_holds(world)
    register = world.dependencies.registers.custody.holds
    real, left = register.open, [1]

    def busy_once(after, limit):
        if left:
            left.pop()
            raise OperationalError("select", {}, Exception("database is locked"))
        return real(after, limit)

    monkeypatch.setattr(register, "open", busy_once)
    monkeypatch.setattr(runner, "ROUND_MS", 10)
    running = asyncio.create_task(CustodyRunner(world.api.state.services).run())
    try:
        for _ in range(200):
            if await statuses(world, made) == ["expired", "expired"]:
                break
            await asyncio.sleep(0.02)
    finally:
        running.cancel()

    assert await statuses(world, made) == ["expired", "expired"]
