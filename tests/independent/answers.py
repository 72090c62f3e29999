"""Whether a challenge of an operation can be answered from what is known (section 9, 5)."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tests.independent.chunks import Header, count_from, operations_of
from tests.independent.codec import ZERO_HASH, Invalid
from tests.independent.exits import Requests
from tests.independent.operations import AMOUNT_MAX, SLOT, Operation
from tests.independent.orders import Order, link_of
from tests.independent.records import Group, Record, Root, RootedOrder, SignedOrder
from tests.independent.state import State
from tests.independent.typed import Domain


@dataclass(frozen=True)
class Known:
    """What may authorise an operation: records, L1's roots, and exits with their time."""

    domain: Domain
    records: Sequence[Record]
    roots: Collection[Root]
    requests: Requests
    _places: dict[tuple[bytes, bytes, int], list[tuple[Record, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def __post_init__(self) -> None:
        for record in self.records:
            for leg, order in enumerate(record.orders):
                self._places[order.payer, order.asset, order.nonce].append((record, leg))

    def at(self, owner: bytes, token: bytes, nonce: int) -> list[tuple[Record, int]]:
        """Records with an order of this nonce, and which of their orders it is."""
        return self._places.get((owner, token, nonce), [])


@dataclass(frozen=True)
class Answers:
    """Of the challenges of one chunk; `state` is the one after it."""

    header: Header
    chunk: bytes
    state: State
    known: Known

    @cached_property
    def operations(self) -> dict[int, Operation]:
        return dict(operations_of(self.chunk))

    def has(self, position: int) -> bool:
        """Whether the payment or withdrawal that stands there was authorised."""
        operation = self.operations[position]
        if self._is_sweep(position, operation):
            return True
        leaf = self.state.leaf(operation.payer)
        asset = self.state.assets.get(leaf.asset_id)
        if asset is None:
            return False
        found = self.known.at(leaf.owner, asset.token, self._nonce_at(position, operation))
        return any(self._fits(position, record, leg) for record, leg in found)

    def _nonce_at(self, position: int, operation: Operation) -> int:
        later = count_from(self.chunk, operation.payer, position)
        return self.state.leaf(operation.payer).nonce - later

    def _fits(self, position: int, record: Record, leg: int) -> bool:
        """The record's orders stand from `position` less `leg` on, and each is authorised."""
        legs: Sequence[SignedOrder | RootedOrder] = (
            record.legs if isinstance(record, Group) else (record,)
        )
        link = link_of(record.orders) if isinstance(record, Group) else ZERO_HASH
        for place, order in enumerate(record.orders, position - leg):
            operation = self.operations.get(place)
            if operation is None or not operation.is_debit() or order.link != link:
                return False
            if not self._is_of(place, operation, order):
                return False
        try:
            for each in legs:
                each.check_authorised(self.known.domain, self.known.roots)
        except Invalid:
            return False
        return True

    def _is_of(self, position: int, operation: Operation, order: Order) -> bool:
        """Whether the operation is the order's."""
        leaf, payee = self.state.leaf(operation.payer), self.state.leaf(operation.payee)
        asset = self.state.assets[leaf.asset_id]
        found = (order.kind, order.payer, order.asset, order.amount, order.fee, order.nonce)
        sums = (operation.amount_minor * asset.unit, operation.fee_minor * asset.unit)
        nonce = self._nonce_at(position, operation)
        if found != (operation.kind, leaf.owner, asset.token, *sums, nonce):
            return False
        is_paid = operation.kind == "withdrawal" or order.payee == payee.owner
        return is_paid and order.is_alive(self.header.timestamp)

    def _is_sweep(self, position: int, operation: Operation) -> bool:
        leaf = self.state.leaf(operation.payer)
        who = (operation.payer, leaf.owner)
        if operation.kind != "withdrawal" or who not in self.known.requests:
            return False
        last_ts_s = self.known.requests[who]
        is_in_time = last_ts_s is None or self.header.timestamp <= last_ts_s
        is_alone = count_from(self.chunk, operation.payer, 0) == 1
        takes_all = operation.amount_minor == AMOUNT_MAX or leaf.balance_minor == 0
        has_fee_byte = self.chunk[SLOT * position + SLOT - 1] != 0
        return is_in_time and is_alone and takes_all and not has_fee_byte
