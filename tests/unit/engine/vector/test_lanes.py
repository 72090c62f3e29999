"""Text becomes machine code of this host.

- a function: is called with addresses; unknown name, text that LLVM refuses or dies of → rejects
- the cache: a second time nothing is compiled; a damaged file is made again
- the host: its lanes; none when narrow lanes are wanted
- arrays begin where lanes can be loaded from
"""

import subprocess
import sys

import numpy as np
import pytest

from backend.engine.vector import lanes

_DOUBLE = """
define void @double(ptr %numbers) {
  %number = load i64, ptr %numbers
  %twice = shl i64 %number, 1
  store i64 %twice, ptr %numbers
  ret void
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(lanes, "_FOLDER", tmp_path / "lanes")
    return tmp_path / "lanes"


def _doubled(library: lanes.Library, number: int) -> int:
    numbers = np.array([number], np.uint64)
    library.function("double", 1)(numbers.ctypes.data)
    return int(numbers[0])


@pytest.mark.parametrize("in_order", [False, True])
def test_compile__a_function__runs__succeeds(in_order):
    library = lanes.compile_module("double", _DOUBLE, in_order)

    assert _doubled(library, 21) == 42


def test_function__library_given_up__still_runs__succeeds():
    numbers = np.array([4], np.uint64)

    lanes.compile_module("double", _DOUBLE).function("double", 1)(numbers.ctypes.data)

    assert numbers[0] == 8


def test_address__unknown_function__rejects():
    library = lanes.compile_module("double", _DOUBLE)

    with pytest.raises(KeyError, match="triple"):
        library.address("triple")


def test_compile__text_that_is_no_program__rejects(folder):
    with pytest.raises(lanes.CompilationFailed, match="ended with 1"):
        lanes.compile_module("nonsense", "define void @x( {")

    assert not list(folder.iterdir())


def test_compile__instruction_that_no_host_has__rejects():
    text = _DOUBLE.replace("%number = load", "call void @llvm.arm.dmb(i32 1)\n  %number = load")
    text += "declare void @llvm.arm.dmb(i32)\n"

    with pytest.raises(lanes.CompilationFailed):
        lanes.compile_module("alien", text)


def test_compile__a_second_time__takes_it_from_the_cache_holds(monkeypatch):
    lanes.compile_module("double", _DOUBLE)
    monkeypatch.setattr(lanes, "_compile", None)

    assert _doubled(lanes.compile_module("double", _DOUBLE), 3) == 6


def test_compile__damaged_cache__makes_it_again__succeeds(folder):
    lanes.compile_module("double", _DOUBLE)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))

    assert _doubled(lanes.compile_module("double", _DOUBLE), 5) == 10
    assert path.read_bytes() == whole


def test_host__narrow_lanes_wanted__has_none_holds(monkeypatch):
    program = "from backend.engine.vector import lanes; print(lanes.has_avx512(), lanes.has_ifma())"
    monkeypatch.setenv("CAUSEWAY_NARROW", "1")

    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert shown.stdout == "False False\n"


def test_host__missing_feature__has_no_ifma_holds(monkeypatch):
    monkeypatch.setattr(lanes, "_host_features", lambda: {"avx512f": True})
    lanes.has_avx512.cache_clear()
    lanes.has_ifma.cache_clear()
    try:
        assert not lanes.has_avx512()
        assert not lanes.has_ifma()
    finally:
        lanes.has_avx512.cache_clear()
        lanes.has_ifma.cache_clear()


@pytest.mark.parametrize("shape", [1, 7, (3, 5)])
def test_aligned__each_shape__begins_at_64_bytes_holds(shape):
    array = lanes.aligned(shape, np.uint32)

    assert array.ctypes.data % 64 == 0
    assert not array.any()
