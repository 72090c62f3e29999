"""The submitter on a real chain.

- calldata and blobs: posted; the blobs on the chain are those of the chunks
- the largest batches: within the nodes' limits
- triggers: by operations, by age
- the cheaper carrier
- a batch posted by somebody else
- a restart between any two steps: posted once
- a transaction that was dropped, that is stuck (calldata and blobs)
- a reorganisation: sent again, signed anew
- a stale pin, another epoch: signed anew; a transaction that reverts in its block
- blobs refused: calldata, if that is allowed; validators who don't sign
- the chain goes away and comes back
"""

import asyncio
from dataclasses import replace
from itertools import product

import pytest

from backend.protocol.batches import CHUNK_SLOTS_BYTES, pack_blobs
from backend.protocol.errors import ChainUnavailable
from backend.settlement.anvil import start_anvil, stop_anvil
from backend.settlement.building import NotCertified
from backend.settlement.chain import Fees, Refusal, TransactionRefused
from backend.settlement.kzg import versioned_hash
from backend.settlement.submitter import Progress
from backend.settlement.transactions import (
    TRANSACTION_GAS_MAX,
    TRANSACTION_SIZE_BYTES_MAX,
    Transaction,
    sign,
)
from tests.e2e.settlement.chain import DEPLOYER, SUBMITTER, VALIDATORS
from tests.e2e.settlement.posting import opened

BATCH_STEPS = ["built", "sent", "mined", "confirmed"]


async def posted_numbers(l1):
    rollup = l1.rollup.contract
    head = await l1.client.latest()
    logs = await l1.client.logs([rollup.address], 0, head.number, [rollup.abi.topic("BatchPosted")])
    return [int.from_bytes(log.topics[1]) for log in logs]


async def is_posted_once(posting, number=1):
    nonce = await posting.l1.client.nonce(SUBMITTER.address)
    return (await posted_numbers(posting.l1)).count(number) == 1 and nonce == number


async def test_advance__calldata__succeeds(l1, kzg):
    posting = await opened(l1, kzg, "calldata")

    taken = await posting.advance_to(Progress.CONFIRMED)

    posted = await l1.rollup.posted(1)
    assert [step.value for step in taken if step is not Progress.WAITING] == BATCH_STEPS
    assert posted.carrier == "calldata"
    assert posted.chunks == posting.ledger.proven_chunks
    assert posted.header == posting.ledger.header
    assert await l1.client.read(l1.rollup.contract, "batchSlot", 1) == l1.rollup.slot_of(
        posted.accepted
    )
    assert await is_posted_once(posting)
    assert await posting.advance() is Progress.IDLE


async def test_advance__blobs__succeeds(l1, kzg):
    posting = await opened(l1, kzg, "blobs")
    posting.ledger.fill(200)
    chunks = posting.ledger.drafted(768).chunks

    await posting.advance_to(Progress.CONFIRMED)

    posted = await l1.rollup.posted(1)
    blobs = pack_blobs(chunks)
    for blob, commitment in zip(blobs, await kzg.commitments(blobs), strict=True):
        name = "0x" + versioned_hash(commitment).hex()
        assert await l1.client.rpc("anvil_getBlobByHash", name) == "0x" + blob.hex()
    assert (posted.carrier, posted.chunks, posted.header.chunk_count) == ("blobs", None, 201)
    receipt = await l1.client.receipt(posted.tx_hash)
    assert receipt.blob_gas_used == 2 * 131_072
    assert await is_posted_once(posting)


@pytest.mark.parametrize(("carrier", "chunk_count"), [("calldata", 120), ("blobs", 768)])
async def test_advance__largest_batch__succeeds(l1, kzg, carrier, chunk_count):
    posting = await opened(l1, kzg, carrier)
    posting.ledger.fill(chunk_count + 50, b"\xff" * CHUNK_SLOTS_BYTES)

    await posting.advance_to(Progress.CONFIRMED)

    posted = await l1.rollup.posted(1)
    transaction = await l1.client.transaction(posted.tx_hash)
    receipt = await l1.client.receipt(posted.tx_hash)
    assert posted.header.chunk_count == chunk_count
    assert len(transaction.data) < TRANSACTION_SIZE_BYTES_MAX - 1_000
    assert receipt.gas_used < TRANSACTION_GAS_MAX // 2


async def test_advance__second_batch__succeeds(l1, kzg):
    posting = await opened(l1, kzg, "calldata")
    await posting.advance_to(Progress.CONFIRMED)

    posting.ledger.fill(2)
    await posting.advance_to(Progress.CONFIRMED)

    assert await posted_numbers(l1) == [1, 2]
    assert (await l1.rollup.posted(2)).header.parent_hash == (await l1.rollup.posted(1)).header_hash


