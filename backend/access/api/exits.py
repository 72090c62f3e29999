"""Exits: all money of an account out of the ledger, asked of the chain and of nobody else."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.api import leaving_examples
from backend.access.api.common import (
    REPEAT_ERRORS,
    PageIn,
    address_or_none,
    example,
    listed,
    number_of,
)
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.leaving.exits import exit_with_deadline, prepare_exit
from backend.access.leaving.schemas import ExitIn
from backend.access.leaving.views import exit_view
from backend.access.responses import json_response
from backend.access.services import Services, ServicesIn
from backend.access.views import Json, list_of
from backend.protocol import errors
from backend.protocol.types import Address
from backend.records.leaving_reader import ExitView
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/exits", tags=["exits"])
Caller = Annotated[ApiKey, Depends(needs("exits:read"))]
Preparer = Annotated[ApiKey, Depends(needs("exits:write"))]


@router.post(
    "",
    responses={
        **example(leaving_examples.PREPARED_EXIT, description="What to send; nothing was sent"),
        **documented(
            errors.AccountNotFound,
            errors.AssetUnknown,
            errors.ExitOpen,
            errors.ProofNotAvailable,
            errors.ChainUnavailable,
            *REPEAT_ERRORS,
        ),
    },
)
async def request_exit(
    request: Request,
    services: ServicesIn,
    caller: Preparer,
    key: KeyIn,
    wish: Annotated[ExitIn, Body(openapi_examples={"one": {"value": leaving_examples.EXIT_WISH}})],
) -> Response:
    """Prepare the L1 transaction by which an owner asks for all money of his account. He sends it
    himself: no key of the platform can, and none can refuse it. It takes a bounty along for whoever
    shows that the exit was served; what is above the least that L1 asks for is not given back.
    """

    async def work(_scope: str) -> tuple[int, Json]:
        named = await services.assets.find(wish.asset)
        return 200, await prepare_exit(services, Address(wish.owner), named)

    return await once(request, services, caller, key, await request.json(), work)


@router.get("", responses={**listed(leaving_examples.EXIT), **documented()})
async def list_exits(
    services: ServicesIn,
    _caller: Caller,
    page: PageIn,
    owner: Annotated[str | None, Query()] = None,
    account: Annotated[str | None, Query(max_length=18, description="An account's id")] = None,
) -> Response:
    """List exits that were asked for, the newest first: `requested`, `swept` once the ledger has
    taken the money out by withdrawals, `served` once that is shown on the chain.
    """
    await services.assets.refresh()
    account_id = None if account is None else number_of("account", account)
    wanted = address_or_none("owner", owner)
    found, has_more = await run_in_threadpool(services.reader.exits, wanted, account_id, page)
    shown = [exit_view(view, _code(services, view)) for view in found]
    return json_response(list_of(shown, has_more, lambda item: str(item["id"])))


@router.get(
    "/{exit_id}",
    responses={
        **example(leaving_examples.EXIT_WITH_DEADLINE),
        **documented(errors.ExitNotFound, errors.ChainUnavailable),
    },
)
async def get_exit(exit_id: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get an exit by its place among all. While it waits, `may_freeze_at` says from when on anybody
    may freeze the rollup for it.
    """
    await services.assets.refresh()
    index = number_of("exit_id", exit_id)
    view = await run_in_threadpool(services.reader.exit, index)
    if view is None:
        raise errors.ExitNotFound(index)
    return json_response(await exit_with_deadline(services, view, _code(services, view)))


def _code(services: Services, view: ExitView) -> str | None:
    return None if view.asset_id is None else services.assets.code_of(view.asset_id)
