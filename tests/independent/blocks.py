"""Blocks: bodies, the slots that a state and a body give, and two-phase execution (section 5)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from tests.independent.chunks import pack
from tests.independent.codec import ZERO_ADDRESS, Reader, keccak, require, sha256, u
from tests.independent.deposits import Deposit, read_deposit
from tests.independent.exits import Exit, exiting_accounts, left_exiting, read_exit, sweep_of
from tests.independent.levels import Moment
from tests.independent.operations import (
    CHUNK_END,
    SLOT,
    Operation,
    Step,
    check_deposit,
    check_open,
    check_payee,
    consume_deposit,
    credit,
    debit,
    open_account,
    read_operations,
)
from tests.independent.orders import Order
from tests.independent.records import Record, Root, check_whole, read_record, read_root
from tests.independent.state import Asset, Leaf, State, fee_account_of
from tests.independent.typed import BLOCK, Domain

CHUNKS_OF_CALLDATA_MAX = 120
BLOCK_BYTES = 124
BODY_VERSION = 3
BODY_BYTES_MAX = 4 << 20
SUPPLY_LIMIT = 1 << 63


@dataclass(frozen=True)
class Epoch:
    """The term of a committee, as L1 began it."""

    number: int
    members: tuple[bytes, ...]

    def encoded(self) -> bytes:
        return u(self.number, 4) + u(len(self.members), 4) + b"".join(self.members)


def read_epoch(reader: Reader) -> Epoch:
    return Epoch(reader.number(4), tuple(reader.take(20) for _ in range(reader.number(4))))


@dataclass(frozen=True)
class Body:
    l1_block_number: int
    listings: tuple[Asset, ...]
    deposits: tuple[Deposit, ...]
    records: tuple[Record, ...]
    rejections: tuple[tuple[bytes, int], ...]
    roots: tuple[Root, ...] = ()
    exits: tuple[Exit, ...] = ()
    epoch: Epoch | None = None

    def encoded(self) -> bytes:
        listings = [
            u(listed.asset_id, 2) + listed.token + u(listed.unit, 8) + listed.fee_owner
            for listed in self.listings
        ]
        deposits = [deposit.encoded() for deposit in self.deposits]
        roots = [root.encoded() for root in self.roots]
        exits = [one.encoded() for one in self.exits]
        epochs = [self.epoch.encoded()] if self.epoch else []
        records = [record.encoded() for record in self.records]
        rejections = [record_id + u(code, 2) for record_id, code in self.rejections]
        parts = [u(BODY_VERSION, 1) + u(self.l1_block_number, 8)]
        for rows in (listings, deposits, roots, exits, epochs, records, rejections):
            parts += [u(len(rows), 4), *rows]
        return b"".join(parts)


def read_body(data: bytes) -> Body:
    require(len(data) <= BODY_BYTES_MAX, "the body is too large")
    reader = Reader(data)
    require(reader.number(1) == BODY_VERSION, "another version of the body")
    l1_block_number = reader.number(8)
    listings = tuple(_read_listing(reader) for _ in range(reader.number(4)))
    deposits = tuple(read_deposit(reader) for _ in range(reader.number(4)))
    roots = tuple(read_root(reader) for _ in range(reader.number(4)))
    exits = tuple(read_exit(reader) for _ in range(reader.number(4)))
    epoch_count = reader.number(4)
    require(epoch_count <= 1, "a body brings one epoch at most")
    epoch = read_epoch(reader) if epoch_count else None
    records = tuple(read_record(reader) for _ in range(reader.number(4)))
    rejections = tuple((reader.take(32), reader.number(2)) for _ in range(reader.number(4)))
    reader.finish()
    facts = (roots, exits, epoch)
    return Body(l1_block_number, listings, deposits, records, rejections, *facts)


def _read_listing(reader: Reader) -> Asset:
    return Asset(reader.number(2), reader.take(20), reader.number(8), reader.take(20))


@dataclass(frozen=True)
class Block:
    number: int
    epoch: int
    round: int
    parent_hash: bytes
    operations_hash: bytes
    body_hash: bytes
    operation_count: int
    timestamp_ms: int

    def encoded(self) -> bytes:
        head = u(self.number, 8) + u(self.epoch, 4) + u(self.round, 4)
        hashes = self.parent_hash + self.operations_hash + self.body_hash
        return head + hashes + u(self.operation_count, 4) + u(self.timestamp_ms, 8)

    def digest(self, domain: Domain) -> bytes:
        return domain.digest(BLOCK, *astuple(self))


def read_block(reader: Reader) -> Block:
    number, epoch, round_number = reader.number(8), reader.number(4), reader.number(4)
    hashes = [reader.take(32) for _ in range(3)]
    return Block(number, epoch, round_number, *hashes, reader.number(4), reader.number(8))


class Derivation:
    """Finds the operations of a body; `state` already lists the body's assets."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.opened: dict[tuple[bytes, int], int] = {}

    def _find(self, owner: bytes, asset_id: int) -> int | None:
        key = (owner, asset_id)
        return self.opened.get(key, self.state.ids.get(key))

    def _open_if_lacking(self, owner: bytes, asset_id: int) -> list[Step]:
        if self._find(owner, asset_id) is not None:
            return []
        account_id = self.state.free_id(owner, set(self.opened.values()))
        self.opened[owner, asset_id] = account_id
        return [(open_account(account_id, asset_id, owner),)]

    def of_listing(self, listed: Asset) -> list[Step]:
        if listed.fee_owner == ZERO_ADDRESS:
            return []
        require(self._find(listed.fee_owner, listed.asset_id) is None, "the fee owner has one")
        account_id = fee_account_of(listed.asset_id)
        self.opened[listed.fee_owner, listed.asset_id] = account_id
        return [(open_account(account_id, listed.asset_id, listed.fee_owner),)]

    def of_deposit(self, deposit: Deposit) -> list[Step]:
        opening = self._open_if_lacking(deposit.owner, deposit.asset_id)
        payee = self._find(deposit.owner, deposit.asset_id)
        return [*opening, (Operation("deposit", 0, payee, deposit.amount_minor),)]

    def of_record(self, record: Record) -> list[Step]:
        """What the payees lack, then the order or all legs in one step."""
        openings: list[Step] = []
        for order in record.orders:
            if order.kind == "payment":
                asset_id = self.state.asset_of_token(order.asset).asset_id
                openings += self._open_if_lacking(order.payee, asset_id)
        return [*openings, tuple(map(self._operation, record.orders))]

    def _operation(self, order: Order) -> Operation:
        asset = self.state.asset_of_token(order.asset)
        payer = self._find(order.payer, asset.asset_id)
        require(payer is not None, "the payer has no account")
        require(order.amount % asset.unit == order.fee % asset.unit == 0, "no whole minor units")
        sums = (order.amount // asset.unit, order.fee // asset.unit)
        if order.kind == "withdrawal":
            return Operation("withdrawal", payer, 0, *sums)
        return Operation("payment", payer, self._find(order.payee, asset.asset_id), *sums)


def derive(state: State, body: Body) -> list[Step]:
    """The operations of the body; Invalid if one has no proper shape."""
    run = Derivation(state)
    swept = exiting_accounts(state, body.exits)
    steps: list[Step] = [(sweep_of(state, account_id),) for account_id in swept]
    if (body.exits or state.exiting) and not swept:
        steps.append(CHUNK_END)
    for listed in body.listings:
        steps += run.of_listing(listed)
    for deposit in body.deposits:
        steps += run.of_deposit(deposit)
    for record in body.records:
        steps += run.of_record(record)
    operations = operations_of(steps)
    shapes = [operation for _, operation in read_operations(slots_of(operations))]
    require(shapes == operations, "an operation has no proper shape")
    return steps


def operations_of(steps: Sequence[Step]) -> list[Operation]:
    return [operation for step in steps for operation in step]


def slots_of(operations: Sequence[Operation]) -> bytes:
    return b"".join(operation.slots() for operation in operations)


def execute_two_phase(
    state: State, operations: Sequence[Operation], deposits: Sequence[Deposit]
) -> None:
    """Openings and debits first, then credits; `deposits` is the queue from its start."""
    credits: list[tuple[int, int]] = []
    for operation in operations:
        if operation.kind == "open":
            check_open(state, operation)
            state.put(operation.payee, Leaf(operation.owner, operation.asset_id, 0, 0))
        elif operation.kind == "deposit":
            check_deposit(state, operation, deposits)
            consume_deposit(state)
            credits.append((operation.payee, operation.amount_minor))
        elif operation.is_debit():
            debit(state, operation)
            if operation.kind == "payment":
                check_payee(state, operation)
                credits.append((operation.payee, operation.amount_minor))
            if operation.fee_minor > 0:
                fee_account = fee_account_of(state.leaves[operation.payer].asset_id)
                require(fee_account in state.leaves, "the fee account isn't open")
                credits.append((fee_account, operation.fee_minor))
    for account_id, amount_minor in credits:
        credit(state, account_id, amount_minor)


def execute_body(
    state: State, body: Body, moment: Moment, domain: Domain, queue: list[Deposit]
) -> list[Step]:
    """Check and apply a body to `state`, and its deposits to `queue`; return its operations.

    On Invalid the state is of no use any more.
    """
    for listed in body.listings:
        require(listed.asset_id == len(state.assets) + 1, "the listing isn't the next one")
        state.list_asset(listed)
    _check_deposits(state, body.deposits)
    _check_records(state, body, moment, domain)
    for root in body.roots:
        state.authorise(root)
    steps, left = derive(state, body), left_exiting(state, body.exits)
    operations = operations_of(steps)
    queue += body.deposits
    execute_two_phase(state, operations, queue)
    state.exiting = left
    asset_of = {o.payer: state.leaves[o.payer].asset_id for o in operations if o.is_debit()}
    require(len(pack(steps, asset_of)) <= CHUNKS_OF_CALLDATA_MAX, "no calldata can carry it")
    return steps


def execute_block(
    state: State, block: Block, body: Body, moment: Moment, domain: Domain, queue: list[Deposit]
) -> list[Step]:
    """Check and apply a block; see `execute_body`."""
    steps = execute_body(state, body, moment, domain, queue)
    slots = slots_of(operations_of(steps))
    require(sha256(body.encoded()) == block.body_hash, "the body is another")
    require(keccak(slots) == block.operations_hash, "the operations are others")
    require(len(slots) == SLOT * block.operation_count, "the operations are more or fewer")
    return steps


def _check_deposits(state: State, deposits: Sequence[Deposit]) -> None:
    supply_minor = Counter[int]()
    for leaf in state.leaves.values():
        supply_minor[leaf.asset_id] += leaf.balance_minor
    for deposit in deposits:
        asset_id = state.asset_of_token(deposit.token).asset_id
        require(asset_id == deposit.asset_id, "the token is of another asset")
        supply_minor[asset_id] += deposit.amount_minor
        require(supply_minor[asset_id] < SUPPLY_LIMIT, "more than an asset can have")


def _check_records(state: State, body: Body, moment: Moment, domain: Domain) -> None:
    swept = exiting_accounts(state, body.exits)
    used = {account_id: state.leaves[account_id].nonce + 1 for account_id in swept}
    for record in body.records:
        check_whole(record)
        record.check_authorised(domain, state.roots)
        for order in record.orders:
            _check_order(state, order, moment, used)


def _check_order(state: State, order: Order, moment: Moment, used: dict[int, int]) -> None:
    """`used` has the next nonce of each account that the block has debited."""
    require(order.is_alive(moment.ts_s), "the order has expired")
    asset_id = state.asset_of_token(order.asset).asset_id
    payer = state.ids.get((order.payer, asset_id))
    require(payer is not None, "the payer has no account")
    nonce = used.get(payer, state.leaves[payer].nonce)
    require(order.nonce == nonce, "the nonce isn't the next one")
    used[payer] = nonce + 1
    require(moment.is_eligible(order), "somebody may not hold the asset")
