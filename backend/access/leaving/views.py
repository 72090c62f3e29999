"""Exits, advances and challenges as the API shows them."""

from typing import Any

from backend.access.texts import time_text
from backend.access.views import Json
from backend.protocol.batches import slots_of
from backend.protocol.types import address_text, digest_text
from backend.records.leaving_reader import ExitView


def exit_view(view: ExitView, code: str | None) -> Json:
    """Show an exit; `code` is its account's asset."""
    row = view.row
    status = "served" if view.is_served else "swept" if view.sweep_ids else "requested"
    return {
        "object": "exit",
        "id": str(row.exit_index),
        "status": status,
        "account_id": str(row.account_id),
        "owner": address_text(row.owner),
        "asset": code,
        "tx_hash": digest_text(row.tx_hash),
        "l1_block": str(row.l1_block_number),
        "withdrawals": [digest_text(one) for one in view.sweep_ids],
        "served_in": str(row.served_batch_number) if view.is_served else None,
    }


def challenge_view(row: Any) -> Json:
    """Show a challenge of operations of a batch; it goes by the first slot."""
    return {
        "slot_numbers": [str(slot) for slot in slots_of(row.slot, row.positions)],
        "status": row.status,
        "challenger": address_text(row.challenger),
        "answer_until": time_text(row.deadline_ts_s * 1000),
    }
