"""Bytes of everything.

- what is encoded decodes to itself
- any bytes decode to a value that encodes to the same bytes, or raise MalformedBytes; so do honest
  bytes with one byte changed, cut short or made longer
- digests agree with an independent library
- amounts and fees
"""

from collections.abc import Callable
from typing import Any

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from backend.protocol.batches import Chunk, decode_chunks, encode_chunks
from backend.protocol.blocks import Block, Body
from backend.protocol.errors import (
    AmountNotInteger,
    AmountTooLarge,
    MalformedBytes,
    SignatureHighS,
    SignatureInvalid,
)
from backend.protocol.log_entries import Entry
from backend.protocol.money import (
    FEE_MINOR_MAX,
    fee_byte,
    fee_minor,
    fee_minor_up,
    format_decimal,
    parse_decimal,
    to_base,
    to_minor,
)
from backend.protocol.operations import encode_all, read_slots, slot_count
from backend.protocol.order_records import decode_record, decode_records, encode_records
from backend.protocol.signing import recover
from backend.protocol.votes import Certificate
from tests.property.protocol import strategies as some
from tests.vectors.common import DOMAIN

Codec = tuple[Callable[[bytes], Any], Callable[[Any], bytes], st.SearchStrategy]

CODECS: dict[str, Codec] = {
    "record": (decode_record, lambda record: record.encode(), some.records),
    "records": (decode_records, encode_records, st.lists(some.records, max_size=3)),
    "block": (Block.decode, Block.encode, some.blocks),
    "body": (Body.decode, Body.encode, some.bodies),
    "certificate": (Certificate.decode, Certificate.encode, some.certificates),
    "entry": (Entry.decode, Entry.encode, some.entries),
    "chunk": (
        Chunk.decode,
        Chunk.encode,
        st.builds(Chunk, st.just(bytes(960)), some.digests),
    ),
    "chunks": (
        decode_chunks,
        encode_chunks,
        st.builds(Chunk, st.just(bytes(960)), some.digests).map(lambda chunk: (chunk, chunk)),
    ),
}
codecs = pytest.mark.parametrize("name", CODECS)


@codecs
@given(data=st.data())
def test_decode__what_was_encoded__holds(name, data):
    decode, encode, values = CODECS[name]
    value = data.draw(values)

    assert decode(encode(value)) == value


@codecs
@given(data=st.data())
def test_decode__any_bytes__holds(name, data):
    decode, encode, values = CODECS[name]
    raw = data.draw(st.one_of(st.binary(max_size=400), _damaged(values.map(encode))))

    try:
        value = decode(raw)
    except MalformedBytes:
        return
    assert encode(value) == raw


@st.composite
def _damaged(draw: Any, honest: st.SearchStrategy[bytes]) -> bytes:
    raw = bytearray(draw(honest))
    place = draw(st.integers(0, max(len(raw) - 1, 0)))
    if raw and draw(st.booleans()):
        raw[place] ^= draw(st.integers(1, 255))
    if draw(st.booleans()):
        del raw[place:]
    return bytes(raw + draw(st.binary(max_size=3)))


@given(st.lists(some.operations, max_size=70))
def test_read_slots__what_was_encoded__holds(operations):
    positions, position = [], 0
    for operation in operations:
        positions.append(position)
        position += slot_count(operation)

    assert read_slots(encode_all(operations)) == list(zip(positions, operations, strict=True))


@given(
    st.one_of(st.binary(max_size=60), st.lists(st.binary(min_size=15, max_size=15)).map(b"".join))
)
def test_read_slots__any_bytes__holds(raw):
    try:
        operations = [operation for _, operation in read_slots(raw)]
    except MalformedBytes:
        return
    # A fee has several bytes, so only the meaning comes back, not the bytes.
    assert [operation for _, operation in read_slots(encode_all(operations))] == operations
    assert len(encode_all(operations)) == len(raw)


@given(some.orders)
def test_digest__other_library__holds(order):
    message = encode_typed_data(full_message=order.typed_data(DOMAIN))

    assert order.digest(DOMAIN) == _hash_eip191_message(message)


@given(some.digests, st.one_of(some.signatures, st.binary(max_size=70)))
def test_recover__any_bytes__holds(digest, signature):
    try:
        assert len(recover(digest, signature)) == 20
    except (SignatureInvalid, SignatureHighS):
        pass


@given(st.integers(0, FEE_MINOR_MAX))
def test_fee_minor_up__any_minimum__holds(minimum):
    fee = fee_minor_up(minimum)

    assert fee >= minimum
    assert fee_minor(fee_byte(fee)) == fee
    assert not any(minimum <= fee_minor(byte) < fee for byte in range(256))


@given(some.uints(6), some.uints(8, minimum=1))
def test_to_minor__what_was_minor__holds(amount_minor, unit):
    assert to_minor(to_base(amount_minor, unit), unit) == amount_minor


@given(some.uints(32), st.integers(0, 255))
def test_parse_decimal__what_was_formatted__holds(amount_base, decimals):
    assert parse_decimal(format_decimal(amount_base, decimals), decimals) == amount_base


@given(st.text(max_size=100), st.integers(0, 255))
def test_parse_decimal__any_text__holds(text, decimals):
    try:
        assert parse_decimal(text, decimals) >= 0
    except (AmountNotInteger, AmountTooLarge):
        pass
