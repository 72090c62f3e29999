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
from backend.engine.vector.loops import Bytes, Number, Rows, Words, compiled
from backend.engine.vector.orders import Orders
from backend.protocol.batches import CHUNK_SLOTS, FEE_ACCOUNTS_MAX
from backend.protocol.operations import SLOT_BYTES
from backend.protocol.order_records import LEGS_MAX
from backend.protocol.types import FEE_PARTITION, REGISTRY, Asset

_OPEN_SLOTS: Final = 2
_OWNER_BYTES: Final = 20
_OWNER_BYTES_FIRST: Final = 5  # in the first of two slots
_PARTITION_BITS: Final = 24
_NOTHING: Final = -1
_REGISTRY: Final = int(REGISTRY)


class Opened(NamedTuple):
    """Accounts that orders open, in their order; their rows will be the next ones."""

    keys: Words
    ids: Rows
    places: Numbers
    """int64[k]: the first order that pays each"""


@dataclass(frozen=True, slots=True)
class OrderSlots:
    """What orders do, upon accounts that stay as they are until `apply`."""

    verdicts: Verdicts
    opened: Opened
    slots: bytes
    order_slots: Numbers
    """int64[n]: where each order's operation stands among the slots"""
    too_large_at: int | None
    """The first record with which there are more chunks than the smallest batch has"""


def slots_of(
    accounts: Accounts,
    orders: Orders,
    verdicts: Verdicts,
    next_index: list[int],
    cursor: ChunkCursor,
) -> OrderSlots:
    """Return the slots of orders that can all be executed, from `cursor` on, which stays.

    `next_index` holds the next free index of each partition, and moves on.
    """
    opened = _opened(accounts, orders, verdicts, next_index)
    n = orders.order_count
    slots = np.zeros((n + _OPEN_SLOTS * len(opened.ids), SLOT_BYTES), np.uint8)
    order_slots = np.zeros(n, np.int64)
    too_large_at = _write_slots(
        accounts.ids,
        orders,
        verdicts,
        opened,
        accounts.count,
        _state_of(cursor),
        slots,
        order_slots,
    )
    return OrderSlots(
        verdicts,
        opened,
        slots.tobytes(),
        order_slots,
        None if too_large_at == _NOTHING else int(too_large_at),
    )


def apply(accounts: Accounts, done: OrderSlots, fee_rows: Numbers) -> None:
    """Make the changes. The accounts must be those that the slots were made upon. `fee_rows` has
    the row of each asset's fee account, by asset id."""
    accounts.open(done.opened.ids, done.opened.keys)
    _apply(accounts.nonces, accounts.balances, done.verdicts, fee_rows)


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


class _Cursor(NamedTuple):
    """A ChunkCursor for loops."""

    slot: Numbers
    """int64[2]: the slot; whether the chunk holds sweeps"""
    fee_assets: Numbers
    """int64[5]: how many assets' fees are taken in the chunk, and which"""


def _state_of(cursor: ChunkCursor) -> _Cursor:
    fee_assets = sorted(account_id & 0xFFFF for account_id in cursor.fee_accounts)
    padded = [len(fee_assets), *fee_assets] + [0] * (FEE_ACCOUNTS_MAX - len(fee_assets))
    return _Cursor(np.array([cursor.slot, cursor.has_sweeps], np.int64), np.array(padded, np.int64))


@compiled
def _place(cursor: _Cursor, slot_count: Number, fee_assets: Numbers, fee_count: Number) -> None:
    """Move past what takes so many slots, as ChunkCursor.place does."""
    slot, known = cursor
    position = slot[0] % CHUNK_SLOTS
    more = 0
    for k in range(fee_count):
        if not _has(known, fee_assets[k]):
            more += 1
    fits = position + slot_count <= CHUNK_SLOTS and slot[1] == 0
    fits = fits and (fee_count == 0 or known[0] + more <= FEE_ACCOUNTS_MAX)
    if position == 0 or not fits:
        slot[0] += -position % CHUNK_SLOTS
        slot[1] = known[0] = 0
    for k in range(fee_count):
        if not _has(known, fee_assets[k]):
            known[0] += 1
            known[known[0]] = fee_assets[k]
    slot[0] += slot_count


@compiled
def _has(known: Numbers, asset_id: Number) -> bool:
    for k in range(1, known[0] + 1):
        if known[k] == asset_id:
            return True
    return False


@compiled
def _write_slots(
    ids: Rows,
    orders: Orders,
    verdicts: Verdicts,
    opened: Opened,
    account_count: Number,
    cursor: _Cursor,
    slots: Bytes,
    order_slots: Numbers,
) -> int:
    """Return the first record with which there are too many chunks, -1 if there is none."""
    _, asset_ids, payer_rows, payee_rows, amounts, fees, fee_bytes = verdicts
    starts, opened_ids, opened_places = orders.starts, opened.ids, opened.places
    fee_assets = np.zeros(LEGS_MAX, np.int64)
    at = opening = 0
    for record in range(starts.size - 1):
        first, past = np.int64(starts[record]), np.int64(starts[record + 1])
        while opening < opened_ids.size and opened_places[opening] < past:
            _write_opening(opened, opening, slots, at)
            _place(cursor, _OPEN_SLOTS, fee_assets, 0)
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
            at += 1
            if fees[k] != 0:
                asset_id = np.int64(asset_ids[k])
                is_new = True
                for known in range(fee_count):
                    is_new = is_new and fee_assets[known] != asset_id
                if is_new:
                    fee_assets[fee_count] = asset_id
                    fee_count += 1
        _place(cursor, past - first, fee_assets, fee_count)
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


@compiled
def _apply(nonces: Words, balances: Words, verdicts: Verdicts, fee_rows: Numbers) -> None:
    _, asset_ids, payer_rows, payee_rows, amounts, fees, _ = verdicts
    for k in range(amounts.size):
        payer, payee = payer_rows[k], payee_rows[k]
        nonces[payer] += np.uint64(1)
        balances[payer] -= amounts[k] + fees[k]
        if payee != TO_BRIDGE:
            balances[payee] += amounts[k]
        if fees[k] != 0:
            balances[fee_rows[asset_ids[k]]] += fees[k]
