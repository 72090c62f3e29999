"""Signs refunds and legs of groups for customers whose keys we keep."""

from starlette.concurrency import run_in_threadpool

from backend.access.collecting.groups import find_group, order_at, sign_leg
from backend.access.collecting.refunds import prepare_refund, refund_fate
from backend.access.collecting.schemas import RefundIn
from backend.access.custody.customers import SIGNING_SCOPE, customer_of, payer_of
from backend.access.errors import is_transient
from backend.access.services import Services
from backend.protocol.errors import NotAuthorised, PaymentError, PermissionDenied
from backend.protocol.hashing import Digest
from backend.protocol.orders import PaymentOrder
from backend.protocol.types import address_text
from backend.records.registers.api_keys import ApiKey
from backend.records.registers.customers import Customer
from backend.records.registers.groups import Group
from backend.records.registers.refunds import Refund


async def sign_leg_for(
    services: Services, group_id: Digest, leg: int, customer_id: str, caller: ApiKey
) -> Group:
    """Sign a leg with its payer's key, and go on as `sign_leg` does. A repeat changes nothing.

    Raises PermissionDenied for a caller who may not have customers' keys used, CustomerNotFound,
    NotAuthorised if the customer is not the payer, and what `sign_leg` raises.
    """
    if not caller.allows(SIGNING_SCOPE):
        raise PermissionDenied(SIGNING_SCOPE)
    customer = await customer_of(services, customer_id)
    group = await find_group(services, group_id)
    order = order_at(group, leg)
    if order.payer != customer.address:
        raise NotAuthorised(address_text(order.payer))
    signed = await services.needs.custody.sign(customer.id, order, "group", caller.id)
    return await sign_leg(services, group_id, leg, signed.signature)


async def refund_for(
    services: Services, payment_id: Digest, wish: RefundIn, scope: str, caller: ApiKey
) -> Refund:
    """Prepare a refund, and send it if we keep its payer's key and the caller may have it used.

    Nobody else takes the customer's next nonce in between. Raises what preparing and sending do.
    """
    payer = await _payee_of(services, payment_id)
    customer = None
    if payer is not None and caller.allows(SIGNING_SCOPE):
        _, customer = await payer_of(services, address_text(payer), caller)
    if customer is None:
        return await prepare_refund(services, payment_id, wish, scope)
    async with services.sender.locks.take(customer.id):
        refund = await prepare_refund(services, payment_id, wish, scope)
        await _send_refund(services, refund, customer, caller)
    return refund


async def _payee_of(services: Services, payment_id: Digest) -> bytes | None:
    placed = await run_in_threadpool(services.reader.payment, payment_id)
    if placed is not None:
        return bytes(placed.order.payee)
    kept = services.accepted.get(payment_id)
    order = None if kept is None else kept.authorised.order
    return order.payee if isinstance(order, PaymentOrder) else None


async def _send_refund(
    services: Services, refund: Refund, customer: Customer, caller: ApiKey
) -> None:
    """Sign and send a refund. A repeat sends the same order.

    Raises what the node refuses with; then nothing is reserved any more, and the order is refused
    from then on.
    """
    if refund.state != "prepared" or (await refund_fate(services, refund)).kind != "open":
        return
    order = PaymentOrder.decode(refund.order_fields)
    signed = await services.needs.custody.sign(customer.id, order, "refund", caller.id)
    try:
        await services.node.submit(signed)
    except PaymentError as error:
        if not is_transient(error):
            register = services.needs.registers.collecting.refunds
            await run_in_threadpool(register.mark, refund.order_id, "released")
        raise
    services.accepted.add(refund.order_id, signed, services.needs.clock_ms())
