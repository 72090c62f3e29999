"""What happened on the chain, as typed events for observers.

Each event has an id that is the same whenever the chain is read again, so that whoever keeps
events can drop a repeat. *Seen* and *posted* events may be taken back (*gone*) until they are
confirmed; all others are told only when they are confirmed.
"""

from dataclasses import dataclass

from backend.protocol.types import (
    AccountId,
    Address,
    Asset,
    AuthorisedRoot,
    DepositRecord,
    Epoch,
    ExitRequest,
)
from backend.settlement.batch_data import PostedBatch
from backend.settlement.chain import L1Point


@dataclass(frozen=True, slots=True)
class Place:
    """Where on the chain an event stands."""

    block: L1Point
    tx_hash: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class ChainEvent:
    """Something that happened on L1."""

    place: Place


@dataclass(frozen=True, slots=True)
class _DepositEvent(ChainEvent):
    index: int  # in the queue, from 0
    record: DepositRecord


class DepositSeen(_DepositEvent):
    """A deposit is in a block."""


class DepositConfirmed(_DepositEvent):
    """A deposit is as deep as facts have to be; the ledger will credit it."""


class DepositGone(_DepositEvent):
    """A reorganisation removed a deposit that was seen."""


@dataclass(frozen=True, slots=True)
class _BatchEvent(ChainEvent):
    batch: PostedBatch


class BatchPosted(_BatchEvent):
    """L1 accepted a batch. Not told of one that stands in the place of a batch whose removal isn't
    confirmed yet: that one is told when it is confirmed itself."""


class BatchConfirmed(_BatchEvent):
    """An accepted batch is as deep as facts have to be."""


class BatchGone(_BatchEvent):
    """A reorganisation removed a batch that was posted."""


class BatchRolledBack(_BatchEvent):
    """A proven fraud removed a batch, this one or one before it. Its blocks are final all the same.

    Told for each batch that is removed, the last one first.
    """


@dataclass(frozen=True, slots=True)
class RolledBack(ChainEvent):
    """L1 took back batch `number` and all after it."""

    number: int


@dataclass(frozen=True, slots=True)
class RollupFrozen(ChainEvent):
    """Nothing comes in any more; `reason` is the name of IRollupState's FreezeReason."""

    reason: str
    ts_s: int


@dataclass(frozen=True, slots=True)
class BatchSettled(ChainEvent):
    """A batch's window has passed: withdrawals can be claimed from it."""

    number: int


@dataclass(frozen=True, slots=True)
class WithdrawalClaimed(ChainEvent):
    """L1 paid a withdrawal. `amount` is in token base units, `nonce` the order's."""

    owner: Address
    asset_id: int
    token: Address
    nonce: int
    amount: int
    batch_number: int
    slot_number: int
    key: bytes


@dataclass(frozen=True, slots=True)
class WithdrawalAdvanced(ChainEvent):
    """A provider paid a withdrawal before its batch settled, and is its claimant now."""

    key: bytes
    owner: Address
    provider: Address


@dataclass(frozen=True, slots=True)
class AssetListed(ChainEvent):
    """A token became an asset."""

    asset: Asset


@dataclass(frozen=True, slots=True)
class OrdersAuthorised(ChainEvent):
    """An owner authorised a root of orders. `index` counts the roots of all owners, from 0."""

    index: int
    root: AuthorisedRoot


@dataclass(frozen=True, slots=True)
class ExitRequested(ChainEvent):
    """An owner asked for an exit. `index` counts the requests of all owners, from 0."""

    index: int
    request: ExitRequest


@dataclass(frozen=True, slots=True)
class ExitServed(ChainEvent):
    """Somebody showed under a batch that an account no longer holds its owner's money."""

    account_id: AccountId
    owner: Address
    batch_number: int


@dataclass(frozen=True, slots=True)
class EpochBegun(ChainEvent):
    """L1 began a committee's term."""

    epoch: Epoch


@dataclass(frozen=True, slots=True)
class DepositRefunded(ChainEvent):
    """After a freeze, a deposit was paid back."""

    index: int


@dataclass(frozen=True, slots=True)
class Escaped(ChainEvent):
    """After a freeze, an account was paid out to its owner."""

    account_id: AccountId
    owner: Address


@dataclass(frozen=True, slots=True)
class ChallengeOpened(ChainEvent):
    """Somebody doubts that operations of a chunk were authorised: `positions` is their mask."""

    batch_number: int
    header_hash: bytes
    slot_number: int
    positions: int
    challenger: Address
    deadline_ts_s: int


@dataclass(frozen=True, slots=True)
class _ChallengeEvent(ChainEvent):
    header_hash: bytes
    slot_number: int


class ChallengeAnswered(_ChallengeEvent):
    """It was shown who authorised the last of the operations."""


class ChallengeExpired(_ChallengeEvent):
    """Nobody answered in time: fraud. The roll-back is an event of its own."""


class BondReleased(_ChallengeEvent):
    """The batch was removed while the challenge was open."""


@dataclass(frozen=True, slots=True)
class PersonAttested(ChainEvent):
    """The registry recorded an attestation."""

    person: Address
    attestor: Address
    level: int
    expiry_ts_s: int
    issued_ts_s: int


@dataclass(frozen=True, slots=True)
class PersonRevoked(ChainEvent):
    """An attestor revoked a person."""

    person: Address
    attestor: Address
    revoked_ts_s: int


@dataclass(frozen=True, slots=True)
class AttestorDismissed(ChainEvent):
    """An attestor is trusted no more."""

    attestor: Address
