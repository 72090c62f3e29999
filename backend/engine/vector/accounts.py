"""The ledger's accounts in columns: the fast twin of `leaves` and `account_ids` of a Ledger.

An account is a row, given out in the order of opening, and takes 44 bytes and some 7 of the index.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from backend.engine.vector.index import ADDRESS_BYTES, Index, key_of, keys_of
from backend.engine.vector.loops import Rows, Words
from backend.protocol.money import BalanceMinor
from backend.protocol.types import BRIDGE, AccountId, Address, Leaf


class Accounts(Index):
    """All accounts but BRIDGE; the number in a key is the asset's id."""

    def __init__(self) -> None:
        super().__init__()
        self._make_room(len(self.table.keys))

    @classmethod
    def of(cls, leaves: Mapping[AccountId, Leaf]) -> "Accounts":
        """Return the accounts of these leaves, BRIDGE's left out."""
        accounts = cls()
        items = [(place, leaf) for place, leaf in leaves.items() if place != BRIDGE]
        data = b"".join(key_of(leaf.owner, leaf.asset_id) for _, leaf in items)
        ids = np.array([place for place, _ in items], np.uint32)
        rows = accounts.open(ids, keys_of(np.frombuffer(data, np.uint8)))
        accounts.nonces[rows] = [leaf.nonce for _, leaf in items]
        accounts.balances[rows] = [leaf.balance_minor for _, leaf in items]
        return accounts

    def open(self, ids: Rows, keys: Words) -> slice:
        """Add accounts with nothing in them, uint64[n, 3] by uint32[n]; return their rows."""
        rows = self.add(keys)
        self.ids[rows] = ids
        return rows

    def leaf(self, row: int) -> Leaf:
        """Return the account in a row."""
        key = self.table.keys[row].astype(">u8").tobytes()
        return Leaf(
            Address(key[:ADDRESS_BYTES]),
            int.from_bytes(key[ADDRESS_BYTES:]),
            int(self.nonces[row]),
            BalanceMinor(int(self.balances[row])),
        )

    def leaves(self) -> Iterator[tuple[AccountId, Leaf]]:
        """Yield all accounts, in the order of opening."""
        for row in range(self.count):
            yield AccountId(int(self.ids[row])), self.leaf(row)

    @property
    def size_bytes(self) -> int:
        """The memory of all arrays, what is free in them included."""
        arrays = *self.table, self.ids, self.nonces, self.balances
        return sum(array.nbytes for array in arrays)

    def _grow(self, rows: int) -> None:
        super()._grow(rows)
        ids, nonces, balances, count = self.ids, self.nonces, self.balances, self.count
        self._make_room(rows)
        self.ids[:count] = ids[:count]
        self.nonces[:count] = nonces[:count]
        self.balances[:count] = balances[:count]

    def _make_room(self, rows: int) -> None:
        self.ids: Rows = np.zeros(rows, np.uint32)
        self.nonces: Words = np.zeros(rows, np.uint64)
        self.balances: Words = np.zeros(rows, np.uint64)
        """minor units"""
