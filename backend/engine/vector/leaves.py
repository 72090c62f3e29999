"""A ledger's leaves in columns. Law: it does what a Ledger with dictionaries does."""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from backend.engine.ledger.snapshot import check_exiting, decode_snapshot, read_snapshot
from backend.engine.ledger.state import FIRST_ACCOUNT, GENESIS_LEAF, Ledger
from backend.engine.vector.accounts import Accounts, leaf_of
from backend.engine.vector.index import (
    ADDRESS_BYTES,
    KEY_BYTES,
    NO_ROW,
    addresses_in,
    key_of,
    keys_of,
)
from backend.engine.vector.loops import Rows, Words
from backend.protocol.errors import InvariantViolated, check_invariant
from backend.protocol.types import (
    BRIDGE,
    BRIDGE_OWNER,
    FEE_PARTITION,
    AccountId,
    Address,
    Leaf,
)

Holding = tuple[Address, int]
"""An owner and an asset: one account's."""

_INDEX_BITS: Final = 24

ACCOUNT: Final = np.dtype(
    [
        ("id", ">u4"),
        ("owner", np.uint8, ADDRESS_BYTES),
        ("asset_id", ">u2"),
        ("nonce", ">u8"),
        ("balance_minor", ">u8"),
    ]
)
"""An account in a snapshot."""


@dataclass(frozen=True, slots=True, eq=False)
class LeafColumns(Mapping[AccountId, Leaf]):
    """Leaves as a block leaves them: each account once, ids ascending, BRIDGE not among them."""

    ids: Rows
    holdings: Words
    """uint64[n, 3]: the accounts' keys, owners and assets"""
    nonces: Words
    balances: Words
    """minor units"""

    @classmethod
    def of(cls, leaves: Mapping[AccountId, Leaf]) -> "LeafColumns":
        """Return these leaves, BRIDGE's left out."""
        items = sorted(item for item in leaves.items() if item[0] != BRIDGE)
        data = b"".join(key_of(leaf.owner, leaf.asset_id) for _, leaf in items)
        return cls(
            np.array([account_id for account_id, _ in items], np.uint32),
            keys_of(np.frombuffer(data, np.uint8)),
            np.array([leaf.nonce for _, leaf in items], np.uint64),
            np.array([leaf.balance_minor for _, leaf in items], np.uint64),
        )

    def __getitem__(self, account_id: AccountId) -> Leaf:
        place = int(np.searchsorted(self.ids, np.uint32(account_id)))
        if place == len(self.ids) or self.ids[place] != account_id:
            raise KeyError(account_id)
        return leaf_of(self.holdings[place], self.nonces[place], self.balances[place])

    def __iter__(self) -> Iterator[AccountId]:
        return map(AccountId, self.ids.tolist())

    def __len__(self) -> int:
        return len(self.ids)


class FlatLeaves(MutableMapping[AccountId, Leaf]):
    """All leaves of a ledger. No leaf ever goes."""

    def __init__(self, leaves: Mapping[AccountId, Leaf]) -> None:
        self.accounts = Accounts()
        self._bridge = GENESIS_LEAF
        self.update(leaves)

    def __getitem__(self, account_id: AccountId) -> Leaf:
        if account_id == BRIDGE:
            return self._bridge
        row = self.accounts.row_of(account_id)
        if row is None:
            raise KeyError(account_id)
        return self.accounts.leaf(row)

    def __setitem__(self, account_id: AccountId, leaf: Leaf) -> None:
        self.update({account_id: leaf})

    def __delitem__(self, account_id: AccountId) -> None:
        raise TypeError("an account stays")

    def __iter__(self) -> Iterator[AccountId]:
        yield BRIDGE
        yield from map(AccountId, self.accounts.ids[: self.accounts.count].tolist())

    def __len__(self) -> int:
        return self.accounts.count + 1

    def __contains__(self, account_id: object) -> bool:
        if not isinstance(account_id, int):
            return False
        return account_id == BRIDGE or self.accounts.row_of(AccountId(account_id)) is not None

    def update(self, leaves: Any = (), /, **_: Any) -> None:
        """Take leaves in, those of new accounts too."""
        if not isinstance(leaves, LeafColumns):
            self._bridge = leaves.get(BRIDGE, self._bridge)
            leaves = LeafColumns.of(leaves)
        accounts = self.accounts
        rows = accounts.rows_of(leaves.ids)
        is_new = rows == NO_ROW
        opened = accounts.open(leaves.ids[is_new], leaves.holdings[is_new])
        rows[is_new] = np.arange(opened.start, opened.stop)
        is_same = np.array_equal(accounts.table.keys[rows], leaves.holdings)
        check_invariant(is_same, "an account has another owner or asset")
        accounts.nonces[rows], accounts.balances[rows] = leaves.nonces, leaves.balances

    def copy(self) -> "FlatLeaves":
        """Return leaves that go their own way."""
        copy = FlatLeaves.__new__(FlatLeaves)
        copy.accounts, copy._bridge = self.accounts.copy(), self._bridge
        return copy

    @classmethod
    def of_rows(cls, rows: NDArray[Any]) -> "FlatLeaves":
        """Return the leaves of a snapshot's accounts, ACCOUNT[n], BRIDGE's first. Raises
        InvariantViolated if an owner has two accounts of an asset."""
        leaves, others = cls({}), rows[1:]
        leaves._bridge = replace(GENESIS_LEAF, nonce=int(rows[0]["nonce"]))
        keys = np.zeros((len(others), KEY_BYTES), np.uint8)
        keys[:, :ADDRESS_BYTES] = others["owner"]
        keys[:, -2], keys[:, -1] = others["asset_id"] >> 8, others["asset_id"] & 0xFF
        leaves.update(
            LeafColumns(
                others["id"].astype(np.uint32),
                keys_of(keys.reshape(-1)),
                others["nonce"].astype(np.uint64),
                others["balance_minor"].astype(np.uint64),
            )
        )
        return leaves

    def encode(self) -> bytes:
        """Return all accounts as a snapshot has them."""
        accounts = self.accounts
        count = accounts.count
        turn = np.argsort(accounts.ids[:count])
        rows = np.zeros(count + 1, ACCOUNT)
        rows["id"][1:] = accounts.ids[turn]
        rows["owner"][1:] = addresses_in(accounts.table.keys[turn])
        rows["asset_id"][1:] = accounts.table.keys[turn, -1] & np.uint64(0xFFFF)
        rows["nonce"][1:], rows["balance_minor"][1:] = (
            accounts.nonces[turn],
            accounts.balances[turn],
        )
        return BRIDGE.to_bytes(4) + self._bridge.encode() + rows[1:].tobytes()


