"""Questions about tokens and persons on a real chain.

- a token's name, allowance, permit and authorisation; what is no token
- L1 time; what an exit costs, whatever the base fee; that none waits
- a revocation: recorded; refused to whoever is no attestor
"""

import pytest
from structlog.testing import capture_logs

from backend.protocol.errors import ChainUnavailable
from backend.protocol.hashing import keccak
from backend.settlement.queries import AuthorizationFacts, ChainQueries, PermitFacts, TokenName
from tests.e2e.settlement.chain import ATTESTOR, OTHER_OWNER, OWNER


@pytest.fixture
def queries(l1):
    return ChainQueries(l1.client, l1.deployment, l1.sender(ATTESTOR))


async def test_token__ours__succeeds(l1, queries):
    await l1.fund(OWNER, 7, "EURX")
    token = l1.deployment.token("EURX").address

    assert await queries.token_name(token) == TokenName("EURX", 18)
    rollup = l1.deployment.address("Rollup")
    assert await queries.allowance(token, OWNER.address, rollup) == 7
    assert await queries.allowance(token, OWNER.address, l1.deployment.address("Exits")) == 0
    facts = await queries.permit_facts(token, OWNER.address)
    assert isinstance(facts, PermitFacts)
    assert (facts.name, facts.nonce) == ("Test euro", 0)
    authorization = await queries.authorization_facts(token, OWNER.address, keccak(b"nonce"))
    assert authorization == AuthorizationFacts("Test euro", "1", False)


async def test_token__none__rejects(l1, queries):
    assert await queries.token_name(l1.deployment.address("Committee")) is None
    assert await queries.permit_facts(OWNER.address, OWNER.address) is None
    committee = l1.deployment.address("Committee")
    for stranger in (OWNER.address, committee):
        assert await queries.authorization_facts(stranger, OWNER.address, bytes(32)) is None


async def test_latest_ts_s__head__succeeds(l1, queries):
    assert abs(await queries.latest_ts_s() - (await l1.client.latest()).ts_s) <= 1


@pytest.mark.parametrize("base_fee_gwei", [0, 1, 40])
async def test_exit_bounty_wei__any_base_fee__as_the_contract_says_holds(geth_like, base_fee_gwei):
    """The contract is asked with a gas price: without one, a node like geth takes the base fee for
    0, so that the contract answers the floor."""
    client, exits = geth_like.client, geth_like.deployment.core("Exits")
    queries = ChainQueries(client, geth_like.deployment, geth_like.sender(ATTESTOR))
    await geth_like.set_base_fee(base_fee_gwei * 10**9)
    call = {
        "from": "0x" + OWNER.address.hex(),
        "to": "0x" + exits.address.hex(),
        "data": "0x" + exits.abi.call_data("bounty").hex(),
        "gasPrice": hex(base_fee_gwei * 10**9),
    }

    least_wei = int(await client.rpc("eth_call", call, "latest"), 16)

    floor_wei = 4 * 300_000 * 10**9
    assert least_wei == floor_wei * max(base_fee_gwei, 1)
    assert await client.read(exits, "bounty") == floor_wei
    assert await queries.exit_bounty_wei() == least_wei


async def test_exit_waiting_since_ts_s__nobody_asked__is_none_holds(l1, queries):
    assert await queries.exit_waiting_since_ts_s(77, OWNER.address) is None


async def test_revoke_person__attestor__succeeds(l1, queries):
    registry = l1.deployment.kyc_registry
    await l1.attest(OWNER)
    before = await l1.client.read(registry, "levelOf", OWNER.address)

    tx_hash = await queries.revoke_person(OWNER.address)

    assert (before, await l1.client.read(registry, "levelOf", OWNER.address)) == (1, 0)
    assert (await l1.client.receipt(tx_hash)).is_success


async def test_revoke_person__no_attestor__rejects(l1):
    queries = ChainQueries(l1.client, l1.deployment, l1.sender(OTHER_OWNER))

    with capture_logs() as logs, pytest.raises(ChainUnavailable):
        await queries.revoke_person(OWNER.address)

    assert "NotAttestor" in logs[-1]["reason"]
