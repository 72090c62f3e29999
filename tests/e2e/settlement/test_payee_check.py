"""Who may not be paid, on a real chain.

- a token of ours: frozen, released again, frozen after the first look
- somebody's token with a block list; one without
- a regulated asset: by the level that owners have
- the chain doesn't answer
"""

from dataclasses import replace

import pytest

from backend.protocol.errors import ChainUnavailable
from backend.protocol.types import Address
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Done
from backend.settlement.client import ChainClient
from backend.settlement.deployment_steps import created_address
from backend.settlement.payee_check import PayeeChecks
from tests.e2e.settlement.chain import DEPLOYER, FEE_OWNER, OTHER_OWNER, OWNER

BOTH = (OWNER.address, OTHER_OWNER.address)


def checks_of(l1, **changes) -> PayeeChecks:
    deployment = replace(l1.deployment, **changes)
    return PayeeChecks(l1.client, deployment, lambda _token, owner: owner == OWNER.address)


async def test_refused__frozen__rejects(l1):
    token = l1.deployment.token("USDX")
    checks = checks_of(l1)
    assert await checks.refused(Address(token.address), BOTH) == {}

    await l1.call(DEPLOYER, token, "freeze", OWNER.address)
    await l1.call(DEPLOYER, token, "freeze", FEE_OWNER.address)
    found = await checks.refused(Address(token.address), BOTH)

    assert found == {OWNER.address: "PAYEE_BLOCKED"}


async def test_refused__released__succeeds(l1):
    token = l1.deployment.token("USDX")
    checks = checks_of(l1)
    await l1.call(DEPLOYER, token, "freeze", OWNER.address)
    assert await checks.refused(Address(token.address), BOTH)

    await l1.call(DEPLOYER, token, "unfreeze", OWNER.address)
    await l1.mine(100)

    assert await checks.refused(Address(token.address), BOTH) == {}
    assert await checks_of(l1).refused(Address(token.address), BOTH) == {}


async def test_refused__block_list_of_others__is_asked_rejects(l1):
    token = l1.deployment.token("USDX")
    await l1.call(DEPLOYER, token, "freeze", OTHER_OWNER.address)
    foreign = checks_of(l1, contracts={})  # as if somebody else had made the token

    assert await foreign.refused(Address(token.address), BOTH) == {
        OTHER_OWNER.address: "PAYEE_BLOCKED"
    }


async def test_refused__token_without_a_block_list__succeeds(l1):
    plain = artifact("PermitToken")
    sender = l1.sender(DEPLOYER)
    nonce = await sender.next_nonce()
    outcome = await sender.send(None, plain.bytecode + plain.abi.constructor_data())
    assert isinstance(outcome, Done)

    token = created_address(DEPLOYER.address, nonce)

    assert await checks_of(l1).refused(token, BOTH) == {}


async def test_refused__regulated__by_level_rejects(l1):
    token = Address(l1.deployment.token("BOND").address)

    assert await checks_of(l1).refused(token, BOTH) == {OTHER_OWNER.address: "NOT_ELIGIBLE"}


async def test_refused__no_answer__rejects(l1):
    silent = ChainClient("http://127.0.0.1:1")
    token = Address(l1.deployment.token("USDX").address)

    with pytest.raises(ChainUnavailable):
        await PayeeChecks(silent, l1.deployment, lambda *_: True).refused(token, BOTH)
