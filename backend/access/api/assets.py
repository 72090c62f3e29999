"""Assets: what the ledger holds, under which name."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from backend.access.api import examples
from backend.access.api.common import example, listed
from backend.access.assets import NamedAsset
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.responses import json_response
from backend.access.services import Services, ServicesIn
from backend.access.views import Json, asset_view, list_of
from backend.protocol.errors import AssetUnknown
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/assets", tags=["assets"])
Caller = Annotated[ApiKey, Depends(needs("assets:read"))]


def _shown(services: Services, named: NamedAsset) -> Json:
    asset, settings = named.asset, services.settings
    policy = settings.fee_policy(asset.asset_id, asset.takes_fee)
    return asset_view(named, policy, settings.level_needed(asset.asset_id))


@router.get("", responses={**listed(examples.ASSET), **documented()})
async def list_assets(services: ServicesIn, _caller: Caller) -> Response:
    """List all assets. There are few, so the list has one page. An asset of a `level_needed` above
    0 is regulated: only people of that level in the KYC registry are paid in it, or pay.
    """
    await services.assets.refresh()
    shown = [_shown(services, named) for named in services.assets.all()]
    return json_response(list_of(shown, False, lambda item: str(item["asset_id"])))


@router.get("/{asset}", responses={**example(examples.ASSET), **documented(AssetUnknown)})
async def get_asset(asset: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get an asset by its code, its number or its token's address."""
    return json_response(_shown(services, await services.assets.find(asset)))
