"""The accepted orders that no block has decided. Law: each of them ends final or rejected, once.

A function of the log: an order entry counts unless the order was decided before it, can never be
executed any more (its nonce is used, its time is over), or nobody authorised it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from backend.engine.ledger import Ledger
from backend.engine.rounds import signer
from backend.protocol.eip712 import Domain
from backend.protocol.hashing import Digest
from backend.protocol.orders import SignedOrder

Authorised = Callable[[Digest, SignedOrder], bool]

_PURGE_MIN = 1_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where an order stands in the log, and when it came."""

    position: int
    stamp_ms: int


def is_authorised(digest: Digest, signed: SignedOrder) -> bool:
    """Return whether the payer signed the order of this digest."""
    return signer(digest, signed.signature) == signed.order.payer


@dataclass(slots=True)
class AcceptedOrders:
    """Undecided orders in the log's order, and the rejected ones that must not come again.

    While `is_lazy` (the log is being read again) nobody's authority is checked until `check_all`:
    most orders are decided by a certified block further on.
    """

    domain: Domain
    authorised: Authorised = is_authorised
    is_lazy: bool = False
    undecided: dict[Digest, SignedOrder] = field(default_factory=dict)
    arrivals: dict[Digest, Arrival] = field(default_factory=dict)
    rejected: dict[Digest, int] = field(default_factory=dict)
    """Until when each of them could come again, in seconds."""
    _unchecked: set[Digest] = field(default_factory=set)
    _purge_at: int = _PURGE_MIN

    def add(
        self, arrival: Arrival, signed: SignedOrder, ledger: Ledger, ts_s: int
    ) -> Digest | None:
        """Count an order entry in. `ts_s` is the time of the ledger's last block.

        Return the order's digest, or None if the entry changes nothing.
        """
        order = signed.order
        digest = order.digest(self.domain)
        if digest in self.rejected or not can_come(signed, ledger, ts_s):
            return None
        if digest in self.undecided and not self._replaces(digest):
            return None
        if self.is_lazy:
            self._unchecked.add(digest)
        elif not self.authorised(digest, signed):
            return None
        self.undecided[digest] = signed
        self.arrivals[digest] = arrival
        return digest

    def restore(self, arrival: Arrival, signed: SignedOrder) -> None:
        """Count an order in that was undecided when a snapshot was made."""
        digest = signed.order.digest(self.domain)
        self._unchecked.add(digest)
        self.undecided[digest] = signed
        self.arrivals[digest] = arrival

    def decide(self, executed: Iterable[Digest], rejected: Iterable[Digest], ts_s: int) -> None:
        """Take the orders out that a certified block of this time executes or rejects."""
        for digest in executed:
            self._drop(digest)
        for digest in rejected:
            signed = self.undecided.get(digest)
            if signed is not None:
                self.rejected[digest] = signed.order.valid_until
            self._drop(digest)
        if len(self.rejected) >= self._purge_at:
            self.rejected = {d: until for d, until in self.rejected.items() if until >= ts_s}
            self._purge_at = max(_PURGE_MIN, 2 * len(self.rejected))

    def before(self, position: int) -> dict[Digest, SignedOrder]:
        """Return the undecided orders that stand before `position` in the log."""
        return {d: s for d, s in self.undecided.items() if self.arrivals[d].position < position}

    def is_checked(self, digest: Digest, signed: SignedOrder) -> bool:
        """Return whether this very order, signature and all, is known to be authorised."""
        return digest not in self._unchecked and self.undecided.get(digest) == signed

    def check_all(self) -> None:
        """End the laziness: drop what nobody authorised."""
        self.is_lazy = False
        for digest in list(self._unchecked):
            if not self.authorised(digest, self.undecided[digest]):
                self._drop(digest)
        self._unchecked.clear()

    @property
    def oldest(self) -> Arrival | None:
        """The arrival of the first undecided order."""
        return next(iter(self.arrivals.values()), None)

    def _replaces(self, digest: Digest) -> bool:
        """Return whether the order known by this digest was never authorised, and drop it then."""
        if digest not in self._unchecked or self.authorised(digest, self.undecided[digest]):
            self._unchecked.discard(digest)
            return False
        self._drop(digest)
        return True

    def _drop(self, digest: Digest) -> None:
        self.undecided.pop(digest, None)
        self.arrivals.pop(digest, None)
        self._unchecked.discard(digest)


def can_come(signed: SignedOrder, ledger: Ledger, ts_s: int) -> bool:
    """Return whether the order is neither used up nor over at the ledger's last block."""
    order = signed.order
    if order.valid_until < ts_s:
        return False
    asset = ledger.asset_of(order.asset)
    account = ledger.account(order.payer, asset.asset_id) if asset is not None else None
    return account is None or order.nonce >= account[1].nonce
