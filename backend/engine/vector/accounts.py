"""The ledger's accounts in columns: the fast twin of `leaves` and `account_ids` of a Ledger.

An account is a row, given out in the order of opening, and takes 44 bytes; the two tables in which
it is found, by owner and asset or by its id, take 10 to 22 more.
"""

from collections.abc import Iterator

import numpy as np

from backend.engine.vector.index import ADDRESS_BYTES, NO_ROW, Index, Numbers
from backend.engine.vector.loops import Number, Rows, Words, compiled, spread
from backend.protocol.errors import check_invariant
from backend.protocol.money import BalanceMinor
from backend.protocol.types import AccountId, Address, Leaf


class Accounts(Index):
    """All accounts but BRIDGE; the number in a key is the asset's id."""

    def __init__(self) -> None:
        super().__init__()
        self._make_room()

    def open(self, ids: Rows, keys: Words) -> slice:
        """Add accounts with nothing in them, uint64[n, 3] by uint32[n]; return their rows."""
        rows = self.add(keys)
        self.ids[rows] = ids
        is_new = _enter(self.ids, self._places, rows.start, rows.stop)
        check_invariant(is_new, "an id stands twice")
        return rows

    def row_of(self, account_id: AccountId) -> int | None:
        """Return the row of an id, if the account is open."""
        row = _find(self.ids, self._places, account_id)
        return None if row == NO_ROW else int(row)

    def rows_of(self, ids: Rows) -> Numbers:
        """Return the row of each id, NO_ROW where there is none."""
        rows = np.zeros(len(ids), np.int64)
        _find_all(self.ids, self._places, ids, rows)
        return rows

    def leaf(self, row: int) -> Leaf:
        """Return the account in a row."""
        return leaf_of(self.table.keys[row], self.nonces[row], self.balances[row])

    def leaves(self) -> Iterator[tuple[AccountId, Leaf]]:
        """Yield all accounts, in the order of opening."""
        for row in range(self.count):
            yield AccountId(int(self.ids[row])), self.leaf(row)

    def copy(self) -> "Accounts":
        """Return accounts that go their own way."""
        copy = Accounts.__new__(Accounts)
        copy.count, copy.table = (
            self.count,
            self.table._replace(keys=self.table.keys.copy(), places=self.table.places.copy()),
        )
        copy.ids, copy._places = self.ids.copy(), self._places.copy()
        copy.nonces, copy.balances = self.nonces.copy(), self.balances.copy()
        return copy

    @property
    def size_bytes(self) -> int:
        """The memory of all arrays, what is free in them included."""
        arrays = *self.table, self._places, self.ids, self.nonces, self.balances
        return sum(array.nbytes for array in arrays)

    def _grow(self, rows: int) -> None:
        super()._grow(rows)
        ids, nonces, balances, count = self.ids, self.nonces, self.balances, self.count
        self._make_room()
        self.ids[:count] = ids[:count]
        self.nonces[:count] = nonces[:count]
        self.balances[:count] = balances[:count]
        _enter(self.ids, self._places, 0, count)

    def _make_room(self) -> None:
        rows = len(self.table.keys)
        self._places: Rows = np.zeros(len(self.table.places), np.uint32)
        self.ids: Rows = np.zeros(rows, np.uint32)
        self.nonces: Words = np.zeros(rows, np.uint64)
        self.balances: Words = np.zeros(rows, np.uint64)
        """minor units"""


def leaf_of(key: Words, nonce: np.uint64, balance: np.uint64) -> Leaf:
    """Return the leaf of an account with this key, uint64[3]."""
    data = key.astype(">u8").tobytes()
    owner, asset_id = Address(data[:ADDRESS_BYTES]), int.from_bytes(data[ADDRESS_BYTES:])
    return Leaf(owner, asset_id, int(nonce), BalanceMinor(int(balance)))


@compiled
def _find(ids: Rows, places: Rows, account_id: Number) -> int:
    mask = places.size - 1
    place = spread(account_id) & mask
    while places[place] != 0:
        row = np.int64(places[place]) - 1
        if ids[row] == account_id:
            return int(row)
        place = (place + 1) & mask
    return NO_ROW


@compiled
def _find_all(ids: Rows, places: Rows, wanted: Rows, rows: Numbers) -> None:
    for k in range(rows.size):
        rows[k] = _find(ids, places, wanted[k])


@compiled
def _enter(ids: Rows, places: Rows, first: Number, past: Number) -> bool:
    mask = places.size - 1
    for row in range(first, past):
        if _find(ids, places, ids[row]) != NO_ROW:
            return False
        place = spread(ids[row]) & mask
        while places[place] != 0:
            place = (place + 1) & mask
        places[place] = row + 1
    return True
