"""Customers whose keys we keep, and the payments that we sign for them.

Law: a customer's key file is durable before anybody learns of his address.
"""

import uuid
from typing import Final

from starlette.concurrency import run_in_threadpool

from backend.access.building import order_of
from backend.access.collecting.memos import check_memos
from backend.access.custody.schemas import CustomerPaymentIn, CustomerWithdrawalIn
from backend.access.custody.sending import Made, Sent
from backend.access.schemas import OrderIn
from backend.access.services import Services
from backend.protocol.errors import CustomerNotFound, MalformedRequest, PermissionDenied
from backend.protocol.types import address_from_text, address_text
from backend.records.registers.api_keys import ApiKey
from backend.records.registers.customers import Customer

# A customer made again with the same external id is the same customer, key and all.
_NAMESPACE: Final = uuid.UUID("0d3c4b1e-52f0-5a3f-9b39-0b6d8e1f7a51")
SIGNING_SCOPE: Final = "customers:write"


def scope_id(scope: str) -> str:
    """Return a short name for what a request makes, the same for each repeat under its key."""
    return uuid.uuid5(_NAMESPACE, scope).hex


async def add_customer(services: Services, external_id: str) -> Customer:
    """Make a customer and his key. A repeat of the external id returns the same one."""
    if not external_id.isprintable():
        raise MalformedRequest("external_id", "it has characters that can't be printed")
    customer_id = f"cus_{uuid.uuid5(_NAMESPACE, f'customer {external_id}').hex}"
    needs = services.needs
    address = await needs.custody.create(customer_id)
    customers = needs.registers.custody.customers
    return await run_in_threadpool(
        customers.add, customer_id, external_id, address, needs.clock_ms()
    )


async def customer_of(services: Services, customer_id: str) -> Customer:
    """Return a customer. Raises CustomerNotFound."""
    customers = services.needs.registers.custody.customers
    found = await run_in_threadpool(customers.get, customer_id)
    if found is None:
        raise CustomerNotFound(customer_id)
    return found


async def payer_of(services: Services, text: str, caller: ApiKey) -> tuple[bytes, Customer | None]:
    """Return whom a customer's id or an address names, and the customer if we keep his key.

    Raises CustomerNotFound, MalformedRequest, or PermissionDenied for a caller who may not have
    customers' keys used.
    """
    customers = services.needs.registers.custody.customers
    if text.startswith("0x"):
        address: bytes = address_from_text(text, "payer")
        customer = await run_in_threadpool(customers.of_address, address)
    else:
        customer = await customer_of(services, text)
        address = customer.address
    if customer is not None and not caller.allows(SIGNING_SCOPE):
        raise PermissionDenied(SIGNING_SCOPE)
    return address, customer


async def send_order(
    services: Services,
    customer: Customer,
    wish: CustomerPaymentIn | CustomerWithdrawalIn,
    scope: str,
    caller: ApiKey,
    wait_ms: int,
) -> Sent:
    """Build, sign and send an order of a customer's. A repeat of the request sends the same one.

    Raises PaymentError.
    """
    kind = "payment" if isinstance(wish, CustomerPaymentIn) else "withdrawal"

    async def make() -> Made:
        fields = {
            "kind": kind,
            "payer": address_text(customer.address),
            "asset": wish.asset,
            "amount": str(wish.amount),
        }
        if isinstance(wish, CustomerPaymentIn):
            fields["payee"] = address_text(wish.payee)
            if wish.memo is not None:
                fields["memo"] = wish.memo
        order = await order_of(services, OrderIn.model_validate(fields))
        signed = await services.needs.custody.sign(customer.id, order, kind, caller.id)
        await check_memos(services, signed)
        return Made(signed, wish.amount)

    task = f"{customer.id}/{kind}/{scope_id(scope)}"
    return await services.sender.send(task, customer.id, make, wait_ms=wait_ms)
