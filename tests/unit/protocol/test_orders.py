"""Orders.

- digest: as eth-account makes it, the largest numbers too; another domain, another field
- wallets: viem signs the typed data, eth-account too, and we recover the signer
- alive: until validUntil with it | after it, 0
- record: sizes, both ways, streams | unknown kind, cut, too long
- group: link binds legs and their order; a leg's own link is not in it
"""

import json
import subprocess
from dataclasses import fields, replace

import pytest
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data

from backend.protocol.eip712 import ledger_domain
from backend.protocol.errors import MalformedBytes, SignatureInvalid
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.order_records import (
    SignedOrder,
    decode_record,
    decode_records,
    encode_records,
)
from backend.protocol.orders import (
    group_link,
    leg_hash,
    linked,
)
from backend.protocol.signing import recover
from backend.protocol.types import address_text, digest_text
from backend.toolchain import PROJECT_ROOT
from tests.vectors.common import CHAIN_ID, DOMAIN, TOKEN, address, key
from tests.vectors.orders import LARGEST_PAYMENT, PAYMENT, WITHDRAWAL, legs, signed

ORDERS = [PAYMENT, LARGEST_PAYMENT, WITHDRAWAL, legs()[0]]
SECRET = keccak(b"payer")


@pytest.mark.parametrize("order", ORDERS)
def test_digest__other_library__succeeds(order):
    message = encode_typed_data(full_message=order.typed_data(DOMAIN))

    assert order.digest(DOMAIN) == _hash_eip191_message(message)
    signature = bytes(Account.sign_message(message, SECRET).signature)
    assert recover(order.digest(DOMAIN), signature) == key("payer").address


def test_sign__wallet_library__succeeds():
    requests = [
        {"secret": digest_text(SECRET), "typedData": order.typed_data(DOMAIN)} for order in ORDERS
    ]

    run = subprocess.run(
        ["node", "tests/vectors/viem_sign.mjs"],
        input=json.dumps(requests),
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    answers = json.loads(run.stdout)
    assert len(answers) == len(ORDERS)
    for order, answer in zip(ORDERS, answers, strict=True):
        digest = order.digest(DOMAIN)
        assert answer["address"] == address_text(key("payer").address)
        assert answer["digest"] == digest_text(digest)
        assert recover(digest, bytes.fromhex(answer["signature"][2:])) == key("payer").address


@pytest.mark.parametrize("order", [PAYMENT, WITHDRAWAL])
def test_digest__any_other_field__changes_holds(order):
    digests = {order.digest(DOMAIN), order.digest(ledger_domain(CHAIN_ID + 1, TOKEN))}
    digests.add(order.digest(ledger_domain(CHAIN_ID, address("other rollup"))))
    for field in fields(order):
        value = getattr(order, field.name)
        other = value + 1 if isinstance(value, int) else keccak(value)[: len(value)]
        digests.add(replace(order, **{field.name: other}).digest(DOMAIN))

    assert len(digests) == len(fields(order)) + 3


@pytest.mark.parametrize("order", [PAYMENT, WITHDRAWAL])
@pytest.mark.parametrize(
    ("valid_until", "ts_s", "is_alive"), [(9, 8, True), (9, 9, True), (9, 10, False), (0, 0, False)]
)
def test_is_alive__times__succeeds(order, valid_until, ts_s, is_alive):
    assert replace(order, valid_until=valid_until).is_alive(ts_s) is is_alive


@pytest.mark.parametrize(
    ("order", "size_bytes"),
    [(PAYMENT, 270), (WITHDRAWAL, 186)],
)
def test_record__both_ways__succeeds(order, size_bytes):
    whole = signed(order)
    record = whole.encode()

    assert len(record) == size_bytes
    assert decode_record(record) == whole
    assert whole.signer(DOMAIN) == key("payer").address
    assert whole.digest(DOMAIN) == order.digest(DOMAIN)


def test_decode_orders__stream__succeeds():
    orders = [signed(order) for order in ORDERS]

    assert decode_records(encode_records(orders)) == orders
    assert decode_records(b"") == []


@pytest.mark.parametrize(
    "data",
    [
        b"\x00" + signed(PAYMENT).encode()[1:],
        b"\x03" + signed(PAYMENT).encode()[1:],
        signed(PAYMENT).encode()[:-1],
        signed(WITHDRAWAL).encode() + b"\0",
        b"",
    ],
)
def test_decode__malformed_record__rejects(data):
    with pytest.raises(MalformedBytes):
        decode_record(data)


def test_signer__zero_signature__rejects():
    with pytest.raises(SignatureInvalid):
        SignedOrder(PAYMENT, bytes(65)).signer(DOMAIN)


def test_group_link__legs__succeeds():
    group = legs()
    plain = [replace(leg, link=ZERO_DIGEST) for leg in group]

    assert {leg.link for leg in group} == {group_link(group)}
    assert group_link(group) == group_link(plain) == keccak(b"".join(map(leg_hash, plain)))
    assert leg_hash(group[0]) == plain[0].struct_hash() != group[0].struct_hash()


def test_group_link__other_order_of_legs__changes_holds():
    group = legs()

    assert linked(group[::-1])[0].link != group[0].link
    assert linked(group[:2])[0].link != group[0].link
