"""Reads the projections, joining what blocks say with what the chain says. Changes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, func, or_, select

from backend.protocol.batches import CHUNK_SLOTS
from backend.records.leaving_reader import LeavingReader
from backend.records.paging import Page, Part, read_page
from backend.records.tables.projections import (
    accounts,
    advances,
    assets,
    batches,
    blocks,
    claims,
    credits,
    cursors,
    deposits,
    entries,
    is_present,
    payments,
    rejections,
    withdrawals,
)

AnyRow = Row[Any]


@dataclass(frozen=True, slots=True)
class Placed:
    """An executed order and where it stands. `chunk` and `slot` are those of its batch."""

    order: AnyRow
    block: AnyRow
    batch: AnyRow | None
    chunk: int | None
    slot: int | None
    claim: AnyRow | None = None
    advance: AnyRow | None = None


@dataclass(frozen=True, slots=True)
class PlacedPart:
    """A page of executed orders."""

    rows: Sequence[Placed]
    has_more: bool


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders: all that is set must hold. `party` is payer or payee."""

    payer: bytes | None = None
    payee: bytes | None = None
    party: bytes | None = None
    asset_id: int | None = None
    status: str | None = None  # final, posted, settled


@dataclass(frozen=True, slots=True)
class DepositView:
    """A deposit, joined: `seen` by the chain, `credit` by a block; one of them is there."""

    deposit_index: int
    seen: AnyRow | None
    credit: AnyRow | None
    credit_ts_ms: int | None


