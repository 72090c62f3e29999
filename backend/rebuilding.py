"""Makes a ledger again from L1 and archives, for the command line: nothing of a platform runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.config import Settings
from backend.deploying import find_deployment
from backend.engine.vector.versions import FlatStateTree
from backend.protocol.types import Address
from backend.settlement.archive import Archive
from backend.settlement.client import ChainClient
from backend.settlement.data_sources import DataSources, blob_sources
from backend.settlement.exit_kit import Position
from backend.settlement.exit_position import position_of
from backend.settlement.kzg import Kzg
from backend.settlement.l1_history import L1Reader
from backend.settlement.rebuild import AssetBooks, Rebuilder, Rebuilt, books

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where to read a rollup. None of `rollup`: the one deployed by these settings."""

    rpc_url: str
    rollup: Address | None = None
    from_block: int = 0
    archives: Sequence[Path] = ()
    beacon_url: str | None = None
    from_state: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A rebuilt ledger, what it owes, and where L1 stands."""

    rebuilt: Rebuilt
    books: Sequence[AssetBooks]
    position: Position


async def rebuild_ledger(origin: Origin, settings: Settings, out: Path | None, say: Say) -> Found:
    """Return the ledger as L1 and the batches' data make it.

    `out` becomes an archive with which it can be done again when the blobs are gone. Raises
    NotDeployed, NoRollup, HistoryIncomplete, DataMissing, ChainUnavailable.
    """
    client, kzg = ChainClient(origin.rpc_url), Kzg()
    try:
        address, from_block = origin.rollup, origin.from_block
        if address is None:
            deployment = await find_deployment(settings, client)
            address, from_block = deployment.address("Rollup"), deployment.block_number
        reader = await L1Reader.at(client, address)
        history = await reader.history(from_block, say)
        sources = sources_of(origin, client, kzg, out)
        archive = None if out is None else Archive(out)
        rebuilder = Rebuilder(reader, history, sources, archive, say, tree_of=FlatStateTree)
        rebuilt = await rebuilder.run(from_state=origin.from_state)
        return Found(rebuilt, await books(reader, rebuilt), await position_of(reader, rebuilt))
    finally:
        kzg.close()
        await client.close()


def sources_of(origin: Origin, client: ChainClient, kzg: Kzg, out: Path | None) -> DataSources:
    """Return who is asked for batches' data: archives, `out` among them, and blobs."""
    folders = [*origin.archives, *([] if out is None else [out])]
    blobs = blob_sources(client, kzg, origin.beacon_url)
    return DataSources([Archive(folder) for folder in folders], blobs, kzg)
