"""The operator's least fees, as a condition of admission."""

from collections.abc import Callable
from typing import Protocol

from backend.access.settings import ApiSettings
from backend.protocol.errors import FeeTooLow
from backend.protocol.orders import Order
from backend.protocol.types import Asset


class Judged(Protocol):
    """An order in the ledger's terms (fitted by the engine's)."""

    @property
    def asset(self) -> Asset: ...

    @property
    def amount_minor(self) -> int: ...

    @property
    def fee_minor(self) -> int: ...


def fee_rule(settings: ApiSettings) -> Callable[[Order, Judged], None]:
    """Return the node's rule for admission: it raises FeeTooLow."""

    def check(_order: Order, judged: Judged) -> None:
        policy = settings.fee_policy(judged.asset.asset_id, judged.asset.takes_fee)
        needed_minor = policy.needed_minor_up(judged.amount_minor)
        if judged.fee_minor < needed_minor:
            raise FeeTooLow(needed_minor, judged.fee_minor)

    return check
