"""Schedules.

- made, listed, cancelled; a repeated request is the same schedule
- due: paid once each, whatever is repeated; not before its time; missed ones made up for, in order
- a crash before it is sent, after it is sent, after the order expired: paid once
- no money: the code is told, tried again, paid when there is money, skipped after a day
- rejected by the ledger: another order is signed
- cancelled: what is due is not paid; what is on its way goes on
- bad input; a caller who may not use customers' keys
"""

import pytest

from backend.access.custody.sending import Standing
from backend.protocol.errors import NoQuorum
from tests.unit.access.custody.scenes import (
    DAY_S,
    balance,
    call,
    customer,
    done,
    fund,
    now_s,
    pass_time,
    tick,
)
from tests.unit.access.scenes import PAYEE_TEXT, get, nothing_changes
from tests.unit.access.world import FUNDS, error_of, running_world

COST = 110


async def wish(world, made, **fields):
    plan = {
        "customer_id": made["id"],
        "payee": PAYEE_TEXT,
        "asset": "USDC",
        "amount": "100",
        "first_at": str(now_s(world)),
        "every": "day",
        "count": 3,
        "memo": "rent",
    }
    return plan | fields


async def schedule(world, made, key_text="schedule", **fields):
    return await done(world, "/v1/schedules", await wish(world, made, **fields), key_text)


async def occurrences(world, planned):
    """Return status and code of each occurrence, the oldest first."""
    page = await get(world, f"/v1/schedules/{planned['id']}/occurrences?limit=100")
    return [(one["status"], one["code"]) for one in reversed(page["data"])]


async def no_quorum(_record):
    raise NoQuorum(3, 2)


async def test_schedule__three_days__is_paid_each_day_once_succeeds(world):
    made = await customer(world, amount=10_000)
    planned = await schedule(world, made)
    balances = []
    for _ in range(4):
        await tick(world)
        await tick(world)
        balances.append(await balance(world, made["address"]))
        pass_time(world, DAY_S)
    ended = await get(world, f"/v1/schedules/{planned['id']}")
    uses = await get(world, f"/v1/customers/{made['id']}/key-uses")

    assert balances == [10_000 - COST * days for days in (1, 2, 3, 3)]
    assert (ended["status"], ended["begun"], ended["next_at"]) == ("done", 3, None)
    assert [(one["purpose"], one["actor"]) for one in uses["data"]] == [
        ("schedule", f"schedule:{planned['id']}")
    ] * 3


async def test_schedule__not_due_yet__changes_nothing(world):
    made = await customer(world, amount=10_000)
    planned = await schedule(world, made, first_at=str(now_s(world) + 60))
    async with nothing_changes(world):
        await tick(world)

    assert planned["status"] == "active"
    assert await occurrences(world, planned) == []


async def test_schedule__missed_while_down__is_made_up_for_in_order_holds(tmp_path):
    async with running_world(tmp_path) as world:
        made = await customer(world, amount=10_000)
        planned = await schedule(world, made, count=5)
        await world.settle()

    async with running_world(tmp_path) as world:
        pass_time(world, 3 * DAY_S + 60)
        await tick(world)
        page = await get(world, f"/v1/schedules/{planned['id']}/occurrences")
        paid = [await get(world, f"/v1/payments/{one['payment_id']}") for one in page["data"]]

        assert [one["status"] for one in page["data"]] == ["paid"] * 4
        assert [one["nonce"] for one in paid] == ["3", "2", "1", "0"]
        assert await balance(world, PAYEE_TEXT) == FUNDS + 400


@pytest.mark.parametrize("down_s", [60, 3_600])
async def test_schedule__died_before_it_was_sent__is_paid_once_holds(tmp_path, monkeypatch, down_s):
    async with running_world(tmp_path) as world:
        made = await customer(world, amount=10_000)
        planned = await schedule(world, made, count=1)
        monkeypatch.setattr(world.node, "submit", no_quorum)
        await tick(world)
        monkeypatch.undo()

    async with running_world(tmp_path) as world:
        pass_time(world, down_s)
        await tick(world)
        await tick(world)

        assert await occurrences(world, planned) == [("paid", None)]
        assert await balance(world, made["address"]) == 10_000 - COST


async def test_schedule__died_after_it_was_sent__is_paid_once_holds(tmp_path, monkeypatch):
    async with running_world(tmp_path) as world:
        made = await customer(world, amount=10_000)
        planned = await schedule(world, made, count=1)
        register = world.dependencies.registers.custody.schedules
        save = register.save

        def dies(occurrence):
            if occurrence.status == "paid":
                raise OSError("killed")
            save(occurrence)

        monkeypatch.setattr(register, "save", dies)
        await tick(world)
        assert await occurrences(world, planned) == [("due", None)]
        assert await balance(world, made["address"]) == 10_000 - COST

    async with running_world(tmp_path) as world:
        pass_time(world, 3_600)
        await tick(world)

        assert await occurrences(world, planned) == [("paid", None)]
        assert await balance(world, made["address"]) == 10_000 - COST


async def test_schedule__no_money__is_tried_until_there_is_some_holds(world):
    made = await customer(world, amount=50)
    planned = await schedule(world, made, count=1)
    await tick(world)
    waiting = await occurrences(world, planned)
    await fund(world, made["address"], 1_000)
    pass_time(world, 61)
    await tick(world)

    assert waiting == [("due", "INSUFFICIENT_FUNDS")]
    assert await occurrences(world, planned) == [("paid", None)]


