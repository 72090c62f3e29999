"""Answers in JSON, written once and fast."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response


def json_text(value: Any) -> str:
    """Return a value as JSON."""
    return to_json(value).decode()


def json_response(
    value: Any, status_code: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer of JSON."""
    return Response(to_json(value), status_code, headers, media_type="application/json")
