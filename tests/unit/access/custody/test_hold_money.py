"""Money that comes into holds and goes back, whoever sent it and whenever.

- paid in twice, too little, after the end, dust of a stranger: it goes back to the unit
- the two orders of creation bear one nonce, so one of them at most counts
- an asset that takes no fees; a restart in between; a release that was not sent
- a capture or a return that the ledger rejects: another can be executed once the reason is gone
- a round of the runner with nothing to do; where a hold stands, by its books alone
"""

from contextlib import asynccontextmanager

import pytest

from backend.access.custody.hold_orders import HoldOrders
from backend.access.custody.hold_states import state_of
from backend.protocol.errors import NoQuorum
from backend.protocol.order_records import decode_record
from backend.protocol.types import address_from_text
from tests.unit.access.custody.scenes import (
    DAY_S,
    authorised,
    balance,
    call,
    done,
    fund,
    hold,
    pass_time,
    signature_of,
    tick,
)
from tests.unit.access.scenes import PAYEE, PAYEE_TEXT, PAYER_TEXT, get, nothing_changes
from tests.unit.access.world import FUNDS, error_of, order, running_world, sign, wait_until
from tests.unit.engine.committee import TOKEN

# A hold of 1,000: 20 are reserved for fees, 10 is the fee of the payer's own payment.
PAID_IN = 1_030


async def state(world, made):
    shown = await get(world, f"/v1/holds/{made['id']}")
    return tuple(shown[name] for name in ("status", "held", "captured", "returned"))


@pytest.mark.parametrize("body", [{}, {"amount": "300"}])
async def test_capture__paid_in_twice__surplus_goes_back_holds(world, body):
    made = await authorised(world)
    await fund(world, made["account"], 5_000)

    shown = await done(world, f"/v1/holds/{made['id']}/capture", body, "capture")

    captured = int(body.get("amount", "1000"))
    assert (shown["captured"], shown["held"]) == (str(captured), "0")
    assert await balance(world, PAYEE_TEXT) == FUNDS + captured
    assert await balance(world, PAYER_TEXT) == FUNDS - PAID_IN - 10 + 1_000 - captured


async def test_hold__money_comes_after_its_end__goes_back_holds(world):
    made = await authorised(world)
    await done(world, f"/v1/holds/{made['id']}/capture", {}, "capture")
    await tick(world)
    await fund(world, made["account"], 5_000)
    pass_time(world, 700)
    await tick(world)
    await tick(world)

    assert await state(world, made) == ("captured", "0", "1000", "4990")
    assert await balance(world, PAYER_TEXT) == FUNDS - PAID_IN - 5_010 + 4_990


async def test_hold__paid_in_too_little__is_not_authorised_and_goes_back_holds(world):
    made = (await hold(world)).json()
    await fund(world, made["account"], 1_019)
    refused = await call(world, f"/v1/holds/{made['id']}/capture", {"amount": "5"}, "capture")
    pass_time(world, DAY_S + 1)
    await tick(world)

    assert error_of(refused) == (409, "HOLD_NOT_AUTHORISED")
    assert await state(world, made) == ("expired", "0", "0", "1009")


async def test_hold__dust_from_a_stranger__hinders_nobody_holds(world):
    made = (await hold(world)).json()
    to = address_from_text(made["account"])
    await world.pay(sign(PAYEE, order(PAYEE, to, 1)), Prefer="wait=final")
    await world.post(f"/v1/holds/{made['id']}/authorization", {"signature": signature_of(made)})

    shown = await done(world, f"/v1/holds/{made['id']}/capture", {}, "capture")

    assert (shown["status"], shown["captured"], shown["held"]) == ("captured", "1000", "0")
    assert shown["returned"] == "1"


async def test_hold__both_orders_of_creation_sent__one_counts_holds(world):
    made = await authorised(world)
    kept = world.dependencies.registers.custody.kept_orders.of_owner(made["id"])
    capture, back = (decode_record(one.record) for one in kept)

    first = await world.pay(back, Prefer="wait=final")
    second = await world.pay(capture, Prefer="wait=final")
    uses = await get(world, f"/v1/holds/{made['id']}/key-uses")

    assert capture.order.nonce == back.order.nonce == 0
    assert [(one["key_id"], one["purpose"]) for one in uses["data"]] == [(made["id"], "hold")] * 2
    assert first.json()["status"] == "final"
    assert error_of(second) == (409, "NONCE_TOO_LOW")
    assert await state(world, made) == ("expired", "0", "0", "1010")


async def test_hold__asset_without_fees__nothing_is_reserved_holds(world):
    made = await authorised(world, asset="WIDE")
    shown = await done(world, f"/v1/holds/{made['id']}/capture", {"amount": "300"}, "capture")

    assert (made["fee_reserve"], made["held"]) == ("0", "1000")
    assert (shown["captured"], shown["returned"], shown["held"]) == ("300", "700", "0")


async def test_hold__restarted_in_between__goes_on_holds(tmp_path):
    async with running_world(tmp_path) as world:
        one, two, three = [await authorised(world, f"hold-{index}") for index in range(3)]
        await done(world, f"/v1/holds/{one['id']}/capture", {"amount": "300"}, "capture")
        await world.settle()

    async with running_world(tmp_path) as world:
        assert await state(world, one) == ("captured", "0", "300", "700")
        assert await state(world, two) == ("authorised", "1020", "0", "0")
        await done(world, f"/v1/holds/{two['id']}/capture", {}, "capture two")
        pass_time(world, DAY_S + 10)
        await tick(world)
        assert await state(world, three) == ("expired", "0", "0", "1010")


