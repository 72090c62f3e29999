"""Chunks, their root, blobs and data hashes, and batch headers (section 3)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

from tests.independent.codec import ZERO_HASH, keccak, require, u
from tests.independent.deposits import Deposit
from tests.independent.operations import (
    CHUNK_END,
    FEE_ACCOUNTS_MAX,
    NO_OP,
    SLOT,
    Operation,
    Sequence64,
    Step,
    read_operations,
)
from tests.independent.state import State, fee_account_of, node
from tests.independent.typed import HEADER, Domain, encode

SLOTS = 64
CHUNK = SLOTS * SLOT + 32
CHUNKS_MAX = 768
TREE_DEPTH = 10
BLOB_CHUNKS = 128
ELEMENTS = 4096
ELEMENT_DATA = 31
MODULUS = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001


def split_chunks(data: bytes) -> list[bytes]:
    require(len(data) % CHUNK == 0, "no whole chunks")
    chunks = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    require(1 <= len(chunks) <= CHUNKS_MAX, "a batch has 1 to 768 chunks")
    return chunks


def chunks_tree(chunk_hashes: Sequence[bytes]) -> list[list[bytes]]:
    """The levels from the chunk hashes up; the last holds the root alone."""
    levels = [[*chunk_hashes, *[ZERO_HASH] * (2**TREE_DEPTH - len(chunk_hashes))]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node(below[i], below[i + 1]) for i in range(0, len(below), 2)])
    return levels


def chunks_root(chunk_hashes: Sequence[bytes]) -> bytes:
    return chunks_tree(chunk_hashes)[-1][0]


def chunk_siblings(chunk_hashes: Sequence[bytes], index: int) -> list[bytes]:
    levels = chunks_tree(chunk_hashes)
    return [levels[height][index >> height ^ 1] for height in range(TREE_DEPTH)]


def blob_count(chunk_count: int) -> int:
    return -(-chunk_count // BLOB_CHUNKS)


def write_blobs(chunks: Sequence[bytes]) -> list[bytes]:
    blobs = []
    for first in range(0, len(chunks), BLOB_CHUNKS):
        data = b"".join(chunks[first : first + BLOB_CHUNKS])
        data = data.ljust(ELEMENTS * ELEMENT_DATA, b"\0")
        parts = [data[i : i + ELEMENT_DATA] for i in range(0, len(data), ELEMENT_DATA)]
        blobs.append(b"".join(b"\0" + part for part in parts))
    return blobs


def read_blobs(blobs: Sequence[bytes], chunk_count: int) -> list[bytes | None]:
    """What a transaction's first blobs have in the places of the chunks; nothing else is looked at.

    None: an element there has more than 31 bytes.
    """
    require(len(blobs) >= blob_count(chunk_count), "there are too few blobs")
    joined, size = b"".join(blobs), CHUNK // ELEMENT_DATA * 32
    places = [joined[i * size : (i + 1) * size] for i in range(chunk_count)]
    return [None if any(place[::32]) else _data_of(place) for place in places]


def _data_of(elements: bytes) -> bytes:
    return b"".join(elements[i + 1 : i + 32] for i in range(0, len(elements), 32))


def point_of_element(index: int) -> int:
    root_of_unity = pow(7, (MODULUS - 1) // ELEMENTS, MODULUS)
    reversed_index = int(f"{index:012b}"[::-1], 2)
    return pow(root_of_unity, reversed_index, MODULUS)


def calldata_hash(chunks: Sequence[bytes]) -> bytes:
    return keccak(*chunks)


def blobs_hash(versioned_hashes: Sequence[bytes]) -> bytes:
    return keccak(*versioned_hashes)


@dataclass(frozen=True)
class Header:
    number: int
    epoch: int
    parent_hash: bytes
    pre_root: bytes
    post_root: bytes
    chunks_root: bytes
    chunk_count: int
    data_hash: bytes
    deposit_cursor: int
    l1_block_number: int
    l1_block_hash: bytes
    last_block_number: int
    last_block_hash: bytes
    timestamp: int

    def encoded(self) -> bytes:
        return encode(HEADER, *astuple(self))

    def hash(self, domain: Domain) -> bytes:
        """Batch 0 has hash 0."""
        return ZERO_HASH if self.number == 0 else domain.digest(HEADER, *astuple(self))


def genesis_header() -> Header:
    root, zero = State().root(), ZERO_HASH
    return Header(0, 0, zero, zero, root, zero, 0, zero, 0, 0, zero, 0, zero, 0)


def stored_batch(header_hash: bytes, accepted_ts_s: int, signers: int) -> bytes:
    return keccak(header_hash, u(accepted_ts_s, 8), u(signers, 32))


def operations_of(chunk: bytes) -> list[tuple[int, Operation]]:
    """With their positions; no-ops too."""
    require(len(chunk) == CHUNK, "a chunk has 992 bytes")
    return read_operations(chunk[: SLOTS * SLOT])


def count_from(chunk: bytes, payer: int, position: int) -> int:
    """How many operations of `payer` stand in the slots from `position` to the chunk's end."""
    return sum(at >= position and found.payer == payer for at, found in operations_of(chunk))


