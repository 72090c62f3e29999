"""A batch as its transaction on L1 holds it: header, signatures, chunks or their hashes. Pure."""

from dataclasses import astuple, dataclass, replace
from typing import Any, Final, Self

from backend.protocol.batches import (
    BatchHeader,
    Chunk,
    accepted_slot,
    blob_count,
    chunk_hashes,
    decode_chunks,
    genesis_header,
)
from backend.protocol.eip712 import Domain
from backend.protocol.errors import InvariantViolated, check_invariant
from backend.protocol.hashing import ZERO_DIGEST, Digest
from backend.settlement.abi import ContractAbi
from backend.settlement.chain import L1Log, L1Point, L1Transaction

BLOBS: Final = "blobs"
CALLDATA: Final = "calldata"
_CARRIERS: Final = {"submitBatchBlobs": BLOBS, "submitBatchCalldata": CALLDATA}
_SELECTOR_BYTES: Final = 4
_WORD_BYTES: Final = 32
_HEADER_WORDS: Final = 14
# After the header and its parent (a header and two words more): where the two parts of unknown
# length begin.
_SIGNATURES_WORD: Final = _HEADER_WORDS + _HEADER_WORDS + 2
_DATA_WORD: Final = _SIGNATURES_WORD + 1


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
    """An accepted batch and the transaction that brought it.

    `versioned_hashes` name the blobs that hold the chunks; `signatures` stand one after the other.
    """

    accepted: AcceptedBatch
    header_hash: Digest
    carrier: str
    block: L1Point
    tx_hash: bytes
    chunks: tuple[Chunk, ...] | None  # None: they are in blobs
    chunk_hashes: tuple[Digest, ...] = ()
    versioned_hashes: tuple[bytes, ...] = ()
    signatures: bytes = b""

    @property
    def header(self) -> BatchHeader:
        return self.accepted.header

    @property
    def slot(self) -> Digest:
        """The word that L1 keeps of it."""
        return accepted_slot(self.header_hash, self.accepted.accepted_ts_s, self.accepted.signers)

    def without_data(self) -> Self:
        """Return the batch without what fills memory: chunks and their hashes."""
        return replace(self, chunks=None, chunk_hashes=())


def posted_batch(
    abi: ContractAbi, domain: Domain, log: L1Log, transaction: L1Transaction
) -> PostedBatch:
    """Return the batch of a BatchPosted log and its transaction.

    The sender is the origin and has no code, so the calldata is the transaction's own. Whoever
    sends a certified batch may move its parts, and fill gaps, paddings and what the contract
    doesn't read as he likes: a strict decoder would refuse what L1 has accepted.
    """
    event = abi.decode_log(log.topics, log.data)
    carrier = _CARRIERS.get(abi.function_of(transaction.data) or "")
    if event is None or carrier is None:
        raise InvariantViolated(f"batch of {log.tx_hash.hex()} came without a submission")
    arguments = transaction.data[_SELECTOR_BYTES:]
    header = decode_header(arguments[: _HEADER_WORDS * _WORD_BYTES])
    check_invariant(
        header.digest(domain) == event.values["headerHash"],
        "the header of a submission is not the accepted one",
        number=header.number,
    )
    data = _part(arguments, _DATA_WORD, 1 if carrier == CALLDATA else _WORD_BYTES)
    chunks = decode_chunks(data) if carrier == CALLDATA else None
    return PostedBatch(
        accepted=AcceptedBatch(header, event.values["acceptedTsS"], event.values["signers"]),
        header_hash=Digest(event.values["headerHash"]),
        carrier=carrier,
        block=log.block,
        tx_hash=log.tx_hash,
        chunks=chunks,
        chunk_hashes=_words(data) if chunks is None else tuple(chunk_hashes(chunks)),
        versioned_hashes=transaction.versioned_hashes[: blob_count(header.chunk_count)],
        signatures=_part(arguments, _SIGNATURES_WORD, 1),
    )


def decode_header(data: bytes) -> BatchHeader:
    """Return the header of its 14 words: the inverse of `BatchHeader.encode`."""
    integers = {0, 1, 6, 8, 9, 11, 13}
    fields: list[Any] = [
        int.from_bytes(word) if index in integers else word
        for index, word in enumerate(_words(data[: _HEADER_WORDS * _WORD_BYTES]))
    ]
    return BatchHeader(*fields)


def _part(arguments: bytes, word: int, item_bytes: int) -> bytes:
    """Return an argument of unknown length, found as the contract finds it."""
    start = _word(arguments, word * _WORD_BYTES)
    size_bytes = _word(arguments, start) * item_bytes
    return arguments[start + _WORD_BYTES :][:size_bytes]


def _word(data: bytes, start: int) -> int:
    return int.from_bytes(data[start : start + _WORD_BYTES])


def _words(data: bytes) -> tuple[Digest, ...]:
    starts = range(0, len(data), _WORD_BYTES)
    return tuple(Digest(data[start : start + _WORD_BYTES]) for start in starts)
