"""What the resources share: cursors, filters, examples."""

from typing import Annotated, Any, Final

from fastapi import Depends, Query

from backend.protocol.errors import IdempotencyKeyReused, MalformedRequest, RequestInProgress
from backend.protocol.types import Address, address_from_text
from backend.records.paging import LIMIT_MAX, Page

REPEAT_ERRORS: Final = (IdempotencyKeyReused, RequestInProgress)


async def page_of(
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 20,
    after: Annotated[str | None, Query(max_length=40)] = None,
    before: Annotated[str | None, Query(max_length=40)] = None,
) -> Page:
    """Return the page that a request asks for. Raises MalformedRequest."""
    if after is not None and before is not None:
        raise MalformedRequest("before", "after and before exclude each other")
    return Page(limit, cursor_of("after", after), cursor_of("before", before))


def cursor_of(field: str, text: str | None) -> int | None:
    """Return the number in a cursor. Raises MalformedRequest."""
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise MalformedRequest(field, "it is no cursor of this list")
    return int(text)


PageIn = Annotated[Page, Depends(page_of)]


def number_of(field: str, text: str) -> int:
    """Return a whole number in a path. Raises MalformedRequest."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise MalformedRequest(field, "it is no whole number")
    return int(text)


def address_or_none(field: str, text: str | None) -> Address | None:
    """Return an address in a query. Raises MalformedRequest."""
    return None if text is None else address_from_text(text, field)


def example(value: Any, status_code: int = 200, description: str = "Done") -> dict[Any, Any]:
    """Return an answer for OpenAPI, with an example."""
    return {
        status_code: {
            "description": description,
            "content": {"application/json": {"example": value}},
        }
    }


def listed(value: Any) -> dict[Any, Any]:
    """Return a list's answer for OpenAPI."""
    page = {"object": "list", "data": [value], "has_more": False, "next_cursor": None}
    return example(page, description="A page")
