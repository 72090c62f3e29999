"""Arithmetic modulo p in eight lanes, held equal to Python's whole numbers.

- products, squares, with scale and sum; sums and differences; the canonical number; choosing
- all pairs of edge values, random ones; one group of lanes and two interleaved
- what comes out is in limbs of 52 bits and below the bound of what is stored
- intervals: a number that might not fit stops the writing
"""

import random
from collections.abc import Callable

import pytest

from backend.engine.vector.field import PRIME, STORED_BELOW, Element, differing_bits, limbs_of
from backend.engine.vector.ir import LIMB_MAX, Function, Lanes
from backend.protocol.errors import InvariantViolated
from tests.unit.engine.vector.programs import needs_ifma, program

_EDGES = [
    *(0, 1, 2, PRIME - 1, PRIME, PRIME + 1, 2**256 - 1, 2**256, STORED_BELOW - 1),
    *(2**52 - 1, 2**52, 2**104 - 1, 2**208 - 1, 2**208, 2**255, 2**32 + 977, (2**32 + 977) << 4),
    *(LIMB_MAX << 52, (2**48 - 1) << 208, 2**256 - 2**208, 2 * PRIME - 2**256),
]
_RANDOM_COUNT = 6_000


def _pairs() -> tuple[list[int], list[int]]:
    rolls = random.Random(7)

    def number() -> int:
        limbs = [rolls.choice([0, 1, LIMB_MAX, LIMB_MAX - 1, rolls.getrandbits(52)])] * 4
        patterned = sum(limb << 52 * index for index, limb in enumerate(limbs))
        return rolls.choice([rolls.getrandbits(256), patterned | rolls.getrandbits(48) << 208])

    pairs = [(a, b) for a in _EDGES for b in _EDGES]
    pairs += [(number(), number()) for _ in range(_RANDOM_COUNT)]
    return [a for a, _ in pairs], [b for _, b in pairs]


Operation = Callable[[Element, Element], Element]
_OPERATIONS: dict[str, tuple[Operation, Callable[[int, int], int]]] = {
    "times": (lambda a, b: a.times(b), lambda a, b: a * b),
    "times, scaled": (lambda a, b: a.times(b, scale=4), lambda a, b: 4 * a * b),
    "times, plus": (lambda a, b: a.times(b, plus=-b), lambda a, b: a * b - b),
    "times, minus much": (
        lambda a, b: a.times(b, scale=2, plus=-a.shifted(3)),
        lambda a, b: 2 * a * b - 8 * a,
    ),
    "of a difference": (lambda a, b: (a - b).times(a), lambda a, b: (a - b) * a),
    "squared": (lambda a, b: a.squared(), lambda a, b: a * a),
    "squared, scaled": (lambda a, b: a.squared(scale=3), lambda a, b: 3 * a * a),
    "squared, minus": (
        lambda a, b: a.squared(plus=-b - a.shifted(1)),
        lambda a, b: a * a - b - 2 * a,
    ),
    "sum": (lambda a, b: (a + b).reduced(), lambda a, b: a + b),
    "difference": (lambda a, b: (a - b).reduced(), lambda a, b: a - b),
    "eightfold": (lambda a, b: (a.shifted(3) - b).reduced(), lambda a, b: 8 * a - b),
}


@needs_ifma
@pytest.mark.parametrize(
    ("name", "streams"),
    [*((name, 1) for name in _OPERATIONS), ("times, plus", 2), ("squared, minus", 2), ("sum", 2)],
)
def test_element__each_operation__as_whole_numbers_holds(name, streams):
    emitted, expected = _OPERATIONS[name]

    def body(function: Function, to: str, a: str, b: str) -> None:
        emitted(Element.load(function, a), Element.load(function, b)).store(to)

    first, second = _pairs()
    found = program("field", body, streams)(first, second)

    assert [number % PRIME for number in found] == [
        expected(a, b) % PRIME for a, b in zip(first, second, strict=True)
    ]
    assert max(found) < STORED_BELOW


@needs_ifma
@pytest.mark.parametrize("streams", [1, 2])
def test_canonical__each_number__is_the_remainder_holds(streams):
    def body(function: Function, to: str, a: str, b: str) -> None:
        total = Element.load(function, a) + Element.load(function, b).shifted(2)
        total.canonical().store(to)

    first, second = _pairs()

    assert program("field", body, streams)(first, second) == [
        (a + 4 * b) % PRIME for a, b in zip(first, second, strict=True)
    ]


@needs_ifma
def test_chosen__equal_or_not__by_lane_holds():
    def body(function: Function, to: str, a: str, b: str) -> None:
        one, other = Element.load(function, a), Element.load(function, b)
        is_same = differing_bits(one.limbs, other.limbs).is_zero()
        Element.constant(function, 5).chosen_by(is_same, one).store(to)

    first, second = _pairs()

    assert program("field", body)(first, second) == [
        5 if a == b else a for a, b in zip(first, second, strict=True)
    ]


def _element(high: int) -> Element:
    function = Function("f", "ptr %a")
    return Element.of_limbs([function.load("%a", high=LIMB_MAX) for _ in range(5)], high)


@pytest.mark.parametrize(
    ("why", "write"),
    [
        ("stored unreduced", lambda a: (a + a).store("%a")),
        ("over 260 bits", lambda a: a.shifted(5).carried()),
        ("over 260 bits", lambda a: a.shifted(5).times(a)),
        ("might not hold", lambda a: a.shifted(20)),
        ("over 260 bits", lambda a: _element(2**260)),
        ("no limb", lambda a: Element.of_limbs((a + a).limbs, a.high)),
        ("power of two", lambda a: a.times(a, scale=5)),
        ("52 bits", lambda a: a.limbs[0].plus_product((a + a).limbs[0], a.limbs[0])),
        ("52 bits", lambda a: a.limbs[0].plus_product((a - a).limbs[0], a.limbs[0])),
    ],
)
def test_element__number_that_might_not_fit__rejects(why, write):
    with pytest.raises(InvariantViolated, match=why):
        write(_element(STORED_BELOW - 1))


@pytest.mark.parametrize(
    ("low", "high"), [(-1, 2**63), (0, 2**64), (-(2**63) - 1, 0), (5, 4), (-1, 2**64)]
)
def test_lanes__interval_that_no_lane_holds__rejects(low, high):
    with pytest.raises(InvariantViolated, match="might not hold"):
        Lanes(Function("f", ""), "%v", low, high)


@pytest.mark.parametrize("number", _EDGES)
def test_limbs__each_number__holds(number):
    assert sum(limb << 52 * index for index, limb in enumerate(limbs_of(number))) == number
