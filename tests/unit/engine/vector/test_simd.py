"""The verifier in lanes, held equal to libsecp256k1: a YES or NO is never wrong, UNSURE is rare.

- every kind of honest and hostile signature, mixed in the lanes (a million: long); any count
- UNSURE: where the formulas end, and hardly anywhere else
- keys: unknown numbers → rejects
- a damaged table: no wrong signature is taken for right
- the start: no IFMA, a compiler that fails, wrong tables, wrong answers → unavailable
"""

from collections import Counter

import numpy as np
import pytest

from backend.engine.vector import kernel, lanes, libsecp, simd
from backend.engine.vector.kernel import NO, UNSURE, YES
from backend.engine.vector.simd import Simd, SimdUnavailable
from backend.protocol.errors import InvariantViolated
from tests.unit.engine.vector.programs import needs_ifma
from tests.unit.engine.vector.signatures import Cases, Forge, in_rows

# Signatures that are made to reach what the formulas can't.
_MAY_BE_UNSURE = {"at infinity", "points meet", "chosen scalars", "odd key and nonce"}


@pytest.fixture(scope="module")
def verifier() -> Simd:
    return Simd()


def _judge(verifier: Simd, cases: Cases) -> np.ndarray:
    return verifier.verify(cases.digests, cases.signatures, verifier.add_keys(cases.keys))


def _assert_right(cases: Cases, verdicts: np.ndarray) -> None:
    answers = libsecp.verify_many(cases.digests, cases.signatures, cases.keys)
    wrong = (verdicts != UNSURE) & ((verdicts == YES) != answers)
    first = int(np.argmax(wrong))
    shown = [rows[first].tobytes().hex() for rows in (cases.digests, cases.signatures, cases.keys)]
    assert not wrong.any(), f"{cases.kinds[first]}, {verdicts[first]}: {shown}"
    unsure = {kind for kind, one in zip(cases.kinds, verdicts, strict=True) if one == UNSURE}
    assert unsure <= _MAY_BE_UNSURE


@needs_ifma
def test_verify__every_kind_of_signature__as_libsecp_says_holds(verifier):
    cases = in_rows(Forge(11).cases(6_000))

    verdicts = _judge(verifier, cases)

    _assert_right(cases, verdicts)
    assert set(verdicts.tolist()) == {NO, YES, UNSURE}


@needs_ifma
@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_verify__a_million_signatures__as_libsecp_says_holds(verifier, seed):
    forge = Forge(1_000 + seed)
    kinds: Counter[str] = Counter()
    for _ in range(4):
        cases = in_rows(forge.cases(13_000))
        _assert_right(cases, _judge(verifier, cases))
        kinds.update(cases.kinds)

    assert min(kinds.values()) > 100


@needs_ifma
@pytest.mark.parametrize("count", [0, 1, 7, 8, 15, 16, 17, 511, 512, 513, 1_025])
def test_verify__any_count__holds(verifier, count):
    cases = in_rows(Forge(count, key_count=8).cases(1_025))
    cases = Cases(
        cases.kinds[:count], cases.digests[:count], cases.signatures[:count], cases.keys[:count]
    )

    verdicts = _judge(verifier, cases)

    assert len(verdicts) == count
    if count:
        _assert_right(cases, verdicts)


@needs_ifma
def test_verify__no_point__is_unsure_holds(verifier):
    cases = in_rows([case for case in Forge(12).cases(2_000) if case.kind == "at infinity"])

    assert set(_judge(verifier, cases).tolist()) == {UNSURE}


@needs_ifma
def test_verify__one_wrong_among_many__only_that_one_is_refused_holds(verifier):
    cases = in_rows([case for case in Forge(13).cases(1_200) if case.kind == "valid"])
    wrong = [5, 300, 511]
    cases.signatures[wrong, 40] ^= 1

    verdicts = _judge(verifier, cases)

    assert np.flatnonzero(verdicts != YES).tolist() == wrong


@needs_ifma
def test_verify__honest_signatures__are_never_unsure_holds(verifier):
    cases = in_rows([case for case in Forge(14).cases(3_000) if case.kind == "valid"])

    assert set(_judge(verifier, cases).tolist()) == {YES}


@needs_ifma
@pytest.mark.parametrize("numbers", [[-1], [10**6], [0, 0]])
def test_verify__unknown_key__rejects(verifier, numbers):
    rows = np.zeros((1, 32), np.uint8), np.zeros((1, 65), np.uint8)

    with pytest.raises(InvariantViolated, match="unknown key"):
        verifier.verify(*rows, np.array(numbers))


@needs_ifma
@pytest.mark.parametrize("which", ["key", "base"])
def test_verify__damaged_table__never_takes_wrong_for_right_holds(which):
    verifier = Simd()
    cases = in_rows(Forge(15).cases(4_000))
    numbers = verifier.add_keys(cases.keys)
    damaged = verifier._keys.blocks[0] if which == "key" else verifier._base
    chance = np.random.default_rng(16)
    flat = damaged.reshape(-1)
    places = chance.integers(flat.size, size=flat.size // 60)
    flat[places] ^= (1 << chance.integers(8, size=len(places))).astype(np.uint8)

    verdicts = verifier.verify(cases.digests, cases.signatures, numbers)

    answers = libsecp.verify_many(cases.digests, cases.signatures, cases.keys)
    assert (verdicts == UNSURE).sum() > 1_000
    assert not ((verdicts == YES) & ~answers).any()
    assert not ((verdicts == NO) & answers).any()


def test_start__no_ifma__is_unavailable_rejects(monkeypatch):
    monkeypatch.setattr(lanes, "has_ifma", lambda: False)

    with pytest.raises(SimdUnavailable, match="no AVX-512 IFMA"):
        Simd()


@needs_ifma
def test_start__compiler_fails__is_unavailable_rejects(monkeypatch):
    monkeypatch.setattr(kernel, "text", lambda: "nonsense")

    with pytest.raises(SimdUnavailable, match="LLVM ended"):
        Simd()


@needs_ifma
def test_start__wrong_tables__is_unavailable_rejects(monkeypatch):
    monkeypatch.setattr(simd, "_BASE_SHA256", "0" * 64)

    with pytest.raises(SimdUnavailable, match="multiples are wrong"):
        Simd()


@needs_ifma
@pytest.mark.parametrize("index", [0, 1, 511, 512, 513])
def test_start__wrong_answer__is_unavailable_rejects(monkeypatch, index):
    honest = Simd.verify

    def lying(self: Simd, *rows: np.ndarray) -> np.ndarray:
        verdicts = honest(self, *rows)
        verdicts[index] = (verdicts[index] + 1) % 3
        return verdicts

    monkeypatch.setattr(Simd, "verify", lying)

    with pytest.raises(SimdUnavailable, match="wrong answer"):
        Simd()
