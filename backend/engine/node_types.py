"""What a node is given, and what it answers."""

from dataclasses import dataclass
from pathlib import Path

from backend.engine.group_commit import WAITING_MAX
from backend.engine.rounds import Committee
from backend.engine.sequencer import BLOCK_ORDERS_MAX
from backend.engine.validator import TIMEOUT_MS_MIN
from backend.protocol.hashing import Digest
from backend.protocol.log_entries import IdentityEntry
from backend.protocol.order_records import AuthorisedOrder
from backend.protocol.signing import PrivateKey
from backend.protocol.types import AccountId


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
    order_wait_ms_max: int = 5_000
    quorum_wait_ms_max: int = 2_000
    timeout_ms_min: int = TIMEOUT_MS_MIN
    tick_ms: int = 25
    idle_ms_max: int | None = None
    """After so long without a block an empty one is made."""
    signatures_lost: bool = False
    """Whether signatures of the validators may be lost (a restored backup): rule 7."""


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
