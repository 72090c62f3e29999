"""The rollup contract in our words: what it has accepted, and calldata for what it takes."""

from collections.abc import Sequence
from dataclasses import astuple
from typing import Final

from backend.protocol.batches import BatchHeader, Chunk, encode_chunks
from backend.protocol.eip712 import Domain, ledger_domain
from backend.protocol.errors import InvariantViolated
from backend.settlement.batch_data import (
    BLOBS,
    NO_BATCH,
    AcceptedBatch,
    PostedBatch,
    posted_batch,
)
from backend.settlement.chain import L1Log
from backend.settlement.client import LOG_BLOCKS_MAX, ChainClient
from backend.settlement.deployment_file import Deployment

_KNOWN_MAX: Final = 64


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
        if transaction is None:
            return None
        return posted_batch(self.contract.abi, self.domain, log, transaction)

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


async def confirmed_number(client: ChainClient, head_number: int, depth: int | None) -> int:
    """Return the newest block that counts: `depth` blocks under the head, or finalised if None."""
    if depth is not None:
        return max(head_number - depth, 0)
    finalised = await client.block("finalized")
    return 0 if finalised is None else min(finalised.number, head_number)
