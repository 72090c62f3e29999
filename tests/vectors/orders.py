"""Vectors of orders, groups and authorised roots."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from backend.protocol.authorised import authorised_proof, authorised_root
from backend.protocol.hashing import keccak
from backend.protocol.order_records import AuthorisedOrder, OrderGroup, RootedOrder, SignedOrder
from backend.protocol.orders import (
    Order,
    PaymentOrder,
    WithdrawalOrder,
    group_link,
    leg_hash,
    linked,
)
from tests.vectors.common import DOMAIN, DOMAIN_VECTOR, TOKEN, key, named

PAYMENT = PaymentOrder(
    payer=key("payer").address,
    payee=key("payee").address,
    asset=TOKEN,
    amount=1_500_000,
    fee=2500,
    nonce=42,
    valid_until=1_900_000_000,
    memo=keccak(b"invoice 7"),
)
LARGEST_PAYMENT = replace(
    PAYMENT, amount=2**256 - 1, fee=2**256 - 2, nonce=2**64 - 1, valid_until=2**64 - 2
)
WITHDRAWAL = WithdrawalOrder(
    payer=key("payer").address,
    asset=TOKEN,
    amount=10**18,
    fee=0,
    nonce=43,
    valid_until=1_900_000_000,
)
LEG_PAYERS = ("payer", "payee", "third")


def legs() -> list[PaymentOrder]:
    """Return an atomic group of 3, each leg of another payer."""
    return linked(
        [
            replace(PAYMENT, payer=key(word).address, payee=key(LEG_PAYERS[i - 1]).address, fee=i)
            for i, word in enumerate(LEG_PAYERS)
        ]
    )


def signed(order: Order, word: str = "payer") -> SignedOrder:
    """Return the order with the signature of a word's key."""
    return SignedOrder(order, key(word).sign_digest(order.digest(DOMAIN)))


def _order_vector(name: str, order: Order, word: str = "payer") -> dict[str, Any]:
    whole = signed(order, word)
    return {
        "name": name,
        "fields": named(order),
        "struct_hash": order.struct_hash(),
        "digest": order.digest(DOMAIN),
        "signature": whole.signature,
        "record": whole.encode(),
    }


def rooted(orders: Sequence[Order]) -> list[RootedOrder]:
    """Return the orders under their common root."""
    digests = [order.digest(DOMAIN) for order in orders]
    return [
        RootedOrder(order, authorised_root(digests), tuple(authorised_proof(digests, index)))
        for index, order in enumerate(orders)
    ]


def group() -> OrderGroup:
    """Return the group of 3, its last leg under a root, as a contract's would be."""
    first, second, third = legs()
    return OrderGroup((signed(first), signed(second, "payee"), rooted([third])[0]))


def _authorised_vector(count: int) -> dict[str, Any]:
    """Return a root over payments of nonces from 0 on; the last of several is a withdrawal."""
    orders: list[Order] = [replace(PAYMENT, nonce=nonce) for nonce in range(count)]
    if count > 1:
        orders[-1] = WITHDRAWAL
    members = rooted(orders)
    return {
        "digests": [member.digest(DOMAIN) for member in members],
        "root": members[0].root,
        "proofs": [member.proof for member in members],
        "records": [member.encode() for member in members],
    }


def orders() -> dict[str, Any]:
    three = legs()
    signed_legs: list[AuthorisedOrder] = [
        signed(leg, word) for leg, word in zip(three, LEG_PAYERS, strict=True)
    ]
    return {
        "domain": DOMAIN_VECTOR,
        "orders": [
            _order_vector("payment", PAYMENT),
            _order_vector("largest payment", LARGEST_PAYMENT),
            _order_vector("withdrawal", WITHDRAWAL),
        ],
        "typed_data": [PAYMENT.typed_data(DOMAIN), WITHDRAWAL.typed_data(DOMAIN)],
        "group": {
            "link": group_link(three),
            "leg_hashes": [leg_hash(leg) for leg in three],
            "record": OrderGroup(tuple(signed_legs)).encode(),
            "record_with_rooted_leg": group().encode(),
            "legs": [
                _order_vector(f"leg {index}", leg, word)
                for index, (leg, word) in enumerate(zip(three, LEG_PAYERS, strict=True))
            ],
        },
        "authorised_roots": [_authorised_vector(1), _authorised_vector(5)],
    }
