"""Tables of multiples 1·P … count·P, for eight keys at once.

The multiples are made one after another as Jacobian points; one inversion for all of a call makes
them affine. A lane's points must be keys of the curve, or that lane's other tables are wrong, too.
"""

from typing import Final

from backend.engine.vector.field import ELEMENT_BYTES, Element
from backend.engine.vector.inverses import FIELD
from backend.engine.vector.ir import Function
from backend.engine.vector.lanes import LANES
from backend.engine.vector.points import (
    AFFINE_BYTES,
    POINT_BYTES,
    Z_OFFSET,
    Affine,
    Point,
    big_endian,
    rows_at,
    scatter,
    transposed,
)

# For each multiple, eight Jacobian points and the product of all Z before it.
ROOM_BYTES: Final = POINT_BYTES + ELEMENT_BYTES
_KEY_BYTES: Final = 64


def text() -> str:
    """Return `tables`(keys, tables, room, groups, count): keys are uint8[8·groups, 64], big-endian;
    each gets a table of count·64 bytes. `room` is ROOM_BYTES·count·groups."""
    return (
        _double_one_text() + _add_one_text() + _multiples_text() + _affine_text() + _tables_text()
    )


def _double_one_text() -> str:
    function = Function("double_one", "ptr %to, ptr %point")
    Point.load(function, "%point").doubled().store("%to")
    return function.text()


def _add_one_text() -> str:
    function = Function("add_one", "ptr %to, ptr %point, ptr %other")
    first = Point.load(function, "%other")
    total = Point.load(function, "%point").plus(Affine(first.x, first.y))
    total.point.store("%to")
    return function.text()


def _multiples_text() -> str:
    """`multiples`(keys, points, prefixes, product, count): for eight keys; multiplies `product` by
    each Z, and keeps what it was before."""
    arguments = "ptr %keys, ptr %points, ptr %prefixes, ptr %product, i64 %count"
    function = Function("multiples", arguments)
    columns = transposed(rows_at(function, "%keys", _KEY_BYTES))
    x, y = (Element.of_limbs(big_endian(part), 2**256 - 1) for part in (columns[:4], columns[4:]))
    Point(x, y, Element.constant(function, 1)).store("%points")
    second = function.at("%points", POINT_BYTES)
    function.call("double_one", f"ptr {second}", "ptr %points")

    def add_first(index: str) -> None:
        before = function.at(function.element("%points", index, POINT_BYTES), POINT_BYTES)
        following = function.at(before, POINT_BYTES)
        function.call("add_one", f"ptr {following}", f"ptr {before}", "ptr %points")

    def multiply(index: str) -> None:
        place = function.element("%points", index, POINT_BYTES)
        product = Element.load(function, "%product")
        product.store(function.element("%prefixes", index, ELEMENT_BYTES))
        product.times(Element.load(function, place, Z_OFFSET)).store("%product")

    function.loop(function.value("sub i64 %count, 2"), add_first)
    function.loop("%count", multiply)
    return function.text()


def _affine_text() -> str:
    """`affine`(tables, points, prefixes, inverse, count): `inverse` is of all Z up to here."""
    arguments = "ptr %tables, ptr %points, ptr %prefixes, ptr %inverse, i64 %count"
    function = Function("affine", arguments)
    table_bytes = function.product("%count", AFFINE_BYTES)

    def divide(index: str) -> None:
        point = Point.load(function, function.element("%points", index, POINT_BYTES))
        prefix = Element.load(function, function.element("%prefixes", index, ELEMENT_BYTES))
        inverse = Element.load(function, "%inverse")
        divided = affine(point, inverse.times(prefix))
        inverse.times(point.z).store("%inverse")
        scatter(divided, function.element("%tables", index, AFFINE_BYTES), table_bytes)

    function.loop("%count", divide, downwards=True)
    return function.text()


def affine(point: Point, inverse_z: Element) -> Affine:
    """Return a Jacobian point's x and y."""
    squared = inverse_z.squared()
    return Affine(point.x.times(squared), point.y.times(squared.times(inverse_z)))


def _tables_text() -> str:
    arguments = "ptr %keys, ptr %tables, ptr %room, i64 %groups, i64 %count"
    function = Function("tables", arguments, is_exported=True)
    product = function.reserve(ELEMENT_BYTES)
    Element.constant(function, 1).store(product)
    all_points = function.product("%groups", function.product("%count", POINT_BYTES))
    prefixes = function.at("%room", all_points)

    def parts(index: str) -> tuple[str, str]:
        first = function.product(index, "%count")
        points = function.element("%room", first, POINT_BYTES)
        return points, function.element(prefixes, first, ELEMENT_BYTES)

    def make(index: str) -> None:
        points, before = parts(index)
        keys = function.element("%keys", index, LANES * _KEY_BYTES)
        places = (f"ptr {place}" for place in (keys, points, before, product))
        function.call("multiples", *places, "i64 %count")

    def finish(index: str) -> None:
        points, before = parts(index)
        first = function.product(index, "%count")
        tables = function.element("%tables", first, LANES * AFFINE_BYTES)
        places = (f"ptr {place}" for place in (tables, points, before, product))
        function.call("affine", *places, "i64 %count")

    function.loop("%groups", make)
    function.call(FIELD.inverse, f"ptr {product}", f"ptr {product}")
    function.loop("%groups", finish, downwards=True)
    return function.text()
