"""The stream of events: from the beginning, filtered, with heartbeats, its claim's own name."""

import json

from backend.access.api.events import Follower
from backend.protocol.batches import withdrawal_key
from backend.protocol.hashing import keccak
from backend.protocol.types import digest_text
from backend.records.event_stream import EventPosition
from backend.records.facts import WithdrawalClaimed
from tests.unit.access.scenes import PAYEE, PAYER
from tests.unit.access.world import body_of, order, sign, withdrawal
from tests.unit.engine.committee import DOMAIN, START_MS, TOKEN


async def read(follower, count):
    """Return the first `count` events, and the texts between them."""
    events, others = [], []
    async for text in follower.texts():
        fields = dict(line.split(": ", 1) for line in text.strip().splitlines() if line[0] != ":")
        if "data" in fields:
            events.append(json.loads(fields["data"]))
        else:
            others.append(text)
        if len(events) >= count:
            return events, others
    return events, others


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
    assert not world.stream._listeners
