"""The projections. Law: each table follows from one source alone, blocks or the chain, so that a
rebuild gives the same rows whichever source is read first. What needs both is joined when read.

A `sequence` orders the rows of a source: block number · 2^24 + place in the block.
"""

from typing import Any, Final

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TextClause,
    text,
)

from backend.records.tables.types import ADDRESS, HASH, SIGNATURE, U63, U64, optional, required

metadata: Final = MetaData()


def is_present(name: str, dialect: str) -> TextClause:
    """Return the condition that a hash of payments is not zero, written as its index has it."""
    zero = f"'\\x{'00' * 32}'" if dialect == "postgresql" else f"x'{'00' * 32}'"
    return text(f"{name} <> {zero}")


def _index_of_present(name: str) -> Index:
    """Return an index that payments without memo or group cost nothing."""
    return Index(
        f"payments_by_{name}",
        name,
        sqlite_where=is_present(name, "sqlite"),
        postgresql_where=is_present(name, "postgresql"),
    )


cursors: Final = Table(
    "cursors",
    metadata,
    Column("source", String(16), primary_key=True),
    required("position", U63),  # blocks: the last number; chain: the last event
)

# From blocks.

assets: Final = Table(
    "assets",
    metadata,
    Column("asset_id", Integer(), primary_key=True, autoincrement=False),
    required("token", ADDRESS),
    required("unit", U64),
    required("fee_owner", ADDRESS),
    required("block_number", U63),
    Index("assets_by_token", "token", unique=True),
)

accounts: Final = Table(
    "accounts",
    metadata,
    Column("account_id", U63, primary_key=True, autoincrement=False),
    required("owner", ADDRESS),
    required("asset_id", Integer()),
    required("nonce", U63),
    required("balance_minor", U63),
    required("opened_block_number", U63),
    Index("accounts_by_owner", "owner", "asset_id", unique=True),
)

# Double entry: the amounts of each operation add up to 0. Account 0 is the bridge to the chain.
entries: Final = Table(
    "entries",
    metadata,
    Column("account_id", U63, primary_key=True, autoincrement=False),
    Column("sequence", U63, primary_key=True, autoincrement=False),
    required("asset_id", Integer()),
    required("kind", String(12)),  # payment, fee, deposit, withdrawal
    required("amount_minor", U63),  # above 0: the account got it
    required("balance_after_minor", U63),  # 0 for the bridge
    required("subject", LargeBinary(32)),  # id of the payment or withdrawal; the deposit's index
    optional("counterparty", ADDRESS),
    sqlite_with_rowid=False,
)

payments: Final = Table(
    "payments",
    metadata,
    Column("sequence", U63, primary_key=True, autoincrement=False),
    required("id", HASH),
    required("payer", ADDRESS),
    required("payee", ADDRESS),
    required("payer_account_id", U63),
    required("payee_account_id", U63),
    required("asset_id", Integer()),
    required("amount_minor", U63),
    required("fee_minor", U63),
    required("nonce", U63),
    required("valid_until", U64),
    required("memo", HASH),
    required("link", HASH),
    required("signature", SIGNATURE),
    required("block_number", U63),
    required("slot", Integer()),  # in the block
    Index("payments_by_id", "id", unique=True),
    Index("payments_by_payer", "payer", "sequence"),
    Index("payments_by_payee", "payee", "sequence"),
    _index_of_present("memo"),
    _index_of_present("link"),
)

withdrawals: Final = Table(
    "withdrawals",
    metadata,
    Column("sequence", U63, primary_key=True, autoincrement=False),
    required("id", HASH),
    required("payer", ADDRESS),
    required("payer_account_id", U63),
    required("asset_id", Integer()),
    required("amount_minor", U63),
    required("fee_minor", U63),
    required("nonce", U63),
    required("valid_until", U64),
    required("signature", SIGNATURE),
    required("claim_key", HASH),
    required("block_number", U63),
    required("slot", Integer()),
    Index("withdrawals_by_id", "id", unique=True),
    Index("withdrawals_by_payer", "payer", "sequence"),
)

# A block names a rejected order by its digest alone.
rejections: Final = Table(
    "rejections",
    metadata,
    Column("sequence", U63, primary_key=True, autoincrement=False),
    required("id", HASH),
    required("code", Integer()),  # the number of a PaymentError
    required("block_number", U63),
    Index("rejections_by_id", "id"),
)

credits: Final = Table(
    "credits",
    metadata,
    Column("deposit_index", U63, primary_key=True, autoincrement=False),
    required("token", ADDRESS),
    required("asset_id", Integer()),
    required("owner", ADDRESS),
    required("amount_minor", U63),
    required("l1_ts_s", U63),
    required("account_id", U63),
    required("block_number", U63),
    required("slot", Integer()),
    Index("credits_by_owner", "owner", "deposit_index"),
)

