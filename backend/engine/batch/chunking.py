"""Turns final blocks into chunks, and back: which operation of which block stands where."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backend.engine.batch.errors import ChunkInvalid
from backend.engine.ledger import Changes, Execution
from backend.engine.packing import ChunkCursor, operation_spans
from backend.engine.vector.index import Numbers
from backend.engine.vector.layout import cursor_of, end_chunk, places_of
from backend.engine.vector.loops import Bytes
from backend.protocol.batches import CHUNK_SLOTS, Chunk, slot_number
from backend.protocol.blocks import Block, Body
from backend.protocol.errors import InvariantViolated, check_invariant
from backend.protocol.hashing import Digest
from backend.protocol.operations import NO_OP_SLOT, SLOT_BYTES
from backend.protocol.state_tree import StateTree, leaf_hash, root_from_path
from backend.protocol.transition import InvalidOperation, L1Facts, apply_in_sequence
from backend.protocol.types import AccountId, Asset, DepositRecord


@dataclass(frozen=True, slots=True)
class BlockOperations:
    """A final block as batches need it. `ts_s` is its time, rounded down.

    `fee_accounts` says, by slot, where a fee above 0 goes, and `groups`, by the slot of its first
    leg, how many legs a group has; the first `sweep_count` slots are sweeps; `shows_start` says
    that a chunk has to end before the block. `payments` are the ids and slots of its orders and
    sweeps.
    """

    block_hash: Digest
    ts_s: int
    changes: Changes
    slots: bytes
    fee_accounts: Mapping[int, AccountId]
    groups: Mapping[int, int]
    sweep_count: int
    shows_start: bool
    deposits: tuple[DepositRecord, ...]
    payments: tuple[tuple[Digest, int], ...]

    @property
    def number(self) -> int:
        """The block's number."""
        return self.changes.block_number


def block_operations(
    block: Block,
    block_hash: Digest,
    body: Body,
    execution: Execution,
    payment_ids: Iterable[Digest],
    sweep_ids: Iterable[Digest] = (),
) -> BlockOperations:
    """Return what batches need of a final block; `payment_ids` are its orders' digests."""
    slots = (executed.slot for executed in execution.orders)
    swept = ((sweep_id, place) for place, sweep_id in enumerate(sweep_ids))
    return BlockOperations(
        block_hash,
        block.ts_s,
        execution.changes,
        execution.slots,
        execution.fee_accounts,
        execution.groups,
        len(execution.sweeps),
        execution.shows_start,
        body.deposits,
        (*swept, *zip(payment_ids, slots, strict=True)),
    )


@dataclass(frozen=True, slots=True)
class Layout:
    """The slots of each chunk, and how many blocks they hold: one chunk of no-ops, if these blocks
    have no operation."""

    block_count: int
    chunk_slots: tuple[bytes, ...]
    is_empty: bool


def lay_out(blocks: Sequence[BlockOperations], chunks_max: int) -> Layout:
    """Return the chunks' slots for as many whole blocks as `chunks_max` chunks hold.

    The first block that has operations is taken even if it needs more: blocks are never split,
    and each of them fits the smaller carrier (see execute).
    """
    cursor = cursor_of(ChunkCursor())
    taken: list[tuple[Bytes, Numbers]] = []
    chunk_count = 0
    for block_count, block in enumerate(blocks):
        if block.shows_start:
            end_chunk(cursor)
        slots = np.frombuffer(block.slots, np.uint8).reshape(-1, SLOT_BYTES)
        fees, legs = np.zeros((2, len(slots)), np.uint32)
        fees[list(block.fee_accounts)] = list(block.fee_accounts.values())
        legs[list(block.groups)] = list(block.groups.values())
        places = places_of(cursor, slots, fees, legs, block.sweep_count)
        if chunk_count and cursor.chunk_count > chunks_max:
            return _layout(block_count, taken, chunk_count)
        taken.append((slots, places))
        chunk_count = cursor.chunk_count
    return _layout(len(blocks), taken, chunk_count)


def _layout(block_count: int, taken: Sequence[tuple[Bytes, Numbers]], chunk_count: int) -> Layout:
    chunks = np.zeros((max(chunk_count, 1), CHUNK_SLOTS, SLOT_BYTES), np.uint8)
    for slots, places in taken:
        chunks.reshape(-1, SLOT_BYTES)[places] = slots
    is_empty = not any(len(slots) for slots, _ in taken)
    return Layout(block_count, tuple(chunk.tobytes() for chunk in chunks), is_empty)


def with_roots(
    tree: StateTree, chunk_slots: Sequence[bytes], facts: L1Facts
) -> tuple[list[Chunk], StateTree]:
    """Return each chunk with the state root after it, and the state's tree after all.

    `tree` is the state before them. Raises ChunkInvalid for what L1 would call fraud.
    """
    applied = tree.apply_chunks(chunk_slots, facts)
    index = len(applied.roots)
    if index < len(chunk_slots):
        raise _invalid(applied.tree, index, chunk_slots[index], facts)
    if chunk_slots:
        _check_root(applied.tree, chunk_slots[-1])
    chunks = [Chunk(slots, root) for slots, root in zip(chunk_slots, applied.roots, strict=True)]
    return chunks, applied.tree


def _invalid(tree: StateTree, index: int, slots: bytes, facts: L1Facts) -> ChunkInvalid:
    """Return what the readable function says of a chunk that a twin refuses: it alone judges."""
    try:
        apply_in_sequence(tree.leaf, slots, facts)
    except InvalidOperation as error:
        return ChunkInvalid(index, error)
    raise InvariantViolated(f"a twin refuses chunk {index}, which is valid")


def _check_root(tree: StateTree, slots: bytes) -> None:
    """Go from an account of the chunk to the root, hash by hash: a twin's word alone is never
    signed."""
    # The higher of an operation's two ids is an account that it changes; BRIDGE if it is a no-op.
    account_id = AccountId(max(int.from_bytes(slots[at : at + 4]) for at in (0, 4)))
    digest = leaf_hash(tree.leaf(account_id))
    root = root_from_path(account_id, digest, tree.path(account_id))
    check_invariant(root == tree.root, "a path leads to another root", account_id=account_id)


def batch_operations(chunk_slots: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the slot number in the batch and the bytes of each operation that is no no-op."""
    for index, slots in enumerate(chunk_slots):
        for start, count in operation_spans(slots):
            operation = slots[start * SLOT_BYTES : (start + count) * SLOT_BYTES]
            if operation != NO_OP_SLOT:
                yield slot_number(index, start), operation


def payment_slots(
    chunks: Iterable[Chunk], blocks: Iterable[BlockOperations]
) -> tuple[tuple[Digest, int], ...]:
    """Return each payment's id and its slot number in the batch that holds exactly `blocks`."""
    slots = [slot for slot, _ in batch_operations(chunk.slots for chunk in chunks)]
    placed = []
    first = 0
    for block in blocks:
        index_of = {start: i for i, (start, _) in enumerate(operation_spans(block.slots), first)}
        placed += [(payment_id, slots[index_of[start]]) for payment_id, start in block.payments]
        first += len(index_of)
    return tuple(placed)


def facts_of(
    assets: Mapping[int, Asset], deposit_count: int, deposits: Sequence[DepositRecord]
) -> L1Facts:
    """Return what L1 knows for a batch with these `deposits`, `deposit_count` of them before it."""
    by_index = dict(enumerate(deposits, deposit_count))
    return L1Facts(assets, by_index, deposit_count + len(deposits))
