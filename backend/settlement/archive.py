"""Batches' chunks, and states between them, in a folder: so that nobody has to be asked for them.

Law: nothing in it has to be trusted. Chunks are checked by their hashes in L1's calldata, a state
by the postRoot of its batch; what doesn't agree, or can't be read, is as good as missing.

    chunks/0x<header hash>          the chunks, one after the other
    states/<number>-0x<header hash> after the batch: accounts, each id u32 ‖ leaf 38, ids ascending
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import structlog

from backend.files import write_atomically
from backend.protocol.batches import Chunk, chunk_hashes, decode_chunks, encode_chunks
from backend.protocol.codec import Reader
from backend.protocol.errors import MalformedBytes
from backend.protocol.hashing import Digest
from backend.protocol.money import BalanceMinor
from backend.protocol.state_tree import StateTree
from backend.protocol.types import AccountId, Address, Leaf, digest_text
from backend.settlement.batch_data import PostedBatch

STATE_INTERVAL: Final = 64
"""Batches from one kept state to the next."""
_STATES_KEPT: Final = 3
_NUMBER_DIGITS: Final = 20

log = structlog.get_logger(__name__)

Leaves = Mapping[AccountId, Leaf]


class Archive:
    """One folder. Anybody may copy it, merge it with another, or take files away."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._chunks = folder / "chunks"
        self._states = folder / "states"

    def keep_chunks(self, header_hash: Digest, chunks: Sequence[Chunk]) -> None:
        """Keep a batch's chunks. A repeat changes nothing."""
        path = self._chunks / digest_text(header_hash)
        if not path.exists():
            _write(path, encode_chunks(chunks))

    def chunks(self, batch: PostedBatch) -> tuple[Chunk, ...] | None:
        """Return a batch's chunks; None if they aren't here as L1 knows them."""
        path = self._chunks / digest_text(batch.header_hash)
        try:
            chunks = decode_chunks(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, MalformedBytes) as error:
            _warn(path, str(error))
            return None
        if tuple(chunk_hashes(chunks)) != batch.chunk_hashes:
            _warn(path, "its chunks have other hashes than L1 knows")
            return None
        return chunks

    def wants_state(self, number: int) -> bool:
        """Return whether a state after this batch is due, and would stay."""
        newer = sum(kept > number for kept in self.states())
        return number % STATE_INTERVAL == 0 and newer < _STATES_KEPT

    def keep_state(self, number: int, header_hash: Digest, leaves: Leaves) -> None:
        """Keep the accounts after a batch, and drop the oldest states but a few."""
        path = self._states / f"{number:0{_NUMBER_DIGITS}d}-{digest_text(header_hash)}"
        if not path.exists():
            _write(path, encode_leaves(leaves))
        for old in sorted(self._states.glob("[0-9]*-0x*"))[:-_STATES_KEPT]:
            old.unlink(missing_ok=True)

    def states(self) -> Iterator[int]:
        """Yield the numbers of batches after which there may be a state, the newest first."""
        for path in sorted(self._states.glob("[0-9]*-0x*"), reverse=True):
            number = path.name[:_NUMBER_DIGITS]
            if number.isdecimal():
                yield int(number)

    def state(self, batch: PostedBatch) -> dict[AccountId, Leaf] | None:
        """Return the accounts after a batch; None if they aren't here with its postRoot."""
        number = batch.header.number
        path = self._states / f"{number:0{_NUMBER_DIGITS}d}-{digest_text(batch.header_hash)}"
        try:
            leaves = decode_leaves(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, MalformedBytes) as error:
            _warn(path, str(error))
            return None
        if StateTree(leaves).root != batch.header.post_root:
            _warn(path, "its root is not the batch's")
            return None
        return leaves


def encode_leaves(leaves: Leaves) -> bytes:
    """Return the accounts as a state's file has them."""
    return b"".join(
        account_id.to_bytes(4) + leaf.encode() for account_id, leaf in sorted(leaves.items())
    )


def decode_leaves(data: bytes) -> dict[AccountId, Leaf]:
    """Return the accounts of a state's file. Raises MalformedBytes."""
    reader = Reader(data)
    leaves: dict[AccountId, Leaf] = {}
    last = -1
    while reader.remaining:
        account_id = AccountId(reader.uint(4))
        if account_id <= last:
            raise MalformedBytes("the accounts are not ascending")
        last = account_id
        leaves[account_id] = Leaf(
            owner=Address(reader.take(20)),
            asset_id=reader.uint(2),
            nonce=reader.uint(8),
            balance_minor=BalanceMinor(reader.uint(8)),
        )
    return leaves


def _warn(path: Path, reason: str) -> None:
    log.warning("archive_file_ignored", path=str(path), reason=reason)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, [data])
