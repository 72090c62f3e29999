"""Signed transactions and their fees.

- signing: the same bytes as eth-account's, of both types
- bids: twice the base fee; replacement by the pools' rules, never below the market; a limit
- gas: a fifth above the estimate, under EIP-7825; the calldata floor of EIP-7623
"""

import pytest
from eth_account import Account

from backend.protocol.hashing import keccak
from backend.protocol.signing import PrivateKey
from backend.settlement.chain import Fees, Prices
from backend.settlement.transactions import (
    TRANSACTION_GAS_MAX,
    Transaction,
    fees_of,
    floor_gas,
    gas_limit_of,
    is_excessive,
    raised,
    sign,
)

PAYEE = bytes(range(20))
SECRET = keccak(b"submitter")
HASHES = (b"\x01" + bytes(31), b"\x01" + bytes(30) + b"\x02")


@pytest.mark.parametrize(("to", "hashes"), [(PAYEE, ()), (None, ()), (PAYEE, HASHES)])
@pytest.mark.parametrize("nonce", [0, 1, 300])
def test_sign__both_types__succeeds(to, hashes, nonce):
    fees = Fees(10**10, 10**9, 77 if hashes else None)
    transaction = Transaction(31337, nonce, to, b"\0\1data", 500_000, fees, hashes)
    fields = {
        "type": 3 if hashes else 2,
        "chainId": 31337,
        "nonce": nonce,
        "value": 0,
        "data": b"\0\1data",
        "gas": 500_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 10**9,
    }
    if to is not None:
        fields["to"] = to
    if hashes:
        fields |= {"maxFeePerBlobGas": 77, "blobVersionedHashes": list(hashes)}

    signed = sign(transaction, PrivateKey(SECRET))

    theirs = Account.sign_transaction(fields, SECRET)
    assert signed.raw == bytes(theirs.raw_transaction)
    assert signed.tx_hash == bytes(theirs.hash)


def test_fees_of__prices__succeeds():
    prices = Prices(base_fee_wei=100, priority_fee_wei=7, blob_fee_wei=3)

    assert fees_of(prices) == Fees(207, 7)
    assert fees_of(prices, has_blobs=True) == Fees(207, 7, 6)
    assert fees_of(Prices(100, 7, 0), has_blobs=True).max_blob_fee_wei == 1


@pytest.mark.parametrize(
    ("fees", "now", "expected"),
    [
        (Fees(100, 10), Fees(1, 1), Fees(110, 11)),
        (Fees(101, 1), Fees(1, 1), Fees(112, 2)),
        (Fees(100, 10), Fees(500, 50), Fees(500, 50)),
        (Fees(100, 100), Fees(1, 900), Fees(900, 900)),
        (Fees(100, 10, 5), Fees(1, 1, 1), Fees(200, 20, 10)),
        (Fees(100, 10, 5), Fees(1, 1, 99), Fees(200, 20, 99)),
    ],
)
def test_raised__rules_of_the_pools__holds(fees, now, expected):
    assert raised(fees, now) == expected


def test_is_excessive__each_fee__holds():
    now = Fees(100, 10, 1)

    assert not is_excessive(Fees(6_400, 640, 64), now)
    assert is_excessive(Fees(6_401, 640, 64), now)
    assert is_excessive(Fees(6_400, 641, 64), now)
    assert is_excessive(Fees(6_400, 640, 65), now)


def test_gas__limits__holds():
    assert gas_limit_of(100_000) == 120_000
    assert gas_limit_of(16_000_000) == TRANSACTION_GAS_MAX
    assert floor_gas(b"\0\0\1") == 21_000 + 20 + 40
