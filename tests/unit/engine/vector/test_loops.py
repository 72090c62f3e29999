"""Compiled loops: numbers read from bytes; a cache for each state of the files."""

import numpy as np
import pytest

from backend.engine.vector import loops
from backend.engine.vector.loops import CACHE, CACHES, compiled, word_at


@pytest.mark.parametrize("at", [0, 1, 5])
def test_word_at__any_place__is_big_endian_succeeds(at):
    data = bytes(range(200, 216))

    word = word_at(np.frombuffer(data, np.uint8), at)

    assert int(word) == int.from_bytes(data[at : at + 8])


def test_compiled__loop__is_kept_with_the_files_state_holds():
    path = compiled(loops.word_at.py_func)._cache.cache_path

    assert path.startswith(str(CACHE))
    assert CACHE.parent == CACHES
