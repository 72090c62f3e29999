"""Completes the source's drafts: carrier, pin, time and data hash, then the signatures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from backend.protocol.batches import (
    BATCH_CHUNKS_MAX,
    BLOB_BYTES,
    CALLDATA_CHUNKS_MAX,
    BatchHeader,
    Chunk,
    blob_count,
    encode_chunks,
)
from backend.protocol.errors import ChainUnavailable, InvariantViolated, PaymentError
from backend.protocol.hashing import Digest
from backend.protocol.state_tree import chunks_root
from backend.settlement.batch_data import BLOBS, CALLDATA
from backend.settlement.chain import L1Block, Prices
from backend.settlement.journal import Submission
from backend.settlement.kzg import Kzg
from backend.settlement.ports import BatchDraft, BatchSource
from backend.settlement.rollup import Rollup
from backend.settlement.transactions import floor_gas

# The contract keeps 8,191 blocks (EIP-2935), or sees 256 where that contract is missing. Half of
# it, since the transaction may wait.
_PIN_AGE_MAX: Final = 4_095
_PIN_AGE_WITHOUT_HISTORY_MAX: Final = 128
_HISTORY: Final = bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935")
# The contract takes headers up to 900 s ahead of L1 time.
_LEAD_S: Final = 600
_HASH_GAS: Final = 32 * 40  # a chunk's hash in calldata


@dataclass(frozen=True, slots=True)
class SubmitterSettings:
    """When and how to post."""

    carrier: Literal["auto", "blobs", "calldata"] = "auto"
    operations: int = 8_192  # post when this many are waiting …
    age_ms_max: int = 60_000  # … or the oldest is this old
    stuck_ms: int = 30_000  # then bid more
    confirmations: int | None = 1  # None: finalised
    poll_ms: int = 500
    silence_s_max: int | None = None  # then post blocks without operations, too


class NotCertified(Exception):
    """The validators don't sign a batch, for a reason of theirs: its pin may just be gone."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"batch {number} is not certified: {reason}")
        self.number = number


@dataclass(frozen=True, slots=True)
class Built:
    """A certified batch."""

    header: BatchHeader
    signatures: bytes
    carrier: str


