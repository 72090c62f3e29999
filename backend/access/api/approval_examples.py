"""Examples of proposals and payouts, for OpenAPI."""

from typing import Final

from backend.access.api.examples import (
    HASH,
    PAYEE,
    PAYER,
    ROLLUP,
    SIGNATURE,
    TIME,
    TOKEN,
    Example,
)

_CALL: Final[Example] = {"target": ROLLUP, "value": "0", "data": "0x5c1bba38" + HASH[2:]}
PROPOSAL_ROW: Final[Example] = {
    "object": "proposal",
    "id": HASH,
    "status": "open",
    "kind": "calls",
    "purpose": "Prizes of January",
    "proposer": PAYER,
    "calls": [_CALL],
    "deadline": TIME,
    "tx_hash": None,
    "created_by": "8f3a0c52b1d94e77",
    "created_at": TIME,
    "updated_at": TIME,
}
PROPOSAL: Final[Example] = PROPOSAL_ROW | {
    "needs": {"weight": "2", "timelock_s": "0"},
    "weight": "1",
    "has_proposer": True,
    "approvals": [
        {"signer": PAYER, "is_on_chain": False},
        {"signer": PAYEE, "is_on_chain": False},
    ],
    "ready_at": None,
    "dry_run": {
        "succeeds": True,
        "calls": [
            {
                "target": ROLLUP,
                "value": "0",
                "function": "authorizeOrders",
                "arguments": {"root": HASH},
                "error": None,
            }
        ],
        "balance_changes": [],
    },
    "typed_data": {"primaryType": "Proposal"},
    "cancellation_typed_data": {"primaryType": "Cancellation"},
}
APPROVAL_IN: Final[Example] = {"signer": PAYER, "signature": SIGNATURE}
PROPOSAL_IN: Final[Example] = {
    "proposer": PAYER,
    "calls": [_CALL],
    "purpose": "Prizes of January",
}
PAYOUT: Final[Example] = {
    "object": "payout",
    "id": HASH,
    "status": "proposed",
    "owner": ROLLUP,
    "asset": "USDX",
    "line_count": "1000",
    "total": "25000000000",
    "fees": "10000000",
    "paid_count": "0",
    "paid_total": "0",
    "skipped_count": "0",
    "nonce_first": "0",
    "root": HASH,
    "returns": PAYEE,
    "skip_fee": "10000",
    "call": _CALL,
    "proposal_id": HASH,
    "valid_until": TIME,
    "created_by": "8f3a0c52b1d94e77",
    "created_at": TIME,
    "updated_at": TIME,
}
PAYOUT_LINE: Final[Example] = {
    "object": "payout_line",
    "index": "0",
    "number": "2",
    "payee": PAYEE,
    "amount": "25000000",
    "fee": "10000",
    "memo": "First prize",
    "reference": "A-1",
    "follows": None,
    "status": "paid",
    "code": None,
    "order_id": HASH,
    "nonce": "0",
}
PAYOUT_REPORT: Final[Example] = {
    "object": "payout_report",
    "id": HASH,
    "status": "done",
    "paid": {"count": "999", "total": "24975000000"},
    "skipped": {"count": "1", "total": "25000000", "by_code": {"PAYEE_BLOCKED": "1"}},
    "waiting": {"count": "0", "total": "0"},
}
PAYOUT_IN: Final[Example] = {
    "asset": "USDX",
    "proposer": PAYER,
    "lines": [{"payee": PAYEE, "amount": "25000000", "reference": "A-1"}],
}
CSV_IN: Final[Example] = {
    "asset": TOKEN,
    "proposer": PAYER,
    "csv": f"payee,amount,memo,reference\n{PAYEE},25,First prize,A-1\n",
}
