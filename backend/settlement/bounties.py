"""What an exit request costs."""

from typing import Final

_BOUNTY_GAS: Final = 4 * 300_000


def bounty_wei(base_fee_wei: int, floor_wei: int) -> int:
    """Return the least bounty of an exit request in a block of this base fee. What `Exits.bounty`
    answers won't do: nodes take the base fee for 0 in a call that names no gas price."""
    return _BOUNTY_GAS * max(base_fee_wei, floor_wei)
