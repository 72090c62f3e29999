"""The verifier's machine code: sixteen signatures at a time, a verdict for each.

Read, one inversion of all s, u1 = z/s and u2 = r/s, ladder, one inversion of all Z, judge. Lanes
never mix: what isn't a signature is calculated with s = 1 and judged NO. YES is said exactly if
ecrecover gives the key. UNSURE is said if the result has Z = 0 (no point, or an exceptional
addition, see points.py), or if it contradicts itself: s·u1 ≠ z, s·u2 ≠ r, or y² ≠ x³ + 7.
"""

from typing import Final

from backend.engine.vector import inverses, ladder, tables
from backend.engine.vector.field import ELEMENT_BYTES, Element, differing_bits
from backend.engine.vector.ir import DECLARATIONS, LANES_BYTES, Function
from backend.engine.vector.lanes import LANES
from backend.engine.vector.points import (
    EMPTY_OFFSET,
    POINT_BYTES,
    Z_OFFSET,
    Point,
    big_endian,
    rows_at,
    transposed,
)
from backend.engine.vector.scalars import (
    DIGITS_BYTES,
    MONTGOMERY,
    MONTGOMERY_SQUARED,
    ORDER,
    Scalar,
    store_digits,
)

NO: Final = 0
YES: Final = 1
UNSURE: Final = 2

BATCH: Final = LANES * ladder.GROUPS
_SIGNATURE_BYTES: Final = 65
_DIGEST_BYTES: Final = 32
_V_EVEN: Final = 27  # of a nonce's point with even y; the other one is 28

# What is kept of eight signatures, between reading and judging.
_R: Final = 0
_Z: Final = ELEMENT_BYTES
_S: Final = 2 * ELEMENT_BYTES
_BEFORE: Final = 3 * ELEMENT_BYTES  # the product of all s before
_IS_SIGNATURE: Final = 4 * ELEMENT_BYTES
_V: Final = _IS_SIGNATURE + LANES_BYTES
_CONTRADICTION: Final = _V + LANES_BYTES
_KEPT_BYTES: Final = _CONTRADICTION + LANES_BYTES
ROOM_BYTES: Final = _KEPT_BYTES + POINT_BYTES + ELEMENT_BYTES
"""Working memory of `verify`, for each group of eight."""


def text() -> str:
    """Return `tables` and `verify`(signatures, digests, tables, base, room, verdicts, groups):
    rows of 65 and of 32 bytes, addresses of the keys' tables, G's tables; int64 verdicts."""
    parts = (
        DECLARATIONS,
        inverses.FIELD.text(),
        inverses.SCALARS.text(),
        ladder.text(),
        tables.text(),
        _read_text(),
        _prepare_text(),
        _multiply_z_text(),
        _judge_text(),
        _verify_text(),
    )
    return "\n".join(parts)


