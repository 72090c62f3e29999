"""Who signed orders in columns, against signing.py, order by order."""

from random import Random

import coincurve
import numpy as np
import pytest

from backend.engine.vector import lanes
from backend.engine.vector.authority import Authority
from backend.engine.vector.index import addresses_in
from backend.engine.vector.orders import read_orders
from backend.engine.vector.verification import Verifier
from backend.protocol.errors import InvariantViolated, PaymentError
from backend.protocol.order_records import (
    RootedOrder,
    SignedOrder,
    authorised_orders,
    encode_records,
)
from tests.unit.engine.committee import DOMAIN, forged, group, key, payment, rooted, withdrawal

PEOPLE = [key(f"payer {n}") for n in range(9)]
VERIFIERS = ["libsecp256k1", *(["simd"] if lanes.has_ifma() else [])]


def is_signed(authorised) -> bool:
    if isinstance(authorised, RootedOrder):
        return False
    try:
        return authorised.signer(DOMAIN) == authorised.order.payer
    except PaymentError:
        return False


def random_record(random_: Random, nonce: int):
    payer, payee = random_.sample(PEOPLE, 2)
    signed = payment(payer, payee.address, 1 + nonce, nonce)
    match random_.randrange(8):
        case 0:
            return forged(signed)
        case 1:
            return SignedOrder(signed.order, random_.randbytes(65))
        case 2:
            return withdrawal(payer, 5, nonce)
        case 3:
            return rooted(signed.order)[0]
        case 4:
            return group((payer, payee.address, 1, nonce), (payee, payer.address, 2, nonce))
        case 5:  # somebody else's signature
            return SignedOrder(signed.order, payment(payee, payer.address, 1, 0).signature)
    return signed


@pytest.mark.parametrize("name", VERIFIERS)
@pytest.mark.parametrize("threads", [1, 2])
def test_check__random_records_met_and_known__as_one_by_one_holds(name, threads):
    random_ = Random(5)
    authority = Authority(DOMAIN, Verifier(name), threads)
    valid = set()
    for size in (0, 1, 3, 40, 90):
        records = [random_record(random_, nonce) for nonce in range(size)]
        listed = [one for record in records for one in authorised_orders(record)]

        checked = authority.check(read_orders(encode_records(records)))

        expected = [is_signed(one) for one in listed]
        assert checked.is_signed.tolist() == expected
        assert [row.tobytes() for row in checked.digests] == [one.digest(DOMAIN) for one in listed]
        valid |= {one.order.payer for one, fine in zip(listed, expected, strict=True) if fine}
        assert len(authority) == len(valid)


def test_check__forgeries_alone__keeps_no_key_holds():
    authority = Authority(DOMAIN, Verifier())
    records = [forged(payment(PEOPLE[0], PEOPLE[1].address, 1, nonce)) for nonce in range(5)]

    checked = authority.check(read_orders(encode_records(records)))

    assert not np.any(checked.is_signed)
    assert len(authority) == 0


def test_check__payer_without_an_account__keeps_no_key_holds():
    known, payee = np.frombuffer(PEOPLE[1].address, np.uint8), PEOPLE[2].address
    authority = Authority(
        DOMAIN,
        Verifier(),
        has_account=lambda orders: (addresses_in(orders.payers) == known).all(axis=1),
    )
    orders = read_orders(encode_records([payment(one, payee, 1, 0) for one in PEOPLE[:2]]))

    for _ in range(2):
        assert authority.check(orders).is_signed.all()
        assert len(authority) == 1


def test_check__key_of_another_number__rejects():
    """A payer would be taken for another."""
    verifier = Verifier()
    authority = Authority(DOMAIN, verifier)
    point = coincurve.PrivateKey(bytes(31) + b"\1").public_key.format(compressed=False)[1:]
    verifier.add_keys(np.frombuffer(point, np.uint8).reshape(1, -1))

    with pytest.raises(InvariantViolated, match="another's"):
        authority.check(read_orders(payment(PEOPLE[1], PEOPLE[0].address, 1, 0).encode()))
