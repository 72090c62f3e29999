"""Taking payouts in, through the API.

- a payout of lines in minor units; its proposal is the call that authorises its root
- wrong lines, frozen payees: all named, nothing taken
- another payout in progress; funds too short; no proposer, an unknown one; csv and lines
- the end between writing a payout and proposing it: a repeat and the runner go on
- unknown ids; cancelling: another owner's, the treasury's
- no treasury
- lists, pages, and what they show
"""

from types import SimpleNamespace
from typing import get_args

import pytest

from backend.access.api import approval_examples as examples
from backend.access.api.payouts import LineStatus
from backend.access.approvals import ApprovalDesks
from backend.access.payouts.desk import PayoutWish
from backend.access.payouts.lines import LINES_MAX
from backend.access.payouts.schemas import PayoutIn
from backend.access.payouts.views import report_view
from backend.protocol.errors import ChainUnavailable, NoTreasury
from backend.protocol.hashing import Digest
from backend.protocol.types import address_text
from backend.records.registers.payouts import PAID, SKIPPED, SKIPPING, WAITING
from tests.unit.access.payouts.scenes import (
    ALICE,
    BOB,
    CAROL,
    create,
    desks,
    file_of,
    fund,
    payees,
    treasury,
)
from tests.unit.access.treasury import TREASURY
from tests.unit.access.world import error_of
from tests.unit.engine.committee import ROLLUP, key

TWO = file_of((ALICE, "1"), (BOB, "2"))
SAFE_TEXT = address_text(key("payer").address)  # it has money of the world's


async def test_create__lines_in_minor_units__proposes_their_root_succeeds(world):
    await fund(world)
    lines = [{"payee": address_text(ALICE), "amount": "70", "memo": "hello"}]
    body = {"asset": "1", "lines": lines, "proposer": address_text(treasury_proposer())}

    response = await world.post("/v1/payouts", body, **{"Idempotency-Key": "a"})

    assert response.status_code == 201
    payout = response.json()
    assert (payout["total"], payout["fees"], payout["line_count"]) == ("70", "10", "1")
    assert payout["call"]["target"] == address_text(ROLLUP)
    proposal = (await world.client.get(f"/v1/proposals/{payout['proposal_id']}")).json()
    assert proposal["calls"] == [payout["call"]]
    assert (proposal["kind"], proposal["purpose"]) == ("payout", payout["id"])
    assert payout["call"]["data"][10:] == payout["root"][2:]


async def test_create__wrong_lines__names_them_all_rejects(world):
    await fund(world)
    csv = TWO + "nobody,1,x\n" + f"{address_text(CAROL)},-2,y\n"

    response = await create(world, csv)

    assert error_of(response) == (422, "PAYOUT_LINES_INVALID")
    error = response.json()["error"]
    assert error["values"]["count"] == 2
    assert "line 4: " in error["message"]
    assert "line 5: " in error["message"]
    assert (await world.client.get("/v1/payouts")).json()["data"] == []


async def test_create__payee_on_block_list__names_the_line_rejects(world):
    await fund(world)
    payees(world).blocked.add(BOB)

    response = await create(world, TWO)

    assert error_of(response) == (422, "PAYOUT_LINES_INVALID")
    lines = response.json()["error"]["values"]["lines"]
    assert lines.startswith(f"line 3: The asset's issuer has frozen {address_text(BOB)}")


async def test_create__too_many_lines__rejects(world, monkeypatch):
    monkeypatch.setattr("backend.access.payouts.lines.LINES_MAX", 1)
    await fund(world)

    assert error_of(await create(world, TWO)) == (413, "PAYOUT_TOO_LARGE")


async def test_create__another_in_progress__rejects(world):
    await fund(world)
    first = (await create(world, TWO)).json()

    response = await create(world, file_of((CAROL, "1")), "payout-2")

    assert error_of(response) == (409, "PAYOUT_IN_PROGRESS")
    assert response.json()["error"]["values"] == {"payout_id": first["id"]}


