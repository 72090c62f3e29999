"""Prizes by both clients, against the real API.

- prepared of a file and of lines, shown, listed, entries of everybody and of a person, the rest
- the clients are twins
"""

import asyncio
import inspect

import httpx
import pytest

import causeway
from causeway import prizes
from tests.unit.access.bonuses.prize_scenes import ALICE, BOB, DAY_S, SPONSOR, with_prizes
from tests.unit.access.payouts.scenes import file_of
from tests.unit.access.world import API_KEY, running_world
from tests.unit.sdk.server import served


@pytest.fixture
async def world(tmp_path):
    async with running_world(tmp_path) as running:
        yield running


def wish(world, **changes):
    return {
        "sponsor": SPONSOR,
        "asset": "USDC",
        "payout": "wallet",
        "ends_at": str(world.clock() // 1000 + DAY_S),
        "csv": file_of((ALICE, "1"), (BOB, "2")),
    } | changes


async def test_prizes__async_client__succeeds(world):
    book = with_prizes(world)
    transport = httpx.ASGITransport(world.api)
    async with causeway.AsyncClient("http://api", API_KEY, transport=transport) as platform:
        made = await platform.prizes.prepare(**wish(world))
        book.create(made.transactions[-1])
        found = await platform.prizes.get(made.prize.id)
        entries = [one async for one in platform.prizes.entries(found.id, person=BOB)]

        assert (made.prize.status, found.status, found.total) == ("prepared", "open", 3_000_000)
        assert [(one.index, one.amount, one.status) for one in entries] == [
            (1, 2_000_000, "waiting")
        ]
        assert [one.id async for one in platform.prizes.list()] == [found.id]
        with pytest.raises(causeway.Conflict):
            await platform.prizes.prepare_call(found.id, "withdraw_rest")


async def test_prizes__blocking_client__succeeds(world):
    book = with_prizes(world)
    lines = [{"payee": "0x" + ALICE.hex(), "amount": "7"}]

    def work(url):
        with causeway.Client(url, API_KEY) as platform:
            made = platform.prizes.prepare(**wish(world, csv=None, lines=lines))
            book.create(made.transactions[-1])
            world.clock.offset_ms += (DAY_S + 10) * 1000
            rest = platform.prizes.prepare_call(made.prize.id, "withdraw_rest")
            shown = platform.prizes.get(made.prize.id)
            entries = list(platform.prizes.entries(made.prize.id))
            return rest, shown, entries, list(platform.prizes.list())

    async with served(world.api) as url:
        rest, shown, entries, listed = await asyncio.to_thread(work, url)

    assert [one["purpose"] for one in rest.transactions] == ["withdraw_rest"]
    assert (shown.status, shown.remaining, len(listed)) == ("over", 7, 1)
    assert [(one.person, one.amount) for one in entries] == [(entries[0].person, 7)]


def test_clients__are_twins__holds():
    def calls(kind):
        return {
            name: (list(inspect.signature(call).parameters), call.__doc__)
            for name, call in vars(kind).items()
            if not name.startswith("_")
        }

    assert calls(prizes.Prizes) == calls(prizes.AsyncPrizes)
