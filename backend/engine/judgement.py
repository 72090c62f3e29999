"""Judges a proposed block as an honest validator does. Law: docs/PROTOCOL.md, sections 5 and 6.

All but one thing follows from the log: whether this validator's own view of L1 has come as far as
the block's. Until then he waits (`L1NotReached`), so that honest validators never part ways.
"""

from collections.abc import Iterable
from functools import partial
from itertools import chain

import numpy as np

from backend.engine.accepted import has_roots, is_authorised
from backend.engine.ledger import InvalidBlock, MayHold, check_rejections
from backend.engine.ports import L1View
from backend.engine.replica import Prepared, Replica
from backend.engine.rounds import Proposed, Tip
from backend.engine.runs import eligible
from backend.engine.vector.records import RecordRun
from backend.protocol.blocks import Body
from backend.protocol.orders import PaymentOrder
from backend.protocol.types import Epoch

TIMESTAMP_BEHIND_MS_MAX = 5_000
ORDER_WAIT_MS_MAX = 10_000
"""Longer than an honest proposer's block may be on its way to the log."""


class L1NotReached(Exception):
    """This validator's view of L1 is not there yet; the block may well be valid."""


class HeaderInvalid(InvalidBlock):
    """A field of the block breaks a rule."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class L1FactsDiffer(InvalidBlock):
    """The block's listings, deposits, roots or exits are not L1's next ones."""

    def __init__(self, kind: str, count: int) -> None:
        super().__init__(f"the {count} {kind} of the block are not the next ones of L1")
        self.kind = kind
        self.count = count


class EpochInvalid(InvalidBlock):
    """The block closes its epoch for one that is not L1's newest."""

    def __init__(self, number: int) -> None:
        super().__init__(f"epoch {number} is not L1's newest one, or not with these members")
        self.number = number


class LeftOut(InvalidBlock):
    """The block passes over what had its turn: so a proposer could keep it out for ever."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"the first {kind} that waits is left out")
        self.kind = kind


class OrderRefused(InvalidBlock):
    """A record in the block is not authorised, was rejected by an earlier block, or pays somebody
    who may not hold the asset."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"record {index}: {reason}")
        self.index = index
        self.reason = reason


def judge(replica: Replica, proposed: Proposed, l1: L1View) -> None:
    """Return if the block is valid upon the replica's tip.

    Raises InvalidBlock, or L1NotReached when that can't be said yet.
    """
    _check_header(proposed, replica.rounds.tip)
    block = proposed.block
    prepared = replica.prepare(proposed.block_hash, block, proposed.body)
    body = prepared.body
    if body.l1_block_number > proposed.l1_attested:
        raise HeaderInvalid("l1BlockNumber", f"only {proposed.l1_attested} is attested")
    if max(body.l1_block_number, replica.rounds.l1_due) > l1.confirmed().number:
        raise L1NotReached
    _check_l1_facts(replica, body, l1)
    may_hold = partial(l1.may_hold, to_l1_block=body.l1_block_number, ts_s=block.ts_s)
    _check_records(replica, prepared, l1, may_hold)
    _check_oldest_record(replica, proposed, body)
    if body.rejections:
        accepted = replica.accepted.before(proposed.position)
        check_rejections(replica.ledger, body, accepted, block.ts_s, may_hold)


def _check_header(proposed: Proposed, tip: Tip) -> None:
    block = proposed.block
    if block.parent_hash != tip.block_hash:
        raise HeaderInvalid("parentHash", "it is not the last certified block")
    if block.timestamp_ms < tip.timestamp_ms:
        raise HeaderInvalid("timestampMs", "it is before the parent's")
    if block.timestamp_ms > proposed.stamp_ms:
        raise HeaderInvalid("timestampMs", "it is after the log's stamp")
    if block.timestamp_ms < proposed.stamp_ms - TIMESTAMP_BEHIND_MS_MAX:
        raise HeaderInvalid("timestampMs", "it is too far behind the log's stamp")


def _check_records(replica: Replica, prepared: Prepared, l1: L1View, may_hold: MayHold) -> None:
    accepted, domain = replica.accepted, replica.committee.domain
    for index in _doubtful(replica, prepared, l1, may_hold):
        record_id, record = prepared.record_ids[index], prepared.body.records[index]
        if record_id in accepted.rejected:
            raise OrderRefused(index, "an earlier block has rejected it")
        if not accepted.is_checked(record_id, record):
            if not has_roots(record, replica.ledger):
                raise OrderRefused(index, "its payer has not authorised the root")
            if not is_authorised(domain, record, record_id):
                raise OrderRefused(index, "it is not authorised")
        for order in record.orders:
            if isinstance(order, PaymentOrder) and not (
                may_hold(order.asset, order.payer) and may_hold(order.asset, order.payee)
            ):
                raise OrderRefused(index, "payer or payee may not hold the asset")


