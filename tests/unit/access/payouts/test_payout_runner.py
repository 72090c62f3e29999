"""Paying an authorised payout, on a real node.

- every line is paid once; the report adds up; a repeat of the file pays nobody
- more lines than a chunk
- a payee who is refused meanwhile is skipped, and those behind him are paid
- the runner ends after any step and another goes on: nobody is paid twice
- what the node has forgotten is read from the records
- a payment that the ledger rejects is skipped; funds that are spent elsewhere are waited for
- the operator raises fees meanwhile: no line ends while its orders can be executed
- another order took a nonce; the orders' time is over
- a proposal that is over: the payout fails, and the same file begins anew
- a Safe in place of the treasury; one that authorises what was given up: the same file goes on
- the issuer's list can't be read: nobody is paid until it can
"""

import pytest

from backend.access.payouts import runner as runner_module
from backend.access.payouts.desk import ORDER_LIFE_S, orders_of
from backend.access.payouts.runner import PayoutRunner
from backend.access.settings import FeePolicy
from backend.protocol.hashing import Digest
from tests.unit.access.payouts.scenes import (
    ALICE,
    BOB,
    CAROL,
    FUNDS,
    approve_all,
    balance,
    create,
    desks,
    file_of,
    finish,
    fund,
    payees,
    treasury,
)
from tests.unit.access.treasury import RETURNS, TREASURY
from tests.unit.access.world import order, sign, wait_until
from tests.unit.engine.committee import key

FEE = 10  # of any amount, in the world
THREE = file_of((ALICE, "1"), (BOB, "2"), (CAROL, "3"))


async def authorised(world, csv=THREE, **fields):
    payout = (await create(world, csv, **fields)).json()
    await approve_all(world, payout["proposal_id"])
    await finish(world, payout["id"], "paying")
    return payout


async def lines(world, payout, **query):
    response = await world.client.get(f"/v1/payouts/{payout['id']}/lines", params=query)
    return response.json()["data"]


def new_runner(world) -> PayoutRunner:
    """A runner that knows nothing but what was written, as after a restart."""
    old = desks(world).runner
    return PayoutRunner(old._desk, old._node, old._reader, old._payees, old._settings, world.clock)


async def test_advance__authorised__pays_every_line_succeeds(world):
    await fund(world)
    payout = await authorised(world)

    shown = await finish(world, payout["id"])

    assert (balance(world, ALICE), balance(world, BOB), balance(world, CAROL)) == (
        1_000_000,
        2_000_000,
        3_000_000,
    )
    assert balance(world, TREASURY) == FUNDS - 6_000_000 - 3 * FEE
    assert (shown["paid_count"], shown["paid_total"]) == ("3", "6000000")
    found = await lines(world, payout)
    assert [(one["status"], one["nonce"]) for one in found] == [
        ("paid", "0"),
        ("paid", "1"),
        ("paid", "2"),
    ]
    payment = await world.client.get(f"/v1/payments/{found[1]['order_id']}")
    assert payment.json()["amount"] == "2000000"
    report = (await world.client.get(f"/v1/payouts/{payout['id']}/report")).json()
    assert report["paid"] == {"count": "3", "total": "6000000"}
    assert report["skipped"] == {"count": "0", "total": "0", "by_code": {}}


async def test_create__same_file_again__changes_nothing(world):
    await fund(world)
    payout = await authorised(world)
    await finish(world, payout["id"])

    again = (await create(world, THREE, "payout-2")).json()
    await desks(world).runner.advance()

    assert (again["id"], again["status"]) == (payout["id"], "done")
    assert balance(world, ALICE) == 1_000_000


async def test_advance__more_lines_than_a_chunk__succeeds(world, monkeypatch):
    monkeypatch.setattr(runner_module, "CHUNK_LINES", 7)
    await fund(world)
    many = [(key(f"person-{number}").address, "0.01") for number in range(40)]
    payout = await authorised(world, file_of(*many))

    shown = await finish(world, payout["id"])

    assert shown["paid_count"] == "40"
    assert all(balance(world, payee) == 10_000 for payee, _ in many)


