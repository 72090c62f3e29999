"""Compiles LLVM IR text to machine code of this host, once, and says which lanes the host has.

A process of its own compiles: LLVM aborts when it can't select an instruction, and its options hold
for a whole process. So ask `has_ifma` before, and fear nothing if it was wrong. Object code is kept
in the cache under a name that follows from the text, the CPU and LLVM's version.
"""

import ctypes
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import llvmlite.binding as llvm
import numpy as np
from numpy.typing import DTypeLike, NDArray

from backend.toolchain import CACHE_DIR, wants_narrow_lanes

_FOLDER: Final = CACHE_DIR / "lanes"
_COMPILATION_S_MAX: Final = 300
_AVX512: Final = ("avx512f", "avx512bw", "avx512dq", "avx512vl")
LANES: Final = 8
_ALIGNMENT_BYTES: Final = 64
_CHECKSUM_BYTES: Final = 32
# Text whose order the author has chosen himself is a few per cent faster as it stands.
_IN_ORDER: Final = ("-enable-misched=0", "-enable-post-misched=0")

Function = Callable[..., None]


class CompilationFailed(Exception):
    """LLVM refused the text, or died of it."""


class Library:
    """Machine code in this process. It lives as long as whoever calls its functions holds it."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def address(self, function_name: str) -> int:
        """Return where the function begins. Raises KeyError if there is none of that name."""
        address = int(self._engine.get_function_address(function_name))
        if not address:
            raise KeyError(function_name)
        return address

    def function(self, function_name: str, argument_count: int) -> Function:
        """Return a function of so many 64-bit arguments and no result; it runs without the GIL."""
        kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * argument_count)
        call = kind(self.address(function_name))
        call.library = self  # type: ignore[attr-defined]  # keeps the code alive
        return call


@cache
def has_avx512() -> bool:
    """Whether 512-bit vectors of integers may be used."""
    return _has(*_AVX512)


@cache
def has_ifma() -> bool:
    """Whether the 52-bit multiplications of eight lanes may be used, too."""
    return has_avx512() and _has("avx512ifma")


def _has(*features: str) -> bool:
    of_host = _host_features()
    return all(of_host.get(feature, False) for feature in features)


@cache
def _host_features() -> dict[str, bool]:
    try:
        features = dict(llvm.get_host_cpu_features())
    except RuntimeError:  # LLVM doesn't know this CPU
        return {}
    if wants_narrow_lanes():
        features |= {name: False for name in features if name.startswith("avx")}
    return features


def compile_module(name: str, ir_text: str, in_order: bool = False) -> Library:
    """Return the text as machine code, from the cache if it is there.

    `name` is for people who look into the cache. With `in_order` LLVM keeps the instructions in
    their order. Raises CompilationFailed.
    """
    host = (llvm.get_host_cpu_name(), llvm.llvm_version_info, sorted(_host_features().items()))
    key = hashlib.sha256(repr((host, in_order, ir_text)).encode()).hexdigest()[:32]
    path = _FOLDER / f"{name}-{key}.o"
    code = _kept(path)
    if code is None:
        _FOLDER.mkdir(parents=True, exist_ok=True)
        _compile(ir_text, path, in_order)
        code = _kept(path)
        if code is None:
            raise CompilationFailed(f"{path} isn't what was just written")
    return _load(code)


def _compile(ir_text: str, path: Path, in_order: bool) -> None:
    """Have a process of its own write the object code to `path`, at once or not at all."""
    command = [sys.executable, "-m", __name__, *(_IN_ORDER if in_order else ())]
    done = subprocess.run(
        command, input=ir_text.encode(), capture_output=True, timeout=_COMPILATION_S_MAX
    )
    if done.returncode:
        last_words = done.stderr.decode(errors="replace").strip()[-2_000:]
        raise CompilationFailed(f"LLVM ended with {done.returncode}: {last_words}")
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(hashlib.sha256(done.stdout).digest() + done.stdout)
    partial.replace(path)


def _kept(path: Path) -> bytes | None:
    """Return object code from the cache, if it is there and whole."""
    try:
        kept = path.read_bytes()
    except FileNotFoundError:
        return None
    code = kept[_CHECKSUM_BYTES:]
    return code if hashlib.sha256(code).digest() == kept[:_CHECKSUM_BYTES] else None


def _target_machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.FeatureMap(_host_features()).flatten()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=3, jit=True
    )


def _load(code: bytes) -> Library:
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return Library(engine)


def aligned(shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array of zeros that begins where lanes can be loaded from: at 64 bytes."""
    size_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    # np.empty asks the system for large pages; of small ones a CPU remembers too few.
    room = np.empty(size_bytes + _ALIGNMENT_BYTES, np.uint8)
    room.fill(0)
    start = -room.ctypes.data % _ALIGNMENT_BYTES
    return room[start : start + size_bytes].view(dtype).reshape(shape)


def _main() -> None:
    """Compile what comes in, with the options of the command line; give object code back."""
    for option in sys.argv[1:]:
        llvm.set_option("", option)
    module = llvm.parse_assembly(sys.stdin.read())
    module.verify()
    sys.stdout.buffer.write(_target_machine().emit_object(module))


if __name__ == "__main__":
    _main()
