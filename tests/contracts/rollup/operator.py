"""The operator of the tests: builds headers, has them signed by a quorum, and posts them."""

import asyncio
from collections import namedtuple
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

from ape.exceptions import VirtualMachineError
from eth_account import Account

from backend.protocol.batches import BatchHeader, accepted_slot
from backend.protocol.eip712 import Domain, ledger_domain
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.signing import PrivateKey
from backend.protocol.state_tree import chunks_root
from backend.protocol.types import address_from_text, address_text
from backend.settlement.kzg import Kzg, Sidecar, blob_transaction, blobs_of
from tests.contracts.rollup.ledger import LedgerChunk


class Header(namedtuple("Header", [field.name for field in fields(BatchHeader)])):
    """`BatchHeader` as a tuple, which is what ape takes for IRollup.BatchHeader."""

    __slots__ = ()

    def digest(self, domain: Domain) -> bytes:
        return BatchHeader(*self).digest(domain)


NO_HEADER = Header(
    **{
        field.name: ZERO_DIGEST if field.name.endswith(("hash", "root")) else 0
        for field in fields(BatchHeader)
    }
)


class AcceptedBatch(NamedTuple):
    """IRollup.AcceptedBatch. The empty one stands for the parent of batch 1."""

    header: Header = NO_HEADER
    accepted_ts_s: int = 0
    signers: int = 0

    def slot(self, domain: Domain) -> bytes:
        return accepted_slot(self.header.digest(domain), self.accepted_ts_s, self.signers)


def member_secrets(count: int, seed: int = 0) -> list[bytes]:
    return [keccak(f"member {seed} {i}".encode()) for i in range(count)]


def member_keys(count: int, seed: int = 0) -> list[PrivateKey]:
    """Return that many keys, in ascending order of their addresses."""
    return sorted(map(PrivateKey, member_secrets(count, seed)), key=lambda key: key.address)


def addresses_of(keys: Sequence[PrivateKey]) -> list[str]:
    return [address_text(key.address) for key in keys]


def signatures_of(keys: Sequence[PrivateKey], digest: bytes) -> bytes:
    return b"".join(key.sign_digest(digest) for key in keys)


@dataclass
class Operator:
    rollup: object
    account: object
    provider: object
    keys: list[PrivateKey]
    parent: AcceptedBatch = AcceptedBatch()
    epoch: int = 1

    @property
    def domain(self) -> Domain:
        return ledger_domain(self.provider.chain_id, address_from_text(self.rollup.address))

    def header(self, chunks: list[LedgerChunk], **changes) -> Header:
        """Return the header of the next batch (for calldata) with fields changed at will."""
        parent, block = self.parent.header, self.provider.get_block("latest")
        pin = self.provider.get_block(block.number - 1)
        is_first = parent.number == 0
        header = Header(
            number=parent.number + 1,
            epoch=self.epoch,
            parent_hash=ZERO_DIGEST if is_first else parent.digest(self.domain),
            pre_root=bytes(self.rollup.genesisRoot()) if is_first else parent.post_root,
            post_root=chunks[-1].root,
            chunks_root=chunks_root([chunk.hash for chunk in chunks]),
            chunk_count=len(chunks),
            data_hash=keccak(b"".join(chunk.data for chunk in chunks)),
            deposit_cursor=chunks[-1].tree.leaf(0).nonce,
            l1_block_number=pin.number,
            l1_block_hash=bytes(pin.hash),
            last_block_number=parent.last_block_number + 1,
            last_block_hash=keccak(f"block {parent.last_block_number + 1}".encode()),
            timestamp=block.timestamp,
        )
        return header._replace(**changes)

    def sign(self, header: Header, keys: Sequence[PrivateKey] | None = None) -> bytes:
        """Return the signatures of a quorum, which is its first 2f + 1 members."""
        quorum = self.keys[: (len(self.keys) - 1) // 3 * 2 + 1]
        return signatures_of(keys or quorum, header.digest(self.domain))

    def submit_calldata(self, chunks: list[LedgerChunk], header: Header | None = None, **options):
        """Send the batch; `parent`, `signatures` and `sender` may be replaced."""
        header = header or self.header(chunks)
        return self.rollup.submitBatchCalldata(
            header,
            options.get("parent", self.parent),
            options.get("signatures", self.sign(header)),
            b"".join(chunk.data for chunk in chunks),
            sender=options.get("sender", self.account),
        )

    def post(self, chunks: list[LedgerChunk], **changes) -> AcceptedBatch:
        """Send the batch as calldata and return it as accepted."""
        header = self.header(chunks, **changes)
        [event] = self.submit_calldata(chunks, header).decode_logs(self.rollup.BatchPosted)
        self.parent = AcceptedBatch(header, event.acceptedTsS, event.signers)
        return self.parent


class BlobCarrier:
    """Signs and sends blob transactions, which ape can't: the key's account pays for them."""

    def __init__(self, provider, secret: bytes, kzg: Kzg):
        self.web3, self._secret, self._kzg = provider.web3, secret, kzg
        self.address = address_text(PrivateKey(secret).address)

    def sidecar(self, chunks: list[LedgerChunk]) -> Sidecar:
        return asyncio.run(self._kzg.sidecar(blobs_of([chunk.data for chunk in chunks])))

    def send(self, rollup, arguments: tuple, sidecar: Sidecar) -> dict:
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
        signed = Account.sign_transaction(transaction, self._secret)
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
