"""Campaigns and grants over the API, with the chain's book in memory.

- campaign: status by L1's time; its terms as they were written; listed newest first, by pages
- grant: each condition; the ledger's turnover beside the attested one; no obstacle when it is over
- prepared: a campaign, a call of the sponsor, a deposit; approvals only where they are needed
- refused: no campaigns here, unknown ids, terms, amounts beyond the contract's, and each reason why
  a deposit earns nothing
"""

from dataclasses import dataclass, field, replace

import pytest
from eth_abi.abi import decode

from backend.access.api import create_api
from backend.access.api.campaigns import CAMPAIGN
from backend.access.api.grants import GRANT
from backend.access.bonuses.desk import BonusDesk
from backend.access.bonuses.ports import BonusBook, TurnoverBook
from backend.access.bonuses.schemas import CampaignIn
from backend.access.bonuses.views import campaign_status, campaign_view, grant_view
from backend.protocol.bonuses import (
    Campaign,
    Condition,
    Grant,
    GrantState,
    GrantStatus,
    SkipReason,
    Terms,
    Tier,
)
from backend.protocol.errors import CampaignNotFound
from backend.protocol.hashing import ZERO_DIGEST
from backend.protocol.types import Address, address_text
from tests.unit.access.world import error_of, key

ADDRESS = Address(b"\x0b" * 20)
SPONSOR = key("payee").address
PERSON = key("payer").address
TERMS = Terms(
    1, 1, 1_000, 2**40, 10, 100, "deposit", 1, 5_000, 500, ZERO_DIGEST, (Tier(10, 0, 1_000),),
    (SPONSOR,),
)  # fmt: skip
MET = Condition(1, 1, True)


@dataclass
class Book(BonusBook):
    """Campaigns and grants as the chain would tell of them."""

    campaigns: dict[int, Campaign] = field(default_factory=dict)
    grants: dict[int, Grant] = field(default_factory=dict)
    statuses: dict[int, GrantStatus] = field(default_factory=dict)
    refusal: str | None = None
    bonus: int | str = 7
    allowed: int = 0

    @property
    def address(self):
        return ADDRESS

    async def campaign_count(self):
        return len(self.campaigns)

    async def grant_count(self):
        return len(self.grants)

    async def campaign(self, campaign_id):
        return self.campaigns.get(campaign_id)

    async def grant_of(self, grant_id):
        return self.grants.get(grant_id)

    async def grant_id_of(self, campaign_id, person):
        found = [g.grant_id for g in self.grants.values() if g.person == person]
        return next((i for i in found if self.grants[i].campaign_id == campaign_id), 0)

    async def status_of(self, grant_id):
        return self.statuses[grant_id]

    async def refusal_of_terms(self, terms):
        return self.refusal

    async def bonus_for(self, campaign_id, deposit_minor):
        return self.bonus

    async def allowance(self, token, owner):
        return self.allowed


class Paid(TurnoverBook):
    def since_deposit(self, person, asset_id, deposit_index):
        return 33


def campaign(number, **changes):
    return replace(Campaign(number, SPONSOR, False, 900, TERMS), **changes)


def grant(number, campaign_id=1, state=GrantState.OPEN):
    return Grant(number, campaign_id, PERSON, 100, 10, state, 4, 1_000, 1_001, 20, 1_002)


@pytest.fixture
def book():
    made = Book()
    made.campaigns = {number: campaign(number) for number in (1, 2, 3)}
    made.grants = {1: grant(1), 2: grant(2, 2)}
    short = Condition(50, 20, False)
    made.statuses = {
        1: GrantStatus(GrantState.OPEN, SkipReason.TURNOVER_TOO_LOW, MET, MET, short, MET),
        2: GrantStatus(GrantState.RELEASED, SkipReason.GRANT_CLOSED, MET, MET, MET, MET),
    }
    return made


@pytest.fixture
def api(world, book):
    """The world's API with the book in it."""
    world.api.state.services = replace(
        world.api.state.services,
        needs=replace(world.dependencies, bonuses=book, turnovers=Paid()),
    )
    return world


async def prepare(api, path, body):
    headers = {"Idempotency-Key": f"key of {path} {body}"[:200]}
    return await api.client.post(f"/v1/campaigns{path}", json=body, headers=headers)


async def apply(api, name="payer"):
    body = {"external_id": name, "person": address_text(key(name).address)}
    answer = await api.post("/v1/kyc/applicants", body, **{"Idempotency-Key": f"kyc {name}"})
    assert answer.json()["status"] == "approved"


