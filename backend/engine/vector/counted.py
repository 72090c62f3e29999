"""What admission counts with, in a table that loops read. Law: ledger/judge.py's `Pending`, whose
twin this is, and the highest nonce of each account beside it.
"""

from typing import Final

import numpy as np

from backend.engine.ledger.judge import Judged, Pending
from backend.engine.vector import judging
from backend.engine.vector.accounts import Accounts
from backend.engine.vector.index import Numbers
from backend.engine.vector.judging import place_of
from backend.engine.vector.loops import Number, Words, compiled
from backend.protocol.errors import check_invariant
from backend.protocol.types import AccountId

_NOTHING: Final = (0, 0)


class Counted(Pending):
    """Orders by payer, of one ledger's accounts."""

    def __init__(self, accounts: Accounts) -> None:
        super().__init__()
        self._accounts = accounts
        self._table = judging.Pending.with_room(0)
        self._used_max = 0
        """How many places may be taken by now"""

    def with_room(self, orders: int) -> judging.Pending:
        """Return the table, with room for so many orders more, to be counted in it."""
        self._used_max += orders
        if 2 * self._used_max > len(self._table.places):
            (kept,) = np.nonzero(self._table.counts)
            table = judging.Pending.with_room(2 * (len(kept) + orders))
            _enter(table, self._table, kept)
            self._table, self._used_max = table, len(kept) + orders
        return self._table

    def of(self, account_id: AccountId) -> tuple[int, int]:
        """Return how many orders of the payer are pending, and their debit in minor units."""
        place = self._place(account_id)
        return int(self._table.counts[place]), int(self._table.debits[place])

    def highest_nonce(self, account_id: AccountId) -> int | None:
        """Return the highest nonce counted of the payer's orders, if there is any."""
        place = self._place(account_id)
        return int(self._table.nonces[place]) if self._table.counts[place] else None

    def add(self, judged: Judged) -> None:
        """Count with an order, whose nonce is the highest or stays unknown."""
        self.with_room(1)
        row = self._row(judged.payer_id)
        place = place_of(self._table.places, row)
        self._table.places[place] = row + 1
        self._table.counts[place] += np.uint64(1)
        self._table.debits[place] += np.uint64(judged.debit_minor)

    def note_nonce(self, account_id: AccountId, nonce: int) -> None:
        """Note the nonce of an order that was just counted."""
        place = self._place(account_id)
        is_first = self._table.counts[place] == 1
        self._table.nonces[place] = nonce if is_first else max(nonce, self._table.nonces[place])

    def remove(self, judged: Judged) -> None:
        """Count with an order no more: it was executed or rejected."""
        rows = np.array([self._row(judged.payer_id)])
        self.remove_many(rows, np.array([judged.debit_minor], np.uint64))

    def remove_many(self, rows: Numbers, debits: Words) -> None:
        """Count no more with orders of payers in these rows."""
        check_invariant(_remove(self._table, rows, debits), "an order was not counted")

    def forget_nonces(self, rows: Numbers, nonces: Words) -> None:
        """Let the nonces of orders that never came to be be used again: their payers' highest."""
        _forget(self._table, rows, nonces)

    def _row(self, account_id: AccountId) -> int:
        row = self._accounts.row_of(account_id)
        check_invariant(row is not None, "no such account", account_id=account_id)
        return row or 0

    def _place(self, account_id: AccountId) -> int:
        return int(place_of(self._table.places, self._row(account_id)))


@compiled
def _enter(table: judging.Pending, old: judging.Pending, kept: Numbers) -> None:
    places, counts, debits, nonces = table
    for k in kept:
        row = np.int64(old.places[k]) - 1
        place = place_of(places, row)
        places[place] = row + 1
        counts[place], debits[place], nonces[place] = old.counts[k], old.debits[k], old.nonces[k]


@compiled
def _remove(table: judging.Pending, rows: Numbers, debits: Words) -> Number:
    places, counts, taken, _ = table
    is_counted = True
    for k in range(rows.size):
        place = place_of(places, rows[k])
        if counts[place] == 0:
            is_counted = False
            continue
        counts[place] -= np.uint64(1)
        taken[place] -= debits[k]
    return is_counted


@compiled
def _forget(table: judging.Pending, rows: Numbers, nonces: Words) -> None:
    places, _, _, highest = table
    for k in range(rows.size - 1, -1, -1):
        place = place_of(places, rows[k])
        if highest[place] == nonces[k]:
            highest[place] -= np.uint64(1)