def apply_chunk(state: State, chunk: bytes, deposits: Sequence[Deposit]) -> list[Operation]:
    """Apply the chunk in sequence and check its root; return its operations without no-ops."""
    run = Sequence64(state, deposits)
    found = [operation for _, operation in operations_of(chunk)]
    for operation in found:
        run.apply(operation)
    require(state.root() == chunk[-32:], "the chunk's root is another")
    return [operation for operation in found if operation != NO_OP]


def pack(steps: Sequence[Step], asset_of_payer: Mapping[int, int]) -> list[bytes]:
    """The slots of the fewest chunks that hold the steps in this order, none of them divided.

    A chunk that ends before any operation has none.
    """
    packed: list[bytes] = []
    current, fee_accounts, swept = b"", set[int](), set[int]()
    for step in steps:
        if step == CHUNK_END:
            if current or not packed:
                packed.append(current)
            current, fee_accounts, swept = b"", set(), set()
            continue
        slots = b"".join(operation.slots() for operation in step)
        payers = [operation.payer for operation in step if operation.fee_minor > 0]
        paid = {fee_account_of(asset_of_payer[payer]) for payer in payers}
        sweeps = [operation.payer for operation in step if operation.is_sweep]
        is_full = len(current) + len(slots) > SLOTS * SLOT
        is_mixed = bool(sweeps) != bool(swept) or not swept.isdisjoint(sweeps)
        if is_full or len(fee_accounts | paid) > FEE_ACCOUNTS_MAX or (current and is_mixed):
            packed.append(current)
            current, fee_accounts, swept = b"", set(), set()
        current += slots
        fee_accounts |= paid
        swept |= set(sweeps)
    if current:
        packed.append(current)
    return [slots.ljust(SLOTS * SLOT, b"\0") for slots in packed]


def check_packed(steps: Sequence[Step], chunks: Sequence[bytes]) -> None:
    """Invalid if they hold other operations, part a group's legs, mix sweeps, or lack an end."""
    found = [
        (index, position, operation)
        for index, chunk in enumerate(chunks)
        for position, operation in operations_of(chunk)
        if operation != NO_OP
    ]
    wanted = [operation for step in steps for operation in step]
    require([one for _, _, one in found] == wanted, "other operations")
    _check_sweeps([(index, one) for (index, _, _), one in zip(found, wanted, strict=True)])
    first = 0
    for step in steps:
        if step == CHUNK_END:
            before = found[first - 1][0] if first else 0
            require(all(index > before for index, _, _ in found[first:]), "no chunk ends here")
            continue
        index, position, _ = found[first]
        places = [place[:2] for place in found[first : first + len(step)]]
        in_a_row = [(index, position + leg) for leg in range(len(step))]
        require(places == in_a_row, "the legs of a group are parted")
        first += len(step)


def _check_sweeps(placed: Sequence[tuple[int, Operation]]) -> None:
    """`placed` are operations with the indexes of their chunks."""
    operations = defaultdict[int, list[Operation]](list)
    for index, operation in placed:
        operations[index].append(operation)
    for together in operations.values():
        swept = {operation.payer for operation in together if operation.is_sweep}
        require(not swept or len(swept) == len(together), "a sweep shares its chunk")
