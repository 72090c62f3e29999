"""The book of an operator who may be honest or not: chunks, the state before each, and proofs."""

from dataclasses import dataclass, field, replace

from backend.protocol.batches import CHUNK_SLOTS_BYTES, padded
from backend.protocol.hashing import keccak
from backend.protocol.operations import Operation, encode_all
from backend.protocol.signing import PrivateKey
from backend.protocol.state_tree import StateTree, genesis_tree
from backend.protocol.transition import L1Facts, apply_in_sequence
from backend.protocol.types import BRIDGE, Asset, address_from_text, address_text
from tests.contracts.disputes.proofs import (
    NO_CHUNK,
    Witness,
    chunk_proof,
    leaf_proof,
    multiproof,
    queued,
    record_tuple,
)
from tests.contracts.rollup.ledger import LedgerChunk
from tests.contracts.rollup.operator import AcceptedBatch, Operator

PEOPLE = [PrivateKey(keccak(b"person %d" % i)) for i in range(8)]
FEE_OWNER = PrivateKey(keccak(b"fee owner"))


@dataclass
class Book:
    """The chunks of the batch to come, or of the one just posted."""

    rollup: object
    operator: Operator
    tree: StateTree = field(default_factory=genesis_tree)
    befores: list[StateTree] = field(default_factory=list)
    chunks: list[LedgerChunk] = field(default_factory=list)
    batch: AcceptedBatch | None = None

    def facts(self) -> L1Facts:
        """Return what L1 knows: all deposits may be consumed."""
        assets = {}
        for i in range(1, self.rollup.assetCount() + 1):
            token, unit, fee_owner, _ = self.rollup.assets(i)
            token, fee_owner = address_from_text(token), address_from_text(fee_owner)
            assets[i] = Asset(i, token, unit, fee_owner)
        deposits = queued(self.rollup)
        return L1Facts(assets, deposits, len(deposits))

    def honest(self, *operations: Operation) -> "Book":
        """Add a chunk of operations, executed by the law."""
        slots = padded(encode_all(operations))
        changes = apply_in_sequence(self.tree.leaf, slots, self.facts())
        return self.claim(slots, self.tree.set_many(changes))

    def claim(
        self, slots: bytes, tree: StateTree | None = None, root: bytes | None = None
    ) -> "Book":
        """Add a chunk of any bytes, said to end in `tree` (else as before), or just in `root`."""
        self.befores.append(self.tree)
        self.tree = tree or self.tree
        self.chunks.append(LedgerChunk(padded(slots) + (root or self.tree.root), self.tree))
        return self

    def post(self, **changes: object) -> AcceptedBatch:
        """Post the chunks as calldata; fields of the header may be changed."""
        self.batch = self.operator.post(self.chunks, **changes)
        return self.batch

    def next_batch(self) -> "Book":
        """Begin the batch after the one posted."""
        return Book(self.rollup, self.operator, self.tree)

    @property
    def header_hash(self) -> bytes:
        return self.batch.header.digest(self.operator.domain)

    def invalid_chunk(self, index: int, also: tuple[int, ...] = ()) -> tuple:
        """Return the arguments of proveInvalidChunk: what its reading reads, and `also`."""
        before, cursor = self.befores[index], self.batch.header.deposit_cursor
        slots = self.chunks[index].data[:CHUNK_SLOTS_BYTES]
        facts = replace(self.facts(), deposit_cursor=cursor)
        ids = Witness(before.leaf, slots, facts).account_ids | {*also} or {BRIDGE}
        bridge = before.leaf(BRIDGE)
        first = bridge.nonce if bridge else cursor
        return (
            self.batch,
            chunk_proof(self.chunks, index),
            chunk_proof(self.chunks, index - 1) if index else NO_CHUNK,
            multiproof(before, ids),
            [record_tuple(facts.deposits[i]) for i in range(first, cursor)],
        )

    def last_chunk(self) -> tuple:
        """Return the arguments of provePostRootMismatch."""
        return self.batch, chunk_proof(self.chunks, len(self.chunks) - 1)

    def cursor(self) -> tuple:
        """Return the arguments of proveCursorMismatch."""
        return self.batch, leaf_proof(self.tree, BRIDGE)

    def duplicate(self, index: int, position: int, *account_ids: int) -> tuple:
        """Return the arguments of proveDuplicateAccount."""
        shown = multiproof(self.chunks[index].tree, account_ids)
        return self.batch, chunk_proof(self.chunks, index), position, shown


def person(i: int) -> str:
    """Return a person's address as text."""
    return address_text(PEOPLE[i].address)
