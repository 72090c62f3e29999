"""The accepted records that no block has decided. Law: each of them ends final or rejected, once.

A function of the log: an entry counts unless the record was decided before it, can never be
executed any more (a nonce is used, a time is over), or is not authorised.
"""

from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat

from backend.engine.ledger import Ledger
from backend.engine.rounds import signer
from backend.engine.runs import OrderRun
from backend.engine.vector.judging import Listings, can_come
from backend.engine.vector.leaves import FlatLedger
from backend.engine.vector.records import RecordRun
from backend.protocol.eip712 import Domain
from backend.protocol.errors import GroupInvalid
from backend.protocol.hashing import ZERO_DIGEST, Digest
from backend.protocol.order_records import (
    AuthorisedOrder,
    OrderGroup,
    OrderRecord,
    SignedOrder,
    authorised_orders,
)
from backend.protocol.orders import Order, PaymentOrder
from backend.protocol.types import AuthorisedRoot

Authorised = Callable[[Digest, OrderRecord], bool]

_PURGE_MIN = 1_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a record stands in the log, and when it came."""

    position: int
    stamp_ms: int


class Undecided(MutableMapping[Digest, OrderRecord]):
    """Records by id, in the order in which they came. One of a run is decoded when it is asked
    for."""

    def __init__(self) -> None:
        self._places: dict[Digest, OrderRecord | tuple[RecordRun, int]] = {}

    def __getitem__(self, record_id: Digest) -> OrderRecord:
        place = self._places[record_id]
        return place[0][place[1]] if isinstance(place, tuple) else place

    def __setitem__(self, record_id: Digest, record: OrderRecord) -> None:
        self._places[record_id] = record

    def __delitem__(self, record_id: Digest) -> None:
        del self._places[record_id]

    def __iter__(self) -> Iterator[Digest]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, record_id: object) -> bool:
        return record_id in self._places

    def add_run(self, records: RecordRun, ids: Sequence[Digest], places: Sequence[int]) -> None:
        """Add records of a run, which stand in these places."""
        self._places.update(zip(ids, zip(repeat(records), places), strict=False))

    def is_in_run(self, record_id: Digest) -> bool:
        """Return whether it came in a run."""
        return isinstance(self._places.get(record_id), tuple)

    def bytes_of(self, record_id: Digest) -> bytes | None:
        """Return a record's bytes, if it is there."""
        place = self._places.get(record_id)
        if isinstance(place, tuple):
            return place[0].bytes_of(place[1])
        return None if place is None else place.encode()


def is_authorised(domain: Domain, record: OrderRecord, record_id: Digest | None = None) -> bool:
    """Return whether each order was signed by its payer or leads to its root, and a group is one.

    Who knows `record_id` spares the work of hashing a single order again.
    A group's leg that comes alone is not: its payer signed the whole, and it ends once, with that.
    Whether the payers authorised the roots is asked apart (`has_roots`), as of a place in the log.
    """
    if isinstance(record, OrderGroup):
        try:
            record.check()
        except GroupInvalid:
            return False
        return all(_is_authorised(leg.digest(domain), leg) for leg in record.legs)
    if isinstance(record.order, PaymentOrder) and record.order.link != ZERO_DIGEST:
        return False
    return _is_authorised(record_id or record.digest(domain), record)


def _is_authorised(digest: Digest, authorised: AuthorisedOrder) -> bool:
    if isinstance(authorised, SignedOrder):
        return signer(digest, authorised.signature) == authorised.order.payer
    return authorised.is_proven(digest)


def has_roots(record: OrderRecord, ledger: Ledger) -> bool:
    """Return whether the ledger knows each root that an order of the record names."""
    return missing_root(record, ledger) is None


def missing_root(record: OrderRecord, ledger: Ledger) -> AuthorisedRoot | None:
    """Return the first root that an order names and the ledger doesn't know as its payer's."""
    if isinstance(record, SignedOrder):
        return None
    for authorised in authorised_orders(record):
        if not isinstance(authorised, SignedOrder):
            root = AuthorisedRoot(authorised.order.payer, authorised.root)
            if root not in ledger.roots:
                return root
    return None


