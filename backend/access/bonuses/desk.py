"""Answers about campaigns and grants, and prepares what sponsors and people send to the chain."""

from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from backend.access import l1_calls
from backend.access.bonuses.ports import BonusBook
from backend.access.bonuses.schemas import CampaignCallIn, CampaignIn, TierIn
from backend.access.bonuses.views import campaign_status, campaign_view, grant_view
from backend.access.building import amount_minor_of
from backend.access.services import Services
from backend.access.texts import ts_s_of
from backend.access.views import Json
from backend.protocol import errors
from backend.protocol.bonuses import Campaign, Grant, Terms, Tier, terms_arguments
from backend.protocol.hashing import Digest, keccak
from backend.protocol.money import BALANCE_MINOR_MAX, to_base
from backend.protocol.types import Address, address_text

_TERMS: Final = (
    "(uint16,uint8,uint64,uint64,uint32,uint32,uint8,uint8,uint32,uint48,bytes32,"
    "(uint48,uint48,uint32)[],address[])"
)


class BonusDesk:
    """The questions and wishes of the API about bonuses."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @property
    def book(self) -> BonusBook:
        """The chain's campaigns. Raises CampaignNotFound in a deployment that has none."""
        book = self._services.needs.bonuses
        if book is None:
            raise errors.CampaignNotFound(0)
        return book

    # Looking

    async def campaign(self, campaign_id: int) -> Campaign:
        """Return a campaign. Raises CampaignNotFound."""
        known = 0 < campaign_id <= await self.book.campaign_count()
        campaign = await self.book.campaign(campaign_id) if known else None
        if campaign is None:
            raise errors.CampaignNotFound(campaign_id)
        return campaign

    async def grant(self, grant_id: int) -> Grant:
        """Return a grant. Raises GrantNotFound."""
        known = 0 < grant_id <= await self.book.grant_count()
        grant = await self.book.grant_of(grant_id) if known else None
        if grant is None:
            raise errors.GrantNotFound(grant_id)
        return grant

    async def show_campaign(self, campaign: Campaign) -> Json:
        """Show a campaign as it stands at L1's time."""
        now_ts_s = await self._services.needs.chain.latest_ts_s()
        return campaign_view(campaign, await self._code(campaign.terms.asset_id), now_ts_s)

    async def show_grant(self, grant: Grant) -> Json:
        """Show a grant with all its conditions, and the turnover that the ledger knows."""
        campaign = await self.campaign(grant.campaign_id)
        status = await self.book.status_of(grant.grant_id)
        asset_id = campaign.terms.asset_id
        turnover_minor = None
        if campaign.terms.attestations_needed:
            turnover_minor = await run_in_threadpool(
                self._services.needs.turnovers.since_deposit,
                grant.person,
                asset_id,
                grant.deposit_index,
            )
        return grant_view(grant, status, await self._code(asset_id), turnover_minor)

    async def grants(
        self, campaign_id: int | None, person: Address | None, before: int | None
    ) -> AsyncIterator[Grant]:
        """Yield grants below the id `before`, the newest first. Raises CampaignNotFound."""
        if campaign_id is not None:
            await self.campaign(campaign_id)
        if person is not None:
            for grant_id in sorted(await self._ids_of(person, campaign_id), reverse=True):
                if before is None or grant_id < before:
                    yield await self.grant(grant_id)
            return
        count = await self.book.grant_count()
        grant_id = count if before is None else min(before - 1, count)
        while grant_id > 0:
            grant = await self.grant(grant_id)
            if campaign_id is None or grant.campaign_id == campaign_id:
                yield grant
            grant_id -= 1

    async def _ids_of(self, person: Address, campaign_id: int | None) -> list[int]:
        count = await self.book.campaign_count()
        campaigns = range(1, count + 1) if campaign_id is None else (campaign_id,)
        found = [await self.book.grant_id_of(number, person) for number in campaigns]
        return [grant_id for grant_id in found if grant_id]

    # Preparing

    async def prepare_campaign(self, wish: CampaignIn) -> Json:
        """Return the transactions that create and fund a campaign.

        Raises TermsInvalid, AmountZero, AmountTooLarge.
        """
        named = await self._services.assets.find(wish.asset)
        if wish.budget > BALANCE_MINOR_MAX:
            raise errors.AmountTooLarge(BALANCE_MINOR_MAX, wish.budget)
        terms = _terms(wish, named.asset_id)
        refusal = await self.book.refusal_of_terms(terms)
        if refusal is not None:
            raise errors.TermsInvalid(refusal)
        sponsor = Address(wish.sponsor)
        calls = await self._allow(named.asset_id, sponsor, wish.budget)
        values = (_with_texts(terms_arguments(terms)), wish.budget)
        data = l1_calls.call_data("createCampaign", (_TERMS, "uint64"), values)
        calls.append(self._transaction("create_campaign", sponsor, data))
        return {
            "object": "prepared_campaign",
            "sponsor": address_text(sponsor),
            "transactions": calls,
        }

    async def prepare_call(self, campaign: Campaign, wish: CampaignCallIn) -> Json:
        """Return the transactions by which a sponsor funds, ends or empties his campaign."""
        calls: list[Any] = []
        number = campaign.campaign_id
        if wish.action == "fund":
            if wish.amount is None:
                raise errors.MalformedRequest("amount", "funding takes an amount")
            amount_minor = amount_minor_of(wish.amount)
            calls = await self._allow(campaign.terms.asset_id, campaign.sponsor, amount_minor)
            data = l1_calls.call_data("fund", ("uint32", "uint64"), (number, amount_minor))
        elif wish.action == "end":
            data = l1_calls.call_data("endCampaign", ("uint32",), (number,))
        else:
            data = l1_calls.call_data("withdrawBudget", ("uint32",), (number,))
        calls.append(self._transaction(wish.action, campaign.sponsor, data))
        return {"object": "prepared_call", "campaign_id": str(number), "transactions": calls}

    async def prepare_deposit(self, campaign: Campaign, owner: Address, amount_minor: int) -> Json:
        """Return the transactions of a deposit that earns its bonus at once.

        Raises CampaignNotRunning, GrantedBefore, BonusRefused, CampaignShortOfBudget,
        KycLevelTooLow, KycRequired and the like: what would make the deposit revert.
        """
        amount_minor = amount_minor_of(amount_minor)
        applicant = await self._services.kyc.approved(owner)
        bonus_minor = await self._bonus_minor(campaign, owner, amount_minor, applicant.level)
        evidence = self._services.kyc.evidence(applicant)
        calls = await self._allow(campaign.terms.asset_id, owner, amount_minor)
        values = (campaign.campaign_id, amount_minor, evidence)
        data = l1_calls.call_data("deposit", ("uint32", "uint48", "bytes"), values)
        calls.append(self._transaction("deposit", owner, data))
        return {
            "object": "prepared_campaign_deposit",
            "campaign_id": str(campaign.campaign_id),
            "owner": address_text(owner),
            "amount": str(amount_minor),
            "bonus": str(bonus_minor),
            "transactions": calls,
        }

    async def _bonus_minor(
        self, campaign: Campaign, owner: Address, amount_minor: int, level: int
    ) -> int:
        number, terms = campaign.campaign_id, campaign.terms
        now_ts_s = await self._services.needs.chain.latest_ts_s()
        status = campaign_status(campaign, now_ts_s)
        if status != "running":
            raise errors.CampaignNotRunning(number, status)
        grant_id = await self.book.grant_id_of(number, owner)
        if grant_id:
            raise errors.GrantedBefore(address_text(owner), grant_id)
        if level < terms.kyc_level_min:
            raise errors.KycLevelTooLow(terms.kyc_level_min, level)
        bonus_minor = await self.book.bonus_for(number, amount_minor)
        if isinstance(bonus_minor, str):
            raise errors.BonusRefused(bonus_minor)
        if bonus_minor > campaign.budget_minor:
            raise errors.CampaignShortOfBudget(campaign.budget_minor, bonus_minor)
        return bonus_minor

    async def _allow(self, asset_id: int, owner: Address, amount_minor: int) -> list[Any]:
        """Return the ERC-20 approval that a payment into the contract needs, unless it has it."""
        asset = self._services.node.assets()[asset_id]
        amount = to_base(amount_minor, asset.unit)
        chain_id, book = self._services.settings.domain.chain_id, self.book
        allowed = await book.allowance(asset.token, owner)
        return l1_calls.approve_if_needed(
            chain_id, asset.token, owner, book.address, amount, allowed
        )

    def _transaction(self, purpose: str, sender: Address, data: bytes) -> Any:
        chain_id = self._services.settings.domain.chain_id
        return l1_calls.transaction(purpose, chain_id, sender, self.book.address, data)

    async def _code(self, asset_id: int) -> str:
        await self._services.assets.refresh()
        return self._services.assets.code_of(asset_id)


def _terms(wish: CampaignIn, asset_id: int) -> Terms:
    turnover = wish.turnover
    terms_hash = wish.terms_hash
    if wish.terms_text is not None:
        terms_hash = keccak(wish.terms_text.encode())
    return Terms(
        asset_id,
        wish.kyc_level,
        ts_s_of(wish.starts_at),
        ts_s_of(wish.ends_at),
        wish.holding_s,
        wish.expires_after_s,
        "deposit" if turnover is None else turnover.base,
        0 if turnover is None else turnover.attestations_needed,
        0 if turnover is None else turnover.bps,
        amount_minor_of(wish.person_max),
        Digest(terms_hash),
        tuple(map(_tier, wish.tiers)),
        () if turnover is None else tuple(sorted(map(Address, turnover.attestors))),
    )


def _tier(tier: TierIn) -> Tier:
    bonus_minor = amount_minor_of(tier.bonus) if tier.bonus else 0
    return Tier(amount_minor_of(tier.deposit_min), bonus_minor, tier.match_bps)


def _with_texts(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the terms with addresses as the encoder takes them."""
    *others, attestors = values
    return (*others, [address_text(each) for each in attestors])
