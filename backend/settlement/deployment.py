"""Deploys the contracts, once. Law: a repeat changes nothing, and an interrupted one is resumed.

Each step is written to `deployments/<chainId>.json` before it is taken: a contract's address
follows from the deployer's nonce, so after a crash the chain tells how far we came.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import rlp
import structlog

from backend.protocol.errors import ChainUnavailable
from backend.protocol.hashing import keccak
from backend.protocol.signing import PrivateKey
from backend.protocol.types import Address, address_text
from backend.settlement.abi import ContractError
from backend.settlement.anvil import LOCAL_CHAIN_IDS
from backend.settlement.artifacts import Artifact, artifacts
from backend.settlement.chain import Contract, Done, Refusal, Refused, RpcError
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import (
    ContractRecord,
    Deployment,
    Parameters,
    Roles,
    TokenRecord,
    load_deployment,
    save_deployment,
)
from backend.settlement.sender import Sender

CONTRACTS: Final = ("KycRegistry", "Committee", "Rollup", "Stablecoin")
_CODE_WAIT_S: Final = 60
_POLL_S: Final = 0.2

log = structlog.get_logger(__name__)


class DeploymentFailed(Exception):
    """The contracts can't be deployed as asked; the message says why and what to do."""


class NoNode(DeploymentFailed):
    """Nothing answers where the chain should be."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"No node answers at {url}. Start one: `make up` starts anvil and the platform, "
            "`anvil --port 8545` (in node_modules/.bin) the chain alone."
        )


@dataclass(frozen=True, slots=True)
class Token:
    """A token to list. Without `address` a Stablecoin of ours is deployed: local chains only."""

    symbol: str
    name: str
    decimals: int
    unit: int
    address: Address | None = None


LOCAL_TOKENS: Final = (
    Token("USDX", "Test dollar", 6, 1),
    Token("EURX", "Test euro", 18, 10**12),
)


# An amount in the ledger has 48 bits: six decimals let it reach 281 million.
MINOR_DECIMALS: Final = 6


async def token_at(client: ChainClient, address: Address) -> Token:
    """Return somebody's token as it should be listed: six decimals, or its own if it has fewer.

    Raises DeploymentFailed if it says neither symbol nor decimals.
    """
    contract = Contract(address, artifacts(["Stablecoin"])["Stablecoin"].abi)
    try:
        symbol = await client.read(contract, "symbol")
        name = await client.read(contract, "name")
        decimals = await client.read(contract, "decimals")
    except (RpcError, ContractError) as error:
        raise DeploymentFailed(f"{address_text(address)} is no ERC-20 token: {error}") from error
    unit = 10 ** max(decimals - MINOR_DECIMALS, 0)
    return Token(symbol, name, decimals, unit, address)


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


def created_address(creator: bytes, nonce: int) -> Address:
    """Return the address of the contract that `creator` makes with the transaction `nonce`."""
    return Address(keccak(rlp.encode([creator, nonce]))[12:])


class _Deployer:
    """One run. `deployment` is always what the file says."""

    def __init__(
        self, client: ChainClient, sender: Sender, path: Path, deployment: Deployment
    ) -> None:
        self.deployment = deployment
        self.steps: list[str] = []
        self.left_to_others: list[str] = []
        self._client, self._sender, self._path = client, sender, path
        self._artifacts = artifacts(CONTRACTS)

    async def create_contracts(self, tokens: Sequence[Token]) -> None:
        roles, parameters = self.deployment.roles, self.deployment.parameters
        registry = await self._create(
            "KycRegistry", "KycRegistry", roles.admin, parameters.kyc_level_needed
        )
        committee = await self._create(
            "Committee", "Committee", roles.admin, list(roles.validators)
        )
        await self._create(
            "Rollup",
            "Rollup",
            committee,
            registry,
            roles.lister,
            parameters.challenge_window_s,
            parameters.timestamp_lag_s,
        )
        for token in tokens:
            if token.address is None:
                await self._create(
                    token.symbol,
                    "Stablecoin",
                    token.name,
                    token.symbol,
                    token.decimals,
                    roles.admin,
                )

    async def give_roles(self) -> None:
        """Let the attestor attest, the guardian guard, and the minter mint our own tokens."""
        roles = self.deployment.roles
        registry = self._contract("KycRegistry")
        if roles.attestor is not None and not await self._read(
            registry, "trustedUntil", roles.attestor
        ):
            await self._as(roles.admin, registry, "appointAttestor", roles.attestor)
        if roles.guardian is not None:
            await self._grant(registry, "GUARDIAN_ROLE", roles.guardian)
        for name, record in self.deployment.contracts.items():
            if record.artifact == "Stablecoin" and roles.minter is not None:
                await self._grant(self._contract(name), "MINTER_ROLE", roles.minter)

    async def list_tokens(self, tokens: Sequence[Token]) -> None:
        rollup, roles = self._contract("Rollup"), self.deployment.roles
        listed = []
        for token in tokens:
            address = token.address or self.deployment.address(token.symbol)
            fee_owner = roles.fee_owner or bytes(20)
            if not await self._read(rollup, "assetIdOf", address):
                await self._as(roles.lister, rollup, "listAsset", address, token.unit, fee_owner)
            asset_id = await self._read(rollup, "assetIdOf", address)
            if asset_id:
                listed.append(
                    TokenRecord(token.symbol, address, token.decimals, token.unit, asset_id)
                )
        self.deployment = replace(self.deployment, tokens=tuple(listed))

    def finish(self) -> None:
        """Write the file unless it says the same already."""
        if load_deployment(self._path) != self.deployment:
            save_deployment(self._path, self.deployment)

    async def _create(self, name: str, kind: str, *arguments: Any) -> Address:
        """Create a contract unless it is there, and return its address."""
        artifact = self._artifacts[kind]
        init_code = artifact.bytecode + artifact.abi.constructor_data(*arguments)
        record = self.deployment.contracts.get(name)
        if record is not None and await self._client.code(record.address):
            return await self._checked(name, record, init_code)
        # A nonce that was written down and not consumed is taken again: one of the two counts.
        nonce = await self._client.nonce(self._sender.address)
        if record is not None and record.nonce > nonce:
            raise DeploymentFailed(f"{self._path}: the deployer's nonce went back. Move the file.")
        record = ContractRecord(
            artifact=kind,
            address=created_address(self._sender.address, nonce),
            nonce=nonce,
            init_code_hash=keccak(init_code),
            code_hash=None,
        )
        self._keep(name, record)
        await self._send_creation(name, nonce, init_code, artifact)
        self.steps.append(f"create {name}")
        return await self._checked(name, record, init_code)

    async def _send_creation(
        self, name: str, nonce: int, init_code: bytes, artifact: Artifact
    ) -> None:
        outcome = await self._sender.send(None, init_code, abi=artifact.abi, nonce=nonce)
        if isinstance(outcome, Refused) and outcome.reason.refusal not in (
            Refusal.UNDERPRICED,  # one of this nonce is on its way
            Refusal.NONCE_TOO_LOW,
        ):
            raise DeploymentFailed(f"the chain refuses {name}: {outcome.reason}")

    async def _checked(self, name: str, record: ContractRecord, init_code: bytes) -> Address:
        """Wait for the code, and check that it is the one that was written down."""
        code = await self._code(name, record.address)
        if record.code_hash is None:
            if record.init_code_hash != keccak(init_code):
                raise DeploymentFailed(
                    f"{self._path}: {name} was begun from other sources or arguments. "
                    "Move the file away to deploy anew."
                )
            self._keep(name, replace(record, code_hash=keccak(code)))
        elif record.code_hash != keccak(code):
            raise DeploymentFailed(f"{name} on the chain has other code than {self._path} says")
        elif record.init_code_hash != keccak(init_code):
            # What is deployed stays as it is; another release is another deployment.
            log.warning("deployment_older_than_sources", contract=name, file=str(self._path))
        return record.address

    async def _code(self, name: str, address: Address) -> bytes:
        for _ in range(round(_CODE_WAIT_S / _POLL_S)):
            code = await self._client.code(address)
            if code:
                return code
            await asyncio.sleep(_POLL_S)
        raise DeploymentFailed(f"{name} has not been mined in {_CODE_WAIT_S} s. Run this again.")

    async def _grant(self, contract: Contract, role: str, account: Address) -> None:
        role_id = await self._read(contract, role)
        if not await self._read(contract, "hasRole", role_id, account):
            await self._as(self.deployment.roles.admin, contract, "grantRole", role_id, account)

    async def _as(self, who: Address, contract: Contract, function: str, *arguments: Any) -> None:
        """Send a call that only `who` may make, or note that he has to."""
        shown = ", ".join(map(_shown, arguments))
        step = f"{function}({shown}) at {address_text(contract.address)}"
        if who != self._sender.address:
            self.left_to_others.append(f"{address_text(who)}: {step}")
            return
        outcome = await self._sender.call(contract, function, *arguments)
        if not isinstance(outcome, Done):
            reason = outcome.reason if isinstance(outcome, Refused) else "not mined yet"
            raise DeploymentFailed(f"{step}: {reason}. Run this again.")
        self.steps.append(step)

    async def _read(self, contract: Contract, function: str, *arguments: Any) -> Any:
        return await self._client.read(contract, function, *arguments)

    def _contract(self, name: str) -> Contract:
        record = self.deployment.contracts[name]
        return Contract(record.address, self._artifacts[record.artifact].abi)

    def _keep(self, name: str, record: ContractRecord) -> None:
        contracts = {**self.deployment.contracts, name: record}
        self.deployment = replace(self.deployment, contracts=contracts)
        save_deployment(self._path, self.deployment)


def _shown(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
