"""`causeway up`, `down`, `status` and `deploy`: the platform on this machine."""

import asyncio
import signal
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.cli.options import AsJson
from backend.cli.screen import Screen
from backend.config import settings
from backend.protocol.types import address_from_text, address_text

if TYPE_CHECKING:
    from backend.local import Started
    from backend.settlement.deployment_file import Deployment

_POLL_S = 0.5


def up(
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay, and stop the platform when interrupted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Start a chain, deploy the contracts, start the platform. A repeat changes nothing."""
    from backend import local

    screen = Screen(as_json)
    if foreground:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        started = asyncio.run(local.start(settings(), screen.say))
        screen.show(_started(started), *_started_lines(started))
        while foreground and local.running_backend(settings()) is not None:
            time.sleep(_POLL_S)
    except KeyboardInterrupt:
        if not foreground:
            raise
    if foreground:
        screen.say("stopping")
        asyncio.run(local.stop(settings()))


def down(as_json: AsJson = False) -> None:
    """Stop what `up` started. The data stays: `up` goes on where it was."""
    from backend import local

    stopped = asyncio.run(local.stop(settings()))
    shown = f"stopped {' and '.join(stopped)}" if stopped else "nothing was running"
    Screen(as_json).show({"object": "stopped", "stopped": stopped}, shown)


def status(as_json: AsJson = False) -> None:
    """Show what runs: chain, contracts, platform, batches, and what waits for one."""
    from backend.console.status import platform_status

    found = platform_status(settings())
    chain, backend, batches = found["chain"], found["backend"], found["batches"]
    at = f"block {chain['block']}, chain {chain['chain_id']}" if chain["is_running"] else "down"
    is_up = backend["status"] is not None
    reached = f"block {backend['block']}, epoch {backend['epoch']}"
    ledger = f"{backend['status']}, {reached}" if is_up else "down"
    lines = [f"chain    {chain['url']}: {at}", f"platform {backend['url']}: {ledger}"]
    lines += [f"         {problem}" for problem in backend["problems"]]
    if batches is not None:
        waiting = batches["waiting_operations"]
        lines.append(
            f"batches  {batches['posted']} posted, {batches['settled']} of them settled; "
            f"{waiting} operations wait for one"
        )
    contracts = found["contracts"]
    lines += [f"{name:<14} {address}" for name, address in contracts.items()]
    if found["assets"]:
        lines.append(f"assets   {', '.join(found['assets'])}")
    if not (is_up and chain["is_running"]):
        lines.append("next: `causeway up`")
    Screen(as_json).show(found, *lines)


def deploy(
    rpc: Annotated[
        str | None, typer.Option(metavar="URL", help="The node; by default CAUSEWAY_RPC_URL.")
    ] = None,
    token: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS", help="A token to list; may repeat. Local chains get test tokens."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Deploy the contracts, or find them there: a repeat changes nothing."""
    from backend.deploying import deploy_to

    addresses = [address_from_text(text, "token") for text in token or []]
    url = rpc or settings().rpc_url
    screen = Screen(as_json)
    screen.say(f"deploying to {url}")
    deployed = asyncio.run(deploy_to(url, settings(), addresses))
    deployment = deployed.deployment
    end = "nothing changed" if deployed.is_unchanged else f"{len(deployed.steps)} transactions"
    screen.show(
        _deployment(deployment)
        | {"steps": [*deployed.steps], "left_to_others": [*deployed.left_to_others]},
        *_contract_lines(deployment),
        *(f"left to {step}" for step in deployed.left_to_others),
        f"chain {deployment.chain_id}: {end}",
    )


def _started(started: "Started") -> dict[str, Any]:
    return _deployment(started.deployed.deployment) | {
        "object": "platform",
        "api_url": started.api_url,
        "docs_url": f"{started.api_url}/docs",
        "rpc_url": started.rpc_url,
        "was_running": started.was_running,
        "first_api_key": started.first_api_key,
    }


def _started_lines(started: "Started") -> list[str]:
    lines = [
        f"platform {started.api_url} (documentation: {started.api_url}/docs)",
        f"chain    {started.rpc_url}",
    ]
    if started.was_running:
        lines.append("The platform was running already: nothing changed.")
    if started.first_api_key is not None:
        lines.append(f"API key  {started.first_api_key} (shown this once)")
    return lines


def _deployment(deployment: "Deployment") -> dict[str, Any]:
    return {
        "object": "deployment",
        "chain_id": deployment.chain_id,
        "contracts": {
            name: address_text(record.address) for name, record in deployment.contracts.items()
        },
        "assets": [token.symbol for token in deployment.tokens],
    }


def _contract_lines(deployment: "Deployment") -> list[str]:
    return [
        f"{name:<14} {address_text(record.address)}"
        for name, record in deployment.contracts.items()
    ]
