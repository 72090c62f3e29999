"""L1's facts in the blocks of a log: all of them, in order, none late (section 5)."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.independent.audit import Final
from tests.independent.codec import require
from tests.independent.deposits import Deposit
from tests.independent.records import Root
from tests.independent.state import Asset


@dataclass(frozen=True)
class Facts:
    """What L1 has, each fact with its L1 block."""

    listings: Sequence[tuple[int, Asset]]
    deposits: Sequence[tuple[int, Deposit]]
    roots: Sequence[tuple[int, Root]]

    def check(self, finals: Sequence[Final]) -> None:
        """Invalid if the blocks have other facts, one too early, or kept one waiting."""
        waiting: list[list[tuple[int, object]]]
        waiting = [list(self.listings), list(self.deposits), list(self.roots)]
        for final in finals:
            body = final.body
            used = (body.listings, body.deposits, body.roots)
            for facts, left in zip(used, waiting, strict=True):
                taken, left[:] = left[: len(facts)], left[len(facts) :]
                require([fact for _, fact in taken] == list(facts), "other facts than L1's next")
                numbers = [number for number, _ in taken]
                require(all(one <= body.l1_block_number for one in numbers), "a fact comes early")
            is_due = any(number <= final.l1_due for left in waiting for number, _ in left)
            require(any(used) or not is_due, "the facts of L1 are left out")
