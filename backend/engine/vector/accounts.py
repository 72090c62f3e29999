"""The ledger's accounts in columns: the fast twin of `leaves` and `account_ids` of a Ledger.

An account is a row, given out in the order of opening; a keyed hash finds it by owner and asset, so
that nobody can choose owners who all end in one place. A row takes 44 bytes and some 7 of the hash.
"""

import secrets
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np

from backend.engine.vector.loops import Bytes, Number, Rows, Words, compiled
from backend.protocol.errors import check_invariant
from backend.protocol.money import BalanceMinor
from backend.protocol.types import BRIDGE, AccountId, Address, Leaf

KEY_WORDS: Final = 3
NO_ROW: Final = -1
_OWNER_BYTES: Final = 20
_ROWS_MIN: Final = 1 << 10
_SECRETS: Final = 4


class Columns(NamedTuple):
    """All accounts but BRIDGE, with room for more."""

    keys: Words
    """uint64[n, 3]: the owner's 20 bytes, and the asset's id in the lower half of the last"""
    ids: Rows
    nonces: Words
    balances: Words
    """minor units"""
    places: Rows
    """uint32[2^k]: the hash table: row + 1, 0 where there is none"""
    secret: Words
    """uint64[4]: what the hash is keyed by, odd"""


@compiled
def hash_of(columns: Columns, key0: Number, key1: Number, key2: Number) -> Number:
    """Return the place in the table where a key is looked for first."""
    secret = columns.secret
    mixed = key0 * secret[0] + key1 * secret[1] + key2 * secret[2]
    mixed = (mixed ^ mixed >> np.uint64(32)) * secret[3]
    return np.int64(mixed >> np.uint64(32)) & (columns.places.size - 1)


@compiled
def find(columns: Columns, key0: Number, key1: Number, key2: Number) -> int:
    """Return the row of an owner's account of an asset, -1 if there is none."""
    place = hash_of(columns, key0, key1, key2)
    while columns.places[place] != 0:
        row = np.int64(columns.places[place]) - 1
        keys = columns.keys
        if keys[row, 0] == key0 and keys[row, 1] == key1 and keys[row, 2] == key2:
            return int(row)
        place = (place + 1) & (columns.places.size - 1)
    return NO_ROW


@compiled
def _enter(columns: Columns, first: Number, past: Number) -> int:
    """Put rows into the table. Return the first one whose key is there already, or -1."""
    for row in range(first, past):
        keys = columns.keys
        place = hash_of(columns, keys[row, 0], keys[row, 1], keys[row, 2])
        while columns.places[place] != 0:
            other = np.int64(columns.places[place]) - 1
            if (
                keys[row, 0] == keys[other, 0]
                and keys[row, 1] == keys[other, 1]
                and keys[row, 2] == keys[other, 2]
            ):
                return row
            place = (place + 1) & (columns.places.size - 1)
        columns.places[place] = row + 1
    return NO_ROW


class Accounts:
    """Accounts in columns, which the loops read and change."""

    def __init__(self) -> None:
        self.count = 0
        secret = [secrets.randbits(64) | 1 for _ in range(_SECRETS)]
        self.columns = _room(_ROWS_MIN, np.array(secret, np.uint64))

    @classmethod
    def of(cls, leaves: Mapping[AccountId, Leaf]) -> "Accounts":
        """Return the accounts of these leaves, BRIDGE's left out."""
        accounts = cls()
        items = [(place, leaf) for place, leaf in leaves.items() if place != BRIDGE]
        data = b"".join(key_bytes(leaf.owner, leaf.asset_id) for _, leaf in items)
        rows = accounts.open(
            np.array([place for place, _ in items], np.uint32),
            keys_of(np.frombuffer(data, np.uint8)),
        )
        accounts.columns.nonces[rows] = [leaf.nonce for _, leaf in items]
        accounts.columns.balances[rows] = [leaf.balance_minor for _, leaf in items]
        return accounts

    def open(self, ids: Rows, keys: Words) -> slice:
        """Add accounts with nothing in them, uint64[n, 3] by uint32[n]; return their rows."""
        first, past = self.count, self.count + len(ids)
        while past > len(self.columns.ids):
            self._grow()
        columns = self.columns
        columns.ids[first:past], columns.keys[first:past] = ids, keys
        twice = _enter(columns, first, past)
        check_invariant(twice == NO_ROW, "an owner would have two accounts of an asset")
        self.count = past
        return slice(first, past)

    def row(self, owner: Address, asset_id: int) -> int | None:
        """Return the row of an account, if it is open."""
        ((key0, key1, key2),) = keys_of(np.frombuffer(key_bytes(owner, asset_id), np.uint8))
        row = find(self.columns, key0, key1, key2)
        return None if row == NO_ROW else int(row)

    def leaf(self, row: int) -> Leaf:
        """Return the account in a row."""
        columns = self.columns
        key = columns.keys[row].astype(">u8").tobytes()
        return Leaf(
            Address(key[:_OWNER_BYTES]),
            int.from_bytes(key[_OWNER_BYTES:]),
            int(columns.nonces[row]),
            BalanceMinor(int(columns.balances[row])),
        )

    def leaves(self) -> Iterator[tuple[AccountId, Leaf]]:
        """Yield all accounts, in the order of opening."""
        for row in range(self.count):
            yield AccountId(int(self.columns.ids[row])), self.leaf(row)

    @property
    def size_bytes(self) -> int:
        """The memory of all arrays, what is free in them included."""
        return sum(array.nbytes for array in self.columns)

    def _grow(self) -> None:
        old, count = self.columns, self.count
        columns = _room(len(old.ids) + len(old.ids) // 2, old.secret)
        for name in ("keys", "ids", "nonces", "balances"):
            getattr(columns, name)[:count] = getattr(old, name)[:count]
        _enter(columns, 0, count)
        self.columns = columns


def key_bytes(owner: Address, asset_id: int) -> bytes:
    """Return the 24 bytes that an account is found by."""
    return owner + asset_id.to_bytes(4)


def keys_of(data: Bytes) -> Words:
    """Return keys, 24 bytes each, as words, uint64[n, 3]."""
    return data.view(">u8").astype(np.uint64).reshape(-1, KEY_WORDS)


def _room(rows: int, secret: Words) -> Columns:
    """Return empty columns. At most three of four places of the table are taken."""
    places = 1 << (rows + rows // 3).bit_length()
    return Columns(
        np.zeros((rows, KEY_WORDS), np.uint64),
        np.zeros(rows, np.uint32),
        np.zeros(rows, np.uint64),
        np.zeros(rows, np.uint64),
        np.zeros(places, np.uint32),
        secret,
    )
