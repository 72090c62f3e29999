"""What treasurers sign: a platform that shows something else than was asked for is found out.

- an honest platform: proposed, looked at with the file, approved
- a lie about each part of a proposal or a payout: nothing is signed
- another proposal, asset or owner in the answer to a file: the proposer's key signs nothing
- fees of skipped lines that no policy would have
- a file that is no text; a name without a key
"""

import asyncio
import json
from types import SimpleNamespace

import httpx
import pytest

from backend.access.settings import FeePolicy
from backend.console.approvals import ApprovalActions, FileUnreadable
from backend.console.errors import PersonUnknown, PreparedWrong
from backend.console.people import People, Person
from backend.keys import KeyStore
from backend.protocol.hashing import keccak
from backend.protocol.types import address_text
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Contract
from backend.settlement.dry_run import DryRun
from causeway import Asset, Client
from tests.unit.access.payouts.scenes import ALICE, BOB, file_of, fund
from tests.unit.access.treasury import TREASURERS, TREASURY
from tests.unit.access.world import API_KEY, running_world
from tests.unit.engine.committee import CHAIN_ID, ROLLUP, TOKEN, key
from tests.unit.sdk.server import served


class Treasurers(People):
    """The treasurers' keys, by name."""

    def find(self, who):
        found = {f"treasurer-{number}": key for number, key in enumerate(TREASURERS, start=1)}
        if who not in found:
            raise PersonUnknown(who)
        return Person(found[who].address, who, lambda: found[who])


class Liar(httpx.HTTPTransport):
    """What stands between: it changes answers about a resource, those to POST under `post_`."""

    def __init__(self, lies):
        super().__init__()
        self._lies = lies

    def handle_request(self, request):
        response = super().handle_request(request)
        lie = self._lies.get(request.url.path.split("/")[2])
        is_lines = request.url.path.endswith("/lines")
        lie = self._lies.get("lines") if is_lines else lie
        if request.method == "POST":
            lie = self._lies.get("post_" + request.url.path.split("/")[2])
        if lie is None:
            return response
        body = json.loads(response.read())
        lie(body)
        return httpx.Response(response.status_code, json=body)


def actions_of(url, tmp_path, lies):
    asset = Asset({}, 1, "USDC", address_text(TOKEN), 6, 1, True)
    client = Client(url, API_KEY, transport=Liar(lies), assets={"USDC": asset})
    rollup = Contract(ROLLUP, artifact("Rollup").abi)
    deployment = SimpleNamespace(
        chain_id=CHAIN_ID,
        contracts={"Treasury": None},
        rollup=rollup,
        address={"Treasury": TREASURY, "Rollup": ROLLUP}.__getitem__,
    )
    return SimpleNamespace(
        client=client,
        deployment=deployment,
        people=Treasurers(KeyStore(tmp_path / "keys", "", 2)),
        settings=SimpleNamespace(
            environment="development",
            data_dir=tmp_path,
            keys_passphrase=SimpleNamespace(get_secret_value=lambda: ""),
        ),
        asset=lambda name: asset,
        dry_run=lambda sender, calls: DryRun((), ()),
        wait_s=1,
    )


async def with_platform(tmp_path, work, **lies):
    """Run `work(actions, file, proposal id, approvals on the platform)` beside a real API."""
    file = tmp_path / "prizes.csv"
    file.write_text(file_of((ALICE, "1"), (BOB, "2")))
    async with running_world(tmp_path) as world, served(world.api) as url:
        await fund(world)
        honest = ApprovalActions(actions_of(url, tmp_path, {}))
        made = await asyncio.to_thread(honest.run, file, "USDC", proposer="treasurer-1")
        other = ApprovalActions(actions_of(url, tmp_path, lies))
        return await asyncio.to_thread(work, other, file, made)


async def test_look__honest_platform__succeeds(tmp_path):
    def work(treasurers, file, made):
        checked = treasurers.look(made.proposal_id, file)
        again = treasurers.run(file, "USDC", proposer="treasurer-1")
        return checked, again, treasurers.report(made.id, tmp_path / "next.csv")

    checked, again, report = await with_platform(tmp_path, work)

    assert checked.payout is not None
    assert checked.payout.total == 3_000_000
    assert checked.shown.raw["has_proposer"] is True
    assert again.id == checked.payout.id
    assert report.waiting["count"] == "2"
    assert (tmp_path / "next.csv").read_text().startswith("payee,amount,memo,reference,follows")


def proposal_lie(**changes):
    def lie(body):
        body["typed_data"]["message"] |= changes

    return lie


def payout_lie(**changes):
    return lambda body: body.update(changes)


def line_lie(**changes):
    return lambda body: body["data"][1].update(changes)


HASH = "0x" + keccak(b"another").hex()
THIEF = address_text(keccak(b"thief")[:20])
PAYER = address_text(key("payer").address)


