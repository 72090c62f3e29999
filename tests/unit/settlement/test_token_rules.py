"""Ids of interfaces, as the standards have them.

What tokens say of their holders is read from a chain in tests/e2e/settlement/test_deployment.py.
"""

from backend.settlement.artifacts import artifact
from backend.settlement.token_rules import _ERC7943_FUNCTIONS, interface_id

ERC20_FUNCTIONS = ("totalSupply", "balanceOf", "transfer", "allowance", "approve", "transferFrom")


def test_interface_id__standards__holds():
    abi = artifact("RegulatedAsset").abi

    assert interface_id(map(abi.selector, ERC20_FUNCTIONS)).hex() == "36372b07"
    assert interface_id(map(abi.selector, _ERC7943_FUNCTIONS)).hex() == "3edbb4c4"
