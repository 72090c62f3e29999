"""Keeps the memos of refunds for the refunds. Law: who bears one is the order prepared for it."""

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool

from backend.access.services import Services
from backend.protocol.errors import RefundMismatch
from backend.protocol.hashing import ZERO_DIGEST, Digest
from backend.protocol.order_records import OrderRecord
from backend.protocol.orders import PaymentOrder
from backend.protocol.types import digest_text
from backend.records.registers.refunds import Refund


async def memo_errors(
    services: Services, records: Sequence[OrderRecord]
) -> list[RefundMismatch | None]:
    """Return for each record whether it bears a refund's memo without being that refund.

    Costs a look into the register for those that bear a memo, and nothing for the others.
    """
    memos = {
        order.memo
        for record in records
        for order in record.orders
        if isinstance(order, PaymentOrder) and order.memo != ZERO_DIGEST
    }
    if not memos:
        return [None] * len(records)
    refunds = await refunds_of(services, memos)
    return [_memo_error(services, record, refunds) for record in records]


async def refunds_of(services: Services, memos: set[Digest]) -> dict[bytes, Refund]:
    """Return the refunds that were prepared with these memos."""
    register = services.needs.registers.collecting.refunds
    return await run_in_threadpool(register.of_memos, memos)


def _memo_error(
    services: Services, record: OrderRecord, refunds: dict[bytes, Refund]
) -> RefundMismatch | None:
    for order in record.orders:
        refund = refunds.get(order.memo) if isinstance(order, PaymentOrder) else None
        if refund is None:
            continue
        is_prepared = refund.order_id == order.digest(services.settings.domain)
        if not is_prepared or refund.state == "released":
            return RefundMismatch(digest_text(refund.payment_id))
    return None


async def check_memos(services: Services, record: OrderRecord) -> None:
    """Check one record. Raises RefundMismatch."""
    for error in await memo_errors(services, [record]):
        if error is not None:
            raise error