@pytest.mark.parametrize(
    ("now_ts_s", "is_ended", "status"),
    [
        (999, False, "scheduled"),
        (1_000, False, "running"),
        (2**40, False, "running"),
        (2**40 + 1, False, "over"),
        (1_000, True, "ended"),
    ],
)
def test_campaign_status__edges_of_its_window__holds(now_ts_s, is_ended, status):
    shown = campaign_view(campaign(1, is_ended=is_ended), "USDC", now_ts_s)

    assert campaign_status(campaign(1, is_ended=is_ended), now_ts_s) == shown["status"] == status
    assert shown.keys() == CAMPAIGN.keys()


def test_grant_view__each_state__shows_an_obstacle_only_while_it_waits_holds(book):
    waiting = grant_view(grant(1), book.statuses[1], "USDC")
    over = grant_view(grant(2), book.statuses[2], "USDC")

    assert (waiting["status"], waiting["obstacle"]) == ("open", "TURNOVER_TOO_LOW")
    assert (over["status"], over["obstacle"]) == ("released", None)
    assert waiting.keys() == GRANT.keys()
    assert waiting["conditions"]["turnover"] == {"needed": "50", "actual": "20", "is_met": False}


async def test_get__campaigns_by_pages__newest_first_succeeds(api):
    first = (await api.client.get("/v1/campaigns", params={"limit": 2})).json()
    after = first["next_cursor"]
    second = (await api.client.get("/v1/campaigns", params={"limit": 2, "after": after})).json()

    assert [one["id"] for one in first["data"]] == ["3", "2"]
    assert [one["id"] for one in second["data"]] == ["1"]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert first["data"][0]["turnover"]["attestors"] == [address_text(SPONSOR)]


async def test_get__grants__by_campaign_and_person_succeeds(api):
    listed = (await api.client.get("/v1/grants")).json()
    of_one = (await api.client.get("/v1/grants", params={"campaign_id": "2"})).json()
    query = {"person": address_text(PERSON), "limit": 1}
    of_person = (await api.client.get("/v1/grants", params=query)).json()
    one = (await api.client.get("/v1/grants/1")).json()

    assert [each["id"] for each in listed["data"]] == ["2", "1"]
    assert [each["id"] for each in of_one["data"]] == ["2"]
    assert ([each["id"] for each in of_person["data"]], of_person["has_more"]) == (["2"], True)
    assert one["conditions"]["turnover"]["in_ledger"] == "33"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/campaigns/4", "CAMPAIGN_NOT_FOUND"),
        ("/v1/campaigns/0", "CAMPAIGN_NOT_FOUND"),
        ("/v1/grants/3", "GRANT_NOT_FOUND"),
        ("/v1/grants/0", "GRANT_NOT_FOUND"),
    ],
)
async def test_get__unknown_id__rejects(api, path, code):
    assert error_of(await api.client.get(path)) == (404, code)


async def test_get__deployment_without_campaigns__rejects(world):
    world.api.state.services = replace(
        world.api.state.services, needs=replace(world.dependencies, bonuses=None)
    )

    assert error_of(await world.client.get("/v1/campaigns")) == (404, "CAMPAIGN_NOT_FOUND")
    with pytest.raises(CampaignNotFound):
        _ = BonusDesk(world.api.state.services).book


def wish(**changes):
    body = {
        "sponsor": address_text(SPONSOR),
        "asset": "USDC",
        "budget": "1000",
        "tiers": [{"deposit_min": "10", "match_bps": 1_000}],
        "person_max": "500",
        "starts_at": "2026-01-01T00:00:00Z",
        "ends_at": "2027-01-01T00:00:00Z",
        "expires_after_s": 100,
        "terms_text": "ten percent",
        "turnover": {"bps": 5_000, "attestors": [address_text(PERSON)], "attestations_needed": 1},
    }
    return body | changes


async def test_prepare__campaign__approves_and_creates_succeeds(api):
    prepared = (await prepare(api, "", wish())).json()

    approve, create = prepared["transactions"]
    assert (approve["purpose"], create["purpose"]) == ("approve", "create_campaign")
    spender, amount = decode(["address", "uint256"], bytes.fromhex(approve["data"][10:]))
    assert (spender, amount) == ("0x" + ADDRESS.hex(), 1_000)
    assert create["to"] == address_text(ADDRESS)
    assert CampaignIn.model_validate(wish()).turnover is not None


