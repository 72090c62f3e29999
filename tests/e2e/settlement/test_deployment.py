"""Deploying on a real chain.

- deploy: code, roles, listings and the file
- a repeat: changes nothing, nor gives a minter back what was taken from him
- an interrupted deployment: resumed at each step
- another chain under the same id; the same one restarted; other parameters; a public chain
  without tokens
- what others have to do
- a bond of others: listed with its level; of another registry, or with another rule, not at all
- no node
"""

import asyncio
from dataclasses import replace

import pytest

from backend.protocol.hashing import keccak
from backend.settlement import deployment_steps as module
from backend.settlement.anvil import start_anvil, stop_anvil
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Contract
from backend.settlement.client import ChainClient
from backend.settlement.deployment import (
    LOCAL_TOKENS,
    VAULTS,
    NoNode,
    Token,
    deploy,
    token_at,
)
from backend.settlement.deployment_file import LOCAL_PARAMETERS, load_deployment
from backend.settlement.deployment_steps import DeploymentFailed, created_address
from backend.settlement.sender import Sender
from backend.settlement.token_roles import FUNCTIONS
from scripts.ports import free_port
from tests.e2e.settlement.chain import (
    ATTESTOR,
    DEPLOYER,
    FEE_OWNER,
    OPERATOR,
    ROLES,
    VALIDATORS,
)

CREATIONS = [
    "KycRegistry",
    "Committee",
    "Rollup",
    "Exits",
    "Disputes",
    "Challenges",
    "BonusCampaigns",
    "Prizes",
    "TokenAuthority",
    "USDX",
    "EURX",
    "BOND",
]


async def deploy_to(folder, client, *, roles=ROLES, parameters=LOCAL_PARAMETERS):
    return await deploy(client, DEPLOYER, roles, parameters, LOCAL_TOKENS, folder)


async def test_deploy__empty_chain__succeeds(client, tmp_path):
    made = await deploy_to(tmp_path, client)

    found = made.deployment
    assert found == load_deployment(tmp_path / "31337.json")
    for record in found.contracts.values():
        assert keccak(await client.code(record.address)) == record.code_hash
    members = await client.read(found.committee, "membersOf", 1)
    assert members == [key.address for key in VALIDATORS]
    assert await client.read(found.rollup, "challengeWindow") == 60
    assert await client.read(found.rollup, "gate") == found.address("KycRegistry")
    assert await client.read(found.kyc_registry, "trustedUntil", ATTESTOR.address) == 2**64 - 1
    assert [(t.symbol, t.decimals, t.asset_id, t.level_needed) for t in found.tokens] == [
        ("USDX", 6, 1, 0),
        ("EURX", 18, 2, 0),
        ("BOND", 6, 3, 1),
    ]
    listed = await client.read(found.rollup, "assets", 2)
    assert listed[:3] == (found.tokens[1].address, 10**12, FEE_OWNER.address)
    assert not made.is_unchanged
    assert made.left_to_others == ()


async def test_deploy__own_tokens__have_vault_and_roles_succeeds(client, tmp_path):
    made = (await deploy_to(tmp_path, client)).deployment

    for symbol in ("USDX", "EURX", "BOND"):
        token = made.token(symbol)
        for vault in VAULTS:
            assert await client.read(token, "isVault", made.address(vault))
        assert await client.read(token, "minterAllowance", DEPLOYER.address) == 2**128
        assert await client.read(token, "authority") == made.address("TokenAuthority")
        for function, role in FUNCTIONS[made.contracts[symbol].artifact].items():
            await can_call(client, made, token, function, role)


async def can_call(client, deployment, token, function, role):
    """The function has its role, and the deployer alone may call it, at once."""
    authority = Contract(deployment.address("TokenAuthority"), artifact("TokenAuthority").abi)
    selector = token.abi.selector(function)
    target = (token.address, selector)
    assert await client.read(authority, "getTargetFunctionRole", *target) == role
    assert await client.read(authority, "canCall", DEPLOYER.address, *target) == (True, 0)
    assert await client.read(authority, "canCall", OPERATOR.address, *target) == (False, 0)


async def test_deploy__repeat__changes_nothing(client, tmp_path):
    first = await deploy_to(tmp_path, client)
    text = (tmp_path / "31337.json").read_text()
    nonce = await client.nonce(DEPLOYER.address)

    second = await deploy_to(tmp_path, client)

    assert second.is_unchanged
    assert second.deployment == first.deployment
    assert (tmp_path / "31337.json").read_text() == text
    assert await client.nonce(DEPLOYER.address) == nonce


async def test_deploy__repeat_after_a_minter_was_stopped__changes_nothing(client, tmp_path):
    made = (await deploy_to(tmp_path, client)).deployment
    token, sender = made.token("USDX"), Sender(client, DEPLOYER)
    await sender.call(token, "mint", OPERATOR.address, 1)
    await sender.call(token, "configureMinter", DEPLOYER.address, 0)

    assert (await deploy_to(tmp_path, client)).is_unchanged

    assert await client.read(token, "minterAllowance", DEPLOYER.address) == 0


@pytest.mark.parametrize("write", range(2 * len(CREATIONS)))
async def test_deploy__power_cut__resumes_succeeds(client, tmp_path, monkeypatch, write):
    count = 0
    save = module.save_deployment

    def save_or_stop(path, deployment):
        nonlocal count
        save(path, deployment)
        count += 1
        if count == write + 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "save_deployment", save_or_stop)
    with pytest.raises(KeyboardInterrupt):
        await deploy_to(tmp_path, client)
    resumed = await deploy_to(tmp_path, client)

    addresses = [resumed.deployment.address(name) for name in CREATIONS]
    assert addresses == [
        created_address(DEPLOYER.address, nonce) for nonce in range(len(CREATIONS))
    ]
    assert (await deploy_to(tmp_path, client)).is_unchanged


