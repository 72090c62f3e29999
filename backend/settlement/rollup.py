"""The rollup contract in our words: what it has accepted, and calldata for what it takes."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

from backend.protocol.batches import (
    BatchHeader,
    Chunk,
    decode_chunks,
    encode_chunks,
    genesis_header,
)
from backend.protocol.eip712 import Domain, ledger_domain
from backend.protocol.errors import InvariantViolated, check_invariant
from backend.protocol.hashing import ZERO_DIGEST, Digest, keccak
from backend.settlement.chain import L1Log, L1Point
from backend.settlement.client import LOG_BLOCKS_MAX, ChainClient
from backend.settlement.deployment_file import Deployment

BLOBS: Final = "blobs"
CALLDATA: Final = "calldata"
_KNOWN_MAX: Final = 64
_CARRIERS: Final = {"submitBatchBlobs": BLOBS, "submitBatchCalldata": CALLDATA}
_WORD_BYTES: Final = 32
_HEADER_WORDS: Final = 14
# After the header and its parent (a header and two words more), and where the signatures are.
_CHUNKS_WORD: Final = _HEADER_WORDS + _HEADER_WORDS + 2 + 1


@dataclass(frozen=True, slots=True)
class AcceptedBatch:
    """A batch as L1 accepted it: the three things that whoever refers to it has to show."""

    header: BatchHeader
    accepted_ts_s: int
    signers: int  # bitmap: bit i is set if the i-th member signed

    def arguments(self) -> tuple[Any, ...]:
        """Return the struct `AcceptedBatch` for calldata."""
        return astuple(self.header), self.accepted_ts_s, self.signers


# What stands for the parent of batch 1, which nobody shows.
NO_BATCH: Final = AcceptedBatch(genesis_header(ZERO_DIGEST), 0, 0)


@dataclass(frozen=True, slots=True)
class PostedBatch:
    """An accepted batch and the transaction that brought it."""

    accepted: AcceptedBatch
    header_hash: Digest
    carrier: str
    block: L1Point
    tx_hash: bytes
    chunks: tuple[Chunk, ...] | None  # None: they are in blobs

    @property
    def header(self) -> BatchHeader:
        return self.accepted.header

    @property
    def slot(self) -> Digest:
        """The word that L1 keeps of it."""
        accepted = self.accepted
        when, signers = accepted.accepted_ts_s.to_bytes(8), accepted.signers.to_bytes(32)
        return keccak(self.header_hash + when + signers)


class Rollup:
    """Reads one rollup, and encodes calls of it. Sends nothing."""

    def __init__(self, client: ChainClient, deployment: Deployment) -> None:
        self.client = client
        self.deployment = deployment
        self.contract = deployment.rollup
        self._known: dict[int, PostedBatch] = {}
        self.domain: Domain = ledger_domain(deployment.chain_id, deployment.address("Rollup"))

    async def tip(self) -> int:
        """Return the number of the last accepted batch; 0 is genesis."""
        return int(await self.client.read(self.contract, "tip"))

    async def frontier(self) -> int:
        """Return the number of the last settled batch; 0 is genesis."""
        return int(await self.client.read(self.contract, "frontier"))

    async def epoch(self) -> int:
        """Return the committee's present epoch."""
        return int(await self.client.read(self.deployment.committee, "epoch"))

    async def posted(self, number: int) -> PostedBatch | None:
        """Return an accepted batch, found by its event and read from its transaction."""
        known = self._known.get(number)
        if known is not None and await self._stands(known):
            return known
        if not 0 < number <= await self.tip():
            return None
        log = await self._posted_log(number)
        found = await self.posted_by(log) if log is not None else None
        if found is not None:
            self._known[number] = found
            if len(self._known) > _KNOWN_MAX:
                del self._known[next(iter(self._known))]
        return found

    async def posted_by(self, log: L1Log) -> PostedBatch | None:
        """Return the batch of a BatchPosted log; None if its transaction has gone meanwhile."""
        transaction = await self.client.transaction(log.tx_hash)
        event = self.contract.abi.decode_log(log.topics, log.data)
        if transaction is None or event is None:
            return None
        # The sender is the origin and has no code, so the calldata is the transaction's own.
        carrier = _CARRIERS.get(self.contract.abi.function_of(transaction.data) or "")
        if carrier is None:
            raise InvariantViolated(f"batch of {log.tx_hash.hex()} came without a submission")
        arguments = transaction.data[4:]
        header = decode_header(arguments[: _HEADER_WORDS * _WORD_BYTES])
        check_invariant(
            header.digest(self.domain) == event.values["headerHash"],
            "the header of a submission is not the accepted one",
            number=header.number,
        )
        accepted = AcceptedBatch(header, event.values["acceptedTsS"], event.values["signers"])
        return PostedBatch(
            accepted=accepted,
            header_hash=Digest(event.values["headerHash"]),
            carrier=carrier,
            block=log.block,
            tx_hash=log.tx_hash,
            chunks=_chunks_of(arguments) if carrier == CALLDATA else None,
        )

    async def _posted_log(self, number: int) -> L1Log | None:
        """Look for a batch's event from the head backwards: what is asked for is mostly recent."""
        abi = self.contract.abi
        topics = [abi.topic("BatchPosted"), number.to_bytes(32)]
        last = (await self.client.latest()).number
        while last >= self.deployment.block_number:
            first = max(last - LOG_BLOCKS_MAX + 1, self.deployment.block_number)
            logs = await self.client.logs([self.contract.address], first, last, topics)
            if logs:
                return logs[-1]
            last = first - 1
        return None

    async def _stands(self, posted: PostedBatch) -> bool:
        """Return whether a batch that was found before is still the chain's: neither reorganised
        away nor rolled back."""
        block = await self.client.block(posted.block.number)
        if block is None or block.block_hash != posted.block.block_hash:
            return False
        number = posted.header.number
        slot = await self.client.read(self.contract, "batchSlot", number)
        return bool(slot == posted.slot) and number <= await self.tip()

    async def parent_of(self, number: int) -> AcceptedBatch:
        """Return the batch before `number` as a submission has to show it."""
        if number == 1:
            return NO_BATCH
        parent = await self.posted(number - 1)
        if parent is None:
            raise InvariantViolated(f"the parent of batch {number} isn't on the chain")
        return parent.accepted

    def submission(
        self,
        header: BatchHeader,
        parent: AcceptedBatch,
        signatures: bytes,
        chunks: Sequence[Chunk],
        carrier: str,
    ) -> bytes:
        """Return the calldata that submits a batch."""
        head = (astuple(header), parent.arguments(), signatures)
        if carrier == BLOBS:
            hashes = [chunk.hash() for chunk in chunks]
            return self.contract.abi.call_data("submitBatchBlobs", *head, hashes)
        return self.contract.abi.call_data("submitBatchCalldata", *head, encode_chunks(chunks))

    def settlement(self, batches: Sequence[AcceptedBatch]) -> bytes:
        """Return the calldata that settles batches, in order, from the frontier on."""
        return self.contract.abi.call_data("settle", [batch.arguments() for batch in batches])


