"""The submitter when things go wrong on a real chain.

- a restart between any two steps: posted once; the source then begins anew, or cuts elsewhere
- a transaction that was dropped, that is stuck (calldata and blobs)
- a reorganisation: sent again, signed anew
- a stale pin, another epoch: signed anew; a transaction that reverts in its block
- a rival transaction that the journal doesn't know
- the chain goes away and comes back; its clock runs far ahead, or the platform was off for days
"""

import json
from itertools import product

import pytest

from backend.protocol.errors import ChainUnavailable
from backend.settlement.anvil import start_anvil, stop_anvil
from backend.settlement.chain import Fees
from backend.settlement.submitter import Progress
from backend.settlement.transactions import (
    Transaction,
    sign,
)
from tests.e2e.settlement.chain import DEPLOYER, SUBMITTER, VALIDATORS
from tests.e2e.settlement.posting import (
    first_deposit,
    is_posted_once,
    opened,
    posted_numbers,
    stop_mining,
)
from tests.e2e.settlement.tiny_ledger import TinyLedger

BATCH_STEPS = ["built", "sent", "mined", "confirmed"]


@pytest.mark.parametrize(
    ("carrier", "moment", "step"),
    [
        *product(["calldata"], ["fails_before", "fails_after"], range(len(BATCH_STEPS))),
        ("blobs", "fails_after", 0),
        ("blobs", "fails_after", 1),
    ],
)
async def test_advance__power_cut__succeeds(l1, kzg, carrier, moment, step):
    posting = await opened(l1, kzg, carrier)
    setattr(posting.log, moment, step)

    await posting.advance_through_power_cuts(Progress.CONFIRMED)

    assert await is_posted_once(posting)
    assert posting.ledger.header.number == 1
    posting.ledger.fill(1)
    await posting.advance_to(Progress.CONFIRMED)
    assert await posted_numbers(l1) == [1, 2]


async def test_advance__other_cut_after_restart__succeeds(l1, kzg):
    posting = await opened(l1, kzg, "calldata")
    await l1.set_automine(False)
    await l1.client.rpc("evm_setIntervalMining", 0)
    await posting.advance_to(Progress.SENT)
    posting.ledger.fill(3)  # the ledger went on meanwhile

    await l1.drop(posting.current.attempts[-1].tx_hash)
    posting.restart()
    taken = await posting.advance_to(Progress.CONFIRMED)

    assert Progress.BUILT in taken
    assert (await l1.rollup.posted(1)).header.chunk_count == 4
    assert await is_posted_once(posting)


async def test_advance__source_behind_after_restart__catches_up_first_holds(l1, kzg):
    """A source that begins at genesis again has batch 1 to offer, while batch 2 is in hand."""
    posting = await opened(l1, kzg, "calldata")
    await posting.advance_to(Progress.CONFIRMED)
    posting.ledger.fill(1)
    await stop_mining(l1)
    await posting.advance_to(Progress.SENT)
    await l1.drop(posting.current.attempts[-1].tx_hash)
    in_hand = posting.current

    posting.ledger = TinyLedger(l1.rollup.domain, VALIDATORS, posting.ledger.ts_s)
    posting.ledger.credit(await first_deposit(l1))
    posting.restart()
    await posting.advance_to(Progress.CONFIRMED)

    assert posting.ledger.certified == []
    assert posting.ledger.header.number == 1
    assert posting.current == in_hand
    posting.ledger.fill(1)
    await posting.advance_to(Progress.CONFIRMED)
    assert await posted_numbers(l1) == [1, 2]
    steps = [json.loads(entry) for entry in posting.log.entries]
    assert [step["number"] for step in steps if step["step"] == "confirmed"] == [1, 2]


async def test_advance__dropped__succeeds(l1, kzg):
    posting = await opened(l1, kzg, "calldata")
    await stop_mining(l1)
    await posting.advance_to(Progress.SENT)
    [first] = posting.current.attempts

    await l1.drop(first.tx_hash)
    sent_again = await posting.advance()

    [again] = posting.current.attempts
    assert sent_again is Progress.SENT
    assert again.tx_hash == first.tx_hash  # the very same transaction
    await posting.advance_to(Progress.CONFIRMED)
    assert await is_posted_once(posting)


@pytest.mark.parametrize(("carrier", "percent"), [("calldata", 110), ("blobs", 200)])
async def test_advance__stuck__succeeds(l1, kzg, carrier, percent):
    posting = await opened(l1, kzg, carrier)
    await stop_mining(l1)
    await posting.advance_to(Progress.SENT)
    waited = await posting.advance()

    posting.now_ms += 30_000
    replaced = await posting.advance()

    first, second = posting.current.attempts
    assert (waited, replaced) == (Progress.WAITING, Progress.SENT)
    assert second.nonce == first.nonce
    old, new = first.fees, second.fees
    assert new.max_fee_wei * 100 >= old.max_fee_wei * percent
    assert new.priority_fee_wei * 100 >= old.priority_fee_wei * percent
    if carrier == "blobs":
        assert new.max_blob_fee_wei * 100 >= old.max_blob_fee_wei * percent
    assert await l1.client.transaction(first.tx_hash) is None
    await posting.advance_to(Progress.CONFIRMED)
    assert (await l1.rollup.posted(1)).tx_hash == second.tx_hash
    assert await is_posted_once(posting)


