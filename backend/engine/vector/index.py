"""Finds rows by what stands in them: 24 bytes, an address and a number. Law: a key stands once.

The hash is keyed anew in each process, so nobody can choose addresses that all end in one place.
A row takes 24 bytes, and 5 to 11 of the table.
"""

import secrets
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.engine.vector.loops import WORD_BYTES, Bytes, Number, Rows, Words, compiled
from backend.protocol.errors import check_invariant
from backend.protocol.types import Address

Numbers = NDArray[np.int64]

KEY_WORDS: Final = 3
KEY_BYTES: Final = KEY_WORDS * WORD_BYTES
ADDRESS_BYTES: Final = 20
NO_ROW: Final = -1
_ROWS_MIN: Final = 1 << 10
_SECRETS: Final = 4


class Table(NamedTuple):
    """The keys of all rows, with room for more, and where they are found."""

    keys: Words
    """uint64[n, 3]: the address, and the number in the lower half of the last word"""
    places: Rows
    """uint32[2^k]: row + 1, 0 where there is none; at most three of four are taken"""
    secret: Words
    """uint64[4]: what the hash is keyed by, odd"""


class Index:
    """Rows in the order in which they were added."""

    def __init__(self) -> None:
        self.count = 0
        secret = [secrets.randbits(64) | 1 for _ in range(_SECRETS)]
        self.table = _table(_ROWS_MIN, np.array(secret, np.uint64))

    def add(self, keys: Words) -> slice:
        """Add keys, uint64[n, 3]; return their rows. None of them may be there already."""
        first, past = self.count, self.count + len(keys)
        if past > len(self.table.keys):
            self._grow(max(past, len(self.table.keys) * 3 // 2))
        self.table.keys[first:past] = keys
        check_invariant(_enter(self.table, first, past), "a key stands twice")
        self.count = past
        return slice(first, past)

    def row(self, key: bytes) -> int | None:
        """Return the row of a key of 24 bytes, if it is there."""
        key0, key1, key2 = key_words(key)
        row = find(*self.table, key0, key1, key2)
        return None if row == NO_ROW else int(row)

    def rows(self, keys: Words) -> Numbers:
        """Return the row of each of many keys, NO_ROW where there is none."""
        rows = np.zeros(len(keys), np.int64)
        _find_all(self.table, keys, rows)
        return rows

    def _grow(self, rows: int) -> None:
        table = _table(rows, self.table.secret)
        table.keys[: self.count] = self.table.keys[: self.count]
        _enter(table, 0, self.count)
        self.table = table


def key_of(address: Address, number: int) -> bytes:
    """Return the 24 bytes of a key."""
    return address + number.to_bytes(KEY_BYTES - ADDRESS_BYTES)


def key_words(key: bytes) -> Words:
    """Return one key of 24 bytes as words, uint64[3]."""
    words: Words = keys_of(np.frombuffer(key, np.uint8))[0]
    return words


def keys_of(data: Bytes) -> Words:
    """Return keys of 24 bytes each as words, uint64[n, 3]."""
    return data.view(">u8").astype(np.uint64).reshape(-1, KEY_WORDS)


def addresses_in(keys: Words) -> Bytes:
    """Return the addresses in keys, uint8[n, 20]."""
    octets = keys.astype(">u8").view(np.uint8).reshape(-1, KEY_BYTES)
    return np.ascontiguousarray(octets[:, :ADDRESS_BYTES])


@compiled
def find(keys: Words, places: Rows, secret: Words, key0: Number, key1: Number, key2: Number) -> int:
    """Return the row of a key in a table, -1 if it isn't there."""
    mask = places.size - 1
    place = _hash(secret, key0, key1, key2) & mask
    while places[place] != 0:
        row = np.int64(places[place]) - 1
        if keys[row, 0] == key0 and keys[row, 1] == key1 and keys[row, 2] == key2:
            return int(row)
        place = (place + 1) & mask
    return NO_ROW


@compiled
def _hash(secret: Words, key0: Number, key1: Number, key2: Number) -> Number:
    mixed = key0 * secret[0] + key1 * secret[1] + key2 * secret[2]
    return np.int64((mixed ^ mixed >> np.uint64(32)) * secret[3] >> np.uint64(32))


@compiled
def _find_all(table: Table, wanted: Words, rows: Numbers) -> None:
    keys, places, secret = table
    for k in range(rows.size):
        rows[k] = find(keys, places, secret, wanted[k, 0], wanted[k, 1], wanted[k, 2])


@compiled
def _enter(table: Table, first: Number, past: Number) -> bool:
    """Put rows into the table, unless a key is there already."""
    keys, places, secret = table
    mask = places.size - 1
    for row in range(first, past):
        key0, key1, key2 = keys[row, 0], keys[row, 1], keys[row, 2]
        if find(keys, places, secret, key0, key1, key2) != NO_ROW:
            return False
        place = _hash(secret, key0, key1, key2) & mask
        while places[place] != 0:
            place = (place + 1) & mask
        places[place] = row + 1
    return True


def _table(rows: int, secret: Words) -> Table:
    places = 1 << (rows + rows // 3).bit_length()
    return Table(np.zeros((rows, KEY_WORDS), np.uint64), np.zeros(places, np.uint32), secret)
