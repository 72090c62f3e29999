"""API keys: who may ask."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.api import examples
from backend.access.api.common import example, listed
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.responses import json_response
from backend.access.schemas import ApiKeyIn
from backend.access.services import ServicesIn
from backend.access.texts import time_text
from backend.access.views import Json, list_of
from backend.protocol import errors
from backend.records.paging import LIMIT_MAX
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/api-keys", tags=["api-keys"])
Caller = Annotated[ApiKey, Depends(needs("api-keys:read"))]
Keeper = Annotated[ApiKey, Depends(needs("api-keys:write"))]


def api_key_view(key: ApiKey, secret: str | None = None) -> Json:
    """Show a key; its secret only when it was made this instant."""
    return {
        "object": "api_key",
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "created_at": time_text(key.created_ts_ms),
        "last_used_at": time_text(key.last_used_ts_ms),
        "revoked_at": time_text(key.revoked_ts_ms),
        "secret": secret,
    }


@router.post(
    "",
    status_code=201,
    responses={
        **example(examples.API_KEY | {"secret": "cwk_1f0c9f6a2b7d4e83_…"}, 201, "Shown once"),
        **documented(errors.IdempotencyKeyReused, errors.RequestInProgress),
    },
)
async def create_api_key(
    request: Request,
    services: ServicesIn,
    caller: Keeper,
    key: KeyIn,
    wish: Annotated[
        ApiKeyIn, Body(openapi_examples={"one": {"value": {"name": "billing", "scopes": ["*"]}}})
    ],
) -> Response:
    """Make a key. `secret` is in this answer alone: we keep a hash, so a replay has it null."""
    _need_scopes(caller, wish.scopes)

    async def work(_scope: str) -> tuple[int, Json]:
        api_keys, ts_ms = services.needs.registers.api_keys, services.needs.clock_ms()
        made, secret = await run_in_threadpool(
            api_keys.create, wish.name, tuple(wish.scopes), ts_ms
        )
        return 201, api_key_view(made, secret)

    return await once(
        request, services, caller, key, await request.json(), work, shown_once=("secret",)
    )


@router.get("", responses={**listed(examples.API_KEY), **documented()})
async def list_api_keys(
    services: ServicesIn,
    _caller: Caller,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 20,
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """List keys by id, revoked ones too."""
    found = await run_in_threadpool(services.needs.registers.api_keys.list, after, limit + 1)
    shown = map(api_key_view, found[:limit])
    return json_response(list_of(shown, len(found) > limit, lambda item: str(item["id"])))


@router.delete(
    "/{key_id}",
    responses={**example(examples.API_KEY), **documented(errors.ApiKeyNotFound)},
)
async def revoke_api_key(key_id: str, services: ServicesIn, caller: Keeper) -> Response:
    """Revoke a key for ever. A repeat keeps the first moment. Who may not have made a key, since
    it may do more than his own, may not revoke it.
    """
    api_keys, ts_ms = services.needs.registers.api_keys, services.needs.clock_ms()
    key = await run_in_threadpool(api_keys.get, key_id)
    if key is None:
        raise errors.ApiKeyNotFound(key_id)
    _need_scopes(caller, key.scopes)
    revoked = await run_in_threadpool(api_keys.revoke, key_id, ts_ms)
    services.gatekeeper.forget()
    return json_response(api_key_view(revoked or key))


def _need_scopes(caller: ApiKey, scopes: Iterable[str]) -> None:
    if not all(caller.allows(scope) for scope in scopes):
        raise errors.PermissionDenied(" ".join(scopes))
