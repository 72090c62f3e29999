"""The hashes of the protocol: keccak-256, and SHA-256 for what no contract computes."""

import hashlib
from typing import Final, NewType

from sha3 import keccak_256

Digest = NewType("Digest", bytes)
"""32 bytes: a hash, a root, or the digest of a typed structure."""

ZERO_DIGEST: Final = Digest(bytes(32))


def keccak(data: bytes) -> Digest:
    """Return the keccak-256 of `data`."""
    return Digest(keccak_256(data).digest())


def sha256(*parts: bytes | memoryview) -> Digest:
    """Return the SHA-256 of `parts`, one after the other.

    Processors have instructions for it: it takes a seventh of keccak's time. Block bodies and the
    log's frames, the only megabytes that are hashed as one, are hashed by it.
    """
    state = hashlib.sha256()
    for part in parts:
        state.update(part)
    return Digest(state.digest())