async def test_schedule__no_account__is_skipped_after_a_day_holds(world):
    made = await customer(world)
    planned = await schedule(world, made, count=2)
    await tick(world)
    pass_time(world, DAY_S + 61)
    await tick(world)
    await tick(world)
    after_a_day = await occurrences(world, planned)
    pass_time(world, DAY_S + 61)
    await tick(world)

    assert after_a_day == [("skipped", "ACCOUNT_UNKNOWN"), ("due", "ACCOUNT_UNKNOWN")]
    assert await occurrences(world, planned) == [("skipped", "ACCOUNT_UNKNOWN")] * 2
    assert (await get(world, f"/v1/schedules/{planned['id']}"))["status"] == "done"


async def test_schedule__ledger_rejected_it__another_order_is_signed_holds(world, monkeypatch):
    made = await customer(world, amount=10_000)
    planned = await schedule(world, made, count=1)
    sender = world.api.state.services.sender

    async def rejected(_kept):
        return Standing("rejected", "INSUFFICIENT_FUNDS")

    monkeypatch.setattr(sender, "_submit", rejected)
    await tick(world)
    first = await occurrences(world, planned)
    monkeypatch.undo()
    monkeypatch.setattr(sender, "standing", rejected)
    pass_time(world, 61)
    await tick(world)
    monkeypatch.undo()
    await tick(world)

    assert first == [("due", "INSUFFICIENT_FUNDS")]
    assert await balance(world, made["address"]) == 10_000 - COST
    assert len((await get(world, f"/v1/customers/{made['id']}/key-uses"))["data"]) == 2


async def test_cancel_schedule__some_due__pays_nothing_more_holds(world):
    made = await customer(world, amount=50)
    planned = await schedule(world, made)
    await tick(world)
    path = f"/v1/schedules/{planned['id']}/cancel"
    cancelled = await done(world, path, None, "cancel")
    again = await done(world, path, None, "cancel again")
    await fund(world, made["address"], 10_000)
    pass_time(world, 5 * DAY_S)
    await tick(world)

    assert cancelled["status"] == again["status"] == "cancelled"
    assert cancelled["next_at"] is None
    assert await occurrences(world, planned) == [("cancelled", "INSUFFICIENT_FUNDS")]
    assert await balance(world, made["address"]) == 10_050


async def test_schedules__repeated_and_listed__succeeds(world):
    made = await customer(world)
    body = await wish(world, made)
    first = await done(world, "/v1/schedules", body, "one")
    again = await done(world, "/v1/schedules", body, "one")
    other = await done(world, "/v1/schedules", body | {"every": "once", "count": 1}, "two")
    listed = await get(world, f"/v1/schedules?customer_id={made['id']}")

    assert again == first
    assert [one["id"] for one in listed["data"]] == [other["id"], first["id"]]
    assert (await get(world, "/v1/schedules?customer_id=cus_1"))["data"] == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"customer_id": "cus_1"}, (404, "CUSTOMER_NOT_FOUND")),
        ({"customer_id": PAYEE_TEXT[:40]}, (400, "MALFORMED_REQUEST")),
        ({"first_at": "1"}, (422, "FIRST_TIME_INVALID")),
        ({"first_at": "9999999999"}, (422, "FIRST_TIME_INVALID")),
        ({"first_at": "soon"}, (400, "MALFORMED_REQUEST")),
        ({"every": "year"}, (400, "MALFORMED_REQUEST")),
        ({"every": "once"}, (400, "MALFORMED_REQUEST")),
        ({"count": 0}, (400, "MALFORMED_REQUEST")),
        ({"count": 1_001}, (400, "MALFORMED_REQUEST")),
        ({"count": "3"}, (400, "MALFORMED_REQUEST")),
        ({"amount": "0"}, (422, "AMOUNT_ZERO")),
        ({"asset": "EURX"}, (422, "ASSET_UNKNOWN")),
        ({"payee": "0x" + "00" * 20}, (422, "PAYEE_INVALID")),
    ],
)
async def test_create_schedule__bad_input__rejects(world, fields, expected):
    made = await customer(world)

    response = await call(world, "/v1/schedules", await wish(world, made, **fields), "1")

    assert error_of(response) == expected
    assert (await get(world, "/v1/schedules"))["data"] == []


async def test_create_schedule__to_himself__rejects(world):
    made = await customer(world)
    body = await wish(world, made, payee=made["address"])

    assert error_of(await call(world, "/v1/schedules", body, "1")) == (422, "SAME_ACCOUNT")


async def test_create_schedule__key_may_not_sign_for_customers__rejects(world):
    made = await customer(world)
    body = {"name": "planner", "scopes": ["schedules:write"]}
    secret = (await done(world, "/v1/api-keys", body, "key"))["secret"]
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "1"}

    response = await world.client.post(
        "/v1/schedules", json=await wish(world, made), headers=headers
    )

    assert error_of(response) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize("path", ["", "/occurrences", "/cancel"])
async def test_schedule__unknown__rejects(world, path):
    url = f"/v1/schedules/sch_1{path}"
    response = await (call(world, url, None, "1") if path == "/cancel" else world.client.get(url))

    assert error_of(response) == (404, "SCHEDULE_NOT_FOUND")
