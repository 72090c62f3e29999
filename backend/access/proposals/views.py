"""Proposals as the API shows them. Signatures are not shown: whoever has enough of them could
execute a proposal that was given up."""

from collections.abc import Mapping, Sequence
from typing import Any

from backend.access.proposals.desk import Standing
from backend.access.proposals.ports import CallEffect, DryRun
from backend.access.texts import time_text
from backend.access.views import Json
from backend.protocol.eip712 import Domain
from backend.protocol.hashing import Digest
from backend.protocol.proposals import cancellation_typed_data, signer_text
from backend.protocol.types import address_text, digest_text
from backend.records.registers.proposals import proposal_of


def row_view(row: Any) -> Json:
    """Show a proposal as it was last seen."""
    proposal = proposal_of(row)
    return {
        "object": "proposal",
        "id": digest_text(row.id),
        "status": row.status,
        "kind": row.kind,
        "purpose": row.purpose,
        "proposer": signer_text(proposal.proposer),
        "calls": [call.message() for call in proposal.calls],
        "deadline": time_text(row.deadline_ts_s * 1000),
        "tx_hash": None if row.tx_hash is None else digest_text(row.tx_hash),
        "created_by": row.proposer_key,
        "created_at": time_text(row.created_ts_ms),
        "updated_at": time_text(row.updated_ts_ms),
    }


def standing_view(found: Standing, run: DryRun, domain: Domain) -> Json:
    """Show a proposal with what it needs, who has approved it, and what it would do now."""
    proposal_id = Digest(found.row.id)
    ready_ts_s = found.ready_ts_s
    return row_view(found.row) | {
        "needs": {"weight": str(found.needs.weight), "timelock_s": str(found.needs.timelock_s)},
        "weight": str(found.weight),
        "has_proposer": found.has_proposer,
        "approvals": [
            {"signer": signer_text(one.signer), "is_on_chain": not one.signature}
            for one in found.approvals
        ],
        "ready_at": None if ready_ts_s is None else time_text(ready_ts_s * 1000),
        "dry_run": dry_run_view(run),
        "typed_data": found.proposal.typed_data(domain),
        "cancellation_typed_data": cancellation_typed_data(proposal_id, domain),
    }


def dry_run_view(run: DryRun) -> Json:
    """Show what calls would do: which functions they name, and how balances would change."""
    changes = None
    if run.changes is not None:
        changes = [
            {
                "token": address_text(change.token),
                "account": address_text(change.account),
                "amount": str(change.amount),
            }
            for change in run.changes
        ]
    return {
        "succeeds": run.succeeds,
        "calls": [_effect_view(effect) for effect in run.effects],
        "balance_changes": changes,
    }


def _effect_view(effect: CallEffect) -> Json:
    decoded = effect.decoded
    return {
        "target": address_text(effect.call.target),
        "value": str(effect.call.value),
        "function": None if decoded is None else decoded.name,
        "arguments": None if decoded is None else plain(decoded.values),
        "error": effect.error,
    }


def plain(value: Any) -> Any:
    """Return a decoded argument as JSON: addresses and bytes as 0x text, numbers as digits."""
    if isinstance(value, bytes):
        return address_text(value) if len(value) == 20 else "0x" + value.hex()
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(each) for each in value]
    return value if isinstance(value, bool | str) else str(value)
