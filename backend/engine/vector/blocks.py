"""Executes blocks of orders in columns. Law: what ledger/execution.py says of the same body.

A block that brings facts of L1 or sweeps an account is rare, and left to the readable twin; so is
one that is invalid, since that one finds the words for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np

from backend.engine.ledger import Changes, ExecutedOrder, Execution, Ledger
from backend.engine.ledger import execute as execute_one_by_one
from backend.engine.packing import ChunkCursor
from backend.engine.vector import judging, order_slots
from backend.engine.vector.accounts import Accounts
from backend.engine.vector.index import KEY_WORDS, Numbers
from backend.engine.vector.judging import TO_BRIDGE
from backend.engine.vector.leaves import FlatLedger, LeafColumns
from backend.engine.vector.loops import Rows, Words, compiled
from backend.engine.vector.order_slots import OrdersRun
from backend.engine.vector.records import RecordRun
from backend.protocol.blocks import Body
from backend.protocol.errors import check_invariant
from backend.protocol.money import AmountMinor
from backend.protocol.types import BRIDGE, AccountId


def execute(ledger: Ledger, body: Body, ts_s: int) -> Execution:
    """Return what the next block does to `ledger`, which stays as it is. Raises InvalidBlock."""
    records = body.records
    if isinstance(ledger, FlatLedger) and isinstance(records, RecordRun):
        execution = _executed(ledger, body, records, ts_s)
        if execution is not None:
            return execution
    return execute_one_by_one(ledger, body, ts_s)


def _executed(ledger: FlatLedger, body: Body, records: RecordRun, ts_s: int) -> Execution | None:
    """Return what a block of orders does, None of what is the readable twin's."""
    has_facts = body.listings or body.deposits or body.roots or body.exits or ledger.exiting
    if has_facts or body.l1_block_number < ledger.l1_block_number:
        return None
    accounts, orders = ledger.accounts, records.orders
    listings = judging.Listings.of(ledger.assets)
    pending = judging.Pending.with_room(orders.order_count)
    verdicts = judging.judge(accounts, listings, orders, ts_s, pending)
    if verdicts.codes.any():
        return None
    run = order_slots.run(accounts, orders, verdicts, list(ledger.next_index), ChunkCursor())
    if run.too_large_at is not None:
        return None
    changes = Changes(
        ledger.block_number + 1,
        body.l1_block_number,
        (),
        (),
        tuple(map(AccountId, run.opened.ids.tolist())),
        _leaves_after(accounts, run, order_slots.fee_rows_of(accounts, ledger.assets)),
        _supply_after(ledger, run),
        ledger.exit_count,
        (),
        body.epoch,
    )
    done = run.done
    return Execution(
        changes,
        done.slots.tobytes(),
        (),
        False,
        ExecutedColumns(accounts, run),
        (),
        BySlot(done.fee_accounts),
        BySlot(done.legs),
    )


def _leaves_after(accounts: Accounts, run: OrdersRun, fee_rows: Numbers) -> LeafColumns:
    """Return the leaves that orders change, as they are after them."""
    _, asset_ids, payer_rows, payee_rows, amounts, fees, _, _ = run.verdicts
    taker_rows = np.where(fees > 0, fee_rows[asset_ids], TO_BRIDGE)
    rows, places = np.unique(
        np.concatenate([payer_rows, payee_rows, taker_rows]), return_inverse=True
    )
    # BRIDGE's row is below 0, and those of accounts that the block opens come after all others.
    first, past = np.searchsorted(rows, [0, accounts.count])
    old = rows[first:past]
    ids, holdings = np.zeros(len(rows), np.uint32), np.zeros((len(rows), KEY_WORDS), np.uint64)
    nonces, balances = np.zeros((2, len(rows)), np.uint64)
    ids[first:past], ids[past:] = accounts.ids[old], run.opened.ids
    holdings[first:past], holdings[past:] = accounts.table.keys[old], run.opened.keys
    nonces[first:past], balances[first:past] = accounts.nonces[old], accounts.balances[old]
    before = balances.copy()
    payers, payees, takers = places.reshape(3, -1)
    _move(payers, payees, takers, amounts, fees, nonces, balances)
    _check_conservation(run, holdings[first:], (balances - before)[first:])
    turn = first + np.argsort(ids[first:])
    return LeafColumns(ids[turn], holdings[turn], nonces[turn], balances[turn])


