"""The operator of the tests: builds headers, has them signed by a quorum, and posts them."""

import asyncio
from dataclasses import dataclass
from typing import NamedTuple

from ape.exceptions import VirtualMachineError
from eth_abi import encode
from eth_account import Account
from eth_utils import keccak

from backend.settlement.kzg import Kzg, blob_transaction, blobs_of
from tests.contracts.rollup.ledger import ZERO, Chunk, chunks_root

HEADER_TYPE = (
    "BatchHeader(uint64 number,uint32 epoch,bytes32 parentHash,bytes32 preRoot,bytes32 postRoot,"
    "bytes32 chunksRoot,uint16 chunkCount,bytes32 dataHash,uint64 depositCursor,"
    "uint64 l1BlockNumber,bytes32 l1BlockHash,uint64 lastBlockNumber,bytes32 lastBlockHash,"
    "uint64 timestamp)"
)
HEADER_FIELD_TYPES = [field.split()[0] for field in HEADER_TYPE[12:-1].split(",")]


class Header(NamedTuple):
    """IRollup.BatchHeader. Its empty form stands for the parent of batch 1."""

    number: int = 0
    epoch: int = 0
    parent_hash: bytes = ZERO
    pre_root: bytes = ZERO
    post_root: bytes = ZERO
    chunks_root: bytes = ZERO
    chunk_count: int = 0
    data_hash: bytes = ZERO
    deposit_cursor: int = 0
    l1_block_number: int = 0
    l1_block_hash: bytes = ZERO
    last_block_number: int = 0
    last_block_hash: bytes = ZERO
    timestamp: int = 0

    def hash(self, domain_separator: bytes) -> bytes:
        fields = encode(["bytes32", *HEADER_FIELD_TYPES], [keccak(text=HEADER_TYPE), *self])
        return keccak(b"\x19\x01" + domain_separator + keccak(fields))


class AcceptedBatch(NamedTuple):
    """IRollup.AcceptedBatch."""

    header: Header = Header()
    accepted_ts_s: int = 0
    signers: int = 0

    def slot(self, domain_separator: bytes) -> bytes:
        numbers = self.accepted_ts_s.to_bytes(8, "big") + self.signers.to_bytes(32, "big")
        return keccak(self.header.hash(domain_separator) + numbers)


def member_keys(count: int, seed: int = 0) -> list[str]:
    """Return that many private keys, in ascending order of their addresses."""
    keys = ["0x" + keccak(text=f"member {seed} {i}").hex() for i in range(count)]
    return sorted(keys, key=address_of)


def address_of(key: str) -> str:
    return Account.from_key(key).address


def signatures_of(keys: list[str], digest: bytes) -> bytes:
    return b"".join(bytes(Account.unsafe_sign_hash(digest, key).signature) for key in keys)


@dataclass
class Operator:
    rollup: object
    account: object
    provider: object
    keys: list[str]
    parent: AcceptedBatch = AcceptedBatch()
    epoch: int = 1

    @property
    def domain_separator(self) -> bytes:
        return bytes(self.rollup.domainSeparator())

    def header(self, chunks: list[Chunk], **changes) -> Header:
        """Return the header of the next batch (for calldata) with fields changed at will."""
        parent, block = self.parent.header, self.provider.get_block("latest")
        pin = self.provider.get_block(block.number - 1)
        is_first = parent.number == 0
        header = Header(
            number=parent.number + 1,
            epoch=self.epoch,
            parent_hash=ZERO if is_first else parent.hash(self.domain_separator),
            pre_root=bytes(self.rollup.genesisRoot()) if is_first else parent.post_root,
            post_root=chunks[-1].root,
            chunks_root=chunks_root(chunks),
            chunk_count=len(chunks),
            data_hash=keccak(b"".join(chunk.data for chunk in chunks)),
            deposit_cursor=chunks[-1].leaves[0].nonce,
            l1_block_number=pin.number,
            l1_block_hash=bytes(pin.hash),
            last_block_number=parent.last_block_number + 1,
            last_block_hash=keccak(text=f"block {parent.last_block_number + 1}"),
            timestamp=block.timestamp,
        )
        return header._replace(**changes)

    def sign(self, header: Header, keys: list[str] | None = None) -> bytes:
        """Return the signatures of a quorum, which is its first 2f + 1 members."""
        quorum = self.keys[: (len(self.keys) - 1) // 3 * 2 + 1]
        return signatures_of(keys or quorum, header.hash(self.domain_separator))

    def submit_calldata(self, chunks: list[Chunk], header: Header | None = None, **options):
        """Send the batch; `parent`, `signatures` and `sender` may be replaced."""
        header = header or self.header(chunks)
        return self.rollup.submitBatchCalldata(
            header,
            options.get("parent", self.parent),
            options.get("signatures", self.sign(header)),
            b"".join(chunk.data for chunk in chunks),
            sender=options.get("sender", self.account),
        )

    def post(self, chunks: list[Chunk], **changes) -> AcceptedBatch:
        """Send the batch as calldata and return it as accepted."""
        header = self.header(chunks, **changes)
        return self.accepted(self.submit_calldata(chunks, header), header)

    def accepted(self, receipt, header: Header) -> AcceptedBatch:
        [event] = receipt.decode_logs(self.rollup.BatchPosted)
        self.parent = AcceptedBatch(header, event.acceptedTsS, event.signers)
        return self.parent


class BlobCarrier:
    """Signs and sends blob transactions, which ape can't: the key's account pays for them."""

    def __init__(self, provider, key: str):
        self.web3, self.key = provider.web3, key
        self.address = address_of(key)

    def sidecar(self, chunks: list[Chunk]):
        kzg = Kzg()
        try:
            return asyncio.run(kzg.sidecar(blobs_of([chunk.data for chunk in chunks])))
        finally:
            kzg.close()

    def send(self, rollup, arguments: tuple, sidecar) -> dict:
        """Send `submitBatchBlobs(*arguments)` and return its receipt."""
        transaction = {
            "type": 3,
            "to": rollup.address,
            "data": rollup.submitBatchBlobs.encode_input(*arguments),
            "chainId": self.web3.eth.chain_id,
            "nonce": self.web3.eth.get_transaction_count(self.address),
            "gas": 2**24,
            "value": 0,
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 0,
            "maxFeePerBlobGas": 10**10,
            "blobVersionedHashes": sidecar.versioned_hashes,
        }
        signed = Account.sign_transaction(transaction, self.key)
        raw = blob_transaction(bytes(signed.raw_transaction), sidecar)
        return self.web3.eth.wait_for_transaction_receipt(self.web3.eth.send_raw_transaction(raw))

    def reason(self, receipt: dict) -> VirtualMachineError:
        """Return the error of a transaction that reverted, with its revert data."""
        trace = self.web3.provider.make_request(
            "debug_traceTransaction",
            [receipt["transactionHash"].to_0x_hex(), {"tracer": "callTracer"}],
        )
        error = VirtualMachineError("the blob transaction reverted")
        error.data = trace["result"]["output"]
        return error
