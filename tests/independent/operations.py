"""Operations, their slots, and their validity in sequence (section 2)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tests.independent.codec import ZERO_ADDRESS, Reader, byte_of_fee, fee_of_byte, require, u
from tests.independent.deposits import Deposit
from tests.independent.state import (
    BALANCE_MAX,
    BRIDGE,
    FEE_PARTITION,
    NONCE_MAX,
    REGISTRY,
    Leaf,
    State,
    fee_account_of,
)

SLOT = 15
FEE_ACCOUNTS_MAX = 4
AMOUNT_MAX = 2**48 - 1


@dataclass(frozen=True)
class Operation:
    """`kind` is payment, deposit, withdrawal, open or no-op; asset and owner are of an open.

    A sweep is a withdrawal that no bytes tell from others.
    """

    kind: str
    payer: int
    payee: int
    amount_minor: int = 0
    fee_minor: int = 0
    asset_id: int = 0
    owner: bytes = b""
    is_sweep: bool = field(default=False, compare=False)

    def slots(self) -> bytes:
        ends = u(self.payer, 4) + u(self.payee, 4)
        if self.kind == "open":
            return ends + u(self.asset_id, 2) + self.owner
        return ends + u(self.amount_minor, 6) + u(byte_of_fee(self.fee_minor), 1)

    def slot_count(self) -> int:
        return 2 if self.kind == "open" else 1

    def is_debit(self) -> bool:
        return self.kind in ("payment", "withdrawal")


# Operations that no chunk's end or no-op divides: a group's legs, or one operation alone.
Step = tuple[Operation, ...]

# No operation, but a chunk ends here, after the batch's start.
CHUNK_END: Step = ()

NO_OP = Operation("no-op", 0, 0)


def open_account(account_id: int, asset_id: int, owner: bytes) -> Operation:
    return Operation("open", REGISTRY, account_id, asset_id=asset_id, owner=owner)


def _read_one(slots: Reader) -> Operation:
    payer, payee = slots.number(4), slots.number(4)
    if payer == REGISTRY:
        asset_id, owner = slots.number(2), slots.take(20)
        require(payee >= 2, "a new account has an id from 2")
        require(asset_id >= 1, "asset 0 is no asset")
        require(owner != ZERO_ADDRESS, "owner 0 is no owner")
        return open_account(payee, asset_id, owner)
    amount_minor, fee_byte = slots.number(6), slots.number(1)
    if payer == BRIDGE:
        require(fee_byte == 0, "a deposit and a no-op have fee byte 0")
        if payee == BRIDGE:
            require(amount_minor == 0, "BRIDGE pays itself nothing")
            return NO_OP
    require(payee != REGISTRY, "REGISTRY is paid nothing")
    require(payer != payee, "nobody pays himself")
    require(amount_minor > 0, "the amount is above 0")
    kind = "deposit" if payer == BRIDGE else "withdrawal" if payee == BRIDGE else "payment"
    return Operation(kind, payer, payee, amount_minor, fee_of_byte(fee_byte))


def read_operations(slots: bytes) -> list[tuple[int, Operation]]:
    """All operations with the position of their first slot; Invalid if a shape is wrong."""
    reader = Reader(slots)
    found: list[tuple[int, Operation]] = []
    while reader.position < len(slots):
        position = reader.position // SLOT
        found.append((position, _read_one(reader)))
    return found


def debit(state: State, operation: Operation) -> None:
    """A payer's side of a payment or withdrawal."""
    leaf = state.leaves.get(operation.payer)
    require(leaf is not None and operation.payer >= 2, "the payer has no account")
    cost_minor = operation.amount_minor + operation.fee_minor
    require(leaf.balance_minor >= cost_minor, "the payer can't cover it")
    require(leaf.nonce < NONCE_MAX, "the payer has no nonce left")
    balance_minor = leaf.balance_minor - cost_minor
    state.put(operation.payer, replace(leaf, nonce=leaf.nonce + 1, balance_minor=balance_minor))


def credit(state: State, account_id: int, amount_minor: int) -> None:
    leaf = state.leaves[account_id]
    require(leaf.balance_minor + amount_minor <= BALANCE_MAX, "the balance overflows")
    state.put(account_id, replace(leaf, balance_minor=leaf.balance_minor + amount_minor))


def check_open(state: State, operation: Operation) -> None:
    account_id, asset_id = operation.payee, operation.asset_id
    require(account_id not in state.leaves, "the id is taken")
    if account_id >> 24 == FEE_PARTITION:
        asset = state.assets.get(asset_id)
        is_listed = asset is not None and asset.fee_owner == operation.owner
        require(is_listed and account_id == fee_account_of(asset_id), "no listed fee account")


def check_payee(state: State, operation: Operation) -> None:
    payee = state.leaves.get(operation.payee)
    require(payee is not None, "the payee has no account")
    payer = state.leaves[operation.payer]
    require(payer.asset_id == payee.asset_id, "payer and payee hold different assets")


def check_deposit(state: State, operation: Operation, deposits: Sequence[Deposit]) -> None:
    """`deposits` are the records of the queue below the cursor."""
    index = state.leaves[BRIDGE].nonce
    require(index < len(deposits), "the deposit is not below the cursor")
    record, payee = deposits[index], state.leaves.get(operation.payee)
    require(payee is not None, "the payee has no account")
    shown = (payee.owner, payee.asset_id, operation.amount_minor)
    require(shown == (record.owner, record.asset_id, record.amount_minor), "another deposit")


def consume_deposit(state: State) -> None:
    bridge = state.leaves[BRIDGE]
    state.put(BRIDGE, replace(bridge, nonce=bridge.nonce + 1))


@dataclass
class Sequence64:
    """The operations of one chunk applied one by one, as L1 judges them."""

    state: State
    deposits: Sequence[Deposit]
    fee_accounts: set[int] = field(default_factory=set)

    def apply(self, operation: Operation) -> None:
        state = self.state
        if operation.kind == "open":
            check_open(state, operation)
            state.put(operation.payee, Leaf(operation.owner, operation.asset_id, 0, 0))
        elif operation.kind == "deposit":
            check_deposit(state, operation, self.deposits)
            consume_deposit(state)
            credit(state, operation.payee, operation.amount_minor)
        elif operation.is_debit():
            debit(state, operation)
            if operation.kind == "payment":
                check_payee(state, operation)
                credit(state, operation.payee, operation.amount_minor)
            self._pay_fee(operation)

    def _pay_fee(self, operation: Operation) -> None:
        if operation.fee_minor == 0:
            return
        account_id = fee_account_of(self.state.leaves[operation.payer].asset_id)
        self.fee_accounts.add(account_id)
        require(len(self.fee_accounts) <= FEE_ACCOUNTS_MAX, "a fifth fee account")
        require(account_id in self.state.leaves, "the fee account isn't open")
        credit(self.state, account_id, operation.fee_minor)
