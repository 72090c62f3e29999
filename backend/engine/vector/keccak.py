"""Keccak-256 of many messages of one length, eight at once. Law: what protocol/hashing.py says.

One text does for every host: where registers are narrower than eight words, LLVM splits what it
works on. The loops hold no GIL, so several threads may run them at once.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.engine.vector import lanes
from backend.engine.vector.ir import LANES_BYTES, WORD_MAX, Function, Lanes
from backend.engine.vector.lanes import LANES
from backend.engine.vector.points import rows_at, transposed
from backend.protocol.errors import check_invariant
from backend.protocol.hashing import keccak

Bytes = NDArray[np.uint8]

DIGEST_BYTES: Final = 32
ROW_BYTES: Final = 64
"""Two digests, or a shorter message with a 1 after it and zeros."""
# FIPS 202: a block has 17 words; a message is followed by a 1, zeros, and this in the last word.
_BLOCK_WORDS: Final = 17
_BLOCK_BYTES: Final = 8 * _BLOCK_WORDS
_LAST_BIT: Final = 1 << 63
_STATE_WORDS: Final = 25

# FIPS 202, section 3.2: word x + 5y of the state is [x][y] of the standard's.
_ROTATIONS: Final = (
    (0, 36, 3, 41, 18),
    (1, 44, 10, 45, 2),
    (62, 6, 43, 15, 61),
    (28, 55, 25, 21, 56),
    (27, 20, 39, 8, 14),
)
_ROUND_CONSTANTS: Final = (
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000,
    0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
    0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
)  # fmt: skip


def hash_pairs(pairs: Bytes) -> Bytes:
    """Return the hash of each row of uint8[n, 64]: of the two digests in it."""
    check_invariant(pairs.shape[1:] == (ROW_BYTES,), "no pairs of digests", shape=pairs.shape)
    return _hashed(pairs)


def hash_rows(rows: Bytes, is_whole: bool, digests: Bytes) -> None:
    """Hash `rows`, eight times n of them, 64 bytes each, into `digests`, which begin at 64 bytes.

    Whole rows are messages of 64 bytes; others hold shorter ones, a 1 after them, and zeros.
    """
    library().hash_rows(rows.ctypes.data, int(is_whole), digests.ctypes.data, len(rows) // LANES)


def hash_many(messages: Bytes) -> Bytes:
    """Return the hash of each row of uint8[n, length], any length."""
    count, length = messages.shape
    padded = padding(count, length)
    padded[:count, :length] = messages
    return hash_padded(padded, count)


def padding(count: int, length: int) -> Bytes:
    """Return room for so many messages of one length, each with what keccak wants after it."""
    rows = count + -count % LANES
    padded = np.zeros((rows, (length // _BLOCK_BYTES + 1) * _BLOCK_BYTES), np.uint8)
    padded[:, length] = 1
    padded[:, -1] |= _LAST_BIT >> 56
    return padded


def hash_padded(padded: Bytes, count: int) -> Bytes:
    """Return the hashes of the first messages in what `padding` returned."""
    rows, size_bytes = padded.shape
    digests: Bytes = lanes.aligned((rows, DIGEST_BYTES), np.uint8)
    places = padded.ctypes.data, size_bytes // _BLOCK_BYTES, digests.ctypes.data
    library().hash_blocks(*places, rows // LANES)
    return digests[:count]


def _hashed(rows: Bytes) -> Bytes:
    """Return the hashes of any number of pairs: the last ones have seven others beside them."""
    count = len(rows)
    digests: Bytes = lanes.aligned((count + -count % LANES, DIGEST_BYTES), np.uint8)
    rows = np.ascontiguousarray(rows)
    whole = count - count % LANES
    hash_rows(rows[:whole], True, digests[:whole])
    if whole < count:
        hash_rows(np.pad(rows[whole:], ((0, LANES - count + whole), (0, 0))), True, digests[whole:])
    return digests[:count]


@dataclass(frozen=True, slots=True)
class Keccak:
    """The compiled functions."""

    hash_rows: lanes.Function
    hash_blocks: lanes.Function
    hash_rows_address: int
    """Where loops in machine code call `hash_rows`."""


@cache
def library() -> Keccak:
    """Return the machine code. Compiles it, if that was never done on this host.

    Raises InvariantViolated if it hashes otherwise than `hashing.keccak`: a state root that all of
    a committee get wrong alike would cost them their stakes.
    """
    compiled = lanes.compile_module("keccak", text())
    hash_rows = compiled.function("hash_rows", 4)
    hash_blocks = compiled.function("hash_blocks", 4)
    known = np.arange(LANES * _BLOCK_BYTES, dtype=np.uint8).reshape(LANES, _BLOCK_BYTES)
    pairs, messages = known[:, :ROW_BYTES].copy(), known[:, 1:]
    _require_right(hash_rows, pairs, pairs)
    blocks = padding(*messages.shape)
    blocks[:, : messages.shape[1]] = messages
    _require_right(hash_blocks, blocks, messages)
    return Keccak(hash_rows, hash_blocks, compiled.address("hash_rows"))


def _require_right(hash_all: lanes.Function, rows: Bytes, messages: Bytes) -> None:
    digests = lanes.aligned((LANES, DIGEST_BYTES), np.uint8)
    hash_all(rows.ctypes.data, 1, digests.ctypes.data, 1)
    expected = [keccak(message.tobytes()) for message in messages]
    is_right = [digest.tobytes() for digest in digests] == expected
    check_invariant(is_right, "the lanes hash otherwise than one by one")


def text() -> str:
    """Return `hash_rows`(rows, is whole, digests, groups of eight) and
    `hash_blocks`(rows, blocks in a row, digests, groups): rows of 64 or of n·136 bytes."""
    return "\n".join((_DECLARATIONS, _permute_text(), _hash_rows_text(), _hash_blocks_text()))


_DECLARATIONS: Final = "declare <8 x i64> @llvm.fshl.v8i64(<8 x i64>, <8 x i64>, <8 x i64>)"


def _permute_text() -> str:
    """`permute`(state): Keccak-f[1600] of eight states, word by word."""
    function = Function("permute", "ptr %state")
    words = [
        function.load("%state", LANES_BYTES * index, high=WORD_MAX) for index in range(_STATE_WORDS)
    ]
    for constant in _ROUND_CONSTANTS:
        words = _round(words, constant)
    for index, word in enumerate(words):
        function.store(word, "%state", LANES_BYTES * index)
    return function.text()


def _round(words: list[Lanes], constant: int) -> list[Lanes]:
    columns = [
        words[x] ^ words[x + 5] ^ words[x + 10] ^ words[x + 15] ^ words[x + 20] for x in range(5)
    ]
    mixed = [columns[x - 1] ^ _rotated(columns[(x + 1) % 5], 1) for x in range(5)]
    moved = list(words)
    for x in range(5):
        for y in range(5):
            place = y + 5 * ((2 * x + 3 * y) % 5)
            moved[place] = _rotated(words[x + 5 * y] ^ mixed[x], _ROTATIONS[x][y])
    result = [
        moved[x + y] ^ ((moved[(x + 1) % 5 + y] ^ WORD_MAX) & moved[(x + 2) % 5 + y])
        for y in range(0, _STATE_WORDS, 5)
        for x in range(5)
    ]
    result[0] = result[0] ^ constant
    return result


def _rotated(word: Lanes, count: int) -> Lanes:
    return word.followed_by(word, count) if count else word


def _hash_rows_text() -> str:
    signature = "ptr %rows, i64 %is.whole, ptr %digests, i64 %groups"
    function = Function("hash_rows", signature, is_exported=True)
    state = function.reserve(LANES_BYTES * _STATE_WORDS)

    def group(index: str) -> None:
        rows = function.element("%rows", index, ROW_BYTES * LANES)
        columns = transposed(rows_at(function, rows, ROW_BYTES))
        zero = function.constant(0)
        words = [*columns, function.everywhere("%is.whole"), *[zero] * (_STATE_WORDS - 9)]
        words[_BLOCK_WORDS - 1] = function.constant(_LAST_BIT)
        for place, word in enumerate(words):
            function.store(word, state, LANES_BYTES * place)
        function.call("permute", f"ptr {state}")
        _store_digests(function, state, index)

    function.loop("%groups", group)
    return function.text()


def _hash_blocks_text() -> str:
    signature = "ptr %rows, i64 %blocks, ptr %digests, i64 %groups"
    function = Function("hash_blocks", signature, is_exported=True)
    state = function.reserve(LANES_BYTES * _STATE_WORDS)
    row_bytes = function.product("%blocks", _BLOCK_BYTES)
    group_bytes = function.product(row_bytes, LANES)

    def group(index: str) -> None:
        rows = function.element("%rows", index, group_bytes)
        for place in range(_STATE_WORDS):
            function.store(function.constant(0), state, LANES_BYTES * place)

        def block(number: str) -> None:
            _absorb(function, function.element(rows, number, _BLOCK_BYTES), row_bytes, state)
            function.call("permute", f"ptr {state}")

        function.loop("%blocks", block)
        _store_digests(function, state, index)

    function.loop("%groups", group)
    return function.text()


def _absorb(function: Function, rows: str, row_bytes: str, state: str) -> None:
    """Add a block of each of eight messages to their states: eight words at once, twice, and the
    17th of those that begin with the tenth."""
    places = [function.element(rows, str(lane), row_bytes) for lane in range(LANES)]
    for first, used in ((0, range(LANES)), (LANES, range(LANES)), (_BLOCK_WORDS - LANES, [7])):
        loaded = [function.load(place, 8 * first, high=WORD_MAX, align=1) for place in places]
        columns = transposed(loaded)
        for column in used:
            at = LANES_BYTES * (first + column)
            before = function.load(state, at, high=WORD_MAX)
            function.store(columns[column] ^ before, state, at)


def _store_digests(function: Function, state: str, group: str) -> None:
    """Store the first four words of eight states, message by message."""
    digests = function.element("%digests", group, DIGEST_BYTES * LANES)
    words = [function.load(state, LANES_BYTES * place, high=WORD_MAX) for place in range(4)]
    rows = transposed([*words, *[function.constant(0)] * 4])
    for lane in range(0, LANES, 2):
        two = rows[lane].shuffled(rows[lane + 1], [0, 1, 2, 3, 8, 9, 10, 11])
        function.store(two, digests, DIGEST_BYTES * lane)
