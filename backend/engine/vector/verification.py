"""Who says whether signatures are right. Law: always what libsecp256k1 says.

The lanes are quick, and their YES is taken: but one in 64 is asked again of libsecp256k1, and each
NO and UNSURE. If they ever contradict each other, libsecp256k1 judges alone till the process ends.
docs/security/verification.md says what this is worth.
"""

import threading
from typing import Final, Literal

import numpy as np
import structlog
from numpy.typing import NDArray
from prometheus_client import Counter

from backend.engine.vector import libsecp
from backend.engine.vector.kernel import UNSURE, YES
from backend.engine.vector.libsecp import Bytes, Recovered
from backend.engine.vector.simd import Simd, SimdUnavailable
from backend.protocol.errors import check_invariant

log = structlog.get_logger(__name__)

VerifierName = Literal["libsecp256k1", "simd"]
Flags = NDArray[np.bool_]

ASKED_AGAIN_ONE_IN: Final = 64


class KeyInvalid(ValueError):
    """Bytes that are no point of the curve."""


class Verifier:
    """Keeps keys by number, and says which signatures they made. Threads may share it."""

    def __init__(
        self, wanted: VerifierName = "libsecp256k1", chance: np.random.Generator | None = None
    ) -> None:
        """Use the lanes if they are wanted and can be had. `chance` draws what is asked again."""
        self._simd: Simd | None = None
        if wanted == "simd":
            try:
                self._simd = Simd()
            except SimdUnavailable as error:
                log.warning("simd_unavailable", reason=str(error))
        self._chance = np.random.default_rng() if chance is None else chance
        self._keys = np.zeros((0, libsecp.KEY_BYTES), np.uint8)
        self._count = 0
        self._lock = threading.Lock()
        self.contradictions = Counter(
            "causeway_verifier_contradictions",
            "Signatures that the lanes and libsecp256k1 judged differently",
            registry=None,  # whoever shows metrics registers it
        )

    @property
    def name(self) -> VerifierName:
        """Who judges now."""
        return "libsecp256k1" if self._simd is None else "simd"

    def recover(self, digests: Bytes, signatures: Bytes) -> Recovered:
        """Return the keys of signers that aren't known yet."""
        return libsecp.recover_many(digests, signatures)

    def add_keys(self, keys: Bytes) -> NDArray[np.int64]:
        """Keep keys, uint8[n, 64]; return their numbers. Raises KeyInvalid, and keeps none then."""
        _, is_key = libsecp.parse_keys(keys)
        if not is_key.all():
            raise KeyInvalid(f"key {int(np.argmin(is_key))} is no point of the curve")
        with self._lock:
            first, count = self._count, self._count + len(keys)
            if count > len(self._keys):
                more = max(count, 2 * len(self._keys)) - len(self._keys)
                self._keys = np.pad(self._keys, ((0, more), (0, 0)))
            self._keys[first:count] = keys
            self._count = count
            numbers = np.arange(first, count)
            if (simd := self._simd) is not None:
                in_lanes = simd.add_keys(keys)
                check_invariant(np.array_equal(in_lanes, numbers), "a key of two numbers")
            return numbers

    def verify(self, digests: Bytes, signatures: Bytes, key_numbers: NDArray[np.int64]) -> Flags:
        """Return, as bool[n], which of uint8[n, 65] were made of uint8[n, 32] by these keys."""
        is_known = (key_numbers >= 0) & (key_numbers < self._count)
        check_invariant(bool(is_known.all()), "an unknown key")
        keys = self._keys[key_numbers]
        simd = self._simd
        if simd is None:
            return libsecp.verify_many(digests, signatures, keys)
        verdicts = simd.verify(digests, signatures, key_numbers)
        is_fine: Flags = verdicts == YES
        is_asked = ~is_fine | (self._chance.integers(ASKED_AGAIN_ONE_IN, size=len(verdicts)) == 0)
        answers = libsecp.verify_many(digests[is_asked], signatures[is_asked], keys[is_asked])
        contradicts = (verdicts[is_asked] != UNSURE) & (answers != is_fine[is_asked])
        if contradicts.any():
            self._give_up(digests[is_asked][contradicts], answers[contradicts])
            return libsecp.verify_many(digests, signatures, keys)
        is_fine[is_asked] = answers
        return is_fine

    def _give_up(self, digests: Bytes, answers: Flags) -> None:
        """Trust the lanes no more, and say it loudly."""
        self._simd = None
        self.contradictions.inc(len(digests))
        log.critical(
            "verifiers_contradict",
            wrongly_accepted=int((~answers).sum()),
            wrongly_refused=int(answers.sum()),
            first_digest=digests[0].tobytes().hex(),
        )