async def test_advance__payee_frozen_meanwhile__skips_and_goes_on_succeeds(world):
    await fund(world)
    payout = await authorised(world)
    payees(world).blocked.add(BOB)

    shown = await finish(world, payout["id"])

    assert (shown["paid_count"], shown["skipped_count"]) == ("2", "1")
    assert (balance(world, ALICE), balance(world, BOB), balance(world, CAROL)) == (
        1_000_000,
        0,
        3_000_000,
    )
    assert balance(world, RETURNS) == 1
    (skipped,) = await lines(world, payout, status="skipped")
    assert (skipped["code"], skipped["number"]) == ("PAYEE_BLOCKED", "3")


@pytest.mark.parametrize("steps", range(1, 7))
async def test_advance__ended_after_any_step__pays_once_holds(world, monkeypatch, steps):
    monkeypatch.setattr(runner_module, "CHUNK_LINES", 2)
    await fund(world)
    payout = await authorised(world)
    payees(world).blocked.add(BOB)
    for _ in range(steps):
        await new_runner(world).advance()

    shown = await finish(world, payout["id"])

    assert (shown["paid_count"], shown["skipped_count"]) == ("2", "1")
    assert balance(world, TREASURY) == FUNDS - 4_000_000 - 1 - 3 * FEE


async def test_advance__ended_between_writing_and_sending__pays_once_holds(world):
    await fund(world)
    payout = await authorised(world)
    register = desks(world).payouts.register
    register.mark_skipping(bytes.fromhex(payout["id"][2:]), [(0, "PAYEE_BLOCKED")])

    shown = await finish(world, payout["id"])

    assert (shown["paid_count"], shown["skipped_count"]) == ("2", "1")
    assert balance(world, ALICE) == 0


async def test_advance__sent_and_not_written__pays_once_holds(world):
    await fund(world)
    payout = await authorised(world)
    row, orders = await rows_of(world, payout)
    await world.node.submit_many([orders.record(index, is_skip=False) for index in range(3)])

    shown = await finish(world, payout["id"])

    assert shown["paid_count"] == "3"
    assert balance(world, TREASURY) == FUNDS - 6_000_000 - 3 * FEE


async def test_advance__forgotten_by_the_node__reads_the_records_succeeds(world, monkeypatch):
    await fund(world)
    payout = await authorised(world)
    row, orders = await rows_of(world, payout)
    kinds = (False, True, False)
    await world.node.submit_many(
        [orders.record(index, is_skip=is_skip) for index, is_skip in enumerate(kinds)]
    )
    await world.settle()
    monkeypatch.setattr(world.node, "wait_final", forgetful)

    await finish(world, payout["id"])

    assert [one["status"] for one in await lines(world, payout)] == ["paid", "skipped", "paid"]


async def test_advance__nonce_taken_by_another_order__is_skipped_succeeds(world, monkeypatch):
    payer = key("payer")
    csv = file_of((ALICE, "0.1"), (BOB, "0.2"))
    owner_text = "0x" + payer.address.hex()
    payout = (await create(world, csv, owner=owner_text, proposer=None)).json()
    await world.node.submit(sign(payer, order(payer, CAROL, 5)))
    world.l1.authorise(payer.address, Digest(bytes.fromhex(payout["root"][2:])))
    await world.settle()

    await finish(world, payout["id"])

    first, second = await lines(world, payout)
    assert (first["status"], first["code"]) == ("skipped", "NONCE_TOO_LOW")
    assert second["status"] == "paid"
    assert balance(world, ALICE) == 0


async def test_advance__funds_spent_elsewhere__waits_for_more_succeeds(world):
    payer = key("payer")
    csv = file_of((ALICE, "0.5"), (BOB, "0.4"))
    owner_text = "0x" + payer.address.hex()
    payout = (await create(world, csv, owner=owner_text, proposer=None)).json()
    await world.node.submit(sign(payer, order(payer, CAROL, 700_000)))
    world.l1.authorise(payer.address, Digest(bytes.fromhex(payout["root"][2:])))
    await world.settle()
    await finish(world, payout["id"], "paying")
    for _ in range(5):
        await desks(world).runner.advance()
    assert balance(world, BOB) == 0

    world.l1.deposit(payer.address, 900_000)
    shown = await finish(world, payout["id"])

    assert shown["paid_count"] == "1"
    assert balance(world, BOB) == 400_000


