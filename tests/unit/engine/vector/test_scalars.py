"""Arithmetic modulo n in eight lanes, held equal to Python's whole numbers.

- Montgomery products, the canonical number, comparisons; all pairs of edge values, random ones
- the halves of a scalar and all digits give the scalar again, and fit their tables
- inverses modulo n and p; of zero, zero
- intervals: a number that might not fit stops the writing
"""

import random

import numpy as np
import pytest

from backend.engine.vector import lanes, scalars
from backend.engine.vector.field import PRIME
from backend.engine.vector.inverses import FIELD, SCALARS
from backend.engine.vector.ir import DECLARATIONS, LIMB_MAX, Function
from backend.engine.vector.lanes import LANES
from backend.engine.vector.scalars import LAMBDA, MONTGOMERY, ORDER, STORED_BELOW, Scalar
from backend.protocol.errors import InvariantViolated
from tests.unit.engine.vector.programs import needs_ifma, packed, program

_EDGES = [
    *(0, 1, 2, ORDER - 1, ORDER, ORDER + 1, 2**256 - 1, 2**256, STORED_BELOW - 1, ORDER // 2),
    *(2**52 - 1, 2**104, 2**208 - 1, 2**255, LAMBDA, ORDER - LAMBDA, 2 * ORDER - 1, 2**128),
]


def _pairs(count: int) -> tuple[list[int], list[int]]:
    rolls = random.Random(8)
    pairs = [(a, b) for a in _EDGES for b in _EDGES]
    pairs += [(rolls.getrandbits(257), rolls.getrandbits(256)) for _ in range(count)]
    return [a for a, _ in pairs], [b for _, b in pairs]


@needs_ifma
@pytest.mark.parametrize("streams", [1, 2])
def test_times__each_pair__is_montgomerys_product_holds(streams):
    def body(function: Function, to: str, a: str, b: str) -> None:
        Scalar.load(function, a).times(Scalar.load(function, b)).store(to)

    first, second = _pairs(10_000)
    found = program("scalars", body, streams)(first, second)

    assert [number * 2**260 % ORDER for number in found] == [
        a * b % ORDER for a, b in zip(first, second, strict=True)
    ]
    assert max(found) < STORED_BELOW


@needs_ifma
def test_canonical__below_twice_the_order__is_the_remainder_holds():
    def body(function: Function, to: str, a: str, b: str) -> None:
        Scalar.load(function, a, high=2 * ORDER - 1).canonical().store(to)

    first = [number for number in _pairs(5_000)[0] if number < 2 * ORDER]

    assert program("scalars", body)(first, first) == [number % ORDER for number in first]


@needs_ifma
@pytest.mark.parametrize("bound", [1, ORDER, ORDER // 2 + 1, PRIME])
def test_compared__each_number__by_lane_holds(bound):
    def body(function: Function, to: str, a: str, b: str) -> None:
        number = Scalar.load(function, a)
        is_inside = number.is_below(bound) & number.is_nonzero()
        Scalar.constant(function, 1).chosen_by(is_inside, Scalar.constant(function, 0)).store(to)

    numbers = [*_pairs(100)[0], bound, bound - 1, bound + 1]

    assert program("scalars", body)(numbers, numbers) == [
        int(0 < number < bound) for number in numbers
    ]


@needs_ifma
@pytest.mark.parametrize(("ring", "unit"), [(FIELD, 1), (SCALARS, MONTGOMERY)])
def test_inverse__each_number__holds(ring, unit):
    def body(function: Function, to: str, a: str, b: str) -> None:
        function.call(ring.inverse, f"ptr {to}", f"ptr {a}")

    numbers = [number for number in _pairs(300)[0] if number < 2**256]
    found = program("inverses", body, extra=ring.text())(numbers, numbers)

    expected = [
        pow(number, -1, ring.modulus) * unit**2 if number % ring.modulus else 0
        for number in numbers
    ]
    assert [number % ring.modulus for number in found] == [
        number % ring.modulus for number in expected
    ]


@needs_ifma
def test_digits__each_scalar__give_it_again_holds():
    function = Function("run", "ptr %base, ptr %key, ptr %digits", is_exported=True)
    arguments = [Scalar.load(function, place, high=ORDER - 1) for place in ("%base", "%key")]
    scalars.store_digits(*arguments, "%digits")
    text = DECLARATIONS + function.text()
    run = lanes.compile_module("test-digits", text, in_order=True).function("run", 3)
    numbers = [number for number in _pairs(2_000)[0] if number < ORDER]
    numbers = numbers[: len(numbers) // LANES * LANES]
    digits = lanes.aligned((scalars.DIGITS_BYTES // 64, LANES), np.int64)

    for start in range(0, len(numbers), LANES):
        keys = numbers[start : start + LANES]
        bases = keys[::-1]
        given = packed([*bases, *keys])
        run(given[0].ctypes.data, given[1].ctypes.data, digits.ctypes.data)

        key_count = scalars.KEY_DIGITS
        first, second, base = np.split(digits, [key_count, 2 * key_count])
        for lane in range(LANES):
            halves = [_number(half[:, lane].tolist(), 5) for half in (first, second)]
            assert (halves[0] + halves[1] * LAMBDA) % ORDER == keys[lane]
            assert max(map(abs, halves)) < 2**128
            assert _number(base[:, lane].tolist(), 10) == bases[lane]


def _number(digits: list[int], bits: int) -> int:
    assert all(-(1 << bits - 1) <= digit < 1 << bits - 1 for digit in digits)
    return sum(digit << bits * index for index, digit in enumerate(digits))


def _scalar(high: int) -> Scalar:
    function = Function("f", "ptr %a")
    return Scalar.of_limbs([function.load("%a", high=LIMB_MAX) for _ in range(5)], high)


@pytest.mark.parametrize(
    ("why", "write"),
    [
        ("over 2n", lambda a: a.canonical()),
        ("over n", lambda a: scalars.store_digits(a, a, "%a")),
        ("unreduced", lambda a: a.store("%a")),
        ("over 260 bits", lambda a: _scalar(2**260)),
        ("no limb", lambda a: Scalar.of_limbs([a.limbs[0] + 1, *a.limbs[1:]], a.high)),
    ],
)
def test_scalar__number_that_might_not_fit__rejects(why, write):
    with pytest.raises(InvariantViolated, match=why):
        write(_scalar(STORED_BELOW))
