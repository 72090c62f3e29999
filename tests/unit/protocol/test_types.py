"""Addresses, accounts and records.

- address text: lower, upper, checksum | wrong checksum, wrong length, no 0x, other digits
- digest text: right | wrong
- ids: fee account, partition never 255
- asset: takes a fee or not
- deposits: hash chain from zero, and from a hash
"""

import pytest
from eth_utils import to_checksum_address

from backend.protocol.errors import MalformedRequest
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.money import AmountMinor
from backend.protocol.types import (
    FEE_PARTITION,
    ZERO_ADDRESS,
    Address,
    Asset,
    DepositRecord,
    address_from_text,
    address_text,
    addresses_from_text,
    deposits_hash,
    digest_from_text,
    digest_text,
    fee_account_id,
    partition_of,
)

ADDRESS = Address(keccak(b"somebody")[12:])
TEXT = to_checksum_address(ADDRESS)


@pytest.mark.parametrize("text", [TEXT, TEXT.lower(), "0x" + TEXT[2:].upper()])
def test_address_from_text__any_case__succeeds(text):
    assert address_from_text(text) == ADDRESS


def test_address_text__checksum__succeeds():
    assert address_text(ADDRESS) == TEXT


@pytest.mark.parametrize(
    "text", [TEXT.swapcase().replace("X", "x", 1), TEXT[2:], TEXT[:-1], TEXT + "0", TEXT[:-1] + "g"]
)
def test_address_from_text__malformed__rejects(text):
    with pytest.raises(MalformedRequest) as caught:
        address_from_text(text, "payee")
    assert caught.value.field == "payee"


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), (" ", 0), (TEXT, 1), (f"{TEXT}, {TEXT.lower()}", 2)]
)
def test_addresses_from_text__commas_between__succeeds(text, count):
    assert addresses_from_text(text, "signers") == (ADDRESS,) * count


@pytest.mark.parametrize("text", [",", TEXT + ",", f"{TEXT} {TEXT}"])
def test_addresses_from_text__malformed__rejects(text):
    with pytest.raises(MalformedRequest) as caught:
        addresses_from_text(text, "signers")
    assert caught.value.field == "signers"


def test_digest_from_text__both_ways__succeeds():
    assert digest_from_text(digest_text(keccak(b""))) == keccak(b"")


@pytest.mark.parametrize("text", ["", "0x", "0x" + "0" * 63, "0" * 66, "0x" + "0" * 64 + "\n"])
def test_digest_from_text__malformed__rejects(text):
    with pytest.raises(MalformedRequest):
        digest_from_text(text)


def test_fee_account_id__largest_asset__succeeds():
    assert fee_account_id(65535) == 0xFF00FFFF


def test_partition_of__many_owners__holds():
    partitions = {
        partition_of(Address(keccak(bytes([i % 256, i // 256]))[12:])) for i in range(5000)
    }

    assert partitions == set(range(FEE_PARTITION))


def test_asset__fee_owner__succeeds():
    assert Asset(1, ADDRESS, 1, ADDRESS).takes_fee
    assert not Asset(1, ADDRESS, 1, ZERO_ADDRESS).takes_fee


def test_deposits_hash__in_parts__succeeds():
    records = [DepositRecord(ADDRESS, 1, ADDRESS, AmountMinor(i), 9) for i in (1, 2, 3)]
    first = keccak(bytes(32) + ADDRESS + b"\0\x01" + ADDRESS + (1).to_bytes(6) + (9).to_bytes(8))

    assert deposits_hash([]) == ZERO_DIGEST
    assert deposits_hash(records[:1]) == first
    assert deposits_hash(records[1:], first) == deposits_hash(records)
