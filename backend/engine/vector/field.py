"""Numbers modulo secp256k1's prime p = 2^256 − 2^32 − 977, eight at once, in five limbs of 52 bits.

A number is kept below 2^260, not below p: `canonical` alone brings it there. Sums and differences
wait for their carries till they are multiplied or stored. Law: limbs carry intervals (ir.py), and
each number the interval of its whole value; what might leave them stops the writing of the code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backend.engine.vector.ir import LANES_BYTES, LIMB_BITS, LIMB_MAX, Function, Lanes, Mask
from backend.protocol.errors import check_invariant

PRIME: Final = 2**256 - 2**32 - 977
LIMBS: Final = 5
ELEMENT_BYTES: Final = LIMBS * LANES_BYTES
# Every number in memory is below this; its limbs are below 2^52.
STORED_BELOW: Final = 2**256 + 2**218

_FOLD_256: Final = 2**256 - PRIME  # 2^256 is this, modulo p
_FOLD_260: Final = _FOLD_256 << 4
_TOP_LIMB_BITS: Final = 256 - 4 * LIMB_BITS


def limbs_of(number: int, count: int = LIMBS) -> list[int]:
    """Return the number's limbs, lowest first; the last one holds what is left."""
    lower = [number >> LIMB_BITS * index & LIMB_MAX for index in range(count - 1)]
    return [*lower, number >> LIMB_BITS * (count - 1)]


def value_of(limbs: Sequence[int]) -> int:
    return sum(limb << LIMB_BITS * index for index, limb in enumerate(limbs))


