"""Deposits: money on its way from the chain into the ledger."""

from typing import Annotated, Final

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access import l1_calls
from backend.access.api import examples
from backend.access.api.common import (
    REPEAT_ERRORS,
    PageIn,
    address_or_none,
    example,
    listed,
    number_of,
)
from backend.access.api.fees import AMOUNT_ERRORS
from backend.access.auth import needs
from backend.access.building import amount_minor_of
from backend.access.deposit_authorizations import (
    WantedDeposit,
    check_authorization,
    offer_authorization,
)
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.ports import Chain
from backend.access.responses import json_response
from backend.access.schemas import DepositIn
from backend.access.services import Services, ServicesIn
from backend.access.views import Json, deposit_view, list_of
from backend.protocol import errors
from backend.protocol.eip712 import Domain
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
            errors.SignatureInvalid,
            errors.SignatureHighS,
            *REPEAT_ERRORS,
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
    sign `permit` and ask again with it to save one. Where it knows ERC-3009, sign `authorization`
    and ask again with it: then anyone may send the one transaction, and nobody can redirect it.
    """

    if wish.permit is not None and wish.authorization is not None:
        raise errors.MalformedRequest("authorization", "send it or a permit, not both")

    async def work(_scope: str) -> tuple[int, Json]:
        return 200, await _prepared(services, wish)

    return await once(request, services, caller, key, await request.json(), work)


async def _prepared(services: Services, wish: DepositIn) -> Json:
    named = await services.assets.find(wish.asset)
    amount_minor = amount_minor_of(wish.amount)
    evidence = services.kyc.evidence(await services.kyc.approved(wish.owner))
    wanted = WantedDeposit(
        named,
        Address(wish.owner),
        Address(wish.depositor or wish.owner),
        to_base(amount_minor, named.asset.unit),
    )
    return {
        "object": "prepared_deposit",
        "owner": address_text(wish.owner),
        "asset": named.code,
        "amount": str(amount_minor),
        "evidence": "0x" + evidence.hex(),
        **await _to_sign_and_send(services, wish, wanted, evidence),
    }


async def _to_sign_and_send(
    services: Services, wish: DepositIn, wanted: WantedDeposit, evidence: bytes
) -> Json:
    """Return the transactions, and what may be signed in place of some of them."""
    domain, chain = services.settings.domain, services.needs.chain
    deposit = (wanted.named.asset_id, wanted.owner, wanted.amount, evidence)
    nothing: Json = {"permit": None, "authorization": None}
    if wish.authorization is not None:
        await check_authorization(chain, domain, wanted, wish.authorization)
        data = l1_calls.deposit_by_authorization(*deposit, wanted.holder, wish.authorization)
        return nothing | {"transactions": [_transaction(domain, None, data)]}
    data = l1_calls.deposit(*deposit, wish.permit)
    transactions = [_transaction(domain, wanted.holder, data)]
    if wish.permit is not None:
        return nothing | {"transactions": transactions}
    shown = nothing | {"authorization": await offer_authorization(chain, domain, wanted)}
    token = wanted.named.asset.token
    allowed = await chain.allowance(token, wanted.holder, domain.contract)
    approve = l1_calls.approve_if_needed(
        domain.chain_id, token, wanted.holder, domain.contract, wanted.amount, allowed
    )
    if not approve:
        return shown | {"transactions": transactions}
    permit = await _permit(chain, domain, wanted)
    return shown | {"transactions": [*approve, *transactions], "permit": permit}


def _transaction(domain: Domain, sender: Address | None, data: bytes) -> Json:
    rollup = domain.contract
    shown: Json = l1_calls.transaction("deposit", domain.chain_id, sender, rollup, data)
    return shown


async def _permit(chain: Chain, domain: Domain, wanted: WantedDeposit) -> Json | None:
    token = wanted.named.asset.token
    facts = await chain.permit_facts(token, wanted.holder)
    if facts is None:
        return None
    deadline_ts_s = await chain.latest_ts_s() + PERMIT_LIFE_S
    return l1_calls.permit_typed_data(
        facts,
        domain.chain_id,
        token,
        wanted.holder,
        domain.contract,
        wanted.amount,
        deadline_ts_s,
    )


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
