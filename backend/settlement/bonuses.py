"""Campaigns and grants on the chain: what they say, and transactions that anyone may send.

The chain is the only record of them. What a grant lacks is asked of the contract itself, so a page
about it and a payment of it follow the same rules.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from backend.protocol.bonuses import (
    TURNOVER_BASES,
    Campaign,
    Condition,
    Grant,
    GrantState,
    GrantStatus,
    SkipReason,
    Terms,
    Tier,
    bonus_domain,
    terms_arguments,
)
from backend.protocol.types import Address, DepositRecord
from backend.settlement.abi import ContractError
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Contract, Outcome
from backend.settlement.client import ChainClient, block_ranges
from backend.settlement.deployment_file import Deployment
from backend.settlement.queries import allowance_of
from backend.settlement.sender import Sender

BATCH_GRANTS_MAX: Final = 100


class Bonuses:
    """The contract BonusCampaigns. Questions raise ChainUnavailable if the chain doesn't answer."""

    def __init__(self, client: ChainClient, deployment: Deployment, sender: Sender) -> None:
        """`sender` pays for the transactions, which gain it nothing."""
        address = deployment.address("BonusCampaigns")
        self.contract = Contract(address, artifact("BonusCampaigns").abi)
        self.domain = bonus_domain(deployment.chain_id, address)
        self._client = client
        self._sender = sender
        self._first_block = deployment.block_number

    @property
    def address(self) -> Address:
        """The contract."""
        return Address(self.contract.address)

    # Questions

    async def l1_ts_s(self) -> int:
        """Return the newest block's time."""
        return (await self._client.latest()).ts_s

    async def campaign_count(self) -> int:
        """Return the last campaign's id; the first is 1."""
        return int(await self._read("campaignCount"))

    async def grant_count(self) -> int:
        """Return the last grant's id; the first is 1."""
        return int(await self._read("grantCount"))

    async def campaign(self, campaign_id: int) -> Campaign | None:
        """Return a campaign."""
        found = await self._read("campaignOf", campaign_id)
        if not any(found["sponsor"]):
            return None
        return Campaign(
            campaign_id,
            Address(found["sponsor"]),
            found["isEnded"],
            found["budgetMinor"],
            _terms(found["terms"]),
        )

    async def grant_of(self, grant_id: int) -> Grant | None:
        """Return a grant."""
        found = await self._read("grantOf", grant_id)
        if found["state"] == GrantState.NONE:
            return None
        return Grant(
            grant_id,
            found["campaignId"],
            Address(found["person"]),
            found["depositMinor"],
            found["bonusMinor"],
            GrantState(found["state"]),
            found["depositIndex"],
            found["depositTsS"],
            found["grantedTsS"],
            found["turnoverMinor"],
            found["turnoverUpToTsS"],
        )

    async def grant_id_of(self, campaign_id: int, person: Address) -> int:
        """Return the id of a person's grant of a campaign; 0 if he has none."""
        return int(await self._read("grantIdOf", campaign_id, person))

    async def status_of(self, grant_id: int) -> GrantStatus:
        """Return what a grant lacks now."""
        found = await self._read("grantStatus", grant_id)
        return GrantStatus(
            GrantState(found["state"]),
            SkipReason(found["obstacle"]),
            _condition(found["holding"]),
            _condition(found["kycLevel"]),
            _condition(found["turnover"]),
            _condition(found["expiry"]),
        )

    async def bonus_for(self, campaign_id: int, deposit_minor: int) -> int | str:
        """Return what a deposit would earn, or why it earns nothing."""
        try:
            return int(await self._read("bonusFor", campaign_id, deposit_minor))
        except ContractError as error:
            return str(error)

    async def refusal_of_terms(self, terms: Terms) -> str | None:
        """Return why no campaign could have these terms; None if one could."""
        try:
            await self._read("createCampaign", terms_arguments(terms), 0)
        except ContractError as error:
            return str(error)
        return None

    async def allowance(self, token: Address, owner: Address) -> int:
        """Return how many base units the contract may take from `owner`."""
        return await allowance_of(self._client, token, owner, self.address)

    async def bonus_deposits(self, after_block: int) -> tuple[set[int], int]:
        """Return the queue's places of the bonuses paid after an L1 block, and the newest block."""
        newest = (await self._client.latest()).number
        first = max(after_block + 1, self._first_block)
        topic = self.contract.abi.topic("GrantReleased")
        places = set()
        for start, end in block_ranges(first, newest):
            for log in await self._client.logs([self.address], start, end, [topic]):
                decoded = self.contract.abi.decode_log(log.topics, log.data)
                if decoded is not None:
                    places.add(int(decoded.values["depositIndex"]))
        return places, newest

    # Transactions

    async def grant(self, campaign_id: int, index: int, record: DepositRecord) -> Outcome:
        """Have a deposit's bonus granted to its owner. A repeat is refused."""
        shown = (index, record.owner, record.amount_minor, record.l1_ts_s)
        return await self._sender.call(self.contract, "grant", campaign_id, shown)

    async def attest_turnover(
        self, grant_id: int, turnover_minor: int, up_to_ts_s: int, signatures: bytes
    ) -> Outcome:
        """Show the attestors' signatures. A repeat is refused."""
        values = (grant_id, turnover_minor, up_to_ts_s, signatures)
        return await self._sender.call(self.contract, "attestTurnover", *values)

    async def release(self, grant_ids: Sequence[int]) -> Outcome:
        """Have up to 100 grants paid; those that can't be are passed over."""
        return await self._sender.call(self.contract, "release", list(grant_ids))

    async def forfeit(self, grant_ids: Sequence[int]) -> Outcome:
        """Have up to 100 expired grants returned; others are passed over."""
        return await self._sender.call(self.contract, "forfeit", list(grant_ids))

    async def _read(self, function: str, *arguments: Any) -> Any:
        return await self._client.read(self.contract, function, *arguments)


def _terms(found: Mapping[str, Any]) -> Terms:
    return Terms(
        found["assetId"],
        found["kycLevelMin"],
        found["startTsS"],
        found["endTsS"],
        found["holdingS"],
        found["expiryS"],
        TURNOVER_BASES[found["turnoverBase"]],
        found["attestationsNeeded"],
        found["turnoverBps"],
        found["personMinorMax"],
        found["termsHash"],
        tuple(
            Tier(tier["depositMinorMin"], tier["bonusMinor"], tier["matchBps"])
            for tier in found["tiers"]
        ),
        tuple(map(Address, found["attestors"])),
    )


def _condition(found: Mapping[str, Any]) -> Condition:
    return Condition(found["needed"], found["actual"], found["isMet"])
