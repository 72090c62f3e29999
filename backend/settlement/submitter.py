"""Posts batches: one at a time, each exactly once, whatever happens in between.

Each step is in the journal before it is taken. What the chain says counts for more than what the
journal says: a batch that L1 has accepted is posted, whoever sent it. All transactions of a batch
have one nonce until that is consumed, so at most one of them is mined; and the contract refuses a
number twice.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Final

import structlog

from backend.protocol.batches import BatchHeader, pack_blobs
from backend.protocol.errors import ChainUnavailable, DiskFull, NoQuorum, check_invariant
from backend.protocol.signing import PrivateKey
from backend.settlement.batch_data import BLOBS, PostedBatch
from backend.settlement.building import Certifier, NotCertified, SubmitterSettings
from backend.settlement.chain import (
    Refusal,
    RpcError,
    TransactionRefused,
)
from backend.settlement.journal import Attempt, Submission, SubmissionJournal
from backend.settlement.kzg import Kzg, blob_transaction
from backend.settlement.ports import BatchDraft, BatchSource, StepLog, Waiting
from backend.settlement.rollup import Rollup, confirmed_number
from backend.settlement.transactions import (
    TRANSACTION_GAS_MAX,
    TRANSACTION_SIZE_BYTES_MAX,
    SignedTransaction,
    Transaction,
    fees_of,
    gas_limit_of,
    is_excessive,
    raised,
    sign,
)

_RETRY_MS: Final = 2_000
# These say that the chain has moved on under the header; signing it anew mends them.
_STALE_ERRORS: Final = frozenset(
    {"L1BlockHashMismatch", "L1BlockUnavailable", "EpochMismatch", "TimestampOutOfRange"}
)

_SIGNED_AGAIN_MAX: Final = 3

log = structlog.get_logger(__name__)


class Progress(StrEnum):
    """What one call of `advance` did."""

    IDLE = "idle"  # nothing to post
    WAITING = "waiting"  # for the chain
    BUILT = "built"
    SENT = "sent"
    MINED = "mined"
    GONE = "gone"
    CONFIRMED = "confirmed"


class Submitter:
    """The one who posts batches, with a key used for nothing else."""

    def __init__(
        self,
        rollup: Rollup,
        key: PrivateKey,
        source: BatchSource,
        step_log: StepLog,
        kzg: Kzg,
        settings: SubmitterSettings,
        *,
        now_ms: Callable[[], int],
    ) -> None:
        self.journal = SubmissionJournal(step_log)
        self.failure: str | None = None
        """Why no more batches are posted; None while they are."""
        self._rollup, self._client = rollup, rollup.client
        self._key, self._source, self._kzg = key, source, kzg
        self._settings, self._now_ms = settings, now_ms
        self._signed_again = 0
        self._asked_ts_ms = 0
        self._wake = asyncio.Event()
        self._certifier = Certifier(rollup, source, kzg, settings)

    def post_now(self, carrier: str | None = None) -> Waiting | None:
        """Have all that is final by now posted without waiting for more; return what that is.

        By `carrier` if the chain takes it; None: as the settings say. A repeat changes nothing.
        """
        self._asked_ts_ms = self._now_ms()
        self._certifier.prefer(carrier)
        self._wake.set()
        return self._source.waiting()

    @property
    def built(self) -> BatchHeader | None:
        """The header of the batch that is certified and not known to be on L1; None between two."""
        current = self.journal.current
        return current.header if current is not None and current.mined is None else None

    async def run(self) -> None:
        """Post batches for ever. A chain that doesn't answer is asked again.

        Ends, with `failure` set, when the disk is full: what the log holds is known after a
        restart, and payments that are refused or read meanwhile need no batches.
        """
        while True:
            pause_ms = self._settings.poll_ms
            try:
                if await self.advance() in (Progress.BUILT, Progress.SENT, Progress.CONFIRMED):
                    pause_ms = 0
            except (ChainUnavailable, NoQuorum, RpcError) as error:
                log.warning("submitter_waits", reason=str(error))
                pause_ms = _RETRY_MS
            except (NotCertified, TransactionRefused) as error:
                log.error("submission_refused", reason=str(error))
                pause_ms = _RETRY_MS
            except DiskFull as error:
                self.failure = str(error)
                log.error("submitter_stopped", reason=self.failure)
                return
            await self._pause(pause_ms)

    async def _pause(self, pause_ms: int) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), pause_ms / 1000)
        except TimeoutError:
            return
        self._wake.clear()

    async def advance(self) -> Progress:
        """Take the next step, if there is one to take.

        Raises ChainUnavailable, NoQuorum or NotCertified, after which it can be asked again, or
        TransactionRefused if the chain will not have the batch for a reason that only an operator
        can mend.
        """
        tip = await self._rollup.tip()
        current = self.journal.current
        if current is None:
            return await self._begin(tip)
        if tip >= current.number:
            return await self._follow(current)
        if current.mined is not None:
            log.warning("batch_reorganised", batch=current.number, block=current.mined.number)
            self.journal.gone(current.number)
            return Progress.GONE
        return await self._pursue(current)

    async def _begin(self, tip: int) -> Progress:
        is_silent = await self._is_silent(tip)
        if not is_silent and not self._is_due():
            self._certifier.prefer(None)
            return Progress.IDLE
        draft = await self._certifier.draft(may_be_empty=is_silent)
        if draft is not None and draft.number <= tip:
            # Somebody else sent it, or we stopped before the source was told.
            return await self._hand_over(draft.number)
        return await self._build(None, draft)

    def _is_due(self) -> bool:
        """Return whether what waits is to be posted now."""
        waiting = self._source.waiting()
        return waiting is not None and (
            waiting.oldest_ts_ms <= self._asked_ts_ms
            or waiting.operation_count >= self._settings.operations
            or self._now_ms() - waiting.oldest_ts_ms >= self._settings.age_ms_max
        )

    async def _is_silent(self, tip: int) -> bool:
        """Return whether L1 has accepted no batch for so long that an empty one will do."""
        silence_s_max = self._settings.silence_s_max
        last = await self._rollup.posted(tip) if silence_s_max is not None and tip else None
        if silence_s_max is None or last is None:
            return False
        head = await self._client.latest()
        return head.ts_s >= last.accepted.accepted_ts_s + silence_s_max

    async def _build(self, before: Submission | None, draft: BatchDraft | None = None) -> Progress:
        """Have the next batch certified, or the one in hand anew."""
        draft = draft or await self._certifier.draft(may_be_empty=before is not None)
        if draft is None:
            return Progress.IDLE
        if before is not None and draft.number != before.number:
            if draft.number > before.number:
                return Progress.WAITING  # the batch in hand is posted: the next step finds that out
            if draft.number <= await self._rollup.tip():
                # After a restart the source may not know yet what L1 has.
                return await self._hand_over(draft.number)
            before = None  # a roll-back has taken back the batches before the one in hand
        # While transactions are on their way, nodes take only others of their kind.
        carrier = before.carrier if before is not None and before.attempts else None
        built = await self._certifier.build(draft, carrier)
        if built is None:
            return Progress.IDLE
        self.journal.built(built.header, built.signatures, built.carrier)
        log.info(
            "batch_built",
            batch=built.header.number,
            chunks=built.header.chunk_count,
            carrier=built.carrier,
            again=before is not None,
        )
        return Progress.BUILT

    async def _follow(self, current: Submission) -> Progress:
        """L1 has accepted the batch: wait until it is deep enough."""
        posted = await self._rollup.posted(current.number)
        if posted is None:
            return Progress.WAITING
        if current.mined != posted.block:
            self.journal.mined(current.number, posted.tx_hash, posted.block)
            log.info("batch_mined", batch=current.number, block=posted.block.number)
            return Progress.MINED
        if not await self._is_deep(posted.block.number):
            return Progress.WAITING
        self.journal.confirmed(current.number)
        log.info("batch_posted", batch=current.number, block=posted.block.number)
        return await self._tell(posted)

    async def _hand_over(self, number: int) -> Progress:
        posted = await self._rollup.posted(number)
        if posted is None or not await self._is_deep(posted.block.number):
            return Progress.WAITING
        return await self._tell(posted)

    async def _tell(self, posted: PostedBatch) -> Progress:
        """Tell the source of a batch. If it isn't the source's, wait for L1 to take it back."""
        is_ours = await self._source.posted(posted.header, posted.chunks)
        return Progress.CONFIRMED if is_ours else Progress.WAITING

    async def _is_deep(self, block_number: int) -> bool:
        head = await self._client.latest()
        depth = self._settings.confirmations
        return block_number <= await confirmed_number(self._client, head.number, depth)

    async def _pursue(self, current: Submission) -> Progress:
        """The batch isn't on the chain: send it, wait for it, or send it again."""
        nonce = await self._client.nonce(self._key.address)
        if await self._rollup.tip() >= current.number:
            return Progress.WAITING  # it was mined between the two questions
        last = current.attempts[-1] if current.attempts else None
        if last is not None and last.nonce < nonce and last.header == current.header:
            await self._log_failure(last)
            return await self._build(current)
        if last is not None and last.nonce >= nonce:
            transaction = await self._client.transaction(last.tx_hash)
            age_ms = self._now_ms() - last.sent_ts_ms
            if transaction is not None and age_ms < self._settings.stuck_ms:
                return Progress.WAITING
            if transaction is None:
                log.warning("submission_dropped", batch=current.number, tx=last.tx_hash.hex())
        if not await self._certifier.is_fresh(current.header):
            log.info("header_stale", batch=current.number, pin=current.header.l1_block_number)
            return await self._build(current)
        return await self._send(current, nonce)

    async def _send(self, current: Submission, nonce: int) -> Progress:
        """Send the batch with the next nonce: a first time, the same again, or with higher fees."""
        chunks = await self._certifier.chunks_of(current.header)
        if chunks is None:  # the source cuts its batches elsewhere after a restart
            return await self._build(current)
        data = await self._certifier.call_data(current, chunks)
        blobs = pack_blobs(chunks) if current.carrier == BLOBS else []
        hashes = await self._kzg.versioned_hashes(blobs)
        try:
            gas = await self._gas(data, hashes)
        except TransactionRefused as refused:
            return await self._mend(current, refused)
        made = await self._attempt(current, nonce, data, hashes, gas)
        if made is None:
            return Progress.WAITING
        attempt, signed = made
        raw = signed.raw
        if blobs:
            raw = blob_transaction(raw, await self._kzg.sidecar(blobs))
        self.journal.sent(attempt)
        try:
            await self._client.send_raw(raw)
        except TransactionRefused as refused:
            if refused.refusal is Refusal.UNDERPRICED:
                # The node has a dearer one that the journal doesn't know. Without its time this
                # one counts as stuck, so the next step bids more.
                self.journal.sent(replace(attempt, sent_ts_ms=0))
                return Progress.WAITING
            return await self._mend(current, refused)
        self._signed_again = 0
        log.info("batch_sent", batch=current.number, tx=signed.tx_hash.hex(), gas=gas)
        return Progress.SENT

    async def _attempt(
        self, current: Submission, nonce: int, data: bytes, hashes: tuple[bytes, ...], gas: int
    ) -> tuple[Attempt, SignedTransaction] | None:
        """Return the transaction to send now; None if it would bid far above the market."""
        now = fees_of(await self._client.prices(), has_blobs=bool(hashes))
        rivals = [a for a in current.attempts if a.nonce >= nonce]
        fees = now
        if rivals:
            last = rivals[-1]
            is_kept = last.header == current.header and not self._is_stuck(last)
            fees = last.fees if is_kept else raised(last.fees, now)
            gas = last.gas if is_kept else gas
            if not is_kept and is_excessive(fees, now):
                log.warning("fees_at_limit", batch=current.number)
                return None
        transaction = Transaction(
            chain_id=await self._client.chain_id(),
            nonce=nonce,
            to=self._rollup.contract.address,
            data=data,
            gas=gas,
            fees=fees,
            versioned_hashes=hashes,
        )
        signed = sign(transaction, self._key)
        check_invariant(
            len(signed.raw) <= TRANSACTION_SIZE_BYTES_MAX, "the submission is too large"
        )
        attempt = Attempt(current.header, nonce, gas, fees, signed.tx_hash, self._now_ms())
        return attempt, signed

    def _is_stuck(self, attempt: Attempt) -> bool:
        return self._now_ms() - attempt.sent_ts_ms >= self._settings.stuck_ms

    async def _gas(self, data: bytes, hashes: tuple[bytes, ...]) -> int:
        estimate = await self._client.estimate_gas(
            self._key.address,
            self._rollup.contract.address,
            data,
            self._rollup.contract.abi,
            versioned_hashes=hashes,
        )
        if estimate > TRANSACTION_GAS_MAX:
            raise TransactionRefused(Refusal.TOO_LARGE, f"{estimate} gas")
        return gas_limit_of(estimate)

    async def _mend(self, current: Submission, refused: TransactionRefused) -> Progress:
        """Do what a refusal asks for. Raises it if that is for an operator to do."""
        name = refused.error.name if refused.error is not None else ""
        log.warning("submission_refused", batch=current.number, reason=str(refused))
        if refused.refusal is Refusal.NONCE_TOO_LOW or name == "BatchOutOfOrder":
            return Progress.WAITING  # somebody was faster; the chain will tell
        # BlobMissing: the node (Hardhat) leaves the blobs out when it tries the transaction.
        is_blobless = refused.refusal is Refusal.BLOBS_REFUSED or name == "BlobMissing"
        if is_blobless and self._certifier.give_up_blobs():
            return await self._build(None)
        if name in _STALE_ERRORS and self._signed_again < _SIGNED_AGAIN_MAX:
            self._signed_again += 1
            return await self._build(current)
        raise refused

    async def _log_failure(self, attempt: Attempt) -> None:
        """Say why a transaction consumed its nonce but posted nothing."""
        receipt = await self._client.receipt(attempt.tx_hash)
        transaction = await self._client.transaction(attempt.tx_hash)
        reason = None
        if receipt is not None and transaction is not None:
            rollup = self._rollup.contract
            reason = await self._client.revert_reason(transaction, rollup.address, rollup.abi)
        log.warning("submission_failed", batch=attempt.header.number, reason=str(reason))
