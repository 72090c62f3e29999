"""Executes a batch as L1 accepted it, and finds what is wrong with it. Pure.

Law: a batch that breaks a rule about its bytes, roots or cursor is a fraud that L1 lets us prove,
and no other batch is. What its operations' authorisations are, is the matter of `answers.py`.
The first tree's twin is trusted where it finds a batch right. What it finds wrong, the readable
function has to find wrong, too: its words are the proof's.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, Self, overload

from backend.protocol.batches import (
    BLOB_CHUNKS,
    CHUNK_ELEMENTS,
    CHUNK_SLOTS,
    ELEMENT_BYTES,
    Chunk,
)
from backend.protocol.errors import check_invariant
from backend.protocol.hashing import Digest, keccak
from backend.protocol.state_tree import GENESIS_LEAVES, StateTree
from backend.protocol.transition import InvalidOperation, L1Facts, apply_in_sequence
from backend.protocol.types import BRIDGE, AccountId, Address, Asset, DepositRecord, Leaf
from backend.settlement.batch_data import PostedBatch
from backend.settlement.proving.fraud import (
    Fraud,
    FraudFound,
    cursor_mismatch,
    data_mismatch,
    duplicate_account,
    invalid_chunk,
    post_root_mismatch,
)

CHUNK_BLOB_BYTES: Final = CHUNK_ELEMENTS * ELEMENT_BYTES
_Holding = tuple[Address, int]  # owner and asset

TreeOf = Callable[[Mapping[AccountId, Leaf]], StateTree]
"""What makes the first tree: StateTree, or a faster twin. All later ones come from that one, by its
`apply_chunks`."""


class AccountOf(Mapping[_Holding, AccountId]):
    """Accounts by owner and asset. Never changes: what is opened makes another one.

    States that follow each other share one growing dictionary, of which each knows a beginning.
    """

    def __init__(self) -> None:
        self._shared: dict[_Holding, tuple[int, AccountId]] = {}
        self._count = 0

    def with_opened(self, opened: Mapping[_Holding, AccountId]) -> "AccountOf":
        """Return the accounts with these too; none of their owners had one."""
        longer = AccountOf()
        longer._shared = self._shared
        if len(self._shared) > self._count:  # batches that were taken back opened others
            longer._shared = dict(islice(self._shared.items(), self._count))
        places = enumerate(opened.items(), self._count)
        longer._shared |= {key: (place, account_id) for place, (key, account_id) in places}
        longer._count = self._count + len(opened)
        return longer

    def __getitem__(self, key: _Holding) -> AccountId:
        place, account_id = self._shared[key]
        if place >= self._count:
            raise KeyError(key)
        return account_id

    def __iter__(self) -> Iterator[_Holding]:
        return islice(self._shared, self._count)

    def __len__(self) -> int:
        return self._count


@dataclass(frozen=True, slots=True)
class LedgerState:
    """All accounts at some point: their tree, and which account an owner has of an asset."""

    tree: StateTree
    account_of: AccountOf

    @classmethod
    def of(cls, leaves: Mapping[AccountId, Leaf], tree_of: TreeOf = StateTree) -> Self:
        """Return the state of these leaves."""
        account_of = {(leaf.owner, leaf.asset_id): place for place, leaf in leaves.items()}
        return cls(tree_of(leaves), AccountOf().with_opened(account_of))

    def accounts(self) -> Iterator[tuple[AccountId, Leaf]]:
        """Yield all accounts, BRIDGE among them."""
        for account_id in self.account_of.values():
            leaf = self.tree.leaf(account_id)
            if leaf is not None:
                yield account_id, leaf


def genesis_state(tree_of: TreeOf = StateTree) -> LedgerState:
    """Return the state after batch 0."""
    return LedgerState.of(GENESIS_LEAVES, tree_of)


class Trees(Sequence[StateTree]):
    """The tree after each chunk of a valid batch, executed again when somebody asks for it.

    All of a large batch would fill the memory. In ascending order each chunk is executed once.
    """

    def __init__(self, before: StateTree, chunks: Sequence[Chunk], facts: L1Facts) -> None:
        self._before, self._chunks, self._facts = before, chunks, facts
        self._last = -1, before

    @overload
    def __getitem__(self, index: int) -> StateTree: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[StateTree]: ...
    def __getitem__(self, index: int | slice) -> StateTree | Sequence[StateTree]:
        places = range(len(self._chunks))[index]
        if isinstance(places, range):
            return [self[place] for place in places]
        last, tree = self._last if self._last[0] <= places else (-1, self._before)
        between = [chunk.slots for chunk in self._chunks[last + 1 : places + 1]]
        self._last = places, tree.apply_chunks(between, self._facts).tree
        return self._last[1]

    def __len__(self) -> int:
        return len(self._chunks)


@dataclass(frozen=True, slots=True)
class ReplayedBatch:
    """A batch without fraud: its chunks, the tree after each of them, the state after all."""

    posted: PostedBatch
    chunks: tuple[Chunk, ...]
    trees: Trees
    after: LedgerState


def find_fraud(
    posted: PostedBatch,
    blobs: Sequence[bytes],
    before: LedgerState,
    assets: Mapping[int, Asset],
    deposits: Mapping[int, DepositRecord],
) -> Fraud | None:
    """Return the first fraud in a batch, or None: see `replay`."""
    try:
        replay(posted, blobs, before, assets, deposits)
    except FraudFound as found:
        return found.fraud
    return None


def replay(
    posted: PostedBatch,
    blobs: Sequence[bytes],
    before: LedgerState,
    assets: Mapping[int, Asset],
    deposits: Mapping[int, DepositRecord],
) -> ReplayedBatch:
    """Return what a batch does to the state `before` it. Raises FraudFound.

    `blobs` are those that its data hash names, as they are; nothing if its chunks are at hand.
    `assets` are all listings of L1, `deposits` its records by index, those at least that the
    batch's cursor lets it consume.
    """
    chunks = _chunks_of(posted, blobs)
    facts = L1Facts(assets, deposits, posted.header.deposit_cursor)
    slots = [chunk.slots for chunk in chunks]
    applied = before.tree.apply_chunks(slots, facts)
    wrong = _first_wrong(chunks, applied.roots)
    opened: dict[_Holding, AccountId] = {}
    for slot_number, opening in applied.openings:
        index, position = divmod(slot_number, CHUNK_SLOTS)
        if index >= wrong:
            break
        key = opening.owner, opening.asset_id
        other = opened.get(key) or before.account_of.get(key)
        if other is not None:
            tree = before.tree.apply_chunks(slots[: index + 1], facts).tree
            ids = opening.account_id, other
            raise FraudFound(duplicate_account(posted, chunks[index], index, position, tree, ids))
        opened[key] = opening.account_id
    if wrong < len(chunks):
        tree = before.tree.apply_chunks(slots[:wrong], facts).tree
        raise FraudFound(_wrong_chunk(posted, chunks, wrong, tree, facts))
    tree = applied.tree
    if tree.root != posted.header.post_root:
        raise FraudFound(post_root_mismatch(posted, chunks))
    bridge = tree.leaf(BRIDGE)
    if bridge is None or bridge.nonce != posted.header.deposit_cursor:
        raise FraudFound(cursor_mismatch(posted, tree))
    trees = Trees(before.tree, chunks, facts)
    after = LedgerState(tree, before.account_of.with_opened(opened))
    return ReplayedBatch(posted, chunks, trees, after)


def _chunks_of(posted: PostedBatch, blobs: Sequence[bytes]) -> tuple[Chunk, ...]:
    """Return the batch's chunks, each of which has the hash that L1 was told."""
    if posted.chunks is not None:
        return posted.chunks
    chunks = []
    for index, chunk_hash in enumerate(posted.chunk_hashes):
        start = index % BLOB_CHUNKS * CHUNK_BLOB_BYTES
        elements = bytearray(blobs[index // BLOB_CHUNKS][start : start + CHUNK_BLOB_BYTES])
        is_too_wide = any(elements[::ELEMENT_BYTES])
        del elements[::ELEMENT_BYTES]
        data = bytes(elements)
        if is_too_wide or keccak(data) != chunk_hash:
            raise FraudFound(data_mismatch(posted, blobs, index))
        chunks.append(Chunk.decode(data))
    return tuple(chunks)


def _first_wrong(chunks: Sequence[Chunk], roots: Sequence[Digest]) -> int:
    """Return the first chunk that is invalid or has another root than these; none: their number."""
    for index, (chunk, root) in enumerate(zip(chunks, roots, strict=False)):
        if chunk.root != root:
            return index
    return len(roots)


def _wrong_chunk(
    posted: PostedBatch,
    chunks: Sequence[Chunk],
    index: int,
    tree: StateTree,
    facts: L1Facts,
) -> Fraud:
    """Return the fraud of chunk `index` by the readable function, which alone judges; `tree` is the
    one before it. Raises InvariantViolated if it finds none."""
    slots = chunks[index].slots
    read = set[AccountId]()
    records = _Noted(facts.deposits)

    def leaf_of(account_id: AccountId) -> Leaf | None:
        read.add(account_id)
        return tree.leaf(account_id)

    try:
        changed = apply_in_sequence(leaf_of, slots, replace(facts, deposits=records))
    except InvalidOperation as error:
        reason = str(error)
    else:
        root = tree.set_many(changed).root
        check_invariant(root != chunks[index].root, "a twin refuses a valid chunk", index=index)
        reason = "its root is another"
    return invalid_chunk(posted, chunks, index, tree, (read, records.noted), reason)


class _Noted(Mapping[int, DepositRecord]):
    """Deposit records that note in their order which of them were read: a proof shows these."""

    def __init__(self, records: Mapping[int, DepositRecord]) -> None:
        self._records = records
        self.noted: list[DepositRecord] = []

    def __getitem__(self, index: int) -> DepositRecord:
        record = self._records[index]
        self.noted.append(record)
        return record

    def __iter__(self) -> Iterator[int]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)
