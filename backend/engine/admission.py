"""Decides which orders are taken in. Law: what is pending is counted, so nobody spends twice."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import repeat
from typing import cast

import numpy as np

from backend.engine.accepted import is_authorised, missing_root
from backend.engine.ledger import Judged, MayHold, Pending, check_record
from backend.engine.replica import FinalBlock, Replica
from backend.engine.runs import OrderRun, eligible
from backend.engine.signers import Recover
from backend.engine.vector import judging
from backend.engine.vector.counted import Counted
from backend.engine.vector.index import NO_ROW, Numbers, key_of, key_words
from backend.engine.vector.judging import FINE, Verdicts
from backend.engine.vector.leaves import FlatLedger
from backend.engine.vector.loops import Words
from backend.engine.vector.orders import Flags, Orders
from backend.engine.vector.records import RecordRun
from backend.protocol.errors import (
    FeeTooLow,
    InsufficientFunds,
    InvariantViolated,
    NonceGap,
    NonceTooLow,
    NotAuthorised,
    NotEligible,
    OrderExpired,
    PaymentError,
    RootUnknown,
    check_invariant,
)
from backend.protocol.hashing import Digest
from backend.protocol.order_records import (
    OrderGroup,
    OrderRecord,
    RootedOrder,
    authorised_orders,
)
from backend.protocol.orders import PaymentOrder
from backend.protocol.signing import recover
from backend.protocol.types import AccountId, Address, Asset, address_text, digest_text

Purse = tuple[Address, Address]
"""Payer and token: one account's orders."""
LeastFee = Callable[[Asset, int], int]
"""A condition of the operator's own: the least fee of an amount, both in minor units."""


