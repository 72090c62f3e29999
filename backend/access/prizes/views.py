"""Prizes and their entries as the API shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.access.texts import time_text
from backend.access.views import Json
from backend.protocol.hashing import Digest
from backend.protocol.types import address_text, digest_text


@dataclass(frozen=True, slots=True)
class PrizeState:
    """How a prize stands: prepared, lapsed (nobody created it in time), differs (what is on the
    chain is not what was prepared), open, over (its time has passed), ended (nothing is left).
    """

    status: str
    remaining_minor: int
    paid_count: int


@dataclass(frozen=True, slots=True)
class EntryState:
    """How an entry stands: waiting, skipping, paid or skipped; `obstacle` is why not now."""

    status: str
    fee_minor: int = 0
    obstacle: str | None = None
    order_id: bytes | None = None
    proof: Sequence[Digest] = ()
    claim: Any = None  # the transaction


def prize_view(row: Any, state: PrizeState, code: str, purse: bytes | None) -> Json:
    """Show a prize; `purse` is the payer of its orders, if it is paid by orders."""
    return {
        "object": "prize",
        "id": digest_text(row.id),
        "status": state.status,
        "sponsor": address_text(row.sponsor),
        "asset": code,
        "payout": row.payout,
        "total": str(row.total_minor),
        "fees": str(row.fees_minor),
        "remaining": str(state.remaining_minor),
        "entry_count": str(row.entry_count),
        "paid_count": str(state.paid_count),
        "root": digest_text(row.root),
        "salt": digest_text(row.salt),
        "terms_hash": digest_text(row.terms_hash),
        "ends_at": time_text(row.deadline_ts_s * 1000),
        "purse": None if purse is None else address_text(purse),
        "payout_id": None if row.payout_id is None else digest_text(row.payout_id),
        "created_by": row.creator_key,
        "created_at": time_text(row.created_ts_ms),
    }


def entry_view(row: Any, state: EntryState) -> Json:
    """Show an entry, with the proof and the transaction by which anybody claims it."""
    return {
        "object": "prize_entry",
        "prize_id": digest_text(row.prize_id),
        "index": str(row.entry_index),
        "person": address_text(row.person),
        "amount": str(row.amount_minor),
        "fee": str(state.fee_minor),
        "status": state.status,
        "obstacle": state.obstacle,
        "order_id": None if state.order_id is None else digest_text(state.order_id),
        "proof": [digest_text(node) for node in state.proof],
        "claim": state.claim,
    }
