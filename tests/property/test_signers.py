"""Signatures of many records at once: exactly what `recover` says of each.

- orders alone, by root, in groups; signatures fine, spoilt in any byte, of another length
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.engine.signers import signers_of
from backend.engine.vector.authority import Authority
from backend.engine.vector.verification import Verifier
from backend.protocol.errors import PaymentError
from backend.protocol.hashing import Digest
from backend.protocol.order_records import OrderGroup, RootedOrder, SignedOrder, authorised_orders
from backend.protocol.signing import recover
from tests.unit.engine.committee import DOMAIN, key, payment

AUTHORITY = Authority(DOMAIN, Verifier(), threads=2)

PAYERS = [key(name) for name in ("alice", "bob", "carol")]
_signed = st.builds(
    payment, st.sampled_from(PAYERS), st.just(PAYERS[0].address), st.integers(1, 9), st.just(0)
)


@st.composite
def spoilt(draw):
    """An order whose signature may have any byte changed, or any length."""
    order = draw(_signed)
    signature = bytearray(order.signature)
    signature[draw(st.integers(0, 64))] ^= draw(st.sampled_from([0, 0, 1, 3, 128, 255]))
    return replace(order, signature=bytes(signature)[: draw(st.sampled_from([65, 65, 65, 64, 0]))])


_rooted = st.builds(lambda signed: RootedOrder(signed.order, Digest(bytes(32)), ()), _signed)
_one = st.one_of(_signed, spoilt(), _rooted)
_groups = st.lists(_one, min_size=2, max_size=4).map(lambda legs: OrderGroup(tuple(legs)))
_records = st.lists(st.one_of(_one, _groups))


def said_by(find, digest, signature):
    """Return the signer, or the kind of refusal."""
    try:
        return find(digest, signature)
    except PaymentError as error:
        return type(error)


@given(_records)
def test_signers_of__any_records__says_what_recover_says_holds(records):
    find = signers_of(AUTHORITY, records)

    for record in records:
        for authorised in authorised_orders(record):
            if isinstance(authorised, SignedOrder):
                asked = authorised.digest(DOMAIN), authorised.signature
                assert said_by(find, *asked) == said_by(recover, *asked)


def test_signers_of__signature_of_another_record__is_recovered_succeeds():
    known = payment(PAYERS[0], PAYERS[1].address, 1, 0)
    other = payment(PAYERS[2], PAYERS[1].address, 2, 0)

    find = signers_of(AUTHORITY, [known])

    assert find(other.digest(DOMAIN), other.signature) == PAYERS[2].address


@pytest.mark.parametrize("length", [0, 64, 66])
def test_signers_of__another_length__rejects(length):
    order = payment(PAYERS[2], PAYERS[1].address, 2, 0)
    odd = replace(order, signature=order.signature.ljust(66, b"\0")[:length])

    with pytest.raises(PaymentError):
        signers_of(AUTHORITY, [odd])(odd.digest(DOMAIN), odd.signature)