@compiled
def _move(
    payers: Numbers,
    payees: Numbers,
    takers: Numbers,
    amounts: Words,
    fees: Words,
    nonces: Words,
    balances: Words,
) -> None:
    for k in range(amounts.size):
        nonces[payers[k]] += np.uint64(1)
        balances[payers[k]] -= amounts[k] + fees[k]
        balances[payees[k]] += amounts[k]
        balances[takers[k]] += fees[k]


def _check_conservation(run: OrdersRun, holdings: Words, differences: Words) -> None:
    """Check that what accounts of an asset gain is what comes in: here, less what goes out. Sums
    wrap at 2^64, and may."""
    asset_ids = holdings[:, KEY_WORDS - 1] & np.uint64(0xFFFFFFFF)
    sums = np.zeros(1 << 16, np.uint64)
    np.add.at(sums, asset_ids.astype(np.int64), differences)
    np.add.at(sums, run.verdicts.asset_ids, _withdrawn(run))
    check_invariant(not sums.any(), "money was made or lost")


def _withdrawn(run: OrdersRun) -> Words:
    """Return what each order takes off the ledger."""
    verdicts = run.verdicts
    return np.where(verdicts.payee_rows == TO_BRIDGE, verdicts.amounts, np.uint64(0))


def _supply_after(ledger: Ledger, run: OrdersRun) -> dict[int, int]:
    """Return the supply of the assets of which something goes out."""
    supply = dict[int, int]()
    (places,) = np.nonzero(_withdrawn(run))
    amounts, asset_ids = run.verdicts.amounts[places], run.verdicts.asset_ids[places]
    for amount_minor, asset_id in zip(amounts.tolist(), asset_ids.tolist(), strict=True):
        before = supply.get(asset_id, ledger.supply_minor[asset_id])
        supply[asset_id] = before - amount_minor
    return supply


class ExecutedColumns(Sequence[ExecutedOrder]):
    """Executed orders, each made when somebody asks for it."""

    def __init__(self, accounts: Accounts, run: OrdersRun) -> None:
        verdicts, count = run.verdicts, accounts.count
        rows = verdicts.payee_rows
        payee_ids = np.full(len(rows), BRIDGE, np.uint32)
        is_known, is_new = (rows >= 0) & (rows < count), rows >= count
        payee_ids[is_known] = accounts.ids[rows[is_known]]
        payee_ids[is_new] = run.opened.ids[rows[is_new] - count]
        self.slots = run.done.order_slots
        """int64[n]"""
        self._ids = accounts.ids[verdicts.payer_rows], payee_ids
        self._sums = verdicts.amounts, verdicts.fees

    def __len__(self) -> int:
        return len(self.slots)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # it may equal a tuple

    @overload
    def __getitem__(self, index: int) -> ExecutedOrder: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[ExecutedOrder]: ...
    def __getitem__(self, index: int | slice) -> ExecutedOrder | Sequence[ExecutedOrder]:
        place = range(len(self))[index]
        if isinstance(place, range):
            return [self[one] for one in place]
        payer_id, payee_id = (AccountId(int(ids[place])) for ids in self._ids)
        amount, fee = (AmountMinor(int(sums[place])) for sums in self._sums)
        return ExecutedOrder(int(self.slots[place]), payer_id, payee_id, amount, fee)


class BySlot(Mapping[int, Any]):
    """A number for some slots; others have 0 in `numbers`."""

    def __init__(self, numbers: Rows) -> None:
        self.numbers = numbers
        """uint32[n]"""

    def __getitem__(self, slot: int) -> int:
        number = int(self.numbers[slot]) if 0 <= slot < len(self.numbers) else 0
        if not number:
            raise KeyError(slot)
        return number

    def __iter__(self) -> Iterator[int]:
        return iter(np.flatnonzero(self.numbers).tolist())

    def __len__(self) -> int:
        return int(np.count_nonzero(self.numbers))
