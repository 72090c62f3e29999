"""Decides which orders are taken in. Law: what is pending is counted, so nobody spends twice."""

from collections.abc import Callable

from backend.engine.accepted import is_authorised
from backend.engine.ledger import Judged, Pending, check_order
from backend.engine.replica import FinalBlock, Replica
from backend.protocol.errors import NotAuthorised, PaymentError
from backend.protocol.hashing import Digest
from backend.protocol.orders import Order, SignedOrder
from backend.protocol.signing import recover
from backend.protocol.types import AccountId, Address, address_text

Rule = Callable[[Order, Judged], None]
"""A condition of the operator's own (a least fee, say). Raises PaymentError."""


class Admission:
    """Counts with every order between its admission and its block."""

    def __init__(self, replica: Replica, rule: Rule | None = None) -> None:
        self._replica = replica
        self._rule = rule
        self._pending = Pending()
        self._admitted: dict[Digest, tuple[SignedOrder, Judged]] = {}

    def admit(self, digest: Digest, signed: SignedOrder, now_ms: int) -> None:
        """Count with an order from now on. It must not be counted with already.

        Raises SignatureInvalid, SignatureHighS, NotAuthorised, what `check_order` raises after all
        that is pending, or what the operator's rule raises.
        """
        order = signed.order
        if recover(digest, signed.signature) != order.payer:
            raise NotAuthorised(address_text(order.payer))
        judged = self._check(order, now_ms)
        if self._rule is not None:
            self._rule(order, judged)
        self._count(digest, signed, judged)

    def withdraw(self, digest: Digest) -> None:
        """Count with an order no more. A repeat does nothing."""
        admitted = self._admitted.pop(digest, None)
        if admitted is not None:
            self._pending.remove(admitted[1])

    def on_accepted(self, digest: Digest, signed: SignedOrder) -> None:
        """Count with an order in the log, whoever admitted it."""
        if digest in self._admitted:
            return
        try:
            judged = self._check(signed.order, 0)
        except PaymentError:
            return  # It can't be executed as things stand; the block that takes it up will say so.
        self._count(digest, signed, judged)

    def on_final(self, final: FinalBlock) -> None:
        """Count with a block's orders no more."""
        for payment_id in final.payment_ids:
            self.withdraw(payment_id)
        for rejection in final.body.rejections:
            self.withdraw(rejection.digest)

    def is_authorised(self, digest: Digest, signed: SignedOrder) -> bool:
        """Return whether the payer signed; of an order admitted here that is known."""
        admitted = self._admitted.get(digest)
        if admitted is not None and admitted[0] == signed:
            return True
        return is_authorised(digest, signed)

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

    def _check(self, order: Order, now_ms: int) -> Judged:
        ts_s = max(now_ms // 1000, self._replica.ts_s)
        return check_order(self._replica.ledger, order, ts_s, self._pending)

    def _count(self, digest: Digest, signed: SignedOrder, judged: Judged) -> None:
        self._pending.add(judged)
        self._admitted[digest] = (signed, judged)
