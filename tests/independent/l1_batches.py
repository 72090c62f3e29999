"""The batches of a rollup, and what took them back, as L1's transactions and events tell them."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import ckzg
import eth_account

from tests.independent import chunks, typed
from tests.independent.codec import Reader, keccak, require
from tests.independent.judge import Batch
from tests.independent.l1 import Log, Node, Place, bytes_of, selector

TRUSTED_SETUP = (
    Path(eth_account.__file__).parent / "typed_transactions/blob_transactions/kzg_trusted_setup.txt"
)
HEADER_FIELDS = typed.fields_of(typed.HEADER)
HEADER = "(" + ",".join(kind for kind, _ in HEADER_FIELDS) + ")"
ACCEPTED = f"({HEADER},uint64,uint256)"
BY_CALLDATA = selector("submitBatchCalldata", (HEADER, ACCEPTED, "bytes", "bytes"))
BY_BLOBS = selector("submitBatchBlobs", (HEADER, ACCEPTED, "bytes", "bytes32[]"))
SIGNATURES_WORD, DATA_WORD = 30, 31


@dataclass(frozen=True)
class Submission:
    """A batch as its transaction and its event tell it; `data_hash` is that of what carried it."""

    place: Place
    batch: Batch
    signatures: list[bytes]
    data_hash: bytes
    header_hash: bytes
    post_root: bytes
    accepted_ts_s: int
    signers: int


@dataclass(frozen=True)
class RollBack:
    """All batches from `number` on were removed; `header_hash` is that one's.

    The prover is 0 if nobody earns the reward.
    """

    place: Place
    number: int
    header_hash: bytes
    prover: bytes


@dataclass(frozen=True)
class Settlement:
    place: Place
    number: int


@dataclass(frozen=True)
class Freeze:
    place: Place


Event = Submission | RollBack | Settlement | Freeze


def read_history(node: Node) -> list[Event]:
    """In L1's order."""
    posted = node.logs("BatchPosted(uint64,bytes32,bytes32,uint64,uint256)")
    events: list[Event] = [_submission(node, log) for log in posted]
    for log in node.logs("RolledBack(uint64,bytes32,address)"):
        number, prover = int.from_bytes(log.topics[1]), bytes_of(log.words("address")[0])
        events.append(RollBack(log.place, number, log.topics[2], prover))
    for log in node.logs("BatchSettled(uint64)"):
        events.append(Settlement(log.place, int.from_bytes(log.topics[1])))
    events += [Freeze(log.place) for log in node.logs("Frozen(uint8,uint40)")]
    is_frozen = any(isinstance(event, Freeze) for event in events)
    require(is_frozen == (node.number("frozenTsS") > 0), "the freeze has no event")
    return sorted(events, key=lambda event: event.place)


def unanswered(node: Node) -> set[bytes]:
    """The hashes of the headers of which a challenge was answered by nobody."""
    event = "ChallengeExpired(uint64,bytes32,uint256)"
    return {log.topics[2] for log in node.logs(event, node.part("challenges"))}


def _submission(node: Node, log: Log) -> Submission:
    transaction = node.ask("eth_getTransactionByHash", log.tx_hash)
    require(bytes_of(transaction["to"]) == node.rollup, "the calldata isn't the transaction's")
    require(node.ask("eth_getCode", transaction["from"], "latest") == "0x", "it has code")
    data = bytes_of(transaction["input"])
    require(data[:4] in (BY_CALLDATA, BY_BLOBS), "no submission")
    header = read_header(Reader(data[4:]))
    if data[:4] == BY_BLOBS:
        told = _part(data[4:], DATA_WORD, 32)
        hashes = tuple(told[i : i + 32] for i in range(0, len(told), 32))
        names = transaction["blobVersionedHashes"][: chunks.blob_count(len(hashes))]
        carried = tuple(chunks.read_blobs([_blob(node, one) for one in names], len(hashes)))
        data_hash = chunks.blobs_hash([bytes_of(one) for one in names])
    else:
        made = chunks.split_chunks(_part(data[4:], DATA_WORD, 1))
        hashes, carried = tuple(map(keccak, made)), tuple(made)
        data_hash = chunks.calldata_hash(made)
    post_root, accepted_ts_s, signers = log.words("bytes32", "uint64", "uint256")
    require(int.from_bytes(log.topics[1]) == header.number, "the event is of another batch")
    joined = _part(data[4:], SIGNATURES_WORD, 1)
    split = [joined[i : i + 65] for i in range(0, len(joined), 65)]
    seen = (data_hash, log.topics[2], post_root, accepted_ts_s, signers)
    return Submission(log.place, Batch(header, hashes, carried), split, *seen)


def read_header(words: Reader) -> chunks.Header:
    fields: list[Any] = [
        words.take(32) if kind == "bytes32" else words.number(32) for kind, _ in HEADER_FIELDS
    ]
    return chunks.Header(*fields)


def _part(arguments: bytes, word: int, item_size: int) -> bytes:
    """The bytes, or items, that begin where a word says; gaps and paddings mean nothing."""
    start = int.from_bytes(arguments[32 * word : 32 * word + 32])
    reader = Reader(arguments[start:])
    return reader.take(reader.number(32) * item_size)


@cache
def _setup() -> Any:
    return ckzg.load_trusted_setup(str(TRUSTED_SETUP), 0)


def _blob(node: Node, versioned_hash: str) -> bytes:
    blob = bytes_of(node.ask("anvil_getBlobByHash", versioned_hash))
    commitment = ckzg.blob_to_kzg_commitment(blob, _setup())
    hashed = b"\x01" + sha256(commitment).digest()[1:]
    require(hashed == bytes_of(versioned_hash), "the blob has another hash")
    return blob
