"""Evidence as bytes.

- both ways: of an order, of a group's leg, of a sweep
- no such leg, cut, too long: refused
"""

import pytest

from backend.protocol.errors import MalformedBytes
from backend.protocol.evidence import Evidence, decode_evidence
from tests.unit.engine.committee import group, key, payment

PAYER, PAYEE = key("payer"), key("payee")
SINGLE = payment(PAYER, PAYEE.address, 5, 0)
PAIR = group((PAYER, PAYEE.address, 6, 1), (PAYEE, PAYER.address, 7, 0))
KINDS = {"order": Evidence(SINGLE, 0), "leg": Evidence(PAIR, 1), "sweep": Evidence(None, 0)}


@pytest.mark.parametrize("evidence", KINDS.values(), ids=KINDS)
def test_evidence__both_ways__succeeds(evidence):
    assert decode_evidence(evidence.encode()) == evidence


def test_order__each_kind__succeeds():
    assert [one.order for one in KINDS.values()] == [SINGLE.order, PAIR.orders[1], None]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01",
        b"\x01" + SINGLE.encode(),
        b"\x02" + PAIR.encode(),
        KINDS["order"].encode()[:-1],
        KINDS["order"].encode() + b"\0",
    ],
    ids=["empty", "a sweep's leg", "an order's leg", "a group's third leg", "cut", "too long"],
)
def test_decode_evidence__malformed__rejects(data):
    with pytest.raises(MalformedBytes):
        decode_evidence(data)
