"""Prizes and their entries. Law: what was decided about money is never deleted."""

from typing import Final

from sqlalchemy import Column, Index, Integer, String, Table

from backend.records.tables.registers import metadata
from backend.records.tables.types import ADDRESS, HASH, U63, U64, optional, required

prizes: Final = Table(
    "prizes",
    metadata,
    Column("sequence", U63, primary_key=True, autoincrement=True),
    required("id", HASH),  # the contract's
    required("sponsor", ADDRESS),
    required("asset_id", Integer()),
    required("payout", String(8)),  # wallet, account, orders
    required("root", HASH),
    required("salt", HASH),
    required("terms_hash", HASH),
    required("entry_count", Integer()),
    required("total_minor", U63),
    required("fees_minor", U63),  # of the orders, beside the total
    required("deadline_ts_s", U64),  # in L1 time
    optional("payout_id", HASH),  # of the orders
    required("creator_key", String(32)),
    required("created_ts_ms", U63),
    Index("prizes_by_id", "id", unique=True),
)

prize_entries: Final = Table(
    "prize_entries",
    metadata,
    Column("prize_id", HASH, primary_key=True),
    Column("entry_index", Integer(), primary_key=True),
    required("person", ADDRESS),
    required("amount_minor", U63),
    Index("prize_entries_by_person", "prize_id", "person", "entry_index"),
)
