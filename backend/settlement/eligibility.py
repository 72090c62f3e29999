"""Who may hold a regulated asset, as the committee sees it (docs/PROTOCOL.md, section 5).

Law: an answer for an L1 block never changes. It follows from the KYC registry's events up to that
block. An attestation counts until it expires, its person is revoked, or its attestor is dismissed:
the registry may still trust what was recorded before a theft, the committee asks for it anew.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from backend.protocol.types import Address
from backend.settlement.events import (
    AttestorDismissed,
    ChainEvent,
    PersonAttested,
    PersonRevoked,
)


@dataclass(frozen=True, slots=True)
class _Standing:
    """What is known of a person from an L1 block on."""

    level: int
    expiry_ts_s: int
    attestor: Address


class Eligibility:
    """People's levels at each L1 block."""

    def __init__(self, levels_needed: Mapping[Address, int]) -> None:
        """`levels_needed` are those of the regulated tokens, above 0."""
        self._levels_needed = levels_needed
        self._blocks: defaultdict[Address, list[int]] = defaultdict(list)
        self._standings: defaultdict[Address, list[_Standing]] = defaultdict(list)
        self._dismissed: dict[Address, int] = {}

    def note(self, event: ChainEvent) -> None:
        """Take a confirmed event in; they come in the chain's order."""
        if not self._levels_needed:
            return
        if isinstance(event, PersonAttested):
            standing = _Standing(event.level, event.expiry_ts_s, event.attestor)
            self._stand(event.person, event.place.block.number, standing)
        elif isinstance(event, PersonRevoked):
            standing = _Standing(0, 0, event.attestor)
            self._stand(event.person, event.place.block.number, standing)
        elif isinstance(event, AttestorDismissed):
            self._dismissed.setdefault(event.attestor, event.place.block.number)

    def is_regulated(self, token: Address) -> bool:
        """Return whether holders need a level."""
        return token in self._levels_needed

    def may_hold(self, token: Address, owner: Address, *, to_l1_block: int, ts_s: int) -> bool:
        """Return whether the owner may hold the token at `ts_s`, by L1's facts up to a block."""
        level_needed = self._levels_needed.get(token, 0)
        return not level_needed or self._level(owner, to_l1_block, ts_s) >= level_needed

    def _stand(self, person: Address, l1_block: int, standing: _Standing) -> None:
        self._blocks[person].append(l1_block)
        self._standings[person].append(standing)

    def _level(self, person: Address, to_l1_block: int, ts_s: int) -> int:
        count = bisect_right(self._blocks.get(person, ()), to_l1_block)
        if count == 0:
            return 0
        standing = self._standings[person][count - 1]
        dismissed_at = self._dismissed.get(standing.attestor)
        is_trusted = dismissed_at is None or dismissed_at > to_l1_block
        return standing.level if standing.expiry_ts_s >= ts_s and is_trusted else 0
