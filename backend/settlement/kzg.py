"""Commitments and proofs of blobs, in a process of their own.

Law (PROTOCOL.md, section 3): sidecars are EIP-7594, version 1, with 128 cell proofs a blob.
eth-account 0.13 writes only version 0 and loads the set-up for each blob, so both are done here.
ckzg holds the GIL (0.15 to 0.35 s a blob), which is why threads would stop the event loop.
"""

import asyncio
import hashlib
import multiprocessing
import os
import signal
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any, Final

import ckzg
import eth_account
import rlp
import structlog

from backend.protocol.batches import BLOB_ELEMENTS, Chunk, blobs_hash, calldata_hash, pack_blobs
from backend.protocol.hashing import Digest

_SIDECAR_VERSION: Final = 1
_TRANSACTION_TYPE: Final = b"\x03"
_CACHED_COMMITMENTS_MAX: Final = 64
_NICENESS: Final = 5  # payments go before proofs: a batch can wait for a second

_FIELD_ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
_ROOT_OF_UNITY: Final = pow(7, (_FIELD_ORDER - 1) // BLOB_ELEMENTS, _FIELD_ORDER)
_INDEX_BITS: Final = BLOB_ELEMENTS.bit_length() - 1

_SETUP_FILE: Final = (
    Path(eth_account.__file__).parent / "typed_transactions/blob_transactions/kzg_trusted_setup.txt"
)


log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What travels beside a blob transaction; one commitment (48 bytes) for each blob."""

    blobs: tuple[bytes, ...]
    commitments: tuple[bytes, ...]
    cell_proofs: tuple[bytes, ...]  # 128 of 48 bytes for each blob, one after the other

    @property
    def versioned_hashes(self) -> tuple[bytes, ...]:
        return tuple(map(versioned_hash, self.commitments))


def versioned_hash(commitment: bytes) -> bytes:
    """Return the 32 bytes by which the chain knows a blob (EIP-4844)."""
    return b"\x01" + hashlib.sha256(commitment).digest()[1:]


def blobs_of(chunks: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the blobs that hold `chunks` of 992 bytes each."""
    return tuple(pack_blobs([Chunk.decode(chunk) for chunk in chunks]))


def blob_transaction(signed_body: bytes, sidecar: Sidecar) -> bytes:
    """Return the network form of a blob transaction (EIP-7594).

    `signed_body` is the signed transaction without blobs, 0x03 ‖ rlp(fields), as eth-account
    makes it from `blobVersionedHashes` alone.
    """
    if signed_body[:1] != _TRANSACTION_TYPE:
        raise ValueError(f"not a blob transaction: type {signed_body[:1].hex()}")
    fields = rlp.decode(signed_body[1:])
    version = bytes([_SIDECAR_VERSION])
    wrapped = [fields, version, sidecar.blobs, sidecar.commitments, sidecar.cell_proofs]
    return _TRANSACTION_TYPE + bytes(rlp.encode(wrapped))


@cache
def _setup() -> Any:
    """Load the public set-up once in each process: 1.5 s."""
    return ckzg.load_trusted_setup(str(_SETUP_FILE), 0)


def _follow_parent() -> None:
    """Leave Ctrl-C to the parent, which then closes the pool; end when it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    # A worker holds both ends of its queue, so it would wait for ever for a parent that is gone.
    Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _load_setup() -> None:
    _setup()


def open_elements(blob: bytes, indexes: Iterable[int]) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Return the blob's commitment, and the value and proof (48 bytes) of each of these elements.

    For the point evaluation of EIP-4844; some 50 ms for each element, in this process.
    """
    commitment = bytes(ckzg.blob_to_kzg_commitment(blob, _setup()))
    openings = []
    for index in indexes:
        proof, value = ckzg.compute_kzg_proof(blob, _point_of(index), _setup())
        openings.append((bytes(value), bytes(proof)))
    return commitment, openings


def _point_of(index: int) -> bytes:
    """Return where the blob's polynomial has element `index` for its value."""
    reversed_index = int(f"{index:0{_INDEX_BITS}b}"[::-1], 2)
    return pow(_ROOT_OF_UNITY, reversed_index, _FIELD_ORDER).to_bytes(32)


def _commit(blob: bytes) -> bytes:
    return bytes(ckzg.blob_to_kzg_commitment(blob, _setup()))


def _prove(blob: bytes) -> tuple[bytes, ...]:
    return tuple(map(bytes, ckzg.compute_cells_and_kzg_proofs(blob, _setup())[1]))


class Kzg:
    """Makes commitments and proofs off the event loop; the set-up is loaded with the first call.

    Commitments are kept by the blob's hash: the submitter and all validators of a process ask for
    the same ones.
    """

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._commitments: OrderedDict[bytes, bytes] = OrderedDict()

    def start(self) -> None:
        """Start the process now, so that the first batch doesn't wait for the set-up."""
        self._executor().submit(_load_setup)

    def close(self) -> None:
        """Stop the process. A later call starts another one."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    async def commitments(self, blobs: Sequence[bytes]) -> tuple[bytes, ...]:
        """Return the commitment of each blob."""
        return tuple([await self._commitment(blob) for blob in blobs])

    async def versioned_hashes(self, blobs: Sequence[bytes]) -> tuple[bytes, ...]:
        """Return the versioned hash of each blob."""
        return tuple(map(versioned_hash, await self.commitments(blobs)))

    async def data_hash(self, chunks: Sequence[Chunk], carrier: str) -> Digest:
        """Return the data hash of a batch: what a validator compares with the header's."""
        if carrier == "blobs":
            return blobs_hash(await self.versioned_hashes(pack_blobs(chunks)))
        return calldata_hash(chunks)

    async def sidecar(self, blobs: Sequence[bytes]) -> Sidecar:
        """Return commitments and cell proofs of `blobs`: about a third of a second for each."""
        commitments = await self.commitments(blobs)
        proofs = [await self._run(_prove, blob) for blob in blobs]
        return Sidecar(tuple(blobs), commitments, tuple(one for each in proofs for one in each))

    async def _commitment(self, blob: bytes) -> bytes:
        key = hashlib.sha256(blob).digest()
        if key not in self._commitments:
            self._commitments[key] = await self._run(_commit, blob)
            if len(self._commitments) > _CACHED_COMMITMENTS_MAX:
                self._commitments.popitem(last=False)
        return self._commitments[key]

    async def _run(self, function: Any, blob: bytes) -> Any:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor(), function, blob)
        except BrokenProcessPool:
            # The process was killed from outside (memory ran out). Its work is pure: once more.
            log.warning("kzg_process_died")
            self._pool = None
            return await loop.run_in_executor(self._executor(), function, blob)

    def _executor(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # A forked child would inherit the engine's threads and locks.
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, spawn, initializer=_follow_parent)
        return self._pool
