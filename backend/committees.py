"""The committee on L1: its members and stakes, and what the platform's keys do about them."""

from dataclasses import dataclass

from backend.config import Settings
from backend.deploying import (
    find_deployment,
    key_store,
    platform_keys,
    validator_name,
    validator_names,
)
from backend.protocol.types import Address
from backend.settlement.chain import Done, Refused
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import Deployment
from backend.settlement.deployment_steps import DeploymentFailed
from backend.settlement.sender import Sender


@dataclass(frozen=True, slots=True)
class Member:
    """A validator, and what he has at stake."""

    address: Address
    stake_wei: int


@dataclass(frozen=True, slots=True)
class CommitteeState:
    """The present epoch on L1. A stake below `stake_wei` counts for nothing."""

    epoch: int
    stake_wei: int
    members: tuple[Member, ...]

    @property
    def whole_count(self) -> int:
        """How many signatures would count."""
        return sum(member.stake_wei >= self.stake_wei for member in self.members)


class CommitteeDesk:
    """One deployment's committee, by the keys of its platform."""

    def __init__(self, settings: Settings, client: ChainClient, deployment: Deployment) -> None:
        self._settings, self._client, self._deployment = settings, client, deployment
        keys = platform_keys(settings, deployment.chain_id)
        self._sender = Sender(client, keys.deployer)

    @classmethod
    async def of(cls, settings: Settings, client: ChainClient) -> "CommitteeDesk":
        """Return the desk of the settings' deployment. Raises NotDeployed, ChainUnavailable."""
        return cls(settings, client, await find_deployment(settings, client))

    async def state(self) -> CommitteeState:
        """Return how the committee is."""
        committee = self._deployment.committee
        epoch = await self._client.read(committee, "epoch")
        members = await self._client.read(committee, "membersOf", epoch)
        return CommitteeState(
            epoch,
            await self._client.read(committee, "stakeWei"),
            tuple([await self._member(Address(member)) for member in members]),
        )

    async def make_whole(self) -> tuple[Address, ...]:
        """Pay what members lack of a whole stake; return whose were lacking. A repeat pays
        nothing. Raises DeploymentFailed if the chain refuses."""
        state = await self.state()
        lacking = [one for one in state.members if one.stake_wei < state.stake_wei]
        for member in lacking:
            missing_wei = state.stake_wei - member.stake_wei
            await self._send("stake", member.address, value_wei=missing_wei)
        return tuple(member.address for member in lacking)

    async def renew(self) -> CommitteeState:
        """Begin an epoch with as many members of new keys, made here, whose stakes are whole.

        The platform learns the keys at its next start. Not idempotent. Raises DeploymentFailed.
        """
        store, count = key_store(self._settings), self._settings.validator_count
        first = len(validator_names(store))
        made = [store.load_or_create(validator_name(first + place)) for place in range(count)]
        members = sorted(key.address for key in made)
        stake_wei = await self._client.read(self._deployment.committee, "stakeWei")
        for member in members:
            await self._send("stake", member, value_wei=stake_wei)
        await self._send("beginEpoch", members)
        return await self.state()

    async def _member(self, address: Address) -> Member:
        committee = self._deployment.committee
        return Member(address, await self._client.read(committee, "stakeOf", address))

    async def _send(self, function: str, *arguments: object, value_wei: int = 0) -> None:
        outcome = await self._sender.call(
            self._deployment.committee, function, *arguments, value_wei=value_wei
        )
        if not isinstance(outcome, Done):
            reason = outcome.reason if isinstance(outcome, Refused) else "it is not mined yet"
            raise DeploymentFailed(f"{function} of the committee: {reason}")
