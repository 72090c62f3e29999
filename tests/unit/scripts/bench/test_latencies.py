"""Percentiles are latencies that happened; buckets hold them all."""

from scripts.bench.latencies import summary


def test_summary__hundred_latencies__percentiles_are_exact_succeeds():
    found = summary([float(ms) for ms in range(100, 0, -1)])

    assert (found.count, found.p50_ms, found.p99_ms, found.max_ms) == (100, 50, 99, 100)


def test_summary__buckets__hold_all_within_their_limits_holds():
    latencies_ms = [0.05, 0.1, 0.101, 5, 5.01, 70_000, 10_000_000]
    buckets = summary(latencies_ms).buckets

    assert sum(count for _, count in buckets) == len(latencies_ms)
    assert [upper for upper, _ in buckets] == sorted(upper for upper, _ in buckets)
    assert buckets[0] == (0.1, 2)
    upper = next(upper for upper, _ in buckets if upper > 1)
    assert upper / 1.1 < 5 < upper
    assert buckets[-1] == (buckets[-1][0], 2)
    assert buckets[-1][0] < 100_000  # what exceeds the last limit is counted there


def test_summary__nothing__says_nothing_succeeds():
    assert summary([]).as_json() == {
        "count": 0,
        "p50_ms": None,
        "p99_ms": None,
        "max_ms": None,
        "buckets": [],
    }
