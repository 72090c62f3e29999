"""Numbers modulo secp256k1's order n, eight at once, and the digits that the ladder reads.

Products are Montgomery's: `times` gives a·b/2^260, so a number that is multiplied often is kept as
its 2^260-fold. The limbs are as in field.py, with intervals; a number in memory is below 2^257.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backend.engine.vector.field import LIMBS, carry, limbs_of, words_of
from backend.engine.vector.ir import LANES_BYTES, LIMB_BITS, LIMB_MAX, Function, Lanes, Mask
from backend.protocol.errors import check_invariant

ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
STORED_BELOW: Final = 2**257
MONTGOMERY: Final = 2**260 % ORDER
"""The number 1, as Montgomery products want it."""
MONTGOMERY_SQUARED: Final = MONTGOMERY**2 % ORDER
_MINUS_INVERSE: Final = -pow(ORDER, -1, 2**LIMB_BITS) % 2**LIMB_BITS

# λ·(x, y) = (β·x, y). GLV (Gallant, Lambert, Vanstone 2001): k = k1 + k2·λ with halves of 128 bits,
# by two short vectors (a, b) with a + b·λ = 0 modulo n, and by their shares of k, 2^384 as one.
LAMBDA: Final = 0x5363AD4CC05C30E0A5261C028812645A122E22EA20816678DF02967C1B23BD72
BETA: Final = 0x7AE96A2B657C07106E64479EAC3434E99CF0497512F58995C1396C28719501EE
_A1: Final = 0x3086D221A7D46BCDE86C90E49284EB15
_MINUS_B1: Final = 0xE4437ED6010E88286F547FA90ABFE4C3
_A2: Final = _A1 + _MINUS_B1
_B2: Final = _A1
_SHARE_BITS: Final = 384
_SHARE_1: Final = (_B2 * 2**_SHARE_BITS + ORDER // 2) // ORDER
_SHARE_2: Final = (_MINUS_B1 * 2**_SHARE_BITS + ORDER // 2) // ORDER
_HALF_LIMBS: Final = 3
_HALF_BELOW: Final = 2**128  # in magnitude

# Digits are signed, -2^(w-1) to 2^(w-1) - 1: a number plus half of each digit's range, cut.
KEY_DIGIT_BITS: Final = 5
KEY_DIGITS: Final = 26
BASE_DIGIT_BITS: Final = 10
BASE_DIGITS: Final = 26
DIGITS_BYTES: Final = (2 * KEY_DIGITS + BASE_DIGITS) * LANES_BYTES


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number in each lane, from 0 to `high`, in five limbs of 52 bits."""

    limbs: tuple[Lanes, ...]
    high: int

    @staticmethod
    def of_limbs(limbs: Sequence[Lanes], high: int) -> Scalar:
        """Take limbs of 52 bits whose number is from 0 to `high`: so the last one is bounded."""
        check_invariant(high < 2**260, "a number over 260 bits", bits=high.bit_length())
        for limb in limbs[:-1]:
            check_invariant(limb.low >= 0 and limb.high <= LIMB_MAX, "no limb of 52 bits")
        top = limbs[-1].known(0, high >> LIMB_BITS * (LIMBS - 1))
        return Scalar((*limbs[:-1], top), high)

    @staticmethod
    def constant(function: Function, number: int) -> Scalar:
        return Scalar(tuple(function.constant(limb) for limb in limbs_of(number)), number)

    @staticmethod
    def load(
        function: Function, pointer: str, offset: int = 0, *, high: int = STORED_BELOW - 1
    ) -> Scalar:
        """Load what `store` stored; the caller may know a lower bound."""
        places = [offset + LANES_BYTES * index for index in range(LIMBS)]
        limbs = [function.load(pointer, place, high=LIMB_MAX) for place in places]
        return Scalar.of_limbs(limbs, high)

    def store(self, pointer: str, offset: int = 0) -> None:
        check_invariant(self.high < STORED_BELOW, "a number is stored unreduced", high=self.high)
        for index, limb in enumerate(self.limbs):
            self.function.store(limb, pointer, offset + LANES_BYTES * index)

    @property
    def function(self) -> Function:
        return self.limbs[0].function

    def times(self, other: Scalar) -> Scalar:
        """Return self·other/2^260 modulo n, less than n above the quotient."""
        zero = self.function.constant(0)
        columns = [zero] * (2 * LIMBS)
        for i, a in enumerate(self.limbs):
            _add_row(columns, i, a, other.limbs)
        modulus = Scalar.constant(self.function, ORDER).limbs
        factor = self.function.constant(_MINUS_INVERSE)
        for i in range(LIMBS):
            # This multiple of n makes the lowest limb zero; its carry goes on.
            multiple = zero.plus_product(columns[i].limb(), factor)
            _add_row(columns, i, multiple, modulus)
            columns[i + 1] = columns[i + 1] + (columns[i] >> LIMB_BITS)
        return Scalar.of_limbs(carry(columns[LIMBS:]), (self.high * other.high >> 260) + ORDER)

    def canonical(self) -> Scalar:
        """Return the number from 0 to n − 1; it must be below 2n."""
        check_invariant(self.high < 2 * ORDER, "a number over 2n", high=self.high)
        less = _minus(self, ORDER)
        is_below = less[-1].is_negative()
        chosen = [is_below.choose(a, b) for a, b in zip(self.limbs, less, strict=True)]
        return Scalar.of_limbs(chosen, ORDER - 1)

    def is_below(self, bound: int) -> Mask:
        return _minus(self, bound)[-1].is_negative()

    def is_nonzero(self) -> Mask:
        bits = self.limbs[0]
        for limb in self.limbs[1:]:
            bits = bits | limb
        return bits.is_nonzero()

    def chosen_by(self, mask: Mask, other: Scalar) -> Scalar:
        """Return this number where `mask` says yes, else the other."""
        limbs = [mask.choose(a, b) for a, b in zip(self.limbs, other.limbs, strict=True)]
        return Scalar.of_limbs(limbs, max(self.high, other.high))


