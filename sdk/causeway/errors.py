"""What can go wrong: one class for each HTTP status, each with the platform's code."""

from typing import Any


class CausewayError(Exception):
    """Anything this package raises on purpose."""


class ApiConnectionError(CausewayError):
    """No answer came. The request may have been carried out: repeat it, it is safe."""


class OrderMismatch(CausewayError):
    """The platform wrote something else than was asked for. Nothing was signed."""

    def __init__(self, field: str, expected: object, actual: object) -> None:
        super().__init__(f"{field}: {expected} was asked for, the platform wrote {actual}")
        self.field = field
        self.expected = expected
        self.actual = actual


class ApiStatusError(CausewayError):
    """The platform refused. `code` is stable; the message is for people."""

    def __init__(self, status_code: int, error: dict[str, Any]) -> None:
        self.status_code = status_code
        self.code = str(error.get("code", "UNKNOWN"))
        self.message = str(error.get("message", ""))
        self.param: str | None = error.get("param")
        self.request_id: str | None = error.get("request_id")
        self.is_retryable = bool(error.get("retryable", status_code >= 500))
        self.values: dict[str, Any] = error.get("values") or {}
        super().__init__(f"{self.code} ({status_code}): {self.message}")


class BadRequest(ApiStatusError):
    """400: the request is malformed."""


class Unauthorised(ApiStatusError):
    """401: the API key is invalid."""


class PermissionDenied(ApiStatusError):
    """403: not allowed, or the customer is not verified."""


class NotFound(ApiStatusError):
    """404: there is no such thing."""


class Conflict(ApiStatusError):
    """409: it contradicts the state (a nonce, funds, an idempotency key)."""


class TooLarge(ApiStatusError):
    """413: the body is too large."""


class Unprocessable(ApiStatusError):
    """422: well-formed, but it can't be done."""


class RateLimited(ApiStatusError):
    """429: too much at once."""


class ServerError(ApiStatusError):
    """5xx: the platform can't at present."""


_BY_STATUS: dict[int, type[ApiStatusError]] = {
    400: BadRequest,
    401: Unauthorised,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    422: Unprocessable,
    429: RateLimited,
}


def status_error(status_code: int, body: Any) -> ApiStatusError:
    """Return the exception of an answer."""
    error = body.get("error") if isinstance(body, dict) else None
    kind = _BY_STATUS.get(status_code, ServerError if status_code >= 500 else ApiStatusError)
    return kind(status_code, error if isinstance(error, dict) else {})