class Reader(LeavingReader):
    """Questions to the projections. Each call blocks: ask from a thread."""

    def block_number(self) -> int:
        """Return the last block that the projections hold."""
        with self._engine.connect() as connection:
            query = select(cursors.c.position).where(cursors.c.source == "block")
            return connection.execute(query).scalar() or 0

    # Assets and accounts

    def assets(self, page: Page) -> Part:
        """Return listed assets by number."""
        return self._page(select(assets), assets.c.asset_id, page, newest_first=False)

    def account(self, owner: bytes, asset_id: int) -> AnyRow | None:
        """Return an owner's account of an asset."""
        return self._first(accounts, accounts.c.owner == owner, accounts.c.asset_id == asset_id)

    def accounts(self, owner: bytes | None, asset_id: int | None, page: Page) -> Part:
        """Return accounts by number."""
        query = select(accounts)
        if owner is not None:
            query = query.where(accounts.c.owner == owner)
        if asset_id is not None:
            query = query.where(accounts.c.asset_id == asset_id)
        return self._page(query, accounts.c.account_id, page, newest_first=False)

    def statement(self, account_id: int, page: Page) -> Part:
        """Return the movements of an account with their times, the newest first."""
        number = entries.c.sequence.op("/")(1 << 24)
        query = (
            select(entries, blocks.c.ts_ms, blocks.c.number.label("block_number"))
            .join(blocks, blocks.c.number == number)
            .where(entries.c.account_id == account_id)
        )
        return self._page(query, entries.c.sequence, page)

    # Orders

    def payment(self, payment_id: bytes) -> Placed | None:
        """Return an executed payment."""
        return self._order(payments, payment_id)

    def withdrawal(self, withdrawal_id: bytes) -> Placed | None:
        """Return an executed withdrawal."""
        return self._order(withdrawals, withdrawal_id)

    def withdrawal_by_claim_key(self, claim_key: bytes) -> AnyRow | None:
        """Return the withdrawal that the chain knows by this key."""
        return self._first(withdrawals, withdrawals.c.claim_key == claim_key)

    def rejection(self, order_id: bytes) -> AnyRow | None:
        """Return why and in which block an accepted order was rejected."""
        return self._first(rejections, rejections.c.id == order_id)

    def payments(self, wanted: OrderFilter, page: Page) -> PlacedPart:
        """Return executed payments, the newest first."""
        return self._orders(payments, wanted, page)

    def withdrawals(self, wanted: OrderFilter, page: Page) -> PlacedPart:
        """Return executed withdrawals, the newest first."""
        return self._orders(withdrawals, wanted, page)

    def payment_with_memo(
        self, payee: bytes, asset_id: int, memo: bytes, amount_minor: int
    ) -> AnyRow | None:
        """Return the first payment to `payee` of at least an amount that bears a memo, not zero."""
        query = (
            select(payments)
            .where(is_present("memo", self._engine.dialect.name))
            .where(payments.c.memo == memo)
            .where(payments.c.payee == payee, payments.c.asset_id == asset_id)
            .where(payments.c.amount_minor >= amount_minor)
            .order_by(payments.c.sequence)
            .limit(1)
        )
        with self._engine.connect() as connection:
            return connection.execute(query).first()

    def legs(self, link: bytes) -> list[Placed]:
        """Return the executed payments of a group, in the order of its legs."""
        query = (
            select(payments)
            .where(is_present("link", self._engine.dialect.name))
            .where(payments.c.link == link)
            .order_by(payments.c.sequence)
        )
        with self._engine.connect() as connection:
            return _placed(connection, connection.execute(query).all())

    def _order(self, table: Table, order_id: bytes) -> Placed | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(table).where(table.c.id == order_id)).first()
            return None if row is None else _placed(connection, [row])[0]

    def _orders(self, table: Table, wanted: OrderFilter, page: Page) -> PlacedPart:
        with self._engine.connect() as connection:
            conditions = _order_conditions(connection, table, wanted)
            query = select(table).where(and_(True, *conditions))
            part = read_page(connection, query, table.c.sequence, page)
            return PlacedPart(_placed(connection, part.rows), part.has_more)

    # Deposits

    def deposit(self, deposit_index: int) -> DepositView | None:
        """Return a deposit, whichever source knows it."""
        with self._engine.connect() as connection:
            return next(iter(_deposits(connection, [deposit_index])), None)

    def deposits(
        self, owner: bytes | None, asset_id: int | None, page: Page
    ) -> tuple[Sequence[DepositView], bool]:
        """Return deposits, the newest first, and whether there are more."""
        parts = []
        for table in (deposits, credits):
            query = select(table.c.deposit_index)
            if owner is not None:
                query = query.where(table.c.owner == owner)
            if asset_id is not None:
                query = query.where(table.c.asset_id == asset_id)
            parts.append(query)
        union = parts[0].union(parts[1]).subquery()
        with self._engine.connect() as connection:
            part = read_page(connection, select(union), union.c.deposit_index, page)
            found = _deposits(connection, [row.deposit_index for row in part.rows])
        return sorted(found, key=lambda view: -view.deposit_index), part.has_more

    # Blocks and batches

    def block(self, number: int) -> AnyRow | None:
        """Return a block."""
        return self._first(blocks, blocks.c.number == number)

    def blocks(self, page: Page) -> Part:
        """Return blocks, the newest first."""
        return self._page(select(blocks), blocks.c.number, page)

    def batch(self, number: int) -> AnyRow | None:
        """Return a batch that the chain holds."""
        return self._first(batches, batches.c.number == number)

    def batches(self, status: str | None, page: Page) -> Part:
        """Return batches, the newest first."""
        query = select(batches)
        if status is not None:
            query = query.where(batches.c.status == status)
        return self._page(query, batches.c.number, page)

    def _first(self, table: Table, *conditions: ColumnElement[bool]) -> AnyRow | None:
        with self._engine.connect() as connection:
            return connection.execute(select(table).where(*conditions)).first()

    def _page(
        self, query: Any, column: ColumnElement[int], page: Page, newest_first: bool = True
    ) -> Part:
        with self._engine.connect() as connection:
            return read_page(connection, query, column, page, newest_first=newest_first)


