"""Joins proposals and payouts to what they need, for the API and for the background alike."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backend.access.assets import AssetCatalog
from backend.access.payouts.desk import PayoutDesk
from backend.access.payouts.ports import PayeeCheck
from backend.access.payouts.runner import PayoutRunner
from backend.access.ports import Chain
from backend.access.proposals.desk import ProposalDesk
from backend.access.proposals.ports import Treasury
from backend.access.settings import ApiSettings
from backend.protocol.errors import NoTreasury
from backend.protocol.types import Address
from backend.records.reader import Reader
from backend.records.registers.payouts import Payouts
from backend.records.registers.proposals import Proposals


@dataclass(frozen=True, slots=True)
class ApprovalNeeds:
    """What the composition root passes in. `returns` gets the least amount of a skipped line."""

    proposals: Proposals
    payouts: Payouts
    treasury: Treasury | None
    payees: PayeeCheck
    returns: Address


@dataclass(frozen=True, slots=True)
class ApprovalDesks:
    """Who takes proposals and payouts in, and who follows them."""

    proposal_desk: ProposalDesk | None
    payouts: PayoutDesk
    runner: PayoutRunner

    @classmethod
    def of(
        cls,
        needs: ApprovalNeeds,
        node: Any,
        chain: Chain,
        assets: AssetCatalog,
        reader: Reader,
        settings: ApiSettings,
        clock_ms: Callable[[], int],
    ) -> "ApprovalDesks":
        """Build the desks."""
        proposal_desk = None
        if needs.treasury is not None:
            proposal_desk = ProposalDesk(needs.proposals, needs.treasury, clock_ms)
        payouts = PayoutDesk(
            needs.payouts,
            proposal_desk,
            node,
            chain,
            assets,
            needs.payees,
            settings,
            needs.returns,
            clock_ms,
        )
        runner = PayoutRunner(payouts, node, reader, needs.payees, settings, clock_ms)
        return cls(proposal_desk, payouts, runner)

    @property
    def proposals(self) -> ProposalDesk:
        """The desk of proposals. Raises NoTreasury."""
        if self.proposal_desk is None:
            raise NoTreasury()
        return self.proposal_desk

    async def run(self) -> None:
        """Follow proposals and payouts for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.runner.run())
            if self.proposal_desk is not None:
                tasks.create_task(self.proposal_desk.watch())
