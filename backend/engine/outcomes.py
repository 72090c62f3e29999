"""How payments and groups ended, kept for a while in memory. Law: each ends once."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Self

from backend.engine.replica import FinalBlock
from backend.protocol.errors import check_invariant, error_class
from backend.protocol.hashing import Digest

OUTCOMES_MAX = 200_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an accepted order ended: in which block, and with which code if it was rejected."""

    block_number: int
    code: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether it was executed."""
        return self.code is None

    @classmethod
    def final(cls, block_number: int) -> Self:
        """Return the outcome of an order that was executed."""
        return cls(block_number)

    @classmethod
    def rejected(cls, block_number: int, code: str) -> Self:
        """Return the outcome of an order that could no longer be executed."""
        return cls(block_number, code)


class Outcomes:
    """The newest outcomes. Older ones are the projections' to tell."""

    def __init__(self, outcomes_max: int = OUTCOMES_MAX) -> None:
        self._outcomes_max = outcomes_max
        self._outcomes: OrderedDict[Digest, Outcome] = OrderedDict()
        self._waiting: dict[Digest, list[asyncio.Future[Outcome]]] = {}

    def get(self, payment_id: Digest) -> Outcome | None:
        """Return how a payment ended, if it did so lately."""
        return self._outcomes.get(payment_id)

    def record(self, final: FinalBlock) -> None:
        """Take a final block in, and tell those who wait."""
        number = final.block.number
        for ended_id in {**dict.fromkeys(final.payment_ids), **dict.fromkeys(final.record_ids)}:
            self._end(ended_id, Outcome.final(number))
        for ended_id, error_number in final.rejected_ids:
            self._end(ended_id, Outcome.rejected(number, error_class(error_number).code))
        while len(self._outcomes) > self._outcomes_max:
            self._outcomes.popitem(last=False)

    async def wait(self, payment_id: Digest, timeout_ms: int) -> Outcome | None:
        """Return the outcome when there is one, or None if there is none in time."""
        outcome = self._outcomes.get(payment_id)
        if outcome is not None or timeout_ms <= 0:
            return outcome
        future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(payment_id, []).append(future)
        try:
            return await asyncio.wait_for(future, timeout_ms / 1000)
        except TimeoutError:
            return None
        finally:
            waiting = self._waiting.get(payment_id)
            if waiting is not None and future in waiting:
                waiting.remove(future)
                if not waiting:
                    del self._waiting[payment_id]

    def _end(self, payment_id: Digest, outcome: Outcome) -> None:
        check_invariant(payment_id not in self._outcomes, "a payment ended twice", outcome=outcome)
        self._outcomes[payment_id] = outcome
        for future in self._waiting.pop(payment_id, ()):
            if not future.done():
                future.set_result(outcome)
