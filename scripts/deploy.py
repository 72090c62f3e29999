"""Deploy the contracts: `ape run deploy --network ethereum:local:foundry`, or
`--network http://HOST:PORT` for a node that runs. A second run changes nothing and says so.

Ape chooses the network; all else is `backend/deploying.py`, as with `causeway deploy`.
"""

import asyncio

import click
from ape.api import ProviderAPI
from ape.cli import network_option
from ape.exceptions import ProviderError
from rich.console import Console

from backend.config import settings
from backend.deploying import deploy_to
from backend.protocol.types import address_from_text, address_text
from backend.settlement.deployment import Deployed, DeploymentFailed, NoNode

console = Console()


@click.command()
@network_option()
@click.option("--token", "tokens", multiple=True, help="Address of a token to list; may repeat.")
def cli(provider: ProviderAPI, tokens: tuple[str, ...]) -> None:
    """Deploy the contracts, or find them there."""
    addresses = [address_from_text(text) for text in tokens]
    try:
        with provider.network.use_provider(provider) as connected:
            deployed = asyncio.run(deploy_to(connected.uri, settings(), addresses))
    except DeploymentFailed as error:
        raise click.ClickException(str(error)) from error
    except ProviderError as error:
        raise click.ClickException(str(NoNode(provider.uri))) from error
    _show(deployed)


def _show(deployed: Deployed) -> None:
    deployment = deployed.deployment
    for name, record in deployment.contracts.items():
        console.print(f"{name:<12} {address_text(record.address)}")
    for step in deployed.left_to_others:
        console.print(f"left to {step}")
    if deployed.is_unchanged:
        console.print(f"Chain {deployment.chain_id} has all of it already: nothing changed.")
    else:
        console.print(f"Chain {deployment.chain_id}: {len(deployed.steps)} transactions.")
