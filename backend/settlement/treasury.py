"""The treasury on the chain: what proposals need and weigh, and how they are executed.

Law: a proposal is executed once, by its nonce; so sending it again is safe, and what became of a
transaction of unknown outcome is read from the nonce.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from backend.protocol.eip712 import Domain
from backend.protocol.errors import (
    ApprovalInvalid,
    ChainUnavailable,
    PaymentError,
    ProposalExpired,
    ProposalNotApproved,
    ProposalRefused,
    ProposalTimelocked,
    SignerUnknown,
)
from backend.protocol.hashing import Digest
from backend.protocol.proposals import (
    Approval,
    Call,
    Proposal,
    in_order,
    signer_text,
    treasury_domain,
)
from backend.settlement.abi import ContractAbi, ContractError
from backend.settlement.artifacts import artifacts
from backend.settlement.chain import Contract, Done, Refused, RpcError
from backend.settlement.client import ChainClient, block_ranges
from backend.settlement.deployment_file import Deployment
from backend.settlement.dry_run import DryRun, dry_run
from backend.settlement.sender import Sender

# Whose functions and errors a dry run can name.
_KNOWN: Final = ("Treasury", "SpendingPolicy", "Rollup", "Committee", "KycRegistry", "Stablecoin")
_ADDRESS_BYTES: Final = 20
_DAY_S: Final = 24 * 3600
LOST_AFTER_S: Final = 90 * _DAY_S
RECOVERY_TIMELOCK_S: Final = 14 * _DAY_S


@dataclass(frozen=True, slots=True)
class Needs:
    """What calls need as the policy is now; the weight without that of the proposer, if the policy
    refuses his own approval."""

    weight: int
    timelock_s: int


@dataclass(frozen=True, slots=True)
class ProposalState:
    """A proposal as the chain has it. `approvers` approved by a transaction; `scheduled_ts_s` is
    0 before it is scheduled; `is_void` if another proposal took its nonce."""

    l1_ts_s: int
    is_executed: bool
    is_void: bool
    is_cancelled: bool
    scheduled_ts_s: int
    approvers: tuple[bytes, ...]


class TreasuryQueries:
    """One treasury. The operator's key pays for gas and decides nothing."""

    def __init__(self, client: ChainClient, deployment: Deployment, operator: Sender) -> None:
        self.address = deployment.address("Treasury")
        self.domain: Domain = treasury_domain(deployment.chain_id, self.address)
        self._client, self._operator = client, operator
        self._abi = known_abi()
        self._contract = Contract(self.address, self._abi)

    async def l1_block_number(self) -> int:
        """Return the number of the newest block."""
        return (await self._client.latest()).number

    async def needs(self, calls: Sequence[Call]) -> Needs:
        """Return what calls need now. Raises ProposalRefused, ChainUnavailable."""
        weight, timelock_s = await self._read("tierOf", [_call_tuple(call) for call in calls])
        return Needs(weight, timelock_s)

    async def weight(self, proposal: Proposal, approvals: Sequence[Approval]) -> int:
        """Return what approvals weigh for a proposal now.

        Raises SignerUnknown or ApprovalInvalid for the first wrong one, ChainUnavailable.
        """
        if not approvals:
            return 0
        shown = _approval_tuples(approvals)
        return int(await self._read("weightOf", _proposal_tuple(proposal), shown))

    async def is_signer(self, signer: bytes) -> bool:
        """Return whether somebody is one of the treasury's signers now."""
        return bool(await self._read("isSigner", signer))

    async def state(
        self, proposal: Proposal, proposal_id: Digest, from_block: int
    ) -> ProposalState:
        """Return how a proposal stands; it was made at `from_block` or later."""
        latest = await self._client.latest()
        is_used = proposal.nonce < await self._read(
            "nonceOf", proposal.proposer, proposal.nonce_key
        )
        is_executed = is_used and await self._was_executed(proposal_id, from_block, latest.number)
        signers = await self._read("getSigners", 0, 2**64 - 1)
        approvers = [
            signer
            for signer in signers
            if len(signer) == _ADDRESS_BYTES and await self._read("isApproved", proposal_id, signer)
        ]
        return ProposalState(
            latest.ts_s,
            is_executed,
            is_used and not is_executed,
            await self._read("isCancelled", proposal_id),
            await self._read("scheduledAtTsS", proposal_id),
            tuple(approvers),
        )

    async def dry_run(self, calls: Sequence[Call]) -> DryRun:
        """Return what the calls would do if the treasury made them now."""
        return await dry_run(self._client, self.address, calls, self._abi)

    async def schedule(self, proposal: Proposal, approvals: Sequence[Approval]) -> bytes | None:
        """Start a proposal's timelock, as `execute`."""
        return await self._send("schedule", proposal, approvals)

    async def execute(self, proposal: Proposal, approvals: Sequence[Approval]) -> bytes | None:
        """Execute a proposal; return the transaction's hash, None if its outcome is not known yet.

        Raises what the treasury refuses with; ChainUnavailable if nothing was sent.
        """
        return await self._send("execute", proposal, approvals)

    async def cancel(self, proposal: Proposal, approvals: Sequence[Approval]) -> bytes | None:
        """End a proposal, by approvals of its cancellation, as `execute`."""
        return await self._send("cancel", proposal, approvals)

    async def _send(
        self, function: str, proposal: Proposal, approvals: Sequence[Approval]
    ) -> bytes | None:
        arguments = _proposal_tuple(proposal), _approval_tuples(approvals)
        outcome = await self._operator.call(self._contract, function, *arguments)
        if isinstance(outcome, Done):
            return outcome.receipt.tx_hash
        if isinstance(outcome, Refused):
            error = outcome.reason.error
            raise self._refusal(error) if error else ProposalRefused(str(outcome.reason))
        return None

    async def _was_executed(self, proposal_id: Digest, first: int, last: int) -> bool:
        """Return whether the event tells that it was this proposal which used its nonce."""
        topics = (self._abi.topic("ProposalExecuted"), proposal_id)
        for start, end in block_ranges(first, last):
            if await self._client.logs([self.address], start, end, topics):
                return True
        return False

    async def _read(self, function: str, *arguments: Any) -> Any:
        try:
            return await self._client.read(self._contract, function, *arguments)
        except ContractError as error:
            raise self._refusal(error) from error
        except RpcError as error:
            raise ChainUnavailable() from error

    def _refusal(self, error: ContractError) -> PaymentError:
        values = error.values
        match error.name:
            case "SignerUnknown":
                return SignerUnknown(signer_text(values["signer"]))
            case "SignatureInvalid":
                return ApprovalInvalid(signer_text(values["signer"]))
            case "ProposalExpired":
                return ProposalExpired(values["deadline"])
            case "WeightNotReached":
                return ProposalNotApproved(values["actual"], values["needed"])
            case "OwnApprovalRefused":
                return ProposalNotApproved(values["actualOfOthers"], values["needed"])
            case "TimelockOpen":
                return ProposalTimelocked(values["eligibleAtTsS"])
            case "CallFailed":
                reason = self._abi.decode_error(values["reason"])
                return ProposalRefused(
                    f"call {values['index']} fails: {reason or 'no reason told'}"
                )
        return ProposalRefused(str(error))


