"""The rows that follow from one final block. Pure: accounts come in, rows come out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from backend.protocol.batches import withdrawal_key
from backend.protocol.eip712 import Domain
from backend.protocol.errors import InvariantViolated, check_invariant, error_class
from backend.protocol.operations import (
    Deposit,
    NoOp,
    OpenAccount,
    Operation,
    Payment,
    Withdrawal,
    read_slots,
)
from backend.protocol.order_records import (
    AuthorisedOrder,
    OrderGroup,
    SignedOrder,
    authorised_orders,
)
from backend.protocol.orders import Order, PaymentOrder, WithdrawalOrder
from backend.protocol.types import BRIDGE, DepositRecord, digest_text, fee_account_id
from backend.records.facts import FinalBlock

# A sequence is the block's number and a place in the block.
PLACE_BITS: Final = 24

Row = dict[str, Any]


@dataclass(slots=True)
class AccountState:
    """An account while its block is read."""

    owner: bytes
    asset_id: int
    nonce: int
    balance_minor: int
    opened_block_number: int


@dataclass(slots=True)
class BlockRows:
    """What a block adds, and the accounts it leaves changed."""

    accounts: dict[int, AccountState]
    opened: set[int] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)
    assets: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    withdrawals: list[Row] = field(default_factory=list)
    rejections: list[Row] = field(default_factory=list)
    credits: list[Row] = field(default_factory=list)
    entries: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)


def accounts_named(operations: list[tuple[int, Operation]]) -> set[int]:
    """Return the ids that operations name, but for those they open and the fee accounts'."""
    named: set[int] = set()
    opened: set[int] = set()
    for _, operation in operations:
        match operation:
            case Payment(payer, payee):
                named |= {payer, payee}
            case Withdrawal(payer=payer):
                named.add(payer)
            case Deposit(payee=payee):
                named.add(payee)
            case OpenAccount(account_id):
                opened.add(account_id)
    return named - opened


_Signed = tuple[Order, bytes]


def _signed(authorised: AuthorisedOrder) -> _Signed:
    """Return an order and its signature; none, if a root authorised it."""
    signature = authorised.signature if isinstance(authorised, SignedOrder) else b""
    return authorised.order, signature


