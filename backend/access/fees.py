"""The operator's least fees, as a condition of admission."""

from collections.abc import Callable

from backend.access.settings import ApiSettings
from backend.protocol.types import Asset


def least_fee(settings: ApiSettings) -> Callable[[Asset, int], int]:
    """Return what says the least fee of an amount, both in minor units."""

    def of(asset: Asset, amount_minor: int) -> int:
        policy = settings.fee_policy(asset.asset_id, asset.takes_fee)
        return policy.needed_minor_up(amount_minor)

    return of
