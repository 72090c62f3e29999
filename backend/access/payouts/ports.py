"""What payouts need of the other planes."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from backend.access.ports import AccountView, Outcome
from backend.protocol.hashing import Digest
from backend.protocol.order_records import RootedOrder
from backend.protocol.types import Address


class PayeeCheck(Protocol):
    """Whom an asset's issuer or the law keeps from it."""

    async def refused(self, token: Address, payees: Collection[Address]) -> Mapping[Address, str]:
        """Return the code of each payee who may not have the asset now. Raises ChainUnavailable:
        who can't be checked is not paid.
        """


class PayingNode(Protocol):
    """The part of the node that pays."""

    def has_root(self, owner: Address, root: Digest) -> bool:
        """Return whether the ledger knows that the owner authorised a root."""

    def account(self, owner: Address, asset_id: int) -> AccountView | None:
        """Return an owner's account."""

    async def submit_many(self, records: Sequence[RootedOrder]) -> Sequence[Any]:
        """Accept many at once; each becomes an Accepted or a PaymentError, in order."""

    async def wait_final(self, payment_id: Digest, timeout_ms: int) -> Outcome | None:
        """Return how an order ended, or None if it has not until then."""
