"""The stream of events: from the beginning, filtered, with heartbeats, its claim's own name.

- many listeners: what is new is read once; one who is behind; too many; the reader fails;
  the process ends
- a position beyond all numbers
"""

import asyncio
import json

import pytest

from backend.access import broadcast
from backend.access.api.events import Follower
from backend.protocol.batches import withdrawal_key
from backend.protocol.hashing import keccak
from backend.protocol.types import digest_text
from backend.records.event_stream import EventPosition
from backend.records.facts import WithdrawalClaimed
from tests.unit.access.scenes import PAYEE, PAYER
from tests.unit.access.world import body_of, error_of, order, sign, wait_until, withdrawal
from tests.unit.engine.committee import DOMAIN, START_MS, TOKEN


async def read(follower, count):
    """Return the first `count` events, and the texts between them."""
    events, others, texts = [], [], follower.texts()
    async for several in texts:
        for text in several.strip().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in text.splitlines() if line[0] != ":")
            if "data" in fields:
                events.append(json.loads(fields["data"]))
            else:
                others.append(text)
        if len(events) >= count:
            break
    await texts.aclose()
    return events[:count], others


def follower_of(world, position=None, types=(), party=None):
    start = position or EventPosition()
    return Follower(world.api.state.services, start, types, party)


async def test_texts__from_the_beginning__in_order_succeeds(world):
    events, others = await read(follower_of(world), 8)

    kinds = [event["type"] for event in events]
    assert kinds[0] == "block.final"
    assert "asset.listed" in kinds
    assert others[0].startswith("retry: 1000")
    positions = [EventPosition.parse(event["id"]) for event in events]
    assert positions == sorted(positions)


async def test_texts__claimed_withdrawal__is_named_by_its_id_succeeds(world):
    signed = sign(PAYER, withdrawal(PAYER, 300))
    await world.post("/v1/withdrawals", body_of(signed), Prefer="wait=final")
    await world.settle()
    claim_key = withdrawal_key(PAYER.address, 0, TOKEN, 300)
    claimed = WithdrawalClaimed(claim_key, PAYER.address, 1, 9, 50, START_MS, keccak(b"claim"))
    world.projections.apply_chain_event(claimed)

    events, _ = await read(follower_of(world, types=("withdrawal.claimed",)), 1)

    assert events[0]["subject"] == digest_text(signed.digest(DOMAIN))


async def test_texts__nothing_new__sends_heartbeats_succeeds(world):
    end = world.stream.end()
    follower = follower_of(world, end, party=PAYEE.address)
    texts = follower.texts()

    first, second = await anext(texts), await anext(texts)
    await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 5)))
    while "payment.final" not in (text := await anext(texts)):
        assert text == ": alive\n\n"
    await texts.aclose()

    assert first == f"retry: 1000\nid: {end}\n\n"
    assert second == ": alive\n\n"
    assert await nobody_listens(world)


async def nobody_listens(world):
    await asyncio.sleep(0)
    return not world.stream._listeners


async def test_texts__many_listeners__new_events_are_read_once_holds(world, monkeypatch):
    await world.settle()
    end, count, block_count = world.stream.end(), 50, 10
    reads = 0
    after = world.stream.after

    def counted(*arguments):
        nonlocal reads
        reads += 1
        return after(*arguments)

    monkeypatch.setattr(world.stream, "after", counted)
    listeners = [
        asyncio.create_task(read(follower_of(world, end, ("payment.final",)), block_count))
        for _ in range(count)
    ]
    await wait_until(lambda: reads > count)  # each has read what he missed, and one reads for all
    for nonce in range(block_count):
        await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 5, nonce)), Prefer="wait=final")
    heard = [events for events, _ in await asyncio.wait_for(asyncio.gather(*listeners), 30)]

    assert all(events == heard[0] for events in heard)
    assert [event["type"] for event in heard[0]] == ["payment.final"] * block_count
    assert reads < 3 * count


async def test_texts__more_than_waits__reads_for_himself_holds(world, monkeypatch):
    await world.settle()
    monkeypatch.setattr(broadcast, "WAITING_MAX", 2)
    texts = follower_of(world, world.stream.end(), ("payment.final",)).texts()
    await anext(texts)
    for nonce in range(4):
        await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 5, nonce)), Prefer="wait=final")
    await world.settle()

    heard = ""
    while heard.count("event: payment.final") < 4:
        heard += await asyncio.wait_for(anext(texts), 30)
    await texts.aclose()

    assert heard.count("event: payment.final") == 4


async def test_texts__filter_that_nothing_fits__moves_on_holds(world):
    """Else the whole table would be read again at each block."""
    follower = follower_of(world, types=("nothing",))
    texts = follower.texts()
    await anext(texts)

    assert await anext(texts) == ": alive\n\n"
    assert follower._position == world.stream.end()
    await texts.aclose()


async def test_texts__events_cant_be_read__ends_holds(world, monkeypatch):
    await world.settle()
    texts = follower_of(world, world.stream.end()).texts()
    await anext(texts)
    await anext(texts)

    def fail(*_):
        raise OSError("the disk is gone")

    monkeypatch.setattr(world.stream, "after", fail)
    world.stream.changed()

    assert [text async for text in texts if text != ": alive\n\n"] == []
    assert await nobody_listens(world)


async def test_texts__process_ends__listeners_leave_holds(world):
    await world.settle()
    texts = follower_of(world, world.stream.end()).texts()
    await anext(texts)
    await anext(texts)

    world.api.state.services.broadcast.close()
    late = [text async for text in follower_of(world).texts()]

    assert [text async for text in texts] == []
    assert len(late) == 1
    assert await nobody_listens(world)


async def test_stream_events__too_many_listeners__rejects(world, monkeypatch):
    monkeypatch.setattr(broadcast, "LISTENERS_MAX", 0)

    assert error_of(await world.client.get("/v1/events")) == (429, "BACK_PRESSURE")


@pytest.mark.parametrize("text", ["9" * 19 + ".0", "0." + "9" * 30, "1", "1.", "-1.0", "\u0661.0"])
async def test_stream_events__no_position__rejects(world, text):
    response = await world.client.get("/v1/events", params={"after": text})

    assert error_of(response) == (400, "MALFORMED_REQUEST")
