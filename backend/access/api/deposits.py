"""Deposits: money on its way from the chain into the ledger."""

from typing import Annotated, Final

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access import l1_calls
from backend.access.api import examples
from backend.access.api.common import PageIn, address_or_none, example, listed, number_of
from backend.access.api.fees import AMOUNT_ERRORS
from backend.access.auth import needs
from backend.access.building import amount_minor_of
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.responses import json_response
from backend.access.schemas import DepositIn
from backend.access.services import Services, ServicesIn
from backend.access.views import Json, deposit_view, list_of
from backend.protocol import errors
from backend.protocol.money import to_base
from backend.protocol.types import Address, address_text
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/deposits", tags=["deposits"])
Caller = Annotated[ApiKey, Depends(needs("deposits:read"))]
Preparer = Annotated[ApiKey, Depends(needs("deposits:write"))]

PERMIT_LIFE_S: Final = 3600
_EXAMPLE = {"owner": examples.PAYER, "asset": "USDX", "amount": "1000000"}


@router.post(
    "",
    responses={
        **example(examples.PREPARED, description="What to sign and send; nothing was sent"),
        **documented(
            errors.KycRequired,
            errors.KycExpired,
            errors.KycRevoked,
            errors.AssetUnknown,
            errors.ChainUnavailable,
            errors.IdempotencyKeyReused,
            errors.RequestInProgress,
            *AMOUNT_ERRORS,
        ),
    },
)
async def prepare_deposit(
    request: Request,
    services: ServicesIn,
    caller: Preparer,
    key: KeyIn,
    wish: Annotated[DepositIn, Body(openapi_examples={"one": {"value": _EXAMPLE}})],
) -> Response:
    """Prepare a deposit: the L1 transactions to sign and send, in order, with the evidence that
    lets the owner in. Without an allowance there are two; where the token takes ERC-2612 permits,
    sign `permit` and ask again with it to save one.
    """

    async def work(_scope: str) -> tuple[int, Json]:
        return 200, await _prepared(services, wish)

    return await once(request, services, caller, key, await request.json(), work)


async def _prepared(services: Services, wish: DepositIn) -> Json:
    named = await services.assets.find(wish.asset)
    amount_minor = amount_minor_of(wish.amount)
    approval = await services.kyc.evidence_for(wish.owner)
    evidence = services.needs.attestor.evidence(
        approval.person,
        approval.level,
        approval.expiry_ts_s or 0,
        approval.issued_ts_s or 0,
        approval.signature or b"",
    )
    domain, chain = services.settings.domain, services.needs.chain
    amount = to_base(amount_minor, named.asset.unit)
    token, rollup = named.asset.token, domain.contract
    depositor = Address(wish.depositor or wish.owner)
    transactions = []
    permit = None
    if wish.permit is None and await chain.allowance(token, depositor) < amount:
        data = l1_calls.approve(rollup, amount)
        approve = l1_calls.transaction("approve", domain.chain_id, depositor, token, data)
        transactions.append(approve)
        facts = await chain.permit_facts(token, depositor)
        if facts is not None:
            deadline_ts_s = await chain.latest_ts_s() + PERMIT_LIFE_S
            permit = l1_calls.permit_typed_data(
                facts, domain.chain_id, token, depositor, rollup, amount, deadline_ts_s
            )
    data = l1_calls.deposit(named.asset_id, wish.owner, amount, evidence, wish.permit)
    transactions.append(l1_calls.transaction("deposit", domain.chain_id, depositor, rollup, data))
    return {
        "object": "prepared_deposit",
        "owner": address_text(wish.owner),
        "asset": named.code,
        "amount": str(amount_minor),
        "evidence": "0x" + evidence.hex(),
        "transactions": transactions,
        "permit": permit,
    }


@router.get("", responses={**listed(examples.DEPOSIT), **documented(errors.AssetUnknown)})
async def list_deposits(
    services: ServicesIn,
    _caller: Caller,
    page: PageIn,
    owner: Annotated[str | None, Query()] = None,
    asset: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """List deposits that the chain has seen, the newest first."""
    await services.assets.refresh()
    asset_id = None if asset is None else (await services.assets.find(asset)).asset_id
    wanted = address_or_none("owner", owner)
    views, has_more = await run_in_threadpool(services.reader.deposits, wanted, asset_id, page)
    shown = []
    for view in views:
        row = view.seen if view.seen is not None else view.credit
        code = services.assets.code_of(0 if row is None else row.asset_id)
        shown.append(deposit_view(view, code, services.settings))
    return json_response(list_of(shown, has_more, lambda item: str(item["id"])))


@router.get(
    "/{deposit_id}",
    responses={**example(examples.DEPOSIT), **documented(errors.DepositNotFound)},
)
async def get_deposit(deposit_id: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get a deposit by its place in the queue: seen, confirmed, credited."""
    await services.assets.refresh()
    index = number_of("deposit_id", deposit_id)
    view = await run_in_threadpool(services.reader.deposit, index)
    if view is None:
        raise errors.DepositNotFound(index)
    row = view.seen if view.seen is not None else view.credit
    code = services.assets.code_of(0 if row is None else row.asset_id)
    return json_response(deposit_view(view, code, services.settings))
