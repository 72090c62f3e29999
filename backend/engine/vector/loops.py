"""How loops over arrays are compiled: by numba, once for this host, to run without the GIL.

Numba takes machine code from its cache if the loop's own file is as it was; what is compiled into
it, or passed to it, may be of another file. So each state of our files has a cache of its own.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from backend.toolchain import CACHE_DIR

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Rows = NDArray[np.uint32]
Number = Any
"""A whole number; numba decides on its width."""

WORD_BYTES: Final = 8
_GOLDEN: Final = 0x9E3779B97F4A7C15  # 2^64 by the golden ratio, odd

_FILES: Final = sorted(Path(__file__).parent.glob("*.py"))
_STATE: Final = hashlib.sha256(b"".join(path.read_bytes() for path in _FILES)).hexdigest()[:16]
CACHES: Final = CACHE_DIR / "numba"
CACHE: Final = CACHES / _STATE
_config: Any = numba.config
_config.CACHE_DIR = str(CACHE)

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


@compiled
def spread(number: Number) -> Number:
    """Return where to look for a number in a table; neighbours end far apart."""
    return np.int64(np.uint64(number) * np.uint64(_GOLDEN) >> np.uint64(32))
