"""A passkey in Python: what an authenticator and a browser make of a challenge (WebAuthn)."""

import base64
import json
from hashlib import sha256

from eth_abi import encode

# NIST P-256 (FIPS 186-4, D.1.2.3): y² = x³ - 3x + b.
_FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_BASE = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)

USER_PRESENT, USER_VERIFIED = 0x01, 0x04


def _sum(p, q):
    """Return the sum of two points; None is the point at infinity."""
    if p is None or q is None:
        return p or q
    if p[0] == q[0]:
        if (p[1] + q[1]) % _FIELD == 0:
            return None
        slope = (3 * p[0] * p[0] - 3) * pow(2 * p[1], -1, _FIELD)
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, _FIELD)
    x = (slope * slope - p[0] - q[0]) % _FIELD
    return x, (slope * (p[0] - x) - p[1]) % _FIELD


def _times(factor, point):
    result = None
    while factor:
        if factor & 1:
            result = _sum(result, point)
        point = _sum(point, point)
        factor >>= 1
    return result


class Passkey:
    """A P-256 key in an authenticator, made from a seed."""

    def __init__(self, seed):
        self._secret = int.from_bytes(sha256(seed.encode()).digest(), "big") % _ORDER
        x, y = _times(self._secret, _BASE)
        self.public = x.to_bytes(32, "big") + y.to_bytes(32, "big")

    def _sign(self, digest):
        """Return (r, s) of a SHA-256 digest, with s in the lower half."""
        message = int.from_bytes(digest, "big")
        secret = self._secret.to_bytes(32, "big")
        nonce = int.from_bytes(sha256(secret + digest).digest(), "big") % _ORDER
        r = _times(nonce, _BASE)[0] % _ORDER
        s = pow(nonce, -1, _ORDER) * (message + r * self._secret) % _ORDER
        return r, min(s, _ORDER - s)

    def approve(self, challenge, *, flags=USER_PRESENT | USER_VERIFIED, kind="webauthn.get"):
        """Return the assertion for a challenge of 32 bytes, as the verifier wants it."""
        encoded = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        client_data = json.dumps(
            {"type": kind, "challenge": encoded, "origin": "https://treasury.example"},
            separators=(",", ":"),
        )
        authenticator_data = sha256(b"treasury.example").digest() + bytes([flags]) + bytes(4)
        client_hash = sha256(client_data.encode()).digest()
        r, s = self._sign(sha256(authenticator_data + client_hash).digest())
        places = [client_data.index(f'"{name}"') for name in ("challenge", "type")]
        return encode(
            ["uint256", "uint256", "uint256", "uint256", "bytes", "string"],
            [r, s, *places, authenticator_data, client_data],
        )
