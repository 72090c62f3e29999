"""What many latencies say together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# Limits of buckets, each a tenth above the one before: from 0.1 ms to over a minute.
_LIMITS_MS = 0.1 * 1.1 ** np.arange(142)


@dataclass(frozen=True, slots=True)
class Latencies:
    """Percentiles are exact; buckets are for a plot."""

    count: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    buckets: tuple[tuple[float, int], ...]
    """Those that aren't empty: the upper limit in milliseconds, and how many are in it."""

    def as_json(self) -> dict[str, Any]:
        """Return the same for a file."""
        return {
            "count": self.count,
            "p50_ms": self.p50_ms,
            "p99_ms": self.p99_ms,
            "max_ms": self.max_ms,
            "buckets": [list(bucket) for bucket in self.buckets],
        }


def summary(latencies_ms: Sequence[float]) -> Latencies:
    """Return what latencies say. A percentile is one of them: the least that so many don't exceed.
    What exceeds the last limit is counted in the last bucket.
    """
    if not latencies_ms:
        return Latencies(0, None, None, None, ())
    values = np.asarray(latencies_ms, dtype=np.float64)
    p50, p99, most = np.percentile(values, (50, 99, 100), method="inverted_cdf")
    places = np.minimum(np.searchsorted(_LIMITS_MS, values), len(_LIMITS_MS) - 1)
    counts = np.bincount(places)
    return Latencies(
        len(values),
        round(float(p50), 2),
        round(float(p99), 2),
        round(float(most), 2),
        tuple((round(float(_LIMITS_MS[i]), 3), int(counts[i])) for i in np.flatnonzero(counts)),
    )
