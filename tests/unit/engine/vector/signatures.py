"""Signatures, honest and hostile, for tests of what judges them. Keys are secrets of tests."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import coincurve
import numpy as np

from backend.engine.vector.libsecp import Bytes

ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
PRIME: Final = 2**256 - 2**32 - 977
LAMBDA: Final = 0x5363AD4CC05C30E0A5261C028812645A122E22EA20816678DF02967C1B23BD72

_EDGES: Final = (
    *(0, 1, 2, ORDER - 1, ORDER, ORDER + 1, PRIME - 1, PRIME, 2**256 - 1),
    *(PRIME - ORDER, PRIME - ORDER - 1, ORDER // 2, ORDER // 2 + 1, 2**128, 2**255),
)
# Scalars whose digits, halves or multiples are odd enough for two points to meet in an addition.
_ODD: Final = tuple(
    scalar % ORDER
    for positive in (*range(1, 40), LAMBDA, 2 * LAMBDA, LAMBDA**2, 2**128, 2**128 + 1, ORDER // 2)
    for scalar in (positive, -positive)
)


@dataclass(frozen=True, slots=True)
class Case:
    """A key that may have signed a digest."""

    kind: str
    digest: bytes
    signature: bytes
    key: bytes
    """x and y, big-endian"""


@dataclass(frozen=True, slots=True)
class Cases:
    """Many of them, in rows."""

    kinds: list[str]
    digests: Bytes
    signatures: Bytes
    keys: Bytes


def in_rows(cases: list[Case]) -> Cases:
    def rows(strings: list[bytes], width: int) -> Bytes:
        return np.frombuffer(b"".join(strings), np.uint8).reshape(-1, width).copy()

    return Cases(
        [case.kind for case in cases],
        rows([case.digest for case in cases], 32),
        rows([case.signature for case in cases], 65),
        rows([case.key for case in cases], 64),
    )


def word(number: int) -> bytes:
    return number.to_bytes(32)


def public_key(secret: int) -> bytes:
    """Return x and y of the secret's point."""
    return coincurve.PrivateKey(word(secret % ORDER)).public_key.format(compressed=False)[1:]


def sign(secret: int, digest: bytes) -> bytes:
    made = coincurve.PrivateKey(word(secret)).sign_recoverable(digest, hasher=None)
    return made[:64] + bytes([27 + made[64]])


