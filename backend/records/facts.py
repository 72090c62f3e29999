"""What the projections follow from: final blocks of the engine, and events of the chain.

Law: of each source, the same facts in the same order give the same rows. Deposits and batches are
told before they are confirmed, so these may go again; all else is told when it is confirmed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.protocol.batches import BatchHeader
from backend.protocol.blocks import Block, Body
from backend.protocol.hashing import Digest
from backend.protocol.orders import WithdrawalOrder
from backend.protocol.types import Address, DepositRecord


class FinalBlock(Protocol):
    """A certified block with all that it did (fitted by the engine's own)."""

    @property
    def block(self) -> Block: ...

    @property
    def block_hash(self) -> Digest: ...

    @property
    def body(self) -> Body: ...

    @property
    def slots(self) -> bytes: ...

    @property
    def sweep_orders(self) -> Sequence[WithdrawalOrder]:
        """The orders that its sweeps equal; they take the first slots."""

    @property
    def rejected_ids(self) -> Sequence[tuple[Digest, int]]: ...


@dataclass(frozen=True, slots=True)
class DepositSeen:
    """The chain queued a deposit, in a block that may still go."""

    deposit_index: int
    record: DepositRecord
    l1_block_number: int
    tx_hash: bytes


@dataclass(frozen=True, slots=True)
class DepositConfirmed:
    """A deposit is `confirmations` deep."""

    deposit_index: int
    l1_block_number: int  # the block that made it so deep
    ts_ms: int


@dataclass(frozen=True, slots=True)
class DepositGone:
    """A reorganisation took the deposit back."""

    deposit_index: int
    l1_block_number: int
    ts_ms: int


@dataclass(frozen=True, slots=True)
class BatchPosted:
    """The chain accepted a batch. `noop_slots`: where its chunks are padded; None: not known yet,
    the same event may bring it later.
    """

    header: BatchHeader
    header_hash: bytes
    accepted_ts_s: int
    signers: int
    l1_block_number: int
    tx_hash: bytes
    noop_slots: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class BatchSettled:
    """The frontier moved past a batch."""

    number: int
    l1_block_number: int
    ts_ms: int


@dataclass(frozen=True, slots=True)
class BatchGone:
    """A reorganisation took back a batch."""

    number: int
    header_hash: bytes
    l1_block_number: int
    ts_ms: int


@dataclass(frozen=True, slots=True)
class BatchRolledBack:
    """A proven fraud removed a batch, this one or one before it, for ever."""

    number: int
    header_hash: bytes
    l1_block_number: int
    ts_ms: int


@dataclass(frozen=True, slots=True)
class ChallengeOpened:
    """Somebody doubts that operations of a chunk were authorised."""

    header_hash: bytes
    batch_number: int
    slot_number: int  # in the batch, of the lowest
    positions: int  # in the chunk, as a mask: bit p is position p
    challenger: Address
    deadline_ts_s: int
    l1_block_number: int
    ts_ms: int


@dataclass(frozen=True, slots=True)
class ChallengeEnded:
    """A challenge was answered, has expired, or its bond went back with its batch removed."""

    header_hash: bytes
    slot_number: int
    status: str  # answered, expired, released
    l1_block_number: int
    ts_ms: int


@dataclass(frozen=True, slots=True)
class ExitRequested:
    """An owner asked for all money of his account."""

    exit_index: int
    account_id: int
    owner: Address
    l1_block_number: int
    ts_ms: int
    tx_hash: bytes


@dataclass(frozen=True, slots=True)
class ExitServed:
    """Somebody showed under a batch that an account no longer holds its owner's money."""

    account_id: int
    owner: Address
    batch_number: int
    l1_block_number: int
    ts_ms: int


@dataclass(frozen=True, slots=True)
class EpochBegun:
    """The chain began a committee's term."""

    number: int
    l1_block_number: int
    ts_ms: int


@dataclass(frozen=True, slots=True)
class RollupFrozen:
    """The chain takes nothing in any more; `reason` is the name of IRollupState's FreezeReason."""

    reason: str
    l1_block_number: int
    ts_ms: int  # of the chain


@dataclass(frozen=True, slots=True)
class AccountEscaped:
    """After a freeze, the chain paid out an account."""

    account_id: int
    owner: Address
    l1_block_number: int
    ts_ms: int


@dataclass(frozen=True, slots=True)
class DepositRefunded:
    """After a freeze, the chain paid back a deposit."""

    deposit_index: int
    l1_block_number: int
    ts_ms: int
    tx_hash: bytes


@dataclass(frozen=True, slots=True)
class WithdrawalAdvanced:
    """A provider paid a withdrawal at once, and claims it later."""

    claim_key: bytes
    owner: Address
    provider: Address
    l1_block_number: int
    ts_ms: int
    tx_hash: bytes


@dataclass(frozen=True, slots=True)
class WithdrawalClaimed:
    """A withdrawal was paid on the chain."""

    claim_key: bytes
    owner: Address
    batch_number: int
    slot_number: int  # in the batch
    l1_block_number: int
    ts_ms: int
    tx_hash: bytes


ChainEvent = (
    DepositSeen
    | DepositConfirmed
    | DepositGone
    | BatchPosted
    | BatchSettled
    | BatchGone
    | BatchRolledBack
    | ChallengeOpened
    | ChallengeEnded
    | ExitRequested
    | ExitServed
    | EpochBegun
    | RollupFrozen
    | AccountEscaped
    | DepositRefunded
    | WithdrawalAdvanced
    | WithdrawalClaimed
)
