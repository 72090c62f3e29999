"""Chooses the next block's records, and judges somebody else's choice.

Law: an accepted record ends executed or rejected, and is rejected only for the true reason.
"""

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from backend.engine.ledger.errors import RejectionUnjustified
from backend.engine.ledger.judge import MayHold, Pending, check_record, everybody
from backend.engine.ledger.state import Ledger
from backend.engine.ledger.sweeps import pending_sweeps
from backend.protocol.blocks import Body, Rejection
from backend.protocol.errors import NonceGap, PaymentError, check_invariant
from backend.protocol.hashing import Digest
from backend.protocol.order_records import OrderGroup, OrderRecord
from backend.protocol.orders import Order
from backend.protocol.types import Address, ExitRequest

_Purse = tuple[Address, Address]
"""Payer and token: one account's orders."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Records of a block, in the order of execution, and those that it rejects."""

    executable: Mapping[Digest, OrderRecord]
    rejections: tuple[Rejection, ...]


def select(
    ledger: Ledger,
    accepted: Mapping[Digest, OrderRecord],
    ts_s: int,
    orders_max: int,
    may_hold: MayHold = everybody,
    exits: Sequence[ExitRequest] = (),
) -> Selection:
    """Return what the next block does with the first accepted records, of `orders_max` orders or a
    few more, where each account's orders stand by nonce. It does something with them, if there are
    any. The block brings `exits`, whose sweeps come first.

    `accepted` are those that no block has decided, authorised and in the log's order, by id.
    Orders of an account run in the order of their nonces, whatever the log's; orders of an asset
    stand together, since a chunk's fees go to at most four accounts.

    A rejection's code is what `check_record` says at the block's start with all orders of the block
    pending. A validator accepts exactly these (`check_rejections`): a record is executed, or truly
    can't be. One that runs ahead of an account's nonce is rejected only if no accepted order that
    would fill the gap is left for a later block.
    """
    # As the log mostly has each account's orders by nonce, what comes later need not be read.
    window = dict(islice(accepted.items(), orders_max))
    selection = _chosen(ledger, accepted, _first(window, orders_max), ts_s, may_hold, exits)
    while selection is None:
        taken = _first(accepted, orders_max)
        selection = _chosen(ledger, accepted, taken, ts_s, may_hold, exits)
        # Groups that wait for each other in a circle can only be rejected all at once.
        orders_max *= 2
    return selection


def _chosen(
    ledger: Ledger,
    accepted: Mapping[Digest, OrderRecord],
    taken: Mapping[Digest, OrderRecord],
    ts_s: int,
    may_hold: MayHold,
    exits: Sequence[ExitRequest],
) -> Selection | None:
    """Return what a block of these records does, or None if one of them waits for one left out."""
    pending = pending_sweeps(ledger, exits)
    executable = _executable(ledger, taken, ts_s, pending, may_hold)
    rejections = []
    ahead = []
    for record_id, record in taken.items():
        if record_id in executable:
            continue
        error = _refusal(ledger, record, ts_s, pending, may_hold)
        check_invariant(error is not None, "a record can be executed but is not", id=record_id)
        if error is None:
            continue
        if isinstance(error, NonceGap):
            ahead.append(record)
        rejections.append(Rejection(record_id, error.number))
    if ahead:
        left = _left((r for d, r in accepted.items() if d not in taken), ahead)
        if any(_may_be_filled(ledger, record, pending, left) for record in ahead):
            return None
    return Selection(_by_asset(ledger, executable), tuple(rejections))


def check_rejections(
    ledger: Ledger,
    body: Body,
    accepted: Mapping[Digest, OrderRecord],
    ts_s: int,
    may_hold: MayHold = everybody,
) -> None:
    """Check that each rejection of a block is justified at its start, `ledger`.

    `accepted` are the records before the block in the log that no block has decided, the block's
    own too. `body`'s records must be executable (see `execute`). Raises RejectionUnjustified for
    the first rejection of a record that was not accepted, stands in the block already, could be
    executed, has another code, or waits for an accepted order that the block leaves out.
    """
    if not body.rejections:
        return
    pending = pending_sweeps(ledger, body.exits)
    executed = {record.orders for record in body.records}
    for record in body.records:
        for judged in check_record(ledger, record, ts_s, pending):
            pending.add(judged)
    rejected = {rejection.record_id for rejection in body.rejections}
    left: Mapping[_Purse, Sequence[int]] | None = None
    seen = set[Digest]()
    for index, rejection in enumerate(body.rejections):
        record_id = rejection.record_id
        reject = accepted.get(record_id)
        if reject is None:
            raise RejectionUnjustified(index, record_id, "no such order was accepted")
        if record_id in seen or reject.orders in executed:
            raise RejectionUnjustified(index, record_id, "the block has decided it already")
        seen.add(record_id)
        error = _refusal(ledger, reject, ts_s, pending, may_hold)
        if error is None:
            raise RejectionUnjustified(index, record_id, "it can be executed")
        if error.number != rejection.number:
            raise RejectionUnjustified(
                index, record_id, f"its code is {error.number}, not {rejection.number}"
            )
        if not isinstance(error, NonceGap):
            continue
        if left is None:
            waiting = (r for d, r in accepted.items() if d not in rejected)
            ahead = [accepted[d] for d in rejected if d in accepted]
            left = _left(waiting, ahead, executed)
        if _may_be_filled(ledger, reject, pending, left):
            raise RejectionUnjustified(index, record_id, "the order before it is left out")


