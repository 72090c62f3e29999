"""Turns judged orders in columns into slots and changes. Law: what ledger/execution.py makes of the
same records.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from backend.engine.packing import BLOCK_CHUNKS_MAX, ChunkCursor
from backend.engine.vector import keccak
from backend.engine.vector.accounts import Accounts
from backend.engine.vector.index import NO_ROW, Numbers, addresses_in, key_of
from backend.engine.vector.judging import TO_BRIDGE, Verdicts
from backend.engine.vector.layout import Cursor, cursor_of, noted, place
from backend.engine.vector.loops import Bytes, Number, Rows, Words, compiled
from backend.engine.vector.orders import Orders
from backend.protocol.batches import CHUNK_SLOTS
from backend.protocol.operations import SLOT_BYTES
from backend.protocol.order_records import LEGS_MAX
from backend.protocol.types import FEE_PARTITION, REGISTRY, Asset

_OPEN_SLOTS: Final = 2
_OWNER_BYTES: Final = 20
_OWNER_BYTES_FIRST: Final = 5  # in the first of two slots
_PARTITION_BITS: Final = 24
_FEE_ACCOUNTS: Final = FEE_PARTITION << _PARTITION_BITS
_NOTHING: Final = -1
_REGISTRY: Final = int(REGISTRY)


class Opened(NamedTuple):
    """Accounts that orders open, in their order; their rows will be the next ones."""

    keys: Words
    ids: Rows
    places: Numbers
    """int64[k]: the first order that pays each"""


class OrderSlots(NamedTuple):
    """What orders do: m slots."""

    slots: Bytes
    """uint8[m, 15]"""
    order_slots: Numbers
    """int64[n]: where each order's operation stands among them"""
    fee_accounts: Rows
    """uint32[m]: where each slot's fee goes, 0 for nowhere"""
    legs: Rows
    """uint32[m]: how many legs the group has that begins in a slot, 0 for none"""


@dataclass(frozen=True, slots=True)
class OrdersRun:
    """Orders that were executed, upon accounts that stay as they are until `apply`."""

    verdicts: Verdicts
    opened: Opened
    done: OrderSlots
    too_large_at: int | None
    """The first record with which there are more chunks than the smallest batch has"""


def run(
    accounts: Accounts,
    orders: Orders,
    verdicts: Verdicts,
    next_index: list[int],
    cursor: ChunkCursor,
) -> OrdersRun:
    """Run orders that can all be executed; `cursor` is where their slots begin, and stays.

    `next_index` holds the next free index of each partition, and moves on.
    """
    opened = _opened(accounts, orders, verdicts, next_index)
    size = orders.order_count + _OPEN_SLOTS * len(opened.ids)
    done = OrderSlots(
        np.zeros((size, SLOT_BYTES), np.uint8),
        np.zeros(orders.order_count, np.int64),
        np.zeros(size, np.uint32),
        np.zeros(size, np.uint32),
    )
    begun, ids, count = cursor_of(cursor), accounts.ids, accounts.count
    too_large_at = int(_write_slots(ids, orders, verdicts, opened, count, begun, done))
    return OrdersRun(verdicts, opened, done, None if too_large_at == _NOTHING else too_large_at)


def fee_rows_of(accounts: Accounts, assets: Mapping[int, Asset]) -> Numbers:
    """Return the row of each asset's fee account, by asset id."""
    rows = np.full(max(assets, default=0) + 1, NO_ROW, np.int64)
    for asset_id, asset in assets.items():
        row = accounts.row(key_of(asset.fee_owner, asset_id)) if asset.takes_fee else None
        rows[asset_id] = NO_ROW if row is None else row
    return rows


