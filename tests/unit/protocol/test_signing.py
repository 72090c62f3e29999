"""Signatures.

- sign: recovers, low s, deterministic, as eth-account does; the key doesn't show itself
- recover: wrong size, wrong v, high s, r or s zero or too large, no point on the curve
- a key: 32 bytes in range | others
"""

import pytest
from eth_account import Account

from backend.protocol.errors import SignatureHighS, SignatureInvalid
from backend.protocol.hashing import keccak
from backend.protocol.signing import PrivateKey, recover

SECRET = keccak(b"secret")
DIGEST = keccak(b"digest")
KEY = PrivateKey(SECRET)
SIGNATURE = KEY.sign_digest(DIGEST)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def test_sign_digest__other_library__succeeds():
    account = Account.from_key(SECRET)

    assert account.address.lower() == "0x" + KEY.address.hex()
    assert account.unsafe_sign_hash(DIGEST).signature == SIGNATURE


def test_sign_digest__many_digests__holds():
    for index in range(200):
        digest = keccak(index.to_bytes(4))
        signature = KEY.sign_digest(digest)

        assert recover(digest, signature) == KEY.address
        assert signature[64] in (27, 28)
        assert int.from_bytes(signature[32:64]) <= ORDER // 2


def test_recover__other_digest__succeeds():
    assert recover(keccak(b"other"), SIGNATURE) != KEY.address


def test_recover__high_s__rejects():
    s = ORDER - int.from_bytes(SIGNATURE[32:64])
    other_v = bytes([55 - SIGNATURE[64]])

    with pytest.raises(SignatureHighS):
        recover(DIGEST, SIGNATURE[:32] + s.to_bytes(32) + other_v)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        SIGNATURE[:64],
        SIGNATURE + b"\0",
        SIGNATURE[:64] + b"\0",
        SIGNATURE[:64] + b"\x1d",
        bytes(64) + b"\x1b",
        bytes(32) + SIGNATURE[32:],
        SIGNATURE[:32] + bytes(32) + b"\x1b",
        ORDER.to_bytes(32) + SIGNATURE[32:],
        (5).to_bytes(32) + SIGNATURE[32:],  # no point of the curve has x = 5
    ],
)
def test_recover__malformed__rejects(signature):
    with pytest.raises(SignatureInvalid):
        recover(DIGEST, signature)


def test_private_key__shown__succeeds():
    assert SECRET.hex() not in repr(KEY)
    assert KEY.address.hex() in repr(KEY)


@pytest.mark.parametrize("secret", [b"", bytes(32), b"\xff" * 32])
def test_private_key__out_of_range__rejects(secret):
    with pytest.raises(ValueError, match=r".+"):
        PrivateKey(secret)