def _chunks_of(arguments: bytes) -> tuple[Chunk, ...]:
    """Return the chunks of a submission by calldata, found as the contract finds them.

    Whoever sends a certified batch may move its parts, and fill gaps, paddings and what the
    contract doesn't read as he likes: a strict decoder would refuse what L1 has accepted.
    """
    start = _word(arguments, _CHUNKS_WORD * _WORD_BYTES)
    size_bytes = _word(arguments, start)
    return decode_chunks(arguments[start + _WORD_BYTES :][:size_bytes])


def _word(data: bytes, start: int) -> int:
    return int.from_bytes(data[start : start + _WORD_BYTES])


def decode_header(data: bytes) -> BatchHeader:
    """Return the header of its 14 words: the inverse of `BatchHeader.encode`."""
    words = [data[start : start + 32] for start in range(0, _HEADER_WORDS * _WORD_BYTES, 32)]
    integers = {0, 1, 6, 8, 9, 11, 13}
    fields: list[Any] = [
        int.from_bytes(word) if index in integers else Digest(word)
        for index, word in enumerate(words)
    ]
    return BatchHeader(*fields)


async def confirmed_number(client: ChainClient, head_number: int, depth: int | None) -> int:
    """Return the newest block that counts: `depth` blocks under the head, or finalised if None."""
    if depth is not None:
        return max(head_number - depth, 0)
    finalised = await client.block("finalized")
    return 0 if finalised is None else min(finalised.number, head_number)