def _read_text() -> str:
    """`read`(signatures, digests, kept, product): range checks; multiplies `product` by each s."""
    function = Function("read", "ptr %signatures, ptr %digests, ptr %kept, ptr %product")
    columns = transposed(rows_at(function, "%signatures", _SIGNATURE_BYTES))
    r, s = (Scalar.of_limbs(big_endian(part), 2**256 - 1) for part in (columns[:4], columns[4:]))
    digests = [
        function.load_four(function.at("%digests", _DIGEST_BYTES * lane)) for lane in range(LANES)
    ]
    z = Scalar.of_limbs(big_endian(transposed(digests)[:4]), 2**256 - 1)
    v_room = function.reserve(LANES_BYTES)
    for lane in range(LANES):
        place = function.at("%signatures", _SIGNATURE_BYTES * lane + _SIGNATURE_BYTES - 1)
        byte = function.value(f"load i8, ptr {place}")
        wide = function.value(f"zext i8 {byte} to i64")
        function.do(f"store i64 {wide}, ptr {function.at(v_room, 8 * lane)}")
    v = function.load(v_room, high=255)

    is_signature = r.is_nonzero() & r.is_below(ORDER)
    is_signature = is_signature & s.is_nonzero() & s.is_below(ORDER // 2 + 1)
    is_signature = is_signature & (v.equals(_V_EVEN) | v.equals(_V_EVEN + 1))

    s = s.chosen_by(is_signature, Scalar.constant(function, 1))
    s = s.times(Scalar.constant(function, MONTGOMERY_SQUARED))
    r.store("%kept", _R)
    z.store("%kept", _Z)
    s.store("%kept", _S)
    function.store(is_signature.choose(-1, 0), "%kept", _IS_SIGNATURE)
    function.store(v, "%kept", _V)
    product = Scalar.load(function, "%product")
    product.store("%kept", _BEFORE)
    product.times(s).store("%product")
    return function.text()


def _prepare_text() -> str:
    """`prepare`(kept, inverse, digits): `inverse` is of the product of all s up to here."""
    function = Function("prepare", "ptr %kept, ptr %inverse, ptr %digits")
    s = Scalar.load(function, "%kept", _S)
    r = Scalar.load(function, "%kept", _R, high=2**256 - 1)
    z = Scalar.load(function, "%kept", _Z, high=2**256 - 1)
    inverse = Scalar.load(function, "%inverse")
    inverse_s = inverse.times(Scalar.load(function, "%kept", _BEFORE))
    inverse.times(s).store("%inverse")
    u1, u2 = (number.times(inverse_s).canonical() for number in (z, r))
    differing = differing_bits(u1.times(s).canonical().limbs, z.canonical().limbs)
    differing = differing | differing_bits(u2.times(s).canonical().limbs, r.limbs)
    function.store(differing, "%kept", _CONTRADICTION)
    store_digits(u1, u2, "%digits")
    return function.text()


def _multiply_z_text() -> str:
    """`multiply_z`(point, prefix, product): multiplies `product` by each Z that isn't zero; marks
    lanes where it is, and makes it 1 there."""
    function = Function("multiply_z", "ptr %point, ptr %prefix, ptr %product")
    z = Element.load(function, "%point", Z_OFFSET).canonical()
    zero = Element.constant(function, 0)
    is_nothing = differing_bits(z.limbs, zero.limbs).is_zero()
    function.store(is_nothing.choose(-1, 0), "%point", EMPTY_OFFSET)
    z = Element.constant(function, 1).chosen_by(is_nothing, z)
    z.store("%point", Z_OFFSET)
    product = Element.load(function, "%product")
    product.store("%prefix")
    product.times(z).store("%product")
    return function.text()


def _judge_text() -> str:
    """`judge`(point, prefix, inverse, kept, verdicts): `inverse` is of all Z up to here."""
    arguments = "ptr %point, ptr %prefix, ptr %inverse, ptr %kept, ptr %verdicts"
    function = Function("judge", arguments)
    point = Point.load(function, "%point")
    inverse = Element.load(function, "%inverse")
    found = tables.affine(point, inverse.times(Element.load(function, "%prefix")))
    inverse.times(point.z).store("%inverse")
    x, y = found.x.canonical(), found.y.canonical()

    # v is 27 or 28, so r is the point's x itself, not x − n.
    r = Scalar.load(function, "%kept", _R, high=2**256 - 1)
    v = function.load("%kept", _V, high=255)
    parity = (y.limbs[0] & 1) ^ (v & 1) ^ (_V_EVEN & 1)
    is_same = (differing_bits(x.limbs, r.limbs) | parity).is_zero()

    cube_and_seven = (x.squared().times(x) + Element.constant(function, 7)).reduced().canonical()
    wrong = differing_bits(y.squared().canonical().limbs, cube_and_seven.limbs)
    wrong = wrong | function.load("%kept", _CONTRADICTION, high=2**52 - 1)
    is_nothing = function.load("%point", EMPTY_OFFSET, low=-1, high=0).is_nonzero()
    is_signature = function.load("%kept", _IS_SIGNATURE, low=-1, high=0).is_nonzero()
    is_unsure = wrong.is_nonzero() | is_nothing
    verdict = is_unsure.choose(UNSURE, is_same.choose(YES, NO))
    function.store(is_signature.choose(verdict, NO), "%verdicts")
    return function.text()


def _verify_text() -> str:
    arguments = (
        "ptr %signatures, ptr %digests, ptr %tables, ptr %base, ptr %room, ptr %verdicts, "
        "i64 %groups"
    )
    function = Function("verify", arguments, is_exported=True)
    product = function.reserve(ELEMENT_BYTES)
    # `prefetch` reads one digit on.
    digits = function.reserve(DIGITS_BYTES * ladder.GROUPS + LANES_BYTES)
    points = function.element("%room", "%groups", _KEPT_BYTES)
    prefixes = function.element(points, "%groups", POINT_BYTES)

    def place(pointer: str, group: str, size_bytes: int) -> str:
        return f"ptr {function.element(pointer, group, size_bytes)}"

    def read(group: str) -> None:
        signatures = place("%signatures", group, LANES * _SIGNATURE_BYTES)
        digests = place("%digests", group, LANES * _DIGEST_BYTES)
        kept = place("%room", group, _KEPT_BYTES)
        function.call("read", signatures, digests, kept, f"ptr {product}")

    def climb(batch: str) -> None:
        first = function.product(batch, ladder.GROUPS)
        for number in reversed(range(ladder.GROUPS)):
            kept = place("%room", function.value(f"add i64 {first}, {number}"), _KEPT_BYTES)
            to = function.at(digits, DIGITS_BYTES * number)
            function.call("prepare", kept, f"ptr {product}", f"ptr {to}")
        point = place(points, first, POINT_BYTES)
        addresses = place("%tables", first, LANES_BYTES)
        function.call("ladder", point, f"ptr {digits}", addresses, "ptr %base")

    def multiply_z(group: str) -> None:
        prefix = place(prefixes, group, ELEMENT_BYTES)
        function.call("multiply_z", place(points, group, POINT_BYTES), prefix, f"ptr {product}")

    def judge(group: str) -> None:
        point, prefix = place(points, group, POINT_BYTES), place(prefixes, group, ELEMENT_BYTES)
        kept, verdicts = place("%room", group, _KEPT_BYTES), place("%verdicts", group, LANES_BYTES)
        function.call("judge", point, prefix, f"ptr {product}", kept, verdicts)

    Scalar.constant(function, MONTGOMERY).store(product)
    function.loop("%groups", read)
    function.call(inverses.SCALARS.inverse, f"ptr {product}", f"ptr {product}")
    batches = function.value(f"udiv i64 %groups, {ladder.GROUPS}")
    function.loop(batches, climb, downwards=True)
    Element.constant(function, 1).store(product)
    function.loop("%groups", multiply_z)
    function.call(inverses.FIELD.inverse, f"ptr {product}", f"ptr {product}")
    function.loop("%groups", judge, downwards=True)
    return function.text()
