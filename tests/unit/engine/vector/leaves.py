"""Accounts for the trees' tests: close together, far apart, at both ends of a partition."""

from hypothesis import strategies as st

from backend.protocol.money import BalanceMinor
from backend.protocol.types import AccountId, Address, Leaf


def leaf(word: int) -> Leaf:
    return Leaf(Address(word.to_bytes(20)), word % 2**16, word % 2**64, BalanceMinor(word % 2**64))


ids = st.one_of(
    st.builds(
        lambda partition, place: partition << 24 | place, st.integers(0, 3), st.integers(0, 9)
    ),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 1, 2**24 - 1, 2**24, 2**31, 2**32 - 2, 2**32 - 1]),
).map(AccountId)
# Leaves of all widths; one of owner zero is no empty one.
leaves = st.integers(0, 2**160 - 1).map(leaf)
changes = st.dictionaries(ids, leaves, max_size=12)
"""What a step changes."""
