"""Requests as data, and when to send one again. Law: a repeat carries the same key and body."""

import random
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import httpx

from causeway.errors import status_error

RETRY_DELAY_S_MIN: Final = 0.1
RETRY_DELAY_S_MAX: Final = 8.0
RETRY_AFTER_S_MAX: Final = 30.0

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Request:
    """One call of the API. `body` is JSON, or bytes of `content_type`."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


# A flow yields requests, gets answers (JSON, or text of NDJSON), and returns a result.
Flow = Generator[Request, Any, ResultT]


def post(path: str, body: Any, *, key: str | None = None, keyed: bool = True) -> Request:
    """Return a POST. One that is not an order carries an idempotency key, a new one by default."""
    headers = {"Idempotency-Key": key or str(uuid.uuid4())} if keyed else {}
    return Request("POST", path, body=body, headers=headers)


def arguments(request: Request) -> dict[str, Any]:
    """Return what httpx takes for a request."""
    values: dict[str, Any] = {
        "method": request.method,
        "url": request.path,
        "params": {name: value for name, value in request.query.items() if value is not None},
        "headers": dict(request.headers),
    }
    if isinstance(request.body, bytes):
        values["content"] = request.body
        values["headers"]["Content-Type"] = request.content_type
    elif request.body is not None:
        values["json"] = request.body
    return values


def answer(response: httpx.Response) -> Any:
    """Return the JSON of an answer, or its text if it is NDJSON. Raises ApiStatusError."""
    if response.status_code < 400:
        is_lines = "ndjson" in response.headers.get("content-type", "")
        return response.text if is_lines else response.json()
    try:
        body = response.json()
    except ValueError:
        body = None
    raise status_error(response.status_code, body)


def should_retry(response: httpx.Response) -> bool:
    """Return whether the same request may succeed a little later."""
    status_code = response.status_code
    if status_code == 409:
        return b"REQUEST_IN_PROGRESS" in response.content
    return status_code in (408, 429) or status_code >= 500


def retry_delay_s(attempt: int, response: httpx.Response | None) -> float:
    """Return how long to wait before attempt number `attempt` + 1 (the first is 0)."""
    shown = response.headers.get("retry-after", "") if response is not None else ""
    if shown.isdigit():
        return min(float(shown), RETRY_AFTER_S_MAX)
    longest = min(RETRY_DELAY_S_MIN * float(1 << attempt), RETRY_DELAY_S_MAX)
    return longest * random.uniform(0.5, 1)


def default_headers(api_key: str, version: str = "causeway-python/0.1") -> dict[str, str]:
    """Return the headers of every request."""
    return {"Authorization": f"Bearer {api_key}", "User-Agent": version}


class EventParser:
    """Puts the lines of a server-sent event stream together."""

    def __init__(self) -> None:
        self._data: list[str] = []

    def feed(self, line: str) -> str | None:
        """Take one line; return the data of an event that it ends."""
        if line.startswith("data:"):
            self._data.append(line[5:].removeprefix(" "))
        elif line == "" and self._data:
            data, self._data = "\n".join(self._data), []
            return data
        return None


def parsed(parse: Callable[[Any], ResultT], request: Request) -> Flow[ResultT]:
    """Return the flow of a single request whose answer `parse` reads."""
    return parse((yield request))