class Admission:
    """Counts with every record between its admission and its block."""

    def __init__(
        self,
        replica: Replica,
        may_hold: MayHold,
        is_regulated: Callable[[Address], bool],
        least_fee: LeastFee | None = None,
    ) -> None:
        """`may_hold` tells how things stand now; all may hold a token that isn't regulated."""
        check_invariant(isinstance(replica.ledger, FlatLedger), "a ledger without columns")
        self._replica = replica
        self._accounts = cast(FlatLedger, replica.ledger).accounts
        self._may_hold = may_hold
        self._is_regulated = is_regulated
        self._least_fee = least_fee
        self._pending = Counted(self._accounts)
        self._admitted: dict[Digest, tuple[OrderRecord, tuple[Judged, ...]]] = {}
        self._nonces: dict[Purse, list[int]] = {}
        """By account those of the records above, ascending."""
        self._in_runs: dict[Digest, tuple[OrderRun, int]] = {}
        self._uncounted = 0
        """How many records above can't be executed as things stand."""

    def admit(
        self, record_id: Digest, record: OrderRecord, now_ms: int, recover: Recover = recover
    ) -> None:
        """Count with a record from now on. It must not be counted with already.

        Raises GroupInvalid, RootUnknown, SignatureInvalid, SignatureHighS, NotAuthorised, what
        `check_record` raises after all that is pending, NonceTooLow while an order of a higher
        nonce waits to be rejected, or FeeTooLow.
        """
        self._check_authority(record_id, record, recover)
        judged = self._check(record, now_ms)
        for order, one in zip(record.orders, judged, strict=True):
            nonces = self._nonces.get((order.payer, order.asset), ())
            counted = self._pending.highest_nonce(one.payer_id)
            highest = max((*nonces[-1:], -1 if counted is None else counted), default=-1)
            if order.nonce <= highest:
                # A block on its way may reject that one, since nothing comes before it. With this
                # order before it after all, the block would be invalid.
                raise NonceTooLow(highest + 1, order.nonce)
        if self._least_fee is not None:
            for one in judged:
                least_minor = self._least_fee(one.asset, one.amount_minor)
                if one.fee_minor < least_minor:
                    raise FeeTooLow(least_minor, one.fee_minor)
        self._count(record_id, record, judged)

    @property
    def takes_runs(self) -> bool:
        """Whether runs can be judged: not while something in the log can't be executed."""
        return not self._uncounted

    def judge_run(self, records: RecordRun, now_ms: int) -> Verdicts:
        """Judge signed orders one after the other, and count with those that may come in."""
        orders = records.orders
        return judging.judge(
            self._accounts,
            judging.Listings.of(self._replica.ledger.assets),
            orders,
            self._ts_s(now_ms),
            self._pending.with_room(orders.order_count),
            eligible(records, self._replica.ledger.assets, self._is_regulated, self._may_hold),
            self._least_fees if self._least_fee is not None else None,
        )

    def has_account(self, orders: Orders) -> Flags:
        """Return which payers have an account of the order's asset. Any thread may ask; it may miss
        one that is being opened."""
        flags = np.zeros(orders.order_count, np.bool_)
        for asset in list(self._replica.ledger.assets.values()):
            token = key_words(key_of(asset.token, 0))
            (places,) = np.nonzero((orders.tokens == token).all(axis=1))
            keys = orders.payers[places]
            keys[:, -1] |= np.uint64(asset.asset_id)
            flags[places] = self._accounts.rows(keys) != NO_ROW
        return flags

    def refusal(
        self, records: RecordRun, place: int, verdicts: Verdicts, now_ms: int
    ) -> PaymentError:
        """Return why an order of a run was refused, at the time at which it was judged."""
        code, detail = int(verdicts.codes[place]), int(verdicts.details[place])
        order = records[place].orders[0]
        if code in (NonceTooLow.number, NonceGap.number):
            kind = NonceTooLow if code == NonceTooLow.number else NonceGap
            return kind(detail, order.nonce)
        debit = int(verdicts.amounts[place]) + int(verdicts.fees[place])
        if code == InsufficientFunds.number:
            return InsufficientFunds(detail, debit)
        if code == FeeTooLow.number:
            return FeeTooLow(detail, int(verdicts.fees[place]))
        if code == NotEligible.number and isinstance(order, PaymentOrder):
            is_payer = not self._may_hold(order.asset, order.payer)
            return NotEligible(address_text(order.payer if is_payer else order.payee))
        try:  # what no account can change, or that there is none: nothing pending matters
            check_record(self._replica.ledger, records[place], self._ts_s(now_ms), Pending())
        except PaymentError as error:
            return error
        raise InvariantViolated(f"an order is refused with {code}, and nothing is wrong with it")

    def keep_run(self, run: OrderRun) -> None:
        """Know a run whose orders are counted with."""
        self._in_runs.update(zip(run.ids, zip(repeat(run), range(len(run))), strict=False))

    def drop_run(self, run: OrderRun) -> None:
        """Count no more with a run that the log doesn't take."""
        self._pending.remove_many(run.payer_rows, run.debits)
        self._pending.forget_nonces(run.payer_rows, run.records.orders.nonces)

    def withdraw(self, record_id: Digest) -> None:
        """Count no more with a record that never came to be. A repeat does nothing."""
        self.withdraw_all([record_id])

    def withdraw_all(self, record_ids: Iterable[Digest]) -> None:
        """Count no more with records that never came to be: their nonces can be used again. A
        repeat does nothing."""
        for rows, nonces in self._remove_all(record_ids):
            self._pending.forget_nonces(rows, nonces)

    def _remove_all(self, record_ids: Iterable[Digest]) -> list[tuple[Numbers, Words]]:
        """Count with these no more; return whose and which nonces they were."""
        places = defaultdict[OrderRun, list[int]](list)
        removed = []
        for record_id in record_ids:
            in_run = self._in_runs.pop(record_id, None)
            if in_run is not None:
                places[in_run[0]].append(in_run[1])
            elif record_id in self._admitted:
                removed.append(self._remove_one(record_id))
        for run, of_run in places.items():
            of_run.sort()
            rows = run.payer_rows[of_run]
            self._pending.remove_many(rows, run.debits[of_run])
            removed.append((rows, run.records.orders.nonces[of_run]))
        return removed

    def _remove_one(self, record_id: Digest) -> tuple[Numbers, Words]:
        record, judged = self._admitted.pop(record_id)
        for one in judged:
            self._pending.remove(one)
        self._uncounted -= not judged
        for order in record.orders:
            nonces = self._nonces[order.payer, order.asset]
            del nonces[bisect_left(nonces, order.nonce)]
            if not nonces:
                del self._nonces[order.payer, order.asset]
        rows = self._accounts.rows_of(np.array([one.payer_id for one in judged], np.uint32))
        return rows, np.array([order.nonce for order in record.orders[: len(judged)]], np.uint64)

    def on_accepted(self, record_id: Digest, record: OrderRecord) -> None:
        """Count with a record in the log, whoever admitted it."""
        if record_id in self._admitted or record_id in self._in_runs:
            return
        try:
            judged = self._check(record, 0)
        except PaymentError:
            # It can't be executed as things stand; the block that takes it up will say so.
            judged = ()
        self._count(record_id, record, judged)

    def on_final(self, final: FinalBlock) -> None:
        """Count with a block's records no more."""
        self._remove_all(final.record_ids)
        self._remove_all(rejection.record_id for rejection in final.body.rejections)

    def is_authorised(self, record_id: Digest, record: OrderRecord) -> bool:
        """Return whether the payers authorised it; of a record admitted here that is known."""
        admitted = self._admitted.get(record_id)
        if admitted is not None and admitted[0] == record:
            return True
        in_run = self._in_runs.get(record_id)
        if in_run is not None and in_run[0].records.bytes_of(in_run[1]) == record.encode():
            return True
        return is_authorised(self._replica.committee.domain, record, record_id)

    def pending_of(self, account_id: AccountId) -> tuple[int, int]:
        """Return how many orders of a payer are pending, and their debit in minor units."""
        return self._pending.of(account_id)

    def nonce_next(self, payer: Address, token: Address) -> int | None:
        """Return the nonce that the payer's next order must have, or None without an account."""
        ledger = self._replica.ledger
        asset = ledger.asset_of(token)
        account = ledger.account(payer, asset.asset_id) if asset is not None else None
        if account is None:
            return None
        account_id, leaf = account
        return leaf.nonce + self._pending.of(account_id)[0]

    def too_late(self, record: OrderRecord) -> PaymentError:
        """Say why a record counts no more: a block overtook it between admission and log."""
        for order in record.orders:
            nonce = self.nonce_next(order.payer, order.asset)
            if nonce is not None and order.nonce < nonce:
                return NonceTooLow(nonce, order.nonce)
        valid_until = min(order.valid_until for order in record.orders)
        return OrderExpired(valid_until, self._replica.ts_s)

    def _check_authority(self, record_id: Digest, record: OrderRecord, recover: Recover) -> None:
        if isinstance(record, OrderGroup):
            record.check()
        missing = missing_root(record, self._replica.ledger)
        if missing is not None:
            raise RootUnknown(address_text(missing.owner), digest_text(missing.root))
        domain, is_group = self._replica.committee.domain, isinstance(record, OrderGroup)
        for authorised in authorised_orders(record):
            digest = authorised.digest(domain) if is_group else record_id
            payer = authorised.order.payer
            if isinstance(authorised, RootedOrder):
                is_his = authorised.is_proven(digest)
            else:
                is_his = recover(digest, authorised.signature) == payer
            if not is_his:
                raise NotAuthorised(address_text(payer))

    def _check(self, record: OrderRecord, now_ms: int) -> tuple[Judged, ...]:
        ledger, ts_s = self._replica.ledger, self._ts_s(now_ms)
        return check_record(ledger, record, ts_s, self._pending, self._may_hold)

    def _ts_s(self, now_ms: int) -> int:
        return max(now_ms // 1000, self._replica.ts_s)

    def _least_fees(self, verdicts: Verdicts) -> Words:
        assets, least_fee = self._replica.ledger.assets, self._least_fee
        due = np.zeros(len(verdicts.codes), np.uint64)
        if least_fee is not None:
            (fine,) = np.nonzero(verdicts.codes == FINE)
            asset_ids, amounts = verdicts.asset_ids[fine].tolist(), verdicts.amounts[fine].tolist()
            due[fine] = [least_fee(assets[a], m) for a, m in zip(asset_ids, amounts, strict=True)]
        return due

    def _count(self, record_id: Digest, record: OrderRecord, judged: tuple[Judged, ...]) -> None:
        for order, one in zip(record.orders, judged, strict=False):
            self._pending.add(one)
            self._pending.note_nonce(one.payer_id, order.nonce)
        self._uncounted += not judged
        for order in record.orders:
            insort(self._nonces.setdefault((order.payer, order.asset), []), order.nonce)
        self._admitted[record_id] = (record, judged)
