"""Where the chunks of batches can be had: archives, L1's calldata, blobs.

Law: it doesn't matter who hands them over. Chunks have the hashes that L1 knows; blobs that have
their versioned hashes, but other chunks, are the committee's fraud.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import aiohttp
import structlog

from backend.protocol.batches import Chunk, chunk_hashes, unpack_blobs
from backend.protocol.errors import ChainUnavailable, MalformedBytes
from backend.settlement.archive import Archive
from backend.settlement.batch_data import PostedBatch
from backend.settlement.chain import RpcError
from backend.settlement.client import ChainClient
from backend.settlement.kzg import Kzg

_TIMEOUT_S: Final = 60
_NOT_FOUND: Final = 404

log = structlog.get_logger(__name__)


class DataMissing(Exception):
    """Nobody who was asked has a batch's chunks."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"The chunks of batch {number} are nowhere: nodes keep blobs for some 18 days. Name an "
            "archive that has them, or a later state (--archive), or a node with old blobs "
            "(--beacon)."
        )
        self.number = number


class DataMismatch(Exception):
    """A batch's blobs hold other chunks than its header names: fraud of its signers."""

    def __init__(self, number: int, blobs: tuple[bytes, ...]) -> None:
        super().__init__(f"The blobs of batch {number} don't hold its chunks: that is fraud.")
        self.number = number
        self.blobs = blobs


class BlobSource(Protocol):
    """Somebody who may have the blobs of a batch."""

    async def blobs(self, batch: PostedBatch) -> tuple[bytes, ...] | None:
        """Return the blobs that hold the batch's chunks, in order; None if one is missing.

        Raises ChainUnavailable if nobody answers.
        """


class DataSources:
    """All who are asked, in order: archives, the transaction itself, blobs."""

    def __init__(
        self, archives: Sequence[Archive], blob_sources: Sequence[BlobSource], kzg: Kzg
    ) -> None:
        self.archives = tuple(archives)
        self._blob_sources = tuple(blob_sources)
        self._kzg = kzg

    async def chunks(self, batch: PostedBatch) -> tuple[Chunk, ...]:
        """Return a batch's chunks as L1 knows them. Raises DataMissing or DataMismatch."""
        for archive in self.archives:
            kept = archive.chunks(batch)
            if kept is not None:
                return kept
        if batch.chunks is not None:
            return batch.chunks
        number = batch.header.number
        for source in self._blob_sources:
            blobs = await source.blobs(batch)
            if blobs is None:
                continue
            chunks = _chunks_in(blobs, batch)
            if chunks is not None:
                return chunks
            if await _hashes(self._kzg, blobs) == list(batch.versioned_hashes):
                raise DataMismatch(number, blobs)
            log.warning("false_blobs_ignored", batch=number)
        raise DataMissing(number)


class DevelopmentBlobs:
    """The blobs that anvil keeps; an ordinary node doesn't know the method."""

    def __init__(self, client: ChainClient) -> None:
        self._client = client

    async def blobs(self, batch: PostedBatch) -> tuple[bytes, ...] | None:
        """Return the blobs that hold the batch's chunks."""
        found = []
        for versioned_hash in batch.versioned_hashes:
            try:
                blob = await self._client.rpc("anvil_getBlobByHash", "0x" + versioned_hash.hex())
            except RpcError:
                return None
            if blob is None:
                return None
            found.append(_bytes(blob))
        return tuple(found)


class BeaconBlobs:
    """A beacon node's REST interface. Nodes keep blobs for some 18 days, blob archives for ever.

    A block is named by its root, which the chain's next block holds (EIP-4788).
    """

    def __init__(self, url: str, client: ChainClient, kzg: Kzg) -> None:
        self._url = url.rstrip("/")
        self._client = client
        self._kzg = kzg

    async def blobs(self, batch: PostedBatch) -> tuple[bytes, ...] | None:
        """Return the blobs that hold the batch's chunks."""
        child = await self._client.rpc("eth_getBlockByNumber", hex(batch.block.number + 1), False)
        root = child.get("parentBeaconBlockRoot") if isinstance(child, dict) else None
        if root is None:
            return None
        found = [_bytes(text) for text in await self._block_blobs(root)]
        by_hash = dict(zip(await _hashes(self._kzg, found), found, strict=True))
        if not by_hash.keys() >= set(batch.versioned_hashes):
            return None
        return tuple(by_hash[one] for one in batch.versioned_hashes)

    async def _block_blobs(self, root: str) -> list[str]:
        """Return all blobs of a block: how to ask for some of them, nodes don't agree."""
        url = f"{self._url}/eth/v1/beacon/blobs/{root}"
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(url) as answer,
            ):
                if answer.status == _NOT_FOUND:
                    return []
                answer.raise_for_status()
                return list((await answer.json())["data"])
        except (aiohttp.ClientError, TimeoutError, OSError, KeyError, ValueError) as error:
            raise ChainUnavailable() from error


def blob_sources(client: ChainClient, kzg: Kzg, beacon_url: str | None) -> list[BlobSource]:
    """Return who may have blobs: the node itself, and a beacon node if one is named."""
    sources: list[BlobSource] = [DevelopmentBlobs(client)]
    if beacon_url:
        sources.append(BeaconBlobs(beacon_url, client, kzg))
    return sources


async def _hashes(kzg: Kzg, blobs: Sequence[bytes]) -> list[bytes | None]:
    """Return the versioned hash of each blob; None for what is no blob at all."""
    hashes: list[bytes | None] = []
    for blob in blobs:
        try:
            hashes += await kzg.versioned_hashes([blob])
        except (RuntimeError, ValueError):  # of another size, or an element above the modulus
            hashes.append(None)
    return hashes


def _chunks_in(blobs: Sequence[bytes], batch: PostedBatch) -> tuple[Chunk, ...] | None:
    try:
        chunks = unpack_blobs(blobs, batch.header.chunk_count)
    except MalformedBytes:
        return None
    return chunks if tuple(chunk_hashes(chunks)) == batch.chunk_hashes else None


def _bytes(text: Any) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except (AttributeError, ValueError) as error:
        raise ChainUnavailable() from error
