"""Examples of what is collected, paid back and paid as one, for OpenAPI."""

from typing import Final

from backend.access.api.examples import (
    DOMAIN,
    HASH,
    MESSAGE,
    ORDER,
    PAYEE,
    PAYER,
    ROLLUP,
    SIGNATURE,
    SIGNED,
    TIME,
    TOKEN,
    ZERO,
    Example,
)

PAYMENT_REQUEST_IN: Final[Example] = {
    "payee": PAYEE,
    "asset": "USDX",
    "amount": "1000000",
    "expires_at": "2027-02-01T12:00:00Z",
}
PAYMENT_REQUEST: Final[Example] = {
    "object": "payment_request",
    "id": "preq_1f0c9f6a2b7d4e83a1d2c3b4a5968778",
    "status": "open",
    "payee": PAYEE,
    "asset": "USDX",
    "amount": "1000000",
    "memo": HASH,
    "created_at": TIME,
    "expires_at": TIME,
    "payment_id": None,
    "link": "http://127.0.0.1:8000/pay/preq_1f0c9f6a2b7d4e83a1d2c3b4a5968778",
    "eip681": f"ethereum:{TOKEN}@31337/transfer?address={PAYEE}&uint256=1000000",
    "ledger": {
        "chainId": 31337,
        "verifyingContract": ROLLUP,
        "payee": PAYEE,
        "asset": "USDX",
        "token": TOKEN,
        "amount": "1000000",
        "memo": HASH,
    },
}
REFUND: Final[Example] = {
    "object": "refund",
    "id": HASH,
    "payment_id": HASH,
    "number": 1,
    "status": "prepared",
    "code": None,
    "payer": PAYEE,
    "payee": PAYER,
    "asset": "USDX",
    "amount": "250000",
    "fee": "500",
    "memo": HASH,
    "valid_until": TIME,
    "created_at": TIME,
    "typed_data": ORDER["typed_data"],
}
LEG_IN: Final[Example] = {"payer": PAYER, "payee": PAYEE, "asset": "USDX", "amount": "10000000"}
GROUP_IN: Final[Example] = {
    "legs": [LEG_IN, {"payer": PAYEE, "payee": PAYER, "asset": "EURX", "amount": "9000000"}]
}
LEG_SIGNATURE: Final[Example] = {"leg": 0, "signature": SIGNATURE}
SIGNED_GROUP: Final[Example] = {"legs": [SIGNED, SIGNED]}
GROUP: Final[Example] = {
    "object": "group",
    "id": HASH,
    "status": "signing",
    "code": None,
    "valid_until": TIME,
    "created_at": TIME,
    "legs": [
        {
            "leg": 0,
            "id": HASH,
            "payer": PAYER,
            "payee": PAYEE,
            "asset": "USDX",
            "amount": "10000000",
            "fee": "500",
            "nonce": "7",
            "memo": ZERO,
            "is_signed": False,
            "typed_data": ORDER["typed_data"] | {"domain": DOMAIN, "message": MESSAGE},
        }
    ],
}
