"""How many signatures are verified a second: `python -m scripts.bench.signatures`.

The baseline is libsecp256k1's own verification with keys that are parsed beforehand. Both take
turns in one run, and the best of several rounds counts: others use the machine, too.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import coincurve
import numpy as np

from backend.engine.vector import libsecp
from backend.engine.vector.libsecp import Bytes
from backend.engine.vector.verification import Verifier
from backend.protocol.hashing import keccak
from backend.protocol.signing import PrivateKey
from scripts.demo.screen import Screen

_SIGNATURES = 16_384  # each of another key
_RAW_SIGNATURES = 2_048  # of these, in a round
_ROUNDS = 7
_THREADS = 2


def measure() -> dict[str, dict[str, float | str]]:
    """Return verifications a second: one thread's, and two threads' together."""
    digests, signatures, keys = _signed()
    verifier = Verifier("simd")
    numbers = verifier.add_keys(keys)
    parsed, _ = libsecp.parse_keys(keys)

    def raw(rows: slice) -> bool:
        found = libsecp.verify_unrecovered(digests[rows], signatures[rows], parsed[rows])
        return bool(found.all())

    def simd(rows: slice) -> bool:
        return bool(verifier.verify(digests[rows], signatures[rows], numbers[rows]).all())

    best: dict[str, float] = {}
    with ThreadPoolExecutor(_THREADS) as threads:
        for _ in range(_ROUNDS):
            for name, verify, count in (("raw", raw, _RAW_SIGNATURES), ("simd", simd, len(keys))):
                for thread_count in (1, _THREADS):
                    figure = f"{name} {thread_count}"
                    per_s = _per_s(threads, verify, count, thread_count)
                    best[figure] = max(best.get(figure, 0), per_s)
    return {
        "raw_verifications_per_s": _figures(best, "raw", "libsecp256k1"),
        "simd_verifications_per_s": {
            **_figures(best, "simd", verifier.name),
            "ratio": round(best["simd 1"] / best["raw 1"], 2),
            "ratio_two_threads": round(best["simd 2"] / best["raw 2"], 2),
        },
    }


def raw_verifications_per_s(thread_count: int) -> float:
    """Return how many signatures libsecp256k1 verifies by itself, with parsed keys."""
    digests, signatures, keys = (rows[:_RAW_SIGNATURES] for rows in _signed())
    parsed, _ = libsecp.parse_keys(keys)

    def raw(rows: slice) -> bool:
        found = libsecp.verify_unrecovered(digests[rows], signatures[rows], parsed[rows])
        return bool(found.all())

    with ThreadPoolExecutor(thread_count) as threads:
        return max(_per_s(threads, raw, len(keys), thread_count) for _ in range(_ROUNDS))


def _per_s(
    threads: ThreadPoolExecutor, verify: Callable[[slice], bool], count: int, thread_count: int
) -> float:
    share = count // thread_count
    shares = [slice(share * index, share * (index + 1)) for index in range(thread_count)]
    started = time.perf_counter()
    if not all(threads.map(verify, shares)):
        raise RuntimeError("an honest signature was refused")
    return count / (time.perf_counter() - started)


def _figures(best: dict[str, float], name: str, by: str) -> dict[str, float | str]:
    return {
        "value": round(best[f"{name} 1"]),
        "two_threads": round(best[f"{name} {_THREADS}"]),
        "by": by,
    }


@cache
def _signed() -> tuple[Bytes, Bytes, Bytes]:
    """Return digests, signatures and keys."""
    secrets = [keccak(b"bench, key" + index.to_bytes(4)) for index in range(_SIGNATURES)]
    digests = [keccak(b"bench, digest" + index.to_bytes(4)) for index in range(_SIGNATURES)]
    signatures = [
        PrivateKey(secret).sign_digest(digest)
        for secret, digest in zip(secrets, digests, strict=True)
    ]
    keys = [
        coincurve.PrivateKey(secret).public_key.format(compressed=False)[1:] for secret in secrets
    ]
    return _rows(digests), _rows(signatures), _rows(keys)


def _rows(strings: list[Any]) -> Bytes:
    return np.frombuffer(b"".join(strings), np.uint8).reshape(len(strings), -1)


def main() -> int:
    Screen().table({name: as_text(figures) for name, figures in measure().items()})
    return 0


def as_text(figures: dict[str, float | str]) -> str:
    """Return one of the figures as a line."""
    text = f"{figures['value']:,}, two threads {figures['two_threads']:,}, by {figures['by']}"
    if "ratio" in figures:
        text += f" ({figures['ratio']} times raw, two threads {figures['ratio_two_threads']} times)"
    return text


if __name__ == "__main__":
    sys.exit(main())
