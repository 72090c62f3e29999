"""An operator who holds the keys of the whole committee, and posts what he likes."""

from dataclasses import dataclass, field, replace

from backend.protocol.batches import (
    CHUNK_SLOTS,
    BatchHeader,
    Chunk,
    calldata_hash,
    chunk_hashes,
    genesis_header,
    pack_blobs,
    padded,
)
from backend.protocol.operations import encode_all
from backend.protocol.state_tree import GENESIS_LEAVES, StateTree, chunks_root
from backend.protocol.transition import L1Facts, apply_in_sequence
from backend.protocol.types import BRIDGE
from backend.protocol.votes import quorum_signatures
from backend.settlement.batch_data import BLOBS, CALLDATA
from backend.settlement.chain import Refused
from backend.settlement.kzg import Kzg, blob_transaction, blobs_hash
from backend.settlement.transactions import Transaction, fees_of, sign
from tests.e2e.settlement.chain import SUBMITTER, VALIDATORS, Chain


@dataclass
class Thief:
    """Builds each batch upon the last one, from `tree`, `header` and `blocks` on."""

    l1: Chain
    kzg: Kzg
    validators: list = field(default_factory=lambda: VALIDATORS)
    payer: object = SUBMITTER
    tree: StateTree = field(default_factory=lambda: StateTree(GENESIS_LEAVES))
    header: object = None
    blocks: int = 0

    async def batch(self, operations, *, deposits=(), assets=None, root=None, **changes):
        """Return the header and chunks of a batch of `operations`; `root` replaces the true one."""
        slots = padded(encode_all(operations))
        cursor = changes.pop("cursor", len(deposits))
        facts = L1Facts(assets or {}, dict(enumerate(deposits)), cursor)
        changed = apply_in_sequence(self.tree.leaf, slots, facts)
        after = self.tree.set_many(changed)
        chunk = Chunk(slots, root or after.root)
        header = await self._header([chunk], after.leaf(BRIDGE).nonce)
        self.tree = after
        return replace(header, **changes), [chunk]

    async def _header(self, chunks, cursor):
        rollup = self.l1.rollup
        head = await self.l1.client.latest()
        pin = await self.l1.client.block(head.number - 1)
        last = self.header or genesis_header(StateTree(GENESIS_LEAVES).root)
        self.blocks += 1
        return BatchHeader(
            number=last.number + 1,
            epoch=await rollup.epoch(),
            parent_hash=last.digest(rollup.domain) if last.number else bytes(32),
            pre_root=last.post_root,
            post_root=chunks[-1].root,
            chunks_root=chunks_root(chunk_hashes(chunks)),
            chunk_count=len(chunks),
            data_hash=calldata_hash(chunks),
            deposit_cursor=cursor,
            l1_block_number=pin.number,
            l1_block_hash=pin.block_hash,
            last_block_number=self.blocks,
            last_block_hash=self.blocks.to_bytes(32),
            timestamp=max(head.ts_s, last.timestamp),
        )

    async def post(self, header, chunks, blobs=None):
        """Submit a batch, with these blobs instead of its own if they are given."""
        client = self.l1.client
        hashes = () if blobs is None else await self.kzg.versioned_hashes(blobs)
        if blobs is not None:
            header = replace(header, data_hash=blobs_hash(hashes))
        data = await self._submission(header, chunks, CALLDATA if blobs is None else BLOBS)
        transaction = Transaction(
            chain_id=await client.chain_id(),
            nonce=await client.nonce(self.payer.address),
            to=self.l1.rollup.contract.address,
            data=data,
            gas=5_000_000,
            fees=fees_of(await client.prices(), has_blobs=blobs is not None),
            versioned_hashes=hashes,
        )
        signed = sign(transaction, self.payer)
        raw = signed.raw
        if blobs is not None:
            raw = blob_transaction(raw, await self.kzg.sidecar(blobs))
        await client.send_raw(raw)
        receipt = await client.receipt(signed.tx_hash)
        if receipt is None:
            await self.l1.mine()
            receipt = await client.receipt(signed.tx_hash)
        assert receipt is not None
        assert receipt.is_success
        self.header = header
        return header

    async def refusal(self, header, chunks):
        """Return the error with which L1 refuses a batch by calldata."""
        contract = self.l1.rollup.contract
        data = await self._submission(header, chunks, CALLDATA)
        outcome = await self.l1.sender(self.payer).send(contract.address, data, abi=contract.abi)
        assert isinstance(outcome, Refused), outcome
        return outcome.reason.error

    async def _submission(self, header, chunks, carrier):
        """Return the calldata of a batch, signed by all."""
        rollup = self.l1.rollup
        digest = header.digest(rollup.domain)
        votes = [key.sign_digest(digest) for key in self.validators]
        members = [key.address for key in self.validators]
        signatures = quorum_signatures(digest, votes, members)
        parent = await rollup.parent_of(header.number)
        return rollup.submission(header, parent, b"".join(signatures), chunks, carrier)


def naming(header, chunks):
    """Return the header with other chunks."""
    return replace(
        header,
        post_root=chunks[-1].root,
        chunks_root=chunks_root(chunk_hashes(chunks)),
        chunk_count=len(chunks),
        data_hash=calldata_hash(chunks),
    )


def other_blobs(chunks):
    """Return blobs in which a slot of the last chunk is another."""
    last = chunks[-1]
    slots = last.slots[: (CHUNK_SLOTS - 1) * 15] + b"\x01" * 15
    return pack_blobs([*chunks[:-1], Chunk(slots, last.root)])
