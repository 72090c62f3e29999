"""u1·G + u2·P for sixteen signatures, in two interleaved groups of eight lanes.

u2 comes as two halves of 26 digits (u2·P = k1·P + k2·λP), so 130 doublings do for both; u1 as 26
digits, for which a table of G's multiples is ready at each place, so they need none.
"""

from dataclasses import dataclass
from typing import Final

from backend.engine.vector.field import ELEMENT_BYTES, Element
from backend.engine.vector.ir import LANES_BYTES, Function, Lanes, Mask
from backend.engine.vector.lanes import LANES
from backend.engine.vector.points import (
    ADDRESS_MAX,
    AFFINE_BYTES,
    EMPTY_OFFSET,
    POINT_BYTES,
    Affine,
    Point,
    gather,
)
from backend.engine.vector.scalars import (
    BASE_DIGIT_BITS,
    BASE_DIGITS,
    BETA,
    DIGITS_BYTES,
    KEY_DIGIT_BITS,
    KEY_DIGITS,
)

GROUPS: Final = 2
KEY_ENTRIES: Final = 1 << KEY_DIGIT_BITS - 1
KEY_TABLE_BYTES: Final = KEY_ENTRIES * AFFINE_BYTES
BASE_ENTRIES: Final = 1 << BASE_DIGIT_BITS - 1
BASE_TABLE_BYTES: Final = BASE_ENTRIES * AFFINE_BYTES


def text() -> str:
    """Return `ladder`(points, digits, tables, base): `tables` holds 16 addresses, each of a key's
    multiples from 1 to 16; `base` is where G's 26 tables begin; the digits are scalars.py's."""
    return _double_text() + _add_text() + _prefetch_text() + _ladder_text()


@dataclass(frozen=True, slots=True)
class _Begun:
    """An addition whose second x isn't known yet."""

    before: Point
    z: Element
    other_y: Element
    is_negative: Mask
    is_zero: Mask
    is_empty: Mask

    def finished(self, other_x: Element) -> Point:
        before = self.before
        first, other = Point(before.x, before.y, self.z), Affine(other_x, self.other_y)
        total = first.plus(other, self.is_negative)
        x = total.across.chosen_by(self.is_empty, total.point.x)
        y = total.rise.chosen_by(self.is_empty, total.point.y)
        z = self.z.chosen_by(self.is_empty, total.point.z)
        return Point(
            before.x.chosen_by(self.is_zero, x),
            before.y.chosen_by(self.is_zero, y),
            before.z.chosen_by(self.is_zero, z),
        )


def _double_text() -> str:
    """`double`(points, count): each point becomes its 2^count-fold."""
    function = Function("double", "ptr %points, i64 %count")

    def once(_: str) -> None:
        function.interleave(GROUPS, group)

    def group(number: int) -> None:
        place = function.at("%points", POINT_BYTES * number)
        Point.load(function, place).doubled().store(place)

    function.loop("%count", once)
    return function.text()


def _add_text() -> str:
    """`add`(points, digits, tables, is_lambda): adds to each point its digit's multiple of its
    table's point, or of λ times that."""
    function = Function("add", "ptr %points, ptr %digits, ptr %tables, i64 %is_lambda")
    x_room = function.reserve(ELEMENT_BYTES * GROUPS)

    def begin(number: int) -> _Begun:
        digit = _digit(function, number)
        place = function.at("%points", POINT_BYTES * number)
        empty = function.load(place, EMPTY_OFFSET, low=-1, high=0)
        is_negative, is_zero, is_empty = digit.is_negative(), digit.is_zero(), empty.is_nonzero()
        function.store(is_zero.choose(empty, 0), place, EMPTY_OFFSET)
        other = gather(function, _entry_addresses(function, digit, number))
        other.x.store(x_room, ELEMENT_BYTES * number)
        before = Point.load(function, place)
        # An empty lane holds zeros: with Z = 1 it comes out as the table's point.
        z = Element.constant(function, 1).chosen_by(is_empty, before.z)
        return _Begun(before, z, other.y, is_negative, is_zero, is_empty)

    def turn(number: int) -> None:
        x = Element.load(function, x_room, ELEMENT_BYTES * number)
        x.times(Element.constant(function, BETA)).store(x_room, ELEMENT_BYTES * number)

    def finish(number: int) -> None:
        x = Element.load(function, x_room, ELEMENT_BYTES * number)
        begun[number].finished(x).store(function.at("%points", POINT_BYTES * number))

    begun = function.interleave(GROUPS, begin)
    function.when("%is_lambda", lambda: function.interleave(GROUPS, turn))
    function.interleave(GROUPS, finish)
    return function.text()


