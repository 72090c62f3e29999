"""Where a watcher learns who authorised the operations of a batch, and what L1 says of it."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import aiohttp
from pydantic_core import from_json

from backend.protocol.batches import CHUNK_SLOTS
from backend.protocol.errors import ChainUnavailable, MalformedBytes
from backend.protocol.evidence import Evidence, decode_evidence
from backend.protocol.operations import Withdrawal
from backend.protocol.types import AccountId, Address, AuthorisedRoot, digest_text
from backend.settlement.batch_data import PostedBatch
from backend.settlement.l1_history import History, L1Reader
from backend.settlement.proving.answers import Authority
from backend.settlement.proving.replay import ReplayedBatch

_TIMEOUT_S: Final = 60
_NOT_FOUND: Final = 404
_SIZE_BYTES_MAX: Final = 1 << 28  # a full batch of orders alone has a tenth of it
_UNREADABLE: Final = (TypeError, ValueError, LookupError, OverflowError)


class EvidenceSource(Protocol):
    """Somebody who keeps orders: the platform's own log, or a platform elsewhere."""

    async def evidence(self, batch: PostedBatch) -> Mapping[int, Evidence] | None:
        """Return what is known of a batch's operations, by slot number; None if the batch isn't
        known (yet). Raises ChainUnavailable if nobody answers."""


class PublishedEvidence:
    """What a platform publishes at `/v1/batches/{number}/evidence`. It need not be trusted."""

    def __init__(self, api_url: str) -> None:
        self._url = api_url.rstrip("/")

    async def evidence(self, batch: PostedBatch) -> Mapping[int, Evidence] | None:
        """Return what the platform says. What can't be read, or names no slot of the batch, is no
        evidence."""
        found = await self._ask(batch)
        if found is None:
            return None
        evidence = {}
        for entry in found:
            try:
                slot = int(entry["slot_number"])
                data = bytes.fromhex(entry["evidence"].removeprefix("0x"))
                if 0 <= slot < batch.header.chunk_count * CHUNK_SLOTS:
                    evidence[slot] = decode_evidence(data)
            except (*_UNREADABLE, AttributeError, MalformedBytes):
                continue
        return evidence

    async def _ask(self, batch: PostedBatch) -> list[Any] | None:
        url = f"{self._url}/v1/batches/{batch.header.number}/evidence"
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        query = {"header_hash": digest_text(batch.header_hash)}
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(url, params=query) as answer,
            ):
                if answer.status == _NOT_FOUND:
                    return None
                answer.raise_for_status()
                body = bytearray()
                async for part in answer.content.iter_any():
                    body += part
                    if len(body) > _SIZE_BYTES_MAX:
                        raise ChainUnavailable()
                return list(from_json(body)["data"])
        except (aiohttp.ClientError, TimeoutError, OSError, *_UNREADABLE) as error:
            raise ChainUnavailable() from error


async def authority_of(
    reader: L1Reader,
    history: History,
    batch: ReplayedBatch,
    evidence: Mapping[int, Evidence],
) -> Authority:
    """Return what L1 says, at the history's end, of the roots and exits the evidence names.

    Whoever made the evidence may name any number: L1 is asked only about exits that there are.
    """
    at_block = history.head.number
    swept = set[tuple[AccountId, Address]]()
    timestamp = batch.posted.header.timestamp
    # In order, or each sweep might execute the batch anew.
    for slot, found in sorted(evidence.items()):
        account = _payer_of(batch, slot) if found.record is None else None
        if account is None or account not in history.exits:
            continue
        if await reader.client.read(
            reader.exits, "authorises", *account, timestamp, block_id=at_block
        ):
            swept.add(account)
    return Authority(
        reader.domain,
        history.assets,
        lambda owner, root: AuthorisedRoot(owner, root) in history.roots,
        lambda account_id, owner, _: (account_id, owner) in swept,
    )


def _payer_of(batch: ReplayedBatch, slot: int) -> tuple[AccountId, Address] | None:
    """Return the account that the withdrawal in a slot takes from, and its owner."""
    index, position = divmod(slot, CHUNK_SLOTS)
    operation = dict(batch.chunks[index].operations()).get(position)
    if not isinstance(operation, Withdrawal):
        return None
    leaf = batch.trees[index].leaf(operation.payer)
    return None if leaf is None else (operation.payer, leaf.owner)
