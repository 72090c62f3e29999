"""The record of balances. Law: an asset's balances add up to its deposits less its withdrawals."""

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from backend.protocol.errors import check_invariant
from backend.protocol.money import BalanceMinor
from backend.protocol.types import (
    BRIDGE,
    BRIDGE_OWNER,
    FEE_PARTITION,
    AccountId,
    Address,
    Asset,
    AuthorisedRoot,
    Epoch,
    Leaf,
    partition_of,
)

# Section 1: what an asset has had deposited less what was claimed stays below this.
SUPPLY_MINOR_LIMIT: Final = 2**63
_PARTITION_SIZE: Final = 2**24
# Ids 0 and 1 are reserved.
FIRST_ACCOUNT: Final = 2
_FIRST_INDEX: Final = (FIRST_ACCOUNT, *([0] * (FEE_PARTITION - 1)))

_Kind = TypeVar("_Kind", bound="Ledger")

GENESIS_LEAF: Final = Leaf(BRIDGE_OWNER, 0, 0, BalanceMinor(0))


@dataclass(frozen=True, slots=True)
class Changes:
    """What a block does to the ledger: the leaves as they are after it, and what L1 told.

    `opened` are the accounts that the block opens, in order; their leaves are in `leaves` too.
    `supply_minor` is by asset, only of assets that came in or went out. `exit_count` requests have
    been told of by then, and `exiting` are the accounts still to be swept. `epoch` begins after the
    block, if the block closes its own.
    """

    block_number: int
    l1_block_number: int
    listings: tuple[Asset, ...]
    roots: tuple[AuthorisedRoot, ...]
    opened: tuple[AccountId, ...]
    leaves: Mapping[AccountId, Leaf]
    supply_minor: Mapping[int, int]
    exit_count: int = 0
    exiting: tuple[AccountId, ...] = ()
    epoch: Epoch | None = None


