"""Accounts: one owner's money of one asset, and what moved on it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.api import examples
from backend.access.api.common import PageIn, address_or_none, example, listed
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.ports import AccountView
from backend.access.responses import json_response
from backend.access.services import Services, ServicesIn
from backend.access.views import Json, account_view, entry_view, list_of
from backend.protocol.errors import AccountNotFound, AssetUnknown
from backend.protocol.types import Address, address_from_text, address_text
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/accounts", tags=["accounts"])
Caller = Annotated[ApiKey, Depends(needs("accounts:read"))]


@router.get("", responses={**listed(examples.ACCOUNT), **documented(AssetUnknown)})
async def list_accounts(
    services: ServicesIn,
    _caller: Caller,
    page: PageIn,
    owner: Annotated[str | None, Query()] = None,
    asset: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """List accounts by number, of one owner or one asset."""
    await services.assets.refresh()
    asset_id = None if asset is None else (await services.assets.find(asset)).asset_id
    wanted = address_or_none("owner", owner)
    part = await run_in_threadpool(services.reader.accounts, wanted, asset_id, page)
    shown = [_row_view(services, row) for row in part.rows]
    return json_response(list_of(shown, part.has_more, lambda item: str(item["account_id"])))


def _row_view(services: Services, row: Any) -> Json:
    """Show an account as it is now: the list is a moment behind, the node is not."""
    live = services.node.account(row.owner, row.asset_id)
    if live is None:
        raise AccountNotFound(f"of {address_text(row.owner)} in asset {row.asset_id}")
    return account_view(row.owner, services.assets.code_of(row.asset_id), live)


@router.get(
    "/{owner}/{asset}",
    responses={**example(examples.ACCOUNT), **documented(AccountNotFound, AssetUnknown)},
)
async def get_account(owner: str, asset: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get an account. `available` and `nonce_next` count pending orders, the others don't."""
    address, code, account = await _find(services, owner, asset)
    return json_response(account_view(address, code, account))


@router.get(
    "/{owner}/{asset}/statement",
    responses={**listed(examples.ENTRY), **documented(AccountNotFound, AssetUnknown)},
)
async def list_statement(
    owner: str, asset: str, services: ServicesIn, _caller: Caller, page: PageIn
) -> Response:
    """List the movements on an account, the newest first."""
    _, code, account = await _find(services, owner, asset)
    part = await run_in_threadpool(services.reader.statement, account.account_id, page)
    shown = [entry_view(row, code) for row in part.rows]
    return json_response(list_of(shown, part.has_more, lambda item: str(item["id"])))


async def _find(services: Services, owner: str, asset: str) -> tuple[Address, str, AccountView]:
    address = address_from_text(owner, "owner")
    named = await services.assets.find(asset)
    account = services.node.account(address, named.asset_id)
    if account is None:
        raise AccountNotFound(f"of {address_text(address)} in {named.code}")
    return address, named.code, account
