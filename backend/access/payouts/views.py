"""Payouts as the API shows them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from backend.access.texts import time_text
from backend.access.views import Json
from backend.protocol.hashing import ZERO_DIGEST
from backend.protocol.proposals import Call
from backend.protocol.types import address_text, digest_text
from backend.records.registers.payouts import PAID, SKIPPED

_NONE = (0, 0)


def payout_view(row: Any, counts: Mapping[str, tuple[int, int]], code: str, call: Call) -> Json:
    """Show a payout; `counts` are lines and minor units by status."""
    paid_count, paid_minor = counts.get(PAID, _NONE)
    return {
        "object": "payout",
        "id": digest_text(row.id),
        "status": row.status,
        "owner": address_text(row.owner),
        "asset": code,
        "line_count": str(row.line_count),
        "total": str(row.total_minor),
        "fees": str(row.fees_minor),
        "paid_count": str(paid_count),
        "paid_total": str(paid_minor),
        "skipped_count": str(counts.get(SKIPPED, _NONE)[0]),
        "nonce_first": str(row.nonce_first),
        "root": digest_text(row.root),
        "returns": address_text(row.returns),
        "skip_fee": str(row.skip_fee_minor),
        "call": call.message(),
        "proposal_id": None if row.proposal_id is None else digest_text(row.proposal_id),
        "valid_until": time_text(row.valid_until * 1000),
        "created_by": row.creator_key,
        "created_at": time_text(row.created_ts_ms),
        "updated_at": time_text(row.updated_ts_ms),
    }


def line_view(payout: Any, row: Any) -> Json:
    """Show a line: waiting, skipping, paid or skipped."""
    return {
        "object": "payout_line",
        "index": str(row.line_index),
        "number": str(row.number),
        "payee": address_text(row.payee),
        "amount": str(row.amount_minor),
        "fee": str(row.fee_minor),
        "memo": row.memo,
        "reference": row.reference,
        "follows": None if row.follows == ZERO_DIGEST else digest_text(row.follows),
        "status": row.status,
        "code": row.code,
        "order_id": None if row.order_id is None else digest_text(row.order_id),
        "nonce": str(payout.nonce_first + row.line_index),
    }


def report_view(row: Any, sums: Iterable[tuple[str, str | None, int, int]]) -> Json:
    """Show the sums of a payout; `sums` are (status, code, lines, minor units)."""
    counts: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    by_code: Counter[str] = Counter()
    for status, code, count, total_minor in sums:
        group = status if status in (PAID, SKIPPED) else "waiting"
        counts[group] += count
        totals[group] += total_minor
        if group == SKIPPED:
            by_code[code or ""] += count

    def shown(group: str) -> Json:
        return {"count": str(counts[group]), "total": str(totals[group])}

    return {
        "object": "payout_report",
        "id": digest_text(row.id),
        "status": row.status,
        "paid": shown(PAID),
        "skipped": shown(SKIPPED) | {"by_code": {c: str(n) for c, n in by_code.items()}},
        "waiting": shown("waiting"),
    }
