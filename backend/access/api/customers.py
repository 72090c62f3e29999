"""Customers whose keys we keep: the platform signs for them, and notes each time it does."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.api import custody_examples, examples
from backend.access.api.common import REPEAT_ERRORS, PageIn, example, listed
from backend.access.api.payments import SUBMIT_ERRORS, Prefer
from backend.access.auth import needs
from backend.access.custody.customers import add_customer, customer_of, send_order
from backend.access.custody.schemas import CustomerIn, CustomerPaymentIn, CustomerWithdrawalIn
from backend.access.custody.views import customer_view, key_use_view
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.responses import json_response
from backend.access.services import Services, ServicesIn
from backend.access.settings import WAIT_FINAL_MS_MAX
from backend.access.submitting import find, waits_for_final
from backend.access.views import Json, page_view
from backend.protocol import errors
from backend.protocol.hashing import Digest
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/customers", tags=["customers"])
Caller = Annotated[ApiKey, Depends(needs("customers:read"))]
Keeper = Annotated[ApiKey, Depends(needs("customers:write"))]

SIGNING_ERRORS = (
    *SUBMIT_ERRORS,
    *REPEAT_ERRORS,
    errors.CustomerNotFound,
    errors.ChainUnavailable,
    errors.RefundMismatch,
)
_PAYMENT = {"payee": examples.PAYEE, "asset": "USDX", "amount": "1000000", "memo": "rent"}
_WITHDRAWAL = {"asset": "USDX", "amount": "1000000"}


@router.post(
    "",
    status_code=201,
    responses={
        **example(custody_examples.CUSTOMER, 201, "There is such a customer, with a key"),
        **documented(*REPEAT_ERRORS),
    },
)
async def create_customer(
    request: Request,
    services: ServicesIn,
    caller: Keeper,
    key: KeyIn,
    customer: Annotated[
        CustomerIn, Body(openapi_examples={"one": {"value": {"external_id": "customer-17"}}})
    ],
) -> Response:
    """Make a customer whose key the platform keeps. A repeat of the external id is the same one."""

    async def work(_scope: str) -> tuple[int, Json]:
        return 201, customer_view(await add_customer(services, customer.external_id))

    return await once(request, services, caller, key, await request.json(), work)


@router.get("", responses={**listed(custody_examples.CUSTOMER), **documented()})
async def list_customers(services: ServicesIn, _caller: Caller, page: PageIn) -> Response:
    """List customers, the newest first."""
    part = await run_in_threadpool(services.needs.registers.custody.customers.list, page)
    return json_response(page_view(part, map(customer_view, part.rows)))


@router.get(
    "/{customer_id}",
    responses={**example(custody_examples.CUSTOMER), **documented(errors.CustomerNotFound)},
)
async def get_customer(customer_id: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get a customer."""
    return json_response(customer_view(await customer_of(services, customer_id)))


@router.get(
    "/{customer_id}/key-uses",
    responses={**listed(custody_examples.KEY_USE), **documented(errors.CustomerNotFound)},
)
async def list_key_uses(
    customer_id: str, services: ServicesIn, _caller: Caller, page: PageIn
) -> Response:
    """List each use of a customer's key, the newest first: what was signed, and for whom."""
    customer = await customer_of(services, customer_id)
    uses = services.needs.registers.custody.key_uses
    part = await run_in_threadpool(uses.list, customer.id, page)
    return json_response(page_view(part, map(key_use_view, part.rows)))


@router.post(
    "/{customer_id}/payments",
    status_code=202,
    responses={
        **example(examples.ACCEPTED, 202, "Accepted durably; the money has not moved yet"),
        **example(examples.PAYMENT, 200, "It has ended: final, or rejected with a code"),
        **documented(*SIGNING_ERRORS, errors.SameAccount, errors.PayeeInvalid),
    },
)
async def create_customer_payment(
    customer_id: str,
    request: Request,
    services: ServicesIn,
    caller: Keeper,
    key: KeyIn,
    payment: Annotated[CustomerPaymentIn, Body(openapi_examples={"one": {"value": _PAYMENT}})],
    prefer: Prefer = None,
) -> Response:
    """Build, sign and send a payment of a customer's. A repeat under the key pays once."""

    async def work(scope: str) -> tuple[int, Json]:
        return await _sent(services, customer_id, payment, scope, caller, prefer)

    return await once(request, services, caller, key, await request.json(), work)


@router.post(
    "/{customer_id}/withdrawals",
    status_code=202,
    responses={
        **example(examples.WITHDRAWAL, 202, "Accepted durably; the money has not moved yet"),
        **example(examples.WITHDRAWAL, 200, "It has ended: final, or rejected with a code"),
        **documented(*SIGNING_ERRORS),
    },
)
async def create_customer_withdrawal(
    customer_id: str,
    request: Request,
    services: ServicesIn,
    caller: Keeper,
    key: KeyIn,
    withdrawal: Annotated[
        CustomerWithdrawalIn, Body(openapi_examples={"one": {"value": _WITHDRAWAL}})
    ],
    prefer: Prefer = None,
) -> Response:
    """Build, sign and send a withdrawal of a customer's, who can claim it once it is settled."""

    async def work(scope: str) -> tuple[int, Json]:
        return await _sent(services, customer_id, withdrawal, scope, caller, prefer)

    return await once(request, services, caller, key, await request.json(), work)


async def _sent(
    services: Services,
    customer_id: str,
    wish: CustomerPaymentIn | CustomerWithdrawalIn,
    scope: str,
    caller: ApiKey,
    prefer: str | None,
) -> tuple[int, Json]:
    customer = await customer_of(services, customer_id)
    wait_ms = WAIT_FINAL_MS_MAX if waits_for_final(prefer) else 0
    sent = await send_order(services, customer, wish, scope, caller, wait_ms)
    is_withdrawal = isinstance(wish, CustomerWithdrawalIn)
    order_id = Digest(sent.kept.order_id)
    shown = await find(services, order_id, is_withdrawal=is_withdrawal)
    return (202 if shown["status"] == "accepted" else 200), shown
