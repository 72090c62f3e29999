"""Bugs put into what writes the verifier's code, one at a time: something has to notice each.

- by an interval, while the code is written; by the start's known answers; by a wrong verdict among
  hostile signatures; by doubt about honest ones
- without a bug nothing is noticed
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from backend.engine import vector
from backend.engine.vector import kernel, lanes, libsecp
from backend.engine.vector.kernel import UNSURE, YES
from backend.engine.vector.simd import Simd, SimdUnavailable
from backend.protocol.errors import InvariantViolated
from tests.unit.engine.vector.programs import needs_ifma
from tests.unit.engine.vector.signatures import Forge, in_rows

_WRITERS = ("ir", "field", "scalars", "inverses", "points", "ladder", "tables", "kernel")
_CASES = in_rows(Forge(31).cases(3_000))

# What notices it, the module, what is there, what is put in its place.
_QUICK = [
    ("an interval", "points", "(other_y - self.y).reduced()", "other_y - self.y"),
    ("the start", "field", "2**256 - PRIME", "2**256 - PRIME + 1"),
    ("a wrong verdict", "kernel", "is_below(ORDER // 2 + 1)", "is_below(ORDER // 2)"),
]
_OTHERS = [
    ("an interval", "field", "rest[index] = rest[index] & LIMB_MAX", "pass"),
    ("an interval", "field", "limbs[-1] - lent,", "limbs[-1],"),
    ("an interval", "scalars", "(above & (1 << bit) - 1)", "above"),
    ("an interval", "scalars", "scalar.high * fraction +", "scalar.high * fraction * 8 +"),
    ("an interval", "points", "self.x.squared(scale=3)", "self.x.squared(scale=4096)"),
    ("the start", "field", "a.limbs[i], b.limbs[j], upper=True", "a.limbs[i], b.limbs[j]"),
    ("the start", "field", "columns[k + 1] + (columns[k] >> LIMB_BITS)", "columns[k + 1]"),
    ("the start", "field", "[holds_p.choose(a, b)", "[holds_p.choose(b, a)"),
    ("the start", "field", "columns[k] + columns[k]", "columns[k]"),
    ("the start", "scalars", "[is_below.choose(a, b)", "[is_below.choose(b, a)"),
    (
        "the start",
        "scalars",
        "0x3086D221A7D46BCDE86C90E49284EB15",
        "0x3086D221A7D46BCDE86C90E49284EB14",
    ),
    ("the start", "scalars", "-pow(ORDER, -1,", "pow(ORDER, -1,"),
    ("the start", "scalars", "- (1 << bits - 1)", "- (1 << bits - 2)"),
    ("the start", "inverses", "self.modulus - 2", "self.modulus - 3"),
    ("the start", "points", "self.x.squared(scale=3)", "self.x.squared(scale=2)"),
    ("the start", "points", "plus=-y4.shifted(3)", "plus=-y4.shifted(2)"),
    ("the start", "points", "(-other_y).chosen_by(is_negative, other_y)", "other_y"),
    ("the start", "points", "lane + LANES - stride if", "lane + LANES if"),
    ("the start", "ladder", "before.z.chosen_by(self.is_zero, z)", "z"),
    ("the start", "ladder", "total.rise.chosen_by(self.is_empty, total.point.y)", "total.point.y"),
    ("the start", "ladder", 'f"i64 {half}")', 'f"i64 {1 - half}")'),
    ("the start", "ladder", "key_place, downwards=True", "key_place"),
    ("the start", "ladder", "is_zero.choose(empty, 0)", "empty"),
    ("the start", "kernel", "s.is_nonzero() & ", ""),
    ("the start", "kernel", " | parity).is_zero()", ").is_zero()"),
    ("the start", "kernel", "v.equals(_V_EVEN + 1)", "v.equals(_V_EVEN + 2)"),
    ("the start", "kernel", "is_below(ORDER // 2 + 1)", "is_below(ORDER)"),
    ("the start", "kernel", "r.is_nonzero() & r.is_below(ORDER)", "r.is_nonzero()"),
]


def _mutated(writer: str, there: str, instead: str) -> str:
    """Return the verifier's code as it is written with the change."""
    with _forgotten_writers():
        name = f"{vector.__name__}.{writer}"
        path = Path(vector.__file__).with_name(f"{writer}.py")
        source = path.read_text()
        assert there in source
        spec = spec_from_loader(name, loader=None, origin=str(path))
        assert spec is not None
        module = module_from_spec(spec)
        sys.modules[name] = module
        setattr(vector, writer, module)
        exec(compile(source.replace(there, instead, 1), str(path), "exec"), module.__dict__)
        text: str = importlib.import_module(f"{vector.__name__}.kernel").text()
        return text


@contextmanager
def _forgotten_writers() -> Iterator[None]:
    """Have all writers imported anew, and the honest ones back afterwards."""
    honest = {writer: sys.modules.pop(f"{vector.__name__}.{writer}") for writer in _WRITERS}
    for writer in _WRITERS:
        delattr(vector, writer)
    try:
        yield
    finally:
        for writer, module in honest.items():
            sys.modules[f"{vector.__name__}.{writer}"] = module
            setattr(vector, writer, module)


def _noticed(monkeypatch: pytest.MonkeyPatch, *change: str) -> str:
    """Return what notices the change."""
    try:
        text = _mutated(*change)
    except InvariantViolated:
        return "an interval"
    assert text != kernel.text() or change[1] == change[2]
    monkeypatch.setattr(kernel, "text", lambda: text)
    try:
        simd = Simd()
    except SimdUnavailable:
        return "the start"
    verdicts = simd.verify(_CASES.digests, _CASES.signatures, simd.add_keys(_CASES.keys))
    answers = libsecp.verify_many(_CASES.digests, _CASES.signatures, _CASES.keys)
    if ((verdicts != UNSURE) & ((verdicts == YES) != answers)).any():
        return "a wrong verdict"
    honest = [kind == "valid" for kind in _CASES.kinds]
    return "doubt" if (verdicts[honest] == UNSURE).any() else "nothing"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(lanes, "_FOLDER", tmp_path)


@needs_ifma
@pytest.mark.parametrize(("by", "writer", "there", "instead"), _QUICK)
def test_mutation__a_bug__is_noticed_holds(monkeypatch, by, writer, there, instead):
    assert _noticed(monkeypatch, writer, there, instead) == by


@needs_ifma
@pytest.mark.long
@pytest.mark.parametrize(("by", "writer", "there", "instead"), _OTHERS)
def test_mutation__another_bug__is_noticed_holds(monkeypatch, by, writer, there, instead):
    assert _noticed(monkeypatch, writer, there, instead) == by


@needs_ifma
def test_mutation__none__is_noticed_by_nothing_holds(monkeypatch):
    assert _noticed(monkeypatch, "field", "PRIME", "PRIME") == "nothing"
    assert kernel is sys.modules[kernel.__name__]
