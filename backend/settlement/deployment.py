"""Deploys the contracts, once. Law: a repeat changes nothing, and an interrupted one is resumed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import structlog

from backend.protocol.errors import ChainUnavailable
from backend.protocol.signing import PrivateKey
from backend.protocol.types import Address, address_text
from backend.settlement.abi import ContractError
from backend.settlement.anvil import LOCAL_CHAIN_IDS
from backend.settlement.artifacts import artifacts
from backend.settlement.chain import Contract, RpcError
from backend.settlement.client import ChainClient, block_ranges
from backend.settlement.deployment_file import (
    Deployment,
    Parameters,
    Roles,
    TokenRecord,
    load_deployment,
)
from backend.settlement.deployment_steps import CORE, DeploymentFailed, Steps
from backend.settlement.sender import Sender
from backend.settlement.token_roles import (
    LOCAL_MINTER_ALLOWANCE,
    TokenRole,
    function_role_calls,
    grant_calls,
)
from backend.settlement.token_rules import rule_of
from backend.settlement.treasury import governance_of

# Contracts that hold the money of many, which the issuer of our tokens can't touch. They are
# created before the tokens, which name them for ever.
VAULTS: Final = ("Rollup", "BonusCampaigns", "Prizes")

log = structlog.get_logger(__name__)


class NoNode(DeploymentFailed):
    """Nothing answers where the chain should be."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"No node answers at {url}. Start one: `make up` starts anvil and the platform, "
            "`anvil --port 8545` (in node_modules/.bin) the chain alone."
        )


@dataclass(frozen=True, slots=True)
class Token:
    """A token to list. Without `address` one of ours is deployed: local chains only.

    It is a RegulatedAsset if holders need a level in the registry, else a Stablecoin.
    """

    symbol: str
    name: str
    decimals: int
    unit: int
    address: Address | None = None
    level_needed: int = 0
    registry: Address | None = None  # that a token of somebody's asks for the level

    @property
    def artifact(self) -> str:
        """The contract that is deployed."""
        return "RegulatedAsset" if self.level_needed else "Stablecoin"


LOCAL_TOKENS: Final = (
    Token("USDX", "Test dollar", 6, 1),
    Token("EURX", "Test euro", 18, 10**12),
    Token("BOND", "Test bond", 6, 1, level_needed=1),
)


# An amount in the ledger has 48 bits: six decimals let it reach 281 million.
MINOR_DECIMALS: Final = 6


async def token_at(client: ChainClient, address: Address) -> Token:
    """Return somebody's token as it should be listed: six decimals, or its own if it has fewer.

    Raises DeploymentFailed if it says neither symbol nor decimals, or has a rule for its holders
    that the committee can't keep.
    """
    contract = Contract(address, artifacts(["Stablecoin"])["Stablecoin"].abi)
    try:
        symbol = await client.read(contract, "symbol")
        name = await client.read(contract, "name")
        decimals = await client.read(contract, "decimals")
    except (RpcError, ContractError) as error:
        raise DeploymentFailed(f"{address_text(address)} is no ERC-20 token: {error}") from error
    unit = 10 ** max(decimals - MINOR_DECIMALS, 0)
    rule = await rule_of(client, address)
    if rule is None:
        return Token(symbol, name, decimals, unit, address)
    return Token(symbol, name, decimals, unit, address, rule.level_needed, rule.registry)


@dataclass(frozen=True, slots=True)
class Deployed:
    """What `deploy` found or made; `steps` are the transactions that it took (none in a repeat)."""

    deployment: Deployment
    steps: tuple[str, ...]
    left_to_others: tuple[str, ...]  # what only the admin or the lister can do

    @property
    def is_unchanged(self) -> bool:
        return not self.steps


async def deploy(
    client: ChainClient,
    key: PrivateKey,
    roles: Roles,
    parameters: Parameters,
    tokens: Sequence[Token],
    folder: Path,
) -> Deployed:
    """Deploy what isn't there yet, list the tokens, give the roles, and return where all is.

    `key` pays. Idempotent: a repeat with the same arguments changes nothing. Raises NoNode, or
    DeploymentFailed if the file in `folder` speaks of another deployment or the chain refuses.
    """
    try:
        chain_id = await client.chain_id()
        genesis_hash = await _genesis_hash(client)
    except ChainUnavailable as error:
        raise NoNode(client.url) from error
    if chain_id not in LOCAL_CHAIN_IDS and any(token.address is None for token in tokens):
        raise DeploymentFailed(f"chain {chain_id} is public: name the addresses of its tokens")
    path = folder / f"{chain_id}.json"
    roles = replace(roles, validators=tuple(sorted(roles.validators)))
    wanted = Deployment(
        chain_id=chain_id,
        genesis_hash=genesis_hash,
        block_number=(await client.latest()).number,
        parameters=parameters,
        roles=roles,
        contracts={},
        tokens=(),
    )
    resumed = await _resumed(client, path, wanted)
    deployer = _Deployer(client, Sender(client, key), path, resumed)
    await deployer.create_contracts(tokens)
    await deployer.stake()
    await deployer.create_treasury()
    await deployer.give_roles()
    await deployer.list_tokens(tokens)
    deployer.finish()
    for step in deployer.left_to_others:
        log.warning("deployment_left_to_others", step=step)
    log.info("deployed", chain_id=chain_id, steps=len(deployer.steps), file=str(path))
    return Deployed(deployer.deployment, tuple(deployer.steps), tuple(deployer.left_to_others))


