"""Decides which orders are taken in. Law: what is pending is counted, so nobody spends twice."""

from bisect import bisect_left, insort
from collections.abc import Callable

from backend.engine.accepted import is_authorised, missing_root
from backend.engine.ledger import Judged, MayHold, Pending, check_record
from backend.engine.replica import FinalBlock, Replica
from backend.engine.signers import Recover
from backend.protocol.errors import (
    NonceTooLow,
    NotAuthorised,
    OrderExpired,
    PaymentError,
    RootUnknown,
)
from backend.protocol.hashing import Digest
from backend.protocol.order_records import (
    OrderGroup,
    OrderRecord,
    RootedOrder,
    authorised_orders,
)
from backend.protocol.orders import Order
from backend.protocol.signing import recover
from backend.protocol.types import AccountId, Address, address_text, digest_text

Purse = tuple[Address, Address]
"""Payer and token: one account's orders."""
Rule = Callable[[Order, Judged], None]
"""A condition of the operator's own (a least fee, say). Raises PaymentError."""


class Admission:
    """Counts with every record between its admission and its block."""

    def __init__(self, replica: Replica, may_hold: MayHold, rule: Rule | None = None) -> None:
        """`may_hold` tells how things stand now."""
        self._replica = replica
        self._may_hold = may_hold
        self._rule = rule
        self._pending = Pending()
        self._admitted: dict[Digest, tuple[OrderRecord, tuple[Judged, ...]]] = {}
        self._nonces: dict[Purse, list[int]] = {}
        """By account those of the records above, ascending."""

    def admit(
        self, record_id: Digest, record: OrderRecord, now_ms: int, recover: Recover = recover
    ) -> None:
        """Count with a record from now on. It must not be counted with already.

        Raises GroupInvalid, RootUnknown, SignatureInvalid, SignatureHighS, NotAuthorised, what
        `check_record` raises after all that is pending, NonceTooLow while an order of a higher
        nonce waits to be rejected, or what the operator's rule raises.
        """
        self._check_authority(record_id, record, recover)
        judged = self._check(record, now_ms)
        for order in record.orders:
            nonces = self._nonces.get((order.payer, order.asset))
            if nonces is not None and order.nonce <= nonces[-1]:
                # A block on its way may reject that one, since nothing comes before it. With this
                # order before it after all, the block would be invalid.
                raise NonceTooLow(nonces[-1] + 1, order.nonce)
        if self._rule is not None:
            for order, one in zip(record.orders, judged, strict=True):
                self._rule(order, one)
        self._count(record_id, record, judged)

    def withdraw(self, record_id: Digest) -> None:
        """Count with a record no more. A repeat does nothing."""
        admitted = self._admitted.pop(record_id, None)
        if admitted is None:
            return
        for one in admitted[1]:
            self._pending.remove(one)
        for order in admitted[0].orders:
            nonces = self._nonces[order.payer, order.asset]
            del nonces[bisect_left(nonces, order.nonce)]
            if not nonces:
                del self._nonces[order.payer, order.asset]

    def on_accepted(self, record_id: Digest, record: OrderRecord) -> None:
        """Count with a record in the log, whoever admitted it."""
        if record_id in self._admitted:
            return
        try:
            judged = self._check(record, 0)
        except PaymentError:
            # It can't be executed as things stand; the block that takes it up will say so.
            judged = ()
        self._count(record_id, record, judged)

    def on_final(self, final: FinalBlock) -> None:
        """Count with a block's records no more."""
        for record_id in final.record_ids:
            self.withdraw(record_id)
        for rejection in final.body.rejections:
            self.withdraw(rejection.record_id)

    def is_authorised(self, record_id: Digest, record: OrderRecord) -> bool:
        """Return whether the payers authorised it; of a record admitted here that is known."""
        admitted = self._admitted.get(record_id)
        if admitted is not None and admitted[0] == record:
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
        ts_s = max(now_ms // 1000, self._replica.ts_s)
        return check_record(self._replica.ledger, record, ts_s, self._pending, self._may_hold)

    def _count(self, record_id: Digest, record: OrderRecord, judged: tuple[Judged, ...]) -> None:
        for one in judged:
            self._pending.add(one)
        for order in record.orders:
            insort(self._nonces.setdefault((order.payer, order.asset), []), order.nonce)
        self._admitted[record_id] = (record, judged)