async def test_prepare__campaign_that_needs_no_approval__creates_succeeds(api, book):
    book.allowed = 1_000

    prepared = (await prepare(api, "", wish(turnover=None))).json()

    assert [one["purpose"] for one in prepared["transactions"]] == ["create_campaign"]


async def test_list_grants__cursor_past_the_newest__shows_all_succeeds(api):
    found = await api.client.get("/v1/grants?after=999999999")

    assert [one["id"] for one in found.json()["data"]] == ["2", "1"], found.text


@pytest.mark.parametrize("person", ["", f"&person={address_text(PERSON)}"])
async def test_list_grants__unknown_campaign__rejects(api, book, monkeypatch, person):
    async def ask(*_):
        raise AssertionError("the chain is not asked for what can't be there")

    monkeypatch.setattr(book, "grant_of", ask)
    monkeypatch.setattr(book, "grant_id_of", ask)

    response = await api.client.get(f"/v1/grants?campaign_id={10**17}{person}")

    assert error_of(response) == (404, "CAMPAIGN_NOT_FOUND")


@pytest.mark.parametrize(
    "changes",
    [
        {"budget": str(2**64)},
        {"tiers": [{"deposit_min": "10", "bonus": str(2**48)}]},
        {"tiers": [{"deposit_min": str(2**48), "match_bps": 1}]},
        {"person_max": str(2**48)},
    ],
)
async def test_prepare__campaign_of_more_than_the_contract_counts__rejects(api, changes):
    assert error_of(await prepare(api, "", wish(**changes))) == (422, "AMOUNT_TOO_LARGE")


async def test_prepare__terms_refused_by_the_contract__rejects(api, book):
    book.refusal = "WindowInvalid(startTsS=2, endTsS=1)"

    assert error_of(await prepare(api, "", wish())) == (422, "TERMS_INVALID")


@pytest.mark.parametrize(
    ("body", "purposes"),
    [
        ({"action": "fund", "amount": "5"}, ["approve", "fund"]),
        ({"action": "end"}, ["end"]),
        ({"action": "withdraw_budget"}, ["withdraw_budget"]),
    ],
)
async def test_prepare__call_of_the_sponsor__succeeds(api, body, purposes):
    prepared = (await prepare(api, "/1/calls", body)).json()

    assert [one["purpose"] for one in prepared["transactions"]] == purposes
    assert {one["from"] for one in prepared["transactions"]} == {address_text(SPONSOR)}


async def test_prepare__funding_without_an_amount__rejects(api):
    answer = await prepare(api, "/1/calls", {"action": "fund"})

    assert error_of(answer) == (400, "MALFORMED_REQUEST")


async def test_prepare__deposit__shows_its_bonus_succeeds(api, book):
    await apply(api, "newcomer")
    owner = address_text(key("newcomer").address)

    prepared = (await prepare(api, "/1/deposits", {"owner": owner, "amount": "100"})).json()

    assert prepared["bonus"] == "7"
    assert [one["purpose"] for one in prepared["transactions"]] == ["approve", "deposit"]


@pytest.mark.parametrize(
    ("name", "changes", "bonus", "status", "code"),
    [
        ("newcomer", {"is_ended": True}, 7, 409, "CAMPAIGN_NOT_RUNNING"),
        ("payer", {}, 7, 409, "GRANTED_BEFORE"),
        ("newcomer", {}, "DepositTooSmall(minimum=10)", 422, "BONUS_REFUSED"),
        ("newcomer", {}, 901, 409, "CAMPAIGN_SHORT_OF_BUDGET"),
        ("newcomer", {"terms": replace(TERMS, kyc_level_min=2)}, 7, 422, "KYC_LEVEL_TOO_LOW"),
    ],
)
async def test_prepare__deposit_that_earns_nothing__rejects(
    api, book, name, changes, bonus, status, code
):
    await apply(api, name)
    book.campaigns[1] = campaign(1, **changes)
    book.bonus = bonus
    owner = address_text(key(name).address)

    answer = await prepare(api, "/1/deposits", {"owner": owner, "amount": "100"})

    assert error_of(answer) == (status, code)


async def test_prepare__deposit_of_an_unchecked_person__rejects(api):
    owner = address_text(key("newcomer").address)

    answer = await prepare(api, "/1/deposits", {"owner": owner, "amount": "100"})

    assert error_of(answer) == (403, "KYC_REQUIRED")


def test_create_api__resources__has_campaigns_and_grants_holds(world):
    paths = create_api(world.dependencies).openapi()["paths"]

    assert {"/v1/campaigns/{campaign_id}/deposits", "/v1/grants/{grant_id}"} <= paths.keys()
