"""L1's facts in the blocks of a log: all of them, in order, none late (section 5)."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.independent.audit import Final
from tests.independent.blocks import Epoch
from tests.independent.codec import require
from tests.independent.deposits import Deposit
from tests.independent.exits import Exit
from tests.independent.records import Root
from tests.independent.state import Asset


def _has_turn(fact: tuple[int, object], l1_due: int, listed: int) -> bool:
    """A deposit waits for its asset to be listed; nothing else for anything."""
    number, what = fact
    return number <= l1_due and not (isinstance(what, Deposit) and what.asset_id > listed)


@dataclass(frozen=True)
class Facts:
    """What L1 has, each fact with its L1 block."""

    listings: Sequence[tuple[int, Asset]]
    deposits: Sequence[tuple[int, Deposit]]
    roots: Sequence[tuple[int, Root]]
    exits: Sequence[tuple[int, Exit]]
    epochs: Sequence[tuple[int, Epoch]]

    def check(self, finals: Sequence[Final]) -> None:
        """Invalid if the blocks have other facts, one too early, or kept one waiting."""
        all_facts = (self.listings, self.deposits, self.roots, self.exits)
        waiting: list[list[tuple[int, object]]] = [list(facts) for facts in all_facts]
        for final in finals:
            body = final.body
            used = (body.listings, body.deposits, body.roots, body.exits)
            for facts, left in zip(used, waiting, strict=True):
                listed = len(self.listings) - len(waiting[0])
                is_due = any(_has_turn(fact, final.l1_due, listed) for fact in left[:1])
                require(facts or not is_due, "the facts of L1 are left out")
                taken, left[:] = left[: len(facts)], left[len(facts) :]
                require([fact for _, fact in taken] == list(facts), "other facts than L1's next")
                numbers = [number for number, _ in taken]
                require(all(one <= body.l1_block_number for one in numbers), "a fact comes early")
            is_due = self._newer_epoch(final, final.l1_due) is not None
            require(body.epoch or not is_due, "the facts of L1 are left out")
            newest = self._newer_epoch(final, body.l1_block_number)
            require(body.epoch in (None, newest), "another epoch than L1's newest")

    def _newer_epoch(self, final: Final, l1_block_number: int) -> Epoch | None:
        """The newest that L1 had begun by then, if it follows the block's own."""
        begun = [epoch for number, epoch in self.epochs if number <= l1_block_number]
        newest = max(begun, key=lambda epoch: epoch.number, default=None)
        return newest if newest and newest.number > final.block.epoch else None
