"""Withdrawals: money on its way back to the chain."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access import l1_calls
from backend.access.api import examples, leaving_examples
from backend.access.api.common import (
    REPEAT_ERRORS,
    PageIn,
    address_or_none,
    example,
    listed,
)
from backend.access.api.payments import SUBMIT_ERRORS, Prefer
from backend.access.api.proofs import withdrawal_proof_view
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.leaving import advances
from backend.access.leaving.schemas import AdvanceIn
from backend.access.responses import json_response
from backend.access.schemas import SignedWithdrawal
from backend.access.services import Services, ServicesIn
from backend.access.submitting import find, not_found, submit
from backend.access.views import Json, OrderViews
from backend.protocol import errors
from backend.protocol.batches import CHUNK_SLOTS
from backend.protocol.types import digest_from_text
from backend.records.reader import OrderFilter, Placed
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/withdrawals", tags=["withdrawals"])
Caller = Annotated[ApiKey, Depends(needs("withdrawals:read"))]
Sender = Annotated[ApiKey, Depends(needs("withdrawals:write"))]
Status = Literal["final", "posted", "settled"]


@router.post(
    "",
    status_code=202,
    responses={
        **example(examples.WITHDRAWAL, 202, "Accepted durably; the money has not moved yet"),
        **example(examples.WITHDRAWAL, 200, "It has ended: final, or rejected with a code"),
        **documented(*SUBMIT_ERRORS),
    },
)
async def create_withdrawal(
    services: ServicesIn,
    _caller: Sender,
    withdrawal: Annotated[
        SignedWithdrawal, Body(openapi_examples={"one": {"value": examples.SIGNED_WITHDRAWAL}})
    ],
    prefer: Prefer = None,
) -> Response:
    """Have a signed withdrawal accepted. Its digest is its id and its idempotency key."""
    status_code, shown = await submit(services, withdrawal.signed(), withdrawal.domain, prefer)
    return json_response(shown, status_code)


@router.get("", responses={**listed(examples.WITHDRAWAL), **documented(errors.AssetUnknown)})
async def list_withdrawals(
    services: ServicesIn,
    _caller: Caller,
    page: PageIn,
    payer: Annotated[str | None, Query()] = None,
    asset: Annotated[str | None, Query(max_length=64)] = None,
    status: Annotated[Status | None, Query()] = None,
) -> Response:
    """List executed withdrawals, the newest first. A claimed one is settled, too."""
    await services.assets.refresh()
    asset_id = None if asset is None else (await services.assets.find(asset)).asset_id
    wanted = OrderFilter(payer=address_or_none("payer", payer), asset_id=asset_id, status=status)
    part = await run_in_threadpool(services.reader.withdrawals, wanted, page)
    return json_response(OrderViews(services.settings, services.assets).page(part))


@router.get(
    "/{withdrawal_id}",
    responses={**example(examples.WITHDRAWAL), **documented(errors.WithdrawalNotFound)},
)
async def get_withdrawal(withdrawal_id: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get a withdrawal: its status, where it stands, its next step and the earliest time of it."""
    order_id = digest_from_text(withdrawal_id, "withdrawal_id")
    return json_response(await find(services, order_id, is_withdrawal=True))


@router.get(
    "/{withdrawal_id}/claim",
    responses={
        **example(examples.CLAIM),
        **documented(errors.WithdrawalNotFound, errors.ProofNotAvailable, errors.BatchNotFound),
    },
)
async def get_claim(withdrawal_id: str, services: ServicesIn, _caller: Caller) -> Response:
    """Get the transaction that pays a settled withdrawal to its owner; anyone may send it."""
    order_id = digest_from_text(withdrawal_id, "withdrawal_id")
    placed = await run_in_threadpool(services.reader.withdrawal, order_id)
    if placed is None:
        raise not_found(order_id, is_withdrawal=True)
    slot_number = _settled_slot_number(placed)
    batch = placed.batch
    assert batch is not None
    proof = await run_in_threadpool(
        services.needs.proofs.withdrawal_proof, batch.number, slot_number
    )
    return json_response(
        {
            "object": "claim",
            "withdrawal_id": withdrawal_id,
            "proof": withdrawal_proof_view(proof),
            "transaction": _transaction(services, l1_calls.claim_withdrawal(batch, proof)),
        }
    )


@router.post(
    "/{withdrawal_id}/advance",
    responses={
        **example(leaving_examples.ADVANCE, description="What to sign, and to send"),
        **documented(
            errors.WithdrawalNotFound,
            errors.AdvanceRefused,
            errors.SignatureInvalid,
            errors.SignatureHighS,
            errors.ChainUnavailable,
            *REPEAT_ERRORS,
            errors.AmountNotInteger,
            errors.AmountTooLarge,
        ),
    },
)
async def prepare_advance(
    request: Request,
    withdrawal_id: str,
    services: ServicesIn,
    caller: Sender,
    key: KeyIn,
    wish: Annotated[
        AdvanceIn, Body(openapi_examples={"one": {"value": leaving_examples.ADVANCE_WISH}})
    ],
) -> Response:
    """Prepare an instant exit: `typed_data` is what the owner signs to be paid the amount less a
    fee at once, by a provider of his choice. Asked again with the signature, the answer has what
    the provider sends; he is the withdrawal's claimant then. Whether its batch will stand is for
    him to check. An owner that is a contract (ERC-1271) deals with the chain itself.
    """
    order_id = digest_from_text(withdrawal_id, "withdrawal_id")

    async def work(_scope: str) -> tuple[int, Json]:
        placed = await run_in_threadpool(services.reader.withdrawal, order_id)
        if placed is None:
            raise not_found(order_id, is_withdrawal=True)
        return 200, await advances.prepare_advance(services, placed, wish)

    return await once(request, services, caller, key, await request.json(), work)


def _settled_slot_number(placed: Placed) -> int:
    """Return the slot number in the batch. Raises ProofNotAvailable unless it can be claimed."""
    if placed.claim is not None:
        raise errors.ProofNotAvailable("the withdrawal was claimed already")
    if placed.batch is None or placed.batch.status != "settled":
        raise errors.ProofNotAvailable("the withdrawal is not settled yet")
    if placed.chunk is None or placed.slot is None:
        raise errors.ProofNotAvailable("the place in the batch is not known yet")
    return placed.chunk * CHUNK_SLOTS + placed.slot


def _transaction(services: Services, data: bytes) -> object:
    domain = services.settings.domain
    return l1_calls.transaction("claim", domain.chain_id, None, domain.contract, data)