@dataclass(slots=True)
class AcceptedOrders:
    """Undecided records in the log's order, and the rejected ones that must not come again.

    While `is_lazy` (the log is being read again) nobody's signature is checked until `check_all`:
    most orders are decided by a certified block further on.
    """

    domain: Domain
    authorised: Authorised | None = None
    """Says at less cost whether a record of this id is authorised, if somebody has checked it."""
    is_lazy: bool = False
    undecided: Undecided = field(default_factory=Undecided)
    order_count: int = 0
    """How many orders stand in the undecided records."""
    arrivals: dict[Digest, Arrival] = field(default_factory=dict)
    group_of: dict[Digest, Digest] = field(default_factory=dict)
    """The link of each undecided group by its legs' digests."""
    rejected: dict[Digest, int] = field(default_factory=dict)
    """Until when each of them could come again, in seconds."""
    _unchecked: set[Digest] = field(default_factory=set)
    _purge_at: int = _PURGE_MIN

    def add(
        self, arrival: Arrival, record: OrderRecord, ledger: Ledger, ts_s: int
    ) -> Digest | None:
        """Count an entry in. `ts_s` is the time of the ledger's last block.

        Return the record's id, or None if the entry changes nothing.
        """
        record_id = record.record_id(self.domain)
        if record_id in self.rejected or not _record_can_come(record, ledger, ts_s):
            return None
        if not has_roots(record, ledger):
            return None
        if record_id in self.undecided and not self._replaces(record_id):
            return None
        if self.is_lazy:
            self._unchecked.add(record_id)
        elif not self.is_authorised(record_id, record):
            return None
        self._keep(record_id, arrival, record)
        return record_id

    def add_run(
        self, position: int, stamp_ms: int, run: OrderRun, ledger: FlatLedger, ts_s: int
    ) -> list[Digest]:
        """Count entries in that admission has verified, from `position` on. Return the ids of those
        that count."""
        orders = run.records.orders
        listings = Listings.of(ledger.assets)
        flags = can_come(ledger.accounts, listings, orders, ts_s).tolist()
        known = self.rejected, self.undecided
        counts = [
            place
            for place, (record_id, may_come) in enumerate(zip(run.ids, flags, strict=True))
            if may_come and not any(record_id in each for each in known)
        ]
        ids = [run.ids[place] for place in counts]
        self.undecided.add_run(run.records, ids, counts)
        self.order_count += len(ids)
        arrivals = (Arrival(position + place, stamp_ms) for place in counts)
        self.arrivals.update(zip(ids, arrivals, strict=True))
        return ids

    def restore(self, arrival: Arrival, record: OrderRecord) -> None:
        """Count a record in that was undecided when a snapshot was made."""
        record_id = record.record_id(self.domain)
        self._unchecked.add(record_id)
        self._keep(record_id, arrival, record)

    def decide(self, executed: Iterable[Digest], rejected: Iterable[Digest], ts_s: int) -> None:
        """Take the records out that a certified block of this time executes or rejects."""
        self._drop_executed(executed)
        for record_id in rejected:
            record = self.undecided.get(record_id)
            if record is not None:
                self.rejected[record_id] = min(order.valid_until for order in record.orders)
            self._drop(record_id)
        if len(self.rejected) >= self._purge_at:
            self.rejected = {d: until for d, until in self.rejected.items() if until >= ts_s}
            self._purge_at = max(_PURGE_MIN, 2 * len(self.rejected))

    def before(self, position: int) -> dict[Digest, OrderRecord]:
        """Return the undecided records that stand before `position` in the log."""
        return {d: r for d, r in self.undecided.items() if self.arrivals[d].position < position}

    def find(self, payment_id: Digest) -> tuple[AuthorisedOrder, Arrival, Digest | None] | None:
        """Return an undecided order by its digest, its arrival, and the link of a group of its."""
        link = self.group_of.get(payment_id)
        record_id = payment_id if link is None else link
        record = self.undecided.get(record_id)
        if record is None:
            return None
        for authorised in authorised_orders(record):
            if authorised.digest(self.domain) == payment_id:
                return authorised, self.arrivals[record_id], link
        return None

    def is_authorised(self, record_id: Digest, record: OrderRecord) -> bool:
        """Return whether the record is authorised, but for its roots."""
        if self.authorised is not None:
            return self.authorised(record_id, record)
        return is_authorised(self.domain, record, record_id)

    def is_checked(self, record_id: Digest, record: OrderRecord) -> bool:
        """Return whether this very record, signatures and all, is known to be authorised."""
        return record_id not in self._unchecked and self.undecided.get(record_id) == record

    def encoded(self, record_id: Digest) -> bytes:
        """Return the bytes of an undecided record."""
        return self.undecided.bytes_of(record_id) or b""

    def is_known(self, record_id: Digest, data: bytes) -> bool:
        """Return whether the record of these bytes, signatures and all, is known to be authorised,
        and what leads to its roots, if it has any, too."""
        return record_id not in self._unchecked and self.undecided.bytes_of(record_id) == data

    def check_all(self) -> None:
        """End the laziness: drop what nobody authorised."""
        self.is_lazy = False
        for record_id in list(self._unchecked):
            if not self.is_authorised(record_id, self.undecided[record_id]):
                self._drop(record_id)
        self._unchecked.clear()
        # A made-up group that held a leg of somebody's has gone, and taken the leg's entry along.
        for record_id, record in self.undecided.items():
            self._note_legs(record_id, record)

    @property
    def oldest(self) -> Arrival | None:
        """The arrival of the first undecided record."""
        return next(iter(self.arrivals.values()), None)

    def _replaces(self, record_id: Digest) -> bool:
        """Return whether the record known by this id was never authorised, and drop it then."""
        is_unchecked = record_id in self._unchecked
        if not is_unchecked or self.is_authorised(record_id, self.undecided[record_id]):
            self._unchecked.discard(record_id)
            return False
        self._drop(record_id)
        return True

    def _keep(self, record_id: Digest, arrival: Arrival, record: OrderRecord) -> None:
        self.undecided[record_id] = record
        self.order_count += len(record.orders)
        self.arrivals[record_id] = arrival
        self._note_legs(record_id, record)

    def _note_legs(self, record_id: Digest, record: OrderRecord) -> None:
        if isinstance(record, OrderGroup):
            self.group_of.update((leg.digest(self.domain), record_id) for leg in record.legs)

    def _drop_executed(self, record_ids: Iterable[Digest]) -> None:
        for record_id in record_ids:
            if self.undecided.is_in_run(record_id):
                del self.undecided[record_id]  # to pop it would decode it
                self.order_count -= 1
                del self.arrivals[record_id]
            else:
                self._drop(record_id)

    def _drop(self, record_id: Digest) -> None:
        record = self.undecided.pop(record_id, None)
        if record is not None:
            self.order_count -= len(record.orders)
        if isinstance(record, OrderGroup):
            for leg in record.legs:
                self.group_of.pop(leg.digest(self.domain), None)
        self.arrivals.pop(record_id, None)
        self._unchecked.discard(record_id)


def _record_can_come(record: OrderRecord, ledger: Ledger, ts_s: int) -> bool:
    """Return whether no order of the record is used up or over at the ledger's last block."""
    if isinstance(record, OrderGroup):
        return all(_can_come(order, ledger, ts_s) for order in record.orders)
    return _can_come(record.order, ledger, ts_s)


def _can_come(order: Order, ledger: Ledger, ts_s: int) -> bool:
    if order.valid_until < ts_s:
        return False
    asset = ledger.asset_of(order.asset)
    account = ledger.account(order.payer, asset.asset_id) if asset is not None else None
    return account is None or order.nonce >= account[1].nonce
