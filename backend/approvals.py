"""Joins proposals and payouts to the chain and the registers."""

from collections.abc import Callable

from sqlalchemy import Engine

from backend.access.approvals import ApprovalNeeds
from backend.protocol.types import Address
from backend.records.registers.payouts import Payouts
from backend.records.registers.proposals import Proposals
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import Deployment
from backend.settlement.payee_check import PayeeChecks
from backend.settlement.sender import Sender
from backend.settlement.treasury import TreasuryQueries
from backend.settlement.watcher import Watcher


def approval_needs(
    client: ChainClient,
    deployment: Deployment,
    operator: Sender,
    registers: Engine,
    watcher: Watcher,
    returns: Address,
    clock_ms: Callable[[], int],
) -> ApprovalNeeds:
    """Return what proposals and payouts need of the other planes."""

    def may_hold(token: Address, owner: Address) -> bool:
        number = watcher.confirmed().number
        return watcher.may_hold(token, owner, to_l1_block=number, ts_s=clock_ms() // 1000)

    treasury = None
    if "Treasury" in deployment.contracts:
        treasury = TreasuryQueries(client, deployment, operator)
    return ApprovalNeeds(
        Proposals(registers),
        Payouts(registers),
        treasury,
        PayeeChecks(client, deployment, may_hold),
        returns,
    )
