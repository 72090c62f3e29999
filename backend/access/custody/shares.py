"""How a hold's money is shared out. Law: nothing is left over in silence; all in minor units.

The payer pays in the amount and a reserve: the fee of a capture, and of the leg that returns the
rest. A capture in full spends the reserve as its fee.
"""

from dataclasses import dataclass

from backend.access.settings import FeePolicy
from backend.protocol.errors import FeeTooLow
from backend.protocol.money import FEE_MINOR_MAX, fee_minor_up


@dataclass(frozen=True, slots=True)
class Part:
    """What one order moves: an amount, and a fee beside it."""

    amount_minor: int
    fee_minor: int


def reserve_of(policy: FeePolicy, amount_minor: int) -> int:
    """Return what the fees of a capture may come to, as a fee that can be encoded.

    Raises FeeNotRepresentable where it is beyond the largest fee.
    """
    return fee_minor_up(policy.fee_minor_up(amount_minor) + policy.fee_minor_up(1))


def whole_of(policy: FeePolicy, balance_minor: int) -> Part | None:
    """Return the order that empties an account to the unit, None if no fee leaves anything."""
    fee_minor = policy.fee_minor_up(0)
    while fee_minor < balance_minor:
        if fee_minor >= policy.needed_minor_up(balance_minor - fee_minor):
            return Part(balance_minor - fee_minor, fee_minor)
        if fee_minor == FEE_MINOR_MAX:
            return None
        fee_minor = fee_minor_up(fee_minor + 1)
    return None


def capture_of(
    policy: FeePolicy, balance_minor: int, amount_minor: int
) -> tuple[Part, Part | None]:
    """Return what goes to the payee and what goes back, which empties the account to the unit.

    Raises FeeTooLow if fees have risen so far that the rest can't be returned.
    """
    fee_minor = policy.fee_minor_up(amount_minor)
    rest_minor = balance_minor - amount_minor - fee_minor
    if rest_minor == 0:
        return Part(amount_minor, fee_minor), None
    rest = whole_of(policy, rest_minor)
    if rest is None:
        needed_minor = fee_minor + policy.fee_minor_up(1)
        raise FeeTooLow(needed_minor, balance_minor - amount_minor)
    return Part(amount_minor, fee_minor), rest
