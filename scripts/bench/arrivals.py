"""When orders arrive, and who pays: drawn from a seed, so that a run can be repeated."""

import numpy as np
from numpy.typing import NDArray

Moments = NDArray[np.float64]
Ranks = NDArray[np.int64]


def poisson(rate_per_s: float, seconds: float, seed: int) -> Moments:
    """Return the moments of arrivals that know nothing of each other, in seconds, ascending."""
    chance = np.random.default_rng(seed)
    count = chance.poisson(rate_per_s * seconds)
    return np.sort(chance.uniform(0, seconds, count))


def zipf(count: int, population: int, exponent: float, seed: int) -> Ranks:
    """Return who acts each time: the one of rank r, counted from 0, as often as (r + 1)^-exponent
    says.
    """
    weights = np.arange(1, population + 1, dtype=np.float64) ** -exponent
    chance = np.random.default_rng(seed)
    return chance.choice(population, count, p=weights / weights.sum())


def others(ranks: Ranks, population: int, seed: int) -> Ranks:
    """Return somebody else for each, all with the same chance."""
    steps = np.random.default_rng(seed).integers(1, population, len(ranks))
    return (ranks + steps) % population
