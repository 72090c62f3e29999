"""Records: orders by signature or root, and groups.

- record: each kind both ways, sizes, the shortest; 32 nodes | 33, both ways
- group: a record of 2 and 8 legs | 1, 9, a leg that is a withdrawal or a group, cut, too long
- check: legs that are linked | too few, too many, altered, left out, added, swapped, of another
  group, a withdrawal; fees in 4 assets | 5
- proof: of the order alone; id: the link
"""

from dataclasses import replace

import pytest

from backend.protocol.errors import GroupInvalid, MalformedBytes
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.order_records import (
    RECORD_BYTES_MIN,
    OrderGroup,
    RootedOrder,
    decode_record,
    decode_records,
    encode_records,
)
from backend.protocol.orders import PaymentOrder, linked
from tests.vectors.common import DOMAIN, address
from tests.vectors.generate import load
from tests.vectors.orders import PAYMENT, WITHDRAWAL, group, rooted, signed

NODES = tuple(keccak(bytes([index])) for index in range(33))
SIGNED_LEG = signed(PAYMENT).encode()
ROOTED_LEG = rooted([PAYMENT])[0].encode()
SIGNED_WITHDRAWAL = signed(WITHDRAWAL).encode()


def group_of(*payments: PaymentOrder) -> OrderGroup:
    return OrderGroup(tuple(map(signed, linked(payments))))


def payments(count: int) -> list[PaymentOrder]:
    return [replace(PAYMENT, nonce=nonce) for nonce in range(count)]


@pytest.mark.parametrize(
    ("record", "size_bytes"),
    [
        (rooted([PAYMENT])[0], 238),
        (rooted([WITHDRAWAL])[0], RECORD_BYTES_MIN),
        (rooted([PAYMENT, WITHDRAWAL])[1], RECORD_BYTES_MIN + 32),
        (RootedOrder(PAYMENT, NODES[0], NODES[:32]), 238 + 32 * 32),
        (group(), 2 + 270 + 270 + 238),
        (group_of(*payments(2)), 2 + 2 * 270),
        (group_of(*payments(8)), 2 + 8 * 270),
    ],
)
def test_record__both_ways__succeeds(record, size_bytes):
    encoded = record.encode()

    assert len(encoded) == size_bytes
    assert decode_record(encoded) == record
    assert decode_records(encode_records([record, record])) == [record, record]


