"""Groups of payments that are signed one after the other.

- an exchange: built, signed by both, final, posted; its legs are payments that show it; its event
- built: consecutive nonces of one payer; a repeat; shapes, assets, amounts, fees, times
- the last two signatures at once; a restart between them
- signatures: foreign, altered, of another group's leg, twice, for no leg, late
- nonces overtaken, said so, and built anew; no funds: kept, and tried again
- a crash between the last signature and the node: sent once by the sender
- lists
"""

import asyncio

import pytest
from sqlalchemy import select

from backend.access.api import collecting_examples
from backend.access.collecting.group_sender import GroupSender
from backend.access.collecting.schemas import GroupIn, LegSignatureIn
from backend.records.tables.projections import events
from tests.unit.access.collecting.scenes import (
    EXCHANGE,
    add_signature,
    balances,
    build,
    sign_all,
    signature_of,
)
from tests.unit.access.scenes import (
    PAYEE,
    PAYEE_TEXT,
    PAYER,
    STRANGER,
    get,
    nothing_changes,
    post_batch,
)
from tests.unit.access.world import FUNDS, error_of, order, running_world, sign


async def test_group__exchange_signed_by_both__is_final_succeeds(world):
    built = await build(world)
    group = built.json()
    first = await add_signature(world, group, 0)
    untouched = balances(world)

    last = await add_signature(world, group, 1, Prefer="wait=final")
    await world.settle()

    assert (built.status_code, group["status"]) == (201, "signing")
    assert group.keys() == collecting_examples.GROUP.keys()
    assert group["legs"][0].keys() == collecting_examples.GROUP["legs"][0].keys()
    assert [leg["is_signed"] for leg in group["legs"]] == [False, False]
    assert (first.status_code, first.json()["status"]) == (200, "signing")
    assert [leg["is_signed"] for leg in first.json()["legs"]] == [True, False]
    assert untouched == [FUNDS] * 4
    assert (last.status_code, last.json()["status"]) == (200, "final")
    assert balances(world) == [FUNDS - 1_010, FUNDS + 900, FUNDS + 1_000, FUNDS - 900]
    for leg in group["legs"]:
        shown = await get(world, f"/v1/payments/{leg['id']}")
        assert (shown["status"], shown["group_id"]) == ("final", group["id"])
    assert (await get(world, f"/v1/groups/{group['id']}"))["status"] == "final"
    with world.databases.projections.connect() as connection:
        told = select(events.c.subject).where(events.c.type == "group.final")
        assert connection.execute(told).scalars().all() == [group["id"]]


def test_examples__groups__have_the_fields_of_the_schemas_holds():
    assert GroupIn.model_validate(collecting_examples.GROUP_IN).legs[1].asset == "EURX"
    assert LegSignatureIn.model_validate(collecting_examples.LEG_SIGNATURE).leg == 0


async def test_group__posted_and_settled__shows_it_succeeds(world):
    group = (await build(world)).json()
    await sign_all(world, group)

    await post_batch(world, 1)
    posted = await get(world, f"/v1/groups/{group['id']}")
    await post_batch(world, 1, is_settled=True)
    settled = await get(world, f"/v1/groups/{group['id']}")

    assert (posted["status"], settled["status"]) == ("posted", "settled")


async def test_build_group__payer_with_several_legs__consecutive_nonces_succeeds(world):
    await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 1)), Prefer="wait=final")
    leg = EXCHANGE[0]

    response = await build(world, leg, EXCHANGE[1], leg | {"payee": "0x" + "07" * 20}, leg)

    group = response.json()
    assert [one["nonce"] for one in group["legs"]] == ["1", "0", "2", "3"]
    assert (await sign_all(world, group)).json()["status"] == "final"


async def test_build_group__repeated__changes_nothing(world):
    first = await build(world)
    idempotency = world.dependencies.registers.idempotency
    world.clock.offset_ms = 2_000

    again = await build(world)
    idempotency.prune(world.clock() + 10**12)  # as a crash before the answer
    after_crash = await build(world)
    idempotency.prune(world.clock() + 10**12)
    other = await build(world, EXCHANGE[0], EXCHANGE[1] | {"amount": "901"})

    assert first.json() == again.json() == after_crash.json()
    assert error_of(other) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert len((await get(world, "/v1/groups"))["data"]) == 1