def _digit(function: Function, group: int) -> Lanes:
    half = max(KEY_ENTRIES, BASE_ENTRIES)
    return function.load("%digits", DIGITS_BYTES * group, low=-half, high=half - 1)


def _entry_addresses(function: Function, digit: Lanes, group: int) -> Lanes:
    """Return where the multiples lie; for a zero digit the first one's place, which is as good."""
    entry = digit.magnitude().at_least(1) - 1
    tables = function.load("%tables", LANES_BYTES * group, high=ADDRESS_MAX)
    return tables + (entry << AFFINE_BYTES.bit_length() - 1)


def _prefetch_text() -> str:
    """`prefetch`(digits, tables): asks the memory for what `add` will read."""
    function = Function("prefetch", "ptr %digits, ptr %tables")
    room = function.reserve(LANES_BYTES * GROUPS)
    for number in range(GROUPS):
        addresses = _entry_addresses(function, _digit(function, number), number)
        function.store(addresses, room, LANES_BYTES * number)
    for lane in range(LANES * GROUPS):
        place = function.value(f"load ptr, ptr {function.at(room, 8 * lane)}")
        function.call("llvm.prefetch.p0", f"ptr {place}", "i32 0", "i32 3", "i32 1")
    return function.text()


def _ladder_text() -> str:
    function = Function("ladder", "ptr %points, ptr %digits, ptr %tables, ptr %base")
    base_tables = function.reserve(LANES_BYTES * GROUPS)
    for number in range(GROUPS):
        place = function.at("%points", POINT_BYTES * number)
        for offset in range(0, EMPTY_OFFSET, LANES_BYTES):
            function.store(function.constant(0), place, offset)
        function.store(function.constant(-1), place, EMPTY_OFFSET)

    def key_place(index: str) -> None:
        first = function.element("%digits", index, LANES_BYTES)
        halves = [function.at(first, LANES_BYTES * KEY_DIGITS * half) for half in (0, 1)]
        for digits in halves:
            function.call("prefetch", f"ptr {digits}", "ptr %tables")
        function.call("double", "ptr %points", f"i64 {KEY_DIGIT_BITS}")
        for half, digits in enumerate(halves):
            function.call("add", "ptr %points", f"ptr {digits}", "ptr %tables", f"i64 {half}")

    def point_to_base_tables(index: str) -> None:
        table = function.element("%base", index, BASE_TABLE_BYTES)
        address = function.value(f"ptrtoint ptr {table} to i64")
        for number in range(GROUPS):
            function.store(function.everywhere(address), base_tables, LANES_BYTES * number)

    def base_place(index: str) -> None:
        digits = function.element(base_digits, index, LANES_BYTES)
        # After the last digit this reads whatever follows it: a prefetch may miss.
        following = function.value(f"add i64 {index}, 1")
        point_to_base_tables(following)
        ahead = function.at(digits, LANES_BYTES)
        function.call("prefetch", f"ptr {ahead}", f"ptr {base_tables}")
        point_to_base_tables(index)
        function.call("add", "ptr %points", f"ptr {digits}", f"ptr {base_tables}", "i64 0")

    function.loop(KEY_DIGITS, key_place, downwards=True)
    base_digits = function.at("%digits", 2 * KEY_DIGITS * LANES_BYTES)
    function.loop(BASE_DIGITS, base_place)
    return function.text()
