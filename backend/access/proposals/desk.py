"""Gathers approvals, and has the treasury do what is approved. Law: the treasury decides; what is
kept here are signatures, and each was checked by the treasury's own rules when it came.

Statuses: open → approved → scheduled → executed, or expired, cancelled, vetoed, failed (another
proposal took its nonce). A status follows from the chain as it is now: a signer who was removed
takes his weight with him, and a policy that has changed is the one that counts.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from backend.access.proposals.ports import Needs, ProposalState, Treasury
from backend.access.texts import memo_of
from backend.protocol.errors import (
    ApprovalGiven,
    ApprovalInvalid,
    ChainUnavailable,
    InvariantViolated,
    MalformedRequest,
    OwnProposal,
    ProposalClosed,
    ProposalExpired,
    ProposalNotApproved,
    ProposalNotFound,
    ProposalRefused,
    ProposalTimelocked,
    SignerUnknown,
)
from backend.protocol.hashing import Digest
from backend.protocol.proposals import Approval, Call, Proposal, signer_text
from backend.protocol.types import digest_text
from backend.records.registers.proposals import OPEN, Proposals, proposal_of

_POLL_S: Final = 5  # each look asks the chain some fifteen questions a proposal

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is proposed. The same wish is the same proposal. `purpose` is a text, or a digest."""

    kind: str
    proposer: bytes
    calls: tuple[Call, ...]
    purpose: str
    deadline_ts_s: int
    nonce_key: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A proposal with what it needs and what its approvals weigh now."""

    row: Any
    proposal: Proposal
    needs: Needs
    weight: int
    approvals: tuple[Approval, ...]  # those that count
    has_proposer: bool
    ready_ts_s: int | None  # once it is scheduled


class ProposalDesk:
    """All that happens to a proposal."""

    def __init__(
        self, register: Proposals, treasury: Treasury, clock_ms: Callable[[], int]
    ) -> None:
        self.register = register
        self.treasury = treasury
        self._clock_ms = clock_ms
        self._sending = asyncio.Lock()

    async def propose(self, wish: Wish, proposer_key: str) -> Any:
        """Make a proposal; return its row. A repeat returns the one that is there.

        Raises SignerUnknown if the proposer is no signer, ProposalRefused, ChainUnavailable.
        """
        proposal = Proposal(
            wish.proposer, wish.calls, wish.nonce_key, 0, wish.deadline_ts_s, memo_of(wish.purpose)
        )
        proposal_id = proposal.digest(self.treasury.domain)
        known = await run_in_threadpool(self.register.get, proposal_id)
        if known is not None:
            return known
        if not await self.treasury.is_signer(wish.proposer):
            raise SignerUnknown(signer_text(wish.proposer))
        await self._needs(proposal)  # one that the treasury can't judge is none
        ts_ms = self._clock_ms()
        values = {
            "id": proposal_id,
            "kind": wish.kind,
            "purpose": wish.purpose,
            "proposer_key": proposer_key,
            "deadline_ts_s": wish.deadline_ts_s,
            "l1_block_number": await self.treasury.l1_block_number(),
            "status": "open",
            "created_ts_ms": ts_ms,
            "updated_ts_ms": ts_ms,
        }
        await run_in_threadpool(self.register.add, proposal, values)
        return await self.get(proposal_id)

    async def get(self, proposal_id: bytes) -> Any:
        """Return a proposal's row as it was last seen. Raises ProposalNotFound."""
        row = await run_in_threadpool(self.register.get, proposal_id)
        if row is None:
            raise ProposalNotFound(digest_text(proposal_id))
        return row

    async def standing(self, proposal_id: bytes) -> Standing:
        """Return how a proposal stands, having asked the chain."""
        row = await self.get(proposal_id)
        proposal = proposal_of(row)
        if row.status not in OPEN:
            return Standing(row, proposal, await self._needs(proposal), 0, (), False, None)
        state = await self.treasury.state(proposal, Digest(row.id), row.l1_block_number)
        needs = await self._needs(proposal)
        approvals = await self._counting(proposal, row, state)
        weight = await self.treasury.weight(proposal, approvals)
        has_proposer = any(each.signer == proposal.proposer for each in approvals)
        is_approved = has_proposer and weight >= needs.weight
        status = _status(row, state, is_approved)
        if status != row.status:
            await run_in_threadpool(self.register.set_status, row.id, status, self._clock_ms())
            log.info("proposal_" + status, proposal=digest_text(row.id))
            row = await self.get(proposal_id)
        ready_ts_s = state.scheduled_ts_s + needs.timelock_s if state.scheduled_ts_s else None
        return Standing(row, proposal, needs, weight, approvals, has_proposer, ready_ts_s)

    async def approve(self, proposal_id: bytes, approval: Approval, approver_key: str) -> Standing:
        """Take an approval in. Raises ProposalNotFound, ProposalClosed, ProposalExpired,
        OwnProposal, ApprovalGiven, SignerUnknown, ApprovalInvalid, ChainUnavailable.

        Whoever made a proposal with an API key may hand in its proposer's signature, and no other.
        """
        found = await self._open(proposal_id)
        proposal = found.proposal
        if found.row.proposer_key == approver_key and approval.signer != proposal.proposer:
            raise OwnProposal(f"the API key {approver_key}")
        signer = signer_text(approval.signer)
        rows = await run_in_threadpool(self.register.approvals, proposal_id)
        if any(row.signer == approval.signer for row in rows):
            raise ApprovalGiven(signer)
        if not approval.signature:
            raise ApprovalInvalid(signer)
        await self.treasury.weight(proposal, [approval])
        is_new = await run_in_threadpool(
            self.register.approve, proposal_id, approval, approver_key, self._clock_ms()
        )
        if not is_new:
            raise ApprovalGiven(signer)
        return await self.standing(proposal_id)

    async def execute(self, proposal_id: bytes) -> Standing:
        """Have an approved proposal executed, or first scheduled if it has a timelock.

        A repeat after it was executed shows it, after an unknown outcome asks again. Raises
        ProposalNotFound, ProposalClosed, ProposalExpired, ProposalNotApproved, ProposalTimelocked,
        ProposalRefused, ChainUnavailable.
        """
        async with self._sending:
            found = await self.standing(proposal_id)
            if found.row.status == "executed":
                return found
            found = await self._open(proposal_id)
            if not found.has_proposer:
                raise ProposalRefused("its proposer has not signed it")
            if found.weight < found.needs.weight:
                raise ProposalNotApproved(found.weight, found.needs.weight)
            if found.needs.timelock_s and found.ready_ts_s is None:
                sent = await self.treasury.schedule(found.proposal, found.approvals)
            else:
                self._check_timelock(found, await self._l1_ts_s(found))
                sent = await self.treasury.execute(found.proposal, found.approvals)
            await self._note_sent(proposal_id, sent)
            return await self.standing(proposal_id)

    async def cancel(self, proposal_id: bytes, approvals: Sequence[Approval]) -> Standing:
        """End a proposal: by its proposer's or enough vetoers' signatures of its cancellation, on
        the chain; without any, only here, and only while its approvals are too few.

        A repeat changes nothing. Raises ProposalNotFound, ProposalClosed, MalformedRequest, and
        what the treasury refuses with.
        """
        async with self._sending:
            found = await self.standing(proposal_id)
            if found.row.status in ("cancelled", "vetoed"):
                return found
            if found.row.status not in OPEN:
                raise ProposalClosed(found.row.status)
            if not approvals and found.row.status != "open":
                raise MalformedRequest(
                    "approvals", "it is approved, so its cancellation has to be signed"
                )
            is_own = any(each.signer == found.proposal.proposer for each in approvals)
            if approvals:
                sent = await self.treasury.cancel(found.proposal, approvals)
                await self._note_sent(proposal_id, sent)
                if sent is None:
                    return await self.standing(proposal_id)
            status = "cancelled" if is_own or not approvals else "vetoed"
            await run_in_threadpool(self.register.set_status, proposal_id, status, self._clock_ms())
            return await self.standing(proposal_id)

    async def watch(self) -> None:
        """Follow all open proposals on the chain for ever. What fails is asked again."""
        while True:
            try:
                for row in await run_in_threadpool(self.register.all_open):
                    await self._follow(row)
            except (ChainUnavailable, SQLAlchemyError) as error:
                log.warning("proposals_wait", reason=repr(error))
            await asyncio.sleep(_POLL_S)

    async def _follow(self, row: Any) -> None:
        """Look at a proposal; one that can't be looked at must not hide the others."""
        try:
            await self.standing(row.id)
        except (ChainUnavailable, InvariantViolated):
            raise
        except Exception as error:
            log.warning("proposal_waits", proposal=digest_text(row.id), reason=repr(error))

    async def _open(self, proposal_id: bytes) -> Standing:
        """Return a proposal that may still be executed."""
        found = await self.standing(proposal_id)
        if found.row.status == "expired":
            raise ProposalExpired(found.row.deadline_ts_s)
        if found.row.status not in OPEN:
            raise ProposalClosed(found.row.status)
        return found

    async def _counting(
        self, proposal: Proposal, row: Any, state: ProposalState
    ) -> tuple[Approval, ...]:
        """Return the approvals that count now, those given on the chain among them."""
        rows = await run_in_threadpool(self.register.approvals, row.id)
        found = {each: Approval(each, b"") for each in state.approvers}
        for kept in rows:
            approval = Approval(kept.signer, kept.signature)
            try:
                await self.treasury.weight(proposal, [approval])
            except (SignerUnknown, ApprovalInvalid):
                continue  # a signer who was removed, or a contract that has changed its mind
            found[approval.signer] = approval
        return tuple(found.values())

    async def _needs(self, proposal: Proposal) -> Needs:
        return await self.treasury.needs(proposal.calls)

    async def _l1_ts_s(self, found: Standing) -> int:
        row = found.row
        state = await self.treasury.state(found.proposal, Digest(row.id), row.l1_block_number)
        return state.l1_ts_s

    def _check_timelock(self, found: Standing, l1_ts_s: int) -> None:
        ready_ts_s = found.ready_ts_s or 0
        if found.needs.timelock_s and l1_ts_s < ready_ts_s:
            raise ProposalTimelocked(ready_ts_s)

    async def _note_sent(self, proposal_id: bytes, tx_hash: bytes | None) -> None:
        if tx_hash is not None:
            await run_in_threadpool(
                self.register.set_tx_hash, proposal_id, tx_hash, self._clock_ms()
            )


def _status(row: Any, state: ProposalState, is_approved: bool) -> str:
    if state.is_executed:
        return "executed"
    if state.is_cancelled:
        return "cancelled"
    if state.is_void:
        return "failed"
    if state.l1_ts_s > row.deadline_ts_s:
        return "expired"
    if state.scheduled_ts_s:
        return "scheduled"
    return "approved" if is_approved else "open"
