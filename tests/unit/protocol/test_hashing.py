"""The hash: equal to another library's, and to the well-known hash of nothing."""

from eth_utils import keccak as other_keccak

from backend.protocol.hashing import ZERO_DIGEST, keccak

EMPTY = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def test_keccak__known_input__succeeds():
    assert keccak(b"").hex() == EMPTY
    assert keccak(b"causeway") == other_keccak(b"causeway")
    assert ZERO_DIGEST == bytes(32)