class BlockReader:
    """Reads a block's slots beside its body; the two say the same in two languages."""

    def __init__(
        self,
        final: FinalBlock,
        operations: list[tuple[int, Operation]],
        accounts: Mapping[int, AccountState],
        deposit_count: int,
        domain: Domain,
    ) -> None:
        """`accounts` hold all that the operations name; `deposit_count` is that of all before."""
        self._final = final
        self._operations = operations
        self._domain = domain
        # Sweeps come first, and stand for orders that nobody had to sign.
        self._orders: Iterator[_Signed] = chain(
            ((order, b"") for order in final.sweep_orders),
            map(_signed, chain.from_iterable(map(authorised_orders, final.body.records))),
        )
        self._deposits: Iterator[DepositRecord] = iter(final.body.deposits)
        self._deposit_index = deposit_count
        self._number = final.block.number
        self._base = final.block.number << PLACE_BITS
        self._ts_ms = final.block.timestamp_ms
        self.rows = BlockRows(dict(accounts))

    def read(self) -> BlockRows:
        """Return the rows. Raises InvariantViolated if slots and body differ."""
        text = str(self._number)
        self._event("block.final", text)
        for listing in self._final.body.listings:
            self.rows.assets.append(
                {
                    "asset_id": listing.asset_id,
                    "token": listing.token,
                    "unit": listing.unit,
                    "fee_owner": listing.fee_owner,
                    "block_number": self._number,
                }
            )
            self._event("asset.listed", str(listing.asset_id))
        for slot, operation in self._operations:
            match operation:
                case Payment():
                    self._payment(slot, operation, next(self._orders, None))
                case Withdrawal():
                    self._withdrawal(slot, operation, next(self._orders, None))
                case Deposit():
                    self._deposit(slot, operation, next(self._deposits, None))
                case OpenAccount():
                    self._open(operation)
                case NoOp():
                    raise InvariantViolated(f"block {text} holds a no-op")
        check_invariant(next(self._orders, None) is None, "an order left no operation", block=text)
        self._groups()
        self._reject()
        return self.rows

    def _groups(self) -> None:
        for record in self._final.body.records:
            if isinstance(record, OrderGroup):
                self._event("group.final", digest_text(record.link))

    def _open(self, operation: OpenAccount) -> None:
        self.rows.accounts[operation.account_id] = AccountState(
            operation.owner, operation.asset_id, 0, 0, self._number
        )
        self.rows.opened.add(operation.account_id)
        self._event("account.opened", str(operation.account_id), operation.owner)

    def _payment(self, slot: int, operation: Payment, signed: _Signed | None) -> None:
        order, signature = signed or (None, b"")
        if not isinstance(order, PaymentOrder):
            raise InvariantViolated(f"slot {slot} of block {self._number} has no payment order")
        payment_id = order.digest(self._domain)
        row = self._order_row(slot, payment_id, order, signature, operation)
        row["payee"] = order.payee
        row["payee_account_id"] = operation.payee
        row["memo"] = order.memo
        row["link"] = order.link
        self.rows.payments.append(row)
        amount_minor = operation.amount_minor
        payer = self._debit(operation.payer, "payment", amount_minor, payment_id, order.payee)
        self._fee(operation.payer, payer, operation.fee_minor, payment_id)
        self._credit(operation.payee, "payment", amount_minor, payment_id, order.payer)
        self._fee_credit(payer.asset_id, operation.fee_minor, payment_id, order.payer)
        self._event("payment.final", digest_text(payment_id), order.payer, order.payee)

    def _withdrawal(self, slot: int, operation: Withdrawal, signed: _Signed | None) -> None:
        order, signature = signed or (None, b"")
        if not isinstance(order, WithdrawalOrder):
            raise InvariantViolated(f"slot {slot} of block {self._number} has no withdrawal order")
        withdrawal_id = order.digest(self._domain)
        row = self._order_row(slot, withdrawal_id, order, signature, operation)
        row["claim_key"] = withdrawal_key(order.payer, order.nonce, order.asset, order.amount)
        self.rows.withdrawals.append(row)
        amount_minor = operation.amount_minor
        payer = self._debit(operation.payer, "withdrawal", amount_minor, withdrawal_id, None)
        self._fee(operation.payer, payer, operation.fee_minor, withdrawal_id)
        self._bridge(payer.asset_id, "withdrawal", amount_minor, withdrawal_id, order.payer)
        self._fee_credit(payer.asset_id, operation.fee_minor, withdrawal_id, order.payer)
        self._event("withdrawal.final", digest_text(withdrawal_id), order.payer)

    def _deposit(self, slot: int, operation: Deposit, record: DepositRecord | None) -> None:
        if record is None:
            raise InvariantViolated(f"slot {slot} of block {self._number} has no deposit record")
        self.rows.credits.append(
            {
                "deposit_index": self._deposit_index,
                "token": record.token,
                "asset_id": record.asset_id,
                "owner": record.owner,
                "amount_minor": record.amount_minor,
                "l1_ts_s": record.l1_ts_s,
                "account_id": operation.payee,
                "block_number": self._number,
                "slot": slot,
            }
        )
        subject = self._deposit_index.to_bytes(8)
        amount_minor = operation.amount_minor
        self._bridge(record.asset_id, "deposit", -amount_minor, subject, record.owner)
        self._credit(operation.payee, "deposit", amount_minor, subject, None)
        self._event("deposit.credited", str(self._deposit_index), record.owner)
        self._deposit_index += 1

    def _order_row(
        self,
        slot: int,
        order_id: bytes,
        order: Order,
        signature: bytes,
        operation: Payment | Withdrawal,
    ) -> Row:
        return {
            "sequence": self._base | slot,
            "id": order_id,
            "payer": order.payer,
            "payer_account_id": operation.payer,
            "asset_id": self.rows.accounts[operation.payer].asset_id,
            "amount_minor": operation.amount_minor,
            "fee_minor": operation.fee_minor,
            "nonce": order.nonce,
            "valid_until": order.valid_until,
            # Empty if a root of the payer's authorised it, or an exit: that is in the log.
            "signature": signature,
            "block_number": self._number,
            "slot": slot,
        }

    def _debit(
        self, account_id: int, kind: str, amount_minor: int, subject: bytes, other: bytes | None
    ) -> AccountState:
        account = self.rows.accounts[account_id]
        account.nonce += 1
        account.balance_minor -= amount_minor
        self._entry(account_id, account, kind, -amount_minor, subject, other)
        return account

    def _credit(
        self, account_id: int, kind: str, amount_minor: int, subject: bytes, other: bytes | None
    ) -> None:
        account = self.rows.accounts[account_id]
        account.balance_minor += amount_minor
        self._entry(account_id, account, kind, amount_minor, subject, other)

    def _fee(self, payer_id: int, payer: AccountState, fee_minor: int, subject: bytes) -> None:
        if fee_minor:
            payer.balance_minor -= fee_minor
            self._entry(payer_id, payer, "fee", -fee_minor, subject, None)

    def _fee_credit(self, asset_id: int, fee_minor: int, subject: bytes, payer: bytes) -> None:
        if fee_minor:
            self._credit(fee_account_id(asset_id), "fee", fee_minor, subject, payer)

    def _entry(
        self,
        account_id: int,
        account: AccountState,
        kind: str,
        amount_minor: int,
        subject: bytes,
        counterparty: bytes | None,
    ) -> None:
        self.rows.touched.add(account_id)
        self.rows.entries.append(
            {
                "account_id": account_id,
                "sequence": self._base | len(self.rows.entries),
                "asset_id": account.asset_id,
                "kind": kind,
                "amount_minor": amount_minor,
                "balance_after_minor": account.balance_minor,
                "subject": subject,
                "counterparty": counterparty,
            }
        )

    def _bridge(
        self, asset_id: int, kind: str, amount_minor: int, subject: bytes, owner: bytes
    ) -> None:
        """The other side of money that comes from the chain or goes to it."""
        self.rows.entries.append(
            {
                "account_id": BRIDGE,
                "sequence": self._base | len(self.rows.entries),
                "asset_id": asset_id,
                "kind": kind,
                "amount_minor": amount_minor,
                "balance_after_minor": 0,
                "subject": subject,
                "counterparty": owner,
            }
        )

    def _reject(self) -> None:
        for place, (rejected_id, number) in enumerate(self._final.rejected_ids):
            self.rows.rejections.append(
                {
                    "sequence": self._base | place,
                    "id": rejected_id,
                    "code": number,
                    "block_number": self._number,
                }
            )
            code = error_class(number).code
            self._event("payment.rejected", digest_text(rejected_id), code=code)

    def _event(
        self,
        kind: str,
        subject: str,
        owner: bytes | None = None,
        counterparty: bytes | None = None,
        code: str | None = None,
    ) -> None:
        self.rows.events.append(
            {
                "source": "block",
                "sequence": self._base | len(self.rows.events),
                "type": kind,
                "subject": subject,
                "owner": owner,
                "counterparty": counterparty,
                "ts_ms": self._ts_ms,
                "position": self._number,
                "code": code,
            }
        )


def operations_of(final: FinalBlock) -> list[tuple[int, Operation]]:
    """Return the block's operations, each with its first slot."""
    return read_slots(final.slots)