class Forge:
    """Makes cases at random, the same ones for the same seed."""

    def __init__(self, seed: int, key_count: int = 256) -> None:
        self._random = random.Random(seed)
        self._secrets = [self._scalar() for _ in range(key_count)]
        self._keys = {secret: public_key(secret) for secret in self._secrets}
        makers: list[tuple[int, Callable[[], Case]]] = [
            (45, self._valid),
            (6, self._high_s),
            (6, self._wrong_v),
            (6, self._wrong_key),
            (7, self._flipped_bit),
            (5, self._wrong_digest),
            (7, self._edge_of_range),
            (3, self._x_above_order),
            (4, self._edge_of_digest),
            (5, self._odd_key_and_nonce),
            (3, self._chosen_scalars),
            (1, self._points_meet),
            (1, self._at_infinity),
            (1, self._noise),
        ]
        self._weights = [weight for weight, _ in makers]
        self._makers = [maker for _, maker in makers]

    def cases(self, count: int) -> list[Case]:
        chosen = self._random.choices(self._makers, self._weights, k=count)
        return [maker() for maker in chosen]

    def _scalar(self) -> int:
        return self._random.randrange(1, ORDER)

    def _choice(self, numbers: tuple[int, ...]) -> int:
        return self._random.choice(numbers)

    def _valid(self) -> Case:
        secret = self._random.choice(self._secrets)
        digest = self._random.randbytes(32)
        return Case("valid", digest, sign(secret, digest), self._keys[secret])

    def _changed(self, kind: str, signature: bytes | None = None, **others: bytes) -> Case:
        case = self._valid()
        return Case(
            kind,
            others.get("digest", case.digest),
            case.signature if signature is None else signature,
            others.get("key", case.key),
        )

    def _high_s(self) -> Case:
        case = self._valid()
        r, s, v = _parts(case.signature)
        other_v = self._random.choice([v, 55 - v])
        return Case("high s", case.digest, _signature(r, ORDER - s, other_v), case.key)

    def _wrong_v(self) -> Case:
        case = self._valid()
        r, s, v = _parts(case.signature)
        wrong = self._random.choice([55 - v, 55 - v, 0, 1, 26, 29, 30, 255])
        return Case("wrong v", case.digest, _signature(r, s, wrong), case.key)

    def _wrong_key(self) -> Case:
        return self._changed("wrong key", key=self._keys[self._random.choice(self._secrets)])

    def _flipped_bit(self) -> Case:
        case = self._valid()
        flipped = bytearray(case.signature)
        bit = self._random.randrange(65 * 8)
        flipped[bit // 8] ^= 1 << bit % 8
        return Case("flipped bit", case.digest, bytes(flipped), case.key)

    def _wrong_digest(self) -> Case:
        case = self._valid()
        flipped = int.from_bytes(case.digest) ^ 1 << self._random.randrange(256)
        return Case("wrong digest", word(flipped), case.signature, case.key)

    def _edge_of_range(self) -> Case:
        case = self._valid()
        r, s, v = _parts(case.signature)
        edge, both = self._choice(_EDGES), self._choice(_EDGES)
        changed = self._random.choice([(edge, s), (r, edge), (edge, both)])
        return Case("edge of range", case.digest, _signature(*changed, v), case.key)

    def _crafted(self, kind: str, point: bytes, z: int, s: int, r: int | None = None) -> Case:
        """Return a signature by the nonce's point alone: the key is (s·R − z·G)/r."""
        x, y = int.from_bytes(point[:32]), int.from_bytes(point[32:])
        inverse = pow(x % ORDER, -1, ORDER)
        nonce = coincurve.PublicKey(b"\4" + point)
        key = nonce.multiply(word(s * inverse % ORDER))
        if z * inverse % ORDER:
            other = coincurve.PrivateKey(word(-z * inverse % ORDER)).public_key
            if key == coincurve.PublicKey(_negative(other.format(compressed=False))):
                return self._noise()
            key = coincurve.PublicKey.combine_keys([key, other])
        signature = _signature(x % ORDER if r is None else r, s, 27 + y % 2)
        return Case(kind, word(z), signature, key.format(compressed=False)[1:])

    def _x_above_order(self) -> Case:
        """A nonce whose x is no scalar: r is x − n, or x itself; with v of 27 or 28, both fail."""
        while True:
            x = ORDER + self._random.randrange(1, self._random.choice([100, PRIME - ORDER]))
            y = pow(x**3 + 7, (PRIME + 1) // 4, PRIME)
            if y * y % PRIME == (x**3 + 7) % PRIME:
                break
        y = self._random.choice([y, PRIME - y])
        z, s = self._random.getrandbits(256), self._random.randrange(1, ORDER // 2)
        r = self._random.choice([x, x - ORDER])
        return self._crafted("x above order", word(x) + word(y), z, s, r)

    def _edge_of_digest(self) -> Case:
        z = self._random.choice([0, 1, ORDER - 1, ORDER, ORDER + 1, 2**256 - 1])
        s = self._random.choice([1, 2, ORDER - 1, ORDER // 2, ORDER // 2 + 1, self._scalar() // 2])
        return self._crafted("edge of digest", public_key(self._scalar()), z, s)

    def _odd_key_and_nonce(self) -> Case:
        secret, nonce = self._choice(_ODD), self._choice(_ODD)
        bits = self._random.choice([1, 2, 5, 10, 256])
        z = self._random.choice([0, 1, 2**128, self._random.getrandbits(bits)])
        point = public_key(nonce)
        r = int.from_bytes(point[:32]) % ORDER
        s = pow(nonce, -1, ORDER) * (z + r * secret) % ORDER
        return self._signed_by("odd key and nonce", secret, z, r, s, point[-1] % 2)

    def _chosen_scalars(self) -> Case:
        """u1·G + u2·P with scalars of our choice."""
        return self._by_scalars(
            "chosen scalars", self._choice(_ODD), self._choice((0, *_ODD)), self._choice(_ODD)
        )

    def _points_meet(self) -> Case:
        """u2·P is what one of the digits of u1 adds: the addition's formula has no answer."""
        comb = 10 * self._random.randrange(3)
        secret, u2 = self._random.randrange(1, 80) << comb, self._random.randrange(1, 6)
        met = u2 * secret
        u1 = self._random.choice([met, met, 3 * met, ORDER - met]) % ORDER
        return self._by_scalars("points meet", secret, u1, u2)

    def _by_scalars(self, kind: str, secret: int, u1: int, u2: int) -> Case:
        nonce = (u1 + u2 * secret) % ORDER
        if nonce == 0:
            return self._at_infinity()
        point = public_key(nonce)
        r = int.from_bytes(point[:32]) % ORDER
        s = r * pow(u2, -1, ORDER) % ORDER
        return self._signed_by(kind, secret, u1 * s % ORDER, r, s, point[-1] % 2)

    def _signed_by(self, kind: str, secret: int, z: int, r: int, s: int, odd: int) -> Case:
        """Return the case with low s: the other s turns the nonce's point over."""
        low, v = (s, 27 + odd) if s <= ORDER // 2 else (ORDER - s, 28 - odd)
        return Case(kind, word(z), _signature(r, low, v), public_key(secret))

    def _at_infinity(self) -> Case:
        """u1·G + u2·P is no point."""
        secret, r = self._choice(_ODD), self._scalar()
        s, v = self._random.randrange(1, ORDER // 2), self._random.choice([27, 28])
        digest = word(-r * secret % ORDER)
        return Case("at infinity", digest, _signature(r, s, v), public_key(secret))

    def _noise(self) -> Case:
        s = self._random.randrange(ORDER // 2)
        signature = self._random.randbytes(32) + word(s) + self._random.choice([b"\x1b", b"\x1c"])
        return self._changed("noise", signature)


def _parts(signature: bytes) -> tuple[int, int, int]:
    return int.from_bytes(signature[:32]), int.from_bytes(signature[32:64]), signature[64]


def _signature(r: int, s: int, v: int) -> bytes:
    return word(r) + word(s) + bytes([v])


def _negative(uncompressed: bytes) -> bytes:
    y = int.from_bytes(uncompressed[33:])
    return uncompressed[:33] + word(PRIME - y)