@pytest.mark.parametrize(("chunk_count", "carrier"), [(1, "calldata"), (119, "blobs")])
async def test_advance__cheaper_carrier__succeeds(l1, kzg, chunk_count, carrier):
    posting = await opened(l1, kzg, "auto")
    posting.ledger.fill(chunk_count)
    # A wei a byte of blob: dearer than a chunk in calldata, cheaper than a full batch of them.
    posting.submitter._certifier._client = Priced(l1.client, blob_fee_wei=10**9)

    await posting.advance_to(Progress.BUILT)

    assert posting.current.carrier == carrier


class Priced:
    """The chain's client with another price of blobs."""

    def __init__(self, client, blob_fee_wei):
        self._client, self._blob_fee_wei = client, blob_fee_wei

    def __getattr__(self, name):
        return getattr(self._client, name)

    async def prices(self):
        return replace(await self._client.prices(), blob_fee_wei=self._blob_fee_wei)


async def test_advance__neither_many_nor_old__changes_nothing(l1, kzg):
    posting = await opened(l1, kzg, operations=100, age_ms_max=60_000)
    posting.now_ms = posting.ledger.ts_s * 1000 + 59_000

    before = await posting.advance()
    posting.now_ms += 1_000
    after = await posting.advance()

    assert (before, after) == (Progress.IDLE, Progress.BUILT)


async def test_advance__posted_by_somebody_else__changes_nothing(l1, kzg):
    posting = await opened(l1, kzg, "calldata")
    await posting.advance_to(Progress.BUILT)
    current = posting.current
    data = l1.rollup.submission(
        current.header,
        await l1.rollup.parent_of(1),
        current.signatures,
        posting.ledger.drafted(120).chunks,
        "calldata",
    )
    await l1.sender(DEPLOYER).send(l1.rollup.contract.address, data)

    await posting.advance_to(Progress.CONFIRMED)

    assert posting.ledger.header.number == 1
    assert await l1.client.nonce(SUBMITTER.address) == 0


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


async def test_advance__stuck_for_ever__stops_bidding(l1, kzg):
    posting = await opened(l1, kzg, "blobs")
    await stop_mining(l1)
    await posting.advance_to(Progress.SENT)

    for _ in range(20):
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


async def test_advance__chain_down__recovers(l1, kzg, tmp_path, anvil):
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


async def stop_mining(l1):
    """Let blocks come by `mine` alone."""
    await l1.set_automine(False)
    await l1.client.rpc("evm_setIntervalMining", 0)


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


async def test_advance__blobs_refused__falls_back(l1, kzg, monkeypatch):
    posting = await opened(l1, kzg, "auto")
    send_raw = l1.client.send_raw

    async def send_no_blobs(raw):
        if raw[:1] == b"\x03":
            raise TransactionRefused(Refusal.BLOBS_REFUSED, "transaction type not supported")
        await send_raw(raw)

    monkeypatch.setattr(l1.client, "send_raw", send_no_blobs)
    await posting.advance_to(Progress.CONFIRMED)

    assert [header.chunk_count for header in posting.ledger.certified] == [1, 1]
    assert (await l1.rollup.posted(1)).carrier == "calldata"


async def test_advance__blobs_refused_but_wanted__rejects(l1, kzg, monkeypatch):
    posting = await opened(l1, kzg, "blobs")

    async def refuse(raw):
        raise TransactionRefused(Refusal.BLOBS_REFUSED, "transaction type not supported")

    monkeypatch.setattr(l1.client, "send_raw", refuse)

    with pytest.raises(TransactionRefused):
        await posting.advance_to(Progress.SENT)


async def test_advance__not_certified__changes_nothing(l1, kzg, monkeypatch):
    posting = await opened(l1, kzg, "calldata")

    async def object_to(header, chunks, carrier):
        raise LookupError("the pin is unknown")

    with monkeypatch.context() as patch:
        patch.setattr(posting.ledger, "certify", object_to)
        with pytest.raises(NotCertified, match="the pin is unknown"):
            await posting.advance()

    assert posting.log.entries == []
    await posting.advance_to(Progress.CONFIRMED)


async def test_run__until_posted__succeeds(l1, kzg):
    posting = await opened(l1, kzg, "calldata", poll_ms=20)

    running = asyncio.create_task(posting.submitter.run())
    for _ in range(200):
        await asyncio.sleep(0.05)
        if posting.ledger.header.number == 1:
            break
    running.cancel()

    assert await is_posted_once(posting)