@dataclass(frozen=True, slots=True)
class Element:
    """A number in each lane. `low` and `high` bound it as a whole number, not modulo p."""

    limbs: tuple[Lanes, ...]
    low: int
    high: int

    @staticmethod
    def constant(function: Function, number: int) -> Element:
        limbs = tuple(function.constant(limb) for limb in limbs_of(number))
        return Element(limbs, number, number)

    @staticmethod
    def load(function: Function, pointer: str, offset: int = 0) -> Element:
        """Load what `store` stored."""
        return Element.of_limbs(
            [
                function.load(pointer, offset + LANES_BYTES * index, high=LIMB_MAX)
                for index in range(LIMBS)
            ],
            STORED_BELOW - 1,
        )

    @staticmethod
    def of_limbs(limbs: Sequence[Lanes], high: int) -> Element:
        """Take limbs of 52 bits whose number is from 0 to `high`: so the last one is bounded."""
        for limb in limbs[:-1]:
            check_invariant(limb.low >= 0 and limb.high <= LIMB_MAX, "no limb of 52 bits")
        check_invariant(high < 2**260, "a number over 260 bits", bits=high.bit_length())
        top = limbs[-1].known(0, high >> LIMB_BITS * (LIMBS - 1))
        return Element((*limbs[:-1], top), 0, high)

    def store(self, pointer: str, offset: int = 0) -> None:
        carried = self.carried()
        check_invariant(
            carried.high < STORED_BELOW, "a number is stored unreduced", high=carried.high
        )
        for index, limb in enumerate(carried.limbs):
            self.function.store(limb, pointer, offset + LANES_BYTES * index)

    @property
    def function(self) -> Function:
        return self.limbs[0].function

    def __add__(self, other: Element) -> Element:
        limbs = tuple(a + b for a, b in zip(self.limbs, other.limbs, strict=True))
        return Element(limbs, self.low + other.low, self.high + other.high)

    def __sub__(self, other: Element) -> Element:
        limbs = tuple(a - b for a, b in zip(self.limbs, other.limbs, strict=True))
        return Element(limbs, self.low - other.high, self.high - other.low)

    def __neg__(self) -> Element:
        return Element.constant(self.function, 0) - self

    def shifted(self, count: int) -> Element:
        """Return 2^count times the number."""
        limbs = tuple(limb << count for limb in self.limbs)
        return Element(limbs, self.low << count, self.high << count)

    def times(self, other: Element, scale: int = 1, plus: Element | None = None) -> Element:
        """Return scale·self·other + plus. The sum is in the same carries, so it is almost free."""
        a, b = self.carried(), other.carried()
        columns = [self.function.constant(0)] * (2 * LIMBS)
        for i in range(LIMBS):
            for j in range(LIMBS):
                columns[i + j] = columns[i + j].plus_product(a.limbs[i], b.limbs[j])
            for j in range(LIMBS):
                above = i + j + 1
                columns[above] = columns[above].plus_product(a.limbs[i], b.limbs[j], upper=True)
        return _reduced(columns, a.high * b.high, scale, plus)

    def squared(self, scale: int = 1, plus: Element | None = None) -> Element:
        """Return scale·self² + plus."""
        a = self.carried()
        columns = [self.function.constant(0)] * (2 * LIMBS)
        for i in range(LIMBS):
            for j in range(i + 1, LIMBS):
                columns[i + j] = columns[i + j].plus_product(a.limbs[i], a.limbs[j])
            for j in range(i + 1, LIMBS):
                above = i + j + 1
                columns[above] = columns[above].plus_product(a.limbs[i], a.limbs[j], upper=True)
        for k in range(1, 2 * LIMBS - 1):
            columns[k] = columns[k] + columns[k]
        for i, limb in enumerate(a.limbs):
            columns[2 * i] = columns[2 * i].plus_product(limb, limb)
            columns[2 * i + 1] = columns[2 * i + 1].plus_product(limb, limb, upper=True)
        return _reduced(columns, a.high**2, scale, plus)

    def carried(self) -> Element:
        """Return the number, plus a multiple of p if it might be negative, in 52-bit limbs."""
        if all(0 <= limb.low and limb.high <= LIMB_MAX for limb in self.limbs):
            return self
        multiple = Element.constant(self.function, max(0, -(self.low // PRIME)) * PRIME)
        number = self + multiple
        return Element.of_limbs(carry(number.limbs), number.high)

    def reduced(self) -> Element:
        """Return the number below 2^256 and a little, in 52-bit limbs."""
        return _folded(self._without_borrows().limbs, self.function.constant(0))

    def canonical(self) -> Element:
        """Return the number from 0 to p − 1."""
        limbs = list(self.carried().limbs)
        # The first fold leaves less than 2^256 + 2^37, the second less than 2^256.
        for _ in range(2):
            over = limbs[-1] >> _TOP_LIMB_BITS
            check_invariant(over.high * _FOLD_256 <= LIMB_MAX, "the fold is over 52 bits")
            limbs[-1] = limbs[-1] & (1 << _TOP_LIMB_BITS) - 1
            limbs[0] = limbs[0].plus_product(over, self.function.constant(_FOLD_256))
            limbs = carry(limbs)
        # Adding 2^256 − p carries into bit 256 exactly if p fits in.
        less_p = carry([limbs[0] + _FOLD_256, *limbs[1:]])
        holds_p = (less_p[-1] >> _TOP_LIMB_BITS).is_nonzero()
        less_p[-1] = less_p[-1] & (1 << _TOP_LIMB_BITS) - 1
        chosen = [holds_p.choose(a, b) for a, b in zip(less_p, limbs, strict=True)]
        return Element.of_limbs(chosen, 2**256 - 1)

    def chosen_by(self, mask: Mask, other: Element) -> Element:
        """Return this number where `mask` says yes, else the other."""
        limbs = tuple(mask.choose(a, b) for a, b in zip(self.limbs, other.limbs, strict=True))
        return Element(limbs, min(self.low, other.low), max(self.high, other.high))

    def _without_borrows(self) -> Element:
        """Return the number plus a multiple of p, so that no limb can be negative."""
        if all(limb.low >= 0 for limb in self.limbs):
            return self
        lows = [limb.low for limb in self.limbs]
        # Each limb lends 2^shift to the one below it, which is more than that one can lack.
        shift = max(LIMB_BITS, max(0, -min(lows[:-1])).bit_length())
        lent = 1 << shift - LIMB_BITS
        multiple = max(0, -(self.low // PRIME))
        while True:
            limbs = limbs_of(multiple * PRIME)
            limbs = [
                limbs[0] + (1 << shift),
                *(limb + (1 << shift) - lent for limb in limbs[1:-1]),
                limbs[-1] - lent,
            ]
            if all(limb >= 0 and limb + low >= 0 for limb, low in zip(limbs, lows, strict=True)):
                break
            multiple += 1
        check_invariant(value_of(limbs) == multiple * PRIME, "no multiple of p")
        constants = tuple(self.function.constant(limb) for limb in limbs)
        return self + Element(constants, multiple * PRIME, multiple * PRIME)


def carry(limbs: Sequence[Lanes]) -> list[Lanes]:
    """Return the same number in limbs of 52 bits; the last one holds what is left."""
    rest = list(limbs)
    for index in range(len(rest) - 1):
        over = rest[index] >> LIMB_BITS
        rest[index] = rest[index] & LIMB_MAX
        rest[index + 1] = rest[index + 1] + over
    return rest


def words_of(limbs: Sequence[Lanes]) -> list[Lanes]:
    """Return the number in words of 64 bits, lowest first."""
    words = []
    for word in range(-(-LIMB_BITS * len(limbs) // 64)):
        index, bit = divmod(64 * word, LIMB_BITS)
        lanes = limbs[index] >> bit
        filled = LIMB_BITS - bit
        while filled < 64 and index + 1 < len(limbs):
            index += 1
            lanes = lanes | (limbs[index] & (1 << min(LIMB_BITS, 64 - filled)) - 1) << filled
            filled += LIMB_BITS
        words.append(lanes)
    return words


def limbs_of_words(words: Sequence[Lanes]) -> list[Lanes]:
    """Return the limbs of four words of 64 bits, lowest first."""
    limbs = [words[0] & LIMB_MAX]
    for index in range(1, LIMBS - 1):
        kept = words[index].followed_by(words[index - 1], (64 - LIMB_BITS) * index)
        limbs.append(kept & LIMB_MAX)
    return [*limbs, words[-1] >> 64 - _TOP_LIMB_BITS]


def differing_bits(a: Sequence[Lanes], b: Sequence[Lanes]) -> Lanes:
    """Return zero where all limbs are equal."""
    differing = a[0] ^ b[0]
    for one, other in zip(a[1:], b[1:], strict=True):
        differing = differing | (one ^ other)
    return differing


def _reduced(columns: list[Lanes], high: int, scale: int, plus: Element | None) -> Element:
    """Reduce a product of ten columns, at most `high`, below 2^256 and a little."""
    function = columns[0].function
    check_invariant(high < 2**520, "a product over 520 bits")
    fold = function.constant(_FOLD_260)
    for k in range(LIMBS, 2 * LIMBS - 1):
        columns[k + 1] = columns[k + 1] + (columns[k] >> LIMB_BITS)
    # No column is negative, so what the last one holds is no more than the product has there.
    columns[-1] = columns[-1].known(0, high >> LIMB_BITS * (2 * LIMBS - 1))
    upper = [column.limb() for column in columns[LIMBS:-1]] + [columns[-1]]
    limbs = columns[:LIMBS]
    for k in range(LIMBS):
        limbs[k] = limbs[k].plus_product(upper[k], fold)
    for k in range(1, LIMBS):
        limbs[k] = limbs[k].plus_product(upper[k - 1], fold, upper=True)
    over = function.constant(0).plus_product(upper[-1], fold, upper=True)
    if scale != 1:
        limbs = [_scaled(limb, scale) for limb in limbs]
        over = _scaled(over, scale)
    if plus is not None:
        added = plus._without_borrows().limbs
        limbs = [a + b for a, b in zip(limbs, added, strict=True)]
    return _folded(limbs, over)


def _scaled(lanes: Lanes, scale: int) -> Lanes:
    if scale == 3:
        return (lanes << 1) + lanes
    check_invariant(scale.bit_count() == 1, "a scale is 3 or a power of two")
    return lanes << scale.bit_length() - 1


def _folded(limbs: Sequence[Lanes], over: Lanes) -> Element:
    """Fold what is above 2^256 (`over` counts in 2^260) below it, and carry once."""
    fold = over.function.constant(_FOLD_256)
    folded = list(limbs)
    quotient = folded[-1] >> _TOP_LIMB_BITS
    if over.high:
        quotient = quotient + (over << 4)
    folded[-1] = folded[-1] & (1 << _TOP_LIMB_BITS) - 1
    folded[0] = folded[0].plus_product(quotient, fold)
    folded[1] = folded[1].plus_product(quotient, fold, upper=True)
    high = value_of([limb.high for limb in folded])
    return Element.of_limbs(carry(folded), high)
