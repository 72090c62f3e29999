"""Proposals, their approvals, and payouts. Law: how a line ended is written once."""

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text

from backend.records.tables.registers import metadata
from backend.records.tables.types import ADDRESS, HASH, U63, U64, optional, required

proposals: Final = Table(
    "proposals",
    metadata,
    Column("sequence", U63, primary_key=True, autoincrement=True),
    required("id", HASH),  # what approvers sign
    required("proposal", Text()),  # JSON: the message of its typed data
    required("kind", String(16)),  # calls, payout
    required("purpose", Text()),
    required("proposer_key", String(32)),  # the API key that made it
    required("deadline_ts_s", U64),
    required("l1_block_number", U63),  # the newest one when it was made
    required("status", String(16)),
    optional("tx_hash", HASH),  # what was sent last for it
    required("created_ts_ms", U63),
    required("updated_ts_ms", U63),
    Index("proposals_by_id", "id", unique=True),
    Index("proposals_by_status", "status"),
)

approvals: Final = Table(
    "approvals",
    metadata,
    Column("proposal_id", HASH, primary_key=True),
    Column("signer", LargeBinary(), primary_key=True),  # ERC-7913: an address, or verifier and key
    required("signature", LargeBinary()),
    required("approver_key", String(32)),
    required("created_ts_ms", U63),
)

payouts: Final = Table(
    "payouts",
    metadata,
    Column("sequence", U63, primary_key=True, autoincrement=True),
    required("id", HASH),
    required("owner", ADDRESS),
    required("asset_id", Integer()),
    required("token", ADDRESS),
    required("unit", U64),
    required("returns", ADDRESS),  # who gets the least amount of a skipped line
    required("status", String(16)),  # proposed, paying, done, failed
    required("root", HASH),
    required("attempt", Integer()),  # counts from 1; another one only after the proposal failed
    required("nonce_first", U64),
    required("valid_until", U64),
    optional("return_until", U64),  # of a prize: what is skipped returns whole, until then
    required("deadline_ts_s", U64),  # of its proposal, in L1 time
    required("skip_fee_minor", U63),
    required("line_count", Integer()),
    required("total_minor", U63),
    required("fees_minor", U63),
    optional("proposer", LargeBinary()),  # a signer; none if the owner is not our treasury
    optional("proposal_id", HASH),
    required("creator_key", String(32)),
    required("created_ts_ms", U63),
    required("updated_ts_ms", U63),
    Index("payouts_by_id", "id", unique=True),
    Index("payouts_by_status", "status"),
    Index("payouts_by_purse", "owner", "asset_id"),
)

payout_lines: Final = Table(
    "payout_lines",
    metadata,
    Column("payout_id", HASH, primary_key=True),
    Column("line_index", Integer(), primary_key=True),  # from 0; its nonce is nonce_first + index
    required("number", Integer()),  # in the file
    required("payee", ADDRESS),
    required("amount_minor", U63),
    required("fee_minor", U63),
    required("memo", Text()),
    required("reference", Text()),
    required("follows", HASH),
    required("status", String(16)),  # waiting, skipping, paid, skipped
    optional("code", String(40)),  # why it is skipped
    optional("order_id", HASH),  # what was executed: the payment, or the order in its place
    Index("payout_lines_by_status", "payout_id", "status", "line_index"),
)
