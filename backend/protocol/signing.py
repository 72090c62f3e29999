"""Signatures of secp256k1 keys: r 32, s 32, v 1 bytes, low s, v 27 or 28."""

from typing import Final

import coincurve

from backend.protocol.errors import SignatureHighS, SignatureInvalid
from backend.protocol.hashing import Digest, keccak
from backend.protocol.types import Address

SIGNATURE_BYTES: Final = 65
_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_HALF_ORDER: Final = (_ORDER // 2).to_bytes(32)
_V: Final = {27: b"\0", 28: b"\1"}


class PrivateKey:
    """A key that signs digests. It never shows itself."""

    __slots__ = ("_key", "address")

    def __init__(self, secret: bytes) -> None:
        """Take the key's 32 bytes. Raises ValueError if they are no key."""
        self._key = coincurve.PrivateKey(secret)
        self.address = _address_of(self._key.public_key)

    def sign_digest(self, digest: Digest) -> bytes:
        """Return the signature; the same digest gives the same signature (RFC 6979)."""
        signature = self._key.sign_recoverable(digest, hasher=None)
        return signature[:64] + (b"\x1b" if signature[64] == 0 else b"\x1c")

    def __repr__(self) -> str:
        return f"PrivateKey(address=0x{self.address.hex()})"


def recover(digest: Digest, signature: bytes) -> Address:
    """Return who signed `digest`. Raises SignatureInvalid or SignatureHighS."""
    if len(signature) != SIGNATURE_BYTES:
        raise SignatureInvalid(f"it has {len(signature)} bytes, not {SIGNATURE_BYTES}")
    recovery = _V.get(signature[64])
    if recovery is None:
        raise SignatureInvalid(f"v is {signature[64]}, not 27 or 28")
    if signature[32:64] > _HALF_ORDER:
        raise SignatureHighS()
    try:
        public_key = coincurve.PublicKey.from_signature_and_message(
            signature[:64] + recovery, digest, hasher=None
        )
    except Exception as error:  # coincurve raises a bare Exception for r or s out of range
        raise SignatureInvalid("no key can have made it") from error
    return _address_of(public_key)


def _address_of(public_key: coincurve.PublicKey) -> Address:
    return Address(keccak(public_key.format(compressed=False)[1:])[12:])
