"""Evidence that doesn't answer for its operation, or answers for another."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, Final

from backend.protocol.evidence import Evidence
from backend.protocol.hashing import ZERO_DIGEST, Digest
from backend.protocol.order_records import OrderGroup, RootedOrder, SignedOrder
from backend.protocol.orders import PaymentOrder, WithdrawalOrder, linked
from backend.protocol.types import Address
from tests.property.disputes.candidates import Candidate
from tests.property.disputes.drafts import KEYS, Scene

_CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def none_at_all(random: Random, scene: Scene, candidate: Candidate) -> None:
    """The operator keeps the order for himself."""
    slot = _any_slot(random, candidate)
    if slot is not None:
        del candidate.evidence[slot]


def of_another(random: Random, scene: Scene, candidate: Candidate) -> None:
    one, other = _any_slot(random, candidate), _any_slot(random, candidate)
    if one is not None:
        candidate.evidence[one] = candidate.evidence[other]


def an_exit(random: Random, scene: Scene, candidate: Candidate) -> None:
    """Nobody ordered it, and an exit is said to be the reason: mostly for a withdrawal."""
    withdrawals = [
        slot
        for slot, found in candidate.evidence.items()
        if isinstance(found.order, WithdrawalOrder)
    ]
    slot = random.choice(withdrawals) if withdrawals else _any_slot(random, candidate)
    if slot is not None:
        candidate.evidence[slot] = Evidence(None, 0)


def a_signature_byte(random: Random, scene: Scene, candidate: Candidate) -> None:
    def change(signed: SignedOrder) -> SignedOrder:
        signature = bytearray(signed.signature)
        signature[random.choice([0, 31, 32, 63, 64])] ^= random.randrange(1, 256)
        return replace(signed, signature=bytes(signature))

    _change_signed(random, candidate, change)


def a_high_s(random: Random, scene: Scene, candidate: Candidate) -> None:
    """The other signature that the curve allows for the same order."""

    def change(signed: SignedOrder) -> SignedOrder:
        r, s, v = signed.signature[:32], signed.signature[32:64], signed.signature[64]
        high = _CURVE_ORDER - int.from_bytes(s)
        return replace(signed, signature=r + high.to_bytes(32) + bytes([55 - v]))

    _change_signed(random, candidate, change)


def a_signer(random: Random, scene: Scene, candidate: Candidate) -> None:
    def change(signed: SignedOrder) -> SignedOrder:
        key = random.choice(list(KEYS.values()))
        return replace(signed, signature=key.sign_digest(signed.order.digest(scene.domain)))

    _change_signed(random, candidate, change)


def a_signed_field(random: Random, scene: Scene, candidate: Candidate) -> None:
    """The payer signed, but not this."""

    def change(signed: SignedOrder) -> SignedOrder:
        name = random.choice(["amount", "fee", "nonce", "valid_until", "payee", "asset", "memo"])
        order = signed.order
        if not hasattr(order, name):
            return signed
        value: Any = {
            "payee": random.choice(list(KEYS)),
            "asset": random.choice(list(scene.assets.values())).token,
            "memo": Digest(random.randbytes(32)),
        }.get(name)
        if value is None:
            value = max(getattr(order, name) + random.choice([-1, 1]), 0)
        order = replace(order, **{name: value})
        key = KEYS[order.payer]
        return SignedOrder(order, key.sign_digest(order.digest(scene.domain)))

    _change_signed(random, candidate, change)


def a_thief(random: Random, scene: Scene, candidate: Candidate) -> None:
    """Somebody else ordered the same, in his own name."""

    def change(signed: SignedOrder) -> SignedOrder:
        key = random.choice(list(KEYS.values()))
        order = replace(signed.order, payer=key.address)
        return SignedOrder(order, key.sign_digest(order.digest(scene.domain)))

    _change_signed(random, candidate, change)


def a_link(random: Random, scene: Scene, candidate: Candidate) -> None:
    """A link without a group."""

    def change(signed: SignedOrder) -> SignedOrder:
        if not isinstance(signed.order, PaymentOrder):
            return signed
        order = replace(signed.order, link=Digest(random.randbytes(32)))
        return SignedOrder(order, KEYS[order.payer].sign_digest(order.digest(scene.domain)))

    _change_signed(random, candidate, change)


def a_group(random: Random, scene: Scene, candidate: Candidate) -> None:
    """A leg that was left out, moved, altered, or torn off."""
    slots = [s for s, e in candidate.evidence.items() if isinstance(e.record, OrderGroup)]
    if not slots:
        return
    slot = random.choice(slots)
    found = candidate.evidence[slot]
    legs = list(found.record.legs)
    wrong = random.choice(["left out", "moved", "altered", "torn off", "unlinked", "leg"])
    if wrong == "left out":
        legs.pop()
    elif wrong == "moved":
        legs[0], legs[-1] = legs[-1], legs[0]
    elif wrong == "altered":
        other = random.randrange(len(legs))
        order = replace(legs[other].order, memo=Digest(random.randbytes(32)))
        orders = linked([order if i == other else leg.order for i, leg in enumerate(legs)])
        legs = [
            SignedOrder(one, KEYS[one.payer].sign_digest(one.digest(scene.domain)))
            for one in orders
        ]
    elif wrong == "torn off":
        candidate.evidence[slot] = Evidence(legs[found.leg], 0)
        return
    elif wrong == "unlinked":
        order = replace(legs[found.leg].order, link=ZERO_DIGEST)
        signature = KEYS[order.payer].sign_digest(order.digest(scene.domain))
        candidate.evidence[slot] = Evidence(SignedOrder(order, signature), 0)
        return
    leg = random.randrange(len(legs)) if wrong == "leg" else min(found.leg, len(legs) - 1)
    candidate.evidence[slot] = Evidence(OrderGroup(tuple(legs)), leg)


def a_root_of_orders(random: Random, scene: Scene, candidate: Candidate) -> None:
    """A root that L1 doesn't know, or of somebody else; a proof that leads elsewhere."""
    slots = [s for s, e in candidate.evidence.items() if isinstance(e.record, RootedOrder)]
    if not slots:
        return
    slot = random.choice(slots)
    record = candidate.evidence[slot].record
    payer = record.order.payer
    wrong = random.choice(["unknown", "another's", "proof", "longer"])
    if wrong == "unknown":
        candidate.roots.discard((payer, record.root))
    elif wrong == "another's":
        candidate.roots.discard((payer, record.root))
        candidate.roots.add((_other_than(random, payer), record.root))
    else:
        node = (Digest(random.randbytes(32)),)
        proof = record.proof + node if wrong == "longer" else record.proof[:-1]
        candidate.evidence[slot] = Evidence(replace(record, proof=proof), 0)


def _other_than(random: Random, owner: Address) -> Address:
    return random.choice([key for key in KEYS if key != owner])


def _any_slot(random: Random, candidate: Candidate) -> int | None:
    return random.choice(list(candidate.evidence)) if candidate.evidence else None


def _change_signed(
    random: Random, candidate: Candidate, change: Callable[[SignedOrder], SignedOrder]
) -> None:
    slots = [s for s, e in candidate.evidence.items() if isinstance(e.record, SignedOrder)]
    if slots:
        slot = random.choice(slots)
        candidate.evidence[slot] = Evidence(change(candidate.evidence[slot].record), 0)


WRONG_EVIDENCE: Final = [
    none_at_all,
    of_another,
    an_exit,
    a_signature_byte,
    a_high_s,
    a_signer,
    a_signed_field,
    a_thief,
    a_link,
    a_group,
    a_root_of_orders,
]
