"""Says which orders in columns their payers signed. Law: what protocol/signing.py says of each.

A payer's key is recovered from his first order, which costs a little more than verifying it, and
kept beside the accounts. Keys that signed nothing valid are not kept, nor those of people without
an account: anybody can make as many as he likes.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from backend.engine.vector.index import NO_ROW, Index, Numbers, addresses_in
from backend.engine.vector.libsecp import FINE, addresses_of
from backend.engine.vector.loops import Bytes, Words
from backend.engine.vector.orders import Flags, Orders, digests_of, is_signed, signatures_of
from backend.engine.vector.verification import Verifier
from backend.protocol.eip712 import Domain
from backend.protocol.errors import check_invariant

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Checked:
    """Of each order of n."""

    digests: Bytes
    """uint8[n, 32]"""
    is_signed: Flags
    """Whether its payer signed it; False of one under a root."""


class Authority:
    """Knows payers' keys. Threads may share it."""

    def __init__(
        self,
        domain: Domain,
        verifier: Verifier,
        threads: int = 1,
        has_account: Callable[[Orders], Flags] | None = None,
    ) -> None:
        """`threads` share the orders of a call among them. `has_account` says of which orders the
        payer's key is worth keeping, in any thread; None: of all."""
        self._domain = domain
        self._verifier = verifier
        self._has_account = has_account
        self._count = threads
        self._threads = ThreadPoolExecutor(threads, "verify") if threads > 1 else None
        self._lock = threading.Lock()
        # A payer's row is the number of his key.
        self._payers = Index()

    def __len__(self) -> int:
        """How many keys are known."""
        return self._payers.count

    def check(self, orders: Orders) -> Checked:
        """Return the digests, and who signed what."""
        digests = digests_of(self._domain, orders)
        (signed,) = np.nonzero(is_signed(orders.kinds))
        signatures, payers = signatures_of(orders)[signed], orders.payers[signed]
        with self._lock:
            rows = self._payers.rows(payers)
        is_known = rows != NO_ROW
        known, met = signed[is_known], signed[~is_known]
        is_his = np.zeros(orders.order_count, np.bool_)
        is_his[known] = self._verified(digests[known], signatures[is_known], rows[is_known])
        if len(met):
            keys, flags = self._met(digests[met], signatures[~is_known], payers[~is_known])
            is_his[met] = flags
            if self._has_account is not None:
                flags &= self._has_account(orders)[met]
            self._keep(orders.payers[met][flags], keys[flags])
        return Checked(digests, is_his)

    def _verified(self, digests: Bytes, signatures: Bytes, keys: Numbers) -> Flags:
        def verify(part: slice) -> Flags:
            return self._verifier.verify(digests[part], signatures[part], keys[part])

        return np.concatenate([np.zeros(0, np.bool_), *self._each(verify, len(keys))])

    def _met(self, digests: Bytes, signatures: Bytes, payers: Words) -> tuple[Bytes, Flags]:
        """Return the keys of those who sign for the first time, and whether they are theirs."""

        def recover(part: slice) -> tuple[Bytes, Flags]:
            found = self._verifier.recover(digests[part], signatures[part])
            is_his = (addresses_of(found.keys) == addresses_in(payers[part])).all(axis=1)
            return found.keys, is_his & (found.outcomes == FINE)

        parts = list(self._each(recover, len(payers)))
        keys, flags = zip(*parts, strict=True)
        return np.concatenate(keys), np.concatenate(flags)

    def _keep(self, payers: Words, keys: Bytes) -> None:
        _, first = np.unique(payers, axis=0, return_index=True)
        with self._lock:
            # Another thread may have met them meanwhile.
            first = first[self._payers.rows(payers[first]) == NO_ROW]
            numbers = self._verifier.add_keys(np.ascontiguousarray(keys[first]))
            # Else keys were added whose payers were not (no memory): he would sign for another.
            is_his = self._payers.count + np.arange(len(first)) == numbers
            check_invariant(bool(is_his.all()), "a key's number is another's")
            self._payers.add(payers[first])

    def _each(self, do: Callable[[slice], T], count: int) -> Iterable[T]:
        size = max(1, -(-count // self._count))
        parts = [slice(start, start + size) for start in range(0, count, size)]
        return map(do, parts) if self._threads is None else self._threads.map(do, parts)
