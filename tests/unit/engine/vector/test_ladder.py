"""u1·G + u2·P for sixteen keys at once, held equal to the textbook's formulas.

- edge and random scalars, both groups of lanes
- nothing to add, a sum that is no point, a point that meets itself → Z = 0
"""

import random
from functools import cache

import numpy as np
import pytest

from backend.engine.vector import ladder, lanes
from backend.engine.vector.field import ELEMENT_BYTES, LIMBS, PRIME
from backend.engine.vector.ir import DECLARATIONS, Function
from backend.engine.vector.kernel import BATCH
from backend.engine.vector.lanes import LANES
from backend.engine.vector.points import GENERATOR, POINT_BYTES
from backend.engine.vector.scalars import DIGITS_BYTES, LAMBDA, ORDER, Scalar, store_digits
from backend.engine.vector.simd import Simd
from tests.unit.engine.vector.programs import needs_ifma, packed, unpacked
from tests.unit.engine.vector.signatures import public_key
from tests.unit.engine.vector.test_points import Pair, add, multiply

_EDGES = [0, 1, 2, 15, 16, 17, 31, 32, 512, 513, 1024, 2**128, LAMBDA, ORDER // 2, ORDER - 1]


@cache
def _program() -> lanes.Function:
    function = Function(
        "run", "ptr %points, ptr %base, ptr %key, ptr %tables, ptr %generator", is_exported=True
    )
    digits = function.reserve(DIGITS_BYTES * (ladder.GROUPS + 1))
    for group in range(ladder.GROUPS):
        base, key = (
            Scalar.load(function, place, ELEMENT_BYTES * group, high=ORDER - 1)
            for place in ("%base", "%key")
        )
        store_digits(base, key, function.at(digits, DIGITS_BYTES * group))
    function.call("ladder", "ptr %points", f"ptr {digits}", "ptr %tables", "ptr %generator")
    text = DECLARATIONS + ladder.text() + function.text()
    return lanes.compile_module("test-ladder", text, in_order=True).function("run", 5)


def _climb(u1: list[int], u2: list[int], secrets: list[int]) -> list[Pair]:
    """Return sixteen sums. None: Z is zero."""
    simd = Simd()
    keys = np.frombuffer(b"".join(map(public_key, secrets)), np.uint8).reshape(-1, 64)
    addresses = lanes.aligned(BATCH, np.int64)
    numbers = simd.add_keys(keys)
    addresses[:] = simd._keys.addresses[numbers]
    base, key = packed(u1), packed(u2)
    points = lanes.aligned((ladder.GROUPS, POINT_BYTES // 64, LANES), np.uint64)
    places = (array.ctypes.data for array in (points, base, key, addresses, simd._base))
    _program()(*places)
    x, y, z = (
        unpacked(np.ascontiguousarray(points[:, LIMBS * part : LIMBS * (part + 1)]))
        for part in range(3)
    )
    return [
        (a * pow(c, -2, PRIME) % PRIME, b * pow(c, -3, PRIME) % PRIME) if c % PRIME else None
        for a, b, c in zip(x, y, z, strict=True)
    ]


@needs_ifma
@pytest.mark.parametrize("seed", range(8))
def test_climb__edge_and_random_scalars__as_the_textbook_does_holds(seed):
    rolls = random.Random(seed)

    def scalars() -> list[int]:
        return [
            rolls.choice([*_EDGES, *(rolls.randrange(ORDER) for _ in _EDGES)]) for _ in range(16)
        ]

    u1, u2, secrets = scalars(), scalars(), [rolls.randrange(1, ORDER) for _ in range(BATCH)]

    expected = [
        add(multiply(a, GENERATOR), multiply(b * secret % ORDER, GENERATOR))
        for a, b, secret in zip(u1, u2, secrets, strict=True)
    ]
    assert _climb(u1, u2, secrets) == expected


@needs_ifma
def test_climb__each_edge_of_either_scalar__as_the_textbook_does_holds():
    edges = [*_EDGES, ORDER - LAMBDA]

    expected = [multiply(edge, GENERATOR) for edge in edges]

    assert _climb([0] * 16, edges, [1] * 16) == expected
    assert _climb(edges, [0] * 16, [1] * 16) == expected


@needs_ifma
@pytest.mark.parametrize(
    ("u1", "u2", "secret"),
    [
        (0, 0, 5),
        (ORDER - 5, 1, 5),  # the sum is no point
        (5, 1, 5),  # a point meets itself in the last addition
        (3 << 20, 3, 1 << 20),
    ],
)
def test_climb__where_the_formulas_end__has_no_z_holds(u1, u2, secret):
    assert _climb([u1] * 16, [u2] * 16, [secret] * 16) == [None] * 16