def _first(accepted: Mapping[Digest, OrderRecord], orders_max: int) -> dict[Digest, OrderRecord]:
    """Return the first records, of `orders_max` orders or a few more."""
    taken = dict[Digest, OrderRecord]()
    count = 0
    for record_id in _in_turn(accepted):
        if count >= orders_max:
            break
        taken[record_id] = accepted[record_id]
        count += len(accepted[record_id].orders)
    return taken


def _in_turn(accepted: Mapping[Digest, OrderRecord]) -> Iterator[Digest]:
    """Yield the records in the log's order, but after those that have lower nonces of an account.

    So whatever is taken from the front waits for nothing that is left. (Groups that wait for each
    other in a circle, which admission doesn't let in, come in some order: `select` takes all.)
    """
    by_purse = defaultdict[_Purse, list[tuple[int, Digest]]](list)
    for record_id, record in accepted.items():
        for order in record.orders:
            by_purse[_purse(order)].append((order.nonce, record_id))
    queues = {purse: deque(sorted(entries)) for purse, entries in by_purse.items()}
    begun = set[Digest]()
    for first in accepted:
        stack = [first] if first not in begun else []
        while stack:
            begun.add(stack[-1])
            before = _before(accepted[stack[-1]], queues, begun)
            if before is not None:
                stack.append(before)
            else:
                yield stack.pop()


def _before(
    record: OrderRecord, queues: Mapping[_Purse, deque[tuple[int, Digest]]], begun: set[Digest]
) -> Digest | None:
    """Return a record that has a lower nonce of an account of this one's, and was not begun."""
    for order in record.orders:
        queue = queues[_purse(order)]
        while queue and queue[0][1] in begun:
            queue.popleft()
        if queue and queue[0][0] < order.nonce:
            return queue[0][1]
    return None


def _executable(
    ledger: Ledger,
    records: Mapping[Digest, OrderRecord],
    ts_s: int,
    pending: Pending,
    may_hold: MayHold,
) -> dict[Digest, OrderRecord]:
    """Return what can be executed, in an order that works, and count it as pending."""
    executable = dict[Digest, OrderRecord]()
    ahead = defaultdict[tuple[_Purse, int], list[Digest]](list)
    for first in records:
        queue = deque([first])
        while queue:
            record_id = queue.popleft()
            if record_id in executable:
                continue
            record = records[record_id]
            try:
                judged = check_record(ledger, record, ts_s, pending, may_hold)
            except NonceGap:
                for order in record.orders:
                    ahead[_purse(order), order.nonce].append(record_id)
            except PaymentError:
                # Judged again at the end: orders still to come may change the reason.
                pass
            else:
                executable[record_id] = record
                for one in judged:
                    pending.add(one)
                for order in record.orders:
                    queue += ahead.pop((_purse(order), order.nonce + 1), ())
    return executable


def _by_asset(
    ledger: Ledger, executable: Mapping[Digest, OrderRecord]
) -> Mapping[Digest, OrderRecord]:
    """Return the records with orders of an asset side by side, as far as groups between them, which
    hold several accounts in turn, let them."""
    arranged = dict[Digest, OrderRecord]()
    run: list[tuple[Digest, OrderRecord]] = []

    def asset_id(item: tuple[Digest, OrderRecord]) -> int:
        return ledger.asset_ids[item[1].orders[0].asset]

    for record_id, record in executable.items():
        if isinstance(record, OrderGroup):
            arranged.update(sorted(run, key=asset_id))
            arranged[record_id] = record
            run = []
        else:
            run.append((record_id, record))
    arranged.update(sorted(run, key=asset_id))
    return arranged


def _refusal(
    ledger: Ledger, record: OrderRecord, ts_s: int, pending: Pending, may_hold: MayHold
) -> PaymentError | None:
    try:
        check_record(ledger, record, ts_s, pending, may_hold)
    except PaymentError as error:
        return error
    return None


def _left(
    records: Iterable[OrderRecord],
    ahead: Iterable[OrderRecord],
    executed: Collection[tuple[Order, ...]] = (),
) -> Mapping[_Purse, Sequence[int]]:
    """Return the nonces, ascending, of the accounts of those `ahead` that stand in `records`, but
    for what the block executes."""
    nonces: dict[_Purse, list[int]] = {_purse(order): [] for r in ahead for order in r.orders}
    for record in records:
        for order in record.orders:
            own = nonces.get(_purse(order))
            if own is not None and record.orders not in executed:
                own.append(order.nonce)
    for own in nonces.values():
        own.sort()
    return nonces


def _may_be_filled(
    ledger: Ledger, record: OrderRecord, pending: Pending, left: Mapping[_Purse, Sequence[int]]
) -> bool:
    """Return whether a record that is ahead may yet have its turn: one before it is left."""
    for order in record.orders:
        asset = ledger.asset_of(order.asset)  # None of a leg behind the one that is ahead
        account = ledger.account(order.payer, asset.asset_id) if asset is not None else None
        due = account[1].nonce + pending.of(account[0])[0] if account is not None else order.nonce
        nonces = left[_purse(order)]
        place = bisect_left(nonces, due)
        if place < len(nonces) and nonces[place] < order.nonce:
            return True
    return False


def _purse(order: Order) -> _Purse:
    return order.payer, order.asset