def _doubtful(replica: Replica, prepared: Prepared, l1: L1View, may_hold: MayHold) -> Iterable[int]:
    """Return which records have to be looked at, ascending: of those in columns the few that are
    not accepted just as they are, or whose parties may not hold their asset."""
    records, accepted = prepared.body.records, replica.accepted
    if not isinstance(records, RecordRun):
        return range(len(records))
    if prepared.doubtful is not None:
        return prepared.doubtful
    doubtful = {
        index
        for index, record_id in enumerate(prepared.record_ids)
        if record_id in accepted.rejected
        or not accepted.is_known(record_id, records.bytes_of(index))
    }
    flags = eligible(records, replica.ledger.assets, l1.is_regulated, may_hold)
    if flags is not None:
        past = records.orders.starts[1:]
        doubtful.update(np.searchsorted(past, np.flatnonzero(~flags), side="right").tolist())
    prepared.doubtful = sorted(doubtful)
    return prepared.doubtful


def _check_l1_facts(replica: Replica, body: Body, l1: L1View) -> None:
    to_l1_block = body.l1_block_number
    ledger = replica.ledger
    listings = l1.listings(len(ledger.assets), to_l1_block)
    if tuple(listings[: len(body.listings)]) != body.listings:
        raise L1FactsDiffer("listings", len(body.listings))
    deposits = l1.deposits(ledger.deposit_count, to_l1_block)
    if tuple(deposits[: len(body.deposits)]) != body.deposits:
        raise L1FactsDiffer("deposits", len(body.deposits))
    roots = l1.roots(len(ledger.roots), to_l1_block)
    if tuple(roots[: len(body.roots)]) != body.roots:
        raise L1FactsDiffer("roots", len(body.roots))
    exits = l1.exits(ledger.exit_count, to_l1_block)
    if tuple(exits[: len(body.exits)]) != body.exits:
        raise L1FactsDiffer("exits", len(body.exits))
    if body.epoch is not None and body.epoch != next_epoch(replica, l1, to_l1_block):
        raise EpochInvalid(body.epoch.number)
    _check_due_facts(replica, body, l1)


def _check_due_facts(replica: Replica, body: Body, l1: L1View) -> None:
    """Check that each kind of fact that waits has its turn: one is enough.

    A deposit's turn comes once its asset is listed here.
    """
    ledger, l1_due = replica.ledger, replica.rounds.l1_due
    if not body.listings and l1.listings(len(ledger.assets), l1_due):
        raise LeftOut("listing")
    asset_id_max = len(ledger.assets) + len(body.listings)
    deposits = () if body.deposits else l1.deposits(ledger.deposit_count, l1_due)
    if deposits and deposits[0].asset_id <= asset_id_max:
        raise LeftOut("deposit")
    if not body.roots and l1.roots(len(ledger.roots), l1_due):
        raise LeftOut("root")
    if not body.exits and l1.exits(ledger.exit_count, l1_due):
        raise LeftOut("exit")
    if body.epoch is None and next_epoch(replica, l1, l1_due) is not None:
        raise LeftOut("epoch")


def next_epoch(replica: Replica, l1: L1View, to_l1_block: int) -> Epoch | None:
    """Return the newest epoch that L1 has begun by then, if it is newer than that in progress."""
    epoch = l1.epoch(to_l1_block)
    is_newer = epoch is not None and epoch.number > replica.committee.epoch
    return epoch if is_newer else None


def _check_oldest_record(replica: Replica, proposed: Proposed, body: Body) -> None:
    """Check that the first accepted record doesn't wait in vain. One with an order of an account
    of its own that has no higher nonce will do: it may have to come first."""
    accepted = replica.accepted
    arrival = accepted.oldest
    if arrival is None or arrival.position > proposed.position:
        return
    if arrival.stamp_ms + ORDER_WAIT_MS_MAX > proposed.stamp_ms:
        return
    first = next(iter(accepted.undecided.values()))
    nonces = {(order.payer, order.asset): order.nonce for order in first.orders}
    rejected = (accepted.undecided.get(rejection.record_id) for rejection in body.rejections)
    records = chain(body.records, (record for record in rejected if record is not None))
    if not any(
        order.nonce <= nonces.get((order.payer, order.asset), -1)
        for record in records
        for order in record.orders
    ):
        raise LeftOut("order")
