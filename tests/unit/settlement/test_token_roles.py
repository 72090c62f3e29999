"""Roles of our tokens' authority.

- each restricted function of a token has a role, and nothing else has one
- the calls of the authority name every role and function
"""

import re

import pytest

from backend.protocol.types import Address
from backend.settlement.artifacts import CONTRACTS_DIR, artifact
from backend.settlement.chain import Contract
from backend.settlement.token_roles import (
    FUNCTIONS,
    TokenRole,
    function_role_calls,
    grant_calls,
)

AUTHORITY = Contract(Address(bytes(19) + b"\1"), artifact("TokenAuthority").abi)
ADMIN = Address(bytes(19) + b"\2")
TOKEN = Address(bytes(19) + b"\3")
RESTRICTED = re.compile(r"function (\w+)\([^{;]*?\brestricted\b")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions__restricted_in_solidity__are_all_named_holds(name):
    sources = [(CONTRACTS_DIR / f"tokens/{each}.sol").read_text() for each in ("IssuedToken", name)]

    assert set(FUNCTIONS[name]) == set(RESTRICTED.findall("".join(sources)))


def test_grant_calls__all_roles__succeeds():
    calls = [AUTHORITY.abi.decode_call(call) for call in grant_calls(AUTHORITY, ADMIN)]

    assert [call.values["roleId"] for call in calls] == list(TokenRole)
    assert {call.values["account"] for call in calls} == {ADMIN}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_role_calls__all_functions__succeeds(name):
    token = Contract(TOKEN, artifact(name).abi)

    calls = [AUTHORITY.abi.decode_call(c) for c in function_role_calls(AUTHORITY, token, name)]

    assert {
        token.abi.function_of(call.values["selectors"][0]): call.values["roleId"] for call in calls
    } == FUNCTIONS[name]
