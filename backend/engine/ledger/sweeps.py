"""Serves forced exits: what a block takes out of the accounts that leave (PROTOCOL, section 5).

Law: an account leaves with all that it had at a block's start, and nobody has to agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.engine.ledger.judge import Judged, Pending
from backend.engine.ledger.state import Ledger
from backend.protocol.money import AMOUNT_MINOR_MAX, AmountMinor
from backend.protocol.orders import WithdrawalOrder
from backend.protocol.types import AccountId, Asset, ExitRequest, Leaf


@dataclass(frozen=True, slots=True)
class Sweep:
    """A withdrawal by exit request. `leaf` is the account's at the block's start."""

    account_id: AccountId
    leaf: Leaf
    asset: Asset

    @property
    def amount_minor(self) -> AmountMinor:
        """All of the balance, or as much as an operation holds."""
        return AmountMinor(min(self.leaf.balance_minor, AMOUNT_MINOR_MAX))

    @property
    def is_last(self) -> bool:
        """Whether it takes all that is there."""
        return self.leaf.balance_minor <= AMOUNT_MINOR_MAX

    @property
    def judged(self) -> Judged:
        """The withdrawal, in the terms in which orders are judged."""
        return Judged(self.account_id, self.asset, None, self.amount_minor, AmountMinor(0), 0)

    @property
    def order(self) -> WithdrawalOrder:
        """The order that it equals, which nobody can have signed: it has always been expired."""
        leaf, asset = self.leaf, self.asset
        return WithdrawalOrder(
            payer=leaf.owner,
            asset=asset.token,
            amount=self.amount_minor * asset.unit,
            fee=0,
            nonce=leaf.nonce,
            valid_until=0,
        )


def sweeps_of(ledger: Ledger, exits: Sequence[ExitRequest]) -> tuple[Sweep, ...]:
    """Return the sweeps of the next block, which brings `exits`, in their order.

    A request whose account is not its owner's any more, or is empty, sweeps nothing.
    """
    due = dict.fromkeys(ledger.exiting)
    for request in exits:
        leaf = ledger.leaves.get(request.account_id)
        if leaf is not None and leaf.owner == request.owner and leaf.asset_id:
            due[request.account_id] = None
    sweeps = []
    for account_id in due:
        leaf = ledger.leaves[account_id]
        if leaf.balance_minor:
            sweeps.append(Sweep(account_id, leaf, ledger.assets[leaf.asset_id]))
    return tuple(sweeps)


def pending_sweeps(ledger: Ledger, exits: Sequence[ExitRequest]) -> Pending:
    """Return what orders of the block find pending before all of them."""
    pending = Pending()
    for sweep in sweeps_of(ledger, exits):
        pending.add(sweep.judged)
    return pending
