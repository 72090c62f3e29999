"""A treasury and its chain in memory, by the rules of contracts/interfaces/ITreasury.sol."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from backend.protocol.errors import (
    ApprovalInvalid,
    ChainUnavailable,
    PayeeBlocked,
    PaymentError,
    ProposalRefused,
    SignerUnknown,
)
from backend.protocol.hashing import Digest, keccak
from backend.protocol.proposals import (
    Approval,
    Call,
    Proposal,
    cancellation_id,
    in_order,
    signer_text,
    treasury_domain,
)
from backend.protocol.signing import recover
from backend.protocol.types import Address
from backend.settlement.dry_run import CallEffect, DryRun
from backend.settlement.treasury import Needs, ProposalState
from tests.unit.engine.committee import CHAIN_ID, key

TREASURY = Address(b"\x7e" * 20)
RETURNS = key("returns").address
TREASURERS = [key(f"treasurer-{number}") for number in (1, 2, 3)]


@dataclass
class FakeTreasury:
    """Signers of weight 1; what it executes is handed to `on_call`."""

    clock_ms: Callable[[], int]
    on_call: Callable[[Call], None] = lambda call: None
    address: Address = TREASURY
    signers: set[bytes] = field(default_factory=lambda: {bytes(k.address) for k in TREASURERS})
    weight_needed: int = 2
    timelock_s: int = 0
    is_own_refused: bool = True
    offset_s: int = 0  # of its chain's clock
    on_chain: set[tuple[Digest, bytes]] = field(default_factory=set)
    executed: set[Digest] = field(default_factory=set)
    used_keys: set[int] = field(default_factory=set)
    cancelled: set[Digest] = field(default_factory=set)
    scheduled: dict[Digest, int] = field(default_factory=dict)
    is_forgetful: bool = False  # what is sent is done, but nobody hears of it
    is_available: bool = True

    @property
    def domain(self):
        return treasury_domain(CHAIN_ID, self.address)

    def ts_s(self) -> int:
        if not self.is_available:
            raise ChainUnavailable()
        return self.clock_ms() // 1000 + self.offset_s

    async def l1_block_number(self) -> int:
        return 1

    async def needs(self, calls: Sequence[Call]) -> Needs:
        return Needs(self.weight_needed, self.timelock_s)

    async def weight(self, proposal: Proposal, approvals: Sequence[Approval]) -> int:
        return self._weigh(proposal.digest(self.domain), proposal, approvals)

    async def is_signer(self, signer: bytes) -> bool:
        return signer in self.signers

    async def state(self, proposal: Proposal, proposal_id: Digest, from_block: int):
        is_used = proposal.nonce_key in self.used_keys
        is_executed = proposal_id in self.executed
        return ProposalState(
            self.ts_s(),
            is_executed,
            is_used and not is_executed,
            proposal_id in self.cancelled,
            self.scheduled.get(proposal_id, 0),
            tuple(s for s in sorted(self.signers) if (proposal_id, s) in self.on_chain),
        )

    async def dry_run(self, calls: Sequence[Call]) -> DryRun:
        return DryRun(tuple(CallEffect(call, None, None) for call in calls), ())

    async def schedule(self, proposal: Proposal, approvals: Sequence[Approval]):
        proposal_id = self._approved(proposal, approvals)
        self.scheduled[proposal_id] = self.ts_s()
        return self._sent(proposal_id)

    async def execute(self, proposal: Proposal, approvals: Sequence[Approval]):
        proposal_id = self._approved(proposal, approvals)
        if self.timelock_s and self.ts_s() < self.scheduled[proposal_id] + self.timelock_s:
            raise ProposalRefused("TimelockOpen")
        if proposal.nonce_key in self.used_keys:
            raise ProposalRefused("NonceMismatch")
        self.used_keys.add(proposal.nonce_key)
        self.executed.add(proposal_id)
        for call in proposal.calls:
            self.on_call(call)
        return self._sent(proposal_id)

    async def cancel(self, proposal: Proposal, approvals: Sequence[Approval]):
        proposal_id = proposal.digest(self.domain)
        self._weigh(cancellation_id(proposal_id, self.domain), proposal, approvals)
        self.cancelled.add(proposal_id)
        return self._sent(proposal_id)

    def _sent(self, proposal_id: Digest):
        return None if self.is_forgetful else keccak(proposal_id)

    def _approved(self, proposal: Proposal, approvals: Sequence[Approval]) -> Digest:
        proposal_id = proposal.digest(self.domain)
        if self._weigh(proposal_id, proposal, approvals) < self.weight_needed:
            raise ProposalRefused("WeightNotReached")
        if self.ts_s() > proposal.deadline or proposal_id in self.cancelled:
            raise ProposalRefused("ProposalExpired or ProposalIsCancelled")
        return proposal_id

    def _weigh(self, digest: Digest, proposal: Proposal, approvals: Sequence[Approval]) -> int:
        self.ts_s()
        weight = 0
        for approval in in_order(approvals):
            if approval.signer not in self.signers:
                raise SignerUnknown(signer_text(approval.signer))
            if not self._has_approved(digest, approval):
                raise ApprovalInvalid(signer_text(approval.signer))
            weight += not (self.is_own_refused and approval.signer == proposal.proposer)
        return weight

    def _has_approved(self, digest: Digest, approval: Approval) -> bool:
        if not approval.signature:
            return (digest, approval.signer) in self.on_chain
        try:
            return recover(digest, approval.signature) == approval.signer
        except PaymentError:
            return False


@dataclass
class FakePayees:
    """An issuer's block list."""

    blocked: set[Address] = field(default_factory=set)
    is_available: bool = True

    async def refused(self, token: Address, payees: Collection[Address]) -> Mapping[Address, str]:
        if not self.is_available:
            raise ChainUnavailable()
        return {payee: PayeeBlocked.code for payee in payees if payee in self.blocked}