@dataclass(slots=True)
class Ledger:
    """Accounts after block `block_number`. Read it freely; `advance` alone changes it.

    `l1_block_number` is the L1 block up to which facts have been used; BRIDGE's nonce counts the
    deposits consumed, so `deposit_count` is the index of the next one.
    """

    block_number: int = 0
    l1_block_number: int = 0
    leaves: MutableMapping[AccountId, Leaf] = field(default_factory=lambda: {BRIDGE: GENESIS_LEAF})
    account_ids: MutableMapping[tuple[Address, int], AccountId] = field(default_factory=dict)
    assets: dict[int, Asset] = field(default_factory=dict)
    asset_ids: dict[Address, int] = field(default_factory=dict)
    supply_minor: dict[int, int] = field(default_factory=dict)
    roots: dict[AuthorisedRoot, None] = field(default_factory=dict)
    """In the order of L1's index."""
    exit_count: int = 0
    exiting: tuple[AccountId, ...] = ()
    """Accounts still to be swept, in the order of their exits."""
    epoch: Epoch | None = None
    """The one in progress; None is the first, which L1 began at deployment."""
    next_index: list[int] = field(default_factory=lambda: list(_FIRST_INDEX))

    @property
    def deposit_count(self) -> int:
        """How many deposits have been consumed."""
        return self.leaves[BRIDGE].nonce

    def asset_of(self, token: Address) -> Asset | None:
        """Return the listing of a token."""
        asset_id = self.asset_ids.get(token)
        return None if asset_id is None else self.assets[asset_id]

    def account(self, owner: Address, asset_id: int) -> tuple[AccountId, Leaf] | None:
        """Return the owner's account of an asset, if it is open."""
        account_id = self.account_ids.get((owner, asset_id))
        return None if account_id is None else (account_id, self.leaves[account_id])

    def free_account_id(self, owner: Address, next_index: dict[int, int]) -> AccountId:
        """Return the id that an account opened for `owner` gets, and note it in `next_index`.

        `next_index` holds, by partition, what has been given out since this state. A full
        partition passes on to the next one, so nobody keeps others out by filling it.
        """
        partition = partition_of(owner)
        while (index := next_index.get(partition, self.next_index[partition])) == _PARTITION_SIZE:
            partition = (partition + 1) % FEE_PARTITION
        next_index[partition] = index + 1
        return AccountId(partition << 24 | index)

    def encode_accounts(self) -> bytes:
        """Return all accounts as a snapshot has them: each id u32 ‖ leaf 38, ids ascending."""
        accounts = sorted(self.leaves.items())
        return b"".join(account_id.to_bytes(4) + leaf.encode() for account_id, leaf in accounts)

    def advance(self, changes: Changes) -> None:
        """Make a block's changes. They must have been computed upon this very state."""
        check_invariant(
            changes.block_number == self.block_number + 1,
            "the changes belong upon another block",
            block_number=self.block_number,
            changes_block_number=changes.block_number,
        )
        for asset in changes.listings:
            self.assets[asset.asset_id] = asset
            self.asset_ids[asset.token] = asset.asset_id
            self.supply_minor[asset.asset_id] = 0
        self.roots.update(dict.fromkeys(changes.roots))
        for account_id in changes.opened:
            leaf = changes.leaves[account_id]
            self._note_opened(account_id, leaf)
        self.leaves.update(changes.leaves)
        self.supply_minor.update(changes.supply_minor)
        self.exit_count, self.exiting = changes.exit_count, changes.exiting
        self.epoch = changes.epoch or self.epoch
        self.block_number = changes.block_number
        self.l1_block_number = changes.l1_block_number

    def fork(self) -> "Ledger":
        """Return a copy that goes its own way. It takes time for every account."""
        return self.fork_as(Ledger, dict(self.leaves), dict(self.account_ids))

    def fork_as(
        self,
        kind: type[_Kind],
        leaves: MutableMapping[AccountId, Leaf],
        account_ids: MutableMapping[tuple[Address, int], AccountId],
    ) -> _Kind:
        """Return a copy of this kind that keeps these accounts, copied by the caller."""
        return kind(
            self.block_number,
            self.l1_block_number,
            leaves,
            account_ids,
            dict(self.assets),
            dict(self.asset_ids),
            dict(self.supply_minor),
            dict(self.roots),
            self.exit_count,
            self.exiting,
            self.epoch,
            list(self.next_index),
        )

    def check_conservation(self) -> None:
        """Raise InvariantViolated unless each asset's balances add up to its supply."""
        sums = dict.fromkeys(self.supply_minor, 0)
        for account_id, leaf in self.leaves.items():
            if account_id != BRIDGE:
                sums[leaf.asset_id] += leaf.balance_minor
        check_invariant(sums == self.supply_minor, "money was made or lost", balances=sums)

    def _note_opened(self, account_id: AccountId, leaf: Leaf) -> None:
        check_invariant(
            (leaf.owner, leaf.asset_id) not in self.account_ids,
            "an owner would have two accounts of an asset",
            account_id=account_id,
        )
        self.account_ids[leaf.owner, leaf.asset_id] = account_id
        partition, index = account_id >> 24, account_id & 0xFFFFFF
        if partition != FEE_PARTITION:
            self.next_index[partition] = index + 1


def ledger_of(
    block_number: int,
    l1_block_number: int,
    assets: Iterable[Asset],
    roots: Iterable[AuthorisedRoot],
    leaves: Mapping[AccountId, Leaf],
    exit_count: int = 0,
    exiting: tuple[AccountId, ...] = (),
    epoch: Epoch | None = None,
) -> Ledger:
    """Return the ledger with these facts and leaves; the rest follows from them."""
    ledger = Ledger(block_number, l1_block_number, dict(leaves))
    ledger.exit_count, ledger.exiting, ledger.epoch = exit_count, exiting, epoch
    ledger.roots.update(dict.fromkeys(roots))
    for asset in assets:
        ledger.assets[asset.asset_id] = asset
        ledger.asset_ids[asset.token] = asset.asset_id
        ledger.supply_minor[asset.asset_id] = 0
    for account_id in sorted(leaves):
        if account_id != BRIDGE:
            leaf = leaves[account_id]
            ledger._note_opened(account_id, leaf)
            ledger.supply_minor[leaf.asset_id] += leaf.balance_minor
    return ledger