def _order_conditions(
    connection: Connection, table: Table, wanted: OrderFilter
) -> Iterable[ColumnElement[bool]]:
    if wanted.payer is not None:
        yield table.c.payer == wanted.payer
    if wanted.payee is not None:
        yield table.c.payee == wanted.payee
    if wanted.party is not None:
        yield or_(table.c.payer == wanted.party, table.c.payee == wanted.party)
    if wanted.asset_id is not None:
        yield table.c.asset_id == wanted.asset_id
    if wanted.status is None:
        return
    # A status is a range of blocks: batches hold them in order.
    last = select(func.coalesce(func.max(batches.c.last_block_number), 0))
    posted_to = connection.execute(last).scalar_one()
    settled = last.where(batches.c.status == "settled")
    settled_to = connection.execute(settled).scalar_one()
    number = table.c.block_number
    if wanted.status == "final":
        yield number > posted_to
    elif wanted.status == "posted":
        yield and_(number > settled_to, number <= posted_to)
    else:
        yield number <= settled_to


def _batch_of_block(connection: Connection, block_number: int) -> AnyRow | None:
    return connection.execute(
        select(batches)
        .where(batches.c.last_block_number >= block_number)
        .order_by(batches.c.number)
        .limit(1)
    ).first()


def _placed(connection: Connection, rows: Sequence[AnyRow]) -> list[Placed]:
    """Find block, batch and place of orders; each block and batch is asked for once."""
    numbers = {row.block_number for row in rows}
    block_of = {
        row.number: row
        for row in connection.execute(select(blocks).where(blocks.c.number.in_(numbers)))
    }
    batch_of = {number: _batch_of_block(connection, number) for number in numbers}
    starts = {
        batch.number: _first_slot(connection, batch)
        for batch in batch_of.values()
        if batch is not None
    }
    keys = [row.claim_key for row in rows if "claim_key" in row._mapping]
    claim_of = _by_claim_key(connection, claims, keys)
    advance_of = _by_claim_key(connection, advances, keys)
    placed = []
    for row in rows:
        block, batch = block_of[row.block_number], batch_of[row.block_number]
        slot = None
        if batch is not None and batch.noop_slots is not None:
            ordinal = block.first_slot + row.slot - starts[batch.number]
            slot = slot_after_padding(ordinal, batch.noop_slots)
        chunk, place = (None, None) if slot is None else divmod(slot, CHUNK_SLOTS)
        claim_key = row._mapping.get("claim_key")
        claim, advance = claim_of.get(claim_key), advance_of.get(claim_key)
        placed.append(Placed(row, block, batch, chunk, place, claim, advance))
    return placed


def _by_claim_key(
    connection: Connection, table: Table, keys: Sequence[bytes]
) -> dict[bytes | None, AnyRow]:
    query = select(table).where(table.c.claim_key.in_(keys))
    return {row.claim_key: row for row in connection.execute(query)}


def _first_slot(connection: Connection, batch: AnyRow) -> int:
    """Return how many slots stand in the blocks before a batch."""
    previous = (
        select(func.coalesce(func.max(batches.c.last_block_number), 0))
        .where(batches.c.number < batch.number)
        .scalar_subquery()
    )
    query = select(blocks.c.first_slot).where(blocks.c.number == previous + 1)
    return connection.execute(query).scalar() or 0


def slot_after_padding(ordinal: int, noop_slots: bytes) -> int:
    """Return the slot of operation slot number `ordinal` (from 0), padding counted.

    `noop_slots` are u16 each, ascending.
    """
    slot = ordinal
    for start in range(0, len(noop_slots), 2):
        if int.from_bytes(noop_slots[start : start + 2]) > slot:
            break
        slot += 1
    return slot


def _deposits(connection: Connection, indexes: Sequence[int]) -> list[DepositView]:
    seen = {
        row.deposit_index: row
        for row in connection.execute(select(deposits).where(deposits.c.deposit_index.in_(indexes)))
    }
    credited = {
        row.deposit_index: row
        for row in connection.execute(
            select(credits, blocks.c.ts_ms)
            .join(blocks, blocks.c.number == credits.c.block_number)
            .where(credits.c.deposit_index.in_(indexes))
        )
    }
    return [
        DepositView(
            index,
            seen.get(index),
            credited.get(index),
            credited[index].ts_ms if index in credited else None,
        )
        for index in indexes
        if index in seen or index in credited
    ]
