"""What sponsors sign: a platform that prepares something else than was asked for is found out.

- an honest platform: created once; the same file again
- a lie about each part of a prize, its orders' fees, or its transactions: nothing is signed
- the same list prepared before with a later end; a file that can't be read
- a claim: another contract or other data → nothing is sent; a refusal of the contract → said
"""

import asyncio
import json
from types import SimpleNamespace

import httpx
import pytest

from backend.console import prizes as prizes_module
from backend.console.approvals import FileUnreadable
from backend.console.errors import PreparedWrong
from backend.console.people import Person
from backend.console.prizes import (
    ClaimRefused,
    EndsLater,
    NothingToClaim,
    PrizeActions,
    PrizeWish,
)
from backend.protocol.hashing import keccak
from backend.protocol.types import address_text
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Contract
from causeway import Asset, Client
from tests.unit.access.bonuses.prize_scenes import ADDRESS, ALICE, BOB, check, with_prizes
from tests.unit.access.world import API_KEY, key, running_world
from tests.unit.engine.committee import CHAIN_ID, ROLLUP, TOKEN
from tests.unit.sdk.server import served

SPONSOR = key("sponsor")
THIEF = address_text(keccak(b"thief")[:20])
HASH = "0x" + keccak(b"another").hex()


class Liar(httpx.HTTPTransport):
    """What stands between: it changes answers, those about entries apart."""

    def __init__(self, lies):
        super().__init__()
        self._lies = lies

    def handle_request(self, request):
        response = super().handle_request(request)
        kind = "entries" if request.url.path.endswith("/entries") else request.method.lower()
        lie = self._lies.get(kind)
        if lie is None or "/prizes" not in request.url.path:
            return response
        body = json.loads(response.read())
        lie(body)
        return httpx.Response(response.status_code, json=body)


class Acting:
    """The console's actions beside a chain in memory, which keeps what is sent."""

    def __init__(self, world, book, url, **lies):
        self.asset_of_all = Asset({}, 1, "USDC", address_text(TOKEN), 6, 1, True)
        self.client = Client(url, API_KEY, transport=Liar(lies), assets={"USDC": self.asset_of_all})
        token = Contract(TOKEN, artifact("Stablecoin").abi)
        self.deployment = SimpleNamespace(
            chain_id=CHAIN_ID,
            address={"Prizes": ADDRESS, "Rollup": ROLLUP}.__getitem__,
            token=lambda code: token,
        )
        self.people = SimpleNamespace(find=self._find)
        self.wait_s, self.sent = 1, []
        self._world, self._book = world, book

    def _find(self, who):
        if isinstance(who, Person):
            return who
        named = {"sponsor": SPONSOR, "alice": key("alice")}.get(who, SPONSOR)
        return Person(named.address, who, lambda: named)

    def asset(self, name):
        return self.asset_of_all

    def l1_ts_s(self):
        return self._world.clock() // 1000

    def fill_wallet(self, person, asset, amount):
        return None

    def read(self, contract, function, found_id):
        return asyncio.run(self._book.purse_of(found_id))

    def send(self, person, contract, data, what):
        self.sent.append(what)
        if what == "create_prize":
            shown = {"from": address_text(person.address), "data": "0x" + data.hex()}
            self._book.create(shown)


@pytest.fixture(autouse=True)
def time_of_the_world(monkeypatch):
    """The world lives in 2027: the machine's clock is behind it."""
    monkeypatch.setattr(prizes_module.time, "time", lambda: 0)


async def with_platform(tmp_path, work, payout="wallet", **lies):
    """Run `work(prizes, wish)` beside a real API; return its result and what was sent."""
    path = tmp_path / "winners.csv"
    path.write_text(f"payee,amount\n{address_text(ALICE)},1\n{address_text(BOB)},2\n")
    async with running_world(tmp_path) as world, served(world.api) as url:
        book = with_prizes(world)
        await check(world)
        acting = Acting(world, book, url, **lies)
        wish = PrizeWish(path, "USDC", payout)
        result = await asyncio.to_thread(work, PrizeActions(acting), wish)
        return result, acting.sent


@pytest.mark.parametrize("payout", ["wallet", "account", "orders"])
async def test_create__honest_platform__is_created_once_succeeds(tmp_path, payout):
    def work(prizes, wish):
        return prizes.create("sponsor", wish), prizes.create("sponsor", wish)

    (first, again), sent = await with_platform(tmp_path, work, payout)

    assert sent == ["approve", "create_prize"]
    assert (first.status, first.total, again.id) == ("open", 3_000_000, first.id)


def of_prize(**changes):
    return lambda body: body["prize"].update(changes)


def of_call(number, **changes):
    def lie(body):
        body["transactions"][number].update(changes)

    return lie


def of_data(word):
    """Change a word of the creation's arguments."""

    def lie(body):
        call = body["transactions"][1]
        start = 10 + 64 * word
        call["data"] = call["data"][:start] + HASH[2:] + call["data"][start + 64 :]

    return lie


@pytest.mark.parametrize(
    ("kind", "lie"),
    [
        ("post", of_prize(id=HASH)),
        ("post", of_prize(ends_at="2027-01-02T00:00:00.000Z")),
        ("post", of_call(0, to=THIEF)),
        ("post", of_call(0, data="0x095ea7b3")),
        ("post", of_call(1, to=THIEF)),
        *[("post", of_data(word)) for word in range(7)],
        ("entries", lambda body: body["data"].pop()),
        ("entries", lambda body: body["data"][1].update(fee="20001")),
        ("entries", lambda body: body["data"][1].update(fee="20")),
    ],
)
async def test_create__platform_lies__creates_nothing_rejects(tmp_path, kind, lie):
    def work(prizes, wish):
        with pytest.raises(PreparedWrong):
            prizes.create("sponsor", wish)

    _, sent = await with_platform(tmp_path, work, "orders", **{kind: lie})

    assert "create_prize" not in sent


async def test_create__prepared_before_with_a_later_end__rejects(tmp_path):
    def work(prizes, wish):
        prizes._actions.client.prizes.prepare(
            sponsor=SPONSOR.address,
            asset="USDC",
            payout="wallet",
            ends_at=str(prizes._actions.l1_ts_s() + 31 * 24 * 3600),
            csv=wish.path.read_text(),
        )
        with pytest.raises(EndsLater):
            prizes.create("sponsor", wish)

    assert (await with_platform(tmp_path, work))[1] == []


async def test_create__no_file__rejects(tmp_path):
    def work(prizes, wish):
        with pytest.raises(FileUnreadable):
            prizes.create("sponsor", PrizeWish(tmp_path, "USDC", "wallet"))

    await with_platform(tmp_path, work)


def of_entry(**changes):
    return lambda body: body["data"][0].update(changes)


@pytest.mark.parametrize(
    ("lie", "error"),
    [
        (of_entry(claim={"to": THIEF, "data": "0x", "purpose": "claim"}), PreparedWrong),
        (of_entry(person=THIEF, amount="1"), PreparedWrong),
        (of_entry(obstacle="EntryClaimed(index=0)"), ClaimRefused),
        (of_entry(claim=None), ClaimRefused),
        (of_entry(status="paid"), NothingToClaim),
    ],
)
async def test_claim__lie_or_refusal__sends_nothing_rejects(tmp_path, lie, error):
    def work(prizes, wish):
        made = prizes.create("sponsor", wish)
        prizes._actions.sent.clear()
        with pytest.raises(error):
            prizes.claim(made.id, "alice")

    assert (await with_platform(tmp_path, work, entries=lie))[1] == []
