"""What a validator checks before it signs a batch's header (docs/PROTOCOL.md, section 3).

Law: every field is the committee's responsibility, also those that L1 checks again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from backend.engine.batch.chunking import (
    BlockOperations,
    batch_operations,
    facts_of,
    with_roots,
)
from backend.engine.batch.errors import (
    ChunkRootMismatch,
    ExitNotShown,
    GroupTorn,
    HeaderMismatch,
    HeaderOutOfRange,
    OperationsMismatch,
    PinUnknown,
    SweepNotAlone,
)
from backend.engine.packing import operation_spans, payer_at
from backend.protocol.batches import (
    BATCH_CHUNKS_MAX,
    CHUNK_SLOTS,
    BatchHeader,
    Chunk,
    chunk_hashes,
)
from backend.protocol.errors import check_invariant
from backend.protocol.hashing import Digest
from backend.protocol.operations import SLOT_BYTES
from backend.protocol.state_tree import StateTree, chunks_root
from backend.protocol.types import BRIDGE, AccountId, Asset


@dataclass(frozen=True, slots=True)
class BatchTip:
    """The last batch of a chain of batches: what the next one continues.

    `l1_block_number` is the L1 block up to which its last block uses facts. `assets` are the
    listings known by then or later, by asset id.
    """

    header: BatchHeader
    header_hash: Digest
    tree: StateTree
    l1_block_number: int
    assets: Mapping[int, Asset]

    @property
    def deposit_count(self) -> int:
        """How many deposits the batches have consumed."""
        bridge = self.tree.leaf(BRIDGE)
        return 0 if bridge is None else bridge.nonce


@dataclass(frozen=True, slots=True)
class HeaderChecks:
    """What a validator knows from elsewhere.

    `data_hash` gives what dataHash should be for chunks on the header's carrier, `chunks_max` that
    carrier's limit; `is_pin` says whether an L1 block (number, hash) is canonical and deep enough.
    """

    epoch: int
    data_hash: Callable[[Sequence[Chunk]], Digest]
    is_pin: Callable[[int, Digest], bool]
    chunks_max: int = BATCH_CHUNKS_MAX


def verify_header(
    header: BatchHeader,
    chunks: Sequence[Chunk],
    tip: BatchTip,
    blocks: Sequence[BlockOperations],
    checks: HeaderChecks,
) -> StateTree:
    """Return the state after the batch if all of it is right; `tip` is the batch before.

    `blocks` are the final blocks after the tip's last one, those of this batch at least. Where
    no-ops stand is the packer's choice; the operations are read as L1 reads them.

    Raises the first InvalidBatch, cheap checks before dear ones: HeaderMismatch, HeaderOutOfRange,
    PinUnknown, ChunkInvalid, ChunkRootMismatch, OperationsMismatch, GroupTorn, SweepNotAlone,
    ExitNotShown.
    """
    _check_parent(header, tip, checks)
    own_blocks = _blocks_of(header, tip, blocks)
    _check_times(header, tip, own_blocks, checks)
    _check_chunks(header, chunks, checks)
    tree = execute_chunks(chunks, tip, own_blocks)
    _same("post_root", tree.root, header.post_root)
    deposit_count = tip.deposit_count + sum(len(block.deposits) for block in own_blocks)
    _same("deposit_cursor", deposit_count, header.deposit_cursor)
    return tree


def execute_chunks(
    chunks: Sequence[Chunk], tip: BatchTip, blocks: Sequence[BlockOperations]
) -> StateTree:
    """Return the state after chunks that hold exactly the blocks' operations.

    Raises ChunkInvalid, ChunkRootMismatch, OperationsMismatch, GroupTorn, SweepNotAlone or
    ExitNotShown.
    """
    deposits = [record for block in blocks for record in block.deposits]
    facts = facts_of(tip.assets, tip.deposit_count, deposits)
    ours, tree = with_roots(tip.tree, [chunk.slots for chunk in chunks], facts)
    for index, (mine, theirs) in enumerate(zip(ours, chunks, strict=True)):
        if mine.root != theirs.root:
            raise ChunkRootMismatch(index, mine.root, theirs.root)
    _check_operations(chunks, blocks)
    _check_groups(chunks, blocks)
    _check_sweeps(chunks, blocks)
    _check_starts(chunks, blocks)
    return tree


def _check_operations(chunks: Sequence[Chunk], blocks: Sequence[BlockOperations]) -> None:
    """Check that the chunks hold exactly the blocks' operations. Raises OperationsMismatch."""
    theirs = (operation for _, operation in batch_operations(chunk.slots for chunk in chunks))
    ours = (
        block.slots[start * SLOT_BYTES : (start + count) * SLOT_BYTES]
        for block in blocks
        for start, count in operation_spans(block.slots)
    )
    for index, (one, other) in enumerate(zip_longest(theirs, ours)):
        if one != other:
            raise OperationsMismatch(index)