async def _genesis_hash(client: ChainClient) -> bytes:
    """Return the hash of block 0, as block 1 knows it: anvil makes up another block 0 whenever it
    starts from a saved state, and may show that one."""
    first = await client.block(1)
    if first is not None:
        return first.parent_hash
    genesis = await client.block(0)
    return genesis.block_hash if genesis else bytes(32)


async def _resumed(client: ChainClient, path: Path, wanted: Deployment) -> Deployment:
    """Return the deployment that the file holds, or a new one; refuse one that doesn't fit."""
    found = load_deployment(path)
    if found is not None and found.genesis_hash != wanted.genesis_hash:
        if wanted.chain_id not in LOCAL_CHAIN_IDS:
            raise DeploymentFailed(f"{path} belongs to another chain. See which endpoint is right.")
        # Local chains share an id. The other one may come back, so its file is kept beside.
        path.replace(_kept_path(path, found))
        log.info("deployment_of_another_chain_kept", file=str(_kept_path(path, found)))
        found = None
    if found is None:
        found = load_deployment(_kept_path(path, wanted))
    if found is None:
        return wanted
    for name, record in found.contracts.items():
        if record.code_hash is not None and not await client.code(record.address):
            if wanted.chain_id in LOCAL_CHAIN_IDS:
                log.info("deployment_of_another_chain_replaced", file=str(path))
                return wanted
            raise DeploymentFailed(
                f"{path}: the chain has no code at {name}'s address any longer. See whether the "
                "endpoint is the right one; move the file away to deploy anew."
            )
    if (found.parameters, found.roles) != (wanted.parameters, wanted.roles):
        raise DeploymentFailed(
            f"{path} holds a deployment with other parameters or roles. It can't be changed: "
            "keep them, or move the file away to deploy anew."
        )
    return found


def _kept_path(path: Path, deployment: Deployment) -> Path:
    return path.with_stem(f"{deployment.chain_id}-{deployment.genesis_hash[:4].hex()}")


