"""What the projections say of accounts, read without touching them: for whoever checks them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import create_engine, func, select

from backend.protocol.money import BalanceMinor
from backend.protocol.types import AccountId, Address, Leaf
from backend.records.tables.projections import accounts, cursors, entries

_BLOCKS: Final = "block"


@dataclass(frozen=True, slots=True)
class ProjectedAccounts:
    """All accounts after a block as the projections have them, and the sums of their entries."""

    block_number: int
    leaves: Mapping[AccountId, Leaf]
    sums_minor: Mapping[AccountId, int]


def projected_accounts(url: str) -> ProjectedAccounts:
    """Return what a database of projections says, as of one moment. It may be in use."""
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":  # which begins no transaction for reading alone
                connection.exec_driver_sql("BEGIN")
            position = select(cursors.c.position).where(cursors.c.source == _BLOCKS)
            block_number = connection.execute(position).scalar() or 0
            added = select(entries.c.account_id, func.sum(entries.c.amount_minor))
            sums = connection.execute(added.group_by(entries.c.account_id)).all()
            rows = connection.execute(select(accounts)).all()
    finally:
        engine.dispose()
    leaves = {
        AccountId(row.account_id): Leaf(
            Address(row.owner), row.asset_id, row.nonce, BalanceMinor(row.balance_minor)
        )
        for row in rows
    }
    return ProjectedAccounts(
        block_number, leaves, {AccountId(account_id): total for account_id, total in sums}
    )
