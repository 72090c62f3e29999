"""What proposals need of the chain. Each call raises ChainUnavailable if it doesn't answer."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from backend.protocol.eip712 import Domain
from backend.protocol.hashing import Digest
from backend.protocol.proposals import Approval, Call, Proposal
from backend.protocol.types import Address


class Needs(Protocol):
    """What calls need as the policy is now."""

    @property
    def weight(self) -> int: ...
    @property
    def timelock_s(self) -> int: ...


class ProposalState(Protocol):
    """A proposal as the chain has it."""

    @property
    def l1_ts_s(self) -> int: ...
    @property
    def is_executed(self) -> bool: ...
    @property
    def is_void(self) -> bool: ...
    @property
    def is_cancelled(self) -> bool: ...
    @property
    def scheduled_ts_s(self) -> int: ...
    @property
    def approvers(self) -> Sequence[bytes]: ...


class DecodedCall(Protocol):
    """A function's name and its arguments by name."""

    @property
    def name(self) -> str: ...
    @property
    def values(self) -> Mapping[str, Any]: ...


class CallEffect(Protocol):
    """One call of a dry run."""

    @property
    def call(self) -> Call: ...
    @property
    def decoded(self) -> DecodedCall | None: ...
    @property
    def error(self) -> str | None: ...


class BalanceChange(Protocol):
    """What an account would have more, or less, of a token."""

    @property
    def token(self) -> Address: ...
    @property
    def account(self) -> Address: ...
    @property
    def amount(self) -> int: ...


class DryRun(Protocol):
    """What calls would do."""

    @property
    def succeeds(self) -> bool: ...
    @property
    def effects(self) -> Sequence[CallEffect]: ...
    @property
    def changes(self) -> Sequence[BalanceChange] | None: ...


class Treasury(Protocol):
    """The treasury on the chain."""

    @property
    def address(self) -> Address: ...
    @property
    def domain(self) -> Domain: ...

    async def l1_block_number(self) -> int:
        """Return the number of the newest block."""

    async def needs(self, calls: Sequence[Call]) -> Needs:
        """Return what calls need. Raises ProposalRefused."""

    async def weight(self, proposal: Proposal, approvals: Sequence[Approval]) -> int:
        """Return what approvals weigh. Raises SignerUnknown, ApprovalInvalid."""

    async def is_signer(self, signer: bytes) -> bool:
        """Return whether somebody is a signer now."""

    async def state(
        self, proposal: Proposal, proposal_id: Digest, from_block: int
    ) -> ProposalState:
        """Return how a proposal stands; it was made at `from_block` or later."""

    async def dry_run(self, calls: Sequence[Call]) -> DryRun:
        """Return what the calls would do if the treasury made them now."""

    async def schedule(self, proposal: Proposal, approvals: Sequence[Approval]) -> bytes | None:
        """Start a proposal's timelock, as `execute`."""

    async def execute(self, proposal: Proposal, approvals: Sequence[Approval]) -> bytes | None:
        """Execute a proposal; return the transaction's hash, None while its outcome is unknown.

        A repeat is refused by the treasury. Raises what it refuses with.
        """

    async def cancel(self, proposal: Proposal, approvals: Sequence[Approval]) -> bytes | None:
        """End a proposal, by approvals of its cancellation, as `execute`."""
