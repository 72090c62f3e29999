"""Reads exits, challenges and what was rolled back. Changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, exists, func, select

from backend.records.event_rows import first_row
from backend.records.leaving_rows import OPEN
from backend.records.paging import Page, Part, read_page
from backend.records.tables.projections import (
    accounts,
    blocks,
    challenges,
    exits,
    removed_batches,
    withdrawals,
)


@dataclass(frozen=True, slots=True)
class ExitView:
    """A request with the ids of its sweeps. `is_served`: it was shown under a batch that stands."""

    row: Row[Any]
    asset_id: int | None  # None: the account is not known yet
    sweep_ids: Sequence[bytes]
    is_served: bool


class LeavingReader:
    """Questions about leaving. Each call blocks: ask from a thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def exit(self, exit_index: int) -> ExitView | None:
        """Return a request by its place among all."""
        with self._engine.connect() as connection:
            found = first_row(connection, exits, exits.c.exit_index == exit_index)
            return None if found is None else _exit_view(connection, found)

    def exits(
        self, owner: bytes | None, account_id: int | None, page: Page
    ) -> tuple[Sequence[ExitView], bool]:
        """Return requests, the newest first, and whether there are more."""
        query = select(exits)
        if owner is not None:
            query = query.where(exits.c.owner == owner)
        if account_id is not None:
            query = query.where(exits.c.account_id == account_id)
        with self._engine.connect() as connection:
            part = read_page(connection, query, exits.c.exit_index, page)
            return [_exit_view(connection, row) for row in part.rows], part.has_more

    def removed_batch(self, number: int) -> Row[Any] | None:
        """Return the last batch of this number that was rolled back."""
        newest = removed_batches.c.removal.desc()
        query = select(removed_batches).where(removed_batches.c.number == number)
        with self._engine.connect() as connection:
            return connection.execute(query.order_by(newest).limit(1)).first()

    def removed_batches(self, page: Page) -> Part:
        """Return batches that were rolled back, the last one to fall first."""
        with self._engine.connect() as connection:
            return read_page(connection, select(removed_batches), removed_batches.c.removal, page)

    def challenges(self, header_hashes: Sequence[bytes]) -> Sequence[Row[Any]]:
        """Return all challenges of some batches by slot number."""
        query = select(challenges).where(challenges.c.header_hash.in_(header_hashes))
        with self._engine.connect() as connection:
            return connection.execute(query.order_by(challenges.c.slot)).all()

    def open_challenge_count(self) -> int:
        """Return how many challenges wait for an answer."""
        query = select(func.count()).select_from(challenges).where(challenges.c.status == OPEN)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one()


def _exit_view(connection: Connection, row: Row[Any]) -> ExitView:
    account = first_row(connection, accounts, accounts.c.account_id == row.account_id)
    return ExitView(
        row,
        None if account is None else account.asset_id,
        _sweep_ids(connection, row),
        _is_served(connection, row),
    )


def _sweep_ids(connection: Connection, row: Row[Any]) -> Sequence[bytes]:
    """Return the sweeps that a request caused: those before the account's next request."""
    following = (
        select(func.min(exits.c.l1_block_number))
        .where(exits.c.account_id == row.account_id, exits.c.owner == row.owner)
        .where(exits.c.exit_index > row.exit_index)
    )
    end = connection.execute(following).scalar()
    query = (
        select(withdrawals.c.id)
        .join(blocks, blocks.c.number == withdrawals.c.block_number)
        .where(withdrawals.c.payer == row.owner)
        .where(withdrawals.c.payer_account_id == row.account_id, withdrawals.c.valid_until == 0)
        .where(blocks.c.l1_block_number >= row.l1_block_number)
        .order_by(withdrawals.c.sequence)
    )
    if end is not None:
        query = query.where(blocks.c.l1_block_number < end)
    return connection.execute(query).scalars().all()


def _is_served(connection: Connection, row: Row[Any]) -> bool:
    if row.served_batch_number is None:
        return False
    fell = exists().where(
        removed_batches.c.number == row.served_batch_number,
        removed_batches.c.removed_l1_block_number >= row.served_l1_block_number,
    )
    return not connection.execute(select(fell)).scalar_one()
