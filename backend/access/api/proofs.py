"""Proofs that anybody can check against the chain, without trusting this API."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.api import examples
from backend.access.api.common import example, number_of
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.ports import WithdrawalProof
from backend.access.responses import json_response
from backend.access.services import Services, ServicesIn
from backend.access.views import Json, hashes_view
from backend.protocol import errors
from backend.protocol.types import AccountId, Leaf, address_from_text, address_text, digest_text
from backend.records.paging import Page
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/proofs", tags=["proofs"])
Caller = Annotated[ApiKey, Depends(needs("proofs:read"))]


def leaf_view(leaf: Leaf) -> Json:
    """Show a leaf of the state tree."""
    return {
        "owner": address_text(leaf.owner),
        "asset_id": leaf.asset_id,
        "nonce": str(leaf.nonce),
        "balance": str(leaf.balance_minor),
    }


def withdrawal_proof_view(proof: WithdrawalProof) -> Json:
    """Show what `claimWithdrawal` takes."""
    return {
        "batch": str(proof.batch_number),
        "slot_number": str(proof.slot_number),
        "chunk": "0x" + proof.chunk.hex(),
        "chunk_path": hashes_view(proof.chunk_path),
        "leaf": leaf_view(proof.leaf),
        "leaf_path": hashes_view(proof.leaf_path),
    }


@router.get(
    "/accounts/{owner}/{asset}",
    responses={
        **example(examples.ACCOUNT_PROOF),
        **documented(
            errors.AccountNotFound,
            errors.AssetUnknown,
            errors.BatchNotFound,
            errors.ProofNotAvailable,
        ),
    },
)
async def prove_account(
    owner: str,
    asset: str,
    services: ServicesIn,
    _caller: Caller,
    batch: Annotated[str | None, Query(description="By default the newest posted one")] = None,
) -> Response:
    """Prove what an account held after a batch: the path leads from its leaf to the postRoot."""
    address = address_from_text(owner, "owner")
    named = await services.assets.find(asset)
    account = services.node.account(address, named.asset_id)
    if account is None:
        raise errors.AccountNotFound(f"of {address_text(address)} in {named.code}")
    row = await _batch_row(services, batch)
    account_id = AccountId(account.account_id)
    proof = await run_in_threadpool(services.needs.proofs.account_proof, row.number, account_id)
    return json_response(
        {
            "object": "account_proof",
            "batch": str(proof.batch_number),
            "root": digest_text(row.post_root),
            "account_id": str(proof.account_id),
            "leaf": leaf_view(proof.leaf),
            "leaf_path": hashes_view(proof.leaf_path),
        }
    )


async def _batch_row(services: Services, batch: str | None) -> Any:
    """Return a batch, by default the newest. Raises BatchNotFound."""
    if batch is None:
        newest = await run_in_threadpool(services.reader.batches, None, Page(1))
        number, row = 1, next(iter(newest.rows), None)
    else:
        number = number_of("batch", batch)
        row = await run_in_threadpool(services.reader.batch, number)
    if row is None:
        raise errors.BatchNotFound(number)
    return row


@router.get(
    "/withdrawals/{batch}/{slot_number}",
    responses={
        **example(examples.CLAIM["proof"]),
        **documented(errors.BatchNotFound, errors.ProofNotAvailable),
    },
)
async def prove_withdrawal(
    batch: str, slot_number: str, services: ServicesIn, _caller: Caller
) -> Response:
    """Prove that a withdrawal stands at a slot number (chunk · 64 + position) of a batch."""
    proof = await run_in_threadpool(
        services.needs.proofs.withdrawal_proof,
        number_of("batch", batch),
        number_of("slot_number", slot_number),
    )
    return json_response(withdrawal_proof_view(proof))