def _opened(
    accounts: Accounts, orders: Orders, verdicts: Verdicts, next_index: list[int]
) -> Opened:
    """Return the accounts to be opened, and note the rows that they will have."""
    (unknown,) = np.nonzero(verdicts.payee_rows == NO_ROW)
    keys = orders.payees[unknown]
    keys[:, 2] |= verdicts.asset_ids[unknown]
    packed = np.ascontiguousarray(keys).view([("", np.uint64)] * keys.shape[1]).reshape(-1)
    _, first, which = np.unique(packed, return_index=True, return_inverse=True)
    turn = np.argsort(first)
    rank = np.empty(len(turn), np.int64)
    rank[turn] = np.arange(len(turn))
    verdicts.payee_rows[unknown] = accounts.count + rank[which]
    keys, places = keys[first[turn]], unknown[first[turn]]
    partitions = keccak.hash_many(addresses_in(keys))[:, -1] % FEE_PARTITION
    ids = [_free_id(int(partition), next_index) for partition in partitions]
    return Opened(keys, np.array(ids, np.uint32), places)


def _free_id(partition: int, next_index: list[int]) -> int:
    while next_index[partition] == 1 << _PARTITION_BITS:
        partition = (partition + 1) % FEE_PARTITION
    next_index[partition] += 1
    return partition << _PARTITION_BITS | next_index[partition] - 1


@compiled
def _write_slots(
    ids: Rows,
    orders: Orders,
    verdicts: Verdicts,
    opened: Opened,
    account_count: Number,
    cursor: Cursor,
    done: OrderSlots,
) -> int:
    """Return the first record with which there are too many chunks, -1 if there is none."""
    _, asset_ids, payer_rows, payee_rows, amounts, fees, fee_bytes, _ = verdicts
    starts, opened_ids, opened_places = orders.starts, opened.ids, opened.places
    slots, order_slots, fee_accounts, legs = done
    fee_ids = np.zeros(LEGS_MAX, np.int64)
    at = opening = 0
    for record in range(starts.size - 1):
        first, past = np.int64(starts[record]), np.int64(starts[record + 1])
        while opening < opened_ids.size and opened_places[opening] < past:
            _write_opening(opened, opening, slots, at)
            place(cursor, 0, _OPEN_SLOTS, fee_ids, 0)
            at += _OPEN_SLOTS
            opening += 1
        fee_count = 0
        for k in range(first, past):
            row = payee_rows[k]
            payee: Number = 0
            if row >= account_count:
                payee = opened_ids[row - account_count]
            elif row != TO_BRIDGE:
                payee = ids[row]
            _write(slots, at, 0, 4, ids[payer_rows[k]])
            _write(slots, at, 4, 4, payee)
            _write(slots, at, 8, 6, amounts[k])
            slots[at, SLOT_BYTES - 1] = fee_bytes[k]
            order_slots[k] = at
            if fees[k] != 0:
                fee_accounts[at] = np.uint32(_FEE_ACCOUNTS | asset_ids[k])
                fee_count = noted(fee_ids, fee_count, np.int64(fee_accounts[at]))
            at += 1
        if past - first > 1:
            legs[order_slots[first]] = past - first
        place(cursor, 0, past - first, fee_ids, fee_count)
        if cursor.slot[0] > BLOCK_CHUNKS_MAX * CHUNK_SLOTS:
            return record
    return _NOTHING


@compiled
def _write(slots: Bytes, at: Number, start: Number, width: Number, number: Number) -> None:
    """Write a number into a slot, big-endian."""
    rest = np.uint64(number)
    for k in range(width - 1, -1, -1):
        slots[at, start + k] = np.uint8(rest & np.uint64(0xFF))
        rest >>= np.uint64(8)


@compiled
def _write_opening(opened: Opened, k: Number, slots: Bytes, at: Number) -> None:
    keys = opened.keys[k]
    _write(slots, at, 0, 4, _REGISTRY)
    _write(slots, at, 4, 4, opened.ids[k])
    _write(slots, at, 8, 2, keys[2] & np.uint64(0xFFFF))
    for octet in range(_OWNER_BYTES):
        shift = np.uint64(56 - 8 * (octet % 8))
        value = np.uint8(keys[octet // 8] >> shift & np.uint64(0xFF))
        if octet < _OWNER_BYTES_FIRST:
            slots[at, SLOT_BYTES - _OWNER_BYTES_FIRST + octet] = value
        else:
            slots[at + 1, octet - _OWNER_BYTES_FIRST] = value
