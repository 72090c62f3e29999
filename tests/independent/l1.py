"""What anybody can ask an L1 node about one rollup, with eth_abi alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import ckzg
import eth_account
from eth_abi import decode, encode

from tests.independent import chunks, typed
from tests.independent.codec import keccak, require
from tests.independent.deposits import Deposit
from tests.independent.levels import Attested, Dismissed, Levels, Revoked
from tests.independent.records import Root
from tests.independent.state import Asset

TRUSTED_SETUP = (
    Path(eth_account.__file__).parent / "typed_transactions/blob_transactions/kzg_trusted_setup.txt"
)
HEADER = "(" + ",".join(kind for kind, _ in typed.fields_of(typed.HEADER)) + ")"
ACCEPTED = f"({HEADER},uint64,uint256)"
BY_CALLDATA = (HEADER, ACCEPTED, "bytes", "bytes")
BY_BLOBS = (HEADER, ACCEPTED, "bytes", "bytes32[]")


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _function(name: str, kinds: Sequence[str]) -> bytes:
    return keccak(f"{name}({','.join(kinds)})".encode())[:4]


@dataclass(frozen=True)
class Log:
    block_number: int
    index: int
    tx_hash: str
    topics: list[bytes]
    data: bytes

    @property
    def place(self) -> tuple[int, int]:
        """In L1's order."""
        return self.block_number, self.index

    def words(self, *kinds: str) -> tuple[Any, ...]:
        return decode(kinds, self.data)


@dataclass(frozen=True)
class Submission:
    """A batch as its transaction and its event tell it."""

    header: chunks.Header
    signatures: list[bytes]
    chunks: list[bytes]
    data_hash: bytes
    header_hash: bytes
    post_root: bytes
    accepted_ts_s: int
    signers: int


