"""Reads a chunk as L1 does: one operation after the other (docs/PROTOCOL.md, section 2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from backend.protocol.batches import FEE_ACCOUNTS_MAX
from backend.protocol.errors import MalformedBytes
from backend.protocol.money import BALANCE_MINOR_MAX, AmountMinor, BalanceMinor
from backend.protocol.operations import (
    Deposit,
    MalformedOperation,
    NoOp,
    OpenAccount,
    Operation,
    Payment,
    Withdrawal,
    iter_slots,
)
from backend.protocol.types import (
    BRIDGE,
    FEE_PARTITION,
    NONCE_MAX,
    AccountId,
    Asset,
    DepositRecord,
    Leaf,
    fee_account_id,
)


class InvalidOperation(MalformedBytes):
    """An operation that L1 would call fraud. `check` is the first of its checks to fail.

    The checks, in their order: shape, payer, payee, number of fee accounts, fee account.
    """

    def __init__(self, position: int, check: str, reason: str) -> None:
        super().__init__(f"slot {position}: {check}: {reason}")
        self.position = position
        self.check = check
        self.reason = reason


@dataclass(frozen=True, slots=True)
class L1Facts:
    """What L1 knows besides the chunk: listings, deposits by index, and the batch's cursor."""

    assets: Mapping[int, Asset]
    deposits: Mapping[int, DepositRecord]
    deposit_cursor: int


def apply_in_sequence(
    leaf_of: Callable[[AccountId], Leaf | None], chunk_slots: bytes, facts: L1Facts
) -> dict[AccountId, Leaf]:
    """Return the leaves that a chunk's slots change, as they are after them.

    `leaf_of` gives the leaves before the chunk. Raises InvalidOperation at the first operation
    that is invalid; its checks run in the order shape, payer, payee, number of fee accounts, fee
    account.
    """
    reading = _Reading(leaf_of, facts)
    try:
        for position, operation in iter_slots(chunk_slots):
            reading.apply(position, operation)
    except MalformedOperation as error:
        raise InvalidOperation(error.position, "shape", error.reason) from error
    return reading.leaves


class _Reading:
    """A chunk being read: the leaves changed so far, and where its fees have gone."""

    def __init__(self, leaf_of: Callable[[AccountId], Leaf | None], facts: L1Facts) -> None:
        self.leaf_of = leaf_of
        self.facts = facts
        self.leaves: dict[AccountId, Leaf] = {}
        self.fee_accounts: set[AccountId] = set()

    def apply(self, position: int, operation: Operation) -> None:
        match operation:
            case Payment(payer_id, payee_id, amount_minor, fee_minor):
                payer = self._debit(position, payer_id, amount_minor + fee_minor)
                self._credit(position, "payee", payee_id, payer.asset_id, amount_minor)
                self._take_fee(position, payer.asset_id, fee_minor)
            case Withdrawal(payer_id, amount_minor, fee_minor):
                payer = self._debit(position, payer_id, amount_minor + fee_minor)
                self._take_fee(position, payer.asset_id, fee_minor)
            case Deposit(payee_id, amount_minor):
                self._deposit(position, payee_id, amount_minor)
            case OpenAccount():
                self._open(position, operation)
            case NoOp():
                pass

    def _debit(self, position: int, payer_id: AccountId, debit_minor: int) -> Leaf:
        payer = self._leaf(payer_id)
        if payer is None:
            raise InvalidOperation(position, "payer", f"account {payer_id} is not open")
        balance_minor = BalanceMinor(payer.balance_minor - debit_minor)
        if balance_minor < 0:
            raise InvalidOperation(
                position, "payer", f"{payer.balance_minor} don't cover {debit_minor} minor units"
            )
        if payer.nonce == NONCE_MAX:
            raise InvalidOperation(position, "payer", f"account {payer_id} has no nonce left")
        self.leaves[payer_id] = Leaf(payer.owner, payer.asset_id, payer.nonce + 1, balance_minor)
        return payer

    def _credit(
        self, position: int, check: str, account_id: AccountId, asset_id: int, credit_minor: int
    ) -> None:
        leaf = self._leaf(account_id)
        if leaf is None:
            raise InvalidOperation(position, check, f"account {account_id} is not open")
        if leaf.asset_id != asset_id:
            raise InvalidOperation(position, check, f"it holds {leaf.asset_id}, not {asset_id}")
        balance_minor = BalanceMinor(leaf.balance_minor + credit_minor)
        if balance_minor > BALANCE_MINOR_MAX:
            raise InvalidOperation(position, check, f"account {account_id} would overflow")
        self.leaves[account_id] = Leaf(leaf.owner, leaf.asset_id, leaf.nonce, balance_minor)

    def _take_fee(self, position: int, asset_id: int, fee_minor: AmountMinor) -> None:
        if fee_minor == 0:
            return
        account_id = fee_account_id(asset_id)
        self.fee_accounts.add(account_id)
        if len(self.fee_accounts) > FEE_ACCOUNTS_MAX:
            raise InvalidOperation(
                position, "number of fee accounts", f"account {account_id} is one too many"
            )
        self._credit(position, "fee account", account_id, asset_id, fee_minor)

    def _deposit(self, position: int, payee_id: AccountId, amount_minor: AmountMinor) -> None:
        bridge = self._leaf(BRIDGE)
        if bridge is None:
            raise InvalidOperation(position, "payer", "the bridge's leaf is empty")
        index = bridge.nonce
        record = self.facts.deposits.get(index)
        if index >= self.facts.deposit_cursor or record is None:
            raise InvalidOperation(position, "payer", f"deposit {index} is past the cursor")
        if amount_minor != record.amount_minor:
            raise InvalidOperation(
                position, "payer", f"deposit {index} has {record.amount_minor} minor units"
            )
        self.leaves[BRIDGE] = replace(bridge, nonce=index + 1)
        payee = self._leaf(payee_id)
        if payee is not None and payee.owner != record.owner:
            raise InvalidOperation(position, "payee", f"deposit {index} has another owner")
        self._credit(position, "payee", payee_id, record.asset_id, amount_minor)

    def _open(self, position: int, opening: OpenAccount) -> None:
        account_id, asset_id = opening.account_id, opening.asset_id
        if self._leaf(account_id) is not None:
            raise InvalidOperation(position, "payee", f"account {account_id} is open already")
        if account_id >> 24 == FEE_PARTITION:
            asset = self.facts.assets.get(asset_id)
            if (
                asset is None
                or not asset.takes_fee
                or asset.fee_owner != opening.owner
                or account_id != fee_account_id(asset_id)
            ):
                raise InvalidOperation(position, "payee", "it is no listed fee account")
        self.leaves[account_id] = Leaf(opening.owner, asset_id, 0, BalanceMinor(0))

    def _leaf(self, account_id: AccountId) -> Leaf | None:
        return self.leaves.get(account_id) or self.leaf_of(account_id)
