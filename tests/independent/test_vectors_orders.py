"""The golden vectors of orders, recomputed from their inputs by the second implementation.

Branches:
- orders: digests, signatures, records, ids, typed data
- groups: links, records, legs that are signed or under a root
- authorised roots: proofs, records
"""

import json
from typing import Any

from eth_account.messages import encode_typed_data

from tests.independent import orders, records, typed
from tests.independent.codec import Reader, keccak
from tests.independent.vectors import domain_of, read_vector, vector_text


def _order(fields: dict[str, Any]) -> orders.Order:
    kind = "payment" if "payee" in fields else "withdrawal"
    return orders.Order(kind, **fields)


def _record(data: bytes) -> records.Record:
    record = records.read_record(Reader(data))
    assert record.encoded() == data
    return record


def _check_order(vector: dict[str, Any], domain: typed.Domain) -> orders.Order:
    order = _order(vector["fields"])
    signed = records.SignedOrder(order, vector["signature"])

    assert order.struct_hash() == vector["struct_hash"]
    assert order.digest(domain) == vector["digest"]
    assert _record(vector["record"]) == signed
    assert signed.id(domain) == vector["digest"]
    signed.check_authorised(domain, ())
    return order


def test_orders__every_vector__holds() -> None:
    vectors = read_vector("orders")

    for vector in vectors["orders"]:
        _check_order(vector, domain_of(vectors))


def test_typed_data__every_vector__holds() -> None:
    vectors = json.loads(vector_text("orders"))
    digests = {order["digest"] for order in vectors["orders"]}

    for data in vectors["typed_data"]:
        type_text = getattr(
            typed, {"P": "PAYMENT_ORDER", "W": "WITHDRAWAL_ORDER"}[data["primaryType"][0]]
        )
        fields = [(field["type"], field["name"]) for field in data["types"][data["primaryType"]]]
        assert typed.fields_of(type_text) == fields
        message = {
            name: int(value) if kind.startswith("uint") else value
            for (kind, name), value in zip(fields, data["message"].values(), strict=True)
        }
        signable = encode_typed_data(full_message={**data, "message": message})
        digest = keccak(b"\x19\x01", signable.header, signable.body)
        assert "0x" + digest.hex() in digests


def test_group__every_vector__holds() -> None:
    vectors = read_vector("orders")
    group, domain = vectors["group"], domain_of(vectors)

    legs = [_check_order(leg, domain) for leg in group["legs"]]

    assert [leg.leg_hash() for leg in legs] == group["leg_hashes"]
    assert orders.link_of(legs) == group["link"]
    assert {leg.link for leg in legs} == {group["link"]}
    for record in (_record(group["record"]), _record(group["record_with_rooted_leg"])):
        assert isinstance(record, records.Group)
        assert (list(record.orders), record.id(domain)) == (legs, group["link"])
        records.check_whole(record)
        rooted = [leg for leg in record.legs if isinstance(leg, records.RootedOrder)]
        record.check_authorised(domain, [records.Root(leg.order.payer, leg.root) for leg in rooted])


def test_authorised_roots__every_vector__holds() -> None:
    vectors = read_vector("orders")
    for vector in vectors["authorised_roots"]:
        columns = (vector["digests"], vector["proofs"], vector["records"])
        for digest, proof, data in zip(*columns, strict=True):
            record = _record(data)
            assert orders.root_of_proof(digest, proof) == vector["root"]
            assert isinstance(record, records.RootedOrder)
            assert (record.root, list(record.nodes)) == (vector["root"], proof)
            assert record.id(domain_of(vectors)) == digest
            payer = record.order.payer
            record.check_authorised(domain_of(vectors), {records.Root(payer, vector["root"])})