async def test_release__platform_dies_before_it_is_sent__runner_finishes_it_holds(
    tmp_path, monkeypatch
):
    async def no_quorum(_record):
        raise NoQuorum(3, 2)

    async with running_world(tmp_path) as world:
        made = await authorised(world)
        monkeypatch.setattr(world.node, "submit", no_quorum)
        refused = await call(world, f"/v1/holds/{made['id']}/release", None, "release")
        monkeypatch.undo()
        await world.settle()

    async with running_world(tmp_path) as world:
        capture = await call(world, f"/v1/holds/{made['id']}/capture", {}, "capture")
        await tick(world)

        assert error_of(refused) == (503, "NO_QUORUM")
        assert error_of(capture) == (409, "HOLD_ENDED")
        assert await state(world, made) == ("released", "0", "0", "1010")


async def test_round__nothing_to_do__changes_nothing(world):
    await authorised(world)
    (await hold(world, "hold-2")).json()
    async with nothing_changes(world):
        await tick(world)
        await tick(world)


async def test_give_back__hold_is_empty__changes_nothing(world):
    made = (await hold(world)).json()
    services = world.api.state.services
    kept = world.dependencies.registers.custody.holds.get(made["id"])
    async with nothing_changes(world):
        state = await HoldOrders(services).give_back(kept, "x", 0)

    assert state == await state_of(services, kept)
    assert (state.status, state.is_over, state.is_pending) == ("created", False, False)


async def test_capture__records_lag_behind__same_request_succeeds_a_moment_later_holds(
    world, monkeypatch
):
    made = await authorised(world)
    path = f"/v1/holds/{made['id']}/capture"
    captured = await done(world, path, {"amount": "300"}, "capture")
    world.node._outcomes._outcomes.clear()  # a restart later
    monkeypatch.setattr("backend.access.custody.sending._RECORDS_WAIT_MS", 0)
    monkeypatch.setattr(world.dependencies.reader, "block_number", lambda: 0)

    shown = await world.client.get(f"/v1/holds/{made['id']}")
    released = await call(world, f"/v1/holds/{made['id']}/release", None, "release")
    monkeypatch.undo()
    again = await call(world, f"/v1/holds/{made['id']}/release", None, "release")

    assert error_of(shown) == error_of(released) == (429, "BACK_PRESSURE")
    assert error_of(again) == (409, "HOLD_ENDED")
    assert (await get(world, f"/v1/holds/{made['id']}")) == captured


async def test_hold__capture_waits_for_its_block__all_else_waits_holds(world, monkeypatch):
    made = await authorised(world)
    keys = dict(world.node._sequencer._keys)
    world.node._sequencer._keys.clear()  # nobody proposes
    for validator in world.node.validators:
        validator._timeout_ms_min = 10**9
    monkeypatch.setattr("backend.access.custody.holds.WAIT_FINAL_MS_MAX", 50)
    path = f"/v1/holds/{made['id']}"
    waiting = await call(world, f"{path}/capture", {}, "capture")
    second = await call(world, f"{path}/capture", {}, "another")
    released = await call(world, f"{path}/release", None, "release")
    world.node._sequencer._keys.update(keys)
    world.node._propose()
    await world.settle()
    again = await call(world, f"{path}/capture", {}, "another")
    late = await call(world, f"{path}/release", None, "release")

    assert (waiting.status_code, waiting.json()["status"]) == (202, "authorised")
    assert waiting.json()["is_moving"] is True
    assert error_of(second) == error_of(released) == (429, "BACK_PRESSURE")
    assert error_of(again) == error_of(late) == (409, "HOLD_ENDED")
    assert await balance(world, PAYEE_TEXT) == FUNDS + 1_000


@asynccontextmanager
async def barred_on_the_way(world, owner):
    """Let the ledger reject what is accepted meanwhile: `owner` may not hold the token any more."""
    keys = dict(world.node._sequencer._keys)
    world.node._sequencer._keys.clear()  # nobody proposes
    for validator in world.node.validators:
        validator._timeout_ms_min = 10**9
    yield
    world.l1.bar(TOKEN, owner)
    await wait_until(lambda: not world.node._may_hold_now(TOKEN, owner))
    world.node._sequencer._keys.update(keys)
    world.node._propose()
    await world.settle()


@pytest.mark.parametrize("body", [{}, {"amount": "300"}])
async def test_capture__rejected_for_a_reason_that_passes__another_succeeds(
    world, monkeypatch, body
):
    made = await authorised(world)
    path = f"/v1/holds/{made['id']}/capture"
    with monkeypatch.context() as patch:
        patch.setattr("backend.access.custody.holds.WAIT_FINAL_MS_MAX", 50)
        async with barred_on_the_way(world, PAYEE.address):
            waiting = await call(world, path, body, "capture")
    rejected = await call(world, path, body, "while barred")
    world.l1.barred.clear()

    again = await call(world, path, body, "another")

    assert waiting.status_code == 202
    assert error_of(rejected) == (422, "NOT_ELIGIBLE")
    assert again.json()["captured"] == body.get("amount", "1000"), again.text
    assert again.json()["held"] == "0"


async def test_release__return_is_rejected__goes_back_later_by_one_more_order_holds(
    world, monkeypatch
):
    made = await authorised(world)
    register = world.dependencies.registers.custody.kept_orders
    with monkeypatch.context() as patch:
        patch.setattr("backend.access.custody.holds.WAIT_FINAL_MS_MAX", 50)
        async with barred_on_the_way(world, address_from_text(PAYER_TEXT)):
            await call(world, f"/v1/holds/{made['id']}/release", None, "release")
    before = len(register.of_owner(made["id"]))
    for _ in range(3):
        await tick(world)
    kept = len(register.of_owner(made["id"]))
    world.l1.barred.clear()
    await tick(world)

    assert kept == before + 1
    assert await state(world, made) == ("released", "0", "0", "1010")
