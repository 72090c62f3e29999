"""What a token says of who may hold it. Law: a rule that the committee can't keep is not listed.

A token of ERC-7943 may have any rule. The committee keeps one: a level in our KYC registry, as
contracts/interfaces/IRegulatedAsset.sol has it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Final

from backend.protocol.types import Address, address_text
from backend.settlement.abi import ContractError
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Contract, RpcError
from backend.settlement.client import ChainClient
from backend.settlement.deployment_steps import DeploymentFailed

_ERC7943_FUNCTIONS: Final = (
    "forcedTransfer",
    "setFrozenTokens",
    "canSend",
    "canReceive",
    "getFrozenTokens",
    "canTransfer",
)
# What a token answers that lacks a function.
_NO_ANSWER: Final = (ContractError, RpcError)


@dataclass(frozen=True, slots=True)
class TokenRule:
    """Holders need a level, from 1, in a registry."""

    level_needed: int
    registry: Address


async def rule_of(client: ChainClient, token: Address) -> TokenRule | None:
    """Return who may hold a token; None if anybody may.

    Raises DeploymentFailed if it is of ERC-7943 and has another kind of rule.
    """
    contract = Contract(token, artifact("RegulatedAsset").abi)
    try:
        level_needed = int(await client.read(contract, "levelNeeded"))
        registry = Address(await client.read(contract, "registry"))
    except _NO_ANSWER:
        level_needed, registry = 0, Address(bytes(20))
    if level_needed:
        return TokenRule(level_needed, registry)
    if await _is_regulated(client, contract):
        raise DeploymentFailed(
            f"{address_text(token)} has a rule of its own for its holders (ERC-7943), which the "
            "committee can't keep: it can't be listed."
        )
    return None


def interface_id(selectors: Iterable[bytes]) -> bytes:
    """Return the id of an interface (ERC-165): its functions' selectors, joined by XOR."""
    numbers = (int.from_bytes(selector) for selector in selectors)
    return reduce(lambda one, other: one ^ other, numbers).to_bytes(4)


async def _is_regulated(client: ChainClient, contract: Contract) -> bool:
    wanted = interface_id(map(contract.abi.selector, _ERC7943_FUNCTIONS))
    try:
        return bool(await client.read(contract, "supportsInterface", wanted))
    except _NO_ANSWER:
        return False