class Holdings(MutableMapping[Holding, AccountId]):
    """Which account an owner has of an asset, read from the leaves."""

    def __init__(self, leaves: FlatLeaves) -> None:
        self._accounts = leaves.accounts

    def __getitem__(self, holding: Holding) -> AccountId:
        row = self._accounts.row(key_of(*holding))
        if row is None:
            raise KeyError(holding)
        return AccountId(int(self._accounts.ids[row]))

    def __setitem__(self, holding: Holding, account_id: AccountId) -> None:
        """The leaf says it."""

    def __delitem__(self, holding: Holding) -> None:
        raise TypeError("an account stays")

    def __iter__(self) -> Iterator[Holding]:
        for _, leaf in self._accounts.leaves():
            yield leaf.owner, leaf.asset_id

    def __len__(self) -> int:
        return self._accounts.count


class FlatLedger(Ledger):
    """A ledger that keeps its leaves in columns."""

    __slots__ = ()

    @classmethod
    def of(cls, ledger: Ledger) -> "FlatLedger":
        """Return a copy of a ledger."""
        leaves = FlatLeaves(ledger.leaves)
        return ledger.fork_as(cls, leaves, Holdings(leaves))

    @property
    def accounts(self) -> Accounts:
        """The columns."""
        return self._flat_leaves.accounts

    @classmethod
    def decode(cls, data: bytes) -> "FlatLedger":
        """Return the ledger of a snapshot. Raises MalformedBytes as `decode_snapshot` does."""
        snapshot = read_snapshot(data)
        rows = np.frombuffer(snapshot.accounts, ACCOUNT)
        if not _are_accounts(rows, len(snapshot.assets)):
            return cls.of(decode_snapshot(data))  # it says what is wrong
        try:
            leaves = FlatLeaves.of_rows(rows)
        except InvariantViolated:
            return cls.of(decode_snapshot(data))
        check_exiting(snapshot, leaves)
        assets = {asset.asset_id: asset for asset in snapshot.assets}
        supply = np.zeros(len(assets) + 1, np.uint64)
        np.add.at(supply, rows["asset_id"], rows["balance_minor"].astype(np.uint64))
        partitions, indices = np.divmod(rows["id"][1:].astype(np.int64), 1 << _INDEX_BITS)
        next_index = np.array([*Ledger().next_index, 0])
        np.maximum.at(next_index, partitions, indices + 1)
        return cls(
            snapshot.block_number,
            snapshot.l1_block_number,
            leaves,
            Holdings(leaves),
            assets,
            {asset.token: asset.asset_id for asset in snapshot.assets},
            {asset_id: int(supply[asset_id]) for asset_id in assets},
            dict.fromkeys(snapshot.roots),
            snapshot.exit_count,
            snapshot.exiting,
            snapshot.epoch,
            next_index[:FEE_PARTITION].tolist(),
        )

    def encode_accounts(self) -> bytes:
        """Return all accounts as a snapshot has them."""
        return self._flat_leaves.encode()

    def fork(self) -> "FlatLedger":
        """Return a copy that goes its own way. It takes time for every account."""
        leaves = self._flat_leaves.copy()
        return self.fork_as(FlatLedger, leaves, Holdings(leaves))

    @property
    def _flat_leaves(self) -> FlatLeaves:
        return cast(FlatLeaves, self.leaves)


def _are_accounts(rows: NDArray[Any], asset_count: int) -> bool:
    """Return whether a ledger may hold these accounts, but that an owner has one twice."""
    if not len(rows):
        return False
    bridge, others = rows[0], rows[1:]
    is_bridge = bridge["id"] == BRIDGE and bridge["owner"].tobytes() == BRIDGE_OWNER
    is_empty = bridge["asset_id"] == 0 and bridge["balance_minor"] == 0
    ids = others["id"].astype(np.int64)
    is_ascending = bool((np.diff(ids) > 0).all()) and not (ids < FIRST_ACCOUNT).any()
    is_listed = (others["asset_id"] >= 1) & (others["asset_id"] <= asset_count)
    return bool(
        is_bridge and is_empty and is_ascending and is_listed.all() and others["owner"].any(1).all()
    )