async def test_create__other_owner_meanwhile__succeeds(world):
    await fund(world)
    await create(world, TWO)

    response = await create(
        world, file_of((CAROL, "0.5")), "payout-2", owner=SAFE_TEXT, proposer=None
    )

    assert response.status_code == 201


async def test_create__short_by_the_fee__rejects(world):
    await fund(world, amount=3_000_019)

    response = await create(world, TWO)

    assert error_of(response) == (409, "PAYOUT_SHORT_OF_FUNDS")
    values = response.json()["error"]["values"]
    assert values == {"available_minor": 3_000_019, "needed_minor": 3_000_020}


async def test_create__just_enough__succeeds(world):
    await fund(world, amount=3_000_020)

    assert (await create(world, TWO)).status_code == 201


async def test_create__no_account__rejects(world):
    assert error_of(await create(world, TWO)) == (409, "PAYOUT_SHORT_OF_FUNDS")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"proposer": None}, (400, "MALFORMED_REQUEST")),
        ({"proposer": "0x12"}, (400, "MALFORMED_REQUEST")),
        ({"lines": []}, (400, "MALFORMED_REQUEST")),
        ({"csv": None}, (400, "MALFORMED_REQUEST")),
        ({"csv": "payee\n"}, (400, "MALFORMED_REQUEST")),
        ({"asset": "NONE"}, (422, "ASSET_UNKNOWN")),
        ({"proposer": SAFE_TEXT}, (422, "SIGNER_UNKNOWN")),
    ],
)
async def test_create__wrong_body__rejects(world, fields, expected):
    await fund(world)

    csv = fields.pop("csv", TWO)
    assert error_of(await create(world, csv, **fields)) == expected
    assert desks(world).payouts.register.all_open() == []


async def test_create__ended_before_the_proposal__goes_on_succeeds(world):
    await fund(world)
    treasury(world).is_available = False
    desk = desks(world).payouts
    wish = PayoutWish("1", TWO, [], None, bytes(treasury_proposer()))
    proposals, desk.proposals = desk.proposals, Unready(desk.proposals)
    with pytest.raises(ChainUnavailable):
        await desk.create(wish, "key-1")
    desk.proposals = proposals
    treasury(world).is_available = True
    (row,) = desk.register.all_open()
    assert row.proposal_id is None

    await desks(world).runner.advance()

    (row,) = desk.register.all_open()
    assert row.proposal_id is not None
    again = (await create(world, TWO)).json()
    assert again["proposal_id"] == "0x" + row.proposal_id.hex()
    assert len(proposals.register.all_open()) == 1


async def test_advance__proposer_removed_before_he_proposed__fails_succeeds(world):
    await fund(world)
    payout = (await create(world, TWO)).json()
    register = desks(world).payouts.register
    register._update(bytes.fromhex(payout["id"][2:]), proposal_id=None, attempt=2)
    treasury(world).signers.discard(bytes(treasury_proposer()))

    await desks(world).runner.advance()

    assert register.all_open() == []


class Unready:
    """A desk of proposals behind a chain that doesn't answer."""

    def __init__(self, desk):
        self.treasury = desk.treasury

    async def propose(self, wish, key):
        raise ChainUnavailable()


async def test_get__unknown__rejects(world):
    path = "/v1/payouts/0x" + "11" * 32

    for end in ("", "/lines", "/report"):
        assert error_of(await world.client.get(path + end)) == (404, "PAYOUT_NOT_FOUND")
    response = await world.post(f"{path}/cancel", {}, **{"Idempotency-Key": "a"})
    assert error_of(response) == (404, "PAYOUT_NOT_FOUND")


