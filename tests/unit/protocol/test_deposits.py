"""Deposits of a holder who signed (ERC-3009).

- nonce: as another library hashes it; another asset, owner or salt gives another
- message: what wallets sign is what is checked here
"""

import pytest
from eth_abi.abi import encode
from eth_account.messages import _hash_eip191_message, encode_typed_data

from backend.protocol.deposits import DepositAuthorization, TokenDomain, deposit_nonce
from backend.protocol.hashing import keccak
from tests.vectors.common import CHAIN_ID, ROLLUP, TOKEN, address

OWNER, SALT = address("payer"), keccak(b"salt")


def test_deposit_nonce__other_library__holds():
    type_hash = keccak(b"Deposit(uint16 assetId,address owner,bytes32 salt)")

    encoded = encode(["bytes32", "uint16", "address", "bytes32"], [type_hash, 7, OWNER, SALT])

    assert deposit_nonce(7, OWNER, SALT) == keccak(encoded)


@pytest.mark.parametrize(
    "other", [(8, OWNER, SALT), (7, address("payee"), SALT), (7, OWNER, keccak(b"pepper"))]
)
def test_deposit_nonce__redirected__is_another_holds(other):
    assert deposit_nonce(*other) != deposit_nonce(7, OWNER, SALT)


def test_authorization__as_wallets_sign_it__holds():
    domain = TokenDomain("USD Coin", "2", CHAIN_ID, TOKEN)
    nonce = deposit_nonce(7, OWNER, SALT)
    authorization = DepositAuthorization(address("holder"), ROLLUP, 10**6, 2**40, nonce)

    message = encode_typed_data(full_message=authorization.typed_data(domain))

    assert _hash_eip191_message(message) == authorization.digest(domain)
