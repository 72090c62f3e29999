"""A small ledger for tests of the rollup: accounts, chunks with their roots, and Merkle proofs.

It executes what it is told and checks nothing, so that tests can also build what no honest
committee would sign.
"""

from dataclasses import dataclass, field, replace

from backend.protocol.batches import CHUNK_SLOTS, padded
from backend.protocol.hashing import keccak
from backend.protocol.money import fee_minor
from backend.protocol.operations import OpenAccount, encode, slot
from backend.protocol.state_tree import StateTree, chunk_path, genesis_tree
from backend.protocol.types import BRIDGE, AccountId, Leaf, address_from_text, address_text


@dataclass(frozen=True)
class LedgerChunk:
    """A chunk's 992 bytes and the state after it."""

    data: bytes
    tree: StateTree

    @property
    def hash(self) -> bytes:
        return keccak(self.data)

    @property
    def root(self) -> bytes:
        return self.data[-32:]


@dataclass
class Ledger:
    tree: StateTree = field(default_factory=genesis_tree)
    slots: bytes = b""

    def open(self, account_id: int, owner: str, asset_id: int) -> "Ledger":
        address = address_from_text(owner)
        self.slots += encode(OpenAccount(AccountId(account_id), asset_id, address))
        return self.put(account_id, Leaf(address, asset_id, 0, 0))

    def deposit(self, payee: int, amount_minor: int) -> "Ledger":
        self.slots += slot(BRIDGE, payee, amount_minor, 0)
        self._change(BRIDGE, nonce=1)
        return self._change(payee, balance_minor=amount_minor)

    def pay(self, payer: int, payee: int, amount_minor: int, fee_byte: int = 0) -> "Ledger":
        """A payment, or a withdrawal if the payee is BRIDGE. The fee leaves the payer."""
        self.slots += slot(payer, payee, amount_minor, fee_byte)
        self._change(payer, nonce=1, balance_minor=-amount_minor - fee_minor(fee_byte))
        return self if payee == BRIDGE else self._change(payee, balance_minor=amount_minor)

    def withdraw(self, payer: int, amount_minor: int, fee_byte: int = 0) -> "Ledger":
        return self.pay(payer, BRIDGE, amount_minor, fee_byte)

    def raw(self, data: bytes) -> "Ledger":
        """Append slots that do nothing."""
        self.slots += data
        return self

    def put(self, account_id: int, leaf: Leaf) -> "Ledger":
        """Set an account by no operation at all."""
        self.tree = self.tree.set_many({AccountId(account_id): leaf})
        return self

    def chunk(self) -> LedgerChunk:
        """Close the chunk: pad it, and go on with the next."""
        data, self.slots = padded(self.slots) + self.tree.root, b""
        return LedgerChunk(data, self.tree)

    def _change(self, account_id: int, nonce: int = 0, balance_minor: int = 0) -> "Ledger":
        leaf = self.tree.leaf(AccountId(account_id))
        changes = {
            "nonce": leaf.nonce + nonce,
            "balance_minor": leaf.balance_minor + balance_minor,
        }
        return self.put(account_id, replace(leaf, **changes))


def withdrawal_proof(chunks: list[LedgerChunk], slot_number: int, account_id: int) -> tuple:
    """Return IRollup.WithdrawalProof as a tuple: `account_id` is the payer in that slot."""
    index = slot_number // CHUNK_SLOTS
    chunk = chunks[index]
    leaf = chunk.tree.leaf(AccountId(account_id))
    return (
        slot_number,
        chunk.data,
        chunk_path([each.hash for each in chunks], index),
        address_text(leaf.owner),
        leaf.asset_id,
        leaf.nonce,
        leaf.balance_minor,
        chunk.tree.path(AccountId(account_id)),
    )
