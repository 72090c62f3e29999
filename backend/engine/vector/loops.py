"""How loops over arrays are compiled: by numba, once for this host, to run without the GIL."""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Rows = NDArray[np.uint32]
Number = Any
"""A whole number; numba decides on its width."""

WORD_BYTES: Final = 8

_Loop = TypeVar("_Loop", bound=Callable[..., Any])


def compiled(loop: _Loop) -> _Loop:
    """Have a function compiled at its first call, or taken from the cache."""
    compile_it: Any = numba.njit(cache=True, nogil=True)
    return cast(_Loop, compile_it(loop))


@compiled
def word_at(data: Bytes, at: Number) -> Number:
    """Return the eight bytes from `at` on as a number, big-endian."""
    word = np.uint64(0)
    for k in range(8):
        word = word << np.uint64(8) | np.uint64(data[at + k])
    return word
