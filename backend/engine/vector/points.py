"""Points of secp256k1, y² = x³ + 7, eight at once, and how they come from and go to memory.

A point is Jacobian: (X/Z², Y/Z³); Z = 0 stands for none. Formulas that meet an exception (the sum
of a point with itself or with its opposite) give Z = 0, too, and whatever is made of that has
Z = 0 again. So a Z that isn't zero proves that no addition before it was exceptional.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backend.engine.vector.field import ELEMENT_BYTES, Element, limbs_of_words, words_of
from backend.engine.vector.ir import LANES_BYTES, WORD_MAX, Function, Lanes, Mask
from backend.engine.vector.lanes import LANES

GENERATOR: Final = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
AFFINE_BYTES: Final = 64
"""A point in a table, lane by lane: x and y, four words each, lowest first."""
ADDRESS_MAX: Final = 2**56
# X, Y, Z, and which lanes hold no point yet.
Z_OFFSET: Final = 2 * ELEMENT_BYTES
EMPTY_OFFSET: Final = 3 * ELEMENT_BYTES
POINT_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Affine:
    """A point's x and y."""

    x: Element
    y: Element


@dataclass(frozen=True, slots=True)
class Point:
    """A Jacobian point."""

    x: Element
    y: Element
    z: Element

    @staticmethod
    def load(function: Function, pointer: str) -> Point:
        offsets = (0, ELEMENT_BYTES, Z_OFFSET)
        return Point(*(Element.load(function, pointer, offset) for offset in offsets))

    def store(self, pointer: str) -> None:
        self.x.store(pointer)
        self.y.store(pointer, ELEMENT_BYTES)
        self.z.store(pointer, Z_OFFSET)

    def doubled(self) -> Point:
        """Return twice the point: no point of this curve is its own opposite."""
        slope = self.x.squared(scale=3)
        y2 = self.y.squared()
        y4 = y2.squared()
        offset = self.x.times(y2, scale=4)
        z = self.y.times(self.z, scale=2)
        x = slope.squared(plus=-offset.shifted(1))
        y = slope.times(offset - x, plus=-y4.shifted(3))
        return Point(x, y, z)

    def plus(self, other: Affine, is_negative: Mask | None = None) -> Sum:
        """Return the sum with `other`, or with its opposite where `is_negative`."""
        z2 = self.z.squared()
        z3 = self.z.times(z2)
        across = other.x.times(z2, plus=-self.x)
        other_y = other.y.times(z3)
        if is_negative is not None:
            other_y = (-other_y).chosen_by(is_negative, other_y)
        rise = (other_y - self.y).reduced()
        across2 = across.squared()
        z = self.z.times(across)
        across3 = across.times(across2)
        offset = self.x.times(across2)
        x = rise.squared(plus=-across3 - offset.shifted(1))
        fallen = self.y.times(across3)
        y = rise.times(offset - x, plus=-fallen)
        return Sum(Point(x, y, z), across, rise)


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum. If the first point was (0, 0, 1), `across` and `rise` are the second one's x and y."""

    point: Point
    across: Element
    rise: Element


def transposed(rows: Sequence[Lanes]) -> list[Lanes]:
    """Return the columns of eight rows of eight words."""
    columns = list(rows)
    for stride in (1, 2, 4):
        for index in (index for index in range(LANES) if not index & stride):
            upper, lower = columns[index], columns[index + stride]
            lanes = range(LANES)
            first = [lane + LANES - stride if lane & stride else lane for lane in lanes]
            second = [lane + LANES if lane & stride else lane + stride for lane in lanes]
            columns[index] = upper.shuffled(lower, first)
            columns[index + stride] = upper.shuffled(lower, second)
    return columns


def rows_at(function: Function, pointer: str, stride_bytes: int) -> list[Lanes]:
    """Load 64 bytes for each lane from places at equal distances."""
    return [
        function.load(function.at(pointer, stride_bytes * lane), high=WORD_MAX, align=1)
        for lane in range(LANES)
    ]


def big_endian(columns: Sequence[Lanes]) -> list[Lanes]:
    """Return the limbs of a number whose four words came in big-endian bytes."""
    return limbs_of_words([column.with_bytes_reversed() for column in reversed(columns)])


def gather(function: Function, addresses: Lanes) -> Affine:
    """Load a point of a table for each lane, from its own address."""
    room = function.reserve(LANES_BYTES)
    function.store(addresses, room)
    rows = []
    for lane in range(LANES):
        pointer = function.value(f"load ptr, ptr {function.at(room, 8 * lane)}")
        rows.append(function.load(pointer, high=WORD_MAX))
    columns = transposed(rows)
    x, y = limbs_of_words(columns[:4]), limbs_of_words(columns[4:])
    return Affine(Element.of_limbs(x, 2**256 - 1), Element.of_limbs(y, 2**256 - 1))


def scatter(point: Affine, pointer: str, stride: str) -> None:
    """Store a point of a table for each lane, at equal distances of `stride` bytes."""
    function = point.x.function
    x, y = (words_of(number.canonical().limbs)[:4] for number in (point.x, point.y))
    for lane, row in enumerate(transposed([*x, *y])):
        function.store(row, function.at(pointer, function.product(stride, lane)))