async def test_deploy__another_local_chain__succeeds(client, tmp_path):
    first = await deploy_to(tmp_path, client)
    await asyncio.sleep(1.1)  # a genesis block is named by its second alone
    pid_file = tmp_path / "other.pid"
    other = ChainClient((await start_anvil(pid_file, port=free_port())).url)

    second = await deploy_to(tmp_path, other)
    code = await other.code(second.deployment.address("Rollup"))
    back = await deploy_to(tmp_path, client)
    await other.close()
    await stop_anvil(pid_file)

    assert code
    assert len(second.steps) == len(first.steps)
    assert back.is_unchanged
    assert back.deployment == first.deployment


async def test_deploy__chain_restarted_from_its_state__changes_nothing(tmp_path):
    pid_file, port = tmp_path / "anvil.pid", free_port()
    deployed = []
    for _ in range(4):  # each start makes another block 0, and from the third on any may be shown
        node = await start_anvil(pid_file, port=port, state_file=tmp_path / "chain.json")
        client = ChainClient(node.url)
        deployed.append(await deploy_to(tmp_path / "deployments", client))
        await asyncio.sleep(1.1)  # past block 1, and into another second
        await client.close()
        await stop_anvil(pid_file)

    assert [made.is_unchanged for made in deployed] == [False, True, True, True]


@pytest.mark.parametrize(
    "changes",
    [
        {"roles": replace(ROLES, fee_owner=OPERATOR.address)},
        {"parameters": replace(LOCAL_PARAMETERS, challenge_window_s=61)},
    ],
)
async def test_deploy__other_arguments__rejects(client, tmp_path, changes):
    await deploy_to(tmp_path, client)

    with pytest.raises(DeploymentFailed, match="other parameters or roles"):
        await deploy_to(tmp_path, client, **changes)


async def test_deploy__other_code__rejects(client, tmp_path):
    made = await deploy_to(tmp_path, client)

    await client.rpc("anvil_setCode", "0x" + made.deployment.address("Rollup").hex(), "0x6001")

    with pytest.raises(DeploymentFailed, match="other code"):
        await deploy_to(tmp_path, client)


async def test_deploy__code_gone_on_public_chain__rejects(client, tmp_path):
    local = await deploy_to(tmp_path, client)
    await client.rpc("anvil_setChainId", 11155111)
    public = ChainClient(client.url)
    token = Token("USDX", "Test dollar", 6, 1, local.deployment.tokens[0].address)
    arguments = (public, DEPLOYER, ROLES, LOCAL_PARAMETERS, [token], tmp_path)
    made = await deploy(*arguments)

    await client.rpc("anvil_setCode", "0x" + made.deployment.address("Rollup").hex(), "0x")

    with pytest.raises(DeploymentFailed, match="no code at Rollup"):
        await deploy(*arguments)
    await public.close()


async def test_deploy__other_lister__succeeds(client, tmp_path):
    roles = replace(ROLES, lister=OPERATOR.address)

    made = await deploy_to(tmp_path, client, roles=roles)

    assert len(made.left_to_others) == len(LOCAL_TOKENS)
    assert all("listAsset" in step for step in made.left_to_others)
    assert made.deployment.tokens == ()


async def test_deploy__public_chain_without_tokens__rejects(client, tmp_path):
    await client.rpc("anvil_setChainId", 11155111)
    public = ChainClient(client.url)

    with pytest.raises(DeploymentFailed, match="is public"):
        await deploy_to(tmp_path, public)
    await public.close()


async def test_deploy__token_of_others__succeeds(client, tmp_path):
    first = await deploy_to(tmp_path, client)
    token = Token("USDX", "Test dollar", 6, 1, first.deployment.tokens[0].address)

    other = await deploy(client, DEPLOYER, ROLES, LOCAL_PARAMETERS, [token], tmp_path / "other")

    assert [record.address for record in other.deployment.tokens] == [token.address]
    assert "USDX" not in other.deployment.contracts


async def test_deploy__bond_of_others__is_regulated_succeeds(client, tmp_path):
    bond = (await deploy_to(tmp_path, client)).deployment.tokens[2].address
    tokens = [replace(token, address=None) for token in LOCAL_TOKENS[:2]]
    found = await token_at(client, bond)

    made = await deploy(client, DEPLOYER, ROLES, LOCAL_PARAMETERS, [*tokens, found], tmp_path)

    assert (found.symbol, found.level_needed) == ("BOND", 1)
    assert [token.level_needed for token in made.deployment.tokens] == [0, 0, 1]
    assert (await token_at(client, made.deployment.tokens[0].address)).level_needed == 0


async def test_deploy__bond_of_another_registry__rejects(client, tmp_path):
    bond = (await deploy_to(tmp_path / "theirs", client)).deployment.tokens[2].address
    token = await token_at(client, bond)

    with pytest.raises(DeploymentFailed, match="BOND asks another registry"):
        await deploy(client, DEPLOYER, ROLES, LOCAL_PARAMETERS, [token], tmp_path / "ours")


async def test_token_at__rule_of_its_own__rejects(client):
    token = created_address(DEPLOYER.address, await client.nonce(DEPLOYER.address))
    await Sender(client, DEPLOYER).send(None, artifact("OwnRuleToken").bytecode)

    with pytest.raises(DeploymentFailed, match="ERC-7943"):
        await token_at(client, token)


async def test_deploy__no_node__rejects(tmp_path):
    client = ChainClient(f"http://127.0.0.1:{free_port()}")

    with pytest.raises(NoNode, match="Start one"):
        await deploy_to(tmp_path, client)
    await client.close()