async def test_cancel__another_owners__makes_room_succeeds(world):
    payout = (await create(world, file_of((ALICE, "0.5")), owner=SAFE_TEXT, proposer=None)).json()
    path = f"/v1/payouts/{payout['id']}/cancel"

    cancelled = await world.post(path, {}, **{"Idempotency-Key": "a"})
    again = await world.post(path, {}, **{"Idempotency-Key": "b"})

    assert cancelled.json()["status"] == again.json()["status"] == "failed"
    other = await create(world, file_of((BOB, "0.5")), "p2", owner=SAFE_TEXT, proposer=None)
    assert other.status_code == 201


@pytest.mark.parametrize("is_authorised", [False, True])
async def test_cancel__too_late_or_by_its_proposal__rejects(world, is_authorised):
    await fund(world)
    fields = {"owner": SAFE_TEXT, "proposer": None} if is_authorised else {}
    payout = (await create(world, file_of((ALICE, "0.5")), **fields)).json()
    if is_authorised:
        root = Digest(bytes.fromhex(payout["root"][2:]))
        world.l1.authorise(key("payer").address, root)
        await world.settle()
        while not world.node.has_root(key("payer").address, root):
            await desks(world).runner.advance()

    response = await world.post(
        f"/v1/payouts/{payout['id']}/cancel", {}, **{"Idempotency-Key": "a"}
    )

    assert error_of(response) == (409, "PROPOSAL_CLOSED")


async def test_create__no_treasury__rejects(world):
    found = desks(world)
    without = ApprovalDesks(None, found.payouts, found.runner)
    found.payouts.proposals = None

    with pytest.raises(NoTreasury):
        _ = without.proposals
    assert error_of(await create(world, TWO)) == (404, "NO_TREASURY")


async def test_lines__pages_and_filter__succeeds(world):
    await fund(world)
    csv = file_of(*[(key(f"p{number}").address, "0.01") for number in range(5)])
    payout = (await create(world, csv)).json()
    path = f"/v1/payouts/{payout['id']}/lines"

    first = (await world.client.get(path, params={"limit": 3})).json()
    rest = (await world.client.get(path, params={"after": first["next_cursor"]})).json()
    paid = (await world.client.get(path, params={"status": "paid"})).json()

    assert [one["index"] for one in first["data"]] == ["0", "1", "2"]
    assert [one["number"] for one in rest["data"]] == ["5", "6"]
    assert rest["data"][0]["status"] == "waiting"
    assert paid["data"] == []
    shown = (await world.client.get("/v1/payouts")).json()["data"]
    assert [one["id"] for one in shown] == [payout["id"]]
    assert shown[0]["owner"] == address_text(TREASURY)
    assert shown[0].keys() == examples.PAYOUT.keys()
    assert first["data"][0].keys() == examples.PAYOUT_LINE.keys()
    report = (await world.client.get(f"/v1/payouts/{payout['id']}/report")).json()
    assert report.keys() == examples.PAYOUT_REPORT.keys()


def test_line_statuses__of_api_and_register__are_the_same_holds():
    assert set(get_args(LineStatus)) == {WAITING, SKIPPING, PAID, SKIPPED}


def test_payout_in__most_lines__holds():
    line = {"payee": "0x12", "amount": "1"}

    assert len(PayoutIn(asset="USDC", lines=[line] * (LINES_MAX + 1)).lines or ()) > LINES_MAX


def test_report_view__some_lines__sums_up_succeeds():
    row = SimpleNamespace(id=b"\x01" * 32, status="paying")
    sums = [(PAID, None, 2, 5), (SKIPPED, "A", 1, 1), (SKIPPED, "B", 2, 7), (SKIPPING, "A", 1, 3)]

    report = report_view(row, [*sums, (WAITING, None, 4, 9)])

    assert report["paid"] == {"count": "2", "total": "5"}
    assert report["skipped"] == {"count": "3", "total": "8", "by_code": {"A": "1", "B": "2"}}
    assert report["waiting"] == {"count": "5", "total": "12"}


def treasury_proposer():
    return key("treasurer-1").address
