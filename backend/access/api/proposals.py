"""Proposals: what the treasury shall do, once enough of its signers approve."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.api import approval_examples as examples
from backend.access.api.common import REPEAT_ERRORS, PageIn, example, listed
from backend.access.auth import needs
from backend.access.errors import documented
from backend.access.idempotency import KeyIn, once
from backend.access.proposals.desk import Standing, Wish
from backend.access.proposals.schemas import ApprovalIn, CancellationIn, ProposalIn
from backend.access.proposals.views import row_view, standing_view
from backend.access.responses import json_response
from backend.access.services import Services, ServicesIn
from backend.access.texts import ts_s_of
from backend.access.views import Json, page_view
from backend.protocol import errors
from backend.protocol.hashing import keccak
from backend.protocol.types import digest_from_text
from backend.records.registers.api_keys import ApiKey

router = APIRouter(prefix="/v1/proposals", tags=["proposals"])
Reader = Annotated[ApiKey, Depends(needs("proposals:read"))]
Writer = Annotated[ApiKey, Depends(needs("proposals:write"))]
Approver = Annotated[ApiKey, Depends(needs("approvals:write"))]
Status = Literal[
    "open", "approved", "scheduled", "executed", "expired", "cancelled", "vetoed", "failed"
]

LIFE_S: Final = 7 * 24 * 3600
_LIFE_S_MAX: Final = 365 * 24 * 3600
_ONCE: Final = (*REPEAT_ERRORS, errors.ChainUnavailable)
_OPEN: Final = (
    errors.NoTreasury,
    errors.ProposalNotFound,
    errors.ProposalClosed,
    errors.ProposalExpired,
    errors.SignerUnknown,
    errors.ApprovalInvalid,
    errors.ProposalRefused,
)


@router.post(
    "",
    status_code=201,
    responses={
        **example(examples.PROPOSAL, 201, "What its approvers sign, and what it would do"),
        **documented(
            errors.NoTreasury,
            errors.SignerUnknown,
            errors.ProposalRefused,
            errors.AmountNotInteger,
            errors.AmountTooLarge,
            *_ONCE,
        ),
    },
)
async def create_proposal(
    request: Request,
    services: ServicesIn,
    caller: Writer,
    key: KeyIn,
    wish: Annotated[ProposalIn, Body(openapi_examples={"one": {"value": examples.PROPOSAL_IN}})],
) -> Response:
    """Propose calls of the treasury. The answer tells which weight of approvals they need, and,
    by a dry run on the chain as it is now, which functions they call and whose balances change.
    Nothing is sent. The proposer's own signature is needed too, by an approval of his.
    """
    desk = services.approvals.proposals
    if not wish.purpose.isprintable():  # signers read it on a terminal
        raise errors.MalformedRequest("purpose", "it has characters that can't be printed")

    async def work(scope: str) -> tuple[int, Json]:
        now_ts_s = await services.needs.chain.latest_ts_s()
        deadline_ts_s = (
            now_ts_s + LIFE_S if wish.deadline is None else ts_s_of(wish.deadline, "deadline")
        )
        if not now_ts_s < deadline_ts_s <= now_ts_s + _LIFE_S_MAX:
            raise errors.MalformedRequest("deadline", "it is not within the next 365 days")
        row = await desk.propose(
            Wish(
                "calls",
                wish.proposer,
                tuple(call.call() for call in wish.calls),
                wish.purpose,
                deadline_ts_s,
                int.from_bytes(keccak(scope.encode())[:24]),
            ),
            caller.id,
        )
        return 201, await _shown(services, await desk.standing(row.id))

    return await once(request, services, caller, key, await request.json(), work)


@router.get("", responses={**listed(examples.PROPOSAL_ROW), **documented(errors.NoTreasury)})
async def list_proposals(
    services: ServicesIn,
    _caller: Reader,
    page: PageIn,
    status: Annotated[Status | None, Query()] = None,
) -> Response:
    """List proposals as they were last seen, the newest first."""
    desk = services.approvals.proposals
    part = await run_in_threadpool(desk.register.list, status, page)
    return json_response(page_view(part, map(row_view, part.rows), "sequence"))


@router.get(
    "/{proposal_id}",
    responses={
        **example(examples.PROPOSAL),
        **documented(
            errors.NoTreasury,
            errors.ProposalNotFound,
            errors.ProposalRefused,
            errors.ChainUnavailable,
        ),
    },
)
async def get_proposal(proposal_id: str, services: ServicesIn, _caller: Reader) -> Response:
    """Get a proposal as it stands on the chain now: what it needs by today's policy, who has
    approved, what it would do.
    """
    found = await services.approvals.proposals.standing(_id(proposal_id))
    return json_response(await _shown(services, found))


@router.post(
    "/{proposal_id}/approvals",
    status_code=201,
    responses={
        **example(examples.PROPOSAL, 201, "The approval is kept"),
        **documented(errors.OwnProposal, errors.ApprovalGiven, *_OPEN, *_ONCE),
    },
)
async def create_approval(
    request: Request,
    proposal_id: str,
    services: ServicesIn,
    caller: Approver,
    key: KeyIn,
    approval: Annotated[
        ApprovalIn, Body(openapi_examples={"one": {"value": examples.APPROVAL_IN}})
    ],
) -> Response:
    """Approve a proposal by a signer's signature of its typed data; it is checked at once. Whoever
    made the proposal with the same API key may hand in the proposer's signature alone.
    """
    desk = services.approvals.proposals

    async def work(_scope: str) -> tuple[int, Json]:
        found = await desk.approve(_id(proposal_id), approval.approval(), caller.id)
        return 201, await _shown(services, found)

    return await once(request, services, caller, key, await request.json(), work)


@router.post(
    "/{proposal_id}/execute",
    responses={
        **example(examples.PROPOSAL, description="Executed, scheduled, or not known yet"),
        **documented(errors.ProposalNotApproved, errors.ProposalTimelocked, *_OPEN, *_ONCE),
    },
)
async def execute_proposal(
    request: Request, proposal_id: str, services: ServicesIn, caller: Writer, key: KeyIn
) -> Response:
    """Have an approved proposal executed; one with a timelock is scheduled first. If the status is
    as before, the outcome is not known yet: ask again. It is executed once, however often.
    """
    desk = services.approvals.proposals

    async def work(_scope: str) -> tuple[int, Json]:
        return 200, await _shown(services, await desk.execute(_id(proposal_id)))

    return await once(request, services, caller, key, {}, work)


@router.post(
    "/{proposal_id}/cancel",
    responses={
        **example(examples.PROPOSAL | {"status": "cancelled"}),
        **documented(errors.ProposalNotApproved, *_OPEN, *_ONCE),
    },
)
async def cancel_proposal(
    request: Request,
    proposal_id: str,
    services: ServicesIn,
    caller: Writer,
    key: KeyIn,
    cancellation: Annotated[
        CancellationIn,
        Body(openapi_examples={"one": {"value": {"approvals": [examples.APPROVAL_IN]}}}),
    ],
) -> Response:
    """End a proposal for ever, by signatures of its `cancellation_typed_data`: the proposer's, or
    those of enough signers to veto it. While too few have approved it, none is needed.
    """
    desk = services.approvals.proposals

    async def work(_scope: str) -> tuple[int, Json]:
        approvals = [one.approval() for one in cancellation.approvals]
        return 200, await _shown(services, await desk.cancel(_id(proposal_id), approvals))

    return await once(request, services, caller, key, await request.json(), work)


def _id(text: str) -> bytes:
    return digest_from_text(text, "proposal_id")


async def _shown(services: Services, found: Standing) -> Json:
    treasury = services.approvals.proposals.treasury
    run = await treasury.dry_run(found.proposal.calls)
    return standing_view(found, run, treasury.domain)
