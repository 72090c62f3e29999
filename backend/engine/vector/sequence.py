"""Chunks executed on arrays. Law: what they change is what protocol/transition.py says, whose twin
this is.

A batch's chunks are read at once; then all accounts that they name, then each operation in its
turn. The first invalid chunk ends it. Why a chunk is invalid is left to the readable twin.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.engine.vector import execution
from backend.engine.vector.execution import (
    BALANCE,
    NO_ASSET,
    NONCE,
    Accounts,
    Changed,
    Known,
    Operations,
)
from backend.engine.vector.loops import Bytes, Rows
from backend.engine.vector.tree import LEAF, Changes, FlatTree, sorted_keys
from backend.protocol.batches import CHUNK_SLOTS, CHUNK_SLOTS_BYTES
from backend.protocol.errors import check_invariant
from backend.protocol.money import BalanceMinor
from backend.protocol.operations import SLOT_BYTES, OpenAccount, iter_slots
from backend.protocol.transition import L1Facts
from backend.protocol.types import BRIDGE, FEE_PARTITION, REGISTRY, Leaf, fee_account_id

_ASSETS: Final = 2**16
_FEE_PREFIX: Final = FEE_PARTITION << 8  # of the ids whose lower half is an asset


@dataclass(frozen=True, slots=True)
class Effects:
    """What the first `chunk_count` chunks do, all of them valid, and no more are."""

    chunk_count: int
    changes: Changes
    steps: Rows
    """uint32[n]: the chunk of each change, as FlatTree.put takes it"""
    openings: list[tuple[int, OpenAccount]]
    """each with the slot number where it begins"""


def effects_of(tree: FlatTree, chunk_slots: Sequence[bytes], facts: L1Facts) -> Effects:
    """Return what chunks do to a tree, which stays as it is, up to the first invalid one."""
    check_invariant(
        all(len(slots) == CHUNK_SLOTS_BYTES for slots in chunk_slots), "a chunk of another size"
    )
    data = np.frombuffer(b"".join(chunk_slots), np.uint8)
    operations = _read(data)
    accounts = _named(tree, operations)
    known = _known(facts, operations, accounts)
    chunk_count = len(operations.payers) // CHUNK_SLOTS
    size = chunk_count * execution.CHANGED_MAX
    changed = Changed(
        np.empty(size, np.uint32),
        np.empty((size, 2), np.uint64),
        np.empty(size, np.uint32),
        np.zeros(2, np.uint64),
    )
    chunk_count = execution.execute(data, operations, accounts, known, changed)
    count = int(changed.counts[0])
    places = changed.places[:count]
    leaves = _rows(accounts.leaves)[places]
    leaves["nonce"], leaves["balance_minor"] = changed.values[:count].T
    openings = list(_openings(data, operations.payers[: chunk_count * CHUNK_SLOTS]))
    return Effects(
        chunk_count, Changes(accounts.ids[places], leaves), changed.chunks[:count], openings
    )


def _read(data: Bytes) -> Operations:
    """Return the operations of all chunks before the first with a shape that is none."""
    slot_count = len(data) // SLOT_BYTES
    payers, payees = np.zeros((2, slot_count), np.uint32)
    amounts, fees = np.zeros((2, slot_count), np.uint64)
    end = execution.read(data, Operations(payers, payees, amounts, fees)) * CHUNK_SLOTS
    return Operations(payers[:end], payees[:end], amounts[:end], fees[:end])


def _named(tree: FlatTree, operations: Operations) -> Accounts:
    """Return the accounts that operations name, and all to which their fees may go; put their
    places in the ids' place."""
    payers, payees, amounts, _ = operations
    opened_assets = amounts[payers == REGISTRY]
    keys = sorted_keys(np.concatenate([np.array([BRIDGE, REGISTRY], np.uint32), payers, payees]))
    ids = (keys >> np.uint64(32)).astype(np.uint32)
    is_first = np.append(True, ids[1:] != ids[:-1])
    places = np.empty(len(keys), np.uint32)
    places[keys.astype(np.uint32)] = np.cumsum(is_first, dtype=np.uint32) - np.uint32(1)
    payers[:], payees[:] = places[2:].reshape(2, -1)
    ids = ids[is_first]
    leaves = tree.leaves(ids)
    is_held = np.zeros(_ASSETS, np.bool_)
    is_held[leaves["asset_id"]] = is_held[opened_assets] = True
    fee_ids = np.flatnonzero(is_held).astype(np.uint32) | np.uint32(_FEE_PREFIX << 16)
    fee_ids = np.setdiff1d(fee_ids, ids, assume_unique=True)
    ids = np.concatenate([ids, fee_ids])
    # As bytes: numpy would join the fields in its own order of bytes.
    leaves = _rows(np.concatenate([_bytes(leaves), _bytes(tree.leaves(fee_ids))]))
    values = np.zeros((len(ids), 4), np.uint64)
    values[:, 0] = np.where(leaves["ending"] != 0, leaves["asset_id"], NO_ASSET)
    values[:, NONCE], values[:, BALANCE] = leaves["nonce"], leaves["balance_minor"]
    return Accounts(ids, _bytes(leaves), values)


def _known(facts: L1Facts, operations: Operations, accounts: Accounts) -> Known:
    is_fee = accounts.ids >> np.uint32(16) == _FEE_PREFIX
    fee_places = np.zeros(_ASSETS, np.uint32)
    fee_places[accounts.ids[is_fee] & np.uint32(_ASSETS - 1)] = np.flatnonzero(is_fee)
    fee_accounts = Changes.of(
        (fee_account_id(asset_id), Leaf(asset.fee_owner, asset_id, 0, BalanceMinor(0)))
        for asset_id, asset in facts.assets.items()
        if asset.takes_fee
    )
    next_deposit = accounts.values[BRIDGE, NONCE]
    wanted = np.count_nonzero((operations.payers == BRIDGE) & (operations.payees != BRIDGE))
    deposits = _deposits(facts, int(next_deposit), int(wanted))
    return Known(
        fee_places,
        fee_accounts.ids,
        _bytes(fee_accounts.leaves),
        _bytes(deposits),
        deposits["balance_minor"].astype(np.uint64),
        next_deposit,
    )


def _deposits(facts: L1Facts, first: int, wanted: int) -> NDArray[Any]:
    """Return the next deposits, LEAF[n], as many as there are of those wanted."""
    indices = range(first, min(first + wanted, facts.deposit_cursor))
    records = takewhile(lambda record: record is not None, map(facts.deposits.get, indices))
    return Changes.of(
        (BRIDGE, Leaf(record.owner, record.asset_id, 0, BalanceMinor(record.amount_minor)))
        for record in records
        if record is not None
    ).leaves


def _openings(data: Bytes, payers: Rows) -> Iterator[tuple[int, OpenAccount]]:
    for slot in np.flatnonzero(payers == REGISTRY).tolist():
        opening = data[slot * SLOT_BYTES : (slot + 2) * SLOT_BYTES].tobytes()
        for _, operation in iter_slots(opening):
            if isinstance(operation, OpenAccount):
                yield slot, operation


def _bytes(leaves: NDArray[Any]) -> Bytes:
    return leaves.view(np.uint8).reshape(len(leaves), LEAF.itemsize)


def _rows(leaves: Bytes) -> NDArray[Any]:
    return leaves.view(LEAF).reshape(len(leaves))