@pytest.mark.parametrize(
    ("legs", "expected"),
    [
        (EXCHANGE[:1], (422, "GROUP_INVALID")),
        (EXCHANGE[:1] * 9, (422, "GROUP_INVALID")),
        ([], (422, "GROUP_INVALID")),
        ([EXCHANGE[0], EXCHANGE[1] | {"payee": PAYEE_TEXT}], (422, "SAME_ACCOUNT")),
        ([EXCHANGE[0], EXCHANGE[1] | {"payee": "0x" + "00" * 20}], (422, "PAYEE_INVALID")),
        ([EXCHANGE[0], EXCHANGE[1] | {"payer": "0x" + "07" * 20}], (422, "ACCOUNT_UNKNOWN")),
        ([EXCHANGE[0], EXCHANGE[1] | {"asset": "GOLD"}], (422, "ASSET_UNKNOWN")),
        ([EXCHANGE[0], EXCHANGE[1] | {"amount": "0"}], (422, "AMOUNT_ZERO")),
        ([EXCHANGE[0], EXCHANGE[1] | {"fee": "1"}], (422, "FEE_NOT_ALLOWED")),
        ([EXCHANGE[0] | {"fee": "9"}, EXCHANGE[1]], (422, "FEE_TOO_LOW")),
        ([EXCHANGE[0], EXCHANGE[1] | {"link": "0x"}], (400, "MALFORMED_REQUEST")),
    ],
)
async def test_build_group__malformed__rejects(world, legs, expected):
    body = {"legs": list(legs)}

    response = await world.post("/v1/groups", body, **{"Idempotency-Key": "g"})

    assert error_of(response) == expected
    assert (await get(world, "/v1/groups"))["data"] == []


async def test_build_group__over_already__rejects(world):
    assert error_of(await build(world, valid_until="1000")) == (422, "ORDER_EXPIRED")


async def test_sign_leg__foreign_or_altered_signature__changes_nothing(world):
    group = (await build(world)).json()
    other = (await build(world, *EXCHANGE, key_text="g2", valid_until=str(2**40))).json()
    good = signature_of(group["legs"][0])
    async with nothing_changes(world):
        foreign = await add_signature(world, group, 0, signature_of(group["legs"][0], STRANGER))
        counterparty = await add_signature(world, group, 1, good)
        of_another = await add_signature(world, group, 0, signature_of(other["legs"][0]))
        altered = await add_signature(world, group, 0, good[:10] + "0" + good[11:])
        shown = await get(world, f"/v1/groups/{group['id']}")

    assert error_of(foreign) == (422, "NOT_AUTHORISED")
    assert error_of(counterparty) == (422, "NOT_AUTHORISED")
    assert error_of(of_another) == (422, "NOT_AUTHORISED")
    assert altered.status_code == 422
    assert [leg["is_signed"] for leg in shown["legs"]] == [False, False]


async def test_sign_leg__no_such_leg_or_group__rejects(world):
    group = (await build(world)).json()
    signature = signature_of(group["legs"][0])

    body = {"leg": 2, "signature": signature}
    no_leg = await world.post(f"/v1/groups/{group['id']}/signatures", body)
    no_group = await world.post("/v1/groups/0x" + "12" * 32 + "/signatures", body)

    assert error_of(no_leg) == (422, "GROUP_INVALID")
    assert error_of(no_group) == (404, "GROUP_NOT_FOUND")
    assert error_of(await world.client.get("/v1/groups/0x" + "12" * 32)) == (404, "GROUP_NOT_FOUND")


async def test_sign_leg__twice__changes_nothing(world):
    group = (await build(world)).json()
    once = await add_signature(world, group, 0)
    twice = await add_signature(world, group, 0)
    await add_signature(world, group, 1, Prefer="wait=final")
    await world.settle()
    before = balances(world)

    again = await add_signature(world, group, 1)
    await world.settle()

    assert once.json() == twice.json()
    assert (again.status_code, again.json()["status"]) == (200, "final")
    assert balances(world) == before


async def test_sign_leg__too_late__rejects(world):
    group = (await build(world)).json()
    await add_signature(world, group, 0)

    world.clock.offset_ms = 3_601_000
    late = await add_signature(world, group, 1)
    world.clock.offset_ms = 3_612_000
    later = await add_signature(world, group, 1)
    shown = await get(world, f"/v1/groups/{group['id']}")

    assert error_of(late) == (422, "ORDER_EXPIRED")
    assert error_of(later) == (422, "ORDER_EXPIRED")
    assert shown["status"] == "expired"
    assert balances(world) == [FUNDS] * 4


async def test_sign_leg__nonce_used_meanwhile__says_so_and_is_built_anew_succeeds(world):
    group = (await build(world)).json()
    await add_signature(world, group, 1)
    rebuild = f"/v1/groups/{group['id']}/rebuild"
    too_early = await world.post(rebuild, None, **{"Idempotency-Key": "r0"})

    await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 1)), Prefer="wait=final")
    await world.settle()
    overtaken = await add_signature(world, group, 0)
    shown = await get(world, f"/v1/groups/{group['id']}")
    anew = await world.post(rebuild, None, **{"Idempotency-Key": "r1"})
    again = await world.post(rebuild, None, **{"Idempotency-Key": "r1"})
    done = await sign_all(world, anew.json())

    assert error_of(too_early) == (409, "GROUP_OPEN")
    assert error_of(overtaken) == (409, "GROUP_OVERTAKEN")
    values = overtaken.json()["error"]["values"]
    assert values == {"leg": 0, "expected": 1, "actual": 0}
    assert (shown["status"], shown["code"]) == ("rejected", "GROUP_OVERTAKEN")
    assert anew.status_code == 201
    assert anew.json() == again.json()
    assert [leg["nonce"] for leg in anew.json()["legs"]] == ["1", "0"]
    assert done.json()["status"] == "final"


