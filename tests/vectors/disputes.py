"""Vectors of what proofs show: changed leaves, a chunk of sweeps, a commitment, an Advance."""

from dataclasses import replace
from typing import Any

from backend.protocol.advances import Advance
from backend.protocol.batches import Chunk, padded
from backend.protocol.hashing import keccak
from backend.protocol.money import AMOUNT_MINOR_MAX, AmountMinor, BalanceMinor
from backend.protocol.operations import Withdrawal, encode_all
from backend.protocol.orders import WithdrawalOrder
from backend.protocol.state_tree import StateTree, genesis_tree, leaf_hash
from backend.protocol.transition import L1Facts, apply_in_sequence
from backend.protocol.types import BRIDGE, AccountId, Leaf
from backend.settlement.proving.fraud import proof_commitment
from tests.vectors.common import DOMAIN, DOMAIN_VECTOR, TOKEN, address, key, named

ADVANCE = Advance(key("payer").address, 43, TOKEN, 10**18, 10**15, 1_900_000_000)
RICH, POOR = AccountId(7 << 24), AccountId(8 << 24 | 1)
_UNIT = 10**12


def _accounts() -> StateTree:
    """Return a state: one account holds more than an operation can, one less."""
    return genesis_tree().set_many(
        {
            AccountId(2): Leaf(address("first"), 1, 0, BalanceMinor(1_000_000)),
            RICH: Leaf(key("payer").address, 1, 42, BalanceMinor(AMOUNT_MINOR_MAX + 5)),
            POOR: Leaf(address("payee"), 1, 7, BalanceMinor(25)),
        }
    )


def _shown(tree: StateTree, account_ids: list[AccountId]) -> list[dict[str, Any]]:
    """Return the leaves of these accounts; an empty one has owner 0."""
    empty = {"owner": bytes(20), "asset_id": 0, "nonce": 0, "balance_minor": 0}
    leaves = [tree.leaf(account_id) for account_id in account_ids]
    return [
        {"id": account_id} | (empty if leaf is None else named(leaf)) | {"hash": leaf_hash(leaf)}
        for account_id, leaf in zip(account_ids, leaves, strict=True)
    ]


def _multiproof() -> dict[str, Any]:
    """Return a proof before and after its leaves change: one opened, one paid, one as it was."""
    before = _accounts()
    rich = before.leaf(RICH)
    assert rich is not None
    opened = Leaf(address("third"), 1, 0, BalanceMinor(9))
    changes = {
        AccountId(3): opened,
        RICH: replace(rich, nonce=43, balance_minor=BalanceMinor(rich.balance_minor - 9)),
    }
    after = before.set_many(changes)
    ids = [BRIDGE, AccountId(3), RICH]
    assert before.multiproof(ids) == after.multiproof(ids)
    return {
        "siblings": before.multiproof(ids),
        "leaves": _shown(before, ids),
        "root": before.root,
        "changed_leaves": _shown(after, ids),
        "changed_root": after.root,
    }


def _sweeps() -> dict[str, Any]:
    """Return a chunk that sweeps two accounts, and the orders whose digests are the sweeps' ids."""
    before = _accounts()
    sweeps = [Withdrawal(RICH, AMOUNT_MINOR_MAX), Withdrawal(POOR, AmountMinor(25))]
    slots = padded(encode_all(sweeps))
    after = before.set_many(apply_in_sequence(before.leaf, slots, L1Facts({}, {}, 0)))
    orders = []
    for sweep in sweeps:
        leaf = before.leaf(sweep.payer)
        assert leaf is not None
        amount = sweep.amount_minor * _UNIT
        order = WithdrawalOrder(leaf.owner, TOKEN, amount, 0, leaf.nonce, valid_until=0)
        orders.append(named(order) | {"id": order.digest(DOMAIN)})
    ids = [RICH, POOR]
    return {
        "chunk": Chunk(slots, after.root).encode(),
        "unit": _UNIT,
        "siblings": before.multiproof(ids),
        "leaves": _shown(before, ids),
        "root": before.root,
        "leaves_after": _shown(after, ids),
        "root_after": after.root,
        "orders": orders,
    }


def disputes() -> dict[str, Any]:
    call_data, prover = b"\xa1\xb2\xc3\xd4" + keccak(b"proof") + b"\x00\x01", address("prover")
    digest = ADVANCE.digest(DOMAIN)
    return {
        "domain": DOMAIN_VECTOR,
        "multiproof": _multiproof(),
        "sweeps": _sweeps(),
        "commitment": {
            "call_data": call_data,
            "prover": prover,
            "commitment": proof_commitment(call_data, prover),
        },
        "advance": {
            "fields": named(ADVANCE),
            "digest": digest,
            "signature": key("payer").sign_digest(digest),
        },
        "typed_data": ADVANCE.typed_data(DOMAIN),
    }
