"""The submitter on a real chain.

- calldata and blobs: posted; the blobs on the chain are those of the chunks
- the largest batches: within the nodes' limits
- triggers: by operations, by age
- the cheaper carrier
- a batch posted by somebody else, with calldata that no encoder makes
- blobs refused: calldata, if that is allowed; validators who don't sign
- the loop; it ends when the disk is full
"""

import asyncio
from dataclasses import replace

import pytest

from backend.protocol.batches import CHUNK_SLOTS_BYTES, accepted_slot, pack_blobs
from backend.protocol.errors import DiskFull
from backend.settlement.batch_data import NO_BATCH
from backend.settlement.building import NotCertified
from backend.settlement.chain import Refusal, TransactionRefused
from backend.settlement.kzg import versioned_hash
from backend.settlement.submitter import Progress
from backend.settlement.transactions import (
    TRANSACTION_GAS_MAX,
    TRANSACTION_SIZE_BYTES_MAX,
)
from tests.e2e.settlement.chain import DEPLOYER, SUBMITTER
from tests.e2e.settlement.posting import is_posted_once, opened, posted_numbers

BATCH_STEPS = ["built", "sent", "mined", "confirmed"]


async def test_advance__calldata__succeeds(l1, kzg):
    posting = await opened(l1, kzg, "calldata")

    taken = await posting.advance_to(Progress.CONFIRMED)

    posted = await l1.rollup.posted(1)
    assert [step.value for step in taken if step is not Progress.WAITING] == BATCH_STEPS
    assert posted.carrier == "calldata"
    assert posted.chunks == posting.ledger.proven_chunks
    assert posted.header == posting.ledger.header
    accepted = posted.accepted
    kept = accepted_slot(posted.header_hash, accepted.accepted_ts_s, accepted.signers)
    assert await l1.client.read(l1.rollup.contract, "batchSlot", 1) == kept
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


def _with_dirty_padding(data: bytes) -> bytes:
    signatures_end = data.index((195).to_bytes(32)) + 32 + 195
    return data[:signatures_end] + b"\xff" + data[signatures_end + 1 :]


def _with_a_parent_nobody_reads(data: bytes) -> bytes:
    start, end = 4 + 14 * 32, 4 + 30 * 32
    return data[:start] + b"\xff" * (end - start) + data[end:]


def _with_gaps(data: bytes) -> bytes:
    start, end = 4 + 30 * 32, 4 + 32 * 32
    offsets = [int.from_bytes(data[at : at + 32]) + 7 for at in (start, start + 32)]
    moved = b"".join(offset.to_bytes(32) for offset in offsets)
    return data[:start] + moved + b"\xaa" * 7 + data[end:] + b"\xbb"


@pytest.mark.parametrize("changed", [_with_dirty_padding, _with_a_parent_nobody_reads, _with_gaps])
async def test_posted__calldata_of_no_encoder__succeeds(l1, kzg, changed):
    posting = await opened(l1, kzg, "calldata")
    await posting.advance_to(Progress.BUILT)
    header, signatures = posting.current.header, posting.current.signatures
    chunks = posting.ledger.drafted(120).chunks
    data = l1.rollup.submission(header, NO_BATCH, signatures, chunks, "calldata")

    await l1.sender(DEPLOYER).send(l1.rollup.contract.address, changed(data))

    posted = await l1.rollup.posted(1)
    assert (posted.header, posted.chunks) == (header, tuple(chunks))
    await posting.advance_to(Progress.CONFIRMED)


async def test_advance__blobs_refused__falls_back_succeeds(l1, kzg, monkeypatch):
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


async def test_run__disk_full__stops_posting_holds(l1, kzg, monkeypatch):
    posting = await opened(l1, kzg, "calldata")

    def append(_entries):
        raise DiskFull()

    monkeypatch.setattr(posting.log, "append", append)

    await asyncio.wait_for(posting.submitter.run(), 20)

    assert posting.submitter.failure == str(DiskFull())
    assert await posted_numbers(l1) == []
