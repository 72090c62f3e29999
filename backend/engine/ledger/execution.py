"""Runs a block in two phases (docs/PROTOCOL.md, section 5).

Law: debits are judged against the balances at the block's start, credits come after all of them;
so the result doesn't depend on how the work is split among partitions.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from backend.engine.ledger.errors import (
    BlockTooLarge,
    DepositInvalid,
    L1PointBehind,
    ListingInvalid,
    OrderNotExecutable,
    RootInvalid,
)
from backend.engine.ledger.judge import Judged, Pending, check_record
from backend.engine.ledger.state import SUPPLY_MINOR_LIMIT, Changes, Ledger
from backend.engine.ledger.sweeps import Sweep, sweeps_of
from backend.engine.packing import BLOCK_CHUNKS_MAX, ChunkCursor
from backend.protocol.blocks import Body
from backend.protocol.errors import PaymentError, check_invariant
from backend.protocol.money import AmountMinor, BalanceMinor
from backend.protocol.operations import SLOT_BYTES, OpenAccount, encode, slot
from backend.protocol.order_records import OrderGroup, OrderRecord
from backend.protocol.types import (
    BRIDGE,
    ZERO_ADDRESS,
    AccountId,
    Address,
    Asset,
    AuthorisedRoot,
    DepositRecord,
    Leaf,
    fee_account_id,
)


@dataclass(frozen=True, slots=True)
class ExecutedOrder:
    """Where an order's operation stands in the block's slots, and what it moves.

    `payee_id` is BRIDGE for a withdrawal.
    """

    slot: int
    payer_id: AccountId
    payee_id: AccountId
    amount_minor: AmountMinor
    fee_minor: AmountMinor


@dataclass(frozen=True, slots=True)
class ExecutedDeposit:
    """Where a deposit's operation stands in the block's slots, and whom it credits.

    `index` is its place in L1's queue.
    """

    slot: int
    index: int
    payee_id: AccountId


@dataclass(frozen=True, slots=True)
class Execution:
    """What a block does. `orders` and `deposits` stand in the order of the body's; `sweeps` take
    the first slots, one each.

    `shows_start` says that an exit was due and there was nothing to sweep: then some chunk's root
    has to be the state before the block. `fee_accounts` says, by slot, where a fee above 0 goes;
    `groups`, by the slot of its first leg, how many legs a group has.
    """

    changes: Changes
    slots: bytes
    sweeps: tuple[Sweep, ...]
    shows_start: bool
    orders: Sequence[ExecutedOrder]
    deposits: tuple[ExecutedDeposit, ...]
    fee_accounts: Mapping[int, AccountId]
    groups: Mapping[int, int]

    @property
    def operation_count(self) -> int:
        """How many slots there are, second halves too."""
        return len(self.slots) // SLOT_BYTES


def execute(ledger: Ledger, body: Body, ts_s: int) -> Execution:
    """Return what the next block does to `ledger`, which stays as it is (see Ledger.advance).

    `ts_s` is the block's time, by which orders expire. What authorises the orders, who may hold an
    asset, rejections, and whether L1 has these listings, deposits and roots, are judged elsewhere.

    Raises the first InvalidBlock in the body's order: L1PointBehind, ListingInvalid,
    DepositInvalid, RootInvalid, OrderNotExecutable; BlockTooLarge at the first operation that
    doesn't fit (a proposer takes fewer orders).
    """
    if body.l1_block_number < ledger.l1_block_number:
        raise L1PointBehind(ledger.l1_block_number, body.l1_block_number)
    sweeps = sweeps_of(ledger, body.exits)
    run = _Run(ledger, sweeps, not sweeps and bool(body.exits or ledger.exiting))
    for index, asset in enumerate(body.listings):
        run.list_asset(index, asset)
    deposits = tuple(run.deposit(index, record) for index, record in enumerate(body.deposits))
    for index, root in enumerate(body.roots):
        run.take_root(index, root)
    for index, record in enumerate(body.records):
        run.record(index, record, ts_s)
    return Execution(
        run.changes(body),
        b"".join(run.slots),
        run.sweeps,
        run.shows_start,
        tuple(run.orders),
        deposits,
        run.fee_accounts,
        run.groups,
    )


class _Run:
    """A block being executed: phase one as the operations come, phase two in `changes`."""

    def __init__(self, ledger: Ledger, sweeps: tuple[Sweep, ...], shows_start: bool) -> None:
        self.ledger = ledger
        self.sweeps = sweeps
        self.shows_start = shows_start
        self.slots: list[bytes] = []
        self.slot_count = 0
        self.cursor = ChunkCursor()
        self.orders: list[ExecutedOrder] = []
        self.fee_accounts: dict[int, AccountId] = {}
        self.groups: dict[int, int] = {}
        self.roots: dict[AuthorisedRoot, None] = {}
        self.listings: dict[int, Asset] = {}
        self.opened: dict[tuple[Address, int], AccountId] = {}
        self.next_index: dict[int, int] = {}
        self.debits = Pending()
        self.credits: defaultdict[AccountId, int] = defaultdict(int)
        self.supply: dict[int, int] = {}
        self.deposit_count = ledger.deposit_count
        if shows_start:
            self.cursor.end_chunk()
        for sweep in sweeps:
            self._sweep(sweep)

    def list_asset(self, index: int, asset: Asset) -> None:
        """Take a listing, and open its fee account."""
        due = len(self.ledger.assets) + len(self.listings) + 1
        if asset.asset_id != due:
            raise ListingInvalid(index, f"the asset id is {asset.asset_id}, not {due}")
        if asset.unit == 0:
            raise ListingInvalid(index, "the unit is zero")
        listed = self.listings.values()
        if asset.token == ZERO_ADDRESS or asset.token in self.ledger.asset_ids:
            raise ListingInvalid(index, "the token is zero or listed already")
        if any(asset.token == other.token for other in listed):
            raise ListingInvalid(index, "the token is listed twice")
        # Nobody can have an account of the asset yet: it becomes known here.
        self.listings[asset.asset_id] = asset
        if asset.takes_fee:
            self._open(fee_account_id(asset.asset_id), asset.asset_id, asset.fee_owner)

    def deposit(self, index: int, record: DepositRecord) -> ExecutedDeposit:
        """Credit the next deposit."""
        asset_id = record.asset_id
        asset = self.listings.get(asset_id) or self.ledger.assets.get(asset_id)
        if asset is None or asset.token != record.token:
            raise DepositInvalid(index, "no such asset is listed")
        if record.amount_minor == 0 or record.owner == ZERO_ADDRESS:
            raise DepositInvalid(index, "the amount or the owner is zero")
        supply_minor = self._supply_minor(asset_id) + record.amount_minor
        if supply_minor >= SUPPLY_MINOR_LIMIT:
            raise DepositInvalid(index, f"the asset would have {supply_minor} minor units")
        self.supply[asset_id] = supply_minor
        payee_id = self._account_id(record.owner, asset_id)
        self.credits[payee_id] += record.amount_minor
        start = self._put(slot(BRIDGE, payee_id, record.amount_minor, 0))
        self.deposit_count += 1
        return ExecutedDeposit(start, self.deposit_count - 1, payee_id)

    def take_root(self, index: int, root: AuthorisedRoot) -> None:
        """Take a root of orders; it counts from the next block on."""
        if root in self.ledger.roots or root in self.roots:
            raise RootInvalid(index, "it is known already")
        if root.owner == ZERO_ADDRESS:
            raise RootInvalid(index, "nobody owns it")
        self.roots[root] = None

    def record(self, index: int, record: OrderRecord, ts_s: int) -> None:
        """Debit the payers, and note the credits. A group's legs stand side by side."""
        try:
            judged = check_record(self.ledger, record, ts_s, self.debits)
        except PaymentError as error:
            raise OrderNotExecutable(index, error) from error
        if isinstance(record, OrderGroup):
            self._group(judged)
        else:
            self._alone(judged[0])

    def _alone(self, judged: Judged) -> None:
        payee_id = self._payee_id(judged)
        data = self._move(self.slot_count, judged, payee_id)
        self._put(data, (fee_account_id(judged.asset.asset_id),) if judged.fee_minor else ())

    def _group(self, judged: Collection[Judged]) -> None:
        payee_ids = [self._payee_id(one) for one in judged]
        start = self.slot_count
        self.groups[start] = len(judged)
        places = enumerate(zip(judged, payee_ids, strict=True), start)
        data = b"".join(self._move(place, one, payee_id) for place, (one, payee_id) in places)
        self._put(data, {fee_account_id(one.asset.asset_id) for one in judged if one.fee_minor})

    def changes(self, body: Body) -> Changes:
        """Return the leaves after both phases."""
        leaves = dict[AccountId, Leaf]()
        before = self.ledger.leaves
        made = dict.fromkeys(self.supply, 0)
        for (owner, asset_id), account_id in self.opened.items():
            leaves[account_id] = Leaf(owner, asset_id, 0, BalanceMinor(0))
        for account_id, (count, debit_minor) in self.debits.items():
            leaf = before[account_id]
            balance_minor = BalanceMinor(leaf.balance_minor - debit_minor)
            leaves[account_id] = Leaf(leaf.owner, leaf.asset_id, leaf.nonce + count, balance_minor)
            made[leaf.asset_id] = made.get(leaf.asset_id, 0) - debit_minor
        for account_id, credit_minor in self.credits.items():
            leaf = leaves.get(account_id) or before[account_id]
            balance_minor = BalanceMinor(leaf.balance_minor + credit_minor)
            leaves[account_id] = Leaf(leaf.owner, leaf.asset_id, leaf.nonce, balance_minor)
            made[leaf.asset_id] = made.get(leaf.asset_id, 0) + credit_minor
        for asset_id, made_minor in made.items():
            came_minor = self._supply_minor(asset_id) - self.ledger.supply_minor.get(asset_id, 0)
            check_invariant(made_minor == came_minor, "money was made or lost", asset_id=asset_id)
        if self.deposit_count > self.ledger.deposit_count:
            bridge = before[BRIDGE]
            leaves[BRIDGE] = Leaf(
                bridge.owner, bridge.asset_id, self.deposit_count, bridge.balance_minor
            )
        return Changes(
            self.ledger.block_number + 1,
            body.l1_block_number,
            tuple(self.listings.values()),
            tuple(self.roots),
            tuple(self.opened.values()),
            leaves,
            self.supply,
            self.ledger.exit_count + len(body.exits),
            tuple(sweep.account_id for sweep in self.sweeps if not sweep.is_last),
            body.epoch,
        )

    def _sweep(self, sweep: Sweep) -> None:
        """Take an account out of the ledger, before anything else happens to it."""
        asset_id = sweep.asset.asset_id
        self.debits.add(sweep.judged)
        self.supply[asset_id] = self._supply_minor(asset_id) - sweep.amount_minor
        data = slot(sweep.account_id, BRIDGE, sweep.amount_minor, 0)
        self._put(data, swept=sweep.account_id)

    def _payee_id(self, judged: Judged) -> AccountId:
        if judged.payee is None:
            return BRIDGE
        return self._account_id(judged.payee, judged.asset.asset_id)

    def _move(self, place: int, judged: Judged, payee_id: AccountId) -> bytes:
        """Note the debit and the credits of the operation in a slot, and return the slot."""
        asset_id = judged.asset.asset_id
        amount_minor, fee_minor = judged.amount_minor, judged.fee_minor
        self.debits.add(judged)
        if payee_id == BRIDGE:
            self.supply[asset_id] = self._supply_minor(asset_id) - amount_minor
        else:
            self.credits[payee_id] += amount_minor
        if fee_minor:
            fee_account = fee_account_id(asset_id)
            self.credits[fee_account] += fee_minor
            self.fee_accounts[place] = fee_account
        self.orders.append(ExecutedOrder(place, judged.payer_id, payee_id, amount_minor, fee_minor))
        return slot(judged.payer_id, payee_id, amount_minor, judged.fee_byte)

    def _account_id(self, owner: Address, asset_id: int) -> AccountId:
        key = (owner, asset_id)
        account_id = self.ledger.account_ids.get(key) or self.opened.get(key)
        if account_id is None:
            account_id = self.ledger.free_account_id(owner, self.next_index)
            self._open(account_id, asset_id, owner)
        return account_id

    def _open(self, account_id: AccountId, asset_id: int, owner: Address) -> None:
        self.opened[owner, asset_id] = account_id
        self._put(encode(OpenAccount(account_id, asset_id, owner)))

    def _put(
        self,
        data: bytes,
        fee_accounts: Collection[AccountId] = (),
        swept: AccountId | None = None,
    ) -> int:
        start, count = self.slot_count, len(data) // SLOT_BYTES
        self.slots.append(data)
        self.slot_count += count
        self.cursor.place(count, fee_accounts, swept)
        # At once, or a lying proposer could make everybody execute whatever fits into a body.
        if self.cursor.chunk_count > BLOCK_CHUNKS_MAX:
            raise BlockTooLarge(BLOCK_CHUNKS_MAX, self.cursor.chunk_count)
        return start

    def _supply_minor(self, asset_id: int) -> int:
        in_block = self.supply.get(asset_id)
        return self.ledger.supply_minor.get(asset_id, 0) if in_block is None else in_block
