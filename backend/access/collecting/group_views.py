"""Groups as the API shows them: all legs with what each payer signs, and how the whole stands."""

from backend.access.assets import AssetCatalog
from backend.access.collecting.fates import Fate, executed_status
from backend.access.collecting.groups import group_fate, order_of_leg
from backend.access.services import Services
from backend.access.texts import time_text
from backend.access.views import Json
from backend.protocol.eip712 import Domain
from backend.protocol.errors import GroupOvertaken
from backend.protocol.types import address_text, digest_text
from backend.records.registers.groups import Group, Leg


async def group_view(services: Services, group: Group) -> Json:
    """Show a group: signing, accepted, final, posted, settled, rejected (with a code), expired."""
    await services.assets.refresh()
    fate = await group_fate(services, group)
    domain = services.settings.domain
    return {
        "object": "group",
        "id": digest_text(group.id),
        "status": await _status(services, group, fate),
        "code": GroupOvertaken.code if fate.kind == "overtaken" else fate.code,
        "valid_until": time_text(group.valid_until * 1000),
        "created_at": time_text(group.created_ts_ms),
        "legs": [
            _leg_view(services.assets, domain, index, leg) for index, leg in enumerate(group.legs)
        ],
    }


async def _status(services: Services, group: Group, fate: Fate) -> str:
    match fate.kind:
        case "open":
            return "signing"
        case "executed":
            return await executed_status(services, group.legs[0].order_id)
        case "overtaken":
            return "rejected"
    return fate.kind


def _leg_view(assets: AssetCatalog, domain: Domain, index: int, leg: Leg) -> Json:
    order = order_of_leg(leg)
    named = assets.of_token(order.asset)
    unit = 1 if named is None else named.asset.unit
    return {
        "leg": index,
        "id": digest_text(leg.order_id),
        "payer": address_text(order.payer),
        "payee": address_text(order.payee),
        "asset": address_text(order.asset) if named is None else named.code,
        "amount": str(order.amount // unit),
        "fee": str(order.fee // unit),
        "nonce": str(order.nonce),
        "memo": digest_text(order.memo),
        "is_signed": leg.signature is not None,
        "typed_data": order.typed_data(domain),
    }
