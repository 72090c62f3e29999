"""Small programs of the emitted arithmetic, run on columns of whole numbers."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from backend.engine.vector import lanes
from backend.engine.vector.field import ELEMENT_BYTES, LIMBS, limbs_of, value_of
from backend.engine.vector.ir import DECLARATIONS, Function
from backend.engine.vector.lanes import LANES

needs_ifma = pytest.mark.skipif(not lanes.has_ifma(), reason="the CPU has no 52-bit multiplier")


def packed(numbers: Sequence[int]) -> np.ndarray:
    """Return numbers as the kernel keeps them: uint64[group, limb, lane]."""
    limbs = np.array([limbs_of(number) for number in numbers], np.uint64)
    array = lanes.aligned((len(numbers) // LANES, LIMBS, LANES), np.uint64)
    array[:] = limbs.reshape(-1, LANES, LIMBS).transpose(0, 2, 1)
    return array


def unpacked(array: np.ndarray) -> list[int]:
    return [value_of(limbs) for limbs in array.transpose(0, 2, 1).reshape(-1, LIMBS).tolist()]


def program(
    name: str, body: Callable[[Function, str, str, str], None], streams: int = 1, extra: str = ""
) -> Callable[..., list[int]]:
    """Return a program that writes a result for each pair: `body(function, to, a, b)` writes it for
    eight pairs, from and to pointers. Of several streams each does its part of the pairs."""
    function = Function("run", "ptr %to, ptr %a, ptr %b, i64 %count", is_exported=True)

    def group(index: str) -> None:
        def stream(number: int) -> None:
            places = [function.at(place, ELEMENT_BYTES * number) for place in pointers]
            body(function, *places)

        size_bytes = ELEMENT_BYTES * streams
        pointers = [function.element(place, index, size_bytes) for place in ("%to", "%a", "%b")]
        function.interleave(streams, stream)

    function.loop("%count", group)
    text = DECLARATIONS + extra + function.text()
    run = lanes.compile_module(f"test-{name}", text, in_order=True).function("run", 4)

    def on_numbers(a: Sequence[int], b: Sequence[int]) -> list[int]:
        count = len(a)
        padded = -count % (LANES * streams)
        first, second = packed([*a, *[0] * padded]), packed([*b, *[0] * padded])
        result = packed([0] * (count + padded))
        groups = (count + padded) // (LANES * streams)
        run(result.ctypes.data, first.ctypes.data, second.ctypes.data, groups)
        return unpacked(result)[:count]

    return on_numbers
