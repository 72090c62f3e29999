"""How a hold's money is shared out.

- the reserve pays for a capture in full, and for a part with the return of the rest, to the unit
- an account is emptied to the unit; what is less than the fee of its own return stays
- fees that rose beyond the reserve; fees beyond the largest
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.access.custody.shares import capture_of, reserve_of, whole_of
from backend.access.settings import FeePolicy
from backend.protocol.errors import FeeNotRepresentable, FeeTooLow
from backend.protocol.money import FEE_MINOR_MAX, fee_byte

POLICIES = st.builds(FeePolicy, st.integers(0, 10**6), st.integers(0, 2_000))


@given(POLICIES, st.integers(1, 10**8), st.data())
def test_capture_of__any_part__moves_all_to_the_unit_holds(policy, amount_minor, data):
    captured_minor = data.draw(st.integers(1, amount_minor))
    surplus_minor = data.draw(st.integers(0, 1_000))
    reserve_minor = reserve_of(policy, amount_minor)
    balance_minor = amount_minor + reserve_minor + surplus_minor
    fee_byte(reserve_minor)
    if captured_minor == amount_minor and surplus_minor == 0:
        assert reserve_minor >= policy.needed_minor_up(amount_minor)
        return

    part, rest = capture_of(policy, balance_minor, captured_minor)

    parts = [part] if rest is None else [part, rest]
    assert part.amount_minor == captured_minor
    assert sum(one.amount_minor + one.fee_minor for one in parts) == balance_minor
    for one in parts:
        assert one.amount_minor > 0
        assert one.fee_minor >= policy.needed_minor_up(one.amount_minor)
        fee_byte(one.fee_minor)


@given(POLICIES, st.integers(0, 10**8))
def test_whole_of__any_balance__empties_it_to_the_unit_holds(policy, balance_minor):
    part = whole_of(policy, balance_minor)

    if part is None:
        assert balance_minor <= policy.fee_minor_up(1)
        return
    assert part.amount_minor > 0
    assert part.amount_minor + part.fee_minor == balance_minor
    assert part.fee_minor >= policy.needed_minor_up(part.amount_minor)


def test_whole_of__no_fees__is_all_holds():
    part = whole_of(FeePolicy(), 7)

    assert part is not None
    assert (part.amount_minor, part.fee_minor) == (7, 0)
    assert whole_of(FeePolicy(), 0) is None


def test_capture_of__fees_rose_beyond_the_reserve__rejects():
    with pytest.raises(FeeTooLow):
        capture_of(FeePolicy(500, 0), 1_020, 1_000)


def test_reserve_of__beyond_the_largest_fee__rejects():
    with pytest.raises(FeeNotRepresentable):
        reserve_of(FeePolicy(FEE_MINOR_MAX, 0), 5)