class Node:
    def __init__(self, url: str, rollup: bytes) -> None:
        self.url = url
        self.rollup = rollup
        self._setup: Any = None

    def ask(self, method: str, *parameters: Any) -> Any:
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        headers = {"content-type": "application/json"}
        with urlopen(Request(self.url, json.dumps(question).encode(), headers)) as answer:
            return json.load(answer)["result"]

    def call(self, to: bytes, name: str, kinds: Sequence[str] = (), *values: Any) -> bytes:
        data = _function(name, kinds) + encode(kinds, values)
        question = {"to": "0x" + to.hex(), "data": "0x" + data.hex()}
        return _bytes(self.ask("eth_call", question, "latest"))

    def number(self, name: str) -> int:
        return int.from_bytes(self.call(self.rollup, name))

    def logs(self, event: str, address: bytes | None = None) -> list[Log]:
        """All logs of an event, whose signature it is, in order."""
        found = self.ask(
            "eth_getLogs",
            {
                "fromBlock": "0x0",
                "address": "0x" + (address or self.rollup).hex(),
                "topics": ["0x" + keccak(event.encode()).hex()],
            },
        )
        return [
            Log(
                int(log["blockNumber"], 16),
                int(log["logIndex"], 16),
                log["transactionHash"],
                [_bytes(topic) for topic in log["topics"]],
                _bytes(log["data"]),
            )
            for log in found
        ]

    def block_hash(self, number: int) -> bytes:
        return _bytes(self.ask("eth_getBlockByNumber", hex(number), False)["hash"])

    def members(self) -> tuple[bytes, ...]:
        """The committee of the first and only epoch."""
        committee = self.call(self.rollup, "committee")[-20:]
        (begun,) = self.logs("EpochBegun(uint32,address[])", committee)
        require(int.from_bytes(begun.topics[1]) == 1, "the first epoch is 1")
        return tuple(_bytes(member) for member in begun.words("address[]")[0])

    def listings(self) -> list[tuple[int, Asset]]:
        """With their L1 blocks."""
        found = []
        for log in self.logs("AssetListed(uint16,address,uint64,address)"):
            unit, fee_owner = log.words("uint64", "address")
            asset_id, token = int.from_bytes(log.topics[1]), log.topics[2][-20:]
            found.append((log.block_number, Asset(asset_id, token, unit, _bytes(fee_owner))))
        return found

    def deposits(self) -> list[tuple[int, Deposit]]:
        """With their L1 blocks; the hash chain is checked on the way."""
        found, previous = [], bytes(32)
        kinds = ("address", "uint48", "uint64", "bytes32")
        for log in self.logs("DepositQueued(uint64,address,uint16,address,uint48,uint64,bytes32)"):
            token, amount_minor, ts_s, hashed = log.words(*kinds)
            index, owner = int.from_bytes(log.topics[1]), log.topics[2][-20:]
            asset_id = int.from_bytes(log.topics[3])
            deposit = Deposit(_bytes(token), asset_id, owner, amount_minor, ts_s)
            previous = deposit.link(previous)
            require(index == len(found) and hashed == previous, "the queue has another hash")
            stored = self.call(self.rollup, "depositHash", ["uint64"], index + 1)
            require(stored == hashed, "the queue's stored hash is another")
            found.append((log.block_number, deposit))
        return found

    def roots(self) -> list[tuple[int, Root]]:
        """Roots of orders with their L1 blocks; none is missing, and L1 knows each."""
        found = []
        for log in self.logs("OrdersAuthorised(uint64,address,bytes32)"):
            (hashed,) = log.words("bytes32")
            root = Root(log.topics[2][-20:], hashed)
            require(int.from_bytes(log.topics[1]) == len(found), "a root is missing")
            kinds, values = ["address", "bytes32"], ("0x" + root.owner.hex(), root.root)
            is_known = any(self.call(self.rollup, "isAuthorised", kinds, *values))
            require(is_known, "L1 doesn't know the root")
            found.append((log.block_number, root))
        require(self.number("authorisedRootCount") == len(found), "L1 has more roots")
        return found

    def levels(self, needed: dict[bytes, int]) -> Levels:
        """Who may hold these tokens, by the events of the registry that is the deposit gate."""
        registry = self.call(self.rollup, "gate")[-20:]
        found: list[tuple[tuple[int, int], Attested | Revoked | Dismissed]] = []
        event = "AttestationRecorded(address,address,uint8,uint64,uint64)"
        for log in self.logs(event, registry):
            person, attestor = (topic[-20:] for topic in log.topics[1:])
            level, expiry, _ = log.words("uint8", "uint64", "uint64")
            attested = Attested(log.block_number, person, attestor, level, expiry)
            found.append((log.place, attested))
        for log in self.logs("PersonRevoked(address,address,uint64)", registry):
            found.append((log.place, Revoked(log.block_number, log.topics[1][-20:])))
        for log in self.logs("AttestorDismissed(address,uint64)", registry):
            found.append((log.place, Dismissed(log.block_number, log.topics[1][-20:])))
        found.sort(key=lambda placed: placed[0])
        return Levels([one for _, one in found], needed)

    def submissions(self) -> list[Submission]:
        """The batches that L1 has accepted, in order."""
        event = "BatchPosted(uint64,bytes32,bytes32,uint64,uint256)"
        return [self._submission(log) for log in self.logs(event)]

    def _submission(self, log: Log) -> Submission:
        transaction = self.ask("eth_getTransactionByHash", log.tx_hash)
        require(_bytes(transaction["to"]) == self.rollup, "the calldata isn't the transaction's")
        require(self.ask("eth_getCode", transaction["from"], "latest") == "0x", "it has code")
        data = _bytes(transaction["input"])
        is_by_blobs = data[:4] == _function("submitBatchBlobs", BY_BLOBS)
        kinds, name = (BY_BLOBS, "Blobs") if is_by_blobs else (BY_CALLDATA, "Calldata")
        require(data[:4] == _function(f"submitBatch{name}", kinds), "no submission")
        fields, _, signatures, carried = decode(kinds, data[4:])
        header = chunks.Header(*fields)
        if is_by_blobs:
            hashes = transaction["blobVersionedHashes"][: chunks.blob_count(len(carried))]
            carried_chunks = chunks.read_blobs([self._blob(one) for one in hashes], len(carried))
            require([keccak(one) for one in carried_chunks] == list(carried), "others in the blobs")
            data_hash = chunks.blobs_hash([_bytes(one) for one in hashes])
        else:
            carried_chunks = chunks.split_chunks(carried)
            data_hash = chunks.calldata_hash(carried_chunks)
        post_root, accepted_ts_s, signers = log.words("bytes32", "uint64", "uint256")
        require(int.from_bytes(log.topics[1]) == header.number, "the event is of another batch")
        split = [signatures[i : i + 65] for i in range(0, len(signatures), 65)]
        seen = (log.topics[2], post_root, accepted_ts_s, signers)
        return Submission(header, split, carried_chunks, data_hash, *seen)

    def _blob(self, versioned_hash: str) -> bytes:
        blob = _bytes(self.ask("anvil_getBlobByHash", versioned_hash))
        if self._setup is None:
            self._setup = ckzg.load_trusted_setup(str(TRUSTED_SETUP), 0)
        commitment = ckzg.blob_to_kzg_commitment(blob, self._setup)
        hashed = b"\x01" + sha256(commitment).digest()[1:]
        require(hashed == _bytes(versioned_hash), "the blob has another hash")
        return blob

    def batch_slot(self, number: int) -> bytes:
        return self.call(self.rollup, "batchSlot", ["uint64"], number)

    def is_claimed(self, key: bytes) -> bool:
        return any(self.call(self.rollup, "isClaimed", ["bytes32"], key))

    def vault(self, token: bytes) -> int:
        """Base units that the rollup holds."""
        return int.from_bytes(self.call(token, "balanceOf", ["address"], "0x" + self.rollup.hex()))


def key_of_claim(log: Log) -> tuple[bytes, int, bytes, int]:
    """Owner, nonce, token and amount of a WithdrawalClaimed."""
    nonce, token, amount, _, _ = log.words("uint64", "address", "uint256", "uint64", "uint256")
    return log.topics[1][-20:], nonce, _bytes(token), amount
