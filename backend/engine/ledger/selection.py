"""Chooses the next block's orders, and judges somebody else's choice.

Law: an accepted order ends executed or rejected, and is rejected only for the true reason.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from backend.engine.ledger.errors import RejectionUnjustified
from backend.engine.ledger.judge import Pending, check_order
from backend.engine.ledger.state import Ledger
from backend.protocol.blocks import Body, Rejection
from backend.protocol.errors import NonceGap, PaymentError, check_invariant
from backend.protocol.hashing import Digest
from backend.protocol.orders import Order, SignedOrder
from backend.protocol.types import Address

_Purse = tuple[Address, Address]
"""Payer and token: one account's orders."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Orders of a block, in the order of execution, and those that it rejects."""

    executable: Mapping[Digest, SignedOrder]
    rejections: tuple[Rejection, ...]


def select(
    ledger: Ledger, accepted: Mapping[Digest, SignedOrder], ts_s: int, orders_max: int
) -> Selection:
    """Return what the next block does with the first `orders_max` of the accepted orders, where
    each account's orders stand by nonce. It does something with them, if there are any.

    `accepted` are those that no block has decided, authorised and in the log's order, by digest.
    Orders of an account run in the order of their nonces, whatever the log's; orders of an asset
    stand together, since a chunk's fees go to at most four accounts.

    A rejection's code is what `check_order` says at the block's start with all orders of the block
    pending. A validator accepts exactly these (`check_rejections`): an order is executed, or truly
    can't be. An order that runs ahead of its account's nonce is rejected only if no accepted order
    that would fill the gap is left for a later block.
    """
    taken = _first(accepted, orders_max)
    pending = Pending()
    executable = _executable(ledger, taken, ts_s, pending)
    rejections = []
    for digest, signed in taken.items():
        if digest in executable:
            continue
        error = _refusal(ledger, signed.order, ts_s, pending)
        check_invariant(error is not None, "an order can be executed but is not", digest=digest)
        if error is not None:
            rejections.append(Rejection(digest, error.number))
    by_asset = sorted(executable.items(), key=lambda item: ledger.asset_ids[item[1].order.asset])
    return Selection(dict(by_asset), tuple(rejections))


def check_rejections(
    ledger: Ledger, body: Body, accepted: Mapping[Digest, SignedOrder], ts_s: int
) -> None:
    """Check that each rejection of a block is justified at its start, `ledger`.

    `accepted` are the orders before the block in the log that no block has decided, the block's
    own too. `body`'s orders must be executable (see `execute`). Raises RejectionUnjustified for
    the first rejection of an order that was not accepted, stands in the block already, could be
    executed, has another code, or waits for an accepted order that the block leaves out.
    """
    if not body.rejections:
        return
    pending = Pending()
    executed = {signed.order for signed in body.orders}
    for signed in body.orders:
        pending.add(check_order(ledger, signed.order, ts_s, pending))
    rejected = {rejection.digest for rejection in body.rejections}
    decided = {d: s for d, s in accepted.items() if d in rejected or s.order in executed}
    left = _left(accepted, decided)
    seen = set[Digest]()
    for index, rejection in enumerate(body.rejections):
        digest = rejection.digest
        reject = accepted.get(digest)
        if reject is None:
            raise RejectionUnjustified(index, digest, "no such order was accepted")
        if digest in seen or reject.order in executed:
            raise RejectionUnjustified(index, digest, "the block has decided it already")
        seen.add(digest)
        error = _refusal(ledger, reject.order, ts_s, pending)
        if error is None:
            raise RejectionUnjustified(index, digest, "the order can be executed")
        if error.number != rejection.number:
            raise RejectionUnjustified(
                index, digest, f"its code is {error.number}, not {rejection.number}"
            )
        if _may_be_filled(error, reject.order, left):
            raise RejectionUnjustified(index, digest, "the order before it is left out")


def _first(accepted: Mapping[Digest, SignedOrder], orders_max: int) -> dict[Digest, SignedOrder]:
    """Return the first orders; for each account those of the lowest nonces, so that none of them
    waits for one that is left out."""
    by_purse = defaultdict[_Purse, list[Digest]](list)
    for digest, signed in accepted.items():
        by_purse[_purse(signed.order)].append(digest)
    in_turn = {
        purse: iter(sorted(digests, key=lambda digest: accepted[digest].order.nonce))
        for purse, digests in by_purse.items()
    }
    digests = (
        next(in_turn[_purse(signed.order)]) for signed in islice(accepted.values(), orders_max)
    )
    return {digest: accepted[digest] for digest in digests}


def _executable(
    ledger: Ledger, orders: Mapping[Digest, SignedOrder], ts_s: int, pending: Pending
) -> dict[Digest, SignedOrder]:
    """Return what can be executed, in an order that works, and count it as pending."""
    executable = dict[Digest, SignedOrder]()
    ahead = defaultdict[tuple[_Purse, int], list[Digest]](list)
    for first in orders:
        queue = [first]
        while queue:
            digest = queue.pop(0)
            order = orders[digest].order
            try:
                judged = check_order(ledger, order, ts_s, pending)
            except NonceGap:
                ahead[_purse(order), order.nonce].append(digest)
            except PaymentError:
                # Judged again at the end: orders still to come may change the reason.
                pass
            else:
                pending.add(judged)
                executable[digest] = orders[digest]
                queue = ahead.pop((_purse(order), order.nonce + 1), [])
    return executable


def _refusal(ledger: Ledger, order: Order, ts_s: int, pending: Pending) -> PaymentError | None:
    try:
        check_order(ledger, order, ts_s, pending)
    except PaymentError as error:
        return error
    return None


def _left(
    accepted: Mapping[Digest, SignedOrder], decided: Mapping[Digest, SignedOrder]
) -> Mapping[_Purse, Sequence[int]]:
    """Return the nonces of the accepted orders that the block leaves out, by account."""
    nonces = defaultdict[_Purse, list[int]](list)
    for digest, signed in accepted.items():
        if digest not in decided:
            nonces[_purse(signed.order)].append(signed.order.nonce)
    return nonces


def _may_be_filled(error: PaymentError, order: Order, left: Mapping[_Purse, Iterable[int]]) -> bool:
    """Return whether an order that is ahead may yet have its turn: one before it is left."""
    return isinstance(error, NonceGap) and any(
        error.expected <= nonce < order.nonce for nonce in left.get(_purse(order), ())
    )


def _purse(order: Order) -> _Purse:
    return order.payer, order.asset
