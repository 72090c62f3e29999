"""A batch on its way from a draft to what a committee signs, true or not."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from backend.protocol.batches import CHUNK_SLOTS, Chunk, chunk_hashes, slot_number
from backend.protocol.evidence import Evidence
from backend.protocol.hashing import Digest
from backend.protocol.money import BALANCE_MINOR_MAX, BalanceMinor, fee_minor
from backend.protocol.operations import SLOT_BYTES
from backend.protocol.state_tree import StateTree
from backend.protocol.transition import InvalidOperation, apply_in_sequence
from backend.protocol.types import (
    BRIDGE,
    NONCE_MAX,
    REGISTRY,
    AccountId,
    Address,
    Leaf,
    fee_account_id,
)
from tests.property.disputes.drafts import Draft, Scene

ADDRESS_BYTES = 20


@dataclass
class Candidate:
    """A batch that a committee signed, with the evidence that anybody has for it.

    `posted_hashes` are the chunks' hashes as L1 was told; `blobs` None: the chunks are calldata.
    """

    chunks: list[Chunk]
    evidence: dict[int, Evidence]
    roots: set[tuple[Address, Digest]]
    post_root: Digest
    cursor: int
    ts_s: int
    posted_hashes: list[Digest]
    blobs: list[bytes] | None = None
    spoiled: list[str] = field(default_factory=list)


@dataclass
class Signing:
    """A draft on its way to a header: slots that may be spoiled, and states that follow."""

    random: Random
    scene: Scene
    draft: Draft

    def __post_init__(self) -> None:
        self.slots = [bytearray(slots) for slots in self.draft.chunk_slots]
        self.evidence = dict(self.draft.evidence)
        self.edits: dict[int, Callable[[dict[AccountId, Leaf]], None]] = {}
        self.is_generous = self.random.random() < 0.5

    def candidate(self) -> Candidate:
        """Return the batch with the roots that its slots lead to, where they can be executed."""
        leaves, chunks = dict(self.scene.leaves), []
        tree = StateTree(leaves)
        for index, slots in enumerate(self.slots):
            self._execute(leaves, bytes(slots))
            if index in self.edits:
                self.edits[index](leaves)
            tree = tree.set_many(leaves)
            chunks.append(Chunk(bytes(slots), tree.root))
        return Candidate(
            chunks=chunks,
            evidence=self.evidence,
            roots=set(self.draft.roots),
            post_root=tree.root,
            cursor=leaves[BRIDGE].nonce,
            ts_s=self.scene.ts_s,
            posted_hashes=chunk_hashes(chunks),
        )

    def _execute(self, leaves: dict[AccountId, Leaf], slots: bytes) -> None:
        """Execute what can be, operation by operation; a generous committee executes what is
        invalid too, in one way or another."""
        facts = self.scene.facts(len(self.scene.queue))
        position = 0
        while position < CHUNK_SLOTS:
            start = position * SLOT_BYTES
            width = 2 if slots[start : start + 4] == REGISTRY.to_bytes(4) else 1
            operation = slots[start : start + width * SLOT_BYTES]
            try:
                leaves |= apply_in_sequence(leaves.get, operation, facts)
            except InvalidOperation:
                if self.is_generous:
                    self._force(leaves, operation)
            position += width

    def _force(self, leaves: dict[AccountId, Leaf], operation: bytes) -> None:
        """Do what the bytes of an invalid operation say, without a check."""
        payer, payee = (AccountId(int.from_bytes(operation[at : at + 4])) for at in (0, 4))
        amount_minor, fee = int.from_bytes(operation[8:14]), fee_minor(operation[14])
        if payer == REGISTRY:
            owner, asset_id = Address(operation[10:30]), int.from_bytes(operation[8:10])
            if len(owner) == ADDRESS_BYTES and any(owner):
                leaves[payee] = Leaf(owner, asset_id, 0, BalanceMinor(0))
            return
        index = leaves[BRIDGE].nonce
        if payer == BRIDGE and index < len(self.scene.queue) and self.random.random() < 0.5:
            amount_minor = self.scene.queue[index].amount_minor
        debit_minor = 0 if payer == BRIDGE else amount_minor + fee
        if payer in leaves and self.random.random() < 0.8:
            leaves[payer] = changed(leaves[payer], nonce=1, balance_minor=-debit_minor)
        if payee in leaves and payee != BRIDGE:
            leaves[payee] = changed(leaves[payee], balance_minor=amount_minor)
        fee_account = fee_account_id(leaves[payer].asset_id) if payer in leaves else None
        if fee and fee_account in leaves:
            leaves[fee_account] = changed(leaves[fee_account], balance_minor=fee)

    def any_slot(self) -> tuple[bytearray, int]:
        """Return a chunk's slots, and where in them one begins, mostly one that holds something."""
        slots = self.random.choice(self.slots)
        starts = range(0, len(slots), SLOT_BYTES)
        full = [start for start in starts if any(slots[start : start + SLOT_BYTES])]
        return slots, self.random.choice(full if full and self.random.random() < 0.9 else starts)

    def any_account(self) -> AccountId:
        return self.random.choice(list(self.scene.leaves))

    def number_of(self, slots: bytearray, start: int) -> int:
        index = next(i for i, each in enumerate(self.slots) if each is slots)
        return slot_number(index, start // SLOT_BYTES)


def changed(leaf: Leaf, nonce: int = 0, balance_minor: int = 0) -> Leaf:
    return replace(
        leaf,
        nonce=(leaf.nonce + nonce) % (NONCE_MAX + 1),
        balance_minor=BalanceMinor((leaf.balance_minor + balance_minor) % (BALANCE_MINOR_MAX + 1)),
    )
