"""What the tests of payouts do again and again."""

import asyncio
from typing import Any

from backend.protocol.hashing import Digest
from backend.protocol.proposals import Approval
from backend.protocol.types import Address, address_text
from tests.unit.access.treasury import TREASURERS, TREASURY
from tests.unit.access.world import USDC, wait_until
from tests.unit.engine.committee import key

FUNDS = 10_000_000
PROPOSER = TREASURERS[0]
PROPOSER_TEXT = address_text(PROPOSER.address)
ALICE, BOB, CAROL = (key(name).address for name in ("alice", "bob", "carol"))


def desks(world):
    return world.api.state.services.approvals


def treasury(world):
    return world.dependencies.approvals.treasury


def payees(world):
    return world.dependencies.approvals.payees


async def fund(world, owner: Address = TREASURY, amount: int = FUNDS) -> None:
    """Let the treasury have money in the ledger, and what it authorises get there."""
    treasury(world).on_call = lambda call: world.l1.authorise(owner, Digest(call.data[4:36]))
    world.l1.deposit(owner, amount, USDC)
    await wait_until(lambda: world.node.account(owner, 1) is not None)


def file_of(*lines: tuple[Address, str]) -> str:
    rows = [f"{address_text(payee)},{amount},{i}\n" for i, (payee, amount) in enumerate(lines)]
    return "payee,amount,reference\n" + "".join(rows)


async def create(world, csv: str | None, key_text: str = "payout-1", **fields: Any):
    body = {"asset": "USDC", "csv": csv, "proposer": PROPOSER_TEXT} | fields
    body = {name: value for name, value in body.items() if value is not None}
    return await world.post("/v1/payouts", body, **{"Idempotency-Key": key_text})


async def approve_all(world, proposal_id: str) -> None:
    """Let the proposer sign and both others approve, and the treasury execute."""
    register = desks(world).proposals.register
    digest = Digest(bytes.fromhex(proposal_id[2:]))
    for number, signer in enumerate(TREASURERS):
        approval = Approval(signer.address, signer.sign_digest(digest))
        register.approve(digest, approval, f"key-{number}", world.clock())
    response = await world.post(
        f"/v1/proposals/{proposal_id}/execute", {}, **{"Idempotency-Key": proposal_id}
    )
    assert response.json()["status"] == "executed", response.text


async def finish(world, payout_id: str, status: str = "done", steps: int = 200) -> Any:
    """Advance all payouts until this one has a status; return it as the API shows it."""
    for _ in range(steps):
        shown = (await world.client.get(f"/v1/payouts/{payout_id}")).json()
        if shown["status"] == status:
            return shown
        if not await desks(world).runner.advance():
            await asyncio.sleep(0.02)
    raise TimeoutError(shown)


def balance(world, owner: Address) -> int:
    account = world.node.account(owner, 1)
    return 0 if account is None else account.balance_minor
