"""Examples of exits and advances, for OpenAPI."""

from typing import Final

from backend.access.api.examples import (
    DOMAIN,
    HASH,
    PAYEE,
    PAYER,
    ROLLUP,
    SIGNATURE,
    TIME,
    TOKEN,
    TRANSACTION,
    Example,
)

EXITS_CONTRACT: Final = "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0"

EXIT_WISH: Final[Example] = {"owner": PAYER, "asset": "USDX"}
PREPARED_EXIT: Final[Example] = {
    "object": "prepared_exit",
    "owner": PAYER,
    "asset": "USDX",
    "account_id": "1442840578",
    "batch": "2",
    "bounty_wei": "2400000000000000",
    "transaction": TRANSACTION
    | {"purpose": "exit", "to": EXITS_CONTRACT, "value": "0x886c98b760000"},
}
EXIT: Final[Example] = {
    "object": "exit",
    "id": "0",
    "status": "swept",
    "account_id": "1442840578",
    "owner": PAYER,
    "asset": "USDX",
    "tx_hash": HASH,
    "l1_block": "1204",
    "withdrawals": [HASH],
    "served_in": None,
}
EXIT_WITH_DEADLINE: Final[Example] = EXIT | {"may_freeze_at": TIME}
EXIT_KIT: Final[Example] = {
    "object": "exit_kit",
    "version": 1,
    "chain_id": 31337,
    "rollup": ROLLUP,
    "owner": PAYER,
    "l1_block": 1210,
    "ts_s": 1767614400,
    "batch": 2,
    "tip": 2,
    "settled": 1,
    "frozen_ts_s": None,
    "accounts": [
        {
            "account_id": 1442840578,
            "owner": PAYER,
            "asset_id": 1,
            "token": TOKEN,
            "balance": "25000000",
        }
    ],
    "calls": [
        {
            "what": "request-exit",
            "text": "ask for all 25.000000 USDX of account 1442840578",
            "to": EXITS_CONTRACT,
            "data": "0x8e2e3a5b",
            "value": "2400000000000000",
            "from": PAYER,
            "not_before_ts_s": 0,
            "after": None,
        }
    ],
}
ADVANCE_WISH: Final[Example] = {
    "fee": "1000",
    "signed": {"valid_until": "1767618000", "signature": SIGNATURE, "provider": PAYEE},
}
ADVANCE: Final[Example] = {
    "object": "advance",
    "withdrawal_id": HASH,
    "fee": "1000",
    "paid": "999000",
    "typed_data": {
        "types": {"Advance": [{"name": "owner", "type": "address"}]},
        "primaryType": "Advance",
        "domain": DOMAIN,
        "message": {
            "owner": PAYER,
            "nonce": "7",
            "asset": TOKEN,
            "amount": "1000000",
            "fee": "1000",
            "validUntil": "1767618000",
        },
    },
    "transactions": [
        TRANSACTION | {"purpose": "approve", "from": PAYEE, "to": TOKEN},
        TRANSACTION | {"purpose": "advance", "from": PAYEE, "to": EXITS_CONTRACT},
    ],
}
