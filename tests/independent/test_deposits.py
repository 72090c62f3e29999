"""The nonce of a deposit by signature.

- golden vector, recomputed
"""

from tests.independent.deposits import deposit_nonce
from tests.independent.vectors import read_vector


def test_deposit_nonce__golden_vector__holds():
    *bound, nonce = read_vector("deposits")["authorization"].values()

    assert deposit_nonce(*bound) == nonce