def known_abi() -> ContractAbi:
    """Return the functions and errors that a dry run can name."""
    first, *others = (found.abi for found in artifacts(_KNOWN).values())
    return first.joined(*others)


def governance_of(signer_count: int, timelock_s: int) -> tuple[int, int, int, bool, int, int, int]:
    """Return the Governance of a new treasury whose signers weigh 1 each: most of them are needed.

    From three signers on, a proposer's own approval weighs nothing, and two of them veto: one
    stolen key could otherwise cancel everything for ever, its own dismissal too. If no proposal was
    executed for `LOST_AFTER_S`, the others replace a signer who is lost.
    """
    weight_needed = signer_count // 2 + 1
    is_own_refused = signer_count > weight_needed
    recovery_timelock_s = max(RECOVERY_TIMELOCK_S, timelock_s)
    return (
        weight_needed,
        timelock_s,
        min(weight_needed, 2),
        is_own_refused,
        LOST_AFTER_S,
        weight_needed,
        recovery_timelock_s,
    )


def _call_tuple(call: Call) -> tuple[Any, ...]:
    return (call.target, call.value, call.data)


def _proposal_tuple(proposal: Proposal) -> tuple[Any, ...]:
    return (
        proposal.proposer,
        [_call_tuple(call) for call in proposal.calls],
        proposal.nonce_key,
        proposal.nonce,
        proposal.deadline,
        proposal.purpose,
    )


def _approval_tuples(approvals: Sequence[Approval]) -> list[tuple[bytes, bytes]]:
    return [(approval.signer, approval.signature) for approval in in_order(approvals)]
