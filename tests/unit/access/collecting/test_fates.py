"""What became of an order or a group, whoever remembers it; and refunds' memos among many records.

- open, accepted, executed (told by the node, by the records), rejected, overtaken, expired
- nobody knows yet: the node has forgotten an order, and the records lag behind
- a group that a block rejects: shown, on its legs too, and built anew
- memos: none to look for, one of a refund, the refund itself
"""

import pytest

from backend.access.collecting.fates import Fate, executed_status, fate_of
from backend.access.collecting.group_views import group_view
from backend.access.collecting.groups import find_group
from backend.access.collecting.memos import memo_errors
from backend.protocol.errors import BackPressure, RefundMismatch
from backend.records.registers.refunds import Refund
from tests.unit.access.collecting.scenes import add_signature, build, sign_all
from tests.unit.access.scenes import PAYEE, PAYER, get, post_batch
from tests.unit.access.world import order, sign
from tests.unit.engine.committee import DOMAIN, START_MS


@pytest.fixture
def services(world):
    return world.api.state.services


@pytest.fixture
def idle(world, monkeypatch):
    """A platform whose sequencer makes no block until it is told to."""
    monkeypatch.setattr(world.node._sequencer, "propose", lambda _: None)

    async def wake():
        monkeypatch.undo()
        world.node._propose()
        await world.settle()

    return wake


async def fate(services, signed):
    return await fate_of(services, signed.digest(DOMAIN), [signed.order])


async def test_fate_of__order_on_its_way__open_accepted_executed_holds(world, services, idle):
    signed = sign(PAYER, order(PAYER, PAYEE.address, 5))

    before = await fate(services, signed)
    await world.pay(signed)
    accepted = await fate(services, signed)
    await idle()
    executed = await fate(services, signed)

    assert [one.kind for one in (before, accepted, executed)] == ["open", "accepted", "executed"]
    assert await executed_status(services, signed.digest(DOMAIN)) == "final"
    await post_batch(world, 1)
    assert await executed_status(services, signed.digest(DOMAIN)) == "posted"


async def test_fate_of__node_has_forgotten__the_records_tell_holds(world, services, monkeypatch):
    signed = sign(PAYER, order(PAYER, PAYEE.address, 5))
    await world.pay(signed, Prefer="wait=final")
    await world.settle()
    monkeypatch.setattr(world.node._outcomes, "get", lambda _: None)
    world.node._outcomes._outcomes.clear()

    assert await fate(services, signed) == Fate("executed")


async def test_fate_of__node_has_forgotten_and_records_lag__is_not_over_rejects(
    world, services, monkeypatch
):
    monkeypatch.setattr("backend.access.custody.sending._RECORDS_WAIT_MS", 0)
    monkeypatch.setattr(world.node, "observers", [])
    signed = sign(PAYER, order(PAYER, PAYEE.address, 5))
    await world.pay(signed, Prefer="wait=final")
    world.node._outcomes._outcomes.clear()

    with pytest.raises(BackPressure):
        await fate(services, signed)


async def test_fate_of__another_order_of_the_nonce__overtaken_holds(world, services):
    signed = sign(PAYER, order(PAYER, PAYEE.address, 5))
    await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 6)), Prefer="wait=final")

    found = await fate(services, signed)

    assert (found, found.is_over) == (Fate("overtaken", None, 0, 1), True)


async def test_fate_of__time_is_over__expired_a_little_later_holds(world, services):
    until = START_MS // 1000 + 100
    signed = sign(PAYER, order(PAYER, PAYEE.address, 5, valid_until=until))

    world.clock.offset_ms = 105_000
    soon = await fate(services, signed)
    world.clock.offset_ms = 112_000
    later = await fate(services, signed)

    assert (soon.kind, later.kind) == ("open", "expired")


async def test_group__expires_while_it_waits__is_rejected_and_built_anew_succeeds(
    world, services, idle
):
    group = (await build(world)).json()
    for leg in (0, 1):
        response = await add_signature(world, group, leg)
    accepted = response.json()["status"]
    world.clock.offset_ms = 3_700_000
    await idle()

    shown = await get(world, f"/v1/groups/{group['id']}")
    leg = await get(world, f"/v1/payments/{group['legs'][0]['id']}")
    world.node._outcomes._outcomes.clear()
    forgotten = await get(world, f"/v1/groups/{group['id']}")
    path = f"/v1/groups/{group['id']}/rebuild"
    anew = (await world.post(path, None, **{"Idempotency-Key": "r"})).json()
    done = await sign_all(world, anew)

    assert accepted == "accepted"
    assert (shown["status"], shown["code"]) == ("rejected", "ORDER_EXPIRED")
    assert (leg["status"], leg["code"]) == ("rejected", "ORDER_EXPIRED")
    assert forgotten == shown
    assert done.json()["status"] == "final"
    found = await find_group(services, bytes.fromhex(anew["id"][2:]))
    assert (await group_view(services, found))["status"] == "final"


async def test_memo_errors__many_records__names_the_false_refunds_holds(world, services):
    memo = b"\x07" * 32
    true_one = sign(PAYEE, order(PAYEE, PAYER.address, 5, memo=memo))
    false_one = sign(PAYEE, order(PAYEE, PAYER.address, 6, memo=memo))
    plain = sign(PAYEE, order(PAYEE, PAYER.address, 6))
    other = sign(PAYEE, order(PAYEE, PAYER.address, 6, memo=b"\x08" * 32))
    refund_id = true_one.digest(DOMAIN)
    register = world.dependencies.registers.collecting.refunds
    register.add(Refund(refund_id, b"\x09" * 32, 1, "s", 5, memo, b"", "prepared", 0), 5)

    errors = await memo_errors(services, [plain, true_one, false_one, other])

    assert errors[:2] == [None, None]
    assert isinstance(errors[2], RefundMismatch)
    assert errors[3] is None
    assert await memo_errors(services, [plain]) == [None]
    register.mark(refund_id, "released")
    assert isinstance((await memo_errors(services, [true_one]))[0], RefundMismatch)
