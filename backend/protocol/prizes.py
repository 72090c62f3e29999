"""Prizes as in contracts/interfaces/IPrizes.sol: their ids, entries and proofs.

Amounts are minor units of the prize's asset; times are seconds of L1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from backend.protocol.authorised import AuthorisedTree
from backend.protocol.hashing import Digest, keccak
from backend.protocol.types import Address


class PrizePayout(IntEnum):
    """How a prize is paid: as in IPrizes."""

    WALLET = 0
    ACCOUNT = 1
    ORDERS = 2

    @property
    def word(self) -> str:
        """What people call it: wallet, account, orders."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Prize:
    """A prize on the chain; `remaining_minor` is what is left there."""

    sponsor: Address
    asset_id: int
    payout: PrizePayout
    deadline_ts_s: int
    remaining_minor: int
    root: Digest
    terms_hash: Digest


@dataclass(frozen=True, slots=True)
class PrizeEntry:
    """Who gets how many minor units; `index` counts from 0."""

    index: int
    person: Address
    amount_minor: int


def prize_id(chain_id: int, prizes: Address, sponsor: Address, salt: Digest) -> Digest:
    """Return the id that a sponsor's prize has in the contract `prizes`."""
    return keccak(chain_id.to_bytes(32) + _word(prizes) + _word(sponsor) + salt)


def entry_leaf(of_prize: Digest, entry: PrizeEntry) -> Digest:
    """Return an entry's leaf: hashed twice, so that no inner node can pass for one."""
    numbers = entry.index.to_bytes(32), _word(entry.person), entry.amount_minor.to_bytes(32)
    return keccak(keccak(of_prize + b"".join(numbers)))


def prize_tree(of_prize: Digest, entries: Sequence[PrizeEntry]) -> AuthorisedTree:
    """Return the tree of one or more entries, whose proofs the contract takes."""
    return AuthorisedTree([entry_leaf(of_prize, entry) for entry in entries])


def _word(address: Address) -> bytes:
    return address.rjust(32, b"\0")