class Certifier:
    """Makes certified batches of drafts."""

    def __init__(
        self, rollup: Rollup, source: BatchSource, kzg: Kzg, settings: SubmitterSettings
    ) -> None:
        self._rollup, self._client = rollup, rollup.client
        self._source, self._kzg, self._settings = source, kzg, settings
        self._preferred: str = settings.carrier
        self._are_blobs_refused = False
        self._draft: BatchDraft | None = None
        self._pin_age_max: int | None = None

    def prefer(self, carrier: str | None) -> None:
        """Post by `carrier` from now on, as far as that can be; None: as the settings say."""
        self._preferred = carrier or self._settings.carrier

    @property
    def chunks_max(self) -> int:
        """How many chunks a batch may have with the carriers that there are."""
        is_small = self._preferred == CALLDATA or self._are_blobs_refused
        return CALLDATA_CHUNKS_MAX if is_small else BATCH_CHUNKS_MAX

    def give_up_blobs(self) -> bool:
        """Use calldata from now on, since the node takes no blobs; return False if we may not."""
        self._are_blobs_refused = self._settings.carrier == "auto"
        return self._are_blobs_refused

    async def draft(self, may_be_empty: bool = False) -> BatchDraft | None:
        """Return what could be posted now; of blocks without operations only if it may be empty."""
        if self._settings.carrier == "auto" and not self._are_blobs_refused:
            prices = await self._client.prices()
            self._are_blobs_refused = prices.blob_fee_wei is None
        self._draft = await self._source.draft(self.chunks_max, may_be_empty)
        return self._draft

    async def build(self, draft: BatchDraft, carrier: str | None) -> Built | None:
        """Have a draft certified on `carrier`, or on the one that costs least now.

        None if the chain is shorter than the draft's facts: it was just reorganised. Raises
        NoQuorum or NotCertified.
        """
        chunks = list(draft.chunks)
        carrier = carrier or await self._carrier(chunks)
        head = await self._client.latest()
        pin = await self._pin(head)
        if pin.number < draft.l1_block_number_min:
            return None
        header = BatchHeader(
            number=draft.number,
            epoch=await self._rollup.epoch(),
            parent_hash=draft.parent_hash,
            pre_root=draft.pre_root,
            post_root=draft.post_root,
            chunks_root=chunks_root([chunk.hash() for chunk in chunks]),
            chunk_count=len(chunks),
            data_hash=await self._kzg.data_hash(chunks, carrier),
            deposit_cursor=draft.deposit_cursor,
            l1_block_number=pin.number,
            l1_block_hash=Digest(pin.block_hash),
            last_block_number=draft.last_block_number,
            last_block_hash=draft.last_block_hash,
            timestamp=min(draft.timestamp_max, head.ts_s + _LEAD_S),
        )
        try:
            signatures = await self._source.certify(header, chunks, carrier)
        except (PaymentError, InvariantViolated):
            raise
        except Exception as error:
            # The engine has names for what a validator objects to; settlement can't know them.
            raise NotCertified(header.number, str(error)) from error
        return Built(header, signatures, carrier)

    async def chunks_of(self, header: BatchHeader) -> list[Chunk] | None:
        """Return the chunks of a header that was built, maybe before a restart; None if the source
        has other ones by now."""
        if self._draft is None or not _is_of(self._draft, header):
            await self.draft(may_be_empty=True)
        if self._draft is None or not _is_of(self._draft, header):
            return None
        return list(self._draft.chunks)

    async def call_data(self, submission: Submission, chunks: Sequence[Chunk]) -> bytes:
        """Return the calldata of the submitting transaction."""
        parent = await self._rollup.parent_of(submission.number)
        return self._rollup.submission(
            submission.header, parent, submission.signatures, chunks, submission.carrier
        )

    async def is_fresh(self, header: BatchHeader) -> bool:
        """Return whether L1 would take the header's pin and epoch."""
        if header.epoch != await self._rollup.epoch():
            return False
        head = await self._client.latest()
        if head.number - header.l1_block_number > await self._oldest_pin():
            return False
        pin = await self._client.block(header.l1_block_number)
        return pin is not None and pin.block_hash == header.l1_block_hash

    async def _pin(self, head: L1Block) -> L1Block:
        """Return the newest block but one: the newest is the one that is reorganised most often."""
        pin = await self._client.block(max(head.number - 1, 0))
        if pin is None:
            raise ChainUnavailable()
        return pin

    async def _oldest_pin(self) -> int:
        if self._pin_age_max is None:
            has_history = bool(await self._client.code(_HISTORY))
            self._pin_age_max = _PIN_AGE_MAX if has_history else _PIN_AGE_WITHOUT_HISTORY_MAX
        return self._pin_age_max

    async def _carrier(self, chunks: Sequence[Chunk]) -> str:
        if self._preferred == CALLDATA or self._are_blobs_refused:
            return CALLDATA
        if self._preferred == BLOBS or len(chunks) > CALLDATA_CHUNKS_MAX:
            return BLOBS
        return cheaper_carrier(chunks, await self._client.prices())


def _is_of(draft: BatchDraft, header: BatchHeader) -> bool:
    hashes = [chunk.hash() for chunk in draft.chunks]
    return draft.number == header.number and chunks_root(hashes) == header.chunks_root


def cheaper_carrier(chunks: Sequence[Chunk], prices: Prices) -> str:
    """Return the carrier that costs less now: blobs are full-priced however little is in them."""
    if prices.blob_fee_wei is None or len(chunks) > CALLDATA_CHUNKS_MAX:
        return CALLDATA if prices.blob_fee_wei is None else BLOBS
    gas_price_wei = prices.base_fee_wei + prices.priority_fee_wei
    calldata_wei = floor_gas(encode_chunks(chunks)) * gas_price_wei
    blob_gas = blob_count(len(chunks)) * BLOB_BYTES  # a gas a byte
    hashes_wei = (floor_gas(b"") + len(chunks) * _HASH_GAS) * gas_price_wei
    return BLOBS if hashes_wei + blob_gas * prices.blob_fee_wei < calldata_wei else CALLDATA
