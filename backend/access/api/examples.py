"""Examples of every object, for OpenAPI."""

from typing import Any, Final

Example = dict[str, Any]

PAYER: Final = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
PAYEE: Final = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
TOKEN: Final = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
ROLLUP: Final = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
HASH: Final = "0x" + "8f" * 32
ZERO: Final = "0x" + "00" * 32
SIGNATURE: Final = "0x" + "5a" * 64 + "1b"
TIME: Final = "2026-01-05T12:00:00.000Z"

ASSET: Final[Example] = {
    "object": "asset",
    "asset_id": 1,
    "code": "USDX",
    "token": TOKEN,
    "decimals": 6,
    "minor_decimals": 6,
    "unit": "1",
    "base_per_minor": "1",
    "takes_fee": True,
    "fee_owner": PAYEE,
    "fee_minimum": "100",
    "fee_bps": 5,
    "level_needed": 0,
}
FEE_QUOTE: Final[Example] = {
    "object": "fee_quote",
    "asset": "USDX",
    "amount": "1000000",
    "fee": "500",
    "total": "1000500",
}
ACCOUNT: Final[Example] = {
    "object": "account",
    "account_id": "1442840578",
    "owner": PAYER,
    "asset": "USDX",
    "balance": "25000000",
    "available": "24000000",
    "nonce": "7",
    "nonce_next": "8",
}
ENTRY: Final[Example] = {
    "object": "statement_entry",
    "id": "201326593",
    "kind": "payment",
    "amount": "-1000000",
    "balance_after": "24000000",
    "asset": "USDX",
    "subject": HASH,
    "counterparty": PAYEE,
    "block": "12",
    "created_at": TIME,
}
MESSAGE: Final[Example] = {
    "payer": PAYER,
    "payee": PAYEE,
    "asset": TOKEN,
    "amount": "1000000",
    "fee": "500",
    "nonce": "7",
    "validUntil": "1767614400",
    "memo": ZERO,
    "link": ZERO,
}
DOMAIN: Final[Example] = {
    "name": "Causeway",
    "version": "1",
    "chainId": 31337,
    "verifyingContract": ROLLUP,
}
ORDER: Final[Example] = {
    "object": "order",
    "id": HASH,
    "kind": "payment",
    "typed_data": {
        "types": {"PaymentOrder": [{"name": "payer", "type": "address"}]},
        "primaryType": "PaymentOrder",
        "domain": DOMAIN,
        "message": MESSAGE,
    },
}
SIGNED: Final[Example] = {"order": MESSAGE, "signature": SIGNATURE}
WITHDRAWAL_MESSAGE: Final[Example] = {
    name: value for name, value in MESSAGE.items() if name not in ("payee", "memo", "link")
}
SIGNED_WITHDRAWAL: Final[Example] = {"order": WITHDRAWAL_MESSAGE, "signature": SIGNATURE}
PAYMENT: Final[Example] = {
    "object": "payment",
    "id": HASH,
    "status": "posted",
    "code": None,
    "payer": PAYER,
    "payee": PAYEE,
    "asset": "USDX",
    "amount": "1000000",
    "fee": "500",
    "nonce": "7",
    "valid_until": TIME,
    "memo": ZERO,
    "group_id": None,
    "final_at": TIME,
    "block": {"number": "12", "slot": 3, "hash": HASH},
    "batch": {
        "number": "2",
        "status": "posted",
        "chunk": 0,
        "slot": 9,
        "posted_at": TIME,
        "tx_hash": HASH,
    },
    "next": {"status": "settled", "earliest_at": TIME},
}
ACCEPTED: Final[Example] = PAYMENT | {
    "status": "accepted",
    "accepted_at": TIME,
    "final_at": None,
    "block": None,
    "batch": None,
    "next": {"status": "final", "earliest_at": TIME},
}
WITHDRAWAL: Final[Example] = {
    name: value for name, value in PAYMENT.items() if name not in ("payee", "memo", "group_id")
} | {"object": "withdrawal", "kind": "order"}
TRANSACTION: Final[Example] = {
    "purpose": "deposit",
    "chainId": 31337,
    "from": PAYER,
    "to": ROLLUP,
    "value": "0x0",
    "data": "0x8e2e3a5b",
}
CLAIM: Final[Example] = {
    "object": "claim",
    "withdrawal_id": HASH,
    "proof": {
        "batch": "2",
        "slot_number": "9",
        "chunk": "0x00",
        "chunk_path": [ZERO],
        "leaf": {"owner": PAYER, "asset_id": 1, "nonce": "8", "balance": "24000000"},
        "leaf_path": [ZERO],
    },
    "transaction": TRANSACTION | {"purpose": "claim", "from": None},
}
PREPARED: Final[Example] = {
    "object": "prepared_deposit",
    "owner": PAYER,
    "asset": "USDX",
    "amount": "1000000",
    "evidence": "0x00",
    "transactions": [TRANSACTION],
    "permit": None,
    "authorization": {
        "salt": HASH,
        "valid_before": "1767618000",
        "typed_data": {"primaryType": "ReceiveWithAuthorization"},
    },
}
DEPOSIT: Final[Example] = {
    "object": "deposit",
    "id": "4",
    "status": "confirmed",
    "owner": PAYER,
    "asset": "USDX",
    "amount": "1000000",
    "tx_hash": HASH,
    "l1_block": "1204",
    "seen_at": TIME,
    "credited_at": None,
    "block": None,
    "refund": None,
    "next": {"status": "credited", "earliest_at": TIME},
}
BLOCK: Final[Example] = {
    "object": "block",
    "number": "12",
    "hash": HASH,
    "parent_hash": HASH,
    "epoch": 1,
    "round": 0,
    "created_at": TIME,
    "operation_count": 4,
    "order_count": 3,
    "deposit_count": 0,
    "rejection_count": 0,
    "l1_block": "1204",
}
EVIDENCE: Final[Example] = {
    "object": "evidence",
    "batch": "2",
    "data": [{"slot_number": "4", "evidence": "0x00"}],
}
BATCH: Final[Example] = {
    "object": "batch",
    "number": "2",
    "status": "posted",
    "hash": HASH,
    "header": {"number": "2", "epoch": 1, "postRoot": HASH},
    "accepted_at": TIME,
    "accepted_ts_s": "1767614400",
    "signers": "0x" + "00" * 31 + "07",
    "tx_hash": HASH,
    "l1_block": "1210",
    "next": {"status": "settled", "earliest_at": TIME},
    "challenges": [
        {
            "slot_numbers": ["9", "12"],
            "status": "answered",
            "challenger": PAYEE,
            "answer_until": TIME,
        }
    ],
}
POSTING: Final[Example] = {"object": "posting", "operation_count": "1200", "carrier": "blobs"}
ACCOUNT_PROOF: Final[Example] = {
    "object": "account_proof",
    "batch": "2",
    "root": HASH,
    "account_id": "1442840578",
    "leaf": {"owner": PAYER, "asset_id": 1, "nonce": "8", "balance": "24000000"},
    "leaf_path": [ZERO],
}
APPLICANT: Final[Example] = {
    "object": "applicant",
    "id": "app_1f0c9f6a2b7d4e83a1d2c3b4a5968778",
    "external_id": "customer-1",
    "person": PAYER,
    "status": "approved",
    "level": 1,
    "reasons": [],
    "created_at": TIME,
    "updated_at": TIME,
    "attestation": {
        "person": PAYER,
        "level": 1,
        "expiry": "1799150400",
        "issued": "1767614400",
        "signature": SIGNATURE,
        "attestor": PAYEE,
        "registry": ROLLUP,
    },
    "revoked_at": None,
    "revocation_tx_hash": None,
}
API_KEY: Final[Example] = {
    "object": "api_key",
    "id": "1f0c9f6a2b7d4e83",
    "name": "billing",
    "scopes": ["payments:write", "accounts:read"],
    "created_at": TIME,
    "last_used_at": None,
    "revoked_at": None,
    "secret": None,
}
EVENT: Final[Example] = {
    "object": "event",
    "id": "201326594.17",
    "type": "payment.final",
    "subject": HASH,
    "owner": PAYER,
    "counterparty": PAYEE,
    "code": None,
    "block": "12",
    "l1_block": None,
    "created_at": TIME,
}
