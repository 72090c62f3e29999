"""The one hash of the protocol: keccak-256."""

from typing import Final, NewType

from sha3 import keccak_256

Digest = NewType("Digest", bytes)
"""32 bytes: a hash, a root, or the digest of a typed structure."""

ZERO_DIGEST: Final = Digest(bytes(32))


def keccak(data: bytes) -> Digest:
    """Return the keccak-256 of `data`."""
    return Digest(keccak_256(data).digest())