blocks: Final = Table(
    "blocks",
    metadata,
    Column("number", U63, primary_key=True, autoincrement=False),
    required("block_hash", HASH),
    required("parent_hash", HASH),
    required("epoch", U63),
    required("round", U63),
    required("ts_ms", U63),
    required("operation_count", Integer()),
    required("order_count", Integer()),
    required("deposit_count", Integer()),
    required("rejection_count", Integer()),
    required("first_slot", U63),  # slots in all blocks before
    required("l1_block_number", U63),
    Index("blocks_by_hash", "block_hash", unique=True),
)

# From the chain.

deposits: Final = Table(
    "deposits",
    metadata,
    Column("deposit_index", U63, primary_key=True, autoincrement=False),
    required("token", ADDRESS),
    required("asset_id", Integer()),
    required("owner", ADDRESS),
    required("amount_minor", U63),
    required("l1_ts_s", U63),
    required("l1_block_number", U63),
    required("tx_hash", HASH),
    optional("confirmed_l1_block_number", U63),
    optional("refunded_tx_hash", HASH),
    Index("deposits_by_owner", "owner", "deposit_index"),
)


def _batch_columns() -> list[Column[Any]]:
    """Return what is kept of a batch, but for its number and its header's hash."""
    return [
        required("epoch", U63),
        required("parent_hash", HASH),
        required("pre_root", HASH),
        required("post_root", HASH),
        required("chunks_root", HASH),
        required("chunk_count", Integer()),
        required("data_hash", HASH),
        required("deposit_cursor", U63),
        required("pin_number", U63),
        required("pin_hash", HASH),
        required("last_block_number", U63),
        required("last_block_hash", HASH),
        required("timestamp", U63),
        required("accepted_ts_s", U63),
        required("signers", HASH),  # bitmap, big-endian
        required("tx_hash", HASH),
        required("l1_block_number", U63),
        optional("noop_slots", LargeBinary()),  # u16 each, ascending; empty column: not known
    ]


# Those that stand.
batches: Final = Table(
    "batches",
    metadata,
    Column("number", U63, primary_key=True, autoincrement=False),
    required("status", String(8)),  # posted, settled
    required("header_hash", HASH),
    *_batch_columns(),
    Index("batches_by_last_block", "last_block_number"),
)

# Those that were rolled back, in the order in which they fell. Their headers never come again.
removed_batches: Final = Table(
    "removed_batches",
    metadata,
    Column("removal", U63, primary_key=True, autoincrement=False),
    required("number", U63),
    required("status", String(11)),  # rolled_back
    required("header_hash", HASH),
    *_batch_columns(),
    required("removed_l1_block_number", U63),
    Index("removed_batches_by_hash", "header_hash", unique=True),
    Index("removed_batches_by_number", "number"),
)

challenges: Final = Table(
    "challenges",
    metadata,
    Column("header_hash", HASH, primary_key=True),
    Column("slot", U63, primary_key=True, autoincrement=False),  # the lowest
    required("positions", U64),  # a mask
    required("batch_number", U63),
    required("challenger", ADDRESS),
    required("deadline_ts_s", U63),
    required("status", String(8)),  # open, answered, expired, released
    Index("challenges_by_status", "status"),
)

exits: Final = Table(
    "exits",
    metadata,
    Column("exit_index", U63, primary_key=True, autoincrement=False),
    required("account_id", U63),
    required("owner", ADDRESS),
    required("tx_hash", HASH),
    required("l1_block_number", U63),
    # The newest showing. It counts while its batch stands.
    optional("served_batch_number", U63),
    optional("served_l1_block_number", U63),
    Index("exits_by_owner", "owner", "exit_index"),
    Index("exits_by_account", "account_id", "exit_index"),
)

advances: Final = Table(
    "advances",
    metadata,
    Column("claim_key", HASH, primary_key=True),
    required("provider", ADDRESS),
    required("tx_hash", HASH),
)

claims: Final = Table(
    "claims",
    metadata,
    Column("claim_key", HASH, primary_key=True),
    required("owner", ADDRESS),
    required("batch_number", U63),
    required("slot", U63),
    required("tx_hash", HASH),
    required("l1_block_number", U63),
)

# `source` is "block" or "chain"; each numbers its own events.
events: Final = Table(
    "events",
    metadata,
    Column("source", String(8), primary_key=True),
    Column("sequence", U63, primary_key=True, autoincrement=False),
    required("type", String(32)),
    required("subject", String(66)),
    optional("owner", ADDRESS),
    optional("counterparty", ADDRESS),
    required("ts_ms", U63),
    required("position", U63),  # number of the block, or of the L1 block
    optional("code", String(40)),
    Index(
        "events_of_chain",
        "type",
        "subject",
        sqlite_where=text("source = 'chain'"),
        postgresql_where=text("source = 'chain'"),
    ),
    sqlite_with_rowid=False,
)
