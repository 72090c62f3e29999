"""Outcomes: bounded, once each, nobody left waiting."""

import asyncio

import pytest

from backend.engine.outcomes import Outcome, Outcomes
from backend.protocol.errors import (
    InvariantViolated,
)
from backend.protocol.hashing import ZERO_DIGEST
from tests.unit.engine.committee import (
    id_of,
)
from tests.unit.engine.nodes import pay


async def test_outcomes__older_than_the_limit__holds():
    class Final:
        block = type("Block", (), {"number": 1})

        def __init__(self, *orders):
            self.payment_ids = self.record_ids = tuple(map(id_of, orders))
            self.rejected_ids = ()

    outcomes = Outcomes(outcomes_max=1)
    outcomes.record(Final(pay(1, 0), pay(1, 1)))

    assert outcomes.get(id_of(pay(1, 0))) is None
    assert outcomes.get(id_of(pay(1, 1))) == Outcome.final(1)
    with pytest.raises(InvariantViolated):
        outcomes.record(Final(pay(1, 1)))


async def test_outcomes__nobody_waits_any_more__holds():
    outcomes = Outcomes()
    waiting = asyncio.create_task(outcomes.wait(ZERO_DIGEST, 5_000))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert outcomes._waiting == {}
