"""Prizes over the API, with the chain's book in memory.

- prepared: approval and creation; terms that anybody makes anew; no approval where there is one
- the same wish: the same prize and end, once on the chain nothing to send; another text: another
- refused: lines, frozen payees, too much, an end that is past or far, csv and lines, unknown ids,
  a deployment without prizes
- status: prepared, open, over, ended, lapsed and begun anew, differs in root or sum
- entries: a person's, with proof and claim; not on the chain, claimed
- rest: over → prepared | open, nothing left → rejects
- trees: the oldest are forgotten
"""

from dataclasses import replace

import pytest
from eth_abi.abi import decode

from backend.access.api.prizes import ENTRY, PREPARED, PREPARED_CALL, PRIZE
from backend.access.payouts.lines import PayoutLine
from backend.access.prizes import state
from backend.access.prizes.schemas import PrizeCallIn, PrizeIn
from backend.access.prizes.terms import entries_of, salt_of, terms_hash
from backend.access.prizes.views import EntryState, PrizeState
from backend.protocol.authorised import leads_to
from backend.protocol.hashing import keccak
from backend.protocol.money import AMOUNT_MINOR_MAX
from backend.protocol.prizes import PrizeEntry, PrizePayout, entry_leaf, prize_tree
from backend.protocol.prizes import prize_id as id_of
from backend.protocol.types import Address, address_text
from tests.unit.access.bonuses.prize_scenes import (
    ADDRESS,
    ALICE,
    BOB,
    CAROL,
    DAY_S,
    SPONSOR,
    prepare,
    show,
    wish,
    with_prizes,
)
from tests.unit.access.payouts.scenes import payees
from tests.unit.access.world import error_of
from tests.unit.engine.committee import CHAIN_ID, TOKEN

THREE = ((ALICE, "1"), (BOB, "2"), (CAROL, "0.5"))
UNKNOWN = "0x" + "11" * 32


@pytest.fixture
def book(world):
    return with_prizes(world)


async def created(world, book, *args, **changes):
    """Create a prize on the chain; return its id."""
    answer = (await prepare(world, wish(world, *args, **changes))).json()
    return book.create(answer["transactions"][-1])


@pytest.mark.parametrize("payout", ["wallet", "account"])
async def test_prepare__claimed__approves_and_creates_succeeds(world, book, payout):
    body = wish(world, payout, *THREE, terms_text="The cup of spring")

    answer = (await prepare(world, body)).json()

    amounts = ((ALICE, 1_000_000), (BOB, 2_000_000), (CAROL, 500_000))
    lines = [PayoutLine(number, *one) for number, one in enumerate(amounts, start=2)]
    hashed = terms_hash(lines, "The cup of spring")
    salt = salt_of(TOKEN, PrizePayout[payout.upper()], hashed)
    prize_id = id_of(CHAIN_ID, ADDRESS, SPONSOR, salt)
    prize, calls = answer["prize"], answer["transactions"]
    assert prize["id"] == "0x" + prize_id.hex()
    assert prize["root"] == "0x" + prize_tree(prize_id, entries_of(lines)).root.hex()
    assert (prize["total"], prize["fees"], prize["status"]) == ("3500000", "0", "prepared")
    assert [one["purpose"] for one in calls] == ["approve", "create_prize"]
    spender, amount = decode(["address", "uint256"], bytes.fromhex(calls[0]["data"][10:]))
    assert (spender, amount) == ("0x" + ADDRESS.hex(), 3_500_000)
    assert book.create(calls[1]) == prize_id
    assert book.totals[prize_id] == 3_500_000
    assert (answer.keys(), prize.keys()) == (PREPARED.keys(), PRIZE.keys())
    assert PrizeIn.model_validate(body).payout == payout


async def test_prepare__approved_before__creates_succeeds(world, book):
    book.allowed = 10**6

    calls = (await prepare(world, wish(world))).json()["transactions"]

    assert [one["purpose"] for one in calls] == ["create_prize"]


async def test_prepare__lines_in_minor_units__succeeds(world, book):
    lines = [{"payee": address_text(ALICE), "amount": "70"}]

    answer = (await prepare(world, wish(world, csv=None, lines=lines))).json()

    assert answer["prize"]["total"] == "70"