async def test_advance__fees_raised_meanwhile__waits_and_ends_no_line_holds(world):
    await fund(world)
    payout = await authorised(world)
    payees(world).blocked.add(BOB)
    policies = world.dependencies.settings.fees
    policies[1] = FeePolicy(FEE + 1, 0)
    for _ in range(5):
        await desks(world).runner.advance()

    waiting = [one["status"] for one in await lines(world, payout)]
    policies[1] = FeePolicy(FEE, 0)
    shown = await finish(world, payout["id"])

    assert waiting == ["waiting", "skipping", "waiting"]
    assert (shown["paid_count"], shown["skipped_count"]) == ("2", "1")
    assert balance(world, ALICE) == 1_000_000


async def test_advance__orders_too_old__are_skipped_succeeds(world):
    await fund(world)
    payout = await authorised(world)
    world.clock.offset_ms += (ORDER_LIFE_S + 60) * 1000

    shown = await finish(world, payout["id"])

    assert shown["skipped_count"] == "3"
    assert {one["code"] for one in await lines(world, payout)} == {"ORDER_EXPIRED"}
    assert balance(world, TREASURY) == FUNDS


async def test_advance__proposal_over__fails_and_begins_anew_succeeds(world):
    await fund(world)
    first = (await create(world, THREE)).json()
    treasury(world).offset_s = 8 * 24 * 3600
    await desks(world).proposals.standing(bytes.fromhex(first["proposal_id"][2:]))
    await finish(world, first["id"], "failed")
    treasury(world).offset_s = 0

    second = (await create(world, THREE, "payout-2")).json()
    await approve_all(world, second["proposal_id"])
    shown = await finish(world, first["id"])

    assert second["id"] == first["id"]
    assert second["proposal_id"] != first["proposal_id"]
    assert shown["paid_count"] == "3"
    assert balance(world, ALICE) == 1_000_000


async def test_advance__safe_as_owner__pays_when_it_authorises_succeeds(world):
    safe = key("a safe").address
    await fund(world, safe)
    owner_text = "0x" + safe.hex()
    payout = (await create(world, THREE, owner=owner_text, proposer=None)).json()
    assert payout["proposal_id"] is None
    assert payout["call"]["data"].endswith(payout["root"][2:])
    assert not await desks(world).runner.advance()

    world.l1.authorise(safe, Digest(bytes.fromhex(payout["root"][2:])))
    shown = await finish(world, payout["id"])

    assert shown["paid_count"] == "3"
    assert balance(world, safe) == FUNDS - 6_000_000 - 3 * FEE


async def test_create__given_up_and_authorised_all_the_same__goes_on_and_pays_once_holds(world):
    payer = key("payer")
    csv = file_of((ALICE, "0.1"), (BOB, "0.2"))
    fields = {"owner": "0x" + payer.address.hex(), "proposer": None}
    first = (await create(world, csv, **fields)).json()
    _, orders = await rows_of(world, first)
    await world.post(f"/v1/payouts/{first['id']}/cancel", {}, **{"Idempotency-Key": "c"})
    await world.node.submit(sign(payer, order(payer, CAROL, 5)))
    world.l1.authorise(payer.address, Digest(bytes.fromhex(first["root"][2:])))
    await wait_until(lambda: desks(world).payouts.has_root(orders_row(world, first)))

    again = (await create(world, csv, "payout-2", **fields)).json()
    world.l1.authorise(payer.address, Digest(bytes.fromhex(again["root"][2:])))
    await world.settle()
    await world.node.submit(orders.record(1, is_skip=False))  # anybody may who has the list
    await finish(world, first["id"])

    assert balance(world, BOB) == 200_000
    assert (again["status"], again["root"]) == ("paying", first["root"])
    assert [one["status"] for one in await lines(world, first)] == ["skipped", "paid"]


async def test_advance__block_list_unavailable__pays_nobody_rejects(world):
    await fund(world)
    payout = await authorised(world)
    payees(world).is_available = False

    assert not await desks(world).runner.advance()

    assert balance(world, ALICE) == 0
    payees(world).is_available = True
    assert (await finish(world, payout["id"]))["paid_count"] == "3"


def orders_row(world, payout):
    return desks(world).payouts.register.get(bytes.fromhex(payout["id"][2:]))


async def rows_of(world, payout):
    register = desks(world).payouts.register
    payout_id = bytes.fromhex(payout["id"][2:])
    row = register.get(payout_id)
    return row, orders_of(row, register.lines(payout_id), world.dependencies.settings)


async def forgetful(_payment_id, _timeout_ms):
    return None