def _check_groups(chunks: Sequence[Chunk], blocks: Sequence[BlockOperations]) -> None:
    """Check that the legs of each group stand side by side in one chunk. Raises GroupTorn."""
    if not any(block.groups for block in blocks):
        return
    places = [place for place, _ in batch_operations(chunk.slots for chunk in chunks)]
    first = 0
    for block in blocks:
        starts = [start for start, _ in operation_spans(block.slots)]
        for index, start in enumerate(starts, first):
            leg_count = block.groups.get(start, 1)
            last = places[index + leg_count - 1]
            is_one_chunk = places[index] // CHUNK_SLOTS == last // CHUNK_SLOTS
            if last - places[index] != leg_count - 1 or not is_one_chunk:
                raise GroupTorn(places[index])
        first += len(starts)


def _check_sweeps(chunks: Sequence[Chunk], blocks: Sequence[BlockOperations]) -> None:
    """Check that chunks with sweeps hold sweeps of different accounts alone. Raises SweepNotAlone.

    Otherwise a challenge of one might have no answer: section 8 of PROTOCOL.md.
    """
    if not any(block.sweep_count for block in blocks):
        return
    are_sweeps = (
        start < block.sweep_count for block in blocks for start, _ in operation_spans(block.slots)
    )
    places = (place for place, _ in batch_operations(chunk.slots for chunk in chunks))
    swept: dict[int, set[AccountId]] = {}
    others = set[int]()
    for is_sweep, place in zip(are_sweeps, places, strict=True):
        index = place // CHUNK_SLOTS
        if not is_sweep:
            others.add(index)
            continue
        account_id = payer_at(chunks[index].slots, place % CHUNK_SLOTS)
        accounts = swept.setdefault(index, set())
        if account_id in accounts:
            raise SweepNotAlone(place)
        accounts.add(account_id)
    for index in sorted(swept.keys() & others):
        raise SweepNotAlone(index * CHUNK_SLOTS)


def _check_starts(chunks: Sequence[Chunk], blocks: Sequence[BlockOperations]) -> None:
    """Check that some chunk's root is the state before each block that shows it.

    Otherwise nobody could show L1 that the exits which were due had nothing to take. Raises
    ExitNotShown.
    """
    if not any(block.shows_start for block in blocks):
        return
    places = [place for place, _ in batch_operations(chunk.slots for chunk in chunks)]
    index = 0
    for block in blocks:
        if block.shows_start and index < len(places):
            chunk_before = places[index - 1] // CHUNK_SLOTS if index else 0
            if places[index] // CHUNK_SLOTS == chunk_before:
                raise ExitNotShown(block.number)
        index += sum(1 for _ in operation_spans(block.slots))


def _check_parent(header: BatchHeader, tip: BatchTip, checks: HeaderChecks) -> None:
    _same("number", tip.header.number + 1, header.number)
    _same("epoch", checks.epoch, header.epoch)
    _same("parent_hash", tip.header_hash, header.parent_hash)
    _same("pre_root", tip.header.post_root, header.pre_root)


def _blocks_of(
    header: BatchHeader, tip: BatchTip, blocks: Sequence[BlockOperations]
) -> Sequence[BlockOperations]:
    """Return the batch's own blocks."""
    first = tip.header.last_block_number
    check_invariant(
        not blocks or blocks[0].number == first + 1,
        "the blocks don't follow the last batch",
        last_block_number=first,
    )
    # A validator that is behind waits for its blocks and is asked again.
    _within("last_block_number", first, first + len(blocks), header.last_block_number)
    own_blocks = blocks[: header.last_block_number - first]
    last_hash = own_blocks[-1].block_hash if own_blocks else tip.header.last_block_hash
    _same("last_block_hash", last_hash, header.last_block_hash)
    return own_blocks


def _check_times(
    header: BatchHeader, tip: BatchTip, blocks: Sequence[BlockOperations], checks: HeaderChecks
) -> None:
    # Without blocks the time stands still: past the next block's, that one could never be posted.
    ts_s_max = blocks[0].ts_s if blocks else tip.header.timestamp
    _within("timestamp", tip.header.timestamp, ts_s_max, header.timestamp)
    l1_block_number = blocks[-1].changes.l1_block_number if blocks else tip.l1_block_number
    _within("l1_block_number", l1_block_number, None, header.l1_block_number)
    if not checks.is_pin(header.l1_block_number, header.l1_block_hash):
        raise PinUnknown(header.l1_block_number, header.l1_block_hash)


def _check_chunks(header: BatchHeader, chunks: Sequence[Chunk], checks: HeaderChecks) -> None:
    _same("chunk_count", len(chunks), header.chunk_count)
    _within("chunk_count", 1, checks.chunks_max, header.chunk_count)
    _same("chunks_root", chunks_root(chunk_hashes(chunks)), header.chunks_root)
    _same("data_hash", checks.data_hash(chunks), header.data_hash)


def _same(field: str, expected: object, actual: object) -> None:
    if expected != actual:
        raise HeaderMismatch(field, expected, actual)


def _within(field: str, minimum: int, maximum: int | None, actual: int) -> None:
    if actual < minimum or (maximum is not None and actual > maximum):
        raise HeaderOutOfRange(field, minimum, maximum, actual)
