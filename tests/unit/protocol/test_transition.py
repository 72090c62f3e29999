"""L1's reading of a chunk: what each operation does, and each check in its order.

Accounts of asset 1: 2 (100 minor units), 3 (50), 4 (all but 1 of 2^64); of asset 2: 5 (100). Fee
accounts of assets 1 and 10 to 15 are open. Deposits 7 and 8 are queued, 8 past the cursor.
"""

from dataclasses import replace

import pytest

from backend.engine.ledger import GENESIS_LEAF
from backend.protocol.money import AmountMinor, BalanceMinor
from backend.protocol.operations import (
    Deposit,
    NoOp,
    OpenAccount,
    Payment,
    Withdrawal,
    encode_all,
    slot,
)
from backend.protocol.transition import InvalidOperation, L1Facts, apply_in_sequence
from backend.protocol.types import BRIDGE, AccountId, Leaf, fee_account_id
from tests.property.world import ASSETS, FREE, address, deposit

FEE_1 = fee_account_id(1)
FEES = range(10, 16)


def leaf(owner: str, asset_id: int, balance_minor: int) -> Leaf:
    return Leaf(address(owner), asset_id, 0, BalanceMinor(balance_minor))


LEAVES = {
    BRIDGE: replace(GENESIS_LEAF, nonce=7),
    2: leaf("alice", 1, 100),
    3: leaf("bob", 1, 50),
    4: leaf("carol", 1, 2**64 - 2),
    5: leaf("alice", 2, 100),
    FEE_1: leaf("stable's fee owner", 1, 0),
    **{fee_account_id(n): leaf(f"fee owner {n}", n, 0) for n in FEES},
    **{n: leaf("payer", n, 10) for n in FEES},
}
FACTS = L1Facts(
    assets={asset.asset_id: asset for asset in ASSETS},
    deposits={7: deposit("alice", 5), 8: deposit("bob", 6)},
    deposit_cursor=8,
)


def read(*operations):
    slots = b"".join(o if isinstance(o, bytes) else encode_all([o]) for o in operations)
    return apply_in_sequence(LEAVES.get, slots, FACTS)


def payment(payer: int, payee: int, amount_minor: int, fee_minor: int = 0) -> Payment:
    return Payment(
        AccountId(payer), AccountId(payee), AmountMinor(amount_minor), AmountMinor(fee_minor)
    )


def withdrawal(payer: int, amount_minor: int, fee_minor: int = 0) -> Withdrawal:
    return Withdrawal(AccountId(payer), AmountMinor(amount_minor), AmountMinor(fee_minor))


def opening(account_id: int, asset_id: int = 1, owner: str = "dora") -> OpenAccount:
    return OpenAccount(AccountId(account_id), asset_id, address(owner))


def fee_to(asset_id: int) -> Withdrawal:
    return withdrawal(asset_id, 1, 1)


# operations → (nonce, balance) of each account that they change
VALID = {
    "payment": ([payment(2, 3, 90, 10)], {2: (1, 0), 3: (0, 140), FEE_1: (0, 10)}),
    "withdrawal": ([withdrawal(2, 90, 10)], {2: (1, 0), FEE_1: (0, 10)}),
    "deposit": ([Deposit(AccountId(2), AmountMinor(5))], {BRIDGE: (8, 0), 2: (0, 105)}),
    "opening, and paying it": (
        [opening(9), payment(2, 9, 100), payment(9, 3, 40)],
        {2: (1, 0), 9: (1, 60), 3: (0, 90)},
    ),
    "money just received": (
        [payment(2, 3, 100), payment(3, 2, 150)],
        {2: (1, 150), 3: (1, 0)},
    ),
    "payee is the fee account": ([payment(2, FEE_1, 1, 1)], {2: (1, 98), FEE_1: (0, 2)}),
    "payer is the fee account": (
        [payment(2, FEE_1, 10), payment(FEE_1, 3, 6, 4)],
        {2: (1, 90), FEE_1: (1, 4), 3: (0, 56)},
    ),
    "no-ops": ([NoOp(), NoOp()], {}),
    "four fee accounts": (
        [fee_to(n) for n in (10, 11, 12, 13, 10)],
        {
            **{n: (1, 8) for n in (11, 12, 13)},
            10: (2, 6),
            **{fee_account_id(n): (0, 1) for n in (11, 12, 13)},
            fee_account_id(10): (0, 2),
        },
    ),
    "listed fee account": (
        [opening(fee_account_id(2), 2, "wide's fee owner")],
        {fee_account_id(2): (0, 0)},
    ),
    "account of an asset nobody listed": ([opening(9, 60_000)], {9: (0, 0)}),
}


@pytest.mark.parametrize(("operations", "expected"), VALID.values(), ids=VALID)
def test_apply_in_sequence__valid__succeeds(operations, expected):
    changed = read(*operations)

    assert {i: (leaf.nonce, leaf.balance_minor) for i, leaf in changed.items()} == expected


