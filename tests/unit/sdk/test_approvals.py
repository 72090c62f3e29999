"""Proposals and payouts by both clients, against the real API.

- a payout: made, shown, listed, its lines paged, its sums, another owner's given up
- a proposal: made, approved, executed, cancelled, listed
- the clients are twins
"""

import asyncio
import inspect
import json

import httpx
import pytest

import causeway
from causeway import approvals
from tests.unit.access.payouts.scenes import ALICE, BOB, file_of, fund
from tests.unit.access.treasury import TREASURERS
from tests.unit.access.world import API_KEY, key, running_world
from tests.unit.engine.committee import ROLLUP
from tests.unit.sdk.server import served

PROPOSER, SECOND, THIRD = TREASURERS
SAFE = key("payer").address
CALL = {"target": "0x" + ROLLUP.hex(), "value": "0", "data": "0x12345678"}
TWINS = [
    (approvals.Proposals, approvals.AsyncProposals),
    (approvals.Payouts, approvals.AsyncPayouts),
]


@pytest.fixture
async def world(tmp_path):
    async with running_world(tmp_path) as running:
        await fund(running)
        yield running


@pytest.fixture
async def platform(world):
    transport = httpx.ASGITransport(world.api)
    async with causeway.AsyncClient("http://api", API_KEY, transport=transport) as connected:
        yield connected


def signature_of(signer, proposal):
    return signer.sign_digest(bytes.fromhex(proposal.id[2:]))


async def test_payouts__async_client__succeeds(platform):
    csv = file_of((ALICE, "1"), (BOB, "2"))

    made = await platform.payouts.create(asset="USDC", csv=csv, proposer=PROPOSER.address)
    found = await platform.payouts.get(made.id)

    assert (found.status, found.total, found.line_count) == ("proposed", 3_000_000, 2)
    lines = [line async for line in platform.payouts.lines(made.id)]
    assert [(line.amount, line.status) for line in lines] == [
        (1_000_000, "waiting"),
        (2_000_000, "waiting"),
    ]
    assert [one.id async for one in platform.payouts.list()] == [made.id]
    assert (await platform.payouts.report(made.id)).waiting["count"] == "2"


async def test_payouts__given_up__succeeds(platform):
    lines = [{"payee": "0x" + ALICE.hex(), "amount": "7"}]

    made = await platform.payouts.create(asset="USDC", lines=lines, owner=SAFE)

    assert (await platform.payouts.cancel(made.id)).status == "failed"


async def test_proposals__async_client__succeeds(platform):
    made = await platform.proposals.create(
        proposer=PROPOSER.address, calls=[CALL], purpose="a test", deadline=None
    )
    own = await platform.proposals.approve(
        made.id, signer=PROPOSER.address, signature=signature_of(PROPOSER, made)
    )

    assert (own.weight, own.weight_needed, own.status) == (0, 2, "open")
    with pytest.raises(causeway.Conflict) as refused:
        await platform.proposals.execute(made.id)
    assert refused.value.code == "PROPOSAL_NOT_APPROVED"
    assert (await platform.proposals.cancel(made.id)).status == "cancelled"
    listed = [one async for one in platform.proposals.list(status="cancelled")]
    assert [one.id for one in listed] == [made.id]
    assert json.dumps(listed[0].raw)


async def test_proposals__blocking_client__executes_succeeds(world):
    _, text = world.dependencies.registers.api_keys.create("approver", ("*",), world.clock())

    def work(url: str) -> str:
        with causeway.Client(url, API_KEY) as maker, causeway.Client(url, text) as approver:
            made = maker.proposals.create(proposer=PROPOSER.address, calls=[CALL], purpose="a test")
            for signer in TREASURERS:
                signature = signature_of(signer, made)
                approver.proposals.approve(made.id, signer=signer.address, signature=signature)
            assert maker.proposals.get(made.id).status == "approved"
            assert maker.proposals.execute(made.id).status == "executed"
            csv = file_of((ALICE, "1"))
            payout = maker.payouts.create(asset="USDC", csv=csv, proposer=PROPOSER.address)
            assert [one.id for one in maker.payouts.list()] == [payout.id]
            assert [one.amount for one in maker.payouts.lines(payout.id)] == [1_000_000]
            assert maker.payouts.report(payout.id).status == "proposed"
            cancelled = maker.proposals.cancel(payout.proposal_id or "")
            return cancelled.status

    async with served(world.api) as url:
        assert await asyncio.to_thread(work, url) == "cancelled"


@pytest.mark.parametrize(("blocking", "twin"), TWINS)
def test_clients__are_twins__holds(blocking, twin):
    def calls(kind):
        return {
            name: (list(inspect.signature(call).parameters), call.__doc__)
            for name, call in vars(kind).items()
            if not name.startswith("_")
        }

    assert calls(blocking) == calls(twin)