async def test_sign_leg__no_funds__keeps_the_signatures_and_tries_again_succeeds(world):
    poor = EXCHANGE[0] | {"amount": str(FUNDS)}
    group = (await build(world, poor, EXCHANGE[1])).json()
    await add_signature(world, group, 0)
    refused = await add_signature(world, group, 1)
    untouched = balances(world)

    more = sign(PAYEE, order(PAYEE, PAYER.address, 500, fee=10))
    await world.pay(more, Prefer="wait=final")
    shown = await get(world, f"/v1/groups/{group['id']}")
    overtaken = shown["code"]
    retried = await add_signature(world, group, 1, Prefer="wait=final")

    assert error_of(refused) == (409, "INSUFFICIENT_FUNDS")
    assert untouched == [FUNDS] * 4
    assert overtaken is None
    assert [leg["is_signed"] for leg in shown["legs"]] == [True, True]
    assert retried.json()["status"] == "final"


async def test_group_sender__crash_before_the_node__sends_it_once_holds(world, monkeypatch):
    group = (await build(world)).json()
    await add_signature(world, group, 0)

    async def dies(_record):
        raise KeyboardInterrupt

    monkeypatch.setattr(world.node, "submit", dies)
    register = world.dependencies.registers.collecting.groups
    signature = bytes.fromhex(signature_of(group["legs"][1])[2:])
    register.sign(bytes.fromhex(group["id"][2:]), 1, signature)
    monkeypatch.undo()
    sender = GroupSender(world.api.state.services)
    waiting = len(register.complete())

    await sender.step()
    await world.settle()
    await sender.step()
    await world.settle()

    assert (waiting, register.complete()) == (1, [])
    assert (await get(world, f"/v1/groups/{group['id']}"))["status"] == "final"
    assert balances(world) == [FUNDS - 1_010, FUNDS + 900, FUNDS + 1_000, FUNDS - 900]


async def test_group_sender__overtaken_or_node_down__sends_nothing_holds(world, monkeypatch):
    poor = EXCHANGE[0] | {"amount": str(FUNDS)}
    group = (await build(world, poor, EXCHANGE[1])).json()
    await sign_all(world, group)
    register = world.dependencies.registers.collecting.groups
    sender = GroupSender(world.api.state.services)

    async def fails(_record):
        raise OSError("down")

    refused = len(register.complete())
    register.mark(bytes.fromhex(group["id"][2:]), "complete")
    monkeypatch.setattr(world.node, "submit", fails)
    await sender.step()
    monkeypatch.undo()
    kept = len(register.complete())
    await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 1)), Prefer="wait=final")
    await sender.step()

    assert (refused, kept, register.complete()) == (0, 1, [])
    assert register.get(bytes.fromhex(group["id"][2:])).code == "GROUP_OVERTAKEN"


async def test_list_groups__pages_and_payer__succeeds(world):
    legs = (EXCHANGE[0], EXCHANGE[0])
    ids = [
        (await build(world, *part, key_text=f"g{number}")).json()["id"]
        for number, part in enumerate((EXCHANGE, legs))
    ]

    mine = await get(world, f"/v1/groups?payer={PAYEE_TEXT}")
    first = await get(world, "/v1/groups?limit=1")
    rest = await get(world, f"/v1/groups?after={first['next_cursor']}")

    assert [one["id"] for one in mine["data"]] == ids[:1]
    assert [one["id"] for one in first["data"] + rest["data"]] == ids[::-1]


async def test_sign_leg__last_two_at_once__is_final_once_holds(world):
    group = (await build(world)).json()

    answers = await asyncio.gather(
        *(add_signature(world, group, leg, Prefer="wait=final") for leg in (0, 1, 0, 1))
    )
    await world.settle()

    assert {answer.status_code for answer in answers} <= {200, 202}
    assert (await get(world, f"/v1/groups/{group['id']}"))["status"] == "final"
    assert balances(world) == [FUNDS - 1_010, FUNDS + 900, FUNDS + 1_000, FUNDS - 900]


async def test_sign_leg__platform_restarts_in_between__goes_on_succeeds(tmp_path):
    async with running_world(tmp_path) as world:
        group = (await build(world)).json()
        await add_signature(world, group, 0)

    async with running_world(tmp_path) as world:
        before = await get(world, f"/v1/groups/{group['id']}")
        done = await add_signature(world, group, 1, Prefer="wait=final")
        await world.settle()

    async with running_world(tmp_path) as world:
        after = await get(world, f"/v1/groups/{group['id']}")
        leg = await get(world, f"/v1/payments/{group['legs'][1]['id']}")

    assert [one["is_signed"] for one in before["legs"]] == [True, False]
    assert (done.json()["status"], after["status"]) == ("final", "final")
    assert leg["group_id"] == group["id"]
