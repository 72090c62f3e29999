"""Errors as HTTP shows them. Law: one table; every PaymentError has a status in it.

Codes never change their meaning; messages are for people and may.
"""

from typing import Any, Final

from backend.protocol import errors as domain
from backend.protocol.errors import PaymentError

ERRORS_PATH: Final = "/docs/errors"
RETRY_AFTER_S: Final = 1

STATUS: Final[dict[type[PaymentError], int]] = {
    domain.MalformedRequest: 400,
    domain.ApiKeyInvalid: 401,
    domain.PermissionDenied: 403,
    domain.KycRequired: 403,
    domain.KycExpired: 403,
    domain.KycRevoked: 403,
    domain.AccountNotFound: 404,
    domain.PaymentNotFound: 404,
    domain.WithdrawalNotFound: 404,
    domain.DepositNotFound: 404,
    domain.BatchNotFound: 404,
    domain.BlockNotFound: 404,
    domain.ApplicantNotFound: 404,
    domain.CampaignNotFound: 404,
    domain.GrantNotFound: 404,
    domain.PrizeNotFound: 404,
    domain.ApiKeyNotFound: 404,
    domain.ProofNotAvailable: 404,
    domain.CustomerNotFound: 404,
    domain.HoldNotFound: 404,
    domain.ScheduleNotFound: 404,
    domain.PaymentRequestNotFound: 404,
    domain.GroupNotFound: 404,
    domain.ExitNotFound: 404,
    domain.NonceTooLow: 409,
    domain.NonceGap: 409,
    domain.InsufficientFunds: 409,
    domain.CampaignNotRunning: 409,
    domain.CampaignShortOfBudget: 409,
    domain.GrantedBefore: 409,
    domain.PrizePaidByOrders: 409,
    domain.PrizeNotOver: 409,
    domain.RequestInProgress: 409,
    domain.IdempotencyKeyReused: 409,
    domain.HoldNotAuthorised: 409,
    domain.HoldEnded: 409,
    domain.HoldExpired: 409,
    domain.HoldOrderRejected: 409,
    domain.MemoTaken: 409,
    domain.RefundExceeded: 409,
    domain.PaymentNotFinal: 409,
    domain.GroupOvertaken: 409,
    domain.GroupOpen: 409,
    domain.ExitOpen: 409,
    domain.AdvanceRefused: 409,
    domain.BodyTooLarge: 413,
    domain.AmountNotInteger: 422,
    domain.AmountZero: 422,
    domain.AmountTooLarge: 422,
    domain.AmountNotMultipleOfUnit: 422,
    domain.BalanceTooLarge: 422,
    domain.FeeNotRepresentable: 422,
    domain.FeeTooLow: 422,
    domain.FeeNotAllowed: 422,
    domain.AssetUnknown: 422,
    domain.AccountUnknown: 422,
    domain.SameAccount: 422,
    domain.PayeeInvalid: 422,
    domain.OrderExpired: 422,
    domain.OrderInGroup: 422,
    domain.GroupInvalid: 422,
    domain.RefundNotAllowed: 422,
    domain.RefundMismatch: 422,
    domain.SignatureInvalid: 422,
    domain.SignatureHighS: 422,
    domain.NotAuthorised: 422,
    domain.NotEligible: 422,
    domain.RootUnknown: 422,
    domain.TermsInvalid: 422,
    domain.PrizeDeadlineInvalid: 422,
    domain.BonusRefused: 422,
    domain.KycLevelTooLow: 422,
    domain.WrongDomain: 422,
    domain.CertificateInvalid: 422,
    domain.CaptureTooLarge: 422,
    domain.ExpiryInvalid: 422,
    domain.FirstTimeInvalid: 422,
    domain.BackPressure: 429,
    domain.RateLimited: 429,
    domain.Frozen: 503,
    domain.NoQuorum: 503,
    domain.ChainUnavailable: 503,
    domain.DiskFull: 503,
    # Proposals and payouts
    domain.OwnProposal: 403,
    domain.NoTreasury: 404,
    domain.ProposalNotFound: 404,
    domain.PayoutNotFound: 404,
    domain.ProposalClosed: 409,
    domain.ProposalExpired: 409,
    domain.ProposalNotApproved: 409,
    domain.ProposalTimelocked: 409,
    domain.ApprovalGiven: 409,
    domain.PayoutInProgress: 409,
    domain.PayoutShortOfFunds: 409,
    domain.PayoutTooLarge: 413,
    domain.ProposalRefused: 422,
    domain.SignerUnknown: 422,
    domain.ApprovalInvalid: 422,
    domain.PayoutLinesInvalid: 422,
    domain.PayeeBlocked: 422,
}