@pytest.mark.parametrize(
    ("resource", "lie"),
    [
        ("proposals", proposal_lie(purpose=HASH)),
        ("proposals", proposal_lie(nonce="1")),
        ("proposals", proposal_lie(calls=[{"target": THIEF, "value": "0", "data": "0x"}])),
        ("proposals", payout_lie(id=HASH)),
        ("proposals", payout_lie(purpose="0x" + "00" * 32)),
        ("proposals", payout_lie(deadline="2027-01-01T00:00:00.000Z")),
        ("payouts", payout_lie(total="1")),
        ("payouts", payout_lie(fees="1")),
        ("payouts", payout_lie(line_count="1")),
        ("payouts", payout_lie(call={"target": THIEF, "value": "0", "data": "0x"})),
        ("payouts", payout_lie(root=HASH)),
        ("payouts", payout_lie(owner=THIEF)),
        ("payouts", payout_lie(returns=THIEF)),
        ("payouts", payout_lie(nonce_first="1")),
        ("payouts", payout_lie(skip_fee="11")),
        ("payouts", payout_lie(valid_until="2030-01-01T00:00:00.000Z")),
        ("lines", line_lie(payee=THIEF)),
        ("lines", line_lie(amount="2000001")),
        ("lines", line_lie(fee="20")),
        ("lines", line_lie(reference="another")),
    ],
)
async def test_look__platform_lies__is_found_out_rejects(tmp_path, resource, lie):
    def work(treasurers, file, made):
        with pytest.raises(PreparedWrong):
            treasurers.look(made.proposal_id)

    await with_platform(tmp_path, work, **{resource: lie})


async def test_look__another_file__is_found_out_rejects(tmp_path):
    other = tmp_path / "other.csv"
    other.write_text(file_of((ALICE, "1"), (BOB, "3")))

    def work(treasurers, file, made):
        with pytest.raises(PreparedWrong):
            treasurers.look(made.proposal_id, other)

    await with_platform(tmp_path, work)


async def test_run__platform_names_another_proposal__signs_nothing_rejects(tmp_path):
    proposer = address_text(TREASURERS[0].address)
    calls = [{"target": THIEF, "value": "0", "data": "0x"}]
    evil = []

    def work(treasurers, file, made):
        client = treasurers._client
        found = client.proposals.create(proposer=proposer, calls=calls, purpose="a thief's")
        evil.append(found.id)
        with pytest.raises(PreparedWrong):
            treasurers.run(file, "USDC", proposer="treasurer-1")
        return client.proposals.get(found.id)

    def lie(body):
        body.update(proposal_id=evil[0])

    assert (await with_platform(tmp_path, work, post_payouts=lie)).approvals == []


@pytest.mark.parametrize(
    ("owner", "changes"),
    [
        (None, {"asset": "WIDE"}),
        (None, {"owner": THIEF}),
        (PAYER, {"asset": "WIDE"}),
        (PAYER, {"owner": THIEF}),
        (PAYER, {"call": {"target": THIEF, "value": "0", "data": "0x"}}),
    ],
)
async def test_run__another_payout_than_asked_for__rejects(tmp_path, owner, changes):
    small = tmp_path / "small.csv"
    small.write_text(file_of((ALICE, "0.1")))
    file_of_owner = None if owner is None else small

    def work(treasurers, file, made):
        with pytest.raises(PreparedWrong):
            treasurers.run(file_of_owner or file, "USDC", proposer="treasurer-1", owner=owner)

    await with_platform(tmp_path, work, post_payouts=payout_lie(**changes))


async def test_look__skipping_costs_more_than_paying__rejects(tmp_path, monkeypatch):
    monkeypatch.setattr(
        FeePolicy, "fee_minor_up", lambda _, amount: 10 if amount > 1 else 310_000_000
    )

    with pytest.raises(PreparedWrong):
        await with_platform(tmp_path, lambda *_: None)


async def test_run__no_text__rejects(tmp_path):
    file = tmp_path / "image.csv"
    file.write_bytes(b"payee,amount\n\xff\xfe\n")

    def work(treasurers, _file, _made):
        with pytest.raises(FileUnreadable, match="UTF-8"):
            treasurers.run(file, "USDC", proposer="treasurer-1")
        for missing in (tmp_path / "none.csv", tmp_path):
            with pytest.raises(FileUnreadable, match=r"\((no such file|is a) "):
                treasurers.run(missing, "USDC", proposer="treasurer-1")
        with pytest.raises(PersonUnknown):
            treasurers.signer("nobody")

    await with_platform(tmp_path, work)


async def test_cancel__by_the_proposer__succeeds(tmp_path):
    def work(treasurers, _file, made):
        return treasurers.cancel(made.proposal_id, "treasurer-1")

    assert (await with_platform(tmp_path, work)).status == "cancelled"
