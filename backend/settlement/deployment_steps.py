"""The steps of a deployment. Law: each is in the file before it is taken, so a repeat resumes.

A contract's address follows from the deployer's nonce, so after a crash the chain tells how far we
came.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import rlp
import structlog

from backend.protocol.hashing import keccak
from backend.protocol.types import Address, address_text
from backend.settlement.artifacts import Artifact, artifacts
from backend.settlement.chain import Contract, Done, Refusal, Refused
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import (
    ContractRecord,
    Deployment,
    load_deployment,
    save_deployment,
)
from backend.settlement.sender import Sender

# They know each other for ever, so they are created in this order, one nonce after the other.
CORE: Final = ("Committee", "Rollup", "Exits", "Disputes", "Challenges")
CONTRACTS: Final = (
    "KycRegistry",
    *CORE,
    "BonusCampaigns",
    "Prizes",
    "TokenAuthority",
    "Stablecoin",
    "RegulatedAsset",
    "Treasury",
)
_CODE_WAIT_S: Final = 60
_POLL_S: Final = 0.2

log = structlog.get_logger(__name__)


class DeploymentFailed(Exception):
    """The contracts can't be deployed as asked; the message says why and what to do."""


def created_address(creator: bytes, nonce: int) -> Address:
    """Return the address of the contract that `creator` makes with the transaction `nonce`."""
    return Address(keccak(rlp.encode([creator, nonce]))[12:])


class Steps:
    """One run. `deployment` is always what the file says."""

    def __init__(
        self, client: ChainClient, sender: Sender, path: Path, deployment: Deployment
    ) -> None:
        self.deployment = deployment
        self.steps: list[str] = []
        self.left_to_others: list[str] = []
        self._client, self._sender, self._path = client, sender, path
        self._artifacts = artifacts(CONTRACTS)

    def finish(self) -> None:
        """Write the file unless it says the same already."""
        if load_deployment(self._path) != self.deployment:
            save_deployment(self._path, self.deployment)

    async def create(self, name: str, kind: str, *arguments: Any) -> Address:
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

    async def planned(self, names: Sequence[str]) -> dict[str, Address]:
        """Return the addresses of contracts that are created one after the other, the first of them
        next. Once it is in the file, they follow from its nonce.
        """
        record = self.deployment.contracts.get(names[0])
        creator = self._sender.address
        first = await self._client.nonce(creator) if record is None else record.nonce
        return {name: created_address(creator, first + at) for at, name in enumerate(names)}

    async def create_as_planned(
        self, plan: Mapping[str, Address], name: str, *arguments: Any
    ) -> None:
        """Create a contract at the address that others know already."""
        if name not in self.deployment.contracts:
            nonce = await self._client.nonce(self._sender.address)
            if created_address(self._sender.address, nonce) != plan[name]:
                raise DeploymentFailed(
                    f"{self._path}: another transaction of the deployer came before {name}. Move "
                    "the file away to deploy anew, and leave the key alone meanwhile."
                )
        await self.create(name, name, *arguments)

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

    async def grant(self, contract: Contract, role: str, account: Address) -> None:
        """Give a role of an OpenZeppelin AccessControl contract unless the account has it."""
        role_id = await self.read(contract, role)
        if not await self.read(contract, "hasRole", role_id, account):
            await self.send_as(self.deployment.roles.admin, contract, "grantRole", role_id, account)

    async def send_as(
        self,
        who: Address,
        contract: Contract,
        function: str,
        *arguments: Any,
        value_wei: int = 0,
    ) -> None:
        """Send a call that only `who` may make, or note that he has to."""
        shown = ", ".join(map(_shown, arguments))
        step = f"{function}({shown}) at {address_text(contract.address)}"
        if who != self._sender.address:
            self.left_to_others.append(f"{address_text(who)}: {step}")
            return
        outcome = await self._sender.call(contract, function, *arguments, value_wei=value_wei)
        if not isinstance(outcome, Done):
            reason = outcome.reason if isinstance(outcome, Refused) else "not mined yet"
            raise DeploymentFailed(f"{step}: {reason}. Run this again.")
        self.steps.append(step)

    async def read(self, contract: Contract, function: str, *arguments: Any) -> Any:
        """Return what a view answers."""
        return await self._client.read(contract, function, *arguments)

    def contract(self, name: str) -> Contract:
        """Return a contract that was created, by its name in the file."""
        record = self.deployment.contracts[name]
        return Contract(record.address, self._artifacts[record.artifact].abi)

    def _keep(self, name: str, record: ContractRecord) -> None:
        contracts = {**self.deployment.contracts, name: record}
        self.deployment = replace(self.deployment, contracts=contracts)
        save_deployment(self._path, self.deployment)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
