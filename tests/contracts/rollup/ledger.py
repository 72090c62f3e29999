"""A small ledger for tests of the rollup: accounts, chunks with their roots, and Merkle proofs.

It executes what it is told and checks nothing, so that tests can also build what no honest
committee would sign.
"""

from dataclasses import dataclass, field, replace

from eth_utils import keccak

CHUNK_SLOTS = 64
STATE_DEPTH = 32
CHUNKS_DEPTH = 10
NO_OP = bytes(15)
ZERO = bytes(32)


@dataclass(frozen=True)
class Leaf:
    owner: str
    asset_id: int
    nonce: int = 0
    balance_minor: int = 0

    def hash(self) -> bytes:
        numbers = [(self.asset_id, 2), (self.nonce, 8), (self.balance_minor, 8)]
        packed = b"".join(number.to_bytes(size, "big") for number, size in numbers)
        return keccak(bytes.fromhex(self.owner[2:]) + packed)


def node(left: bytes, right: bytes) -> bytes:
    return ZERO if left == right == ZERO else keccak(left + right)


def tree(leaves: dict[int, bytes], depth: int, index: int = 0) -> tuple[bytes, list[bytes]]:
    """Return the root and the siblings of `index` from the leaf up; absent leaves are empty."""
    level, siblings = dict(leaves), []
    for _ in range(depth):
        siblings.append(level.get(index ^ 1, ZERO))
        parents = {i >> 1 for i in level}
        level = {i: node(level.get(2 * i, ZERO), level.get(2 * i + 1, ZERO)) for i in parents}
        index >>= 1
    return level.get(0, ZERO), siblings


def slot(payer: int, payee: int, amount_minor: int, fee_byte: int = 0) -> bytes:
    numbers = [(payer, 4), (payee, 4), (amount_minor, 6), (fee_byte, 1)]
    return b"".join(number.to_bytes(size, "big") for number, size in numbers)


@dataclass(frozen=True)
class Chunk:
    data: bytes
    leaves: dict[int, Leaf]  # after the chunk

    @property
    def hash(self) -> bytes:
        return keccak(self.data)

    @property
    def root(self) -> bytes:
        return self.data[-32:]


@dataclass
class Ledger:
    leaves: dict[int, Leaf] = field(default_factory=dict)
    slots: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.leaves[0] = Leaf("0x" + "01".rjust(40, "0"), 0)

    def open(self, account_id: int, owner: str, asset_id: int) -> "Ledger":
        owner_bytes = bytes.fromhex(owner[2:])
        head = (1).to_bytes(4, "big") + account_id.to_bytes(4, "big") + asset_id.to_bytes(2, "big")
        self.slots += [head + owner_bytes[:5], owner_bytes[5:]]
        self.leaves[account_id] = Leaf(owner, asset_id)
        return self

    def deposit(self, payee: int, amount_minor: int) -> "Ledger":
        self.slots.append(slot(0, payee, amount_minor))
        self._change(0, nonce=1)
        return self._change(payee, balance_minor=amount_minor)

    def pay(self, payer: int, payee: int, amount_minor: int, fee_byte: int = 0) -> "Ledger":
        """A payment, or a withdrawal if the payee is 0. The fee leaves the payer."""
        self.slots.append(slot(payer, payee, amount_minor, fee_byte))
        fee_minor = (fee_byte >> 3) * 10 ** (fee_byte & 7)
        self._change(payer, nonce=1, balance_minor=-amount_minor - fee_minor)
        return self if payee == 0 else self._change(payee, balance_minor=amount_minor)

    def withdraw(self, payer: int, amount_minor: int, fee_byte: int = 0) -> "Ledger":
        return self.pay(payer, 0, amount_minor, fee_byte)

    def raw(self, data: bytes) -> "Ledger":
        """Append 15 bytes that do nothing."""
        self.slots.append(data)
        return self

    def chunk(self) -> Chunk:
        """Close the chunk: pad it, and go on with the next."""
        assert len(self.slots) <= CHUNK_SLOTS
        data = b"".join(self.slots).ljust(CHUNK_SLOTS * 15, b"\0") + self.root()
        self.slots = []
        return Chunk(data, dict(self.leaves))

    def root(self) -> bytes:
        return tree({i: leaf.hash() for i, leaf in self.leaves.items()}, STATE_DEPTH)[0]

    def _change(self, account_id: int, nonce: int = 0, balance_minor: int = 0) -> "Ledger":
        leaf = self.leaves[account_id]
        self.leaves[account_id] = replace(
            leaf,
            nonce=leaf.nonce + nonce,
            balance_minor=leaf.balance_minor + balance_minor,
        )
        return self


def chunks_root(chunks: list[Chunk]) -> bytes:
    return tree({i: chunk.hash for i, chunk in enumerate(chunks)}, CHUNKS_DEPTH)[0]


def withdrawal_proof(chunks: list[Chunk], slot_number: int, account_id: int) -> tuple:
    """Return IRollup.WithdrawalProof as a tuple: `account_id` is the payer in that slot."""
    index = slot_number // CHUNK_SLOTS
    chunk = chunks[index]
    leaf = chunk.leaves[account_id]
    leaf_hashes = {i: each.hash() for i, each in chunk.leaves.items()}
    return (
        slot_number,
        chunk.data,
        tree({i: each.hash for i, each in enumerate(chunks)}, CHUNKS_DEPTH, index)[1],
        leaf.owner,
        leaf.asset_id,
        leaf.nonce,
        leaf.balance_minor,
        tree(leaf_hashes, STATE_DEPTH, account_id)[1],
    )
