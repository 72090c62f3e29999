"""Pages for people who look around: what each error means. No API key, and nothing is loaded."""

from functools import cache
from html import escape
from typing import Final

from fastapi import APIRouter
from starlette.responses import HTMLResponse, RedirectResponse, Response

from backend.access.collecting.page import HEADERS
from backend.access.errors import ERRORS_PATH, STATUS, anchor_of

router = APIRouter(include_in_schema=False)

# What is answered without a PaymentError.
_AGAIN: Final = "Something broke; the outcome is not known. Send the same again: it is safe."
_OF_HTTP: Final = (
    (404, "PATH_UNKNOWN", "There is nothing at this path. /docs lists all calls."),
    (405, "METHOD_NOT_ALLOWED", "This path takes other methods. /docs lists all calls."),
    (500, "INTERNAL", _AGAIN),
    (503, "UNAVAILABLE", _AGAIN),
)
_STYLE: Final = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0}"
    "tr:target{background:#ffef9e}"
)


@router.get("/")
async def show_start() -> Response:
    """Lead whoever opens the platform's URL to the API's reference."""
    return RedirectResponse("/docs")


@router.get(ERRORS_PATH)
async def show_errors() -> Response:
    """Show all errors: where each answer's `doc_url` leads."""
    return HTMLResponse(_page(), headers=HEADERS)


@cache
def _page() -> str:
    known = [(status, error.code, error.message) for error, status in STATUS.items()]
    rows = "".join(
        f'<tr id="{anchor_of(code)}"><td>{status}</td><td><code>{code}</code></td>'
        f"<td>{escape(message)}</td></tr>"
        for status, code, message in sorted([*known, *_OF_HTTP])
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Errors</title>'
        f"<style>{_STYLE}</style></head><body><h1>Errors</h1><p>Codes never change their meaning. "
        "What stands in braces is in the answer's <code>values</code>.</p>"
        f"<table><tr><th>status</th><th>code</th><th>message</th></tr>{rows}</table></body></html>"
    )
