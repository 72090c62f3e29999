"""What runs and how far it is, for the command line and the console."""

import asyncio
from typing import Any

import httpx

from backend.api_key import read_api_key
from backend.config import Settings
from backend.console.posting import newest_batch, waiting
from backend.protocol.errors import ChainUnavailable
from backend.protocol.types import address_text
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import load_deployment
from causeway import CausewayError, Client

Json = dict[str, Any]


def platform_status(settings: Settings) -> Json:
    """Return how things stand. Nothing here has to be running."""
    chain = asyncio.run(_chain(settings))
    return {
        "object": "status",
        "chain": chain,
        "backend": _backend(settings),
        "batches": _batches(settings),
        **_deployment(settings, chain["chain_id"]),
    }


async def _chain(settings: Settings) -> Json:
    client = ChainClient(settings.rpc_url)
    shown: Json = {"url": settings.rpc_url, "is_running": False, "chain_id": None, "block": None}
    try:
        chain_id, head = await client.chain_id(), await client.latest()
    except ChainUnavailable:
        return shown
    finally:
        await client.close()
    return shown | {"is_running": True, "chain_id": chain_id, "block": head.number}


def _backend(settings: Settings) -> Json:
    """Ask the platform itself: it may run elsewhere."""
    shown: Json = {
        "url": settings.api_url,
        "status": None,
        "block": None,
        "epoch": None,
        "problems": [],
    }
    try:
        ready = httpx.get(f"{settings.api_url}/readyz", timeout=5).json()
    except (httpx.HTTPError, ValueError):
        return shown
    return shown | {name: ready.get(name) for name in ("status", "block", "epoch", "problems")}


def _batches(settings: Settings) -> Json | None:
    """Return the newest batch, the newest settled one, and what waits; None if nobody says."""
    api_key = read_api_key(settings)
    if not api_key:
        return None
    with Client(settings.api_url, api_key, retries_max=0) as client:
        try:
            posted = newest_batch(client)
            settled = next(client.batches.list(status="settled"), None)
            waits = waiting(client)
        except CausewayError:
            return None
    return {
        "posted": 0 if posted is None else posted.number,
        "settled": 0 if settled is None else settled.number,
        "waiting_blocks": waits.block_count,
        "waiting_operations": waits.operation_count,
    }


def _deployment(settings: Settings, chain_id: int | None) -> Json:
    folder = settings.deployments_dir
    path = None if chain_id is None else folder / f"{chain_id}.json"
    found = None if path is None else load_deployment(path)
    if found is None:
        return {"deployment_file": None, "contracts": {}, "assets": []}
    return {
        "deployment_file": str(path),
        "contracts": {
            name: address_text(record.address) for name, record in found.contracts.items()
        },
        "assets": [token.symbol for token in found.tokens],
    }
