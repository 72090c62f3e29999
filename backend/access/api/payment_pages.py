"""Links to pay: what whoever got one may see of a payment request, without an API key."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from backend.access.api import collecting_examples as examples
from backend.access.collecting.page import HEADERS, request_page
from backend.access.collecting.payment_requests import find_request, request_view
from backend.access.errors import documented
from backend.access.responses import json_response
from backend.access.services import ServicesIn
from backend.protocol import errors

router = APIRouter(prefix="/pay", tags=["payment requests"])


@router.get(
    "/{request_id}",
    responses={
        200: {
            "description": "JSON for programs, a page for people",
            "content": {
                "application/json": {"example": examples.PAYMENT_REQUEST},
                "text/html": {"example": "<!doctype html>"},
            },
        },
        **documented(errors.PaymentRequestNotFound),
    },
)
async def show_payment_request(request_id: str, request: Request, services: ServicesIn) -> Response:
    """Show a payment request to whoever knows its link; no API key is needed. A browser gets a
    page, a program the same as from `/v1/payment-requests/{id}`.
    """
    await services.assets.refresh()
    found = await find_request(services, request_id)
    shown = await run_in_threadpool(request_view, services, found)
    if "text/html" not in request.headers.get("accept", ""):
        return json_response(shown, headers=HEADERS)
    asset = services.node.assets()[found.asset_id]
    named = services.assets.of_token(asset.token)
    text = request_page(shown, asset, None if named is None else named.decimals)
    return HTMLResponse(text, headers=HEADERS)
