"""Deploying the platform: the function behind the command, and the script that ape runs.

- keys: made once, the same afterwards, in the order of L1
- parameters of local and public chains
- a local chain; a repeat, after a slash too; somebody's tokens; a deployer without money; no node
- `ape run deploy` on a node that runs, twice, and on none
"""

import subprocess
from dataclasses import replace

import pytest

from backend.config import Settings
from backend.deploying import deploy_platform, parameters_of, platform_keys
from backend.protocol.types import address_text
from backend.settlement.anvil import dev_key
from backend.settlement.client import ChainClient
from backend.settlement.deployment import NoNode
from backend.settlement.deployment_file import PUBLIC_PARAMETERS
from backend.settlement.deployment_steps import DeploymentFailed
from backend.toolchain import PROJECT_ROOT, toolchain_environment
from scripts.ports import free_port


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "var", deployments_dir=tmp_path / "deployments")


def test_platform_keys__twice__changes_nothing(settings):
    first, second = platform_keys(settings, 31337), platform_keys(settings, 31337)
    public = platform_keys(settings, 1)

    assert first.roles == second.roles
    assert list(first.roles.validators) == sorted(first.roles.validators)
    assert public.roles.validators == first.roles.validators
    assert public.deployer.address != first.deployer.address


def test_parameters_of__chains__holds(settings):
    assert parameters_of(settings, 31337).challenge_window_s == 60
    assert parameters_of(settings, 1) == replace(PUBLIC_PARAMETERS)


async def test_deploy_platform__twice__changes_nothing(client, settings):
    first = await deploy_platform(client, settings)
    second = await deploy_platform(client, settings)

    assert [token.symbol for token in first.deployment.tokens] == ["USDX", "EURX", "BOND"]
    assert second.is_unchanged


async def test_deploy_platform__after_a_slash__the_stake_stays_lost_holds(client, settings):
    """To pay it anew is a decision of its own: `causeway committee stake`."""
    deployment = (await deploy_platform(client, settings)).deployment
    committee, caught = deployment.committee, deployment.roles.validators[0]
    judge = address_text(deployment.address("Disputes"))
    await client.rpc("anvil_impersonateAccount", judge)
    await client.rpc("anvil_setBalance", judge, hex(10**18))
    data = committee.abi.call_data("punishEquivocation", caught, dev_key(9).address)
    punished = {"from": judge, "to": address_text(committee.address), "data": "0x" + data.hex()}
    await client.rpc("eth_sendTransaction", punished)

    again = await deploy_platform(client, settings)

    assert again.is_unchanged
    assert await client.read(committee, "stakeOf", caught) == 0


async def test_deploy_platform__tokens_of_others__succeeds(client, settings, tmp_path):
    first = await deploy_platform(client, settings)
    *money, bond = [token.address for token in first.deployment.tokens]
    elsewhere = settings.model_copy(update={"deployments_dir": tmp_path / "elsewhere"})

    second = await deploy_platform(client, elsewhere, money)

    assert [(t.symbol, t.unit) for t in second.deployment.tokens] == [
        ("USDX", 1),
        ("EURX", 10**12),
    ]
    with pytest.raises(DeploymentFailed, match="BOND asks another registry"):
        await deploy_platform(client, elsewhere, [bond])
    with pytest.raises(DeploymentFailed, match="no ERC-20"):
        await deploy_platform(client, elsewhere, [first.deployment.address("Rollup")])


async def test_deploy_platform__no_money__rejects(client, settings):
    await client.rpc("anvil_setChainId", 11155111)
    public = ChainClient(client.url)

    with pytest.raises(DeploymentFailed, match="no money"):
        await deploy_platform(public, settings)
    await public.close()


async def test_deploy_platform__no_node__rejects(settings):
    client = ChainClient(f"http://127.0.0.1:{free_port()}")

    with pytest.raises(NoNode):
        await deploy_platform(client, settings)
    await client.close()


def ape_run_deploy(settings, url):
    environment = {
        **toolchain_environment(),
        "CAUSEWAY_DATA_DIR": str(settings.data_dir),
        "CAUSEWAY_DEPLOYMENTS_DIR": str(settings.deployments_dir),
    }
    command = [PROJECT_ROOT / ".venv/bin/ape", "run", "deploy", "--network", url]
    return subprocess.run(
        command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False
    )


async def test_ape_run_deploy__twice__changes_nothing(anvil, settings):
    first = ape_run_deploy(settings, anvil.url)
    second = ape_run_deploy(settings, anvil.url)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert " transactions" in first.stdout
    assert "nothing changed" in second.stdout


def test_ape_run_deploy__no_node__rejects(settings):
    result = ape_run_deploy(settings, f"http://127.0.0.1:{free_port()}")

    assert result.returncode == 1
    assert "Start one" in result.stderr