async def test_prepare__same_list_again__keeps_its_end_changes_nothing(world, book):
    first = (await prepare(world, wish(world))).json()["prize"]
    again = wish(world, ends_at=str(world.clock() // 1000 + 2 * DAY_S))

    second = (await prepare(world, again, "prize-2")).json()
    book.create(second["transactions"][-1])
    third = (await prepare(world, again, "prize-3")).json()

    assert second["prize"] == first
    assert third["transactions"] == []
    assert third["prize"] == first | {"status": "open"}
    assert len((await world.client.get("/v1/prizes")).json()["data"]) == 1


@pytest.mark.parametrize("changes", [{"terms_text": "other"}, {"payout": "account"}])
async def test_prepare__other_text_or_payout__is_another_succeeds(world, book, changes):
    first = (await prepare(world, wish(world))).json()["prize"]

    second = (await prepare(world, wish(world, **changes), "prize-2")).json()["prize"]

    assert second["id"] != first["id"]
    listed = (await world.client.get("/v1/prizes", params={"limit": 1})).json()
    assert (listed["data"], listed["has_more"]) == ([second], True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"csv": "payee,amount\nnobody,1\n"}, (422, "PAYOUT_LINES_INVALID")),
        ({"csv": f"payee,amount\n{address_text(SPONSOR)},1\n"}, (422, "PAYOUT_LINES_INVALID")),
        ({"csv": "payee\n"}, (400, "MALFORMED_REQUEST")),
        ({"lines": []}, (400, "MALFORMED_REQUEST")),
        ({"csv": None}, (400, "MALFORMED_REQUEST")),
        ({"payout": "cash"}, (400, "MALFORMED_REQUEST")),
        ({"ends_at": "7"}, (422, "PRIZE_DEADLINE_INVALID")),
        ({"ends_at": "3000-01-01T00:00:00Z"}, (422, "PRIZE_DEADLINE_INVALID")),
        ({"ends_at": "soon"}, (400, "MALFORMED_REQUEST")),
        ({"asset": "NONE"}, (422, "ASSET_UNKNOWN")),
        ({"payout": "orders"}, (403, "KYC_REQUIRED")),
    ],
)
async def test_prepare__wrong_wish__rejects(world, book, changes, expected):
    assert error_of(await prepare(world, wish(world, **changes))) == expected

    assert (await world.client.get("/v1/prizes")).json()["data"] == []


async def test_prepare__more_than_a_deposit_holds__rejects(world, book):
    half = str(AMOUNT_MINOR_MAX // 2 + 1)
    lines = [{"payee": address_text(who), "amount": half} for who in (ALICE, BOB)]

    answer = await prepare(world, wish(world, csv=None, lines=lines))

    assert error_of(answer) == (422, "AMOUNT_TOO_LARGE")


async def test_prepare__payee_on_block_list__names_the_line_rejects(world, book):
    payees(world).blocked.add(BOB)

    answer = await prepare(world, wish(world, "wallet", *THREE))

    assert error_of(answer) == (422, "PAYOUT_LINES_INVALID")
    assert "line 3" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["", f"/{UNKNOWN}", f"/{UNKNOWN}/entries"])
async def test_get__deployment_without_prizes__rejects(world, path):
    assert error_of(await world.client.get(f"/v1/prizes{path}")) == (404, "PRIZE_NOT_FOUND")
    assert error_of(await prepare(world, wish(world))) == (404, "PRIZE_NOT_FOUND")


async def test_get__unknown__rejects(world, book):
    for end in ("", "/entries"):
        answer = await world.client.get(f"/v1/prizes/{UNKNOWN}{end}")
        assert error_of(answer) == (404, "PRIZE_NOT_FOUND")
    assert error_of(await rest(world, UNKNOWN)) == (404, "PRIZE_NOT_FOUND")


async def rest(world, prize_id, key_text="rest-1"):
    text = prize_id if isinstance(prize_id, str) else "0x" + prize_id.hex()
    body = PrizeCallIn(action="withdraw_rest").model_dump()
    return await world.post(f"/v1/prizes/{text}/calls", body, **{"Idempotency-Key": key_text})


async def test_show__claimed_and_over__says_what_is_left_succeeds(world, book):
    prize_id = await created(world, book, "wallet", *THREE)
    book.claim(prize_id, 1, 2_000_000)

    is_open = await show(world, prize_id)
    early = await rest(world, prize_id)
    world.clock.offset_ms += (DAY_S + 10) * 1000
    is_over = await show(world, prize_id)
    prepared = (await rest(world, prize_id, "rest-2")).json()
    book.take(prize_id, 1_500_000)
    ended = await show(world, prize_id)

    states = [(one["status"], one["remaining"], one["paid_count"]) for one in (is_open, is_over)]
    assert states == [("open", "1500000", "1"), ("over", "1500000", "1")]
    assert error_of(early) == (409, "PRIZE_NOT_OVER")
    assert prepared.keys() == PREPARED_CALL.keys()
    assert prepared["transactions"][0]["data"][10:] == prize_id.hex()
    assert (ended["status"], ended["remaining"]) == ("ended", "0")


