"""Signatures whose verdicts are known, which the lanes must judge rightly before they are used.

Every way of being wrong is among them, and the two ways of leaving the formulas: no point at all,
and an addition of a point to itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import coincurve
import numpy as np
from numpy.typing import NDArray

from backend.engine.vector import libsecp
from backend.engine.vector.field import PRIME
from backend.engine.vector.kernel import NO, UNSURE, YES
from backend.engine.vector.libsecp import Bytes
from backend.engine.vector.points import GENERATOR
from backend.engine.vector.scalars import ORDER
from backend.protocol.hashing import Digest, keccak
from backend.protocol.signing import PrivateKey

_COUNT: Final = 512
_SECRETS: Final = 16


@dataclass(frozen=True, slots=True)
class KnownAnswers:
    """Rows of signatures, their keys, and what has to be said of them."""

    digests: Bytes
    signatures: Bytes
    keys: Bytes
    verdicts: NDArray[np.int64]

    def are_given(self, verdicts: NDArray[np.int64]) -> bool:
        """Whether all verdicts are as known, and libsecp256k1 knows the same."""
        of_library = libsecp.verify_many(self.digests, self.signatures, self.keys)
        sure = self.verdicts != UNSURE
        return bool(
            (verdicts == self.verdicts).all()
            and (of_library[sure] == (self.verdicts[sure] == YES)).all()
        )


@cache
def known_answers() -> KnownAnswers:
    """Return the same ones every time."""
    digests, signatures, keys, verdicts = zip(*_answers(), strict=True)
    return KnownAnswers(
        _rows(digests, libsecp.DIGEST_BYTES),
        _rows(signatures, 65),
        _rows(keys, libsecp.KEY_BYTES),
        np.array(verdicts),
    )


def _rows(strings: tuple[bytes, ...], width: int) -> Bytes:
    return np.frombuffer(b"".join(strings), np.uint8).reshape(-1, width)


def _answers() -> Iterator[tuple[bytes, bytes, bytes, int]]:
    """Yield digests, signatures, keys and verdicts."""
    secrets = [keccak(b"known answers, key" + bytes([index])) for index in range(_SECRETS)]
    signers = [PrivateKey(secret) for secret in secrets]
    keys = [_key_of(secret) for secret in secrets]
    for index in range(_COUNT // 2):
        digest = keccak(b"known answers, digest" + bytes([index]))
        signer = index % _SECRETS
        signature = signers[signer].sign_digest(digest)
        yield digest, signature, keys[signer], YES
        spoilt = list(_spoilt(signature))
        kind = index % (len(spoilt) + 2)
        if kind < len(spoilt):
            yield digest, spoilt[kind], keys[signer], NO
        elif kind == len(spoilt):
            yield digest, signature, keys[(signer + 1) % _SECRETS], NO
        else:
            yield keccak(digest), signature, keys[signer], NO
    yield (*_without_point(secrets[0]), keys[0], UNSURE)
    yield (*_with_itself(), UNSURE)


def _key_of(secret: bytes) -> bytes:
    return coincurve.PrivateKey(secret).public_key.format(compressed=False)[1:]


def _spoilt(signature: bytes) -> Iterator[bytes]:
    """Yield signatures that are wrong, each in its own way."""
    r, s, v = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64]), signature[64]
    for wrong_v in (55 - v, 0, 26, 29, 255):
        yield _signature(r, s, wrong_v)
    yield _signature(r, ORDER - s, 55 - v)
    for wrong_r in (0, ORDER, r ^ 1, r ^ 1 << 255, 2**256 - 1):
        yield _signature(wrong_r, s, v)
    for wrong_s in (0, ORDER, ORDER // 2 + 1, s ^ 1, s ^ 1 << 128, 2**256 - 1):
        yield _signature(r, wrong_s, v)


def _signature(r: int, s: int, v: int) -> bytes:
    return r.to_bytes(32) + s.to_bytes(32) + bytes([v])


def _without_point(secret: bytes) -> tuple[Digest, bytes]:
    """Return what gives u1·G + u2·P = 0: z = −r·secret."""
    z = -5 * int.from_bytes(secret) % ORDER
    return Digest(z.to_bytes(32)), _signature(5, 7, 27)


def _with_itself() -> tuple[Digest, bytes, bytes]:
    """Return a valid signature of the key −G with u1 = 1 and u2 = −1: G is added to G."""
    doubled = _key_of((2).to_bytes(32))
    r = int.from_bytes(doubled[:32])
    s = ORDER - r  # a low one, as it happens
    opposite = GENERATOR[0].to_bytes(32) + (PRIME - GENERATOR[1]).to_bytes(32)
    return Digest(s.to_bytes(32)), _signature(r, s, 27 + doubled[-1] % 2), opposite
