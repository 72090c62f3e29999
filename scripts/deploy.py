"""Deploy the contracts: `ape run deploy --network ethereum:local:foundry` to the platform's local
chain, or `--network http://HOST:PORT` to any other. A second run changes nothing and says so.

Ape chooses the network; all else is `backend/deploying.py`, as with `causeway deploy`.
"""

import asyncio

import click
from ape.api import ProviderAPI
from ape.cli import network_option
from ape.exceptions import ProviderError, SubprocessError
from rich.console import Console

from backend.cli.root import quiet_logs
from backend.config import settings
from backend.deploying import deploy_to
from backend.protocol.types import address_from_text, address_text
from backend.settlement.deployment import Deployed, NoNode
from backend.settlement.deployment_steps import DeploymentFailed

console = Console()


@click.command()
@network_option()
@click.option("--token", "tokens", multiple=True, help="Address of a token to list; may repeat.")
def cli(provider: ProviderAPI, tokens: tuple[str, ...]) -> None:
    """Deploy the contracts, or find them there."""
    addresses = [address_from_text(text) for text in tokens]
    chosen = settings()
    is_apes_own = provider.name == "foundry"
    if is_apes_own:  # the platform's local chain; if none runs there, ape starts one
        provider.provider_settings["host"] = f"http://{chosen.chain_host}:{chosen.chain_port}"
    try:
        with quiet_logs(), provider.network.use_provider(provider) as connected:
            deployed = asyncio.run(deploy_to(connected.uri, chosen, addresses))
            _show(deployed)
            if getattr(connected, "process", None) is not None:
                console.print(
                    "Ape ends the chain that it started; `make up` starts one that stays."
                )
    except DeploymentFailed as error:
        raise click.ClickException(str(error)) from error
    except (ProviderError, SubprocessError) as error:
        # Ape knows what went wrong with a node of its own; of others, only that they are silent.
        message = str(error) if is_apes_own else str(NoNode(provider.uri))
        raise click.ClickException(message) from error


def _show(deployed: Deployed) -> None:
    deployment = deployed.deployment
    for name, record in deployment.contracts.items():
        console.print(f"{name:<14} {address_text(record.address)}")
    for step in deployed.left_to_others:
        console.print(f"left to {step}")
    if deployed.is_unchanged:
        console.print(f"Chain {deployment.chain_id} has all of it already: nothing changed.")
    else:
        console.print(f"Chain {deployment.chain_id}: {len(deployed.steps)} transactions.")