async def test_withdraw_rest__nothing_left__rejects(world, book):
    prize_id = await created(world, book)
    book.claim(prize_id, 0, 1_000_000)
    world.clock.offset_ms += (DAY_S + 10) * 1000

    assert error_of(await rest(world, prize_id)) == (409, "PRIZE_NOT_OVER")


async def test_show__never_created__lapses_and_begins_anew_succeeds(world, book):
    first = (await prepare(world, wish(world))).json()["prize"]
    world.clock.offset_ms += (DAY_S + 10) * 1000

    lapsed = await show(world, first["id"])
    refused = await rest(world, first["id"])
    again = (await prepare(world, wish(world), "prize-2")).json()

    assert lapsed["status"] == "lapsed"
    assert error_of(refused) == (409, "PRIZE_NOT_OVER")
    assert (again["prize"]["id"], again["prize"]["status"]) == (first["id"], "prepared")
    assert again["prize"]["ends_at"] > first["ends_at"]
    assert again["transactions"]


@pytest.mark.parametrize("change", ["root", "sum", "end"])
async def test_show__chain_has_another__differs_holds(world, book, change):
    prize_id = await created(world, book)
    prize = book.prizes[prize_id]
    if change == "sum":
        book.totals[prize_id] = 1
    elif change == "root":
        book.prizes[prize_id] = replace(prize, root=keccak(b"other"))
    else:
        book.prizes[prize_id] = replace(prize, deadline_ts_s=prize.deadline_ts_s - 1)

    assert (await show(world, prize_id))["status"] == "differs"
    (entry,) = (await show(world, prize_id, "/entries"))["data"]
    assert (entry["obstacle"] or "").startswith("EntryNotInPrize") == (change == "root")


async def test_entries__of_a_person__have_proof_and_claim_succeeds(world, book):
    body = wish(world, csv=None, lines=[
        {"payee": address_text(who), "amount": str(amount), "reference": str(amount)}
        for who, amount in ((ALICE, 5), (BOB, 6), (ALICE, 7))
    ])  # fmt: skip
    prize_id = book.create((await prepare(world, body)).json()["transactions"][-1])
    book.claim(prize_id, 0, 5)

    found = (await show(world, prize_id, f"/entries?person={address_text(ALICE)}"))["data"]

    assert [(one["index"], one["status"]) for one in found] == [("0", "paid"), ("2", "waiting")]
    assert found[0]["claim"] is None
    waiting = found[1]
    assert waiting.keys() == ENTRY.keys()
    assert (waiting["obstacle"], waiting["claim"]["from"]) == (None, None)
    kinds = ["bytes32", "uint256", "address", "uint48", "bytes32[]"]
    values = decode(kinds, bytes.fromhex(waiting["claim"]["data"][10:]))
    assert values[:4] == (prize_id, 2, "0x" + ALICE.hex(), 7)
    leaf = entry_leaf(prize_id, PrizeEntry(2, ALICE, 7))
    assert leads_to(book.prizes[prize_id].root, leaf, values[4])


async def test_entries__not_on_the_chain__says_so_holds(world, book):
    prize = (await prepare(world, wish(world, "wallet", *THREE))).json()["prize"]

    page = await show(world, prize["id"], "/entries?limit=2")
    more = await show(world, prize["id"], f"/entries?after={page['next_cursor']}")

    assert [one["index"] for one in page["data"] + more["data"]] == ["0", "1", "2"]
    assert {(one["claim"], one["obstacle"]) for one in page["data"]} == {
        (None, "the prize is not on the chain")
    }


async def test_entries__of_many_prizes__trees_are_forgotten_holds(world, book, monkeypatch):
    monkeypatch.setattr(state, "TREES_MAX", 2)
    needs = world.api.state.services.needs.prizes
    for number in range(4):
        body = wish(world, terms_text=str(number))
        prize = (await prepare(world, body, f"prize-{number}")).json()["prize"]
        await show(world, prize["id"], "/entries")

    assert len(needs.trees) == 2


def test_states__defaults__holds():
    assert EntryState("waiting").proof == ()
    assert PrizeState("open", 1, 0).remaining_minor == 1
    assert entries_of([]) == []
    assert terms_hash([], "") != terms_hash([], "a")
    assert salt_of(TOKEN, PrizePayout.WALLET, keccak(b"")) != salt_of(
        Address(b"\x01" * 20), PrizePayout.WALLET, keccak(b"")
    )
