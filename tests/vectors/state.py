"""Vectors of the state tree and of operations."""

from typing import Any

from backend.protocol.hashing import ZERO_DIGEST
from backend.protocol.money import AMOUNT_MINOR_MAX, BALANCE_MINOR_MAX, AmountMinor, BalanceMinor
from backend.protocol.money import fee_byte as fee_byte_of
from backend.protocol.money import fee_minor as fee_minor_of
from backend.protocol.operations import (
    Deposit,
    NoOp,
    OpenAccount,
    Operation,
    Payment,
    Withdrawal,
    encode,
    slot,
)
from backend.protocol.state_tree import StateTree, genesis_tree, leaf_hash, node_hash
from backend.protocol.types import BRIDGE, AccountId, Leaf, fee_account_id
from tests.vectors.common import address, named


def _leaf(word: str, asset_id: int, nonce: int, balance_minor: int) -> Leaf:
    return Leaf(address(word), asset_id, nonce, BalanceMinor(balance_minor))


def _leaf_vector(leaf: Leaf | None) -> dict[str, Any]:
    if leaf is None:
        return {
            "owner": bytes(20),
            "asset_id": 0,
            "nonce": 0,
            "balance_minor": 0,
            "hash": bytes(32),
        }
    return named(leaf) | {"encoded": leaf.encode(), "hash": leaf_hash(leaf)}


def state_tree() -> dict[str, Any]:
    leaves = {
        AccountId(2): _leaf("first", 1, 0, 1_000_000),
        AccountId(3): _leaf("second", 1, 7, 0),
        AccountId(7 << 24): _leaf("payer", 1, 42, 123_456_789),
        AccountId(7 << 24 | 1): _leaf("payee", 2, 2**64 - 1, BALANCE_MINOR_MAX),
        AccountId(200 << 24 | 5): _leaf("contract", 65535, 1, 1),
        fee_account_id(1): _leaf("fee owner", 1, 0, 31),
    }
    tree = genesis_tree().set_many(leaves)
    shown = [BRIDGE, AccountId(1), *leaves, AccountId(2**32 - 1)]
    ids = [AccountId(0), AccountId(3), AccountId(4), AccountId(7 << 24), fee_account_id(1)]
    one, other = leaf_hash(leaves[AccountId(2)]), leaf_hash(leaves[AccountId(3)])
    bridge = genesis_tree().leaf(BRIDGE)
    return {
        "empty_leaf": leaf_hash(None),
        "bridge_leaf": _leaf_vector(bridge),
        "genesis_root": genesis_tree().root,
        "leaves": [_leaf_vector(leaf) for leaf in leaves.values()],
        "nodes": [
            {"left": left, "right": right, "hash": node_hash(left, right)}
            for left, right in [
                (ZERO_DIGEST, ZERO_DIGEST),
                (one, ZERO_DIGEST),
                (ZERO_DIGEST, other),
                (one, other),
            ]
        ],
        "tree": {
            "root": tree.root,
            "accounts": [
                {"id": i, "leaf": _leaf_vector(tree.leaf(i)), "siblings": tree.path(i)}
                for i in shown
            ],
        },
        "multiproof": {
            "root": tree.root,
            "ids": ids,
            "leaf_hashes": [leaf_hash(tree.leaf(i)) for i in ids],
            "siblings": tree.multiproof(ids),
        },
        "one_leaf_root": StateTree({AccountId(2**32 - 1): leaves[AccountId(2)]}).root,
    }


def _operation_vector(name: str, operation: Operation) -> dict[str, Any]:
    encoded = encode(operation)
    word = int.from_bytes(encoded[:15])
    return {
        "name": name,
        "fields": named(operation),
        "first_slot": {
            "payer": word >> 88,
            "payee": word >> 56 & 0xFFFFFFFF,
            "amount_minor": word >> 8 & 0xFFFFFFFFFFFF,
            "fee_byte": word & 0xFF,
        },
        "slots": encoded,
    }


def operations() -> dict[str, Any]:
    payer, payee, amount = AccountId(7 << 24), AccountId(8 << 24 | 1), AmountMinor(1_000_000)
    malformed = {
        "payment of nothing": slot(payer, payee, 0, 0),
        "payment to oneself": slot(payer, payer, 1, 0),
        "payment to the registry": slot(payer, 1, 1, 0),
        "deposit to the registry": slot(0, 1, 1, 0),
        "deposit of nothing": slot(0, payee, 0, 0),
        "deposit with a fee byte of value 0": slot(0, payee, 1, 7),
        "withdrawal of nothing": slot(payer, 0, 0, 0),
        "no-op with an amount": slot(0, 0, 1, 0),
        "no-op with a fee byte": slot(0, 0, 0, 1),
        "opening of the bridge": slot(1, 0, 1 << 40, 1) + bytes(15),
        "opening of the registry": slot(1, 1, 1 << 40, 1) + bytes(15),
        "opening of asset 0": slot(1, 2, 1, 1) + bytes(15),
        "opening for owner 0": slot(1, 2, 1 << 32, 0) + bytes(15),
        "opening in the last slot": slot(1, 2, 1 << 32, 1),
    }
    return {
        "operations": [
            _operation_vector("payment", Payment(payer, payee, amount, AmountMinor(0))),
            _operation_vector("payment with fee", Payment(payer, payee, amount, AmountMinor(2500))),
            _operation_vector(
                "largest payment",
                Payment(
                    AccountId(2**32 - 1), AccountId(2**32 - 2), AMOUNT_MINOR_MAX, fee_minor_of(255)
                ),
            ),
            _operation_vector("deposit", Deposit(payee, amount)),
            _operation_vector("withdrawal", Withdrawal(payer, amount, AmountMinor(31))),
            _operation_vector("open account", OpenAccount(payee, 1, address("payee"))),
            _operation_vector("no-op", NoOp()),
        ],
        "fee_bytes": [
            {
                "fee_byte": byte,
                "fee_minor": fee_minor_of(byte),
                "smallest_exponent": fee_byte_of(fee_minor_of(byte)),
            }
            for byte in range(256)
        ],
        "malformed": [{"name": name, "slots": slots} for name, slots in malformed.items()],
    }
