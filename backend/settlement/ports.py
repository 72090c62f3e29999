"""What settlement needs of the engine. The engine fits these; neither imports the other."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from backend.protocol.batches import BatchHeader, Chunk
from backend.protocol.hashing import Digest


class BatchDraft(Protocol):
    """The next batch as the ledger has it: all of the header but epoch, pin, time, data hash."""

    @property
    def number(self) -> int: ...
    @property
    def parent_hash(self) -> Digest: ...
    @property
    def pre_root(self) -> Digest: ...
    @property
    def post_root(self) -> Digest: ...
    @property
    def chunks(self) -> Sequence[Chunk]: ...
    @property
    def deposit_cursor(self) -> int: ...
    @property
    def last_block_number(self) -> int: ...
    @property
    def last_block_hash(self) -> Digest: ...
    @property
    def l1_block_number_min(self) -> int:
        """The L1 block up to which its blocks use facts: the pin is not before it."""

    @property
    def timestamp_max(self) -> int:
        """The latest time that the committee signs, in seconds: the first block's."""


class Waiting(Protocol):
    """What the ledger has and L1 hasn't."""

    @property
    def operation_count(self) -> int:
        """In slots, no-ops apart."""

    @property
    def oldest_ts_ms(self) -> int:
        """When the first of its blocks was made."""


class BatchSource(Protocol):
    """Where batches come from."""

    def waiting(self) -> Waiting | None:
        """Say what waits for a batch; None if nothing does. Asked often, so it must be cheap."""

    async def draft(self, chunks_max: int, may_be_empty: bool = False) -> BatchDraft | None:
        """Return what would be posted now, at most `chunks_max` chunks; None if there is nothing.

        Blocks without operations are something only if the batch may be empty.
        Asked again it may answer more, or cut otherwise.
        """

    async def certify(self, header: BatchHeader, chunks: Sequence[Chunk], carrier: str) -> bytes:
        """Return the signatures of 2f+1 validators, who check all of it, as L1 takes them.

        Raises NoQuorum if too few of them sign.
        """

    async def posted(self, header: BatchHeader, chunks: Sequence[Chunk] | None) -> bool:
        """Learn that L1 has this batch beyond doubt; return False if it isn't the ledger's.

        A repeat changes nothing.
        `chunks` are those that L1 has in calldata; None if they are in blobs.
        """


class StepLog(Protocol):
    """Durable entries in one order; the engine's LocalLog fits."""

    def append(self, entries: Sequence[bytes]) -> int:
        """Return the position of the first of `entries` when all are durable."""

    def read(self, position: int = 0) -> Iterator[bytes]:
        """Yield the durable entries from `position` on."""
