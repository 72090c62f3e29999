"""What a node is given, and what it answers."""

from dataclasses import dataclass
from os import cpu_count
from pathlib import Path

from backend.engine.group_commit import WAITING_MAX
from backend.engine.rounds import Committee
from backend.engine.sequencer import BLOCK_ORDERS_MAX
from backend.engine.validator import TIMEOUT_MS_MIN
from backend.engine.vector.verification import VerifierName
from backend.protocol.hashing import Digest
from backend.protocol.log_entries import IdentityEntry
from backend.protocol.order_records import AuthorisedOrder
from backend.protocol.signing import PrivateKey
from backend.protocol.types import AccountId


class TooManyRely(ValueError):
    """More validators would rely on the lanes alone than may be wrong."""

    def __init__(self, validators: int, faults_max: int) -> None:
        super().__init__(
            f"{validators} validators are here, and at most {faults_max} of the committee may rely "
            "on the verifier 'simd': choose 'libsecp256k1' (docs/security/verification.md)"
        )
        self.validators = validators
        self.faults_max = faults_max


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """What a node is: whose ledger, which keys it holds, how long it waits."""

    identity: IdentityEntry
    committee: Committee
    validator_keys: tuple[PrivateKey, ...]
    sequencer_keys: tuple[PrivateKey, ...]
    snapshot_folder: Path | None = None
    block_orders_max: int = BLOCK_ORDERS_MAX
    waiting_max: int = WAITING_MAX
    undecided_max: int = 20_000  # orders
    untold_max: int = 100_000  # final orders that observers have not worked through
    order_wait_ms_max: int = 5_000
    quorum_wait_ms_max: int = 2_000
    timeout_ms_min: int = TIMEOUT_MS_MIN
    tick_ms: int = 25
    idle_ms_max: int | None = None
    """After so long without a block an empty one is made."""
    signatures_lost: bool = False
    """Whether signatures of the validators may be lost (a restored backup): rule 7."""
    verifier: VerifierName = "libsecp256k1"
    """Who says whether orders of bulk requests are signed; all validators here rely on it."""
    verifier_threads: int = cpu_count() or 1

    def __post_init__(self) -> None:
        """Raise TooManyRely for a verifier that so many validators may not share."""
        held = {key.address for key in self.validator_keys}
        # Successors sign after the others, never beside them.
        present = len(held.intersection(self.committee.validators))
        count = max(present, len(held) - present)
        if self.verifier == "simd" and count > self.committee.faults_max:
            raise TooManyRely(count, self.committee.faults_max)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The record is durable. It will end final or rejected. `payment_id` is its id: an order's
    digest, or a group's link."""

    payment_id: Digest


@dataclass(frozen=True, slots=True)
class PendingOrder:
    """An accepted order that no block has decided, and when the log took it.

    `group` is the link of the group that it is a leg of.
    """

    authorised: AuthorisedOrder
    accepted_ts_ms: int
    group: Digest | None = None


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account at the last final block; the last two fields count pending orders too."""

    account_id: AccountId
    balance_minor: int
    nonce: int
    nonce_next: int
    available_minor: int


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """How the node is. `failure` says why it has stopped, if it has."""

    block_number: int
    block_hash: Digest
    epoch: int
    round: int
    undecided_count: int
    l1_block_number: int
    has_quorum: bool
    failure: str | None


class NodeStopped(Exception):
    """The node doesn't run: it was not started, was stopped, or has failed for this reason."""
