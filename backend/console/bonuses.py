"""What sponsors and people do with bonus campaigns, for the command line and the console alike.

Law: what the platform prepared is compared with what was asked for before a key of ours signs it.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

from backend.console.actions import Actions
from backend.console.amounts import amount_minor
from backend.console.errors import PreparedWrong
from backend.console.people import Person, Who
from backend.console.posting import wait_for
from backend.console.prepared import check_sequence
from backend.deploying import platform_keys
from backend.protocol.bonuses import Terms, Tier, terms_arguments
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.money import to_base
from backend.protocol.types import address_from_text, address_text
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Contract
from causeway import Asset, Campaign, Grant

_DAY_S: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class CampaignWish:
    """A campaign in people's words: amounts as decimal text, times in days and seconds.

    A deposit earns `match_bps` of itself, or the fixed `bonus`. `turnover_bps` of the deposit have
    to be paid to others first; the platform's own keys attest it.
    """

    asset: str
    budget: str
    deposit_min: str
    person_max: str
    match_bps: int = 0
    bonus: str | None = None
    kyc_level: int = 1
    days: int = 30
    holding_s: int = 0
    expires_after_s: int = 30 * _DAY_S
    turnover_bps: int = 0
    terms_text: str | None = None


class BonusActions:
    """Campaigns and grants, with the keys of people who are here."""

    def __init__(self, actions: Actions) -> None:
        self._actions = actions
        deployment = actions.deployment
        address = deployment.address("BonusCampaigns")
        others = (artifact(name).abi for name in ("Rollup", "KycRegistry", "Stablecoin"))
        abi = artifact("BonusCampaigns").abi.joined(*others)
        self._contract = Contract(address, abi)
        keys = platform_keys(actions.settings, deployment.chain_id).turnover_attestors
        self._attestors = sorted(key.address for key in keys)

    # Sponsors

    def create(self, sponsor: Who, wish: CampaignWish) -> Campaign:
        """Create a campaign, funded by the sponsor's wallet. Not idempotent."""
        person, asset = self._actions.people.find(sponsor), self._actions.asset(wish.asset)
        budget_minor = amount_minor(asset, wish.budget)
        now_ts_s = self._actions.l1_ts_s()
        terms = self._terms(asset, wish, now_ts_s)
        prepared = self._actions.client.campaigns.prepare(
            sponsor=person.address, budget=budget_minor, terms=_json(asset, terms)
        )
        self._actions.fill_wallet(person, asset, budget_minor)
        values = (terms_arguments(terms), budget_minor)
        expected = self._contract.abi.call_data("createCampaign", *values)
        count = len(list(self._actions.client.campaigns.list()))
        self._send(person, asset, budget_minor, prepared.transactions, expected)

        def look() -> Campaign | None:
            newest = next(iter(self._actions.client.campaigns.list()), None)
            return newest if newest is not None and int(newest.id) > count else None

        return wait_for("the campaign to be there", look, self._actions.wait_s)

    def fund(self, campaign_id: str, text: str) -> Campaign:
        """Add to a campaign's budget from its sponsor's wallet. Not idempotent."""
        campaign = self._actions.client.campaigns.get(campaign_id)
        asset = self._actions.asset(campaign.asset)
        return self._call(campaign, "fund", amount_minor(asset, text))

    def end(self, campaign_id: str) -> Campaign:
        """End a campaign: nothing is granted any more, what was granted stands."""
        return self._call(self._actions.client.campaigns.get(campaign_id), "end", None)

    def withdraw_budget(self, campaign_id: str) -> Campaign:
        """Take what an ended campaign has left, for its sponsor."""
        campaign = self._actions.client.campaigns.get(campaign_id)
        return self._call(campaign, "withdraw_budget", None)

    # People

    def deposit(self, campaign_id: str, who: Who, text: str) -> Grant:
        """Deposit from somebody's wallet and have his bonus granted in the same transaction."""
        campaign = self._actions.client.campaigns.get(campaign_id)
        person, asset = self._actions.people.find(who), self._actions.asset(campaign.asset)
        deposit_minor = amount_minor(asset, text)
        prepared = self._actions.client.campaigns.prepare_deposit(
            campaign_id, owner=person.address, amount=deposit_minor
        )
        self._actions.fill_wallet(person, asset, deposit_minor)
        words = (int(campaign_id), deposit_minor)
        head = b"".join(word.to_bytes(32) for word in words)
        expected = self._contract.abi.selector("deposit") + head
        # What follows is evidence, which the gate checks.
        sent = self._send(person, asset, deposit_minor, prepared.transactions, expected)
        self._actions.credited(person, sent)
        grants = self._actions.client.grants.list(campaign_id=campaign_id, person=person.address)
        return next(iter(grants))

    def grant_ended(self, grant_id: str) -> Grant:
        """Return a grant once it is released or forfeited."""

        def look() -> Grant | None:
            grant = self._actions.client.grants.get(grant_id)
            return grant if grant.status in ("released", "forfeited") else None

        return wait_for("the grant to end", look, self._actions.wait_s)

    def _call(self, campaign: Campaign, action: str, amount: int | None) -> Campaign:
        person = self._actions.people.find(address_text(address_from_text(campaign.sponsor)))
        asset, number = self._actions.asset(campaign.asset), int(campaign.id)
        client = self._actions.client
        prepared = client.campaigns.prepare_call(campaign.id, action, amount=amount)
        calls: dict[str, tuple[str, *tuple[Any, ...]]] = {
            "fund": ("fund", number, amount),
            "end": ("endCampaign", number),
            "withdraw_budget": ("withdrawBudget", number),
        }
        if amount is not None:
            self._actions.fill_wallet(person, asset, amount)
        expected = self._contract.abi.call_data(*calls[action])
        self._send(person, asset, amount or 0, prepared.transactions, expected)
        return client.campaigns.get(campaign.id)

    def _send(
        self,
        person: Person,
        asset: Asset,
        amount: int,
        transactions: list[dict[str, Any]],
        expected: bytes,
    ) -> str:
        """Send what was prepared if it is an approval of `amount` or begins as expected; return
        the last transaction's hash. Raises PreparedWrong."""
        sent = ""
        token = self._actions.deployment.token(asset.code)
        base = to_base(amount, asset.unit)
        approve = token.abi.call_data("approve", self._contract.address, base)
        check_sequence(transactions, token.address)
        for transaction in transactions:
            to, data = address_from_text(transaction["to"]), bytes.fromhex(transaction["data"][2:])
            if to == token.address and data == approve:
                contract = token
            elif to == self._contract.address and data.startswith(expected):
                contract = self._contract
            else:
                raise PreparedWrong(f"the {transaction['purpose']}")
            sent = self._actions.send(person, contract, data, str(transaction["purpose"]))
        return sent

    def _terms(self, asset: Asset, wish: CampaignWish, now_ts_s: int) -> Terms:
        bonus_minor = 0 if wish.bonus is None else amount_minor(asset, wish.bonus)
        tier = Tier(amount_minor(asset, wish.deposit_min), bonus_minor, wish.match_bps)
        attestors = tuple(self._attestors) if wish.turnover_bps else ()
        text = wish.terms_text
        return Terms(
            asset.asset_id,
            wish.kyc_level,
            min(now_ts_s, int(time.time())) - 1,
            now_ts_s + wish.days * _DAY_S,
            wish.holding_s,
            wish.expires_after_s,
            "deposit",
            len(attestors),
            wish.turnover_bps,
            amount_minor(asset, wish.person_max),
            ZERO_DIGEST if text is None else keccak(text.encode()),
            (tier,),
            attestors,
        )


def _json(asset: Asset, terms: Terms) -> dict[str, Any]:
    """Return the terms as the API takes them."""
    body: dict[str, Any] = {
        "asset": asset.code,
        "tiers": [
            {
                "deposit_min": str(tier.deposit_minor_min),
                "match_bps": tier.match_bps,
                **({"bonus": str(tier.bonus_minor)} if tier.bonus_minor else {}),
            }
            for tier in terms.tiers
        ],
        "person_max": str(terms.person_minor_max),
        "kyc_level": terms.kyc_level_min,
        "starts_at": str(terms.start_ts_s),
        "ends_at": str(terms.end_ts_s),
        "holding_s": terms.holding_s,
        "expires_after_s": terms.expiry_s,
        "terms_hash": "0x" + terms.terms_hash.hex(),
    }
    if terms.attestations_needed:
        body["turnover"] = {
            "base": terms.turnover_base,
            "bps": terms.turnover_bps,
            "attestors": [address_text(each) for each in terms.attestors],
            "attestations_needed": terms.attestations_needed,
        }
    return body
