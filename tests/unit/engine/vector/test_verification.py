"""Who judges signatures: always what libsecp256k1 says, whatever the lanes say.

- both verifiers, every kind of signature → as libsecp256k1 says; new keys while others are used
- what the lanes refuse or don't know is asked again, and some of what they accept, by chance
- a contradiction, either way: the answer is right, the lanes are given up, it is counted and logged
- lanes that can't be had, or narrow ones wanted → libsecp256k1
- keys that are no points, unknown numbers → rejects, and changes nothing
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from backend.access.metrics import Metrics
from backend.engine.vector import lanes, libsecp, verification
from backend.engine.vector.kernel import NO, UNSURE, YES
from backend.engine.vector.simd import Simd
from backend.engine.vector.verification import ASKED_AGAIN_ONE_IN, KeyInvalid, Verifier
from backend.protocol.errors import InvariantViolated
from tests.unit.engine.vector.programs import needs_ifma
from tests.unit.engine.vector.signatures import Cases, Forge, in_rows, public_key

CASES = in_rows(Forge(21).cases(1_500))
VALID = in_rows([case for case in Forge(22).cases(1_500) if case.kind == "valid"])

_NAMES = ["libsecp256k1", pytest.param("simd", marks=needs_ifma)]


def _verifier(name: str) -> Verifier:
    verifier = Verifier(name, np.random.default_rng(1))
    assert verifier.name == name
    return verifier


def _verified(verifier: Verifier, cases: Cases) -> np.ndarray:
    return verifier.verify(cases.digests, cases.signatures, verifier.add_keys(cases.keys))


def _answers(cases: Cases) -> np.ndarray:
    return libsecp.verify_many(cases.digests, cases.signatures, cases.keys)


@pytest.mark.parametrize("name", _NAMES)
def test_verify__every_kind_of_signature__as_libsecp_says_holds(name):
    verifier = _verifier(name)

    assert (_verified(verifier, CASES) == _answers(CASES)).all()
    assert verifier.name == name
    assert verifier.recover(CASES.digests, CASES.signatures).keys.any()


@pytest.mark.parametrize("name", _NAMES)
def test_verify__keys_added_meanwhile__holds(name):
    verifier = _verifier(name)
    expected = _answers(CASES)

    with ThreadPoolExecutor(3) as threads:
        futures = [threads.submit(_verified, verifier, CASES) for _ in range(6)]

    assert all((future.result() == expected).all() for future in futures)
    assert verifier.add_keys(CASES.keys[:1]).tolist() == [6 * len(CASES.keys)]


@pytest.fixture
def asked(monkeypatch) -> list[int]:
    """Return how many signatures libsecp256k1 was asked about, call by call."""
    counts: list[int] = []
    honest = libsecp.verify_many

    def counting(digests: np.ndarray, *rows: np.ndarray) -> np.ndarray:
        counts.append(len(digests))
        return honest(digests, *rows)

    monkeypatch.setattr(libsecp, "verify_many", counting)
    return counts


@needs_ifma
def test_verify__what_the_lanes_refuse__is_asked_again_holds(asked):
    verifier = _verifier("simd")
    refused = in_rows([case for case in Forge(23).cases(900) if case.kind == "wrong key"])
    asked.clear()

    assert not _verified(verifier, refused).any()
    assert asked == [len(refused.kinds)]


@needs_ifma
def test_verify__what_the_lanes_accept__is_asked_again_by_chance_holds(asked):
    verifier = _verifier("simd")
    numbers = verifier.add_keys(VALID.keys)
    asked.clear()

    for _ in range(40):
        assert verifier.verify(VALID.digests, VALID.signatures, numbers).all()

    expected = 40 * len(VALID.kinds) / ASKED_AGAIN_ONE_IN
    assert 0.7 * expected < sum(asked) < 1.4 * expected
    assert len(set(asked)) > 3


def _lying(monkeypatch: pytest.MonkeyPatch, honest_verdict: int, lie: int) -> None:
    """Have the lanes say `lie` wherever they would have said something else."""
    honest = Simd.verify

    def verify(self: Simd, *rows: np.ndarray) -> np.ndarray:
        verdicts = honest(self, *rows)
        verdicts[verdicts == honest_verdict] = lie
        return verdicts

    monkeypatch.setattr(Simd, "verify", verify)


@needs_ifma
@pytest.mark.parametrize(
    ("honest", "lie", "counted"),
    [(NO, YES, "wrongly_accepted"), (YES, NO, "wrongly_refused")],
)
def test_verify__lanes_that_lie__are_given_up_holds(monkeypatch, honest, lie, counted):
    verifier = _verifier("simd")
    _lying(monkeypatch, honest, lie)
    metrics = Metrics()
    metrics.registry.register(verifier.contradictions)

    with capture_logs() as logs:
        found = _verified(verifier, CASES)

    assert (found == _answers(CASES)).all()
    assert verifier.name == "libsecp256k1"
    (alarm,) = logs
    assert alarm["log_level"] == "critical"
    assert alarm["event"] == "verifiers_contradict"
    assert alarm[counted] > 0
    shown = next(
        line
        for line in generate_latest(metrics.registry).decode().splitlines()
        if line.startswith("causeway_verifier_contradictions_total ")
    )
    assert float(shown.split()[1]) == alarm["wrongly_accepted"] + alarm["wrongly_refused"]


@needs_ifma
def test_verify__after_lanes_were_given_up__goes_on_holds(monkeypatch):
    verifier = _verifier("simd")
    with monkeypatch.context() as patched:
        _lying(patched, YES, NO)
        _verified(verifier, CASES)

    assert (_verified(verifier, VALID) == _answers(VALID)).all()
    assert verifier.name == "libsecp256k1"


@needs_ifma
@pytest.mark.parametrize("honest", [YES, NO])
def test_verify__lanes_that_know_nothing__are_kept_holds(monkeypatch, honest):
    verifier = _verifier("simd")
    _lying(monkeypatch, honest, UNSURE)

    assert (_verified(verifier, CASES) == _answers(CASES)).all()
    assert verifier.name == "simd"


def test_verifier__lanes_that_cannot_be_had__is_libsecp_holds(monkeypatch):
    monkeypatch.setattr(lanes, "has_ifma", lambda: False)

    with capture_logs() as logs:
        verifier = Verifier("simd")

    assert verifier.name == "libsecp256k1"
    assert (_verified(verifier, CASES) == _answers(CASES)).all()
    (warning,) = logs
    assert warning["log_level"] == "warning"
    assert "IFMA" in warning["reason"]


def test_verifier__narrow_lanes_wanted__is_libsecp_holds(monkeypatch):
    monkeypatch.setenv("CAUSEWAY_NARROW", "1")
    program = f"from {verification.__name__} import Verifier; print(Verifier('simd').name)"

    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert shown.stdout.splitlines()[-1] == "libsecp256k1"


@pytest.mark.parametrize("name", _NAMES)
def test_add_keys__bytes_that_are_no_point__changes_nothing(name):
    verifier = _verifier(name)
    keys = np.frombuffer(public_key(5) + bytes(64), np.uint8).reshape(2, 64)

    with pytest.raises(KeyInvalid, match="key 1 is no point"):
        verifier.add_keys(keys)

    assert verifier.add_keys(keys[:1]).tolist() == [0]


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize("number", [-1, 1])
def test_verify__unknown_key__rejects(name, number):
    verifier = _verifier(name)
    verifier.add_keys(VALID.keys[:1])

    with pytest.raises(InvariantViolated, match="unknown key"):
        verifier.verify(VALID.digests[:1], VALID.signatures[:1], np.array([number]))


@pytest.mark.parametrize("name", _NAMES)
def test_verify__nothing__holds(name):
    verifier = _verifier(name)

    found = verifier.verify(VALID.digests[:0], VALID.signatures[:0], np.zeros(0, np.int64))

    assert found.shape == (0,)
