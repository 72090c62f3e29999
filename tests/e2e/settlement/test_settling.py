"""Settling and claiming on a real chain.

- settle: before the window nothing, after it all that wait, then nothing; observed
- claim: pays the owner once, whoever sends it; a repeat and an early claim are refused
"""

import pytest

from backend.settlement.chain import Done, Refused
from backend.settlement.events import BatchConfirmed, BatchSettled, WithdrawalClaimed
from backend.settlement.settler import Settler
from backend.settlement.submitter import Progress
from backend.settlement.watcher import Watcher
from tests.e2e.settlement.chain import OPERATOR, OTHER_OWNER, OWNER
from tests.e2e.settlement.claims import claim, is_claimed
from tests.e2e.settlement.posting import opened

WITHDRAWAL_SLOT = 3  # after an opening of two slots and a deposit


@pytest.fixture
async def posting(l1, kzg):
    """A posted batch with OWNER's deposit of 5 dollars and a withdrawal of 2."""
    posting = await opened(l1, kzg, "calldata")
    posting.ledger.withdraw(OWNER.address, 1, 2_000_000)
    await posting.advance_to(Progress.CONFIRMED)
    return posting


@pytest.fixture
def settler(l1):
    return Settler(l1.rollup, l1.sender(OPERATOR))


async def test_settle__window_open__changes_nothing(l1, posting, settler):
    assert await settler.settle() is None
    assert await l1.rollup.frontier() == 0


async def test_settle__window_over__succeeds(l1, posting, settler):
    posting.ledger.fill(1)
    await posting.advance_to(Progress.CONFIRMED)
    await l1.pass_time(61)

    outcome = await settler.settle()
    again = await settler.settle()

    assert isinstance(outcome, Done)
    assert again is None
    assert await l1.rollup.frontier() == 2


async def test_claim__settled__succeeds(l1, posting, settler):
    proof = posting.ledger.withdrawal_proof(WITHDRAWAL_SLOT)
    batch = (await l1.rollup.posted(1)).accepted
    token = l1.deployment.token("USDX")
    before = await l1.client.read(token, "balanceOf", OWNER.address)
    early = await claim(l1.rollup, l1.sender(OTHER_OWNER), batch, proof)
    await l1.pass_time(61)

    paid = await claim(l1.rollup, l1.sender(OTHER_OWNER), batch, proof)
    repeat = await claim(l1.rollup, l1.sender(OTHER_OWNER), batch, proof)

    assert isinstance(early, Refused)
    assert early.reason.error.name == "WindowOpen"
    assert isinstance(paid, Done)
    assert await l1.client.read(token, "balanceOf", OWNER.address) == before + 2_000_000
    assert await is_claimed(l1.rollup, OWNER.address, 0, token.address, 2_000_000)
    assert isinstance(repeat, Refused)
    assert repeat.reason.error.name == "AlreadyClaimed"


async def test_poll__settled_and_claimed__succeeds(l1, posting, settler):
    watcher = Watcher(l1.client, l1.deployment)
    events = []
    watcher.observers.append(events.append)
    batch = (await l1.rollup.posted(1)).accepted
    await l1.pass_time(61)
    await settler.settle()
    proof = posting.ledger.withdrawal_proof(WITHDRAWAL_SLOT)
    await claim(l1.rollup, l1.sender(OWNER), batch, proof)
    await l1.mine()

    await watcher.poll()

    [confirmed] = [e for e in events if isinstance(e, BatchConfirmed)]
    [settled] = [e for e in events if isinstance(e, BatchSettled)]
    [claimed] = [e for e in events if isinstance(e, WithdrawalClaimed)]
    assert confirmed.batch.header == posting.ledger.header
    assert watcher.batch(1) == confirmed.batch.without_data()
    assert settled.number == 1
    assert (claimed.owner, claimed.nonce, claimed.amount) == (OWNER.address, 0, 2_000_000)
    assert (claimed.batch_number, claimed.slot_number) == (1, WITHDRAWAL_SLOT)
