"""Points in eight lanes, held equal to plain formulas over whole numbers.

- doubling, sums and differences; of what has Z = 0 → Z = 0
- a point with itself, with its opposite → Z = 0; the sum with an empty point is the other one
- the same by λ: β turns x, nothing else
- rows and columns; bytes, words and limbs
"""

import random

import numpy as np
import pytest

from backend.engine.vector import lanes
from backend.engine.vector.field import ELEMENT_BYTES, LIMBS, PRIME, Element, words_of
from backend.engine.vector.ir import DECLARATIONS, WORD_MAX, Function
from backend.engine.vector.lanes import LANES
from backend.engine.vector.points import (
    GENERATOR,
    POINT_BYTES,
    Affine,
    Point,
    big_endian,
    rows_at,
    transposed,
)
from backend.engine.vector.scalars import BETA, LAMBDA
from tests.unit.engine.vector.programs import needs_ifma, packed, unpacked

Pair = tuple[int, int] | None


def add(a: Pair, b: Pair) -> Pair:
    """The textbook's addition."""
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % PRIME == 0:
            return None
        slope = 3 * a[0] ** 2 * pow(2 * a[1], -1, PRIME)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, PRIME)
    x = (slope**2 - a[0] - b[0]) % PRIME
    return x, (slope * (a[0] - x) - a[1]) % PRIME


def multiply(scalar: int, point: Pair) -> Pair:
    result: Pair = None
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def negative(point: Pair) -> Pair:
    return point and (point[0], -point[1] % PRIME)


_POINTS = [multiply(scalar, GENERATOR) for scalar in (1, 2, 3, 5, LAMBDA, 2**200 + 9, 12345, 7)]


def _run(kind: str, points: list[Pair], others: list[Pair], zs: list[int]) -> list[Pair]:
    """Return `kind` of eight points, scaled by Z at random, and eight others. None: Z is zero."""
    function = Function("run", "ptr %points, ptr %others", is_exported=True)
    point = Point.load(function, "%points")
    if kind == "double":
        result = point.doubled()
    else:
        other = Affine(*(Element.load(function, "%others", part) for part in (0, ELEMENT_BYTES)))
        is_negative = function.constant(0).equals(0) if kind == "subtract" else None
        result = point.plus(other, is_negative).point
    result.store("%points")
    text = DECLARATIONS + function.text()
    run = lanes.compile_module("test-points", text, in_order=True).function("run", 2)
    memory = lanes.aligned((POINT_BYTES // 64, LANES), np.uint64)
    jacobian = [
        [x * z**2 % PRIME, y * z**3 % PRIME, z]
        for (x, y), z in zip([point or (5, 7) for point in points], zs, strict=True)
    ]
    for part in range(3):
        rows = slice(LIMBS * part, LIMBS * (part + 1))
        memory[rows] = packed([coordinates[part] for coordinates in jacobian])[0]
    affine = packed([point[0] for point in others] + [point[1] for point in others])
    run(memory.ctypes.data, affine.ctypes.data)
    x, y, z = (unpacked(memory[None, LIMBS * p : LIMBS * (p + 1)]) for p in range(3))
    return [_affine(*coordinates) for coordinates in zip(x, y, z, strict=True)]


def _affine(x: int, y: int, z: int) -> Pair:
    if z % PRIME == 0:
        return None
    return x * pow(z, -2, PRIME) % PRIME, y * pow(z, -3, PRIME) % PRIME


def _zs() -> list[int]:
    rolls = random.Random(5)
    return [1, 2, PRIME - 1, *(rolls.randrange(1, PRIME) for _ in range(5))]


@needs_ifma
@pytest.mark.parametrize("zs", [[1] * 8, _zs()])
def test_double__each_point__as_the_textbook_does_holds(zs):
    assert _run("double", _POINTS, _POINTS, zs) == [add(point, point) for point in _POINTS]


@needs_ifma
@pytest.mark.parametrize("zs", [[1] * 8, _zs()])
def test_plus__other_points__as_the_textbook_does_holds(zs):
    others = _POINTS[3:] + _POINTS[:3]

    assert _run("add", _POINTS, others, zs) == list(map(add, _POINTS, others))
    assert _run("subtract", _POINTS, others, zs) == list(map(add, _POINTS, map(negative, others)))


@needs_ifma
@pytest.mark.parametrize("kind", ["add", "subtract"])
@pytest.mark.parametrize("turned", [False, True])
def test_plus__point_itself_or_its_opposite__has_no_z_holds(kind, turned):
    others = list(map(negative, _POINTS)) if turned else _POINTS

    assert _run(kind, _POINTS, others, _zs()) == [None] * 8


@needs_ifma
@pytest.mark.parametrize("kind", ["double", "add", "subtract"])
def test_any__point_without_z__stays_without_holds(kind):
    assert _run(kind, _POINTS, _POINTS[::-1], [0] * 8) == [None] * 8


def test_beta__each_point__multiplies_it_by_lambda_holds():
    for point in _POINTS:
        assert multiply(LAMBDA, point) == (point[0] * BETA % PRIME, point[1])


@needs_ifma
def test_rows__each_word__becomes_columns_holds():
    function = Function("run", "ptr %to, ptr %from", is_exported=True)
    for index, column in enumerate(transposed(rows_at(function, "%from", 65))):
        function.store(column, "%to", 64 * index)
    text = DECLARATIONS + function.text()
    run = lanes.compile_module("test-rows", text).function("run", 2)
    given = np.frombuffer(random.Random(1).randbytes(65 * 8), np.uint8).reshape(8, 65).copy()
    columns = lanes.aligned((8, 8), np.uint64)

    run(columns.ctypes.data, given.ctypes.data)

    words = np.ascontiguousarray(given[:, :64]).view(np.uint64)
    assert (columns == words.T).all()


@needs_ifma
@pytest.mark.parametrize("number", [0, 1, PRIME, 2**256 - 1, int.from_bytes(range(32))])
def test_big_endian__a_number__becomes_limbs_and_words_again_holds(number):
    function = Function("run", "ptr %limbs, ptr %words, ptr %from", is_exported=True)
    columns = transposed(rows_at(function, "%from", 64))[:4]
    element = Element.of_limbs(big_endian(columns), 2**256 - 1)
    for index, limb in enumerate(element.limbs):
        function.store(limb, "%limbs", 64 * index)
    for index, word in enumerate(words_of(element.limbs)[:4]):
        function.store(word, "%words", 64 * index)
    text = DECLARATIONS + function.text()
    run = lanes.compile_module("test-bytes", text).function("run", 3)
    limbs, words = packed([0] * 8), lanes.aligned((4, 8), np.uint64)
    given = np.frombuffer((number.to_bytes(32) + bytes(32)) * 8, np.uint8)

    run(limbs.ctypes.data, words.ctypes.data, given.ctypes.data)

    assert unpacked(limbs) == [number] * 8
    assert words[:, 0].tolist() == [number >> 64 * index & WORD_MAX for index in range(4)]
