"""Checks a platform's journal, its projections and the chain against each other.

Law: nothing is taken from the platform's own results. The journal is executed anew, the batches are
read from L1 and executed as L1 would; then all balances are compared. Nothing is changed: the
platform may be running.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from backend.assembly import ARCHIVE_FOLDER, node_config
from backend.config import Settings
from backend.deploying import find_deployment, platform_keys
from backend.engine.batch import InvalidBatch
from backend.engine.batch.builder import BatchBuilder
from backend.engine.batch.chunking import block_operations
from backend.engine.log import LocalLog, LogCorrupted, copy_log
from backend.engine.node_types import NodeConfig
from backend.engine.recovery import WrongLog, check_identity, final_blocks
from backend.engine.replica import FinalBlock
from backend.protocol.errors import InvariantViolated
from backend.protocol.types import BRIDGE, AccountId, Asset, DepositRecord, Leaf, address_text
from backend.records.audit import ProjectedAccounts, projected_accounts
from backend.settlement.archive import Archive
from backend.settlement.batch_data import PostedBatch
from backend.settlement.client import ChainClient
from backend.settlement.data_sources import DataSources, DevelopmentBlobs
from backend.settlement.kzg import Kzg
from backend.settlement.l1_history import History, L1Reader
from backend.settlement.rebuild import AssetBooks, Rebuilder, books

Say = Callable[[str], None]
_SAY_EACH_BLOCKS = 10_000


class Difference(Exception):
    """The first thing that doesn't agree: where it stands, and what is wrong with it."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where, self.reason = where, reason


@dataclass(slots=True)
class Verified:
    """How much was found in order."""

    block_count: int = 0
    batch_count: int = 0
    deposit_count: int = 0
    projected_block_number: int = 0
    account_count: int = 0
    books: list[AssetBooks] = field(default_factory=list)


async def verify_platform(settings: Settings, say: Say) -> Verified:
    """Return what was checked. Raises Difference, or whatever keeps it from being checked."""
    client, kzg = ChainClient(settings.rpc_url), Kzg()
    try:
        deployment = await find_deployment(settings, client)
        config = node_config(settings, deployment, platform_keys(settings, deployment.chain_id))
        projected = projected_accounts(_projections_url(settings))
        reader = await L1Reader.at(client, deployment.address("Rollup"))
        history = await reader.history(deployment.block_number, say)
        # What was read first can't be ahead of what is read now.
        with tempfile.TemporaryDirectory() as folder, _copied_log(settings, Path(folder)) as log:
            journal = _Journal(config, log, projected, say)
            archive = Archive(settings.data_dir / ARCHIVE_FOLDER)
            sources = DataSources([archive], [DevelopmentBlobs(client)], kzg)
            rebuilder = Rebuilder(reader, history, sources, say=say, observe=journal.check_batch)
            rebuilt = await rebuilder.run(may_skip=False)
            if rebuilt.wrong is not None:
                raise Difference("chain", rebuilt.wrong)
            journal.finish()
        _check_facts(journal, history)
        found = await books(reader, rebuilt)
        _check_books(found)
        return Verified(
            block_count=journal.block_number,
            batch_count=rebuilt.number,
            deposit_count=len(journal.deposits),
            projected_block_number=projected.block_number,
            account_count=len(projected.leaves),
            books=found,
        )
    finally:
        kzg.close()
        await client.close()


