"""What the chain says, as plain values: blocks, logs, receipts, outcomes.

Law: the outcome of a transaction is done, refused or unknown, and *unknown is never failed*: it is
kept, and the chain is asked again by the transaction's hash.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from backend.settlement.abi import ContractAbi, ContractError


@dataclass(frozen=True, slots=True)
class L1Point:
    """A block of the chain, named beyond doubt."""

    number: int
    block_hash: bytes


@dataclass(frozen=True, slots=True)
class L1Block:
    """A block's head; `ts_s` is L1 time."""

    number: int
    block_hash: bytes
    parent_hash: bytes
    ts_s: int
    base_fee_wei: int

    @property
    def point(self) -> L1Point:
        return L1Point(self.number, self.block_hash)


@dataclass(frozen=True, slots=True)
class L1Log:
    """An event as the chain keeps it."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    block: L1Point
    tx_hash: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class L1Transaction:
    """A transaction in a block, or in the node's pool if `block` is None."""

    tx_hash: bytes
    sender: bytes
    nonce: int
    data: bytes
    block: L1Point | None
    versioned_hashes: tuple[bytes, ...] = ()  # of its blobs


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a mined transaction."""

    tx_hash: bytes
    block: L1Point
    is_success: bool
    gas_used: int
    gas_price_wei: int
    blob_gas_used: int


@dataclass(frozen=True, slots=True)
class Fees:
    """What a transaction bids; the blob fee is None in an ordinary one."""

    max_fee_wei: int
    priority_fee_wei: int
    max_blob_fee_wei: int | None = None


@dataclass(frozen=True, slots=True)
class Prices:
    """What the next block asks for; the blob price is None on a chain without blobs."""

    base_fee_wei: int
    priority_fee_wei: int
    blob_fee_wei: int | None


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract's address with what it understands."""

    address: bytes
    abi: ContractAbi


class Refusal(StrEnum):
    """Why a node took no transaction."""

    REVERTED = "reverted"
    NONCE_TOO_LOW = "nonce too low"
    UNDERPRICED = "underpriced"
    INSUFFICIENT_FUNDS = "insufficient funds"
    BLOBS_REFUSED = "blobs refused"
    TOO_LARGE = "too large"
    OTHER = "refused"


@dataclass(eq=False)
class TransactionRefused(Exception):
    """The chain will not do it. `error` is the contract's own error where there is one."""

    refusal: Refusal
    message: str
    error: ContractError | None = None

    def __str__(self) -> str:
        return f"{self.refusal}: {self.error or self.message}"


@dataclass(eq=False)
class RpcError(Exception):
    """The node answered with an error; `data` is what a contract reverted with, if it did."""

    code: int
    message: str
    data: bytes = b""

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"


@dataclass(frozen=True, slots=True)
class Done:
    """Mined, and it did not revert."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Refused:
    """Not sent, or mined and reverted: it has changed nothing."""

    reason: TransactionRefused


@dataclass(frozen=True, slots=True)
class Unknown:
    """Sent, perhaps; it may still be mined. Ask for its receipt again."""

    tx_hash: bytes


Outcome: TypeAlias = Done | Refused | Unknown

# What nodes write (geth, Nethermind, reth, anvil, Hardhat), in the order of asking.
_REFUSALS: Sequence[tuple[Refusal, tuple[str, ...]]] = (
    (Refusal.NONCE_TOO_LOW, ("nonce too low", "nonce is too low", "oldnonce", "expected nonce to")),
    (Refusal.UNDERPRICED, ("underpriced", "replacementnotallowed", "replacement transaction")),
    (Refusal.INSUFFICIENT_FUNDS, ("insufficient funds", "enough funds", "insufficientfunds")),
    (Refusal.TOO_LARGE, ("oversized data", "exceeds block gas", "gas limit", "max initcode")),
    (Refusal.BLOBS_REFUSED, ("blob", "eip-4844", "eip4844", "sidecar", "type not supported")),
    (Refusal.REVERTED, ("revert",)),
)


def refusal_of(message: str) -> Refusal:
    """Return what a node means by its words: there is no standard for them."""
    lower = message.lower()
    matches = (refusal for refusal, parts in _REFUSALS if any(part in lower for part in parts))
    return next(matches, Refusal.OTHER)


def is_already_known(message: str) -> bool:
    """Return whether the node has this very transaction, which is as good as sent."""
    words = ("already known", "already imported", "known transaction")
    return any(part in message.lower() for part in words)
