"""Writes the projections. Law: each fact is applied once, in order, wholly or not at all.

`apply_final_block` follows the engine's journal, `apply_chain_event` the chain. Applying a fact
again changes nothing; to rebuild, delete the database and replay both.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, delete, func, insert, select

from backend.protocol.eip712 import Domain
from backend.protocol.errors import check_invariant
from backend.protocol.types import fee_account_id
from backend.records import chain_rows
from backend.records.block_rows import (
    AccountState,
    BlockReader,
    BlockRows,
    accounts_named,
    operations_of,
)
from backend.records.bulk import insert_rows, update_accounts
from backend.records.facts import ChainEvent, FinalBlock
from backend.records.tables import projections as tables

# SQLite takes 32,766 values in a statement.
_IDS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Totals:
    """What the blocks so far add up to."""

    block_number: int
    slot_count: int
    deposit_count: int


class Projections:
    """The one writer of the projections. Not for several threads at once."""

    def __init__(self, engine: Engine, domain: Domain) -> None:
        """`domain` is that of orders: a payment's id is its order's digest there."""
        self._engine = engine
        self._domain = domain
        self._totals: _Totals | None = None

    @property
    def block_number(self) -> int:
        """The last block applied; 0 before the first."""
        with self._engine.connect() as connection:
            return _cursor(connection, "block")

    def apply_final_block(self, final: FinalBlock) -> bool:
        """Apply a block; return whether it was new.

        Raises InvariantViolated if it is not the next one.
        """
        return self.apply_final_blocks([final]) == 1

    def apply_final_blocks(self, finals: Iterable[FinalBlock]) -> int:
        """Apply blocks in one transaction; return how many were new."""
        applied = 0
        totals = self._totals
        with self._engine.begin() as connection:
            totals = totals or _totals(connection)
            for final in finals:
                if final.block.number <= totals.block_number:
                    continue
                totals = self._apply(connection, final, totals)
                applied += 1
            if applied:
                _move_cursor(connection, "block", totals.block_number)
        self._totals = totals
        return applied

    def _apply(self, connection: Connection, final: FinalBlock, totals: _Totals) -> _Totals:
        number = final.block.number
        check_invariant(
            number == totals.block_number + 1,
            "a block was left out",
            last=totals.block_number,
            next=number,
        )
        operations = operations_of(final)
        named = accounts_named(operations)
        accounts = _read_accounts(connection, named)
        # An account opened in this block needs no fee account yet; its payer's asset is known.
        assets = {account.asset_id for account in accounts.values()}
        accounts |= _read_accounts(connection, {fee_account_id(asset) for asset in assets})
        reader = BlockReader(final, operations, accounts, totals.deposit_count, self._domain)
        rows = reader.read()
        _write(connection, final, rows, totals)
        return _Totals(
            number,
            totals.slot_count + final.block.operation_count,
            totals.deposit_count + len(rows.credits),
        )

    def forget_unconfirmed(self) -> None:
        """Forget what the chain may have taken back meanwhile. Call it before watching again."""
        with self._engine.begin() as connection:
            chain_rows.forget_unconfirmed(connection)

    def apply_chain_event(self, event: ChainEvent) -> bool:
        """Apply what happened on the chain; return whether it changed anything."""
        with self._engine.begin() as connection:
            row = chain_rows.apply(event, connection)
            if row is None:
                return False
            position = _cursor(connection, "chain") + 1
            connection.execute(
                insert(tables.events).values(row | {"source": "chain", "sequence": position})
            )
            _move_cursor(connection, "chain", position)
        return True


def _cursor(connection: Connection, source: str) -> int:
    query = select(tables.cursors.c.position).where(tables.cursors.c.source == source)
    return connection.execute(query).scalar() or 0


def _move_cursor(connection: Connection, source: str, position: int) -> None:
    connection.execute(delete(tables.cursors).where(tables.cursors.c.source == source))
    connection.execute(insert(tables.cursors).values(source=source, position=position))


def _totals(connection: Connection) -> _Totals:
    blocks = tables.blocks.c
    last = connection.execute(
        select(blocks.number, blocks.first_slot + blocks.operation_count)
        .order_by(blocks.number.desc())
        .limit(1)
    ).first()
    deposits = connection.execute(select(func.count()).select_from(tables.credits)).scalar_one()
    return _Totals(0, 0, 0) if last is None else _Totals(last[0], last[1], deposits)


def _read_accounts(connection: Connection, ids: set[int]) -> dict[int, AccountState]:
    accounts: dict[int, AccountState] = {}
    ordered = sorted(ids)
    for start in range(0, len(ordered), _IDS_MAX):
        part = ordered[start : start + _IDS_MAX]
        query = select(tables.accounts).where(tables.accounts.c.account_id.in_(part))
        for account_id, *values in connection.execute(query):
            accounts[account_id] = AccountState(*values)
    return accounts


def _write(connection: Connection, final: FinalBlock, rows: BlockRows, totals: _Totals) -> None:
    for table, added in (
        (tables.assets, rows.assets),
        (tables.payments, rows.payments),
        (tables.withdrawals, rows.withdrawals),
        (tables.rejections, rows.rejections),
        (tables.credits, rows.credits),
        (tables.entries, rows.entries),
        (tables.events, rows.events),
        (tables.blocks, [_block_row(final, totals)]),
    ):
        insert_rows(connection, table, added)
    _write_accounts(connection, rows)


def _write_accounts(connection: Connection, rows: BlockRows) -> None:
    accounts = tables.accounts
    opened = [
        {
            "account_id": account_id,
            "owner": rows.accounts[account_id].owner,
            "asset_id": rows.accounts[account_id].asset_id,
            "nonce": rows.accounts[account_id].nonce,
            "balance_minor": rows.accounts[account_id].balance_minor,
            "opened_block_number": rows.accounts[account_id].opened_block_number,
        }
        for account_id in sorted(rows.opened)
    ]
    insert_rows(connection, accounts, opened)
    changed = sorted(rows.touched - rows.opened)
    states = [(account_id, rows.accounts[account_id]) for account_id in changed]
    update_accounts(
        connection, accounts, [(state.nonce, state.balance_minor, id_) for id_, state in states]
    )


def _block_row(final: FinalBlock, totals: _Totals) -> dict[str, Any]:
    block, body = final.block, final.body
    return {
        "number": block.number,
        "block_hash": final.block_hash,
        "parent_hash": block.parent_hash,
        "epoch": block.epoch,
        "round": block.round,
        "ts_ms": block.timestamp_ms,
        "operation_count": block.operation_count,
        "order_count": len(body.orders),
        "deposit_count": len(body.deposits),
        "rejection_count": len(body.rejections),
        "first_slot": totals.slot_count,
        "l1_block_number": body.l1_block_number,
    }
