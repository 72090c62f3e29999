"""What the tests of leaving share: an account shown under a posted batch, a withdrawal."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx

from backend.access.api import create_api
from backend.protocol.errors import BatchNotFound, ProofNotAvailable
from backend.protocol.hashing import keccak
from backend.protocol.types import Leaf
from backend.records.facts import ExitRequested, ExitServed
from tests.unit.access.scenes import PAYER, PAYER_TEXT, Proof
from tests.unit.access.world import body_of, sign, withdrawal
from tests.unit.engine.committee import START_MS

EXIT_WISH = {"owner": PAYER_TEXT, "asset": "USDC"}


@dataclass
class Shown:
    """Proofs of the payer's account, whose balance each batch tells."""

    balances: dict[int, int | None]

    def account_proof(self, batch_number, account_id):
        balance = self.balances.get(batch_number)
        if batch_number not in self.balances:
            raise BatchNotFound(batch_number)
        if balance is None:
            raise ProofNotAvailable("it was not open")
        leaf = Leaf(PAYER.address, 1, 4, balance)
        return Proof(batch_number, 0, leaf=leaf, account_id=account_id)


@asynccontextmanager
async def client_of(world, **changes):
    """Connect to the world's platform with some of its parts replaced."""
    api = create_api(replace(world.dependencies, **changes))
    transport = httpx.ASGITransport(api, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://api", headers=world.client.headers
    ) as client:
        yield client


def account_id(world):
    return world.node.account(PAYER.address, 1).account_id


def ask(world, index, l1_block_number):
    """Let the payer ask L1 for an exit."""
    world.projections.apply_chain_event(
        ExitRequested(
            index, account_id(world), PAYER.address, l1_block_number, START_MS, keccak(b"exit")
        )
    )


def show(world, batch_number, l1_block_number):
    """Let somebody show the payer's exit under a batch."""
    world.projections.apply_chain_event(
        ExitServed(account_id(world), PAYER.address, batch_number, l1_block_number, START_MS)
    )


async def withdrawn(world, amount=300, **fields):
    """Let the payer withdraw; return the withdrawal when it is final."""
    signed = sign(PAYER, withdrawal(PAYER, amount, **fields))
    made = (await world.post("/v1/withdrawals", body_of(signed), Prefer="wait=final")).json()
    await world.settle()
    return made