async def test_advance__stuck_for_ever__stops_bidding_holds(l1, kzg):
    posting = await opened(l1, kzg, "calldata")
    await stop_mining(l1)
    await posting.advance_to(Progress.SENT)

    for _ in range(60):
        posting.now_ms += 30_000
        await posting.advance()

    fees = [attempt.fees.max_fee_wei for attempt in posting.current.attempts]
    assert fees[-1] <= 64 * fees[0]
    assert await posting.advance() is Progress.WAITING


async def test_advance__reorganised__succeeds(l1, kzg):
    posting = await opened(l1, kzg, "calldata", confirmations=30)
    await posting.advance_to(Progress.MINED)
    mined = posting.current.mined

    head = await l1.client.latest()
    await l1.reorganise(head.number - mined.number + 1)
    taken = await posting.advance_to(Progress.CONFIRMED)

    assert taken[0] is Progress.GONE
    assert posting.ledger.header.number == 1
    assert (await posted_numbers(l1)) == [1]


async def test_advance__pin_reorganised__succeeds(l1, kzg):
    posting = await opened(l1, kzg, "calldata", confirmations=30)
    await l1.mine(5)  # the deposit is below what will be reorganised
    await posting.advance_to(Progress.MINED)
    pin = posting.current.header.l1_block_number

    head = await l1.client.latest()
    await l1.reorganise(head.number - pin + 1)
    taken = await posting.advance_to(Progress.CONFIRMED)

    assert [taken[0], taken[1]] == [Progress.GONE, Progress.BUILT]
    first, second = posting.ledger.certified
    assert first.l1_block_hash != second.l1_block_hash
    assert posting.ledger.posted_headers == [second]


async def test_advance__other_epoch__succeeds(l1, kzg):
    posting = await opened(l1, kzg, "calldata")
    await posting.advance_to(Progress.BUILT)
    members = [key.address for key in VALIDATORS]
    await l1.call(DEPLOYER, l1.deployment.committee, "beginEpoch", members)

    await posting.advance_to(Progress.CONFIRMED)

    assert [header.epoch for header in posting.ledger.certified] == [1, 2]


async def test_advance__stale_pin__succeeds(l1, kzg, monkeypatch):
    monkeypatch.setattr("backend.settlement.building._PIN_AGE_MAX", 5)
    posting = await opened(l1, kzg, "calldata")
    await posting.advance_to(Progress.BUILT)
    await l1.mine(10)

    await posting.advance_to(Progress.CONFIRMED)

    first, second = posting.ledger.certified
    assert second.l1_block_number > first.l1_block_number


async def test_advance__unjournaled_rival__succeeds(l1, kzg):
    """The journal was lost while a dearer transaction of its nonce is in the pool."""
    posting = await opened(l1, kzg, "calldata")
    await stop_mining(l1)
    await posting.advance_to(Progress.SENT)
    posting.log.entries.clear()
    posting.ledger.fill(1)
    posting.restart()

    await posting.advance_to(Progress.CONFIRMED)

    assert await is_posted_once(posting)


async def test_advance__chain_down__recovers_succeeds(l1, kzg, tmp_path, anvil):
    posting = await opened(l1, kzg, "calldata")
    await posting.advance_to(Progress.BUILT)
    url, port = anvil.url, anvil.port
    state = await l1.client.rpc("anvil_dumpState")
    await stop_anvil(tmp_path / "anvil.pid")

    with pytest.raises(ChainUnavailable):
        await posting.advance()
    again = await start_anvil(tmp_path / "anvil.pid", port=port)
    await l1.client.rpc("anvil_loadState", state)
    await posting.advance_to(Progress.CONFIRMED)

    assert again.url == url
    assert await is_posted_once(posting)


async def test_advance__blocks_of_last_month__succeeds(l1, kzg):
    """So it is after `make down` just before a batch, or when a chain's clock was put ahead."""
    posting = await opened(l1, kzg, "calldata")
    await l1.pass_time(30 * 86_400)

    await posting.advance_to(Progress.CONFIRMED)

    assert await is_posted_once(posting)


async def test_advance__reverted_in_its_block__succeeds(l1, kzg):
    """Another epoch begins in the same block, just before: the nonce is consumed for nothing."""
    posting = await opened(l1, kzg, "calldata")
    await stop_mining(l1)
    await posting.advance_to(Progress.SENT)
    committee = l1.deployment.committee
    begin = sign(
        Transaction(
            chain_id=31337,
            nonce=await l1.client.nonce(DEPLOYER.address),
            to=committee.address,
            data=committee.abi.call_data("beginEpoch", [key.address for key in VALIDATORS]),
            gas=500_000,
            fees=Fees(10**12, 10**11),
        ),
        DEPLOYER,
    )
    await l1.client.send_raw(begin.raw)
    await l1.mine()

    failed = await l1.client.receipt(posting.current.attempts[0].tx_hash)
    await posting.advance_to(Progress.CONFIRMED)

    assert not failed.is_success
    assert [header.epoch for header in posting.ledger.certified] == [1, 2]
    assert await l1.client.nonce(SUBMITTER.address) == 2
    assert await posted_numbers(l1) == [1]