class _Journal:
    """The final blocks of the log, executed once more, and the batches that hold them."""

    def __init__(
        self, config: NodeConfig, log: LocalLog, projected: ProjectedAccounts, say: Say
    ) -> None:
        self.block_number = 0
        self.assets: dict[int, Asset] = {}
        self.deposits: list[DepositRecord] = []
        self._leaves: dict[AccountId, Leaf] = {}
        self._projected, self._say = projected, say
        self._builder = BatchBuilder.at_genesis(config.committee.domain)
        try:
            check_identity(log, config.identity, 0)
        except WrongLog as error:
            raise Difference("journal", str(error)) from error
        self._finals: Iterator[FinalBlock] = final_blocks(config.committee, log, None, 1)
        self._check_projections()

    def check_batch(self, batch: PostedBatch) -> None:
        """Compare a batch of L1 with the blocks that it should hold. Raises Difference."""
        header = batch.header
        where = f"batch {header.number}"
        self._advance(header.last_block_number - self.block_number)
        if self.block_number < header.last_block_number:
            raise Difference(where, f"the journal ends at block {self.block_number} before it")
        try:
            self._builder.posted(header, batch.chunks)
        except (InvalidBatch, InvariantViolated) as error:
            raise Difference(where, f"it doesn't hold the journal's blocks: {error}") from error

    def finish(self) -> None:
        """Execute what no batch has yet. Raises Difference."""
        self._advance(None)
        if self.block_number < self._projected.block_number:
            raise Difference(
                f"block {self._projected.block_number}", "the projections have it, no journal does"
            )

    def _advance(self, count: int | None) -> None:
        try:
            for final in islice(self._finals, None if count is None else max(count, 0)):
                self._take(final)
        except InvariantViolated as error:
            raise Difference(f"after block {self.block_number}", str(error)) from error

    def _take(self, final: FinalBlock) -> None:
        changes = final.execution.changes
        self.block_number = final.block.number
        self._leaves.update(changes.leaves)
        self.assets.update((asset.asset_id, asset) for asset in changes.listings)
        self.deposits += final.body.deposits
        self._builder.add_block(
            block_operations(
                final.block,
                final.block_hash,
                final.body,
                final.execution,
                final.payment_ids,
                final.sweep_ids,
            )
        )
        self._check_projections()
        if self.block_number % _SAY_EACH_BLOCKS == 0:
            self._say(f"executed block {self.block_number}")

    def _check_projections(self) -> None:
        """Compare balances when the journal is at the projections' last block."""
        projected = self._projected
        if self.block_number != projected.block_number:
            return
        mine = {place: leaf for place, leaf in self._leaves.items() if place != BRIDGE}
        for account_id in sorted(mine.keys() | projected.leaves.keys()):
            where = f"account {account_id} after block {self.block_number}"
            expected, actual = mine.get(account_id), projected.leaves.get(account_id)
            if expected != actual:
                raise Difference(where, f"projected as {_leaf(actual)}, it is {_leaf(expected)}")
            total_minor = projected.sums_minor.get(account_id, 0)
            if expected is not None and total_minor != expected.balance_minor:
                raise Difference(
                    where, f"its entries add up to {total_minor}, not {expected.balance_minor}"
                )


def _check_facts(journal: _Journal, history: History) -> None:
    for asset_id, asset in journal.assets.items():
        if history.assets.get(asset_id) != asset:
            raise Difference(f"asset {asset_id}", "L1 has another listing")
    for index, record in enumerate(journal.deposits):
        if index >= len(history.deposits) or history.deposits[index] != record:
            raise Difference(f"deposit {index}", "L1 has another record, or none")


def _check_books(found: list[AssetBooks]) -> None:
    for book in found:
        where = f"token {address_text(book.token)}"
        if book.owed_minor != book.outstanding_minor:
            reason = f"{book.owed_minor} minor units are owed, L1 counts {book.outstanding_minor}"
            raise Difference(where, reason)
        if not book.is_covered:
            reason = f"the vault holds {book.vault}, {book.owed_minor * book.unit} are owed"
            raise Difference(where, reason)


def _copied_log(settings: Settings, folder: Path) -> LocalLog:
    """Return a copy of the ordering log, since whoever opens the original keeps it to himself."""
    original = settings.data_dir / "ledger.log"
    if not original.exists():
        raise Difference(str(original), "there is no journal")
    copy = folder / original.name
    copy_log(original, copy)
    try:
        return LocalLog(copy)
    except LogCorrupted as error:
        reason = f"frame {error.frame} at byte {error.offset} has changed"
        raise Difference(str(original), reason) from error


def _projections_url(settings: Settings) -> str:
    if settings.projections_url:
        return settings.projections_url
    path = settings.data_dir / "projections.sqlite"
    if not path.exists():
        raise Difference(str(path), "there are no projections")
    return f"sqlite:///{path}"


def _leaf(leaf: Leaf | None) -> str:
    if leaf is None:
        return "nothing"
    return (
        f"{leaf.balance_minor} of asset {leaf.asset_id}, nonce {leaf.nonce}, of "
        f"{address_text(leaf.owner)}"
    )
