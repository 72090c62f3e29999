"""Grants, attests, releases and forfeits bonuses, so that nobody has to ask for them.

Each of its transactions anyone else may send too, and the contract refuses what is not due: so it
keeps nothing on disk, a crash loses nothing, and a repeat changes nothing.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from backend.config import Settings
from backend.protocol.bonuses import (
    Campaign,
    Grant,
    GrantState,
    GrantStatus,
    SkipReason,
    Turnover,
)
from backend.protocol.errors import ChainUnavailable
from backend.protocol.signing import PrivateKey
from backend.protocol.types import Address, DepositRecord, addresses_from_text
from backend.records.turnover import Turnovers
from backend.settlement.abi import ContractError
from backend.settlement.anvil import LOCAL_CHAIN_IDS
from backend.settlement.bonuses import BATCH_GRANTS_MAX, Bonuses
from backend.settlement.chain import Done, Outcome, Refused, RpcError, Unknown
from backend.settlement.deployment_file import Deployment
from backend.settlement.events import ChainEvent, DepositConfirmed

_POLL_MS: Final = 1_000
_RETRY_S: Final = 3_600

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A confirmed deposit whose owner may get a grant."""

    index: int
    record: DepositRecord


class BonusKeeper:
    """Serves the campaigns of some sponsors with gas, and with the attestors' keys it has."""

    def __init__(
        self,
        bonuses: Bonuses,
        turnovers: Turnovers,
        attestors: Sequence[PrivateKey],
        serves: Callable[[Address], bool],
    ) -> None:
        """`serves` says on whose campaigns gas is spent."""
        self._bonuses = bonuses
        self._turnovers = turnovers
        self._attestors = sorted(attestors, key=lambda key: key.address)
        self._serves = serves
        self._campaigns: dict[int, Campaign] = {}
        self._deposits: list[_Waiting] = []
        self._open: dict[int, Grant] = {}
        self._retry_ts_s: dict[int, int] = {}
        self._grants_known = 0
        self._bonus_deposits: set[int] = set()
        self._bonuses_read_to = 0

    def observe(self, event: ChainEvent) -> None:
        """Take a confirmed deposit in: a start reads all of them again."""
        if isinstance(event, DepositConfirmed):
            self._deposits.append(_Waiting(event.index, event.record))

    async def run(self, poll_ms: int = _POLL_MS) -> None:
        """Keep at it for ever. A chain that doesn't answer is asked again."""
        while True:
            try:
                await self.advance()
            except (ChainUnavailable, RpcError, ContractError) as error:
                log.warning("bonuses_wait", reason=str(error))
            await asyncio.sleep(poll_ms / 1000)

    async def advance(self) -> None:
        """Do all that is due now."""
        if not await self._learn_campaigns():
            return
        await self._grant_deposits()
        await self._learn_grants()
        due: dict[SkipReason, list[int]] = {SkipReason.NONE: [], SkipReason.EXPIRED: []}
        for grant_id, grant in list(self._open.items()):
            status = await self._bonuses.status_of(grant_id)
            if status.state not in (GrantState.OPEN, GrantState.EARNED):
                del self._open[grant_id]
                self._retry_ts_s.pop(grant_id, None)
            elif status.obstacle is SkipReason.TURNOVER_TOO_LOW:
                await self._attest(grant, status)
            elif status.obstacle in due and self._is_turn(grant_id, status):
                due[status.obstacle].append(grant_id)
        for grant_ids in _batches(due[SkipReason.NONE]):
            _log_outcome("bonuses_released", await self._bonuses.release(grant_ids), grant_ids)
        for grant_ids in _batches(due[SkipReason.EXPIRED]):
            _log_outcome("bonuses_forfeited", await self._bonuses.forfeit(grant_ids), grant_ids)

    def _is_turn(self, grant_id: int, status: GrantStatus) -> bool:
        """Whether to send a grant now. One whose payment was refused waits between tries: each
        costs gas, and only the gate or the token can change its outcome.
        """
        l1_ts_s = status.expiry.actual
        if status.state is GrantState.EARNED and l1_ts_s < self._retry_ts_s.get(grant_id, 0):
            return False
        self._retry_ts_s[grant_id] = l1_ts_s + _RETRY_S
        return True

    async def _learn_campaigns(self) -> bool:
        """Read the campaigns that are served, and return whether there are any."""
        count = await self._bonuses.campaign_count()
        for campaign_id in range(1, count + 1):
            known = self._campaigns.get(campaign_id)
            if known is not None and (known.is_ended or not self._serves(known.sponsor)):
                continue
            campaign = await self._bonuses.campaign(campaign_id)
            if campaign is not None:
                self._campaigns[campaign_id] = campaign
        return any(self._serves(campaign.sponsor) for campaign in self._campaigns.values())

    async def _grant_deposits(self) -> None:
        """Show each new deposit to the campaigns that it may fit. One that earns nothing costs
        nothing: the transaction is tried before it is sent.

        A bonus is paid as a deposit, but would use up its person's grant of another campaign.
        """
        if not self._deposits:
            return
        paid, self._bonuses_read_to = await self._bonuses.bonus_deposits(self._bonuses_read_to)
        self._bonus_deposits |= paid
        waiting = [one for one in self._deposits if one.index not in self._bonus_deposits]
        self._deposits, unknown = [], []
        for number, deposit in enumerate(waiting):
            try:
                if not await self._show(deposit):
                    unknown.append(deposit)
            except Exception:
                self._deposits = unknown + waiting[number:] + self._deposits
                raise
        self._deposits = unknown + self._deposits

    async def _show(self, deposit: _Waiting) -> bool:
        """Show a deposit to all campaigns; return whether what became of it is known."""
        outcomes = [
            await self._grant(campaign, deposit)
            for campaign in list(self._campaigns.values())
            if self._may_grant(campaign, deposit.record)
        ]
        return not any(isinstance(outcome, Unknown) for outcome in outcomes)

    def _may_grant(self, campaign: Campaign, record: DepositRecord) -> bool:
        terms = campaign.terms
        return (
            self._serves(campaign.sponsor)
            and not campaign.is_ended
            and terms.asset_id == record.asset_id
            and terms.start_ts_s <= record.l1_ts_s <= terms.end_ts_s
            and record.amount_minor >= terms.tiers[0].deposit_minor_min
        )

    async def _grant(self, campaign: Campaign, deposit: _Waiting) -> Outcome | None:
        """Have a deposit granted its bonus, unless its owner has had one of this campaign."""
        owner = deposit.record.owner
        if await self._bonuses.grant_id_of(campaign.campaign_id, owner):
            return None
        outcome = await self._bonuses.grant(campaign.campaign_id, deposit.index, deposit.record)
        _log_outcome("bonus_granted", outcome, [deposit.index])
        return outcome

    async def _learn_grants(self) -> None:
        count = await self._bonuses.grant_count()
        while self._grants_known < count:
            grant = await self._bonuses.grant_of(self._grants_known + 1)
            if grant is not None and grant.campaign_id not in self._campaigns:
                await self._learn_campaigns()  # it was made since we looked
            self._grants_known += 1
            campaign = None if grant is None else self._campaigns.get(grant.campaign_id)
            if grant is not None and campaign is not None and self._serves(campaign.sponsor):
                self._open[grant.grant_id] = grant

    async def _attest(self, grant: Grant, status: GrantStatus) -> None:
        """Sign the turnover once it is enough, if enough attestors' keys are here."""
        campaign = self._campaigns[grant.campaign_id]
        keys = [key for key in self._attestors if key.address in campaign.terms.attestors]
        keys = keys[: campaign.terms.attestations_needed]
        if len(keys) < campaign.terms.attestations_needed:
            return
        turnover_minor = await asyncio.to_thread(
            self._turnovers.since_deposit,
            grant.person,
            campaign.terms.asset_id,
            grant.deposit_index,
        )
        up_to_ts_s = await self._bonuses.l1_ts_s()
        if turnover_minor < status.turnover.needed or up_to_ts_s <= grant.granted_ts_s:
            return
        digest = Turnover(grant.grant_id, turnover_minor, up_to_ts_s).digest(self._bonuses.domain)
        signatures = b"".join(key.sign_digest(digest) for key in keys)
        outcome = await self._bonuses.attest_turnover(
            grant.grant_id, turnover_minor, up_to_ts_s, signatures
        )
        _log_outcome("turnover_attested", outcome, [grant.grant_id])


def served_sponsors(settings: Settings, deployment: Deployment) -> Callable[[Address], bool]:
    """Return whose campaigns the platform pays gas for: everybody's on a local chain, elsewhere the
    treasury's and those of the settings. Otherwise a stranger's campaign could spend it all.
    """
    if deployment.chain_id in LOCAL_CHAIN_IDS:
        return lambda _sponsor: True
    sponsors = set(addresses_from_text(settings.bonus_sponsors, "bonus_sponsors"))
    if "Treasury" in deployment.contracts:
        sponsors.add(deployment.address("Treasury"))
    return lambda sponsor: sponsor in sponsors


def _batches(grant_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(grant_ids), BATCH_GRANTS_MAX):
        yield grant_ids[start : start + BATCH_GRANTS_MAX]


def _log_outcome(event: str, outcome: Outcome, ids: Sequence[int]) -> None:
    if isinstance(outcome, Done):
        log.info(event, ids=list(ids), gas=outcome.receipt.gas_used)
    elif isinstance(outcome, Refused):
        log.info(f"{event}_not", ids=list(ids), reason=str(outcome.reason))
    else:
        log.warning(f"{event}_unknown", ids=list(ids))  # the next look at the chain will tell