def _minus(number: Scalar, subtrahend: int) -> list[Lanes]:
    """Return the difference's limbs; the last one has its sign."""
    limbs = zip(number.limbs, limbs_of(subtrahend), strict=True)
    return carry([limb - subtracted for limb, subtracted in limbs])


def _add_row(columns: list[Lanes], start: int, factor: Lanes, limbs: Sequence[Lanes]) -> None:
    """Add factor·limbs, from column `start` on."""
    for index, limb in enumerate(limbs):
        columns[start + index] = columns[start + index].plus_product(factor, limb)
    for index, limb in enumerate(limbs):
        above = start + index + 1
        columns[above] = columns[above].plus_product(factor, limb, upper=True)


def split(scalar: Scalar) -> tuple[list[Lanes], list[Lanes]]:
    """Return k1 and k2, k = k1 + k2·λ modulo n, as three limbs each, modulo 2^156 and not carried.

    Both are below 2^128 in magnitude.
    """
    share_1, share_2 = _share(scalar, _SHARE_1), _share(scalar, _SHARE_2)
    products = zip(_half_product(share_1, _A1), _half_product(share_2, _A2), strict=True)
    first = [
        limb - one - other
        for limb, (one, other) in zip(scalar.limbs[:_HALF_LIMBS], products, strict=True)
    ]
    products = zip(_half_product(share_1, _MINUS_B1), _half_product(share_2, _B2), strict=True)
    second = [one - other for one, other in products]
    return first, second


def _share(scalar: Scalar, fraction: int) -> list[Lanes]:
    """Return scalar·fraction/2^384, rounded to the nearest, in three limbs."""
    zero = scalar.function.constant(0)
    columns = [zero] * (2 * LIMBS)
    factors = Scalar.constant(scalar.function, fraction).limbs
    for i, limb in enumerate(scalar.limbs):
        _add_row(columns, i, limb, factors)
    limb_index, bit = divmod(_SHARE_BITS, LIMB_BITS)
    columns[limb_index] = columns[limb_index] + (1 << bit - 1)
    product = carry(columns)
    upper = product[limb_index:]
    high = scalar.high * fraction + 2 ** (_SHARE_BITS - 1) >> _SHARE_BITS
    check_invariant(high < 2**128, "a share over 128 bits")
    upper[-1] = upper[-1].known(0, high >> 2 * LIMB_BITS - bit)
    shifted = [
        (lower >> bit) | (above & (1 << bit) - 1) << LIMB_BITS - bit
        for lower, above in zip(upper[:-1], upper[1:], strict=True)
    ]
    return [*shifted, upper[-1] >> bit]


def _half_product(share: Sequence[Lanes], factor: int) -> list[Lanes]:
    """Return share·factor modulo 2^156, not carried."""
    columns = [share[0].function.constant(0)] * _HALF_LIMBS
    for i, limb in enumerate(share):
        for j, constant in enumerate(limbs_of(factor, _HALF_LIMBS)):
            other = limb.function.constant(constant)
            if i + j < _HALF_LIMBS:
                columns[i + j] = columns[i + j].plus_product(limb, other)
            if i + j + 1 < _HALF_LIMBS:
                columns[i + j + 1] = columns[i + j + 1].plus_product(limb, other, upper=True)
    return columns


def store_digits(base: Scalar, key: Scalar, pointer: str) -> None:
    """Store the digits of both halves of `key`, then those of `base`, each lowest first."""
    check_invariant(max(base.high, key.high) < ORDER, "digits of a number over n")
    half_bias, base_bias = _bias(KEY_DIGIT_BITS, KEY_DIGITS), _bias(BASE_DIGIT_BITS, BASE_DIGITS)
    check_invariant(_HALF_BELOW <= half_bias < 2**130 - _HALF_BELOW, "a half over its digits")
    check_invariant(base_bias + ORDER <= 2**260, "a number over its digits")
    place = 0
    for half in split(key):
        limbs = carry(_plus(half, half_bias))
        words = words_of([*limbs[:-1], limbs[-1] & LIMB_MAX])
        place = _store_digits(words, KEY_DIGIT_BITS, KEY_DIGITS, pointer, place)
    limbs = carry(_plus(base.limbs, base_bias))
    limbs[-1] = limbs[-1].known(0, base_bias + ORDER >> LIMB_BITS * (LIMBS - 1))
    _store_digits(words_of(limbs), BASE_DIGIT_BITS, BASE_DIGITS, pointer, place)


def _bias(digit_bits: int, count: int) -> int:
    return sum(1 << digit_bits * index + digit_bits - 1 for index in range(count))


def _plus(limbs: Sequence[Lanes], number: int) -> list[Lanes]:
    return [a + b for a, b in zip(limbs, limbs_of(number, len(limbs)), strict=True)]


def _store_digits(words: Sequence[Lanes], bits: int, count: int, pointer: str, place: int) -> int:
    """Store signed digits; return the place after them."""
    for index in range(count):
        word, bit = divmod(bits * index, 64)
        lanes = words[word] >> bit
        if bit + bits > 64 and word + 1 < len(words):
            lanes = words[word + 1].followed_by(words[word], 64 - bit)
        digit = (lanes & (1 << bits) - 1) - (1 << bits - 1)
        digit.function.store(digit, pointer, place)
        place += LANES_BYTES
    return place
