"""What the owner of a withdrawal signs to be paid at once.

- digest: what a wallet signs for the typed data, for ordinary and largest values
- each field changes the digest, and so does the domain
"""

from dataclasses import replace

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from backend.protocol.advances import Advance
from backend.protocol.eip712 import ledger_domain
from backend.protocol.hashing import keccak
from tests.vectors.common import DOMAIN, TOKEN, address, key

ADVANCE = Advance(address("payer"), 43, TOKEN, 10**18, 10**15, 1_900_000_000)
LARGEST = Advance(address("payer"), 2**64 - 1, TOKEN, 2**256 - 1, 2**256 - 1, 2**64 - 1)


@pytest.mark.parametrize("advance", [ADVANCE, LARGEST])
def test_digest__signed_by_a_wallet__is_the_same_holds(advance):
    signable = encode_typed_data(full_message=advance.typed_data(DOMAIN))
    secret = keccak(b"owner")

    signed = Account.sign_message(signable, secret)

    assert keccak(b"\x19\x01" + signable.header + signable.body) == advance.digest(DOMAIN)
    assert bytes(signed.signature) == key("owner").sign_digest(advance.digest(DOMAIN))


@pytest.mark.parametrize(
    "other",
    [
        replace(ADVANCE, owner=address("payee")),
        replace(ADVANCE, nonce=44),
        replace(ADVANCE, asset=address("other token")),
        replace(ADVANCE, amount=10**18 + 1),
        replace(ADVANCE, fee=0),
        replace(ADVANCE, valid_until=1_900_000_001),
    ],
)
def test_digest__other_field__is_another_holds(other):
    assert other.digest(DOMAIN) != ADVANCE.digest(DOMAIN)


def test_digest__other_rollup__is_another_holds():
    other = ledger_domain(DOMAIN.chain_id, address("another rollup"))

    assert ADVANCE.digest(other) != ADVANCE.digest(DOMAIN)
