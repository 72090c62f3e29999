"""Transactions as signed bytes: EIP-1559 (type 2) and EIP-4844 (type 3). Pure.

The same input gives the same bytes (RFC 6979), so a transaction whose fate is unknown can be made
again from what the log says about it, and sent again without harm.
"""

from dataclasses import dataclass
from typing import Any, Final

import rlp

from backend.protocol.hashing import keccak
from backend.protocol.signing import PrivateKey
from backend.settlement.chain import Fees, Prices

TRANSACTION_GAS_MAX: Final = 16_777_216  # EIP-7825
TRANSACTION_SIZE_BYTES_MAX: Final = 131_072  # what public nodes take, blobs apart
_BLOB_FEE_WEI_MIN: Final = 1
_EXCESS_FACTOR: Final = 64


@dataclass(frozen=True, slots=True)
class Transaction:
    """What is signed. `to` None creates a contract; versioned hashes make it a blob transaction."""

    chain_id: int
    nonce: int
    to: bytes | None
    data: bytes
    gas: int
    fees: Fees
    versioned_hashes: tuple[bytes, ...] = ()
    value_wei: int = 0

    @property
    def kind(self) -> bytes:
        """The type byte."""
        return b"\x03" if self.versioned_hashes else b"\x02"

    def _fields(self) -> list[Any]:
        fields = [
            self.chain_id,
            self.nonce,
            self.fees.priority_fee_wei,
            self.fees.max_fee_wei,
            self.gas,
            self.to or b"",
            self.value_wei,
            self.data,
            [],  # access list
        ]
        if self.versioned_hashes:
            fields += [self.fees.max_blob_fee_wei, list(self.versioned_hashes)]
        return fields


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A transaction ready to send; `raw` has no blobs (see `kzg.blob_transaction`)."""

    tx_hash: bytes
    raw: bytes


def sign(transaction: Transaction, key: PrivateKey) -> SignedTransaction:
    """Return the transaction signed by `key`."""
    fields = transaction._fields()
    signature = key.sign_digest(keccak(transaction.kind + rlp.encode(fields)))
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
    raw = transaction.kind + bytes(rlp.encode([*fields, signature[64] - 27, r, s]))
    return SignedTransaction(keccak(raw), raw)


def fees_of(prices: Prices, *, has_blobs: bool = False) -> Fees:
    """Return a bid that stands six full blocks: twice the base fees, and the tip."""
    blob_fee = max(2 * (prices.blob_fee_wei or 0), _BLOB_FEE_WEI_MIN) if has_blobs else None
    max_fee_wei = 2 * prices.base_fee_wei + prices.priority_fee_wei
    return Fees(max_fee_wei, prices.priority_fee_wei, blob_fee)


def raised(fees: Fees, now: Fees) -> Fees:
    """Return the smallest bid that nodes take in place of `fees`, and not below `now`.

    An ordinary transaction must bid 10 % more on both fees, one with blobs 100 % more on all three
    (the rule of geth's pools, which others copy).
    """
    has_blobs = fees.max_blob_fee_wei is not None
    numerator, denominator = (2, 1) if has_blobs else (11, 10)

    def above(old: int, new: int) -> int:
        return max(-(-old * numerator // denominator), old + 1, new)

    blob_fee = None
    if fees.max_blob_fee_wei is not None:
        blob_fee = above(fees.max_blob_fee_wei, now.max_blob_fee_wei or 0)
    priority = above(fees.priority_fee_wei, now.priority_fee_wei)
    return Fees(max(above(fees.max_fee_wei, now.max_fee_wei), priority), priority, blob_fee)


def is_excessive(fees: Fees, now: Fees) -> bool:
    """Return whether a bid is so far above the market that more of it can't be what helps."""
    pairs = [
        (fees.max_fee_wei, now.max_fee_wei),
        (fees.priority_fee_wei, now.priority_fee_wei),
        (fees.max_blob_fee_wei or 0, now.max_blob_fee_wei or 0),
    ]
    return any(bid > _EXCESS_FACTOR * max(market, 1) for bid, market in pairs)


def gas_limit_of(estimate_gas: int) -> int:
    """Return an estimate with a fifth added, since the state may change before it is mined."""
    return min(estimate_gas + estimate_gas // 5, TRANSACTION_GAS_MAX)


def floor_gas(data: bytes) -> int:
    """Return the least gas that a transaction with this calldata is charged (EIP-7623)."""
    zeros = data.count(0)
    return 21_000 + 10 * zeros + 40 * (len(data) - zeros)
