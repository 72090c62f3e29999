"""What became of an order that somebody may have signed. Law: unknown is never over.

An order is over only if no block can execute it any more: its nonce is used by another, or its time
is. The ledger is asked before the node's memory, and that before the records: what moves from one
to the next meanwhile is met further on. The node forgets, so before an order is called over, the
records have to hold all that is final.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from starlette.concurrency import run_in_threadpool

from backend.access.services import Services
from backend.access.views import rejection_code
from backend.protocol.hashing import Digest
from backend.protocol.orders import PaymentOrder

# A block's time is at most 5 s behind the log's; the rest is for what is on its way to the log.
_GRACE_S: Final = 10

Kind = Literal["open", "accepted", "executed", "rejected", "overtaken", "expired"]


@dataclass(frozen=True, slots=True)
class Fate:
    """How a record stands; `code` says why it was rejected.

    `leg` and `nonce_next` say which order's nonce was overtaken, and by what.
    """

    kind: Kind
    code: str | None = None
    leg: int = 0
    nonce_next: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it can never be executed."""
        return self.kind in ("rejected", "overtaken", "expired")


async def fate_of(services: Services, record_id: Digest, orders: Sequence[PaymentOrder]) -> Fate:
    """Return what became of a record of payments, whose id it is, or of each if it is a group.

    Raises BackPressure while that can't be told: the records lag behind.
    """
    overtaken = _overtaken(services, orders)
    valid_until = min(order.valid_until for order in orders)
    is_late = services.needs.clock_ms() // 1000 > valid_until + _GRACE_S
    if services.node.is_pending(record_id):
        return Fate("accepted")
    outcome = await services.node.wait_final(record_id, 0)
    if outcome is not None:
        return Fate("executed") if outcome.is_final else Fate("rejected", outcome.code)
    if overtaken is not None or is_late:
        await services.sender.records_time()
    first_id = orders[0].digest(services.settings.domain)
    if await run_in_threadpool(services.reader.payment, first_id) is not None:
        return Fate("executed")
    rejection = await run_in_threadpool(services.reader.rejection, record_id)
    if rejection is not None:
        return Fate("rejected", rejection_code(rejection.code))
    if overtaken is not None:
        return overtaken
    return Fate("expired") if is_late else Fate("open")


async def executed_status(services: Services, order_id: bytes) -> str:
    """Return how far an executed payment has come: final, posted, settled."""
    placed = await run_in_threadpool(services.reader.payment, order_id)
    if placed is None or placed.batch is None:
        return "final"
    return str(placed.batch.status)


def _overtaken(services: Services, orders: Sequence[PaymentOrder]) -> Fate | None:
    listings = services.node.assets()
    asset_ids = {asset.token: asset.asset_id for asset in listings.values()}
    for leg, order in enumerate(orders):
        asset_id = asset_ids.get(order.asset)
        account = None if asset_id is None else services.node.account(order.payer, asset_id)
        if account is not None and account.nonce > order.nonce:
            return Fate("overtaken", None, leg, account.nonce_next)
    return None
