"""Who may call which restricted function of our tokens: the roles in their TokenAuthority."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from backend.protocol.types import Address
from backend.settlement.chain import Contract


class TokenRole(IntEnum):
    """A role's id; 0 is the authority's own ADMIN_ROLE."""

    MINTER_ADMIN = 1
    BURNER = 2
    FREEZER = 3
    PAUSER = 4
    SEIZER = 5


# By artifact, all that is restricted.
FUNCTIONS: Final[Mapping[str, Mapping[str, TokenRole]]] = {
    "Stablecoin": {
        "configureMinter": TokenRole.MINTER_ADMIN,
        "burn": TokenRole.BURNER,
        "freeze": TokenRole.FREEZER,
        "unfreeze": TokenRole.FREEZER,
        "pause": TokenRole.PAUSER,
        "unpause": TokenRole.PAUSER,
        "seize": TokenRole.SEIZER,
    },
    "RegulatedAsset": {
        "configureMinter": TokenRole.MINTER_ADMIN,
        "burn": TokenRole.BURNER,
        "setFrozenTokens": TokenRole.FREEZER,
        "forcedTransfer": TokenRole.SEIZER,
        "forcedTransferFor": TokenRole.SEIZER,
    },
}

# Test money: no test gets to the end of it.
LOCAL_MINTER_ALLOWANCE: Final = 2**128


def grant_calls(authority: Contract, account: Address) -> list[bytes]:
    """Return the authority's calls that give an account each role, without a delay."""
    return [authority.abi.call_data("grantRole", role, account, 0) for role in TokenRole]


def function_role_calls(authority: Contract, token: Contract, artifact_name: str) -> list[bytes]:
    """Return the authority's calls that give each restricted function of a token its role."""
    return [
        authority.abi.call_data(
            "setTargetFunctionRole", token.address, [token.abi.selector(name)], role
        )
        for name, role in FUNCTIONS[artifact_name].items()
    ]