# Which of the values names the field that is at fault, and which field a code is always about.
_PARAM_OF: Final[dict[type[PaymentError], str]] = {
    domain.AmountZero: "amount",
    domain.AmountNotInteger: "amount",
    domain.AmountTooLarge: "amount",
    domain.AmountNotMultipleOfUnit: "amount",
    domain.InsufficientFunds: "amount",
    domain.FeeNotRepresentable: "fee",
    domain.FeeTooLow: "fee",
    domain.FeeNotAllowed: "fee",
    domain.AssetUnknown: "asset",
    domain.AccountUnknown: "payer",
    domain.SameAccount: "payee",
    domain.PayeeInvalid: "payee",
    domain.NonceTooLow: "nonce",
    domain.NonceGap: "nonce",
    domain.OrderExpired: "validUntil",
    domain.OrderInGroup: "link",
    domain.GroupInvalid: "legs",
    domain.MemoTaken: "memo",
    domain.RefundExceeded: "amount",
    domain.RefundMismatch: "memo",
    domain.SignatureInvalid: "signature",
    domain.SignatureHighS: "signature",
    domain.NotAuthorised: "signature",
    domain.RootUnknown: "root",
    domain.WrongDomain: "domain",
    domain.CaptureTooLarge: "amount",
    domain.ExpiryInvalid: "expires_at",
    domain.FirstTimeInvalid: "first_at",
    domain.PrizeDeadlineInvalid: "ends_at",
    domain.SignerUnknown: "signer",
    domain.ApprovalGiven: "signer",
    domain.ApprovalInvalid: "signature",
    domain.PayeeBlocked: "payee",
}

_TYPES: Final = {
    400: "invalid_request",
    401: "authentication",
    403: "permission",
    404: "not_found",
    405: "invalid_request",
    409: "conflict",
    413: "invalid_request",
    422: "unprocessable",
    429: "rate_limit",
}

_RETRYABLE: Final = frozenset(
    {
        domain.NonceGap,
        domain.RequestInProgress,
        domain.BackPressure,
        domain.RateLimited,
        domain.NoQuorum,
        domain.ChainUnavailable,
        domain.DiskFull,
    }
)


def status_of(error: PaymentError) -> int:
    """Return the HTTP status of an error."""
    return STATUS[type(error)]


def is_transient(error: PaymentError) -> bool:
    """Return whether the same request may succeed later, so that its key remembers nothing."""
    return status_of(error) in (429, 503) and not isinstance(error, domain.Frozen)


def anchor_of(code: str) -> str:
    """Return where on the page of errors a code stands."""
    return code.lower().replace("_", "-")


def envelope(
    status_code: int,
    code: str,
    message: str,
    request_id: str | None,
    *,
    param: str | None = None,
    is_retryable: bool = False,
    values: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the body of an answer that refuses."""
    return {
        "error": {
            "type": _TYPES.get(status_code, "api_error"),
            "code": code,
            "message": message,
            "param": param,
            "values": values or {},
            "request_id": request_id,
            "retryable": is_retryable,
            "doc_url": f"{ERRORS_PATH}#{anchor_of(code)}",
        }
    }


def error_body(error: PaymentError, request_id: str | None) -> dict[str, Any]:
    """Return the body that tells of an error."""
    values = {
        # Beyond 2^53 a JSON number is not safe in every client.
        name: value if isinstance(value, str) or abs(value) < 2**53 else str(value)
        for name, value in error.values.items()
    }
    return envelope(
        status_of(error),
        error.code,
        str(error),
        request_id,
        param=values.get("field") or _PARAM_OF.get(type(error)),
        is_retryable=type(error) in _RETRYABLE,
        values=values,
    )


def error_headers(error: PaymentError) -> dict[str, str]:
    """Return the headers that go with an error."""
    if not is_transient(error):
        return {}
    retry_after_ms = getattr(error, "retry_after_ms", RETRY_AFTER_S * 1000)
    return {"Retry-After": str(max(1, -(-retry_after_ms // 1000)))}


def documented(*errors: type[PaymentError]) -> dict[int | str, dict[str, Any]]:
    """Return the errors of a call for OpenAPI, by status; every call has the first few."""
    by_status: dict[int | str, list[type[PaymentError]]] = {}
    for error in (
        domain.MalformedRequest,
        domain.ApiKeyInvalid,
        domain.PermissionDenied,
        domain.RateLimited,
        *errors,
    ):
        found = by_status.setdefault(STATUS[error], [])
        if error not in found:
            found.append(error)
    return {
        status_code: {
            "description": ", ".join(error.code for error in found),
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Error"},
                    "examples": {error.code: {"value": _example(error)} for error in found},
                }
            },
        }
        for status_code, found in by_status.items()
    }


def _example(error: type[PaymentError]) -> dict[str, Any]:
    return envelope(
        STATUS[error],
        error.code,
        error.message,
        "req_1f0c9f6a2b7d4e83",
        param=_PARAM_OF.get(error),
        is_retryable=error in _RETRYABLE,
    )


ERROR_SCHEMA: Final[dict[str, Any]] = {
    "title": "Error",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["type", "code", "message", "request_id", "retryable", "doc_url"],
            "properties": {
                "type": {"type": "string"},
                "code": {"type": "string", "description": "Stable; for programs."},
                "message": {"type": "string", "description": "For people."},
                "param": {"type": ["string", "null"]},
                "values": {"type": "object"},
                "request_id": {"type": ["string", "null"]},
                "retryable": {"type": "boolean"},
                "doc_url": {"type": "string"},
            },
        }
    },
}