HOSTILE = {
    "a group of none": b"\x05\x00",
    "a group of one": b"\x05\x01" + SIGNED_LEG,
    "a group of nine": b"\x05\x09" + SIGNED_LEG * 9,
    "a group of 255": b"\x05\xff" + SIGNED_LEG * 255,
    "fewer legs than it says": b"\x05\x03" + SIGNED_LEG * 2,
    "more legs than it says": b"\x05\x02" + SIGNED_LEG * 3,
    "a withdrawal as a leg": b"\x05\x02" + SIGNED_LEG + SIGNED_WITHDRAWAL,
    "a withdrawal by root as a leg": b"\x05\x02" + SIGNED_LEG + rooted([WITHDRAWAL])[0].encode(),
    "a group as a leg": b"\x05\x02" + SIGNED_LEG + group().encode(),
    "no kind of leg": b"\x05\x02" + SIGNED_LEG + b"\x00" + SIGNED_LEG[1:],
    "no kind of record": b"\x06" + SIGNED_LEG[1:],
    "33 nodes": ROOTED_LEG[:-1] + b"\x21" + b"".join(NODES),
    "255 nodes": ROOTED_LEG[:-1] + b"\xff" + bytes(32 * 255),
    "fewer nodes than it says": ROOTED_LEG[:-1] + b"\x02" + NODES[0],
    "more nodes than it says": ROOTED_LEG[:-1] + b"\x01" + NODES[0] * 2,
    "no number of nodes": ROOTED_LEG[:-1],
    "no root": ROOTED_LEG[:-33],
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_decode__hostile_bytes__rejects(data):
    with pytest.raises(MalformedBytes):
        decode_record(data)


def test_decode__any_cut__rejects():
    for record in (group(), rooted([PAYMENT, WITHDRAWAL])[0]):
        encoded = record.encode()
        for size in range(len(encoded)):
            with pytest.raises(MalformedBytes):
                decode_record(encoded[:size])


def test_encode__33_nodes__rejects():
    with pytest.raises(MalformedBytes, match="33 nodes, 32 at most"):
        RootedOrder(PAYMENT, NODES[0], NODES).encode()


@pytest.mark.parametrize("count", [2, 3, 8])
def test_check__linked_legs__succeeds(count):
    group_of(*payments(count)).check()


def test_check__a_leg_by_root__succeeds():
    group().check()


THREE = tuple(map(signed, linked(payments(3))))
OTHER_GROUP = tuple(map(signed, linked(payments(4))))
FAULTS = {
    "one leg": (group_of(PAYMENT).legs, "2 to 8 legs, not 1"),
    "nine legs": (group_of(*payments(9)).legs, "2 to 8 legs, not 9"),
    "an amount altered": (
        (THREE[0], replace(THREE[1], order=replace(THREE[1].order, amount=1)), THREE[2]),
        "leg 0 bears another link",
    ),
    "a leg left out": (THREE[:2], "leg 0 bears another link"),
    "a leg added": ((*THREE, OTHER_GROUP[3]), "leg 0 bears another link"),
    "legs swapped": ((THREE[1], THREE[0], THREE[2]), "leg 0 bears another link"),
    "a leg of another group": ((*THREE[:2], OTHER_GROUP[2]), "leg 2 bears another link"),
    "a leg without link": (
        (*THREE[:2], replace(THREE[2], order=replace(THREE[2].order, link=ZERO_DIGEST))),
        "leg 2 bears another link",
    ),
    "a withdrawal": ((*THREE[:2], signed(WITHDRAWAL)), "each leg is a payment"),
    "a withdrawal first": ((signed(WITHDRAWAL), *THREE[1:]), "each leg is a payment"),
}


@pytest.mark.parametrize(("legs", "reason"), FAULTS.values(), ids=FAULTS)
def test_check__no_group__rejects(legs, reason):
    with pytest.raises(GroupInvalid, match=reason):
        OrderGroup(legs).check()


@pytest.mark.parametrize(("fee", "asset_count"), [(1, 4), (0, 8)])
def test_check__fees_of_four_assets__succeeds(fee, asset_count):
    """An asset without a fee doesn't count."""
    legs = [
        replace(leg, asset=address(f"token {index % asset_count}"), fee=fee)
        for index, leg in enumerate(payments(8))
    ]

    group_of(*legs).check()


def test_check__fees_of_five_assets__rejects():
    legs = [
        replace(leg, asset=address(f"token {index}"), fee=1)
        for index, leg in enumerate(payments(5))
    ]

    with pytest.raises(GroupInvalid, match="fees in 5 assets, 4 at most"):
        group_of(*legs).check()


def test_record_id__each_kind__succeeds():
    assert group().record_id(DOMAIN) == group().link == group().legs[0].order.link
    for record in (signed(PAYMENT), rooted([PAYMENT, WITHDRAWAL])[0]):
        assert record.record_id(DOMAIN) == record.digest(DOMAIN) == PAYMENT.digest(DOMAIN)


def test_is_proven__another_order__rejects():
    """A node of the tree is no leaf, however short its proof."""
    one, other = rooted([PAYMENT, WITHDRAWAL])

    assert one.is_proven(PAYMENT.digest(DOMAIN))
    assert not replace(one, proof=other.proof).is_proven(PAYMENT.digest(DOMAIN))
    assert not replace(one, proof=()).is_proven(PAYMENT.digest(DOMAIN))
    assert not one.is_proven(replace(PAYMENT, nonce=1).digest(DOMAIN))


def test_vectors__records_by_root_and_groups__succeeds():
    vectors = load("orders")
    for vector in vectors["authorised_roots"]:
        for record, digest in zip(vector["records"], vector["digests"], strict=True):
            one = decode_record(bytes.fromhex(record[2:]))
            assert isinstance(one, RootedOrder)
            assert "0x" + one.digest(DOMAIN).hex() == digest
            assert one.is_proven(one.digest(DOMAIN))
    for name in ("record", "record_with_rooted_leg"):
        whole = decode_record(bytes.fromhex(vectors["group"][name][2:]))
        assert isinstance(whole, OrderGroup)
        whole.check()
        assert "0x" + whole.link.hex() == vectors["group"]["link"]
