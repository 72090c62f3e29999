"""Around every request: its id, its size, its time, and no word about what broke inside."""

import secrets
from collections.abc import Callable
from time import perf_counter
from traceback import format_tb
from typing import Any, Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.access.errors import RETRY_AFTER_S, envelope, error_body, error_headers, status_of
from backend.access.metrics import Metrics
from backend.access.responses import json_response
from backend.access.settings import BODY_BYTES_MAX, BULK_BYTES_MAX
from backend.protocol.errors import BodyTooLarge, DiskFull, Frozen, PaymentError

log = structlog.get_logger(__name__)

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
BULK_PATHS: Final = ("/v1/payments/bulk", "/v1/payouts", "/v1/prizes")
_DISK_FULL_WORDS: Final = ("disk is full", "no space left")


class Frame:
    """The outermost part of the application."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        problems: Callable[[], list[str]],
        frozen_ts_s: Callable[[], int | None],
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._problems = problems
        self._frozen_ts_s = frozen_ts_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = f"req_{secrets.token_hex(8)}"
        scope.setdefault("state", {})["request_id"] = request_id
        started = perf_counter()
        status_code = 0

        async def send_framed(message: Message) -> None:
            nonlocal status_code
            if message["type"] == "http.response.start":
                status_code = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            self._require_not_frozen(scope["method"])
            await self._app(scope, _limited(scope, receive), send_framed)
        except ClientDisconnect:
            status_code = 499
        except Exception as error:
            if status_code:
                raise  # too late to answer otherwise
            await self._answer_failure(error, request_id, scope, receive, send_framed)
        finally:
            route = scope.get("route")
            path = getattr(route, "path", "unmatched")
            self._metrics.count(scope["method"], path, status_code, perf_counter() - started)

    def _require_not_frozen(self, method: str) -> None:
        """Let a frozen rollup be read, and nothing else. Raises Frozen."""
        frozen_ts_s = self._frozen_ts_s()
        if frozen_ts_s is not None and method not in READING:
            raise Frozen(frozen_ts_s)

    async def _answer_failure(
        self, error: Exception, request_id: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        known = _known(error)
        if known is not None:
            body: Any = error_body(known, request_id)
            response = json_response(body, status_of(known), error_headers(known))
        else:
            # Never exc_info: a renderer may show local variables, and with them keys and people.
            frames = "".join(format_tb(error.__traceback__))
            log.error("request_failed", request_id=request_id, error=repr(error), frames=frames)
            # While the platform knows that it is not well, it is no surprise.
            is_known = bool(self._problems())
            status_code, code = (503, "UNAVAILABLE") if is_known else (500, "INTERNAL")
            body = envelope(
                status_code,
                code,
                "Something broke; the outcome is not known. Send the same again: it is safe. If it"
                " persists, report the request id.",
                request_id,
                is_retryable=True,
            )
            headers = {"Retry-After": str(RETRY_AFTER_S)} if is_known else None
            response = json_response(body, status_code, headers)
        await response(scope, receive, send)


def _known(error: Exception) -> PaymentError | None:
    if isinstance(error, PaymentError):
        return error
    text = str(error).lower()
    return DiskFull() if any(words in text for words in _DISK_FULL_WORDS) else None


def body_bytes_max(path: str) -> int:
    """Return how large the body of a request may be."""
    return BULK_BYTES_MAX if path in BULK_PATHS else BODY_BYTES_MAX


def _limited(scope: Scope, receive: Receive) -> Receive:
    """Return a `receive` that refuses a body as soon as it is known to be too large."""
    size_max = body_bytes_max(scope["path"])
    size = 0
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    is_announced = announced.isdigit() and int(announced) > size_max

    async def receive_limited() -> Message:
        nonlocal size
        if is_announced:
            raise BodyTooLarge(size_max, int(announced))
        message = await receive()
        size += len(message.get("body", b""))
        if size > size_max:
            raise BodyTooLarge(size_max, size)
        return message

    return receive_limited