# operations → slot, check and reason of the first invalid one
SHAPE, PAYER, PAYEE = "shape", "payer", "payee"
COUNT, FEE = "number of fee accounts", "fee account"
INVALID = {
    "payer pays himself": ([payment(2, 2, 1)], 0, SHAPE, "payer and payee are the same"),
    "no amount": ([payment(2, 3, 0)], 0, SHAPE, "the amount is zero"),
    "shape before payer": ([payment(99, 99, 0)], 0, SHAPE, "payer and payee are the same"),
    "the registry paid": ([payment(2, 1, 1)], 0, SHAPE, "account 1 can't be paid"),
    "a deposit with a fee byte": ([slot(0, 2, 5, 1)], 0, SHAPE, "a deposit has a fee byte"),
    "opening in the last slot": (
        [NoOp()] * 63 + [encode_all([opening(9)])[:15]],
        63,
        SHAPE,
        "an account is opened in the last slot",
    ),
    "payer not open": ([payment(99, 3, 1)], 0, PAYER, "account 99 is not open"),
    "payer before payee": ([payment(99, 98, 1)], 0, PAYER, "account 99 is not open"),
    "payer short": ([payment(2, 3, 101)], 0, PAYER, "100 don't cover 101 minor units"),
    "payer short by the fee": (
        [payment(2, 3, 100, 1)],
        0,
        PAYER,
        "100 don't cover 101 minor units",
    ),
    "withdrawal short": ([NoOp(), withdrawal(3, 51)], 1, PAYER, "50 don't cover 51 minor units"),
    "payee not open": ([payment(2, 99, 1)], 0, PAYEE, "account 99 is not open"),
    "payee of another asset": ([payment(2, 5, 1)], 0, PAYEE, "it holds 2, not 1"),
    "payee full": ([payment(2, 4, 2)], 0, PAYEE, "account 4 would overflow"),
    "payee before fee account": ([payment(5, 2, 1, 1)], 0, PAYEE, "it holds 1, not 2"),
    "deposit past the cursor": (
        [Deposit(AccountId(2), AmountMinor(5)), Deposit(AccountId(3), AmountMinor(6))],
        1,
        PAYER,
        "deposit 8 is past the cursor",
    ),
    "deposit of another amount": (
        [Deposit(AccountId(2), AmountMinor(6))],
        0,
        PAYER,
        "deposit 7 has 5 minor units",
    ),
    "deposit to another owner": (
        [Deposit(AccountId(3), AmountMinor(5))],
        0,
        PAYEE,
        "deposit 7 has another owner",
    ),
    "deposit to another asset": (
        [Deposit(AccountId(5), AmountMinor(5))],
        0,
        PAYEE,
        "it holds 2, not 1",
    ),
    "deposit to nobody": (
        [Deposit(AccountId(99), AmountMinor(5))],
        0,
        PAYEE,
        "account 99 is not open",
    ),
    "opened twice": ([opening(9), opening(9)], 2, PAYEE, "account 9 is open already"),
    "fee account of another owner": (
        [opening(fee_account_id(2), 2)],
        0,
        PAYEE,
        "it is no listed fee account",
    ),
    "fee account of another asset": (
        [opening(fee_account_id(9), 2, "wide's fee owner")],
        0,
        PAYEE,
        "it is no listed fee account",
    ),
    "fee account of an asset without": (
        [opening(fee_account_id(FREE.asset_id), FREE.asset_id)],
        0,
        PAYEE,
        "it is no listed fee account",
    ),
    "a fifth fee account": (
        [fee_to(n) for n in range(10, 15)],
        4,
        COUNT,
        f"account {fee_account_id(14)} is one too many",
    ),
    "fee account not open": (
        [withdrawal(5, 1, 1)],
        0,
        FEE,
        f"account {fee_account_id(2)} is not open",
    ),
}


@pytest.mark.parametrize(
    ("operations", "position", "check", "reason"), INVALID.values(), ids=INVALID
)
def test_apply_in_sequence__invalid__rejects(operations, position, check, reason):
    with pytest.raises(InvalidOperation) as caught:
        read(*operations)

    assert (caught.value.position, caught.value.check) == (position, check)
    assert caught.value.reason == reason


def test_apply_in_sequence__fee_account_full__rejects():
    leaves = LEAVES | {FEE_1: leaf("stable's fee owner", 1, 2**64 - 1)}

    with pytest.raises(InvalidOperation) as caught:
        apply_in_sequence(leaves.get, encode_all([withdrawal(2, 1, 1)]), FACTS)

    assert caught.value.check == FEE


def test_apply_in_sequence__last_nonce__rejects():
    leaves = LEAVES | {2: replace(LEAVES[2], nonce=2**64 - 1)}

    with pytest.raises(InvalidOperation) as caught:
        apply_in_sequence(leaves.get, encode_all([payment(2, 3, 1)]), FACTS)

    assert caught.value.check == PAYER


def test_apply_in_sequence__no_bridge__rejects():
    leaves = {account_id: leaf for account_id, leaf in LEAVES.items() if account_id != BRIDGE}
    slots = encode_all([Deposit(AccountId(2), AmountMinor(5))])

    with pytest.raises(InvalidOperation) as caught:
        apply_in_sequence(leaves.get, slots, FACTS)

    assert caught.value.check == PAYER
