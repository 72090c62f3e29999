"""The hashes: keccak is another library's, and both give the well-known hashes."""

from eth_utils import keccak as other_keccak

from backend.protocol.hashing import ZERO_DIGEST, keccak, sha256

EMPTY = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def test_keccak__known_input__succeeds():
    assert keccak(b"").hex() == EMPTY
    assert keccak(b"causeway") == other_keccak(b"causeway")
    assert ZERO_DIGEST == bytes(32)


def test_sha256__known_input_in_parts__succeeds():
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4
    assert sha256(b"abc").hex() == sha256(b"a", b"", b"bc").hex() == known
