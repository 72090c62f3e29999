"""The orders of a payout and their root. Law: each line has one nonce and two orders for it.

One pays the payee, the other takes the least amount to the platform's address for returns: if a
payee is refused meanwhile, it lets the lines behind go on. At most one of them is ever executed.
An owner who can authorise nothing more, a prize's purse, returns the whole amount in its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from backend.access.payouts.lines import Parties, PayoutLine
from backend.protocol.authorised import AuthorisedTree
from backend.protocol.eip712 import Domain
from backend.protocol.hashing import Digest
from backend.protocol.money import to_base
from backend.protocol.order_records import RootedOrder
from backend.protocol.orders import PaymentOrder
from backend.protocol.types import Address

SKIP_AMOUNT_MINOR = 1


@dataclass(frozen=True, slots=True)
class Terms:
    """What all orders of a payout have in common. The line of index i has nonce_first + i."""

    parties: Parties
    token: Address
    unit: int
    nonce_first: int
    valid_until: int  # seconds
    skip_fee_minor: int
    return_until: int | None = None  # seconds; with it, what is skipped is returned whole

    def payment(self, index: int, line: PayoutLine, fee_minor: int) -> PaymentOrder:
        """Return the order that pays a line."""
        return self._order(index, line.payee, line.amount_minor, fee_minor, line.memo_hash)

    def skip(self, index: int, line: PayoutLine, fee_minor: int) -> PaymentOrder:
        """Return the order that takes the place of a line's payment, whose fee is `fee_minor`."""
        returns, memo = self.parties.returns, line.memo_hash
        if self.return_until is None:
            return self._order(index, returns, SKIP_AMOUNT_MINOR, self.skip_fee_minor, memo)
        order = self._order(index, returns, line.amount_minor, fee_minor, memo)
        return replace(order, valid_until=self.return_until)

    def _order(
        self, index: int, payee: Address, amount_minor: int, fee_minor: int, memo: Digest
    ) -> PaymentOrder:
        return PaymentOrder(
            payer=self.parties.owner,
            payee=payee,
            asset=self.token,
            amount=to_base(amount_minor, self.unit),
            fee=to_base(fee_minor, self.unit),
            nonce=self.nonce_first + index,
            valid_until=self.valid_until,
            memo=memo,
        )


class PayoutOrders:
    """All orders of a payout, and the proofs of those that are to be sent. Takes a while to make:
    a second for some 20,000 lines.
    """

    def __init__(
        self, terms: Terms, lines: Sequence[tuple[PayoutLine, int]], domain: Domain
    ) -> None:
        """`lines` are (line, fee in minor units), in the order of their nonces."""
        self._terms, self._lines, self._domain = terms, lines, domain
        self._digests = [
            order.digest(domain)
            for index, (line, fee_minor) in enumerate(lines)
            for order in (terms.payment(index, line, fee_minor), terms.skip(index, line, fee_minor))
        ]
        self._tree = AuthorisedTree(self._digests)

    @property
    def root(self) -> Digest:
        """What the owner authorises on L1."""
        return self._tree.root

    def payment_id(self, index: int) -> Digest:
        """Return the id of a line's payment."""
        return self._digests[2 * index]

    def skip_id(self, index: int) -> Digest:
        """Return the id of the order in a line's place."""
        return self._digests[2 * index + 1]

    def record(self, index: int, *, is_skip: bool) -> RootedOrder:
        """Return one of a line's two orders, ready to be sent."""
        line, fee_minor = self._lines[index]
        terms = self._terms
        make = terms.skip if is_skip else terms.payment
        order = make(index, line, fee_minor)
        proof = self._tree.proof(2 * index + is_skip)
        return RootedOrder(order, self.root, proof)
