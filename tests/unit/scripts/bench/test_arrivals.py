"""Who pays when is drawn from a seed, in the shape that was asked for."""

import numpy as np

from scripts.bench.arrivals import others, poisson, zipf


def test_poisson__same_seed__holds():
    assert poisson(100, 5, seed=3).tolist() == poisson(100, 5, seed=3).tolist()
    assert poisson(100, 5, seed=3).tolist() != poisson(100, 5, seed=4).tolist()


def test_poisson__many_arrivals__has_its_rate_and_gaps_holds():
    moments = poisson(1_000, 20, seed=1)
    gaps = np.diff(moments)

    assert moments[0] >= 0
    assert moments[-1] < 20
    assert (gaps >= 0).all()
    assert abs(len(moments) - 20_000) < 4 * 20_000**0.5
    # Exponential gaps deviate by as much as they last.
    assert abs(gaps.std() / gaps.mean() - 1) < 0.05


def test_zipf__many_payers__are_as_unequal_as_said_holds():
    ranks = zipf(100_000, 1_000, 1.0, seed=1)
    counts = np.bincount(ranks, minlength=1_000)

    assert len(counts) == 1_000
    assert abs(counts[0] / counts[1] - 2) < 0.2
    assert abs(counts[0] / counts[9] - 10) < 1
    assert ranks.tolist() == zipf(100_000, 1_000, 1.0, seed=1).tolist()


def test_others__everybody__is_somebody_else_holds():
    ranks = zipf(5_000, 7, 1.0, seed=1)
    payees = others(ranks, 7, seed=2)

    assert (payees != ranks).all()
    assert set(payees.tolist()) == set(range(7))
