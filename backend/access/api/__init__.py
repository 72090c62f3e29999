"""The REST API: `create_api` joins the resources, the errors and the frame around them."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from backend.access.api import (
    accounts,
    api_keys,
    assets,
    batches,
    blocks,
    campaigns,
    customers,
    deposits,
    events,
    exit_kits,
    exits,
    fees,
    grants,
    groups,
    health,
    help_pages,
    holds,
    kyc,
    orders,
    payment_pages,
    payment_requests,
    payments,
    payouts,
    prizes,
    proofs,
    proposals,
    refunds,
    schedules,
    withdrawals,
)
from backend.access.errors import (
    ERROR_SCHEMA,
    envelope,
    error_body,
    error_headers,
    status_of,
)
from backend.access.metrics import Metrics
from backend.access.middleware import Frame
from backend.access.responses import json_response
from backend.access.services import Dependencies, Services
from backend.protocol.errors import MalformedRequest, PaymentError

__all__ = ["Dependencies", "create_api"]

_RESOURCES = (
    assets,
    fees,
    accounts,
    orders,
    payments,
    payment_requests,
    payment_pages,
    refunds,
    groups,
    withdrawals,
    deposits,
    exits,
    exit_kits,
    campaigns,
    grants,
    prizes,
    blocks,
    batches,
    proofs,
    kyc,
    customers,
    holds,
    schedules,
    payouts,
    proposals,
    events,
    api_keys,
    health,
    help_pages,
)
_JSON = "application/json"
_PLACES = ("body", "query", "path", "header")
_DESCRIPTION = """Payments that are final in milliseconds and settled on an EVM chain.

Each call takes an API key. In the folder of a platform that `make up` started:

    curl -H "Authorization: Bearer $(cat var/api-key)" http://127.0.0.1:8000/v1/assets

Amounts are whole minor units in strings. A 2xx to a payment means accepted, not moved: see its
`status`. Every POST that is not a signed order needs an `Idempotency-Key`.
"""


def create_api(dependencies: Dependencies) -> FastAPI:
    """Return the application. It starts nothing and stops nothing of what it is given."""
    settings = dependencies.settings
    if settings.bootstrap_api_key:
        dependencies.registers.api_keys.ensure_bootstrap(
            settings.bootstrap_api_key, dependencies.clock_ms()
        )
    api = FastAPI(
        title="Causeway",
        version="1",
        description=_DESCRIPTION,
        docs_url="/docs",
        redoc_url=None,
    )
    metrics = Metrics()
    api.state.services = Services.of(dependencies)
    api.state.metrics = metrics
    for resource in _RESOURCES:
        api.include_router(resource.router)
    api.add_exception_handler(PaymentError, _on_payment_error)
    api.add_exception_handler(RequestValidationError, _on_validation_error)
    api.add_exception_handler(HTTPException, _on_http_error)
    api.add_middleware(
        Frame,
        metrics=metrics,
        problems=dependencies.problems,
        frozen_ts_s=dependencies.frozen_ts_s,
    )
    _describe(api)
    return api


def _refusal(request: Request, error: PaymentError) -> Response:
    body = error_body(error, request.state.request_id)
    return json_response(body, status_of(error), error_headers(error))


async def _on_payment_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PaymentError)
    return _refusal(request, error)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    """Name the field and what is wrong with it; never what was sent."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"] if part not in _PLACES)
    if not field and request.headers.get("content-type", "").partition(";")[0] != _JSON:
        return _refusal(
            request, MalformedRequest("body", f"send {_JSON}, and name it Content-Type")
        )
    return _refusal(request, MalformedRequest(field or "body", first["msg"]))


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, PaymentError):  # a body refused while FastAPI was reading it
        return _refusal(request, error.__cause__)
    if error.status_code == 400:
        return _refusal(request, MalformedRequest("body", "it can't be read"))
    code = {404: "PATH_UNKNOWN", 405: "METHOD_NOT_ALLOWED"}.get(error.status_code, "HTTP_ERROR")
    body = envelope(error.status_code, code, str(error.detail), request.state.request_id)
    return json_response(body, error.status_code, error.headers)


def _describe(api: FastAPI) -> None:
    """Add to OpenAPI what FastAPI can't know: the error's schema and the kind of key."""
    generate = api.openapi

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            schema = generate()
            components = schema.setdefault("components", {})
            components.setdefault("schemas", {})["Error"] = ERROR_SCHEMA
            components["securitySchemes"] = {"apiKey": {"type": "http", "scheme": "bearer"}}
            schema["security"] = [{"apiKey": []}]
            for path in schema["paths"].values():
                for operation in path.values():
                    if _is_default_422(operation):
                        del operation["responses"]["422"]
        return api.openapi_schema or {}

    api.openapi = openapi  # type: ignore[method-assign]


def _is_default_422(operation: dict[str, Any]) -> bool:
    """Return whether FastAPI wrote its own 422, which we never answer."""
    content = operation.get("responses", {}).get("422", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    return str(schema.get("$ref", "")).endswith("HTTPValidationError")