class _Deployer(Steps):
    """What is deployed, listed and granted, in this order."""

    async def create_contracts(self, tokens: Sequence[Token]) -> None:
        roles, parameters = self.deployment.roles, self.deployment.parameters
        registry = await self.create(
            "KycRegistry", "KycRegistry", roles.admin, parameters.kyc_level_needed
        )
        rollup = await self._create_core(registry)
        await self.create("BonusCampaigns", "BonusCampaigns", rollup, registry)
        await self.create("Prizes", "Prizes", rollup)
        own_tokens = [token for token in tokens if token.address is None]
        if not own_tokens:
            return
        authority = await self.create("TokenAuthority", "TokenAuthority", roles.admin)
        vaults = [self.deployment.address(name) for name in VAULTS]
        for token in own_tokens:
            what = (token.name, token.symbol, token.decimals, authority, vaults)
            rules = (registry, token.level_needed) if token.level_needed else ()
            await self.create(token.symbol, token.artifact, *what, *rules)

    async def _create_core(self, registry: Address) -> Address:
        """Create what holds the money and what guards it; return the rollup."""
        roles, parameters = self.deployment.roles, self.deployment.parameters
        plan = await self.planned(CORE)
        rollup = plan["Rollup"]
        await self.create_as_planned(
            plan, "Committee", roles.admin, rollup, list(roles.validators), parameters.stake_wei
        )
        parts = (
            plan["Committee"],
            registry,
            roles.lister,
            plan["Exits"],
            plan["Disputes"],
            plan["Challenges"],
        )
        await self.create_as_planned(plan, "Rollup", parts, parameters.windows)
        for name in ("Exits", "Disputes", "Challenges"):
            await self.create_as_planned(plan, name, rollup)
        return rollup

    async def stake(self) -> None:
        """Make the first stake of each validator whole. Anybody may pay; here the deployer does.

        One that was slashed stays lost: to pay it anew is a decision of its own.
        """
        committee, stake_wei = self.contract("Committee"), self.deployment.parameters.stake_wei
        for validator in self.deployment.roles.validators:
            missing_wei = stake_wei - await self.read(committee, "stakeOf", validator)
            if missing_wei > 0 and not await self._was_slashed(committee, validator):
                await self.send_as(
                    self._sender.address, committee, "stake", validator, value_wei=missing_wei
                )

    async def _was_slashed(self, committee: Contract, validator: Address) -> bool:
        topics = [committee.abi.topic("Slashed"), bytes(validator).rjust(32, b"\0")]
        last = (await self._client.latest()).number
        for start, end in block_ranges(self.deployment.block_number, last):
            if await self._client.logs([committee.address], start, end, topics):
                return True
        return False

    async def create_treasury(self) -> None:
        """Create the treasury, if there are treasurers: they weigh 1 each, and most of them do
        everything. Its tiers and rules are theirs to set, by proposals.
        """
        treasurers = self.deployment.roles.treasurers
        if treasurers:
            timelock_s = self.deployment.parameters.treasury_timelock_s
            weights = [1] * len(treasurers)
            rules = governance_of(len(treasurers), timelock_s)
            await self.create("Treasury", "Treasury", list(treasurers), weights, rules)

    async def give_roles(self) -> None:
        """Let the attestor attest, the guardian guard, and our own tokens be issued."""
        roles = self.deployment.roles
        registry = self.contract("KycRegistry")
        if roles.attestor is not None and not await self.read(
            registry, "trustedUntil", roles.attestor
        ):
            await self.send_as(roles.admin, registry, "appointAttestor", roles.attestor)
        if roles.guardian is not None:
            await self.grant(registry, "GUARDIAN_ROLE", roles.guardian)
        if "TokenAuthority" in self.deployment.contracts:
            await self._give_token_roles()

    async def _give_token_roles(self) -> None:
        """Let the admin do all that is restricted, without a delay, and the minter mint."""
        roles, authority = self.deployment.roles, self.contract("TokenAuthority")
        is_member, _ = await self.read(authority, "hasRole", max(TokenRole), roles.admin)
        if not is_member:
            calls = grant_calls(authority, roles.admin)
            await self.send_as(roles.admin, authority, "multicall", calls)
        for name, record in self.deployment.contracts.items():
            if record.artifact in ("Stablecoin", "RegulatedAsset"):
                await self._give_roles_of(self.contract(name), record.artifact)

    async def _give_roles_of(self, token: Contract, artifact_name: str) -> None:
        roles, authority = self.deployment.roles, self.contract("TokenAuthority")
        burn = token.abi.selector("burn")
        if not await self.read(authority, "getTargetFunctionRole", token.address, burn):
            calls = function_role_calls(authority, token, artifact_name)
            await self.send_as(roles.admin, authority, "multicall", calls)
        minter = roles.minter
        if minter is None or await self.read(token, "minterAllowance", minter):
            return
        # Once he has minted, an allowance of nothing is what his admins left him.
        if not await self.read(token, "totalSupply"):
            allowance = LOCAL_MINTER_ALLOWANCE
            await self.send_as(roles.admin, token, "configureMinter", minter, allowance)

    async def list_tokens(self, tokens: Sequence[Token]) -> None:
        rollup, roles = self.contract("Rollup"), self.deployment.roles
        for token in tokens:
            self._require_our_registry(token)
        listed = []
        for token in tokens:
            address = token.address or self.deployment.address(token.symbol)
            fee_owner = roles.fee_owner or bytes(20)
            if not await self.read(rollup, "assetIdOf", address):
                await self.send_as(
                    roles.lister, rollup, "listAsset", address, token.unit, fee_owner
                )
            asset_id = await self.read(rollup, "assetIdOf", address)
            if asset_id:
                listed.append(
                    TokenRecord(
                        token.symbol,
                        address,
                        token.decimals,
                        token.unit,
                        asset_id,
                        token.level_needed,
                    )
                )
        self.deployment = replace(self.deployment, tokens=tuple(listed))

    def _require_our_registry(self, token: Token) -> None:
        """Refuse a token whose holders are known to a registry that the committee doesn't read."""
        registry = self.deployment.address("KycRegistry")
        if token.registry not in (None, registry):
            raise DeploymentFailed(
                f"{token.symbol} asks another registry than {address_text(registry)} who may hold "
                "it, and the committee reads that one alone: it can't be listed."
            )
