"""A small, true source of batches: deposits, withdrawals, no-ops, with real roots and votes.

It has no blocks, sequencer or orders; what L1 can check of its batches is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from backend.protocol.batches import (
    CHUNK_SLOTS,
    CHUNK_SLOTS_BYTES,
    GENESIS_HASH,
    Chunk,
    chunk_hashes,
    genesis_header,
    padded,
)
from backend.protocol.hashing import Digest, keccak
from backend.protocol.money import AmountMinor, BalanceMinor
from backend.protocol.operations import Deposit, OpenAccount, Withdrawal, encode_all
from backend.protocol.state_tree import chunk_path, genesis_tree
from backend.protocol.types import (
    BRIDGE,
    AccountId,
    Leaf,
    partition_of,
)
from backend.protocol.votes import quorum_signatures


@dataclass(frozen=True)
class TinyDraft:
    number: int
    parent_hash: Digest
    pre_root: Digest
    post_root: Digest
    chunks: tuple[Chunk, ...]
    deposit_cursor: int
    last_block_number: int
    last_block_hash: Digest
    l1_block_number_min: int
    timestamp_max: int


@dataclass(frozen=True)
class Waiting:
    operation_count: int
    oldest_ts_ms: int


@dataclass(frozen=True)
class TinyProof:
    slot_number: int
    chunk: bytes
    chunk_path: Sequence[Digest]
    leaf: Leaf
    leaf_path: Sequence[Digest]


class TinyLedger:
    """Fits the port BatchSource. Operations wait until they are posted."""

    def __init__(self, domain, validators, ts_s: int) -> None:
        self.domain, self.validators, self.ts_s = domain, validators, ts_s
        self.tree = genesis_tree()
        self.header = genesis_header(self.tree.root)
        self.operations: list = []
        self.empty_chunks = 0  # behind the operations, to make a batch large
        self.filling = bytes(CHUNK_SLOTS_BYTES)
        self.l1_block_number = 0
        self.certified: list = []
        self.posted_headers: list = []
        self._ids: dict = {}

    # What happens in the ledger

    def credit(self, record) -> AccountId:
        """Consume the next deposit of the queue."""
        account_id = self._account(record.owner, record.asset_id)
        self.operations.append(Deposit(account_id, record.amount_minor))
        return account_id

    def withdraw(self, owner, asset_id: int, amount_minor: int) -> None:
        account_id = self._ids[owner, asset_id]
        self.operations.append(Withdrawal(account_id, AmountMinor(amount_minor)))

    def fill(self, chunk_count: int, slots: bytes = bytes(CHUNK_SLOTS_BYTES)) -> None:
        """Make the next batch larger by chunks of no-ops, or of any slots: L1 only hashes them."""
        self.empty_chunks, self.filling = chunk_count, slots

    def _account(self, owner, asset_id: int) -> AccountId:
        if (owner, asset_id) not in self._ids:
            partition = partition_of(owner)
            taken = sum(1 for each in self._ids.values() if each >> 24 == partition)
            account_id = AccountId(partition << 24 | taken + 2)
            self._ids[owner, asset_id] = account_id
            self.operations.append(OpenAccount(account_id, asset_id, owner))
        return self._ids[owner, asset_id]

    # The port BatchSource

    def waiting(self) -> Waiting | None:
        count = len(self.operations) + self.empty_chunks * CHUNK_SLOTS
        return Waiting(count, self.ts_s * 1000) if count else None

    async def draft(self, chunks_max: int, may_be_empty: bool = False) -> TinyDraft | None:
        return self.drafted(chunks_max)

    def drafted(self, chunks_max: int) -> TinyDraft | None:
        if self.waiting() is None:
            return None
        slots, tree = encode_all(self.operations), self._after()
        assert len(slots) <= CHUNK_SLOTS * 15, "the tests need no more than a chunk"
        chunks = [Chunk(padded(slots), tree.root)]
        empty = Chunk(self.filling, tree.root)
        chunks += [empty] * min(self.empty_chunks, chunks_max - 1)
        is_first = self.header.number == 0
        number = self.header.last_block_number + 1
        return TinyDraft(
            number=self.header.number + 1,
            parent_hash=GENESIS_HASH if is_first else self.header.digest(self.domain),
            pre_root=self.tree.root,
            post_root=tree.root,
            chunks=tuple(chunks),
            deposit_cursor=tree.leaf(BRIDGE).nonce,
            last_block_number=number,
            last_block_hash=keccak(number.to_bytes(8)),
            l1_block_number_min=self.l1_block_number,
            timestamp_max=max(self.ts_s, self.header.timestamp),
        )

    async def certify(self, header, chunks, carrier) -> bytes:
        digest = header.digest(self.domain)
        votes = [key.sign_digest(digest) for key in self.validators]
        signatures = quorum_signatures(digest, votes, [key.address for key in self.validators])
        self.certified.append(header)
        return b"".join(signatures)

    async def posted(self, header, chunks) -> bool:
        if header.number <= self.header.number:
            return True
        self.posted_headers.append(header)
        self.proven_tree, self.proven_operations = self._after(), self.operations
        self.proven_chunks = self.drafted(768).chunks[: header.chunk_count]
        self.tree, self.header = self._after(), header
        self.operations, self.empty_chunks = [], 0
        assert self.tree.root == header.post_root
        return True

    # Proofs

    def withdrawal_proof(self, position: int) -> TinyProof:
        """Return the proof of the operation at a slot of the last posted batch's first chunk."""
        slot = 0
        for operation in self.proven_operations:
            if slot == position:
                break
            slot += 2 if isinstance(operation, OpenAccount) else 1
        account_id = operation.payer
        return TinyProof(
            slot_number=position,
            chunk=self.proven_chunks[0].encode(),
            chunk_path=chunk_path(chunk_hashes(self.proven_chunks), 0),
            leaf=self.proven_tree.leaf(account_id),
            leaf_path=self.proven_tree.path(account_id),
        )

    def _after(self):
        """Return the state after the waiting operations."""
        tree = self.tree
        for operation in self.operations:
            if isinstance(operation, OpenAccount):
                opened = Leaf(operation.owner, operation.asset_id, 0, BalanceMinor(0))
                tree = tree.set_many({operation.account_id: opened})
                continue
            is_deposit = isinstance(operation, Deposit)
            account_id = operation.payee if is_deposit else operation.payer
            leaf, amount = tree.leaf(account_id), operation.amount_minor
            if is_deposit:
                bridge = tree.leaf(BRIDGE)
                tree = tree.set_many({BRIDGE: replace(bridge, nonce=bridge.nonce + 1)})
                leaf = replace(leaf, balance_minor=BalanceMinor(leaf.balance_minor + amount))
            else:
                left = BalanceMinor(leaf.balance_minor - amount)
                leaf = replace(leaf, nonce=leaf.nonce + 1, balance_minor=left)
            tree = tree.set_many({account_id: leaf})
        return tree


class MemoryLog:
    """A log that forgets nothing while the test runs, and can fail before or after a write."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.fails_before: int | None = None
        self.fails_after: int | None = None

    def append(self, entries) -> int:
        first = len(self.entries)
        if self.fails_before == first:
            raise PowerCut(first)
        self.entries += entries
        if self.fails_after == first:
            raise PowerCut(first)
        return first

    def read(self, position: int = 0):
        return iter(self.entries[position:])


class PowerCut(Exception):
    """The process ends here."""
