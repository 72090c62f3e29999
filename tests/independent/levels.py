"""Who may hold a regulated asset: people's levels in the KYC registry (sections 5 and 10)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.independent.orders import Order

# Token, owner, L1 block up to which events count, and seconds.
MayHold = Callable[[bytes, bytes, int, int], bool]


def everybody(_token: bytes, _owner: bytes, _l1_block_number: int, _ts_s: int) -> bool:
    """No asset is regulated."""
    return True


@dataclass(frozen=True)
class Moment:
    """The time of a block, and the L1 block up to which it uses facts."""

    ts_s: int
    l1_block_number: int = 0
    may_hold: MayHold = everybody

    def is_eligible(self, order: Order) -> bool:
        people = (order.payer, order.payee) if order.kind == "payment" else ()
        return all(self._may_hold(order.asset, person) for person in people)

    def _may_hold(self, token: bytes, person: bytes) -> bool:
        return self.may_hold(token, person, self.l1_block_number, self.ts_s)


@dataclass(frozen=True)
class Attested:
    l1_block_number: int
    person: bytes
    attestor: bytes
    level: int
    expiry: int


@dataclass(frozen=True)
class Revoked:
    l1_block_number: int
    person: bytes


@dataclass(frozen=True)
class Dismissed:
    l1_block_number: int
    attestor: bytes


@dataclass(frozen=True)
class Levels:
    """The registry's events in L1's order, and the levels that regulated tokens ask for."""

    events: Sequence[Attested | Revoked | Dismissed]
    needed: dict[bytes, int]

    def may_hold(self, token: bytes, owner: bytes, l1_block_number: int, ts_s: int) -> bool:
        level_needed = self.needed.get(token, 0)
        return level_needed == 0 or self.level(owner, l1_block_number, ts_s) >= level_needed

    def level(self, person: bytes, l1_block_number: int, ts_s: int) -> int:
        """0 if nothing that is known by then counts at `ts_s`."""
        newest, dismissed = None, set[bytes]()
        for event in self.events:
            if event.l1_block_number > l1_block_number:
                break
            if isinstance(event, Dismissed):
                dismissed.add(event.attestor)
            elif event.person == person:
                newest = event
        if not isinstance(newest, Attested) or newest.attestor in dismissed:
            return 0
        return newest.level if newest.expiry >= ts_s else 0
