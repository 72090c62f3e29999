"""Watches any rollup for the command line: with a node and blobs, and nothing of its operator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from backend.config import Settings
from backend.deploying import find_deployment
from backend.engine.vector.versions import FlatStateTree
from backend.protocol.signing import PrivateKey
from backend.rebuilding import Origin, sources_of
from backend.settlement.archive import Archive
from backend.settlement.client import ChainClient
from backend.settlement.kzg import Kzg
from backend.settlement.l1_history import L1Reader
from backend.settlement.sender import Sender
from backend.settlement.watching.challenger import Challenger
from backend.settlement.watching.evidence import PublishedEvidence
from backend.settlement.watching.follower import Follower


@asynccontextmanager
async def open_watcher(
    origin: Origin,
    settings: Settings,
    keep: Path,
    *,
    key: PrivateKey | None,
    evidence_url: str | None,
    may_freeze: bool,
) -> AsyncIterator[Challenger]:
    """Open a watcher of the rollup at `origin`, which keeps all data in the folder `keep`.

    `key` pays for what it does; None: it only looks. Raises NoRollup, NotDeployed.
    """
    client, kzg = ChainClient(origin.rpc_url), Kzg()
    try:
        address, from_block = origin.rollup, origin.from_block
        if address is None:
            deployment = await find_deployment(settings, client)
            address, from_block = deployment.address("Rollup"), deployment.block_number
        reader = await L1Reader.at(client, address)
        sources = sources_of(origin, client, kzg, keep)
        follower = Follower(
            reader, sources, Archive(keep), from_block, sources.archives, FlatStateTree
        )
        evidence = None if evidence_url is None else PublishedEvidence(evidence_url)
        sender = None if key is None else Sender(client, key)
        yield Challenger(follower, sender, evidence, may_freeze=may_freeze)
    finally:
        kzg.close()
        await client.close()
