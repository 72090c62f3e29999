"""What handlers work with, made once from what the composition root passes in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from backend.access.accepted import AcceptedOrders
from backend.access.applicants import KycDesk
from backend.access.approvals import ApprovalDesks, ApprovalNeeds
from backend.access.assets import AssetCatalog
from backend.access.auth import Gatekeeper
from backend.access.bonuses.ports import BonusBook, TurnoverBook
from backend.access.broadcast import Broadcast
from backend.access.custody.ports import Custody
from backend.access.custody.sending import OrderSender
from backend.access.ports import Attestor, Chain, ExitKits, KycProvider, Node, Poster, Proofs
from backend.access.prizes.ports import PrizeNeeds
from backend.access.settings import ApiSettings
from backend.records.event_stream import EventStream
from backend.records.reader import Reader
from backend.records.registers.api_keys import ApiKeys
from backend.records.registers.applicants import Applicants
from backend.records.registers.collecting import CollectingRegisters
from backend.records.registers.custody import CustodyRegisters
from backend.records.registers.idempotency import IdempotencyKeys


@dataclass(frozen=True, slots=True)
class Registers:
    """The registers that the access plane keeps."""

    api_keys: ApiKeys
    applicants: Applicants
    idempotency: IdempotencyKeys
    collecting: CollectingRegisters
    custody: CustodyRegisters


@dataclass(frozen=True, slots=True)
class Dependencies:
    """All that `create_api` needs. `clock_ms` returns the time; `problems` says what is amiss,
    `frozen_ts_s` since when the rollup is frozen."""

    settings: ApiSettings
    node: Node
    chain: Chain
    proofs: Proofs
    exit_kits: ExitKits
    poster: Poster
    reader: Reader
    stream: EventStream
    registers: Registers
    kyc_provider: KycProvider
    attestor: Attestor
    custody: Custody
    approvals: ApprovalNeeds
    bonuses: BonusBook | None  # None: the deployment has no campaigns
    turnovers: TurnoverBook
    clock_ms: Callable[[], int]
    problems: Callable[[], list[str]] = field(default=list)
    frozen_ts_s: Callable[[], int | None] = lambda: None
    prizes: PrizeNeeds | None = None  # None: the deployment has none


@dataclass(frozen=True, slots=True)
class Services:
    """The dependencies, and what is built on them."""

    needs: Dependencies
    settings: ApiSettings
    node: Node
    reader: Reader
    assets: AssetCatalog
    accepted: AcceptedOrders
    kyc: KycDesk
    gatekeeper: Gatekeeper
    broadcast: Broadcast
    sender: OrderSender
    approvals: ApprovalDesks

    @classmethod
    def of(cls, needs: Dependencies) -> "Services":
        """Build the services."""
        accepted = AcceptedOrders()
        assets = AssetCatalog(needs.node, needs.chain)
        return cls(
            needs,
            needs.settings,
            needs.node,
            needs.reader,
            assets,
            accepted,
            KycDesk(
                needs.registers.applicants,
                needs.kyc_provider,
                needs.attestor,
                needs.chain,
                needs.settings,
                needs.clock_ms,
            ),
            Gatekeeper(needs.registers.api_keys, needs.clock_ms, needs.settings.requests_per_s_max),
            Broadcast(needs.stream, needs.reader),
            OrderSender(
                needs.node,
                needs.reader,
                needs.registers.custody.kept_orders,
                accepted,
                needs.settings.domain,
                needs.clock_ms,
            ),
            ApprovalDesks.of(
                needs.approvals,
                needs.node,
                needs.chain,
                assets,
                needs.reader,
                needs.settings,
                needs.clock_ms,
            ),
        )


async def services_of(request: Request) -> Services:
    """Return the services of the application that serves `request`."""
    services: Services = request.app.state.services
    return services


ServicesIn = Annotated[Services, Depends(services_of)]
